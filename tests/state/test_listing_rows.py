"""Lists of alerts and changes: pages by key range, in stores that older versions wrote as well."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model import Outcome, Severity
from shared.model.alert_records import AlertStatus
from shared.model.interfaces import Put, Replace
from shared.state.listings import Wanted
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, SUBSCRIPTION, alert, change, server
from tests.counting import CountingTables, Counts
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables

MANY = 23
EVERY = {
    "all": Wanted(),
    "of a target": Wanted(target=server("s1")),
    "of a policy": Wanted(policies=frozenset({"p0"})),
    "resolved, of two policies": Wanted(policies=frozenset({"p0", "p2"}), state=AlertStatus.RESOLVED),
    "open": Wanted(state=AlertStatus.OPEN),
    "open and high": Wanted(state=AlertStatus.OPEN, severity=Severity.HIGH),
    "low": Wanted(severity=Severity.LOW),
}


def over(tables: MemoryTables) -> Store:
    return Store(tables, MemoryBlobs(), MemoryQueue(FakeClock()))


def written(tables: MemoryTables) -> None:
    for number in range(MANY):
        at, target = NOW - timedelta(minutes=number), server(f"s{number % 4}")
        status = AlertStatus.OPEN if number % 2 else AlertStatus.RESOLVED
        severity = Severity.HIGH if number % 5 else Severity.LOW
        told = alert(f"{number:016x}", target, at, status)
        over(tables).put_alert(replace(told, severity=severity, policy=f"p{number % 3}"))
        over(tables).put_change(change(f"c{number}", target, at, Outcome.REVERTED, f"p{number % 3}"))


def made_old(tables: MemoryTables, lists: str = "x-") -> None:
    """As if no version that knows such lists had written anything."""
    for table in ("alerts", "changes"):
        for row in list(tables.query(table, table)):
            if row.row.startswith(lists):
                tables.delete(table, table, row.row)
            elif "json0" in row.properties:
                document = json.loads(str(row.properties["json0"]))
                document["listed"] = [one for one in document["listed"] if not one.startswith(lists)]
                bare = {**row.properties, "json0": json.dumps(document)}
                tables.write(table, Replace(partition=table, row=row.row, properties=bare, etag=row.etag))


def pages(store: Store, wanted: Wanted, limit: int) -> list[str]:
    found: list[str] = []
    after = ""
    while True:
        page = store.alert_page(wanted, limit, after)
        found += [one.id for one in page.records]
        if page.after is None:
            return found
        after = page.after


@pytest.mark.field(
    "steady",
    "A store that an older version wrote is listed whole, however far its lists have been filled.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("wanted", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("limit", [1, 4, 100])
@pytest.mark.parametrize("lists", ["x-", "x-e"], ids=["none", "those of both state and severity"])
def test_a_listing_is_the_same_before_while_and_after_its_lists_are_filled(
    wanted: Wanted, limit: int, lists: str
) -> None:
    tables = MemoryTables()
    written(tables)
    made_old(tables, lists)
    before = pages(over(tables), wanted, limit)
    assert before
    for _ in range(4):
        over(tables).upkeep.fill(SUBSCRIPTION, most=8)
        assert pages(over(tables), wanted, limit) == before


@pytest.mark.parametrize("table", ["alerts", "changes"])
def test_one_that_cannot_be_read_keeps_no_other_from_its_lists(table: str) -> None:
    tables = MemoryTables()
    written(tables)
    made_old(tables)
    rows = [row for row in tables.query(table, table) if "json0" in row.properties]
    odd = {**rows[3].properties, "json0": "{"}
    tables.write(table, Put(partition=table, row=rows[3].row, properties=odd))
    store = over(tables)
    for _ in range(MANY // 8 + 2):
        store.upkeep.fill(SUBSCRIPTION, most=8)
    page = store.alert_page if table == "alerts" else store.change_page
    assert len(page(Wanted(), 100).records) == MANY - 1


def test_all_alerts_are_read_by_the_page_and_not_one_by_one() -> None:
    tables, counts = MemoryTables(), Counts()
    written(tables)
    for _ in range(4):
        over(tables).upkeep.fill(SUBSCRIPTION, most=100)
    store = Store(CountingTables(tables, counts), MemoryBlobs(), MemoryQueue(FakeClock()))
    assert [one.id for one in store.alerts(limit=None)] == pages(over(tables), Wanted(), 100)
    assert "get" not in counts.kinds


def test_an_alert_that_is_seen_again_or_ends_is_in_each_list_once() -> None:
    tables = MemoryTables()
    store = over(tables)
    store.upkeep.fill(SUBSCRIPTION, most=8)
    told = store.put_alert(alert("a1", last_seen=NOW))
    told = store.put_alert(replace(told, last_seen=NOW + timedelta(hours=1)))
    store.put_alert(replace(told, status=AlertStatus.RESOLVED))
    assert pages(store, Wanted(), 10) == ["a1"]
    assert pages(store, Wanted(state=AlertStatus.OPEN), 10) == []
    assert sum(row.row.startswith("x-") for row in tables.query("alerts")) == 6


def test_a_list_of_one_side_says_of_the_others_what_is_so_now() -> None:
    tables = MemoryTables()
    store = over(tables)
    store.upkeep.fill(SUBSCRIPTION, most=8)
    told = store.put_alert(alert("a1", last_seen=NOW))
    store.put_alert(replace(told, status=AlertStatus.RESOLVED))
    for side in (Wanted(target=told.target), Wanted(policies=frozenset({told.policy}))):
        assert pages(store, replace(side, state=AlertStatus.OPEN), 10) == []
        assert pages(store, replace(side, state=AlertStatus.RESOLVED), 10) == ["a1"]


def test_what_an_older_version_writes_after_the_lists_were_filled_is_listed_again() -> None:
    tables = MemoryTables()
    store = over(tables)
    written(tables)
    for _ in range(4):
        store.upkeep.fill(SUBSCRIPTION, most=100)
    before = {name: pages(store, wanted, 4) for name, wanted in EVERY.items()}
    made_old(tables)
    for _ in range(4):
        over(tables).upkeep.fill(SUBSCRIPTION, most=100)
    assert {name: pages(over(tables), wanted, 4) for name, wanted in EVERY.items()} == before


def test_a_row_that_a_dead_worker_left_in_a_list_is_removed_by_whoever_meets_it() -> None:
    tables = MemoryTables()
    store = over(tables)
    store.upkeep.fill(SUBSCRIPTION, most=8)
    told = store.put_alert(alert("a1", last_seen=NOW))
    store.put_alert(replace(told, status=AlertStatus.RESOLVED, listed=()))  # it forgot what it was in
    assert pages(store, Wanted(state=AlertStatus.OPEN), 10) == []
    assert pages(store, Wanted(state=AlertStatus.OPEN, severity=told.severity), 10) == []
    assert sum(row.row.startswith("x-") for row in tables.query("alerts")) == 6


def test_what_is_open_and_severe_does_not_hide_behind_what_is_open() -> None:
    tables = MemoryTables()
    store = over(tables)
    store.upkeep.fill(SUBSCRIPTION, most=8)
    for number in range(300):
        severity = Severity.CRITICAL if number in {0, 299} else Severity.LOW
        store.put_alert(
            replace(alert(f"{number:016x}", last_seen=NOW - timedelta(hours=number)), severity=severity)
        )
    page = store.alert_page(Wanted(state=AlertStatus.OPEN, severity=Severity.CRITICAL), 20)
    assert ([one.id for one in page.records], page.total, page.after) == (
        [f"{0:016x}", f"{299:016x}"],
        2,
        None,
    )


def test_how_many_there_are_is_said_of_short_lists_on_every_page() -> None:
    tables = MemoryTables()
    store = over(tables)
    store.upkeep.fill(SUBSCRIPTION, most=8)
    for number in range(150):
        store.put_alert(alert(f"{number:016x}", server(f"s{number % 2}"), NOW - timedelta(minutes=number)))
    first = store.alert_page(Wanted(target=server("s0")), 40)
    second = store.alert_page(Wanted(target=server("s0")), 40, first.after or "")
    assert (first.total, second.total, second.after) == (75, 75, None)
    assert store.alert_page(Wanted(), 40).total is None
