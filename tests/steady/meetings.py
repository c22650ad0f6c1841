"""Two workers on one target: whoever comes in between whom, the end is that of one after the other.

A meeting is prepared so that two things are due at the same moment. The first worker stands still before each
of its operations once, and the second does all of its work there, or a part of it; or what others do happens
there, and the second looks at that.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from shared.model import Actor, Cause, CauseKind, Snapshot, Target
from shared.model.messages import Message, MessageKind
from shared.model.values import value
from tests.builders import DRIFTED
from tests.steady.ends import End, end_of, told_twice, wrongs
from tests.steady.plant import Plant
from tests.steady.points import left_alone
from tests.steady.scenarios import (
    BLOCKED,
    BOTH,
    BY_NAME,
    ELSEWHERE,
    GOOD,
    OTHER,
    TARGET,
    Does,
    Scenario,
    approves,
    in_turn,
    nothing,
    rolls_back,
    runs,
)
from tests.steady.turns import Turns, Worker


@value
class Meeting:
    """``first`` and ``second`` each make a thing that a worker takes; the second is made where the first
    stands still, after ``between``."""

    name: str
    world: Scenario
    first: Does
    second: Does
    before: Does = nothing
    """What has happened when the first begins."""
    between: Does = nothing
    """What others do where the first stands still."""

    @property
    def is_turned_too(self) -> bool:
        """Whether it may begin with the second as well."""
        return self.between is nothing and self.second is not is_delivered_twice


@value
class Order:
    """Who goes on for how long. The rest follows to its end, first the one who began."""

    turned: bool
    """Whether the second begins."""
    first: int
    """Operations of the one who begins."""
    second: int | None = None
    """Operations of the other one then; None: all."""

    def __str__(self) -> str:
        who = ("second", "first") if self.turned else ("first", "second")
        then = "all" if self.second is None else str(self.second)
        return f"{self.first} of the {who[0]}, {then} of the {who[1]}"


@value
class Met:
    order: Order
    wrongs: tuple[str, ...]


# --- what workers take -----------------------------------------------------------------------------


def looks(plant: Plant, target: Target = TARGET) -> None:
    """A look that an event has asked for is due."""
    now = plant.clock.now()
    actor = Actor(name="Jane Doe", object_id="jane-object")
    cause = Cause(
        kind=CauseKind.EVENT, time=now, actor=actor, event_id=f"look of {target.key} {len(plant.queue)}"
    )
    plant.store.arm(Message(kind=MessageKind.LOOK, target=target, cause=cause), now, 0)


def asks(plant: Plant) -> None:
    """A look that an operator has asked for is due."""
    plant.look(TARGET)


def is_delivered_twice(plant: Plant) -> None:
    """A message that somebody works on is delivered to another one as well."""
    plant.queue.send(plant.taken)


def sees_subnet(plant: Plant) -> None:
    looks(plant, BLOCKED.target)


def sees_elsewhere(plant: Plant) -> None:
    looks(plant, Target(kind=TARGET.kind, id=ELSEWHERE))


def sweeps(plant: Plant) -> None:
    plant.sweep()


def puts(snapshot: Snapshot) -> Does:
    """Somebody writes, whose event has not arrived."""
    return lambda plant: plant.put(snapshot)


def writes(snapshot: Snapshot, seconds: float) -> Does:
    """Somebody has written, and the app was left alone for so long."""

    def does(plant: Plant) -> None:
        plant.write(snapshot)
        plant.work(seconds)

    return does


def is_gone(plant: Plant) -> None:
    plant.remove(TARGET)


def is_elsewhere(plant: Plant) -> None:
    plant.remove(TARGET)
    plant.put(replace(DRIFTED, id=ELSEWHERE))


def _check_is_due(plant: Plant) -> None:
    """The operation of a change on its way has ended, and its check is due."""
    plant.write(DRIFTED)
    plant.work(19.9)
    plant.clock.advance(0.1)
    plant.finish_operations()


# --- the meetings ----------------------------------------------------------------------------------

_ALERTS: Final = BY_NAME["alert opened, counted, resolved"]
_REVERTS: Final = BY_NAME["one revert"]
_LONG: Final = BY_NAME["one long revert"]
_BOTH: Final = BY_NAME["two drifts in turn"]

MEETINGS: Final = (
    Meeting(name="look and look", world=_REVERTS, before=puts(DRIFTED), first=looks, second=asks),
    Meeting(name="look and look, long", world=_LONG, before=puts(DRIFTED), first=looks, second=asks),
    Meeting(name="look and look, two drifts", world=_BOTH, before=puts(BOTH), first=looks, second=asks),
    Meeting(
        name="look and look at a subnet",
        world=BY_NAME["two edits"],
        before=puts(BLOCKED),
        first=sees_subnet,
        second=sees_subnet,
    ),
    Meeting(
        name="a look delivered twice",
        world=_LONG,
        before=puts(DRIFTED),
        first=looks,
        second=is_delivered_twice,
    ),
    Meeting(name="alert opened by two", world=_ALERTS, before=puts(DRIFTED), first=looks, second=asks),
    Meeting(
        name="alert opened and resolved",
        world=_ALERTS,
        before=puts(DRIFTED),
        first=looks,
        second=asks,
        between=puts(GOOD),
    ),
    Meeting(
        name="alert opened and another",
        world=_ALERTS,
        before=puts(DRIFTED),
        first=looks,
        second=asks,
        between=puts(OTHER),
    ),
    Meeting(
        name="alert resolved and opened",
        world=_ALERTS,
        before=in_turn(writes(DRIFTED, 30), puts(GOOD)),
        first=looks,
        second=asks,
        between=puts(DRIFTED),
    ),
    Meeting(
        name="alert opened, then deleted",
        world=_ALERTS,
        before=puts(DRIFTED),
        first=looks,
        second=asks,
        between=is_gone,
    ),
    Meeting(
        name="deleted by two",
        world=_ALERTS,
        before=in_turn(writes(DRIFTED, 30), is_gone),
        first=looks,
        second=asks,
    ),
    Meeting(
        name="reverted, undone meanwhile",
        world=_LONG,
        before=puts(DRIFTED),
        first=looks,
        second=asks,
        between=puts(GOOD),
    ),
    Meeting(name="look and check", world=_LONG, before=_check_is_due, first=asks, second=nothing),
    Meeting(
        name="check and look of an event", world=_LONG, before=_check_is_due, first=nothing, second=looks
    ),
    Meeting(name="look and rollback", world=BY_NAME["rollback"], first=looks, second=rolls_back),
    Meeting(name="rollback and rollback", world=BY_NAME["rollback"], first=rolls_back, second=rolls_back),
    Meeting(name="look and run", world=_LONG, before=puts(DRIFTED), first=looks, second=runs),
    Meeting(name="run and run", world=_LONG, before=puts(DRIFTED), first=runs, second=runs),
    Meeting(
        name="look and approval", world=BY_NAME["approved and carried out"], first=looks, second=approves
    ),
    Meeting(
        name="moved, both ids looked at", world=_LONG, before=is_elsewhere, first=looks, second=sees_elsewhere
    ),
    Meeting(name="look and sweep", world=BY_NAME["exemption expires"], first=looks, second=sweeps),
)
MEETING_BY_NAME: Final = {meeting.name: meeting for meeting in MEETINGS}


# --- how they are played ---------------------------------------------------------------------------


@lru_cache(maxsize=64)
def one_by_one(name: str, *, turned: bool = False) -> tuple[End, int, tuple[str, ...]]:
    """How it ends when one goes after the other, how many operations the one who begins makes, and what is
    wrong even so."""
    plant, first, second = _prepared(MEETING_BY_NAME[name], turned=turned)
    first.begin()
    first.let()
    operations = len(plant.tape.operations)
    second.begin()
    second.let()
    end = _close(plant)
    return end, operations, tuple(wrongs(plant))


def met(meeting: Meeting, order: Order) -> Met:
    """The meeting in this order, and what is wrong at its end."""
    plant, first, second = _prepared(meeting, turned=order.turned)
    first.begin()
    first.let(order.first)
    second.begin()
    second.let(order.second)
    first.let()
    second.let()
    last = _close(plant)
    found = [*wrongs(plant), *told_twice(plant)]
    allowed = {
        last.differs(one_by_one(meeting.name, turned=turned)[0], made=meeting.between is nothing)
        for turned in _ways(meeting)
    }
    if "" not in allowed:
        found.append(f"ends otherwise: {min(allowed)}")
    return Met(order=order, wrongs=tuple(found))


def _ways(meeting: Meeting) -> tuple[bool, ...]:
    return (False, True) if meeting.is_turned_too else (False,)


@value
class _Part:
    """A worker who takes what is made for it when it begins."""

    plant: Plant
    turns: Turns
    makes: Does
    workers: list[Worker]

    def begin(self) -> None:
        self.makes(self.plant)
        due = self.plant.take()
        if due is not None:
            self.workers.append(self.turns.worker(due))

    def let(self, operations: int | None = None) -> None:
        for worker in self.workers:
            self.turns.let(worker, operations)


def _prepared(meeting: Meeting, *, turned: bool) -> tuple[Plant, _Part, _Part]:
    plant = meeting.world.plant()
    meeting.before(plant)
    plant.tape.operations.clear()
    turns = Turns(plant)

    def second(plant: Plant) -> None:
        meeting.between(plant)
        meeting.second(plant)

    parts = [_Part(plant=plant, turns=turns, makes=makes, workers=[]) for makes in (meeting.first, second)]
    if turned:
        parts.reverse()
    return plant, parts[0], parts[1]


def _close(plant: Plant) -> End:
    left_alone(plant)
    return end_of(plant)


def orders(meeting: Meeting, again_every: int = 0) -> Iterator[Order]:
    """Every place where the one who begins may be interrupted once; and every so many places at which the
    other one is interrupted as well."""
    for turned in _ways(meeting):
        operations = one_by_one(meeting.name, turned=turned)[1]
        others = one_by_one(meeting.name, turned=not turned)[1] if meeting.is_turned_too else operations
        for first in range(operations):
            yield Order(turned=turned, first=first)
            for second in range(1, others, again_every) if again_every else ():
                yield Order(turned=turned, first=first, second=second)


def sampled_orders(meeting: Meeting, stride: int) -> Iterator[Order]:
    """One order of so many, the same ones in every run."""
    for order in orders(meeting, again_every=1):
        if zlib.crc32(f"{meeting.name} {order}".encode()) % stride == 0:
            yield order
