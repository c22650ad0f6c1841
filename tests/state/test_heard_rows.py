"""The last event of a subscription: told to a minute, and at no request more for any event."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model import Cause, CauseKind
from shared.model.interfaces import TableWrite
from shared.model.messages import Message, MessageKind, look
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, SUBSCRIPTION, nsg, server
from tests.counting import CountingTables, Counts
from tests.fakes import World
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables, TablesOver


def store_over(tables: MemoryTables | TablesOver | CountingTables) -> Store:
    return Store(tables, MemoryBlobs(), MemoryQueue(FakeClock(NOW)))


def event(seconds: float = 0.0, kind: CauseKind = CauseKind.EVENT) -> Cause:
    return Cause(kind=kind, time=NOW + timedelta(seconds=seconds))


def heard(store: Store, seconds: float, *names: str) -> None:
    for name in names or ("pg",):
        store.arm(look(server(name), event(seconds)), NOW + timedelta(seconds=seconds), 0)


def told(store: Store, subscription: str = SUBSCRIPTION) -> float | None:
    """Seconds since the beginning of what is told."""
    last = store.heard.last_event(subscription)
    return None if last is None else (last.time - NOW).total_seconds()


def test_before_there_was_an_event_there_is_none() -> None:
    store = store_over(MemoryTables())
    for kind in set(CauseKind) - {CauseKind.EVENT}:
        store.arm(look(server(), event(kind=kind)), NOW, 0)
    assert told(store) is None


def test_the_first_event_is_told_at_once_whatever_the_letter_case() -> None:
    store = store_over(MemoryTables())
    heard(store, 0)
    last = store.heard.last_event(SUBSCRIPTION.upper())
    assert last is not None
    assert (last.target, last.cause) == (server().id, event())
    assert told(store, "another") is None


def test_the_last_event_is_told_to_a_minute() -> None:
    store = store_over(MemoryTables())
    seen = []
    for seconds in range(0, 300, 7):
        heard(store, seconds, f"pg-{seconds}")
        seen.append((seconds, told(store)))
    assert all(shown is not None and 0 <= seconds - shown < 60 for seconds, shown in seen)
    assert len({shown for _, shown in seen}) == 5


def test_an_event_that_joins_is_told_as_well() -> None:
    store = store_over(MemoryTables())
    heard(store, 0)
    heard(store, 61)
    assert told(store) == 61


def test_what_depends_on_something_else_is_an_event_without_a_target() -> None:
    store = store_over(MemoryTables())
    store.arm(Message(kind=MessageKind.LOOK, locator=nsg(), cause=event(5)), NOW, 0)
    last = store.heard.last_event(SUBSCRIPTION)
    assert last is not None
    assert (last.target, last.time) == (None, NOW + timedelta(seconds=5))


@pytest.mark.parametrize("apart", [0.0, 90.0])
def test_it_costs_no_event_a_request(apart: float) -> None:
    counts = Counts()
    store = store_over(CountingTables(MemoryTables(), counts))
    for number in range(4):
        counts.take()
        heard(store, number * apart, f"pg-{number}")
        assert [kind for kind, _ in counts.take().operations] == ["get", "write"]


def test_a_write_that_came_too_late_notes_nothing_and_the_next_one_does() -> None:
    class Meddling(TablesOver):
        """Somebody else arms the same key in between, once."""

        meddled = False

        def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
            if not self.meddled:
                self.meddled = True
                heard(store_over(tables), 1)
            return super().write(table, *writes)

    tables = MemoryTables()
    store = store_over(Meddling(tables))
    heard(store, 2)
    assert told(store) == 2


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    store = store_over(MemoryTables())
    heard(store, 3600)
    heard(store, 0, "other")
    assert told(store) == 0


def test_another_instance_tells_of_what_it_heard() -> None:
    tables = MemoryTables()
    first, second = store_over(tables), store_over(tables)
    heard(first, 0, "a")
    heard(second, 10, "b")
    assert told(first) == 10


def test_the_status_is_read_from_one_row() -> None:
    world = World()
    for number in range(30):
        world.clock.advance(61)
        world.event(server(f"pg-{number}"))
    counts = Counts()
    store = Store(CountingTables(world.tables, counts), world.blobs, world.queue)
    assert store.heard.last_event(ResourceId(str(server().id)).subscription) is not None
    assert counts.cost == 2
