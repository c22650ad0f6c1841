"""PostgreSQL private endpoint connection that is pending, rejected or disconnected.

*What it finds.* A private endpoint connection of a flexible or single server whose state is Pending,
Rejected or Disconnected. A state that is none of Azure's known ones is unknown.

*Why it matters.* No traffic passes such an endpoint, while the names and addresses around it may say
otherwise: clients in that network cannot connect. A pending one may also be an attempt by somebody else's
subscription to reach the server.

*What the change does.* None is made: who may connect is for the server's owner to decide. A person approves
or rejects what is pending, has a rejected endpoint removed, and deletes and creates anew one that is
disconnected.

*What it may break.* Approving lets the endpoint's network in; deleting a connection that is not approved cuts
off nobody.

*References.* Private Link for Azure Database for PostgreSQL; private endpoint overview (connection states);
Azure Policy 5375a5bb-22c6-46d7-8a43-83417cfb4460 (flexible) and 0564d078-92f5-4f97-8398-b9f58a51f70b
(single); MCSB NS-2.
"""

from __future__ import annotations

from typing import Final

from shared.model import (
    Aspect,
    ConnectionStatus,
    Finding,
    Kind,
    PrivateEndpointConnection,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.posture.policy import Control, Policy
from shared.posture.private_dns import COMPLIANT, NON_COMPLIANT, UNKNOWN, About, Verdict, az, finding

ABOUT: Final = About(policy="postgres-private-endpoint-not-approved", severity=Severity.MEDIUM)

_CLOSED: Final = (ConnectionStatus.PENDING, ConnectionStatus.REJECTED, ConnectionStatus.DISCONNECTED)


def evaluate(server: ServerSnapshot) -> Finding:
    closed = [one for one in server.private_endpoints or () if one.status in _CLOSED]
    drift = "; ".join(sorted(f"{one.id}: {one.status}".lower() for one in closed))
    return finding(ABOUT, server, _judge(server, closed), drift)


def _judge(server: ServerSnapshot, closed: list[PrivateEndpointConnection]) -> Verdict:
    if server.private_endpoints is None:
        return Verdict(state=UNKNOWN, reason="the private endpoint connections could not be read")
    if not server.private_endpoints:
        return Verdict(state=COMPLIANT, reason="there is no private endpoint connection", applies=False)
    ordered = sorted(server.private_endpoints, key=lambda one: one.id.key)
    facts = {"connections": [_shown(one) for one in ordered]}
    if closed:
        told = ", ".join(f"{one.id.name} is {one.status}" for one in ordered if one in closed)
        todo = tuple(step for one in ordered if one in closed for step in _todo(one))
        reason = f"private endpoint connection {told}"
        return Verdict(state=NON_COMPLIANT, reason=reason, facts=facts, todo=todo)
    if any(one.status is ConnectionStatus.UNKNOWN for one in ordered):
        unsure = "the state of a private endpoint connection is not known"
        return Verdict(state=UNKNOWN, reason=unsure, facts=facts)
    return Verdict(state=COMPLIANT, reason="every private endpoint connection is approved", facts=facts)


def _shown(one: PrivateEndpointConnection) -> dict[str, str | None]:
    endpoint = str(one.endpoint) if one.endpoint is not None else None
    return {"connection": one.id.name, "status": str(one.status), "endpoint": endpoint}


def _todo(one: PrivateEndpointConnection) -> list[str]:
    base = ("network", "private-endpoint-connection")
    if one.status is ConnectionStatus.PENDING:
        return [az(*base, verb, "--id", str(one.id)) for verb in ("approve", "reject")]
    return [az(*base, "delete", "--yes", "--id", str(one.id))]


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="A private endpoint connection of a PostgreSQL server is not approved",
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
    why="Clients in the endpoint's network cannot connect, or somebody waits to be let in.",
)
