"""What goes with the retention besides the journal: alerts, runs, texts and dead letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.alert_records import AlertStatus
from shared.model.anchors import Anchor
from shared.model.chain import NOTHING_BEFORE, Link
from shared.model.cuts import alert_name, change_name, exemption_name, may_go, names_of, open_names
from shared.model.deeds import DeedKind
from shared.model.interfaces import Blobs, Put, Tables
from shared.model.kinds import ComplianceState
from shared.model.memory import PolicyMemory
from shared.model.results import TargetResult
from shared.model.retention import Position, Retired, Stage, Terms
from shared.state.listings import Wanted
from shared.state.store import Store
from shared.state.table_rows import timestamp
from tests.adapters.storage.examples import NOW, alert, run, server
from tests.adapters.storage.storage import queue_on
from tests.memory import FakeClock, MemoryBlobs, MemoryTables
from tests.profiles import examples

DAY = timedelta(days=1)
KEPT = timedelta(days=400)


class Shelf:
    """A store whose journal is old enough, with the clock that dates its blobs."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.tables: Tables = MemoryTables()
        self.blobs: Blobs = MemoryBlobs(self.clock)
        self.store = Store(self.tables, self.blobs, queue_on("memory", lambda: "").queue)
        self.store.journal.put_anchor(Anchor(sequence=1, time=NOW, previous=NOTHING_BEFORE), None)

    def later(self, days: float) -> datetime:
        self.clock.advance(days * DAY.total_seconds())
        return self.clock.now()

    def retire(self) -> None:
        """A whole pass, a day after the last."""
        self.later(1.1)
        while self.store.retention.step(Terms(now=self.clock.now(), kept=KEPT))[0] is not Stage.OVER:
            pass

    def texts(self) -> set[str]:
        return set(self.blobs.names("snapshots"))


@pytest.mark.parametrize(
    ("days", "status", "stays"),
    [(399, "resolved", True), (402, "resolved", False), (402, "open", True), (402, "acknowledged", True)],
)
def test_only_alerts_that_were_over_before_go_and_no_list_names_them_any_more(
    days: float, status: str, stays: bool
) -> None:
    shelf = Shelf()
    shelf.store.upkeep.fill("sub", most=10)
    over = replace(alert("a"), status=AlertStatus(status), resolved_at=NOW if status == "resolved" else None)
    shelf.store.put_alert(over)
    shelf.later(days - 1.1)
    shelf.retire()
    assert (shelf.store.alert("a") is not None) is stays
    assert [one.id for one in shelf.store.alert_page(Wanted(), 10).records] == ["a"] * stays
    if not stays:
        assert list(shelf.tables.query("alerts")) == []


def test_an_alert_that_was_resolved_long_after_it_was_last_seen_stays_for_as_long_as_that() -> None:
    shelf = Shelf()
    resolved = NOW + 300 * DAY
    shelf.store.put_alert(replace(alert("a"), status=AlertStatus.RESOLVED, resolved_at=resolved))
    shelf.later(450)
    shelf.retire()
    assert shelf.store.alert("a") is not None
    shelf.later(300)
    shelf.retire()
    assert shelf.store.alert("a") is None


def test_rows_of_lists_that_a_death_left_behind_go_too() -> None:
    shelf = Shelf()
    shelf.store.put_alert(replace(alert("a"), status=AlertStatus.RESOLVED, resolved_at=NOW))
    shelf.tables.delete("alerts", "alerts", "a")
    shelf.later(402)
    shelf.retire()
    assert list(shelf.tables.query("alerts")) == []


def test_runs_go_with_their_results_and_younger_ones_stay() -> None:
    shelf = Shelf()
    for name, age in (("old", 0), ("young", 300)):
        shelf.store.put_run(replace(run(name), created_at=NOW + age * DAY))
        shelf.store.add_result(name, TargetResult(target=server()))
    shelf.later(402)
    shelf.retire()
    assert shelf.store.run("old") is None
    young = shelf.store.run("young")
    assert young is not None
    assert len(young.results) == 1
    assert {row.partition for row in shelf.tables.query("runs")} == {"young"}


def test_what_cannot_be_read_stays_and_holds_up_nothing_else() -> None:
    shelf = Shelf()
    shelf.store.upkeep.fill("sub", most=10)
    for name in ("a", "b"):
        shelf.store.put_alert(replace(alert(name), status=AlertStatus.RESOLVED, resolved_at=NOW))
        shelf.store.put_run(replace(run(name), created_at=NOW))
    shelf.blobs.put("journal", f"anchors/0000000002-{timestamp(NOW + DAY)}.json", b"{")
    for table, partition, row in (("alerts", "alerts", "a"), ("runs", "a", "run")):
        shelf.tables.write(table, Put(partition=partition, row=row, properties={"json0": "{"}))
    shelf.later(402)
    shelf.retire()
    assert {row.partition for row in shelf.tables.query("runs")} == {"a"}
    assert shelf.tables.get("alerts", "alerts", "a") is not None
    assert shelf.store.alert("b") is None


def test_texts_go_that_nothing_names_and_only_after_two_passes() -> None:
    shelf = Shelf()
    named, unnamed = shelf.store.keep("named"), shelf.store.keep("unnamed")
    memory = PolicyMemory(state=ComplianceState.COMPLIANT, since=NOW, baseline=named)
    record = replace(shelf.store.recall(server(), NOW), memories={"policy": memory})
    shelf.store.save(record)
    shelf.later(402)
    young = shelf.store.keep("young")
    shelf.retire()
    assert shelf.texts() == {named, unnamed, young}
    shelf.retire()
    assert shelf.texts() == {named, young}
    shelf.store.forget(server())
    for _ in range(2):
        shelf.retire()
    assert shelf.texts() == {young}


def test_a_text_that_is_written_again_after_it_was_noted_stays() -> None:
    shelf = Shelf()
    name = shelf.store.keep("a text")
    shelf.later(402)
    shelf.retire()
    shelf.store.keep("a text")
    shelf.retire()
    shelf.retire()
    assert shelf.texts() == {name}


def test_the_long_text_of_a_row_stays_with_what_it_names() -> None:
    shelf = Shelf()
    inner = shelf.store.keep("inner")
    shelf.store.put_alert(alert("a", evidence="x" * 500_000 + inner))
    assert len(shelf.texts()) == 2
    shelf.later(402)
    for _ in range(3):
        shelf.retire()
    assert len(shelf.texts()) == 2
    assert shelf.store.alert("a") is not None


def test_dead_letters_go_by_the_day_on_which_they_were_put_aside() -> None:
    shelf = Shelf()
    for age in (0, 1, 300):
        shelf.store.dead_letter("odd", "{}", NOW + age * DAY)
    shelf.later(400.5)
    shelf.retire()
    assert [name[:10] for name in shelf.blobs.names("deadletters")] == ["2026/10/28"]


def test_without_an_anchor_of_that_age_nothing_is_gone_over() -> None:
    shelf = Shelf()
    step = shelf.store.retention.step(Terms(now=NOW + 399 * DAY, kept=KEPT))
    assert step == (Stage.OVER, 0)
    assert shelf.store.retention.step(Terms(now=NOW + 401 * DAY, kept=KEPT))[0] is Stage.CHAINS


def test_of_two_who_make_a_step_at_once_the_slower_moves_nothing_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shelf, now = Shelf(), NOW + 401 * DAY
    terms = Terms(now=now, kept=KEPT)
    slow = Store(shelf.tables, shelf.blobs, queue_on("memory", lambda: "").queue)
    chains = slow.retention._chains.step

    def overtaken(position: Position, terms: Terms) -> Retired:
        for _ in range(4):
            shelf.store.retention.step(terms)
        return chains(position, terms)

    monkeypatch.setattr(slow.retention._chains, "step", overtaken)
    slow.retention.step(terms)
    assert shelf.store.retention.step(terms)[0] is Stage.MARKS


# --- what may go of a chain ------------------------------------------------------------------------

IDS = st.sampled_from(["a", "b", "c"])
SAID = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([*DeedKind, "somethingNewer"]),
        "change": st.none() | IDS,
        "rollbackOf": st.none() | IDS,
        "alert": IDS,
        "policy": st.sampled_from(["p", "q"]),
        "fingerprint": st.sampled_from(["f", "g"]),
        "expires": st.integers(0, 60),
        "at": st.integers(0, 30),
    }
)


def link_of(number: int, said: dict[str, object]) -> Link:
    at, expires = (NOW + DAY * int(str(said[name])) for name in ("at", "expires"))
    names = ("change", "rollbackOf", "alert", "policy", "fingerprint")
    what = {name: None if said[name] is None else str(said[name]) for name in names}
    return Link(
        chain="c",
        sequence=number,
        previous="",
        kind=str(said["kind"]),
        time=at,
        what={**what, "expiresAt": expires.isoformat()},
    )


@examples(200)
@given(
    st.lists(SAID, min_size=1, max_size=8),
    st.integers(0, 9),
    st.sets(st.sampled_from([change_name("a"), change_name("b"), alert_name("a")])),
)
def test_as_much_goes_as_may_and_nothing_that_is_needed(
    said: list[dict[str, object]], last: int, needed: set[str]
) -> None:
    links = [link_of(number, one) for number, one in enumerate(said, 5)]
    until, now = NOW + 20 * DAY, NOW + 40 * DAY
    needed |= set(open_names(links, now))
    names = names_of(links)

    def is_right(end: int) -> bool:
        front = [link for link in links if link.sequence <= end]
        going = {name for link in front for name in names[link.sequence]}
        staying = {name for link in links if link.sequence > end for name in names[link.sequence]}
        known = all(link.kind in set(DeedKind) and link.time <= until for link in front)
        return known and not going & (staying | needed)

    last = min(last + 4, links[-1].sequence)
    end = may_go(links, until, last, needed)
    ends = [one for one in range(5, last + 1) if is_right(one)]
    worth = [one for one in ends if any(o.kind != "chainCut" for o in links if o.sequence <= one)]
    assert (end if end >= 5 else 0) == (max(ends) if worth and max(worth) == max(ends) else 0)


def test_an_exemption_is_called_the_same_when_it_begins_and_ends() -> None:
    what = {"policy": "p", "expiresAt": "x", "change": "a"}
    assert exemption_name(what) == exemption_name({**what, "why": "over", "reason": "r"})
