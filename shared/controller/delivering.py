"""Letters reach their sink: in order, once, and sooner or later, whatever the sink or a worker does.

A message says that a sink may have something to hear of one thing. Whoever gets it takes the first letter
about it by a conditional write, with others that waited to be told together (``taking``), delivers it,
removes it and goes on with the next; so a second message for the same finds it taken and leaves it alone. A
worker that dies between delivering and removing is the one case in which a sink hears something twice.

What a sink does not take is put off with growing pauses by the message that has met it. When the sink takes
anything again, it is given the rest at once. After a day people are told through the other sinks, after a
week the letter is put aside. A letter that no message comes for is found by its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from shared.controller.deps import Deps
from shared.controller.lettering import letter, send_for
from shared.controller.sink_alerts import end_sink_alert, tell_of_sink
from shared.controller.taking import HELD, Taken, take
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

ALONE_FROM: Final = 2
"""The attempt from which a letter is tried by itself when a sink refuses it with others: what no sink takes
keeps no other back."""
_WOKEN: Final = 2
"""How many others a delivery wakes: each of them wakes more."""


def deliver(message: Message, deps: Deps) -> None:
    """Deliver what a sink has not been told of one thing. What it does not take is put off."""
    message = _with_letter(message, deps)
    while (taken := take(message, deps)) is not None:
        refusal = _refusal(taken, deps)
        if refusal is None:
            continue
        if len(taken.things) > 1 and message.attempt >= ALONE_FROM and _refusal(taken.alone, deps) is None:
            taken = taken.others
        _put_off(taken, message, refusal, deps)
        return


def _refusal(taken: Taken, deps: Deps) -> SinkError | None:
    """Why the sink did not take it; None where it did, and the letters are gone."""
    try:
        deps.deliver(taken.last.sink, taken.told)
    except SinkError as refusal:
        return refusal
    _remove(taken, deps)
    _is_well(taken.last, deps)
    return None


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


def _remove(taken: Taken, deps: Deps) -> None:
    """Locks go last, and last of all what the message came for: it comes again where a worker dies."""
    for letters in taken.things:
        for one in reversed(letters):
            with suppress(EntityChanged):  # it was held for so long that somebody else delivers it as well
                deps.store.letters.remove(one, deps.clock.now())


def _put_off(taken: Taken, message: Message, refusal: SinkError, deps: Deps) -> None:
    """Come again later, unless another message does; the letters keep since when."""
    now = deps.clock.now()
    late = [one for one in taken.locks if _since(one, now) <= now - GIVEN_UP_AFTER]
    for one in late:
        _give_up(one, deps)
    left = [_refused(one, now) for one in taken.locks if one not in late]
    if left:
        _leave(_coming_again(left, message, deps), refusal, deps)
        deps.log({"message": "not-delivered", "sink": taken.last.sink, "notification": taken.told.id})


def _since(letter: Letter, now: datetime) -> datetime:
    return letter.refused_since or now


def _refused(taken: Letter, now: datetime) -> Letter:
    since = _since(taken, now)
    told = taken.is_told or now - since >= TOLD_AFTER
    return replace(taken, taken_by=None, taken_at=None, refused_since=since, is_told=told)


def _leave(left: Sequence[Letter], refusal: SinkError, deps: Deps) -> None:
    """People are told of what the letters say; it is told again with every try, until they are."""
    try:
        deps.store.letters.put_all(left)
    except EntityChanged:
        return
    for told in islice((one for one in left if one.is_told), 1):
        tell_of_sink(told, str(refusal), deps)


def _coming_again(left: Sequence[Letter], message: Message, deps: Deps) -> list[Letter]:
    """The last of them is what the message comes again for, unless another does; the others go with it, or
    with the next thing that the sink takes."""
    *others, own = left
    if own.put_off_by not in (None, message.token):
        return [*left]
    pause = pause_after(message.attempt)
    deps.store.send(replace(message, about=own.about, attempt=message.attempt + 1), pause)
    due = deps.clock.now() + timedelta(seconds=pause) + HELD
    waiting = [one if one.put_off_by else replace(one, due_at=due) for one in others]
    return [*waiting, replace(own, put_off_by=message.token, due_at=due)]


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
