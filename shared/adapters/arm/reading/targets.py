"""Reading a target whole.

A snapshot carries the time at which its first request was made: nothing in it is older. A server costs
one GET, and one request more for each optional part that an enabled policy asks for (``servers``); how a
subnet is read stands in ``subnets``. What must not live here: writes, decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from shared.adapters.arm.reading import servers, subnets
from shared.adapters.arm.reading.optional_parts import Reader, with_parts
from shared.adapters.arm.session.session import Session
from shared.model import Aspect, ServerSnapshot, Snapshot, Target, TargetKind
from shared.model.snapshots import parts_tried

_SERVER_PARTS: Final[Mapping[TargetKind, Mapping[Aspect, Reader[ServerSnapshot]]]] = {
    TargetKind.FLEXIBLE_SERVER: servers.FLEXIBLE_PARTS,
    TargetKind.SINGLE_SERVER: servers.SINGLE_PARTS,
}


def read(session: Session, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
    """The target as ARM has it now. Raises ``Gone`` when it does not exist."""
    match target.kind:
        case TargetKind.FLEXIBLE_SERVER:
            return _with_parts(session, servers.flexible_server(session, target.id), aspects)
        case TargetKind.SINGLE_SERVER:
            return _with_parts(session, servers.single_server(session, target.id), aspects)
        case TargetKind.SUBNET:
            return subnets.read(session, target.id, aspects)
        case _:
            assert_never(target.kind)


def more(session: Session, snapshot: Snapshot, aspects: frozenset[Aspect]) -> Snapshot:
    """The snapshot with those of the parts that nobody has asked for yet, at no request beyond theirs."""
    wanted = aspects - parts_tried(snapshot)
    if isinstance(snapshot, ServerSnapshot):
        return _with_parts(session, snapshot, wanted)
    return subnets.more(session, snapshot, wanted)


def _with_parts(session: Session, server: ServerSnapshot, aspects: frozenset[Aspect]) -> ServerSnapshot:
    return with_parts(session, server, _SERVER_PARTS[server.kind], aspects)
