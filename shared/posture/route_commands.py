"""Commands that put user-defined routes right: azure-cli 2.91.0, one line each, quoted for a POSIX shell.

A route table holds one route for a prefix, so one that is there is made anew under its name, and what is new
is called by its prefix, so that no two commands write one route. It is not updated: ``route update`` keeps
the address of the appliance, which Azure refuses beside any other type of hop. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.model import SubnetSnapshot
from shared.model.networks import RouteTable
from shared.model.resource_id import free_name
from shared.nsg import minus, spans_of
from shared.posture.route_tables import Hop, Taken
from shared.posture.shell import az, place


def route_commands(subnet: SubnetSnapshot, cures: Iterable[tuple[str, Hop]]) -> tuple[str, ...]:
    """One command for each prefix or tag and the hop that it is to have; none without a route table."""
    table = subnet.route_table
    if table is None:
        return ()
    return tuple(_command(table, prefix, hop) for prefix, hop in dict.fromkeys(cures))


def drop_command(subnet: SubnetSnapshot, name: str) -> str:
    """Takes a route out of the subnet's table."""
    table = subnet.route_table_id
    if table is None:
        return f"remove route {name!r}"
    options = {**place(table), "--route-table-name": table.name, "--name": name}
    return az("network route-table route delete", options)


def dropping(subnet: SubnetSnapshot, taken: Taken) -> tuple[str, ...]:
    """The route away; said first where it holds back more than is asked, which may be what it is for."""
    step = taken.step
    more = step.network is not None and minus(spans_of([step.network]), taken.spans)
    wide = (
        f"route {step.name!r} loses packets to all of {step.prefix}: delete it only where none are to be lost"
    )
    return (*((wide,) if more else ()), drop_command(subnet, step.name))


def _command(table: RouteTable, prefix: str, hop: Hop) -> str:
    names = {route.prefix.strip().lower(): route.name for route in table.routes}
    called = f"driftward-{re.sub('[^a-z0-9]+', '-', prefix.lower())}"
    name = names.get(prefix.lower()) or free_name(called, names.values())
    options = {
        **place(table.id),
        "--route-table-name": table.id.name,
        "--name": name,
        "--address-prefix": prefix,
        "--next-hop-type": str(hop),
    }
    return az("network route-table route create", options)


def service_endpoint_command(subnet: SubnetSnapshot, service: str) -> str:
    """Adds a service endpoint, which brings routes of its own; those that are there are named with it."""
    kept = sorted({*(subnet.service_endpoints or ()), service})
    return az("network vnet subnet update", {"--ids": str(subnet.id), "--service-endpoints": kept})
