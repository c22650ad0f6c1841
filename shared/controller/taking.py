"""What a worker takes of the letters to a sink, to deliver it at once: a letter, or several as one message.

The first letter about a thing is its lock: whoever has written a token into it may deliver what is about that
thing, and nobody else does. Letters that waited together are taken by one transaction over the first letters
of all their things, so that two workers never tell of the same; who comes later finds them held. A message
that finds its own letter taken by itself has failed or died before, and tries that one alone.

What is about one thing goes when any letter about it may go: what is Critical by now takes along what waited
before it. Of what began and was over while it waited only the end is told, which says both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from shared.alerts.bundles import bundle
from shared.controller.deps import Deps
from shared.controller.lettering import LONGEST_DELAY, seconds_left
from shared.model.alert_records import Notification, NotificationType
from shared.model.errors import EntityChanged
from shared.model.letters import Letter
from shared.model.messages import Message
from shared.model.values import value

HELD: Final = timedelta(minutes=20)
"""How long a letter may be taken: as long as a worker may run, and as much again for its clock."""
MOST_TOGETHER: Final = 40
"""Things in one message: a transaction over their letters is less than 4 MiB."""
COMES_AGAIN: Final = 30.0
_RACES: Final = 4


@value
class Taken:
    """What is told by one message."""

    told: Notification
    things: tuple[tuple[Letter, ...], ...]
    """The letters about each thing, in order; the first of each is held. What a worker came for is last."""

    @property
    def last(self) -> Letter:
        """The first letter about what the worker came for."""
        return self.things[-1][0]

    @property
    def alone(self) -> Taken:
        """That one letter by itself."""
        return Taken(told=self.last.notification, things=((self.last,),))

    @property
    def others(self) -> Taken:
        """What is held besides, where several things are."""
        return replace(self, things=self.things[:-1])

    @property
    def locks(self) -> tuple[Letter, ...]:
        return tuple(letters[0] for letters in self.things)


def take(message: Message, deps: Deps) -> Taken | None:
    """What is delivered now, held by this message; None where there is nothing, somebody else has it, or it
    waits."""
    for _ in range(_RACES):
        waiting, now = _about(message, deps), deps.clock.now()
        if not waiting:
            return None
        if is_held(waiting[0], message, now):
            _leave_it(waiting[0], message, deps)
            return None
        if left := _seconds_left(waiting, now):
            deps.store.send(message, min(left, LONGEST_DELAY))
            return None
        with suppress(EntityChanged):
            return _held(_chosen(waiting, message, now, deps), message, now, deps)
    deps.store.send(message, COMES_AGAIN)
    return None


def is_held(first: Letter, message: Message, now: datetime) -> bool:
    """Whether another message has it: that one goes on until nothing is left, or comes again."""
    if first.taken_by is None or first.taken_at is None or first.taken_by == message.token:
        return False
    return abs(now - first.taken_at) < HELD


def _about(message: Message, deps: Deps) -> list[Letter]:
    assert message.sink is not None
    assert message.about is not None
    return deps.store.letters.about(message.sink, message.about)


def _seconds_left(waiting: Iterable[Letter], now: datetime) -> float:
    return min(seconds_left(one, now) for one in waiting)


def _leave_it(first: Letter, message: Message, deps: Deps) -> None:
    """Somebody else tries it now. Whoever is to come again for it still is; and so is whoever finds it held
    together with others: that one goes on with what its own message is about, and with nothing else."""
    if first.put_off_by == message.token:
        deps.store.send(message, COMES_AGAIN)
    elif first.bundle:
        deps.store.send(replace(message, attempt=message.attempt + 1), COMES_AGAIN * (message.attempt + 1))


# --- what goes together ----------------------------------------------------------------------------


def _chosen(
    waiting: Sequence[Letter], message: Message, now: datetime, deps: Deps
) -> tuple[tuple[Letter, ...], ...]:
    """The letters about each thing that one message tells of; those that the message came for are last."""
    if not _have_waited(waiting):
        return (tuple(waiting[:1]),)
    if waiting[0].taken_by == message.token:
        _let_go(waiting[0], message, deps)
        return (_over_meanwhile(waiting),)
    others = tuple(islice(_others(waiting[0], message, now, deps), MOST_TOGETHER - 1))
    return (*others, tuple(waiting)) if others else (_over_meanwhile(waiting),)


def _let_go(first: Letter, message: Message, deps: Deps) -> None:
    """Whoever took it for this message failed or died with it: it goes by itself now, and what was taken with
    it is left to the messages of its own. One thing of which no message can be made keeps no other back."""
    found = (deps.store.letters.about(first.sink, about) for about in deps.store.letters.beside(first))
    with_it = (one for one, *_ in filter(None, found) if one.taken_by == message.token)
    if free := [replace(one, taken_by=None, taken_at=None) for one in islice(with_it, MOST_TOGETHER)]:
        deps.store.letters.put_all(free)


def _have_waited(letters: Iterable[Letter]) -> bool:
    return all(one.not_before is not None for one in letters)


def _others(first: Letter, message: Message, now: datetime, deps: Deps) -> Iterator[tuple[Letter, ...]]:
    """The letters about other things that waited together with these, and that nobody else has."""
    for about in deps.store.letters.beside(first):
        letters = deps.store.letters.about(first.sink, about)
        if letters and _have_waited(letters) and not is_held(letters[0], message, now):
            yield tuple(letters)


def _over_meanwhile(waiting: Sequence[Letter]) -> tuple[Letter, ...]:
    """The first letter alone; of what began and was over while it waited all up to its last end."""
    first = waiting[0]
    ends = [number for number, one in enumerate(waiting) if _tells(one, NotificationType.ALERT_RESOLVED)]
    if not ends or first.refused_since is not None or not _tells(first, NotificationType.ALERT_OPENED):
        return (first,)
    return tuple(waiting[: ends[-1] + 1])


def _tells(letter: Letter, kind: NotificationType) -> bool:
    return letter.notification.type is kind


def _held(things: tuple[tuple[Letter, ...], ...], message: Message, now: datetime, deps: Deps) -> Taken:
    """Raises ``EntityChanged`` when somebody else has taken one of them meanwhile."""
    taken = [replace(first, taken_by=message.token, taken_at=now, due_at=now + HELD) for first, *_ in things]
    locks = deps.store.letters.put_all(taken)
    held = tuple((lock, *letters[1:]) for lock, letters in zip(locks, things, strict=True))
    return Taken(told=_told(held), things=held)


def _told(things: Sequence[Sequence[Letter]]) -> Notification:
    """One thing is told as ever, by its end where it is over; several are a message of their own."""
    if len(things) == 1:
        return things[0][-1].notification
    return bundle([[one.notification for one in letters] for letters in things])
