"""What could not be read of a target: asked for again soon, ever later while it lasts, by one message.

A target that is closed to us, and a part of one that Azure throttles or fails to give, are unknown, and drift
in them goes unseen: nobody waits for the next event or the sweep. Nor for a switch that cannot be read, which
keeps a revert from being made. What is unknown is judged by nobody and
kept in the target's record, with since when and why; a target of which nothing could be read is listed
besides, for whoever asks what nobody watches now (``Store.unknown``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.controller.deps import Deps
from shared.controller.switch import ASKED_AGAIN
from shared.controller.visit import Judgement, Visit
from shared.model import Cause, Reason
from shared.model.errors import GatewayError, said_of
from shared.model.memory import TargetRecord, Unread
from shared.model.messages import Message, MessageKind

FIRST_PAUSE: Final = 60.0
"""Seconds after the first look that could not read all, unless Azure names others; then twice as long."""
LONGEST_PAUSE: Final = 3600.0


def noting_parts(visit: Visit, judgements: Iterable[Judgement], record: TargetRecord) -> TargetRecord:
    """The record after a reading of the target: of all of it, or without what failed in passing."""
    troubles, deps = visit.deps.gateway.troubles, visit.deps
    if record.unread is not None and record.unread.whole:
        deps.store.unknown.remove(record.target)
    told = [*dict.fromkeys(map(said_of, troubles)), *_of_switch(judgements)]
    if not told:
        return record if record.unread is None else replace(record, unread=None)
    named = max((trouble.retry_after or 0.0 for trouble in troubles), default=ASKED_AGAIN)
    unread = Unread(since=deps.clock.now(), why="; ".join(told))
    return _asked_again(record, unread, visit.cause, deps, named or FIRST_PAUSE)


def _of_switch(judgements: Iterable[Judgement]) -> list[str]:
    """Why a revert was not made, where that was because nobody could read the switch."""
    decisions = (one.decision for one in judgements if one.decision is not None)
    return list({one.detail for one in decisions if one.reason is Reason.BREAK_GLASS_UNREADABLE})


def noting_target(record: TargetRecord, error: GatewayError, cause: Cause, deps: Deps) -> TargetRecord:
    """The record of a target of which nothing could be read."""
    unread = Unread(since=deps.clock.now(), why=said_of(error), whole=True)
    return _asked_again(record, unread, cause, deps)


def _asked_again(
    record: TargetRecord, unread: Unread, cause: Cause, deps: Deps, first: float = FIRST_PAUSE
) -> TargetRecord:
    """With one message on its way that asks again: after what Azure names, and ever later."""
    known, now = record.unread, deps.clock.now()
    if known is not None and known.whole is unread.whole:
        unread = replace(known, why=unread.why)
    if unread.again_at is not None and unread.again_at > now:
        return replace(record, unread=unread)
    wait = min(first * 2.0 ** min(unread.looks, 9), LONGEST_PAUSE)
    deps.store.send(Message(kind=MessageKind.RECHECK, target=record.target, cause=cause), wait)
    again_at = now + timedelta(seconds=wait)
    return replace(record, unread=replace(unread, looks=unread.looks + 1, again_at=again_at))
