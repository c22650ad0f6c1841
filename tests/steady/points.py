"""Plays a scenario whole, then once more for each operation of it, broken there, and compares the ends."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from itertools import takewhile
from typing import Final

from shared.model.values import value
from tests.steady.ends import End, end_of, wrongs
from tests.steady.plant import CALL_AGAIN, SWEPT_AGAIN, Plant
from tests.steady.scenarios import BY_NAME, Scenario
from tests.steady.tape import Breaks, Fault, Operation

PATIENCE: Final = 900.0
"""Seconds for which the app is left alone after a fault, before the scenario goes on."""
AFTERWARDS: Final = 2700.0
"""Seconds after the last sweep, in which all that was put off comes."""
OUTAGE: Final = 4
"""Operations of the store that fail, where it is more than one."""
MEANWHILE: Final = ("undone", "changed", "deleted")


@value
class Whole:
    """A scenario that nothing came in the way of."""

    operations: tuple[Operation, ...]
    steps: tuple[Stretch, ...]
    last: End
    wrongs: tuple[str, ...]
    """What is wrong although nothing came in the way."""


@value
class Stretch:
    """One step as it went."""

    end: End
    seconds: float
    """How long it took until it had come to its end."""


@value
class Ran:
    """A scenario that something came in the way of."""

    fault: Fault
    operation: Operation
    wrongs: tuple[str, ...]
    """What is wrong at the end; nothing where the world has recovered."""
    is_guarded: bool
    """Whether the worker had queued a check of a change, in whose time it goes on."""
    recovery: float | None
    """Seconds from the fault until all was well, without those that Azure took; None where only the sweep or
    a later step mended it."""


Seen = list[tuple[datetime, End]]


@dataclass
class _Player:
    """Plays one scenario, and looks on."""

    scenario: Scenario
    plant: Plant
    struck_at: datetime | None = None

    @classmethod
    def of(cls, scenario: Scenario, fault: Fault | None) -> _Player:
        player = cls(scenario=scenario, plant=scenario.plant())
        tape = player.plant.tape
        tape.operations.clear()
        tape.fault, tape.meanwhile, tape.struck = fault, player.others_write, player._strike
        return player

    @property
    def is_measured(self) -> bool:
        """Only a death has a recovery: what fails is delivered again soon, and others take their own time."""
        fault = self.plant.tape.fault
        return fault is not None and fault.breaks is Breaks.KILLED and not fault.meanwhile

    def _strike(self) -> None:
        self.struck_at = self.plant.clock.now()

    def others_write(self, name: str) -> None:
        there = self.plant.azure.snapshots.get(self.plant.last_written or self.scenario.good.id.key)
        if there is None or not name:
            return
        match name:
            case "undone":
                self.plant.write(replace(self.scenario.good, id=there.id))
            case "changed":
                self.plant.write(replace(self.scenario.changed, id=there.id))
            case "deleted":
                self.plant.delete(there.target)

    def play(self, number: int, watch: Callable[[], object]) -> None:
        step = self.scenario.steps[number]
        step.does(self.plant)
        self.plant.work(step.seconds, watch)

    def close(self) -> End:
        """The last that is done for a world: it is left alone, swept, and left alone."""
        left_alone(self.plant)
        return end_of(self.plant)


def left_alone(plant: Plant) -> None:
    """Whatever is on its way comes to its end, and the timer comes around twice: what one sweep tells may be
    over by the next."""
    plant.work(PATIENCE)
    plant.sweep()
    plant.work(SWEPT_AGAIN)
    plant.sweep()
    plant.work(AFTERWARDS)


@lru_cache(maxsize=64)
def whole(name: str) -> Whole:
    """The scenario of this name as it goes when nothing comes in its way."""
    player = _Player.of(BY_NAME[name], None)
    plant = player.plant
    steps: list[Stretch] = []
    for number in range(len(player.scenario.steps)):
        began, seen = plant.clock.now(), Seen()
        player.play(number, partial(_note, plant, seen))
        end = end_of(plant)
        steps.append(Stretch(end=end, seconds=_reached(began, seen, end) or 0.0))
    operations = tuple(plant.tape.operations)
    last = player.close()
    found = [*wrongs(plant), *player.scenario.course.wrongs(plant)]
    if player.scenario.course.end(plant, last) != last:
        found.append("the clean end is none that its course expects")
    return Whole(operations=operations, steps=tuple(steps), last=last, wrongs=tuple(found))


@lru_cache(maxsize=4096)
def with_others(name: str, at: int, meanwhile: str) -> End:
    """How the scenario ends when others do this before that operation, and nothing breaks."""
    player = _Player.of(BY_NAME[name], Fault(at=at, breaks=None, meanwhile=meanwhile))
    _play(player)
    return player.close()


@lru_cache(maxsize=64)
def asked_afterwards(name: str, meanwhile: str) -> End:
    """How the scenario ends when others have done this before anybody asks."""
    player = _Player.of(BY_NAME[name], None)
    player.others_write(meanwhile)
    player.plant.work(CALL_AGAIN)
    _play(player)
    return player.close()


def broken(scenario: Scenario, fault: Fault) -> Ran:
    """The scenario with this fault in its way, and everything that goes on after it."""
    clean = whole(scenario.name)
    player = _Player.of(scenario, fault)
    recovery = _play(player)
    last = player.close()
    wanted = (scenario.course.end(player.plant, end) for end in _wanted(scenario, fault))
    differs = [last.differs(end, made=not fault.meanwhile) for end in wanted]
    found = [*wrongs(player.plant), *scenario.course.wrongs(player.plant)]
    found += [f"ends otherwise: {differs[0]}"] if all(differs) else []
    before = clean.operations[: fault.at - 1]
    return Ran(
        fault=fault,
        operation=clean.operations[fault.at - 1],
        wrongs=tuple(found),
        is_guarded=_is_guarded(before),
        recovery=recovery,
    )


def _is_guarded(before: tuple[Operation, ...]) -> bool:
    own = takewhile(lambda one: one.name != "host.delete", reversed(before))
    return any(one.name == "queue.send check" for one in own)


def _wanted(scenario: Scenario, fault: Fault) -> Iterator[End]:
    """The ends that are right. What was read before others wrote may be acted on by whoever read it; who goes
    on for one that died reads anew, as if they had written before that reading. An operator who gets no
    answer asks again, about what is there by then."""
    if not fault.meanwhile:
        yield whole(scenario.name).last
        return
    yield with_others(scenario.name, fault.at, fault.meanwhile)
    done = whole(scenario.name).operations[: fault.at]
    if done[-1].call == "request":
        yield asked_afterwards(scenario.name, fault.meanwhile)
    names = [operation.name for operation in done]
    read = max((number for number, name in enumerate(names, start=1) if name == "gateway.read"), default=None)
    if read is not None:
        yield with_others(scenario.name, read, fault.meanwhile)


def _play(player: _Player) -> float | None:
    """All steps; returns the recovery where it can be told."""
    plant, recovery = player.plant, None
    for number, step in enumerate(player.scenario.steps):
        was_struck, began, seen = player.struck_at is not None, plant.clock.now(), Seen()
        watch = partial(_watch, player, seen)
        player.play(number, watch)
        if player.struck_at is None or recovery is not None or not step.settles:
            continue
        if not was_struck:
            plant.work(PATIENCE, watch)
        recovery = _recovery(player, began, seen, number) if player.is_measured else None
    return recovery


def _watch(player: _Player, seen: Seen) -> None:
    if player.is_measured and player.struck_at is not None:
        _note(player.plant, seen)


def _note(plant: Plant, seen: Seen) -> None:
    seen.append((plant.clock.now(), end_of(plant)))


def _recovery(player: _Player, began: datetime, seen: Seen, step: int) -> float | None:
    """How much later than the clean run, or than the death where that came after all was done. What an
    operator asked again began only then."""
    clean = whole(player.scenario.name).steps[step]
    took = _reached(began, seen, player.scenario.course.end(player.plant, clean.end))
    if took is None:
        return None
    asked = [(time - began).total_seconds() for time in player.plant.asked_again]
    waited = max((seconds for seconds in asked if seconds <= took), default=0.0)
    struck = (player.struck_at - began).total_seconds() if player.struck_at is not None else 0.0
    return max(0.0, took - max(waited + clean.seconds, struck))


def _reached(began: datetime, seen: Seen, wanted: End) -> float | None:
    """Seconds after which it was as wanted, and stayed so; None if it never was."""
    reached = None
    for time, end in seen:
        if end.differs(wanted):
            reached = None
        elif reached is None:
            reached = time
    return None if reached is None else (reached - began).total_seconds()


# --- which points there are ------------------------------------------------------------------------


def points(scenario: Scenario) -> Iterator[Fault]:
    """Every gap between two operations of the scenario, with everything that may happen in it."""
    for number, operation in enumerate(whole(scenario.name).operations, start=1):
        for meanwhile in ("", *MEANWHILE):
            yield Fault(at=number, breaks=Breaks.KILLED, meanwhile=meanwhile)
            if operation.may_fail:
                for breaks in (Breaks.FAILS, Breaks.LOST):
                    yield Fault(at=number, breaks=breaks, meanwhile=meanwhile)
                    if operation.is_of_store:
                        yield Fault(at=number, breaks=breaks, lasts=OUTAGE, meanwhile=meanwhile)


def kills(scenario: Scenario) -> Iterator[Fault]:
    """Every gap, with a worker that dies there, and nothing else."""
    return (one for one in points(scenario) if one.breaks is Breaks.KILLED and not one.meanwhile)


def sampled(scenario: Scenario, stride: int) -> Iterator[Fault]:
    """One point of so many, the same ones in every run."""
    for fault in points(scenario):
        if zlib.crc32(f"{scenario.name} {fault}".encode()) % stride == 0:
            yield fault
