"""PostgreSQL server that nobody can reach: public access off, and no approved private endpoint.

*What it finds.* A flexible or single server whose public network access is disabled, that is not
VNet-integrated, and that has no private endpoint connection in state Approved. A connection that waits for
approval, or was rejected or cut, lets nobody in.

*Why it matters.* Without a public path and without an approved endpoint no traffic reaches the server at
all: clients are down, or will be with their next connection.

*What the change does.* None is made: opening a server, or giving it an endpoint in somebody's network, is
for its owner to decide. A person creates and approves a private endpoint, or enables public access with the
fewest addresses. Servers from before Private Link came to the service may not support an endpoint: those
must be restored into a new server, or stay public.

*What it may break.* Nothing: nobody is connected. Enabling public access puts dormant firewall rules in
force again.

*References.* Private Link for Azure Database for PostgreSQL (combined with firewall rules; supported
features).
"""

from __future__ import annotations

from typing import Final

from shared.model import (
    ConnectionStatus,
    Finding,
    Kind,
    PrivateEndpointConnection,
    PublicAccess,
    ServerSnapshot,
    Severity,
)
from shared.model.resource_id import ResourceId, free_name
from shared.posture.controls import AZURE_POLICY, CIS_DATABASES_2_0, MCSB
from shared.posture.endpoint_steps import (
    connection_command,
    endpoint_command,
    named_steps,
    naming_choice,
)
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, unknown
from shared.posture.policy import ALL_SERVERS, SERVER_ALONE, Policy
from shared.posture.private_dns import finding_with_steps
from shared.posture.steps import OneOf, Step, Way
from shared.posture.unread import connections_missing, public_access_said

ID: Final = "postgres-no-approved-private-endpoint"
SEVERITY: Final = Severity.MEDIUM
OLD_SERVER: Final = (
    "a server from before Private Link came to the service may not support private endpoints:"
    " then restore it into a new server"
)


def evaluate(server: ServerSnapshot) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, _judge(server))


def _judge(server: ServerSnapshot) -> Judged:
    if server.vnet_integrated:
        return beside_the_point("the server is VNet-integrated: it is reached through its subnet")
    match server.public_access:
        case PublicAccess.ENABLED:
            return compliant("public network access is enabled")
        case PublicAccess.UNKNOWN:
            return unknown(public_access_said(server))
        case PublicAccess.DISABLED:
            return _judge_closed(server)


def _judge_closed(server: ServerSnapshot) -> Judged:
    connections = server.private_endpoints
    if connections is None:
        return unknown(connections_missing(server))
    states = {"connections": sorted(f"{one.id.name}: {one.status}".lower() for one in connections)}
    if any(one.status is ConnectionStatus.APPROVED for one in connections):
        return compliant("an approved private endpoint exists", states)
    if any(one.status is ConnectionStatus.UNKNOWN for one in connections):
        unsure = "whether a private endpoint connection is approved is not known"
        return unknown(unsure, states)
    reason = f"nobody can connect: public network access is disabled and {_lacking(connections)}"
    facts = {**states, "note": OLD_SERVER}
    return drifted(reason, "no way in", what_to_do=_todo(server, connections), evidence=facts)


def _lacking(connections: tuple[PrivateEndpointConnection, ...]) -> str:
    if not connections:
        return "there is no private endpoint"
    return f"none of {len(connections)} private endpoint connections is approved"


def _todo(server: ServerSnapshot, connections: tuple[PrivateEndpointConnection, ...]) -> tuple[Step, ...]:
    """An endpoint in a subnet that its owner chooses; or what waits is approved, by who knows whose it is."""
    where = _endpoint(server, connections)
    made = endpoint_command(server.id, where, "<id of a subnet>")
    waiting = sorted(one.id for one in connections if one.status is ConnectionStatus.PENDING)
    if not waiting:
        return made, naming_choice(server, where)
    own = Way(
        when="where you do not know who waits to be let in",
        steps=(made, *named_steps(server, where)),
    )
    return (OneOf(ways=(own, *map(_approved, waiting))),)


def _approved(connection: ResourceId) -> Way:
    when = f"where the network of {connection.name} is to be let in"
    return Way(when=when, steps=(connection_command("approve", connection),))


def _endpoint(server: ServerSnapshot, connections: tuple[PrivateEndpointConnection, ...]) -> ResourceId:
    """A new one: an endpoint that is there already, and waits or was rejected, keeps its name."""
    scope = f"/subscriptions/{server.id.subscription}/resourceGroups/{server.id.resource_group}"
    taken = [one.endpoint.name for one in connections if one.endpoint is not None]
    name = free_name(f"{server.id.name}-endpoint", taken)
    return ResourceId(f"{scope}/providers/Microsoft.Network/privateEndpoints/{name}")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server has neither public access nor an approved private endpoint",
    kind=Kind.CONNECTIVITY,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    further_permissions=("Microsoft.Network/privateEndpoints/read",),  # where its events lead
    controls=(
        *(CIS_DATABASES_2_0.P_6_4, AZURE_POLICY.PRIVATE_ENDPOINT_FLEXIBLE),
        *(AZURE_POLICY.PRIVATE_ENDPOINT_SINGLE, MCSB.NS_2),
    ),
    evaluate=evaluate,
    why="Nobody can connect to the server: neither the public path nor a private endpoint lets anyone in.",
)
