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
from shared.posture.dns_commands import az
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, unknown
from shared.posture.policy import FLEXIBLE_SERVERS, Policy
from shared.posture.private_dns import finding_with_steps
from shared.posture.unread import unread_reason

ID: Final = "postgres-dns-zone-locked"
SEVERITY: Final = Severity.MEDIUM

_BLOCKING: Final = frozenset({"readonly", "cannotdelete"})


def evaluate(server: ServerSnapshot) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, _judge(server))


def _judge(server: ServerSnapshot) -> Judged:
    zone = server.private_dns_zone
    if not server.vnet_integrated or zone is None:
        return beside_the_point("the server has no private DNS zone of its own")
    if server.dns_locks is None:
        return unknown(unread_reason(server, Aspect.DNS_LOCKS))
    held = sorted((lock for lock in server.dns_locks if _concerns(lock, zone)), key=_id)
    facts = {"zone": str(zone), "locks": [_shown(lock) for lock in held]}
    blocking = [lock for lock in held if lock.level.lower() in _BLOCKING]
    if blocking:
        told = ", ".join(f"{lock.name} ({lock.level}) on {lock.scope}" for lock in blocking)
        todo = tuple(az("lock", "delete", "--ids", _id(lock)) for lock in blocking)
        reason = f"a failover cannot update zone {zone.name}: lock {told}"
        return drifted(reason, reason.lower(), what_to_do=todo, evidence=facts)
    if held:
        level = f"level {held[0].level!r}" if held[0].level else "no level"
        unsure = f"what lock {held[0].name} of {level} refuses is not known"
        return unknown(unsure, facts)
    return compliant(f"no lock holds for zone {zone.name}", facts)


def _concerns(lock: ManagementLock, zone: ResourceId) -> bool:
    """Whether it holds for the zone or for a record in it; the list also has what lies on its links."""
    scope = lock.scope.rstrip("/").lower()
    return f"{zone.key}/".startswith(f"{scope}/") or (
        scope.startswith(f"{zone.key}/") and not scope.startswith(f"{zone.key}/virtualnetworklinks/")
    )


def _id(lock: ManagementLock) -> str:
    return f"{lock.scope}/providers/Microsoft.Authorization/locks/{lock.name}"


def _shown(lock: ManagementLock) -> dict[str, str]:
    return {"name": lock.name, "level": lock.level, "scope": lock.scope}


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
