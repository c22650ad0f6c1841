"""Reading a target whole.

A snapshot carries the time at which its first request was made: nothing in it is older. A server costs
one GET, and one request more for each optional part that an enabled policy asks for (``servers``); how a
subnet is read stands in ``subnets``. What must not live here: writes, decisions.
"""

from __future__ import annotations

from typing import assert_never

from shared.adapters.arm.reading import servers, subnets
from shared.adapters.arm.reading.optional_parts import with_parts
from shared.adapters.arm.session.session import Session
from shared.model import Aspect, Snapshot, Target, TargetKind


def read(session: Session, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
    """The target as ARM has it now. Raises ``Gone`` when it does not exist."""
    match target.kind:
        case TargetKind.FLEXIBLE_SERVER:
            return with_parts(
                session, servers.flexible_server(session, target.id), servers.FLEXIBLE_PARTS, aspects
            )
        case TargetKind.SINGLE_SERVER:
            return with_parts(
                session, servers.single_server(session, target.id), servers.SINGLE_PARTS, aspects
            )
        case TargetKind.SUBNET:
            return subnets.read(session, target.id, aspects)
        case _:
            assert_never(target.kind)
