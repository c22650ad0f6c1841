"""Which locks forbade a write: ARM names the scopes that are locked, and neither the locks nor their levels.

They are read only after such a refusal, one list for each scope. What cannot be read is left out: the scope
is told all the same. What must not live here: locks that a policy judges (``extensions``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from shared.adapters.arm.reading.extensions import locks
from shared.adapters.arm.session.refusals import locked_in
from shared.adapters.arm.session.session import Session
from shared.model.errors import GatewayError, Locked
from shared.model.parts import ManagementLock
from shared.model.resource_id import ResourceId, parse_resource_id

_MOST_SCOPES: Final = 3


@contextmanager
def telling_locks(session: Session) -> Iterator[None]:
    """What is refused inside because of a lock is raised with every lock on the scopes that ARM names."""
    try:
        yield
    except Locked as error:
        raise _with_locks(session, error) from error


def _with_locks(session: Session, error: Locked) -> Locked:
    named = [one for one in map(parse_resource_id, locked_in(str(error))[:_MOST_SCOPES]) if one is not None]
    words = [_said(lock) for scope in named for lock in _on(session, scope)]
    told = Locked("; ".join([str(error), *words]), code=error.code, status=error.status)
    told.request = error.request
    return told


def _on(session: Session, scope: ResourceId) -> list[ManagementLock]:
    """The locks on the scope itself; the list holds inherited ones and those on its children too."""
    try:
        return [lock for lock in locks(session, scope) if lock.scope.lower() == str(scope).lower()]
    except GatewayError:
        return []


def _said(lock: ManagementLock) -> str:
    return f"lock {lock.name!r} ({lock.level}) on {lock.scope}"
