"""Coalescing: no interleaving and no crash loses an event, and a burst costs one reading."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from shared.model import Actor, Cause, CauseKind, Target, TargetKind, codec
from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import Entity, Insert, TableWrite
from shared.model.messages import Message, MessageKind, RunOptions, look
from shared.model.resource_id import ResourceId
from shared.state.coalescing import Started, merged
from shared.state.store import Store
from shared.state.table_layout import queue_place
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables, QueuedMessage, TablesOver

_T = TypeVar("_T")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DELAY = 5
VISIBILITY = 30
SERVER = Target(
    kind=TargetKind.FLEXIBLE_SERVER,
    id=ResourceId(
        "/subscriptions/S1/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg"
    ),
)


def cause(event: str | None = "e1", seconds: float = 0, kind: CauseKind = CauseKind.EVENT) -> Cause:
    return Cause(kind=kind, time=NOW + timedelta(seconds=seconds), event_id=event, actor=Actor(name=event))


# --- every interleaving ----------------------------------------------------------------------------


class Verdict(Enum):
    """What becomes of the next thing that a process wants to do to the world."""

    DONE = "done"
    CRASHED_BEFORE = "the process dies before it"
    ANSWER_LOST = "it happens, but the process never learns so"


FAULTS = (Verdict.CRASHED_BEFORE, Verdict.ANSWER_LOST)
VERDICTS = st.sampled_from([Verdict.DONE, Verdict.DONE, *FAULTS])
SKEWS = st.sampled_from([0, 0, 600, -600])
STEPS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 99])


class Crash(BaseException):
    """A process dies: nothing in the code under test may catch it."""


class Process(threading.Thread):
    """One process. It stops before every call to the world until the scheduler says what becomes of it."""

    def __init__(self, work: Callable[["Process"], None]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._may_go = threading.Semaphore(0)
        self._has_stopped = threading.Semaphore(0)
        self._verdict = Verdict.DONE
        self.ended = False
        self.succeeded = False
        self.crashed = False
        self.start()
        self._has_stopped.acquire()

    def run(self) -> None:
        try:
            self._work(self)
            self.succeeded = True
        except (Crash, StoreError):
            self.crashed = True
        finally:
            self.ended = True
            self._has_stopped.release()

    def do(self, call: Callable[[], _T]) -> _T:
        self._has_stopped.release()
        self._may_go.acquire()
        if self._verdict is Verdict.CRASHED_BEFORE:
            raise Crash
        result = call()
        if self._verdict is Verdict.ANSWER_LOST:
            raise StoreError("the connection broke before the answer came")
        return result

    def step(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._may_go.release()
        self._has_stopped.acquire()


class SteppedTables(TablesOver):
    """Tables as one process sees them: every call is a step."""

    def __init__(self, tables: MemoryTables, process: Process) -> None:
        super().__init__(tables)
        self._process = process

    def _do(self, operation: Callable[[], _T]) -> _T:
        return self._process.do(operation)


class SteppedQueue:
    def __init__(self, queue: MemoryQueue, process: Process) -> None:
        self._queue = queue
        self._process = process

    def send(self, body: str, delay_seconds: float = 0) -> None:
        self._process.do(lambda: self._queue.send(body, delay_seconds))


@dataclass
class Event:
    name: str
    happened: int
    skew: float = 0
    """Seconds by which the clock of the instance that it comes to is off."""
    acknowledged: bool = False
    deliveries: list[Process] = field(default_factory=list)

    @property
    def is_at_rest(self) -> bool:
        return all(delivery.ended for delivery in self.deliveries)


class World:
    """Senders, workers, one row and one queue; the platform around them repeats what has not succeeded."""

    def __init__(self) -> None:
        self.ticks = count(1)
        self.tokens = count(1)
        self.clock = FakeClock(NOW)
        self.tables = MemoryTables()
        self.queue = MemoryQueue(self.clock)
        self.events: list[Event] = []
        self.processes: list[Process] = []
        self.readings: list[int] = []

    def store(self, process: Process) -> Store:
        tables, queue = SteppedTables(self.tables, process), SteppedQueue(self.queue, process)
        return Store(tables, MemoryBlobs(), queue, lambda: f"t{next(self.tokens)}")

    def new_event(self, skew: float = 0) -> Event:
        event = Event(name=f"e{len(self.events)}", happened=next(self.ticks), skew=skew)
        self.events.append(event)
        return event

    def deliver(self, event: Event) -> Process:
        def work(process: Process) -> None:
            message = look(SERVER, cause(event.name))
            self.store(process).arm(message, self.clock.now() + timedelta(seconds=event.skew), DELAY)
            event.acknowledged = True

        process = Process(work)
        event.deliveries.append(process)
        self.processes.append(process)
        return process

    def process(self, queued: QueuedMessage) -> Process:
        def work(process: Process) -> None:
            store = self.store(process)
            message = store.read_message(queued.body)
            started = store.start(message, self.clock.now())
            if started is not None:
                began = process.do(lambda: next(self.ticks))
                process.do(lambda: self.readings.append(began))
                store.finish(message, started)
            process.do(lambda: self.done_with(queued))

        process = Process(work)
        self.processes.append(process)
        return process

    def done_with(self, queued: QueuedMessage) -> None:
        try:
            self.queue.delete(queued)
        except EntityChanged:
            return  # the host meets this too: somebody else has the message now

    def keep_promises(self) -> None:
        """Deliveries and messages are repeated until each has succeeded; then nothing may be unread."""
        for process in self.processes:
            self.finish(process)
        for event in self.events:
            if not event.acknowledged:
                self.finish(self.deliver(event))
        while len(self.queue):
            queued = self.queue.receive(VISIBILITY)
            if queued is None:
                self.clock.advance(VISIBILITY)
            else:
                self.finish(self.process(queued))
        latest = max(self.readings, default=0)
        assert [event.name for event in self.events if event.happened > latest] == []
        assert all(event.acknowledged for event in self.events)
        assert all(process.succeeded or process.crashed for process in self.processes)

    def finish(self, process: Process) -> None:
        while not process.ended:
            process.step(Verdict.DONE)


# --- every short history ---------------------------------------------------------------------------


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


# --- long histories --------------------------------------------------------------------------------


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


# --- the ordinary course ---------------------------------------------------------------------------


class Bench:
    """A store in memory with its queue in sight."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.queue = MemoryQueue(self.clock)
        self.tables = MemoryTables()
        self.store = Store(self.tables, MemoryBlobs(), self.queue)
        self.started: dict[str | None, Started] = {}

    def arm(self, event: str | None, kind: CauseKind = CauseKind.EVENT) -> bool:
        now = self.clock.now()
        return self.store.arm(look(SERVER, cause(event, (now - NOW).total_seconds(), kind)), now, DELAY)

    def take(self) -> Message | None:
        queued = self.queue.receive(VISIBILITY)
        if queued is None:
            return None
        self.queue.delete(queued)
        return self.store.read_message(queued.body)

    def take_one(self) -> Message:
        message = self.take()
        assert message is not None
        return message

    def start(self, message: Message) -> Cause | None:
        started = self.store.start(message, self.clock.now())
        if started is not None:
            self.started[message.token] = started
        return started.cause if started is not None else None

    def finish(self, message: Message) -> None:
        self.store.finish(message, self.started[message.token])


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_burst_of_31_events_is_one_message_and_one_reading(bench: Bench) -> None:
    sent = [bench.arm(f"e{n}") for n in range(31)]
    assert sent == [True, *[False] * 30]
    assert bench.take() is None
    bench.clock.advance(DELAY)
    message = bench.take_one()
    began = bench.start(message)
    assert began is not None
    assert began.count == 31
    bench.finish(message)
    assert bench.take() is None


def test_the_wait_counts_from_the_first_event_of_a_burst(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY - 1)
    bench.arm("e2")
    bench.clock.advance(1)
    assert bench.take() is not None


def test_an_event_after_the_reading_began_is_read_again(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    first = bench.take_one()
    bench.start(first)
    assert bench.arm("e2")
    bench.finish(first)
    bench.clock.advance(DELAY)
    second = bench.start(bench.take_one())
    assert second is not None
    assert second.event_id == "e2"


def test_a_message_that_is_delivered_again_after_a_crash_is_read_again(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    message = bench.take_one()
    assert bench.start(message) == bench.start(message) is not None


def test_a_message_that_is_delivered_again_after_its_end_is_stale(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    message = bench.take_one()
    bench.start(message)
    bench.finish(message)
    assert bench.start(message) is None


def test_a_younger_reading_takes_over_the_cause_of_one_that_crashed(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    crashed = bench.take_one()
    bench.start(crashed)
    bench.arm(None, CauseKind.SWEEP)
    bench.clock.advance(DELAY)
    began = bench.start(bench.take_one())
    assert began is not None
    assert (began.event_id, began.count) == ("e1", 2)
    assert bench.start(crashed) is None


def test_finishing_an_overtaken_reading_leaves_the_younger_one_running(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    older = bench.take_one()
    bench.start(older)
    bench.arm("e2")
    bench.clock.advance(DELAY)
    younger = bench.take_one()
    bench.start(younger)
    bench.finish(older)
    assert bench.start(younger) is not None


def test_a_message_that_does_not_arrive_is_sent_once_more(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    bench.take_one()
    bench.clock.advance(300)
    assert not bench.arm("e2")
    bench.clock.advance(1)
    assert bench.arm("e3")
    bench.clock.advance(1)
    assert not bench.arm("e4")
    bench.clock.advance(DELAY)
    began = bench.start(bench.take_one())
    assert began is not None
    assert (began.event_id, began.count) == ("e4", 4)


def test_a_message_that_was_thought_lost_begins_the_reading_and_the_later_one_is_stale(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(400)
    assert bench.arm("e2")
    began = bench.start(bench.take_one())
    assert began is not None
    assert began.count == 2
    bench.clock.advance(DELAY)
    assert bench.start(bench.take_one()) is None


@pytest.mark.field(
    "steady",
    "In a queue that lags by more than a message is waited for, a key whose events keep coming is looked at: "
    "every message of a reading that has not begun begins it",
    source="docs/adr/0019-generations-and-slots.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("lag", [0, 290, 400, 1000])
@pytest.mark.parametrize("skews", [(0,), (0, 600), (0, -600), (0, 320, -320)], ids=str)
def test_every_event_is_read_as_soon_as_the_queue_delivers(lag: float, skews: tuple[float, ...]) -> None:
    queue = LaggingKey(lag)
    for number in range(240):
        queue.event(skews[number % len(skews)])
        queue.work(until=30 * (number + 1))
    queue.work(until=30 * 240 + lag + DELAY)
    assert [wait for wait in queue.waits if wait > lag + DELAY] == []
    assert len(queue.waits) == 240


class LaggingKey:
    """One key whose messages arrive later than they should, and how long its events waited to be read."""

    def __init__(self, lag: float) -> None:
        self.bench = Bench()
        self.lag = lag
        self.unread: list[datetime] = []
        self.waits: list[float] = []

    def event(self, skew: float) -> None:
        now = self.bench.clock.now()
        self.unread.append(now)
        self.bench.store.arm(look(SERVER, cause()), now + timedelta(seconds=skew), DELAY)

    def work(self, until: float) -> None:
        while (due := self.due()) is not None and due <= NOW + timedelta(seconds=until):
            self.bench.clock.set(max(due, self.bench.clock.now()))
            message = self.bench.take_one()
            if self.bench.start(message) is not None:
                self.read(self.bench.clock.now())
                self.bench.finish(message)
        self.bench.clock.set(NOW + timedelta(seconds=until))

    def due(self) -> datetime | None:
        visible = self.bench.queue.next_visible_at()
        return visible + timedelta(seconds=self.lag) if visible is not None else None

    def read(self, now: datetime) -> None:
        self.waits += [(now - happened).total_seconds() for happened in self.unread]
        self.unread.clear()


@pytest.mark.parametrize("skew", [0, 29, 31, 300, 320, 600, -29, -31, -300, -320, -600, -4000])
def test_however_clocks_differ_a_lost_message_is_sent_again_within_six_minutes(
    bench: Bench, skew: float
) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    bench.take_one()  # and nobody works on it
    sent: list[bool] = []
    while not any(sent):
        bench.clock.advance(10)
        later = bench.clock.now() + timedelta(seconds=skew)
        sent.append(bench.store.arm(look(SERVER, cause("e2")), later, DELAY))
    assert len(sent) * 10 <= 360


def test_an_event_does_not_wait_for_a_look_that_was_put_off(bench: Bench) -> None:
    bench.store.arm(look(SERVER, cause("e1")), NOW, 480)
    assert bench.arm("e2")
    bench.clock.advance(DELAY)
    began = bench.start(bench.take_one())
    assert began is not None
    assert began.count == 2
    bench.clock.advance(480)
    assert bench.start(bench.take_one()) is None


def test_a_look_that_is_put_off_joins_one_that_comes_sooner(bench: Bench) -> None:
    bench.arm("e1")
    assert not bench.store.arm(look(SERVER, cause("e2")), NOW, 480)


def test_a_stale_message_costs_one_read_of_the_row(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(400)
    bench.arm("e2")
    bench.start(bench.take_one())
    tables = CountingTables(bench.tables)
    bench.clock.advance(DELAY)
    stale = bench.take_one()
    assert Store(tables, MemoryBlobs(), bench.queue).start(stale, bench.clock.now()) is None
    assert tables.calls == ["get"]


def test_a_reading_that_nobody_joins_costs_a_read_and_two_writes_of_the_row(bench: Bench) -> None:
    bench.arm("e1")
    bench.clock.advance(DELAY)
    tables = CountingTables(bench.tables)
    store, message = Store(tables, MemoryBlobs(), bench.queue), bench.take_one()
    began = store.start(message, bench.clock.now())
    assert began is not None
    store.finish(message, began)
    assert tables.calls == ["get", "write", "write"]
    assert bench.start(message) is None


class CountingTables(MemoryTables):
    """The same tables, with a note of every call that a test asks about."""

    def __init__(self, tables: MemoryTables) -> None:
        super().__init__()
        self._tables = tables
        self.calls: list[str] = []

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        self.calls.append("get")
        return self._tables.get(table, partition, row)

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        self.calls.append("write")
        return self._tables.write(table, *writes)


def test_a_row_and_a_message_from_before_there_were_generations_are_still_read(bench: Bench) -> None:
    place = queue_place(look(SERVER, cause()))
    old = {"json0": codec.dump({"pending": {"token": "1", "since": NOW, "cause": cause("e1")}})}
    bench.tables.write(place.table, Insert(partition=place.partition, row=place.row, properties=old))
    assert not bench.arm("e2")
    message = replace(look(SERVER, cause("e1")), token=str(1))
    began = bench.start(message)
    assert began is not None
    assert began.count == 2
    bench.finish(message)
    assert bench.start(message) is None
    assert bench.arm("e3")


def test_a_row_from_before_whose_message_is_late_is_begun_by_the_one_sent_since(bench: Bench) -> None:
    place = queue_place(look(SERVER, cause()))
    old = {"json0": codec.dump({"pending": {"token": "1", "since": NOW, "cause": cause("e1")}})}
    bench.tables.write(place.table, Insert(partition=place.partition, row=place.row, properties=old))
    bench.clock.advance(400)
    assert bench.arm("e2")
    bench.clock.advance(DELAY)
    began = bench.start(bench.take_one())
    assert began is not None
    assert began.count == 2


def test_a_sender_that_is_slower_than_its_message_arms_again(bench: Bench) -> None:
    """The message arrives before the token is in the row: the token must not enter it any more."""
    slow = Store(HastyWorker(bench), MemoryBlobs(), bench.queue)
    assert slow.arm(look(SERVER, cause("e1")), NOW, 0)
    message = bench.take_one()
    assert bench.start(message) is not None


class HastyWorker(TablesOver):
    """Tables of a sender whose first message is processed before the sender can write."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench.tables)
        self._bench = bench

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        if not list(self._bench.tables.query(table)):
            assert self._bench.start(self._bench.take_one()) is None
        return self._bench.tables.write(table, *writes)


def test_a_look_that_was_never_armed_is_always_worth_a_reading(bench: Bench) -> None:
    message = look(SERVER, cause("e1"))
    assert bench.start(message) == message.cause
    bench.finish(message)


@pytest.mark.parametrize(
    "message",
    [
        Message(kind=MessageKind.RECHECK, target=SERVER, cause=cause()),
        Message(kind=MessageKind.LOOK, target=SERVER, cause=cause(), options=RunOptions(adopt=True)),
        Message(kind=MessageKind.LOOK, cause=cause()),
    ],
    ids=["not a look", "with options", "about nothing"],
)
def test_what_must_not_be_merged_is_refused(bench: Bench, message: Message) -> None:
    with pytest.raises(ValueError, match="coalesced"):
        bench.store.arm(message, NOW, DELAY)
    assert len(bench.queue) == 0


# --- causes ----------------------------------------------------------------------------------------


def test_the_newest_event_names_the_cause_whatever_the_order_of_arrival() -> None:
    older, newer = cause("older", 1), cause("newer", 2)
    assert merged(older, newer).event_id == merged(newer, older).event_id == "newer"


def test_a_sweep_never_hides_who_wrote() -> None:
    event, sweep = cause("e1", 1), cause(None, 9, CauseKind.SWEEP)
    assert merged(event, sweep).actor == merged(sweep, event).actor == Actor(name="e1")


def test_counts_of_merged_causes_add_up() -> None:
    once = merged(cause("a"), cause("b", 1))
    assert merged(once, cause("c", 2)).count == 3
