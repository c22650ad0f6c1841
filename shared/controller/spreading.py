"""How the looks of a pass are spread in time, so that ARM's buckets fill again between them.

ARM refills 25 reads a second for a subscription and identity, Resource Graph answers three questions a second
(its articles on throttling). A look at a server costs about ten reads, one at a subnet about two questions. A
pass plans with three fifths of that and leaves the rest to looks at events, whose messages are not behind it
in the queue: what is not due yet is invisible there. What buckets say they hold slows a look down besides
(the session's pace). One message carries a hundred looks and comes when the first of them is due.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.controller.deps import Deps
from shared.model import Cause, Locator, Target, TargetKind
from shared.model.messages import Message, MessageKind
from shared.model.sweeping import PassRecord, Spread

SERVER_SECONDS: Final = 0.7
"""Ten reads at three fifths of 25 a second."""
SUBNET_SECONDS: Final = 1.1
"""Two questions at three fifths of three a second."""
AT_ONCE: Final = 10
"""Looks that a full bucket of 250 reads takes without waiting for its refill."""
MOST_IN_ONE: Final = 100
_AHEAD: Final = timedelta(seconds=30)
"""How much earlier a message comes than the first of its looks is due."""


def spread(
    urgent: Sequence[Target | Locator],
    routine: Sequence[Target | Locator],
    last: PassRecord | None,
    cause: Cause,
    deps: Deps,
) -> datetime:
    """Ask for the looks; when the last of the routine is due. What is urgent does not wait behind what an
    earlier pass has spread; the routine does."""
    now = deps.clock.now()
    busy_until = max(last.spread_until, now) if last is not None else now
    begun = _sent(urgent, now, cause, deps)
    return max(_sent(routine, max(busy_until, begun), cause, deps), busy_until)


def ask_for(message: Message, deps: Deps) -> None:
    """Ask for the looks that a message carries, each at its time.

    They are not coalesced: an event that comes before one of them would wait for it.
    """
    part, now = message.spread, deps.clock.now()
    assert part is not None
    looks = [
        *(Message(kind=MessageKind.LOOK, locator=one, cause=message.cause) for one in part.locators),
        *(Message(kind=MessageKind.RECHECK, target=one, cause=message.cause) for one in part.targets),
    ]
    for number, look in enumerate(looks):
        due = part.first_at + timedelta(seconds=number * part.seconds)
        deps.store.send(look, max((due - now).total_seconds(), 0.0))


def _sent(what: Sequence[Target | Locator], begins: datetime, cause: Cause, deps: Deps) -> datetime:
    """Send the messages; when the last look is due."""
    due = begins
    for part in _parts(what, begins):
        delay = max((part.first_at - _AHEAD - deps.clock.now()).total_seconds(), 0.0)
        deps.store.send(Message(kind=MessageKind.SPREAD, cause=cause, spread=part), delay)
        due = part.first_at + timedelta(seconds=part.seconds * (len(part.targets) + len(part.locators)))
    return due


def _parts(what: Sequence[Target | Locator], begins: datetime) -> Iterator[Spread]:
    """What fits into one message each; the first few at once."""
    yield from _part(what[:AT_ONCE], begins, 0.0)
    for at in range(AT_ONCE, len(what), MOST_IN_ONE):
        held = what[at : at + MOST_IN_ONE]
        seconds = sum(map(_seconds, held)) / len(held)
        yield from _part(held, begins, seconds)
        begins += timedelta(seconds=seconds * len(held))


def _part(held: Sequence[Target | Locator], begins: datetime, seconds: float) -> Iterator[Spread]:
    targets = tuple(one for one in held if isinstance(one, Target))
    locators = tuple(one for one in held if isinstance(one, Locator))
    if held:
        yield Spread(targets=targets, locators=locators, first_at=begins, seconds=seconds)


def _seconds(what: Target | Locator) -> float:
    """What a locator names is looked at besides: mostly a subnet or two."""
    is_server = isinstance(what, Target) and what.kind is not TargetKind.SUBNET
    return SERVER_SECONDS if is_server else SUBNET_SECONDS
