"""What management locks come to for what a PostgreSQL server needs to be able to write: which hold, what they
refuse, and the commands that take them away.

A lock holds for everything below its scope (lock resources with Azure Resource Manager). Pure; which resource
is asked about, and why a lock there matters, is the policies' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.model.parts import ManagementLock
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import az
from shared.posture.findings import Judged, compliant, drifted, unknown

READ_ONLY: Final = "readonly"
"""Refuses every change, and deletions with them."""
_BLOCKING: Final = frozenset({READ_ONLY, "cannotdelete"})


def holds_for(lock: ManagementLock, resource: ResourceId) -> bool:
    """Whether the lock stands on ``resource`` or on what it lies in; one whose scope is not known may."""
    return f"{resource.key}/".startswith(f"{lock.scope.rstrip('/').lower()}/")


def blocks_changes(locks: Iterable[ManagementLock]) -> bool:
    """Whether some lock among them refuses more than deletions."""
    return any(lock.level.lower() == READ_ONLY for lock in locks if lock.scope)


def judge_locks(locks: Iterable[ManagementLock], where: str, harm: str) -> Judged:
    """What is said of the locks that hold for ``where``; ``harm`` is what they stand in the way of.

    A level or a scope that is not known is unknown, beside no lock that surely refuses something.
    """
    held = sorted(locks, key=_id)
    facts = {"locks": [_shown(lock) for lock in held]}
    if blocking := [lock for lock in held if lock.scope and lock.level.lower() in _BLOCKING]:
        told = ", ".join(f"{lock.name} ({lock.level}) on {lock.scope}" for lock in blocking)
        todo = tuple(az("lock", "delete", "--ids", _id(lock)) for lock in blocking)
        reason = f"{harm}: lock {told}"
        return drifted(reason, reason.lower(), what_to_do=todo, evidence=facts)
    if held:
        level = f"level {held[0].level!r}" if held[0].level else "no level"
        what = "refuses" if held[0].scope else "stands on"
        return unknown(f"what lock {held[0].name} of {level} {what} is not known", facts)
    return compliant(f"no lock holds for {where}", facts)


def _id(lock: ManagementLock) -> str:
    return f"{lock.scope}/providers/Microsoft.Authorization/locks/{lock.name}"


def _shown(lock: ManagementLock) -> dict[str, str]:
    return {"name": lock.name, "level": lock.level, "scope": lock.scope}
