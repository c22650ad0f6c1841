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

from shared.model import Aspect, Finding, Kind, Safety, ServerSnapshot, Severity, TargetKind
from shared.model.parts import ManagementLock
from shared.model.resource_id import ResourceId
from shared.posture.policy import Policy
from shared.posture.private_dns import COMPLIANT, NON_COMPLIANT, UNKNOWN, About, Verdict, az, finding
from shared.posture.unread import unread_reason

ABOUT: Final = About(policy="postgres-dns-zone-locked", severity=Severity.MEDIUM)

_BLOCKING: Final = frozenset({"readonly", "cannotdelete"})


def evaluate(server: ServerSnapshot) -> Finding:
    verdict = _judge(server)
    return finding(ABOUT, server, verdict, verdict.reason)


def _judge(server: ServerSnapshot) -> Verdict:
    zone = server.private_dns_zone
    if not server.vnet_integrated or zone is None:
        nothing = "the server has no private DNS zone of its own"
        return Verdict(state=COMPLIANT, reason=nothing, applies=False)
    if server.dns_locks is None:
        return Verdict(state=UNKNOWN, reason=unread_reason(server, Aspect.DNS_LOCKS))
    held = sorted((lock for lock in server.dns_locks if _concerns(lock, zone)), key=_id)
    facts = {"zone": str(zone), "locks": [_shown(lock) for lock in held]}
    blocking = [lock for lock in held if lock.level.lower() in _BLOCKING]
    if blocking:
        told = ", ".join(f"{lock.name} ({lock.level}) on {lock.scope}" for lock in blocking)
        todo = tuple(az("lock", "delete", "--ids", _id(lock)) for lock in blocking)
        reason = f"a failover cannot update zone {zone.name}: lock {told}"
        return Verdict(state=NON_COMPLIANT, reason=reason, facts=facts, todo=todo)
    if held:
        unsure = f"what lock {held[0].name} of level {held[0].level!r} refuses is not known"
        return Verdict(state=UNKNOWN, reason=unsure, facts=facts)
    return Verdict(state=COMPLIANT, reason=f"no lock holds for zone {zone.name}", facts=facts)


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
    id=ABOUT.policy,
    title="The private DNS zone of a VNet-integrated PostgreSQL server is locked",
    kind=Kind.CONNECTIVITY,
    targets=frozenset({TargetKind.FLEXIBLE_SERVER}),
    severity=ABOUT.severity,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER, Aspect.DNS_LOCKS}),
    permissions=("Microsoft.DBforPostgreSQL/flexibleServers/read", "Microsoft.Authorization/locks/read"),
    controls=(),
    evaluate=evaluate,
    opt_in=True,
    why="After a failover the server's name keeps leading to an address where nobody answers.",
)
