"""Commands that put user-defined routes right: azure-cli 2.91.0, one line each, quoted for a POSIX shell.

A route table holds one route for a prefix, so one that is there is changed, and what is new gets a name that
is free. Pure.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from shared.model import SubnetSnapshot
from shared.model.parts import RouteTable
from shared.model.resource_id import free_name
from shared.posture.route_tables import Hop


def route_commands(subnet: SubnetSnapshot, cures: Iterable[tuple[str, Hop]]) -> tuple[str, ...]:
    """One command for each prefix or tag and the hop that it is to have; none without a route table."""
    table = subnet.route_table
    if table is None:
        return ()
    wanted = enumerate(dict.fromkeys(cures), start=1)
    return tuple(_command(table, number, prefix, hop) for number, (prefix, hop) in wanted)


def _command(table: RouteTable, number: int, prefix: str, hop: Hop) -> str:
    names = {route.prefix.strip().lower(): route.name for route in table.routes}
    there = names.get(prefix.lower())
    name = there or free_name(f"driftward-{number}", names.values())
    verb = "update" if there else "create"
    where = (
        f"--subscription {table.id.subscription} --resource-group {shlex.quote(table.id.resource_group)}"
        f" --route-table-name {shlex.quote(table.id.name)}"
    )
    route = f"--name {shlex.quote(name)} --address-prefix {prefix} --next-hop-type {hop}"
    return f"az network route-table route {verb} {where} {route}"
