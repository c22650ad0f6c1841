"""The optional parts of a reading: one that is refused is told as unread and loses nothing else.

A part is what takes a request of its own beyond the target's GET. What cannot be read because our identity
may not, because the server is stopped or went away, because the answer makes no sense, or because Azure
throttles or fails although it was asked again, stays None on the snapshot with the reason in ``unread``: only
the policies that need it become Unknown. What passes is among the session's ``troubles`` besides, so that it
is asked for again soon. The target's own GET alone is essential: what it raises ends the reading.

What must not live here: which parts a target has (``servers``, ``subnets``), how one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias, TypeVar

from shared.adapters.arm.session.refusals import missing_in
from shared.adapters.arm.session.session import Session
from shared.model import Aspect, ServerSnapshot, SubnetSnapshot
from shared.model.errors import Denied, GatewayError, Gone
from shared.model.resource_id import ResourceId

T = TypeVar("T")
S = TypeVar("S", ServerSnapshot, SubnetSnapshot)
Reader: TypeAlias = Callable[[Session, S], S]
"""Returns the snapshot with one part filled in; may raise a ``GatewayError``."""


def with_parts(
    session: Session, snapshot: S, readers: Mapping[Aspect, Reader[S]], aspects: Iterable[Aspect]
) -> S:
    """The snapshot with every part that is asked for, in the order of ``readers``."""
    wanted = frozenset(aspects)
    for aspect, read in readers.items():
        if aspect in wanted:
            snapshot = _with_part(session, snapshot, aspect, read)
    return snapshot


def _with_part(session: Session, snapshot: S, aspect: Aspect, read: Reader[S]) -> S:
    try:
        return read(session, snapshot)
    except GatewayError as error:
        return replace(snapshot, unread={**snapshot.unread, aspect: why(error)})


def why(error: GatewayError) -> str:
    """The reason in a few words; for a refusal the action that our identity lacks, as ARM names it."""
    missing = missing_in(str(error))
    if isinstance(error, Denied) and missing:
        return "; ".join(one.said for one in missing)
    return f"{error} ({error.status})" if error.status >= 500 else str(error)


def tried(ask: Callable[[], T], *, gone_is_told: bool = True) -> tuple[T | None, str]:
    """What was asked for, or None with the reason."""
    try:
        return ask(), ""
    except GatewayError as error:
        if isinstance(error, Gone) and not gone_is_told:
            raise
        return None, why(error)


def each(
    named: Iterable[ResourceId],
    read: Callable[[ResourceId], T | None],
    by_id: Callable[[ResourceId, str], T],
) -> list[T]:
    """What is read of each; one that is refused is known ``by_id`` and the reason, unless all are refused.

    None of ``read`` is left out. Where all are refused the first refusal is raised: nothing was read.
    """
    found: list[T] = []
    refused: list[GatewayError] = []
    for one in named:
        try:
            known = read(one)
        except GatewayError as error:
            refused.append(error)
            known = by_id(one, why(error))
        found += [known] if known is not None else []
    if refused and len(refused) == len(found):
        raise refused[0]
    return found
