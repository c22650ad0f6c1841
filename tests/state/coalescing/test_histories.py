"""No interleaving and no crash loses an event: every short history, and long ones at random."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.state.coalescing.processes import (
    DELAY,
    FAULTS,
    SKEWS,
    STEPS,
    VERDICTS,
    VISIBILITY,
    Process,
    Verdict,
    World,
)


class Choices:
    """Walks a tree of choices depth first: each run takes the first path that was not taken yet."""

    def __init__(self) -> None:
        self._path: list[tuple[int, int]] = []
        self._depth = 0

    def choose(self, options: int) -> int:
        if self._depth == len(self._path):
            self._path.append((0, options))
        chosen, _ = self._path[self._depth]
        self._depth += 1
        return chosen

    def next_path(self) -> bool:
        """Go on to the next path; False when all were taken."""
        self._depth = 0
        while self._path:
            chosen, options = self._path.pop()
            if chosen + 1 < options:
                self._path.append((chosen + 1, options))
                return True
        return False


@dataclass
class History:
    """Two events and one or two workers, in some order, with at most so many surprises.

    A surprise is a switch to another process in the middle of one, a crash, or a lost answer. At every
    step of every process each of them is tried.
    """

    choices: Choices
    surprises: int
    workers: int
    skew: float = 0
    """By how much the clock of the second sender is ahead of the first one's."""
    senders: int = 2
    world: World = field(default_factory=World)
    current: Process | None = None

    def play(self) -> None:
        while moves := self.moves():
            moves[self.choices.choose(len(moves))]()
        self.world.keep_promises()

    def moves(self) -> list[Callable[[], None]]:
        others = [one for one in self.world.processes if not one.ended and one is not self.current]
        switches: list[Callable[[], None]] = [partial(self.go_on, one) for one in others]
        if self.senders:
            switches.append(self.send)
        if self.workers and len(self.world.queue):
            switches.append(self.work)
        current = self.current
        if current is None or current.ended:
            return switches
        go_on: list[Callable[[], None]] = [partial(current.step, Verdict.DONE)]
        if not self.surprises:
            return go_on
        faults: list[Callable[[], None]] = [partial(current.step, verdict) for verdict in FAULTS]
        return go_on + [partial(self.surprise, move) for move in (*faults, *switches)]

    def surprise(self, move: Callable[[], None]) -> None:
        self.surprises -= 1
        move()

    def go_on(self, process: Process) -> None:
        self.current = process
        process.step(Verdict.DONE)

    def send(self) -> None:
        self.senders -= 1
        self.current = self.world.deliver(self.world.new_event(0 if self.senders else self.skew))

    def work(self) -> None:
        """The clock runs until a message is visible: an impatient queue delivers one twice."""
        self.workers -= 1
        for wait in (0, DELAY, VISIBILITY):
            self.world.clock.advance(wait)
            queued = self.world.queue.receive(VISIBILITY)
            if queued is not None:
                self.current = self.world.process(queued)
                return


@pytest.mark.parametrize(("surprises", "workers"), [(1, 2), (2, 1)])
def test_no_short_history_loses_an_event(surprises: int, workers: int) -> None:
    play_all(surprises, workers, 0)


@pytest.mark.field(
    "steady",
    "Two instances whose clocks are ten minutes apart lose no event, whatever crashes between two steps",
    source="docs/adr/0019-generations-and-slots.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("skew", [600, -600])
def test_no_short_history_of_two_clocks_loses_an_event(skew: float) -> None:
    play_all(1, 2, skew)


def play_all(surprises: int, workers: int, skew: float) -> None:
    choices = Choices()
    more = True
    while more:
        History(choices, surprises, workers, skew).play()
        more = choices.next_path()


class NothingIsLost(RuleBasedStateMachine):
    """Events, duplicates, workers and faults in any order; whenever the dust settles nothing is unread."""

    @initialize()
    def begin(self) -> None:
        self.world = World()

    @rule(steps=STEPS, verdict=VERDICTS, skew=SKEWS)
    def something_happens(self, steps: int, verdict: Verdict, skew: float) -> None:
        self.advance(self.world.deliver(self.world.new_event(skew)), steps, verdict)

    @precondition(lambda self: any(event.is_at_rest for event in self.world.events))
    @rule(data=st.data(), steps=STEPS, verdict=VERDICTS)
    def an_event_comes_again(self, data: st.DataObject, steps: int, verdict: Verdict) -> None:
        event = data.draw(st.sampled_from([event for event in self.world.events if event.is_at_rest]))
        self.advance(self.world.deliver(event), steps, verdict)

    @precondition(lambda self: len(self.world.queue) > 0)
    @rule(patience=st.sampled_from([0, DELAY, VISIBILITY]), steps=STEPS, verdict=VERDICTS)
    def a_worker_takes_a_message(self, patience: int, steps: int, verdict: Verdict) -> None:
        self.world.clock.advance(patience)
        queued = self.world.queue.receive(VISIBILITY)
        if queued is not None:
            self.advance(self.world.process(queued), steps, verdict)

    @precondition(lambda self: any(not process.ended for process in self.world.processes))
    @rule(data=st.data(), steps=STEPS, verdict=VERDICTS)
    def a_process_goes_on(self, data: st.DataObject, steps: int, verdict: Verdict) -> None:
        process = data.draw(st.sampled_from([one for one in self.world.processes if not one.ended]))
        self.advance(process, steps, verdict)

    @rule()
    def a_long_time_passes(self) -> None:
        self.world.clock.advance(400)

    @rule()
    def the_platform_keeps_its_promises(self) -> None:
        self.world.keep_promises()

    def advance(self, process: Process, steps: int, verdict: Verdict) -> None:
        """Let a process take some steps, and decide what becomes of the one after them."""
        for _ in range(steps):
            if not process.ended:
                process.step(Verdict.DONE)
        if not process.ended and verdict is not Verdict.DONE:
            process.step(verdict)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.keep_promises()


TestNothingIsLost = NothingIsLost.TestCase


TestNothingIsLost.settings = settings(stateful_step_count=20, deadline=None)
