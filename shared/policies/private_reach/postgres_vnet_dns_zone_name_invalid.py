"""VNet-integrated PostgreSQL server whose private DNS zone has a name that cannot serve it.

*What it finds.* A VNet-integrated flexible server whose private DNS zone does not end with the service's
suffix (``.postgres.database.azure.com`` in public Azure), is not of the form ``[name].`` or
``[name1].[name2].`` before it, or has the server's own name as its single label. The suffix is read from the
server's host name; without one it is unknown.

*Why it matters.* The server's public name is an alias into that zone. With another name the zone cannot be
linked or resolved, and a zone that is named like the server hides the server's own name: resolution fails.

*What the change does.* None is made: a zone is not renamed but replaced, together with its links. A person
creates a zone with a fitting name, links it, and gives it to the server.

*What it may break.* While the server moves to another zone, its name may not resolve; the zone cannot be
changed while high availability is on.

*References.* Networking with private access for Azure Database for PostgreSQL (use a private DNS zone;
private DNS zone and virtual network peering).
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity
from shared.model.dns_names import canonical, record_name, service_suffix
from shared.model.resource_id import ResourceId
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, unknown
from shared.posture.own_zone_steps import making, own_zone
from shared.posture.policy import FLEXIBLE_SERVERS, SERVER_ALONE, Policy
from shared.posture.private_dns import finding_with_steps

ID: Final = "postgres-vnet-dns-zone-name-invalid"
SEVERITY: Final = Severity.MEDIUM

MOST_LABELS: Final = 2


def evaluate(server: ServerSnapshot) -> Finding:
    zone = server.private_dns_zone
    return finding_with_steps(ID, SEVERITY, server, _judge(server, zone))


def _judge(server: ServerSnapshot, zone: ResourceId | None) -> Judged:
    if not server.vnet_integrated or zone is None:
        return beside_the_point("the server has no private DNS zone of its own")
    name, suffix = canonical(zone.name), service_suffix(server.host_name)
    facts = {"zone": str(zone), "zoneName": name, "suffix": suffix, "server": _labels_of(server)}
    if not suffix:
        untold = f"the service's suffix cannot be told from the server's host name {server.host_name!r}"
        return unknown(untold, facts)
    wrong = _wrong(name, suffix, _labels_of(server))
    if wrong is None:
        return compliant(f"zone {name} can serve the server", facts)
    steps = making(server, own_zone(server, zone, suffix))
    return drifted(f"zone {name} {wrong}", str(zone).lower(), what_to_do=steps, evidence=facts)


def _labels_of(server: ServerSnapshot) -> list[str]:
    """What the server is called: its resource's name, and the first label of its host name."""
    return sorted({server.id.name.lower(), record_name(server.host_name)} - {""})


def _wrong(zone: str, suffix: str, servers: list[str]) -> str | None:
    """What is wrong with a zone's name; None for one that can serve."""
    if not zone.endswith(f".{suffix}"):
        return f"does not end with .{suffix}"
    labels = zone.removesuffix(f".{suffix}").split(".")
    if len(labels) > MOST_LABELS or not all(labels):
        return f"is not of the form [name].{suffix} or [name1].[name2].{suffix}"
    if len(labels) == 1 and labels[0] in servers:
        return "is named like the server: its name cannot be resolved"
    return None


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="The private DNS zone of a VNet-integrated PostgreSQL server has a name that cannot serve it",
    kind=Kind.CONNECTIVITY,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(MCSB.NS_10,),
    evaluate=evaluate,
    why="The server's name does not resolve in its own network.",
)
