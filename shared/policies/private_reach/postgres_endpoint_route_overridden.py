"""User-defined route that takes the way to a PostgreSQL private endpoint.

*What it finds.* A subnet with a private endpoint of a PostgreSQL server, whose network policies are on for
route tables, and whose own route table sends packets to the endpoint's address elsewhere than straight
there. Azure gives every endpoint a /32 route; with network policies on, a user-defined route that is at
least as specific as the prefix of the virtual network's space goes before it. A route for 0.0.0.0/0 does
not. Where the space of the network, the endpoint's address or the route table could not be read, and it
matters, it is unknown.

*Why it matters.* Clients in this subnet reach the database through whatever the route leads to, or not at
all. An appliance that has no rule for them looks like an outage of the database.

*What the change does.* Nothing is changed: a way through a firewall may be what its owner wants. The alert
has a route for each endpoint's address that goes straight there, or the switch that lets routes alone; or
allow the clients on the appliance.

*What it may break.* Nothing by itself. Without the route, traffic to the endpoint goes past the appliance.
The route tables of clients in other subnets decide in the same way; they are not read here.

*References.* Manage network policies for private endpoints (user-defined routes); Private Link for Azure
Database for PostgreSQL (validate the route table).
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from shared.model import Aspect, Finding, IPNetwork, Kind, Severity, SubnetSnapshot
from shared.model.networks import Route
from shared.nsg import common, spans_of, union
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, compliant, drifted, finding, unknown, with_evidence
from shared.posture.policy import SUBNETS, Policy
from shared.posture.route_commands import route_commands
from shared.posture.route_tables import (
    Diverted,
    Hop,
    Taken,
    beside_odd,
    diverted,
    leading,
    odd_reason,
    shown,
    spelled,
    still_sure,
    unread_routes,
)
from shared.posture.steps import OneOf, Way
from shared.posture.subnet_facts import routes_reach_endpoints, unplaced, without_endpoints
from shared.posture.unread import unread_reason

ID: Final = "postgres-endpoint-route-overridden"
SEVERITY: Final = Severity.MEDIUM
NOT_READ: Final = "the route tables of clients in other subnets decide in the same way and are not read"
_WITHOUT_ROUTES: Final = {"enabled": "NetworkSecurityGroupEnabled", "routetableenabled": "Disabled"}
"""A mode of network policies, and the one that lets routes alone and keeps the rest."""


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return finding(ID, SEVERITY, subnet, with_evidence(_judged(subnet), {"caveats": [NOT_READ]}))


def _judged(subnet: SubnetSnapshot) -> Judged:
    if settled := without_endpoints(subnet):
        return settled
    if (reached := routes_reach_endpoints(subnet)) is None:
        return unknown(f"privateEndpointNetworkPolicies is {subnet.endpoint_network_policies!r}")
    if not reached:
        return compliant("network policies for route tables are off: no route overrides an endpoint's own")
    if unread := unread_routes(subnet):
        return unknown(unread)
    table, odd = beside_odd(subnet)
    placed = still_sure(diverted(subnet, table, _placed(subnet)).surely, odd)
    if placed:
        return _surely(subnet, placed, odd)
    return (
        unknown(odd_reason(odd)) if odd else _verdict(subnet, diverted(subnet, table, _destinations(subnet)))
    )


def _surely(subnet: SubnetSnapshot, found: tuple[Taken, ...], odd: tuple[Route, ...]) -> Judged:
    """What is wrong about the endpoints whose address is known, whatever the rest is."""
    told = ", ".join(spelled(one) for one in found)
    beside = f"; {odd_reason(odd)}" if odd else ""
    straight = f"packets to a private endpoint do not go straight there: {told}{beside}"
    facts = {"routes": [shown(one) for one in found]}
    wrong = drifted(straight, leading(found), evidence=facts, what_to_do=(_cures(subnet, found),))
    return replace(wrong, resource_id=subnet.route_table_id)


def _verdict(subnet: SubnetSnapshot, found: Diverted) -> Judged:
    if taken := (*found.surely, *found.perhaps):
        told = ", ".join(spelled(one) for one in taken)
        return unknown(f"whether a private endpoint is reached straight is unknown: {told}, {_why(subnet)}")
    return compliant(f"no route here overrides an endpoint's own; {NOT_READ}")


def _cures(subnet: SubnetSnapshot, found: tuple[Taken, ...]) -> OneOf:
    """A route of its own for each address that is sent elsewhere touches nothing else."""
    spans = [span for taken in found for span in taken.spans]
    astray = [to for to in _destinations(subnet) if common(spans_of([to]), union(spans))]
    routes = route_commands(subnet, ((str(to), Hop.VIRTUAL_NETWORK) for to in astray))
    mode = _WITHOUT_ROUTES[subnet.endpoint_network_policies.lower()]
    update = f"az network vnet subnet update --ids {shlex.quote(str(subnet.id))}"
    return OneOf(
        ways=(
            Way(when="where the appliance is not meant to see what goes to these endpoints", steps=routes),
            Way(
                when="where no route is meant to decide on any endpoint in this subnet",
                steps=(f"{update} --private-endpoint-network-policies {mode}",),
            ),
        )
    )


def _why(subnet: SubnetSnapshot) -> str:
    if missing := unplaced(subnet):
        return f"and {'; '.join(missing)}"
    if subnet.virtual_network is None:
        return f"and {unread_reason(subnet, Aspect.VIRTUAL_NETWORK)}"
    return "which is no type of hop that is known"


def _placed(subnet: SubnetSnapshot) -> list[IPNetwork]:
    return [ip_network(address) for one in subnet.private_endpoints or () for address in one.addresses]


def _destinations(subnet: SubnetSnapshot) -> list[IPNetwork]:
    """The endpoints' addresses; anywhere in the subnet where one is not known."""
    return list(subnet.prefixes) if unplaced(subnet) else _placed(subnet)


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="A user-defined route overrides that to a PostgreSQL private endpoint",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SUBNET, Aspect.SUBNET_ENDPOINTS, Aspect.ROUTES, Aspect.VIRTUAL_NETWORK}),
    controls=(MCSB.NS_2,),
    evaluate=evaluate,
    opt_in=True,
    order=66,
    why="Clients reach the database through an appliance that may not know them, or not at all.",
)
