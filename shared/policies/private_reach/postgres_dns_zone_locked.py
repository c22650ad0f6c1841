"""VNet-integrated PostgreSQL server whose private DNS zone is locked.

*What it finds.* A management lock (ReadOnly or CanNotDelete) that holds for the private DNS zone of a
VNet-integrated flexible server: on the zone itself, on its resource group or subscription, or on a record in
it. Locks on links of the zone are left out. A level that is not known is unknown.

*Why it matters.* The service rewrites the server's record when it fails over to its standby, restores or
moves it. A lock refuses that: the name keeps leading to an address where nobody answers.

*What the change does.* None is made: a lock is somebody's decision. A person removes it, or moves what it is
meant to protect out of its reach; who may write the zone is better limited by roles.

*What it may break.* Whatever else the lock protects, when it stands on a resource group or subscription.

*References.* Networking with private access for Azure Database for PostgreSQL and high availability (private
DNS zone, locks); management locks of Azure Resource Manager. No framework among the project's controls
states it.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity
from shared.model.parts import ManagementLock
from shared.model.resource_id import ResourceId
from shared.posture.findings import Judged, beside_the_point, unknown, with_evidence
from shared.posture.management_locks import holds_for, judge_locks
from shared.posture.policy import FLEXIBLE_SERVERS, Policy
from shared.posture.private_dns import finding_with_steps
from shared.posture.unread import unread_reason

ID: Final = "postgres-dns-zone-locked"
SEVERITY: Final = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, _judge(server))


def _judge(server: ServerSnapshot) -> Judged:
    zone = server.private_dns_zone
    if not server.vnet_integrated or zone is None:
        return beside_the_point("the server has no private DNS zone of its own")
    if server.dns_locks is None:
        return unknown(unread_reason(server, Aspect.DNS_LOCKS))
    held = [lock for lock in server.dns_locks if holds_for(lock, zone) or _is_on_record(lock, zone)]
    harm = f"a failover cannot update zone {zone.name}"
    return with_evidence(judge_locks(held, f"zone {zone.name}", harm), {"zone": str(zone)})


def _is_on_record(lock: ManagementLock, zone: ResourceId) -> bool:
    """The list also has what lies on the zone's links."""
    scope = lock.scope.lower()
    return scope.startswith(f"{zone.key}/") and not scope.startswith(f"{zone.key}/virtualnetworklinks/")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="The private DNS zone of a VNet-integrated PostgreSQL server is locked",
    kind=Kind.CONNECTIVITY,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.DNS_LOCKS}),
    evaluate=evaluate,
    opt_in=True,
    why="After a failover the server's name keeps leading to an address where nobody answers.",
)
