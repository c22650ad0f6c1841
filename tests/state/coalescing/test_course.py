"""The ordinary course: a burst costs one reading, and what comes later is read again."""

from dataclasses import replace

import pytest

from shared.model import CauseKind, codec
from shared.model.interfaces import Entity, Insert, TableWrite
from shared.model.messages import Message, MessageKind, RunOptions, look
from shared.state.store import Store
from shared.state.table_layout import queue_place
from tests.memory import MemoryBlobs, MemoryTables
from tests.state.coalescing.bench import Bench
from tests.state.coalescing.processes import DELAY, NOW, SERVER, cause


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
