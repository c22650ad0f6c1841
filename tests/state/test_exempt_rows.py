"""The memories that hold exemptions are found by rows of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.model.interfaces import Put
from shared.model.memory import Exemption, TargetRecord
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, SUBSCRIPTION, server
from tests.counting import CountingTables, Counts
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables, TablesOver

GIVEN = Exemption(policy="p", reason="r", approver="a", expires_at=NOW + timedelta(days=1))


def over(tables: MemoryTables | CountingTables | TablesOver) -> Store:
    return Store(tables, MemoryBlobs(), MemoryQueue(FakeClock(NOW)))


def saved(store: Store, name: str, *given: Exemption) -> TargetRecord:
    return store.save(replace(store.recall(server(name), NOW), exemptions=given))


def listed(store: Store) -> list[str]:
    return sorted(record.target.id.name for record in store.exempt.all(SUBSCRIPTION))


def rows(tables: MemoryTables) -> int:
    return sum(row.row.startswith("v-") for row in tables.query("targets"))


def made_old(tables: MemoryTables) -> None:
    """As an older version leaves it."""
    for row in list(tables.query("targets")):
        if row.row.startswith("v-"):
            tables.delete("targets", row.partition, row.row)


def test_those_that_hold_one_are_listed_and_no_others() -> None:
    store = over(MemoryTables())
    saved(store, "bare")
    record = saved(store, "exempt", GIVEN)
    assert list(store.exempt.all(SUBSCRIPTION.upper())) == [record]
    assert list(store.exempt.all("another")) == []


def test_one_that_holds_none_any_more_is_met_once() -> None:
    tables = MemoryTables()
    store = over(tables)
    record = saved(store, "ended", GIVEN)
    gone = saved(store, "gone", GIVEN)
    store.save(replace(record, exemptions=()))
    store.forget(gone.target)
    assert rows(tables) == 2
    assert listed(store) == []
    assert rows(tables) == 0


def test_what_was_written_before_there_were_such_rows_is_listed_by_the_first_who_asks() -> None:
    tables = MemoryTables()
    for name in ("a", "b", "c"):
        saved(over(tables), name, *([GIVEN] if name != "b" else []))
    made_old(tables)
    assert listed(over(tables)) == ["a", "c"]
    counts = Counts()
    assert listed(over(CountingTables(tables, counts))) == ["a", "c"]
    assert counts.rows < 6, "what is known is not gone through again"


def test_one_that_an_older_version_wrote_since_is_listed_once_it_is_entered() -> None:
    tables = MemoryTables()
    store = over(tables)
    assert listed(store) == []
    record = saved(store, "late", GIVEN)
    made_old(tables)
    assert listed(store) == []
    store.exempt.enter(record)
    assert listed(store) == ["late"]


def test_one_that_is_exempt_again_while_it_is_taken_off_stays() -> None:
    class Slow(TablesOver):
        """The memory is read; before its row goes it holds an exemption again."""

        def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> None:
            saved(over(tables), "pg", GIVEN)
            super().delete(table, partition, row, etag)

    tables = MemoryTables()
    saved(over(tables), "pg", GIVEN)
    saved(over(tables), "pg")
    assert listed(over(Slow(tables))) == []
    assert listed(over(tables)) == ["pg"]


def test_an_odd_memory_hides_no_other() -> None:
    tables = MemoryTables()
    store = over(tables)
    saved(store, "odd", GIVEN)
    (odd,) = [row for row in tables.query("targets") if row.row.startswith("t-")]
    tables.write("targets", Put(partition=odd.partition, row=odd.row, properties={"json0": "{"}))
    saved(store, "well", GIVEN)
    assert listed(store) == ["well"]
    made_old(tables)
    assert listed(over(tables)) == []
    assert listed(store) == []
