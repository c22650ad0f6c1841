"""Alerts in the store: guarded by their etag, listed in pages that leave nothing out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.model import Outcome, Severity
from shared.model.alert_records import AlertStatus
from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import Replace
from shared.state.listings import Wanted
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, POLICY, alert, change, server
from tests.state.store.bench import EVERYWHERE, LATER, Bench


@EVERYWHERE
def test_an_alert_is_written_and_read_and_guarded_by_its_etag(store: Store) -> None:
    assert store.alert("alert-1") is None
    opened = store.put_alert(alert())
    assert store.alert("alert-1") == opened
    store.put_alert(replace(opened, count=2))
    with pytest.raises(EntityChanged):
        store.put_alert(replace(opened, count=3))
    with pytest.raises(EntityChanged):
        store.put_alert(alert())


def test_alerts_are_listed_last_seen_first_and_selected(store: Store) -> None:
    for n, status in ((1, AlertStatus.OPEN), (3, AlertStatus.RESOLVED), (2, AlertStatus.OPEN)):
        store.put_alert(alert(f"a{n}", server(f"s{n}"), NOW + timedelta(seconds=n), status))
    assert [record.id for record in store.alerts()] == ["a3", "a2", "a1"]
    assert [record.id for record in store.alerts(limit=1)] == ["a3"]
    assert [record.id for record in store.alerts(status=AlertStatus.OPEN)] == ["a2", "a1"]
    assert [record.id for record in store.alerts(target=server("S1"))] == ["a1"]
    assert store.alerts(policy="another") == []


@EVERYWHERE
def test_pages_follow_each_other_and_leave_nothing_out(store: Store) -> None:
    for n in range(7):  # two of them were seen in the same moment
        store.put_alert(alert(f"a{n}", server(f"s{n}"), NOW + timedelta(seconds=n // 2)))
    whole = [record.id for record in store.alerts(limit=None)]
    for limit in (1, 2, 3, 7, 8):
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            page = store.alert_page(Wanted(), limit, after)
            assert page.total == 7
            assert len(page.records) <= limit
            found += [record.id for record in page.records]
            after = page.after
        assert found == whole


def test_a_page_begins_behind_a_row_that_is_gone_or_was_seen_again(store: Store) -> None:
    for n in range(4):
        store.put_alert(alert(f"a{n}", server(f"s{n}"), NOW - timedelta(seconds=n)))
    first = store.alert_page(Wanted(), 2)
    assert first.after is not None
    known = store.alert("a1")
    assert known is not None
    store.put_alert(replace(known, last_seen=LATER))
    assert [record.id for record in store.alert_page(Wanted(), 2, first.after).records] == ["a2", "a3"]


def test_a_page_selects_by_everything_that_is_wanted(bench: Bench) -> None:
    store, tables = bench.store, bench.tables
    store.put_alert(replace(alert("a1", server("s1")), severity=Severity.HIGH))
    store.put_alert(replace(alert("a2", server("s2"), status=AlertStatus.RESOLVED), severity=Severity.LOW))
    old = tables.get("alerts", "alerts", "a1")
    assert old is not None
    kept = {name: text for name, text in old.properties.items() if name != "severity"}
    tables.write("alerts", Replace(partition="alerts", row="a1", properties=kept, etag=old.etag))

    def ids(**wanted: Any) -> list[str]:
        return [record.id for record in store.alert_page(Wanted(**wanted), 10).records]

    assert (ids(severity=Severity.HIGH), ids(severity=Severity.LOW)) == (["a1"], ["a2"])
    assert ids(severity=Severity.MEDIUM) == []
    assert ids(state=AlertStatus.OPEN) == ["a1"]
    assert ids(target=server("S2")) == ["a2"]
    assert (ids(policies=frozenset({POLICY})), ids(policies=frozenset())) == (["a1", "a2"], [])


@EVERYWHERE
def test_pages_of_changes_are_newest_first(store: Store) -> None:
    for n in range(5):
        store.put_change(change(f"change-{n}", created_at=NOW + timedelta(seconds=n)))
    first = store.change_page(Wanted(), 3)
    assert ([record.id for record in first.records], first.total) == (["change-4", "change-3", "change-2"], 5)
    assert first.after is not None
    second = store.change_page(Wanted(), 3, first.after)
    assert ([record.id for record in second.records], second.after) == (["change-1", "change-0"], None)
    assert store.change_page(Wanted(state=Outcome.FAILED), 3).total == 0


@EVERYWHERE
def test_an_alert_with_evidence_beyond_an_entity_is_kept_whole(store: Store) -> None:
    opened = store.put_alert(alert(evidence=["x" * 1000] * 1500))
    assert store.alert("alert-1") == opened
    again = store.put_alert(replace(opened, evidence={}))
    assert store.alert("alert-1") == again


@pytest.mark.parametrize("length", [29_000, 30_000, 31_000, 300_000, 359_000, 361_000])
def test_texts_around_the_limits_of_properties_and_entities_survive(store: Store, length: int) -> None:
    opened = store.put_alert(alert(evidence="🐘" * (length // 12)))
    assert store.alert("alert-1") == opened


def test_a_row_that_holds_nonsense_is_a_store_error(bench: Bench) -> None:
    opened = bench.store.put_alert(alert())
    assert opened.etag is not None
    nonsense = Replace(partition="alerts", row="alert-1", properties={"json0": "{}"}, etag=opened.etag)
    bench.tables.write("alerts", nonsense)
    with pytest.raises(StoreError, match="AlertRecord"):
        bench.store.alert("alert-1")
