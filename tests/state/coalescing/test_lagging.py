"""Messages that come late or never: waited for, sent again, and never in anybody's way."""

from datetime import datetime, timedelta

import pytest

from shared.model.interfaces import TableWrite
from shared.model.messages import look
from shared.state.store import Store
from tests.memory import MemoryBlobs, TablesOver
from tests.state.coalescing.bench import Bench
from tests.state.coalescing.processes import DELAY, NOW, SERVER, cause


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
