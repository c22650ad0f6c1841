"""PostgreSQL private endpoint connection that is pending, rejected or disconnected.

*What it finds.* A private endpoint connection of a flexible or single server whose state is Pending,
Rejected or Disconnected. A state that is none of Azure's known ones is unknown.

*Why it matters.* No traffic passes such an endpoint, while the names and addresses around it may say
otherwise: clients in that network cannot connect. A pending one may also be an attempt by somebody else's
subscription to reach the server.

*What the change does.* None is made: who may connect is for the server's owner to decide. A person approves
or rejects what is pending; one that was rejected or cut is removed, or made anew where it is needed.

*What it may break.* Approving lets the endpoint's network in; deleting a connection that is not approved cuts
off nobody.

*References.* Private Link for Azure Database for PostgreSQL; private endpoint overview (connection states).
"""

from __future__ import annotations

from typing import Final

from shared.model import ConnectionStatus, Finding, Kind, PrivateEndpointConnection, ServerSnapshot, Severity
from shared.posture.controls import AZURE_POLICY, MCSB
from shared.posture.endpoint_steps import closed_choice
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, unknown
from shared.posture.policy import ALL_SERVERS, SERVER_ALONE, Policy
from shared.posture.private_dns import finding_with_steps
from shared.posture.unread import connections_missing, status_unknown

ID: Final = "postgres-private-endpoint-not-approved"
SEVERITY: Final = Severity.MEDIUM

_CLOSED: Final = (ConnectionStatus.PENDING, ConnectionStatus.REJECTED, ConnectionStatus.DISCONNECTED)


def evaluate(server: ServerSnapshot) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, _judge(server))


def _judge(server: ServerSnapshot) -> Judged:
    if server.private_endpoints is None:
        return unknown(connections_missing(server))
    if not server.private_endpoints:
        return beside_the_point("there is no private endpoint connection")
    ordered = sorted(server.private_endpoints, key=lambda one: one.id.key)
    facts = {"connections": [_shown(one) for one in ordered]}
    if closed := [one for one in ordered if one.status in _CLOSED]:
        told = ", ".join(f"{one.id.name} is {one.status}" for one in closed)
        todo = tuple(closed_choice(server, one) for one in closed)
        drift = "; ".join(sorted(f"{one.id}: {one.status}".lower() for one in closed))
        return drifted(f"private endpoint connection {told}", drift, what_to_do=todo, evidence=facts)
    if unsure := status_unknown(server):
        return unknown(unsure, facts)
    return compliant("every private endpoint connection is approved", facts)


def _shown(one: PrivateEndpointConnection) -> dict[str, str | None]:
    endpoint = str(one.endpoint) if one.endpoint is not None else None
    return {"connection": one.id.name, "status": str(one.status), "endpoint": endpoint}


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A private endpoint connection of a PostgreSQL server is not approved",
    kind=Kind.CONNECTIVITY,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    further_permissions=("Microsoft.Network/privateEndpoints/read",),  # where its events lead
    controls=(AZURE_POLICY.PRIVATE_ENDPOINT_FLEXIBLE, AZURE_POLICY.PRIVATE_ENDPOINT_SINGLE, MCSB.NS_2),
    evaluate=evaluate,
    why="Clients in the endpoint's network cannot connect, or somebody waits to be let in.",
)
