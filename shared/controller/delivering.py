"""Letters reach their sink: in order, once, and sooner or later, whatever the sink or a worker does.

A message says that a sink may have something to hear of one thing. Whoever gets it takes the first letter
about it by a conditional write, delivers it, removes it and goes on with the next; so a second message for
the same finds it taken and leaves it alone. A worker that dies between delivering and removing is the one
case in which a sink hears something twice, under the same id.

What a sink does not take is put off with growing pauses by the message that has met it. When the sink takes
anything again, it is given the rest at once. After a day people are told through the other sinks, after a
week the letter is put aside. A letter that no message comes for is found by its key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from shared.controller.deps import Deps
from shared.controller.lettering import letter, send_for
from shared.controller.sink_alerts import end_sink_alert, tell_of_sink
from shared.model import Cause
from shared.model.codec import dump
from shared.model.errors import EntityChanged, SinkError
from shared.model.letters import Letter, Waiting
from shared.model.messages import Message

PAUSES: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)
"""Seconds between two tries; the last stays. After six of them the sink was down for an hour and three
quarters."""
TOLD_AFTER: Final = timedelta(hours=24)
GIVEN_UP_AFTER: Final = timedelta(days=7)
UNDELIVERED: Final = "undelivered"
"""Why a letter is among the dead letters."""

_HELD: Final = timedelta(minutes=20)
"""How long a letter may be taken: as long as a worker may run, and as much again for its clock."""
_WOKEN: Final = 2
"""How many others a delivery wakes: each of them wakes more."""
_RACES: Final = 4


def deliver(message: Message, deps: Deps) -> None:
    """Deliver what a sink has not been told of one thing. What it does not take is put off."""
    message = _with_letter(message, deps)
    while (taken := _take_first(message, deps)) is not None:
        try:
            deps.deliver(taken.sink, taken.notification)
        except SinkError as refusal:
            _put_off(taken, message, refusal, deps)
            return
        with suppress(EntityChanged):  # it was held for so long that somebody else delivers it as well
            deps.store.letters.remove(taken, deps.clock.now())
        _is_well(taken, deps)


def deliver_later(message: Message, deps: Deps) -> None:
    """Try again what the platform gave up: a letter is never given up because a worker failed."""
    deps.store.send(replace(message, attempt=message.attempt + 1), pause_after(message.attempt + 1))
    deps.log({"message": "delivered-later", "sink": message.sink, "about": message.about})


def call_again(cause: Cause, deps: Deps) -> None:
    """Send a message for every letter that none came for, and forget what was delivered long ago."""
    now = deps.clock.now()
    for sink, about in dict.fromkeys((one.sink, one.about) for one in _left_behind(deps, now)):
        send_for(sink, about, cause, deps)
    deps.store.letters.forget_marks(now)


def pause_after(attempt: int) -> float:
    """Seconds until a sink is tried again that did not take it at this attempt."""
    return PAUSES[min(attempt, len(PAUSES) - 1)]


def _with_letter(message: Message, deps: Deps) -> Message:
    """A message that carries its notification is from before there were letters: it becomes one."""
    told = message.notification
    if told is None or message.sink is None:
        return message
    deps.store.letters.post(letter(message.sink, told.id, 0, told, message.cause))
    return replace(message, about=told.id, notification=None, token=message.token or deps.store.new_token())


def _take_first(message: Message, deps: Deps) -> Letter | None:
    """The first letter, held by this message; None where there is none, or somebody else has it."""
    assert message.sink is not None
    assert message.about is not None
    for _ in range(_RACES):
        waiting, now = deps.store.letters.about(message.sink, message.about), deps.clock.now()
        if not waiting:
            return None
        if _is_held(waiting[0], message, now):
            _leave_it(waiting[0], message, deps)
            return None
        with suppress(EntityChanged):
            taken = replace(waiting[0], taken_by=message.token, taken_at=now, due_at=now + _HELD)
            return deps.store.letters.put(taken)
    return None


def _is_held(first: Letter, message: Message, now: datetime) -> bool:
    """Whether another message has it: that one goes on until nothing is left, or comes again."""
    if first.taken_by is None or first.taken_at is None or first.taken_by == message.token:
        return False
    return abs(now - first.taken_at) < _HELD


def _leave_it(first: Letter, message: Message, deps: Deps) -> None:
    """Somebody else tries it now; whoever is to come again for it still is."""
    if first.put_off_by == message.token:
        deps.store.send(message, PAUSES[1])


def _put_off(taken: Letter, message: Message, refusal: SinkError, deps: Deps) -> None:
    """Come again later, unless another message does; the letter keeps since when."""
    now = deps.clock.now()
    since = taken.refused_since or now
    if now - since >= GIVEN_UP_AFTER:
        _give_up(taken, deps)
        return
    left = replace(taken, taken_by=None, taken_at=None, refused_since=since)
    if taken.put_off_by in (None, message.token):
        left = _coming_again(left, message, deps)
    _leave(replace(left, is_told=left.is_told or now - since >= TOLD_AFTER), refusal, deps)
    deps.log({"message": "not-delivered", "sink": taken.sink, "notification": taken.notification.id})


def _leave(left: Letter, refusal: SinkError, deps: Deps) -> None:
    """People are told of what the letter says; it is told again with every try, until they are."""
    try:
        deps.store.letters.put(left)
    except EntityChanged:
        return
    if left.is_told:
        tell_of_sink(left, str(refusal), deps)


def _coming_again(left: Letter, message: Message, deps: Deps) -> Letter:
    pause = pause_after(message.attempt)
    deps.store.send(replace(message, attempt=message.attempt + 1), pause)
    due = deps.clock.now() + timedelta(seconds=pause) + _HELD
    return replace(left, put_off_by=message.token, due_at=due)


def _give_up(taken: Letter, deps: Deps) -> None:
    now = deps.clock.now()
    put_aside = deps.store.dead_letter(UNDELIVERED, dump(taken.notification), now)
    deps.log({"message": UNDELIVERED, "notification": taken.notification.id, "deadLetter": put_aside})
    with suppress(EntityChanged):
        deps.store.letters.remove(taken, now)


def _is_well(delivered: Letter, deps: Deps) -> None:
    """The sink takes something: give it what it did not take before, and what was left behind."""
    waiting, now = deps.store.letters.some_waiting(delivered.sink, delivered.about), deps.clock.now()
    again = dict.fromkeys(one.about for one in waiting if one.is_refused or one.due_at <= now)
    for about in islice(again, _WOKEN):
        send_for(delivered.sink, about, delivered.cause, deps)
    if not any(one.is_told for one in waiting):
        end_sink_alert(delivered.sink, deps)


def _left_behind(deps: Deps, now: datetime) -> Iterator[Waiting]:
    return (one for one in deps.store.letters.waiting() if one.due_at <= now)
