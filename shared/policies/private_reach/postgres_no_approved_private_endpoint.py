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
features); CIS Azure Database Services 2.0.0 6.4; Azure Policy 5375a5bb-22c6-46d7-8a43-83417cfb4460
(flexible) and 0564d078-92f5-4f97-8398-b9f58a51f70b (single); MCSB NS-2.
"""

from __future__ import annotations

from typing import Final

from shared.model import (
    Aspect,
    ConnectionStatus,
    Finding,
    Kind,
    PrivateEndpointConnection,
    PublicAccess,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.posture.policy import Control, Policy
from shared.posture.private_dns import COMPLIANT, NON_COMPLIANT, UNKNOWN, About, Verdict, az, az_at, finding

ABOUT: Final = About(policy="postgres-no-approved-private-endpoint", severity=Severity.MEDIUM)
OLD_SERVER: Final = (
    "a server from before Private Link came to the service may not support private endpoints:"
    " then restore it into a new server"
)


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ABOUT, server, _judge(server), "no way in")


def _judge(server: ServerSnapshot) -> Verdict:
    if server.vnet_integrated:
        inside = "the server is VNet-integrated: it is reached through its subnet"
        return Verdict(state=COMPLIANT, reason=inside, applies=False)
    match server.public_access:
        case PublicAccess.ENABLED:
            return Verdict(state=COMPLIANT, reason="public network access is enabled")
        case PublicAccess.UNKNOWN:
            return Verdict(state=UNKNOWN, reason="publicNetworkAccess is not known")
        case PublicAccess.DISABLED:
            return _judge_closed(server)


def _judge_closed(server: ServerSnapshot) -> Verdict:
    connections = server.private_endpoints
    if connections is None:
        return Verdict(state=UNKNOWN, reason="the private endpoint connections could not be read")
    states = {"connections": sorted(f"{one.id.name}: {one.status}".lower() for one in connections)}
    if any(one.status is ConnectionStatus.APPROVED for one in connections):
        return Verdict(state=COMPLIANT, reason="an approved private endpoint exists", facts=states)
    if any(one.status is ConnectionStatus.UNKNOWN for one in connections):
        unsure = "whether a private endpoint connection is approved is not known"
        return Verdict(state=UNKNOWN, reason=unsure, facts=states)
    return Verdict(
        state=NON_COMPLIANT,
        reason=f"nobody can connect: public network access is disabled and {_lacking(connections)}",
        facts={**states, "note": OLD_SERVER},
        todo=_todo(server, connections),
    )


def _lacking(connections: tuple[PrivateEndpointConnection, ...]) -> str:
    if not connections:
        return "there is no private endpoint"
    return f"none of {len(connections)} private endpoint connections is approved"


def _todo(server: ServerSnapshot, connections: tuple[PrivateEndpointConnection, ...]) -> tuple[str, ...]:
    """Approve what waits; where nothing does, make an endpoint in a subnet that its owner chooses."""
    waiting = sorted(one.id for one in connections if one.status is ConnectionStatus.PENDING)
    if waiting:
        return tuple(
            az("network", "private-endpoint-connection", "approve", "--id", str(one)) for one in waiting
        )
    words = ("network", "private-endpoint", "create", "--name", f"{server.id.name}-endpoint")
    leads = ("--private-connection-resource-id", str(server.id), "--group-id", "postgresqlServer")
    return (
        az_at(server.id, *words, "--connection-name", server.id.name, *leads, "--subnet", "<id of a subnet>"),
    )


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL server has neither public access nor an approved private endpoint",
    kind=Kind.CONNECTIVITY,
    targets=frozenset({TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER}),
    severity=ABOUT.severity,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER}),
    permissions=(
        "Microsoft.DBforPostgreSQL/flexibleServers/read",
        "Microsoft.DBforPostgreSQL/servers/read",
        "Microsoft.Network/privateEndpoints/read",  # where an event about an endpoint leads
    ),
    controls=(
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.4",
            title="PostgreSQL servers are reached through private endpoints",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="5375a5bb-22c6-46d7-8a43-83417cfb4460",
            title="Private endpoint should be enabled for PostgreSQL flexible servers",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="0564d078-92f5-4f97-8398-b9f58a51f70b",
            title="Private endpoint should be enabled for PostgreSQL servers",
        ),
        Control(
            framework="MCSB",
            version="v1",
            id="NS-2",
            title="Secure cloud native services with network controls",
        ),
    ),
    evaluate=evaluate,
    why="Nobody can connect to the server: neither the public path nor a private endpoint lets anyone in.",
)
