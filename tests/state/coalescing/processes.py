"""Processes that stop before every step, so that a test says in which order they go and where one dies."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import count
from typing import TypeVar

from hypothesis import strategies as st

from shared.model import Actor, Cause, CauseKind, Target, TargetKind
from shared.model.errors import EntityChanged, StoreError
from shared.model.messages import look
from shared.model.resource_id import ResourceId
from shared.state.store import Store
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
