"""What the store remembers, in memory; what must hold on the real service runs on the emulator too."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest

from shared.guardrails.budget import Limits, Purchase
from shared.model import ArmCall, Cause, CauseKind, ComplianceState, Finding, Outcome, Purse, Severity, Target
from shared.model.alert_records import AlertStatus, Notification, NotificationType
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import Blobs, Relation, Replace, Tables, TableWrite
from shared.model.letters import Letter
from shared.model.memory import PolicyMemory, TargetRecord
from shared.model.messages import Message, MessageKind, look
from shared.model.resource_id import ResourceId
from shared.model.results import RunStatus, TargetResult
from shared.state.ledger import BudgetExhausted
from shared.state.listings import Wanted
from shared.state.store import Store
from tests.adapters.storage.examples import (
    CAUSE,
    NOW,
    POLICY,
    PROOF,
    RULE,
    SUBSCRIPTION,
    alert,
    change,
    nsg,
    run,
    server,
    snapshot,
    subnet,
)
from tests.adapters.storage.storage import Backend, QueueProbe, blobs_on, queue_on, tables_on
from tests.memory import TablesOver

_T = TypeVar("_T")

HOUR = timedelta(hours=1)
LATER = NOW + timedelta(minutes=10)
EVERYWHERE = pytest.mark.parametrize(
    "backend", ["memory", pytest.param("azurite", marks=pytest.mark.azurite)], indirect=True
)


@dataclass
class Bench:
    """A store, and what it stands on."""

    tables: Tables
    blobs: Blobs
    probe: QueueProbe

    @property
    def store(self) -> Store:
        return Store(self.tables, self.blobs, self.probe.queue)

    def store_over(self, tables: Tables) -> Store:
        return Store(tables, self.blobs, self.probe.queue)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = getattr(request, "param", "memory")
    return chosen


@pytest.fixture
def bench(backend: Backend, request: pytest.FixtureRequest) -> Bench:
    def emulator() -> str:
        connection_string: str = request.getfixturevalue("azurite")
        return connection_string

    return Bench(tables_on(backend, emulator), blobs_on(backend, emulator), queue_on(backend, emulator))


@pytest.fixture
def store(bench: Bench) -> Store:
    return bench.store


def claim(
    store: Store, record: TargetRecord, change_id: str = "change-1", limit: int = 10, writes: int = 1
) -> TargetRecord:
    return store.claim(
        record,
        change(change_id, record.target),
        lease_until=LATER,
        purchase=Purchase(target=record.target, writes=writes, purse=Purse.ORDINARY),
        limits=Limits(writes_per_group=limit, writes_per_subscription=limit),
        now=NOW,
    )


def released(store: Store, record: TargetRecord) -> TargetRecord:
    return store.save(replace(record, change=None, active_change=None, lease_until=None))


# --- messages --------------------------------------------------------------------------------------


@EVERYWHERE
def test_a_burst_on_one_key_is_one_message_with_all_causes(bench: Bench) -> None:
    store = bench.store
    causes = [replace(CAUSE, event_id=f"e{n}", time=NOW + timedelta(seconds=n)) for n in range(5)]
    assert [store.arm(look(server(), cause), NOW, 0) for cause in causes] == [True, *[False] * 4]
    body = bench.probe.take()
    assert body is not None
    assert bench.probe.take() is None
    message = store.read_message(body)
    began = store.start(message, NOW)
    assert began is not None
    assert (began.cause.event_id, began.cause.count) == ("e4", 5)
    store.finish(message, began)
    assert store.start(message, NOW) is None


@EVERYWHERE
def test_events_that_arrive_together_are_all_in_the_causes_of_the_readings(bench: Bench) -> None:
    store = bench.store
    causes = [replace(CAUSE, event_id=f"e{n}") for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda cause: store.arm(look(server(), cause), NOW, 0), causes))
    began = [store.start(store.read_message(body), NOW) for body in iter(bench.probe.take, None)]
    assert sum(one.cause.count for one in began if one is not None) == 12


def test_a_target_and_a_locator_are_coalesced_apart(bench: Bench) -> None:
    locator = Message(kind=MessageKind.LOOK, cause=CAUSE, locator=nsg())
    assert bench.store.arm(look(server(), CAUSE), NOW, 0)
    assert bench.store.arm(locator, NOW, 0)
    assert bench.store.arm(look(server("other"), CAUSE), NOW, 0)


def test_ids_that_differ_in_letter_case_are_one_key(bench: Bench) -> None:
    assert bench.store.arm(look(server("PG", "SUB"), CAUSE), NOW, 0)
    assert not bench.store.arm(look(server("pg", "sub"), CAUSE), NOW, 0)


@EVERYWHERE
def test_a_message_too_long_for_the_queue_arrives_all_the_same(bench: Bench) -> None:
    message = notification_message("é" * 200_000)
    bench.store.send(message)
    body = bench.probe.take()
    assert body is not None
    assert len(body) < 48_000
    assert bench.store.read_message(body) == message


def test_a_short_message_travels_as_itself(bench: Bench) -> None:
    message = notification_message("short")
    bench.store.send(message)
    body = bench.probe.take()
    assert body is not None
    assert json.loads(body)["kind"] == "notify"
    assert bench.store.read_message(body) == message


def notification_message(text: str) -> Message:
    notification = Notification(
        id="n1",
        type=NotificationType.ALERT_OPENED,
        subject="s",
        time=NOW,
        title="t",
        body=text,
        severity=Severity.HIGH,
        data={},
    )
    return Message(kind=MessageKind.NOTIFY, cause=CAUSE, notification=notification, sink="topic")


def test_a_delayed_message_waits(bench: Bench) -> None:
    bench.store.send(Message(kind=MessageKind.RECHECK, cause=CAUSE, target=server()), 60)
    bench.probe.wait(59)
    assert bench.probe.take() is None
    bench.probe.wait(1)
    assert bench.probe.take() is not None


@pytest.mark.parametrize("body", ["", "{}", "nonsense", '{"messageBlob":"' + "0" * 64 + '"}'])
def test_a_body_that_is_no_message_is_a_store_error(store: Store, body: str) -> None:
    with pytest.raises(StoreError):
        store.read_message(body)


# --- memory ----------------------------------------------------------------------------------------


def test_an_unknown_target_is_a_fresh_record(store: Store) -> None:
    assert store.recall(server(), NOW) == TargetRecord(target=server(), first_seen=NOW)


@EVERYWHERE
def test_what_is_saved_is_recalled_whatever_the_letter_case(store: Store) -> None:
    memory = PolicyMemory(state=ComplianceState.COMPLIANT, since=NOW, baseline="b")
    record = replace(store.recall(server("PG"), NOW), memories={POLICY: memory})
    saved = store.save(record)
    assert saved.etag is not None
    assert store.recall(server("pg"), LATER) == saved


@EVERYWHERE
def test_saving_what_somebody_else_changed_raises(store: Store) -> None:
    first = store.save(store.recall(server(), NOW))
    second = store.save(replace(first, recheck_at=LATER))
    with pytest.raises(EntityChanged):
        store.save(replace(first, recheck_at=NOW))
    assert store.recall(server(), NOW) == second


def test_of_two_who_meet_an_unknown_target_the_second_is_told(store: Store) -> None:
    one, other = store.recall(server(), NOW), store.recall(server(), NOW)
    store.save(one)
    with pytest.raises(EntityChanged):
        store.save(other)


def test_a_forgotten_target_is_unknown(store: Store) -> None:
    store.save(store.recall(server(), NOW))
    store.forget(server())
    store.forget(server())
    assert store.recall(server(), NOW).etag is None


@EVERYWHERE
def test_the_known_targets_of_a_subscription_are_its_own_and_all(store: Store) -> None:
    ours = {store.save(store.recall(server(f"s{n}"), NOW)).target for n in range(3)}
    claim(store, store.recall(server("s0"), NOW))
    store.arm(look(server(), CAUSE), NOW, 0)
    store.relate([Relation(source=nsg(), target=subnet())], NOW)
    store.save(store.recall(server(subscription="other"), NOW))
    assert {record.target for record in store.known_targets(SUBSCRIPTION.upper())} == ours
    assert [record.target for record in store.known_targets("other")] == [server(subscription="other")]


def test_a_record_of_any_size_is_remembered(bench: Bench) -> None:
    memories = {
        f"policy-{n}": PolicyMemory(state=ComplianceState.COMPLIANT, since=NOW, fingerprint="é" * 1000)
        for n in range(100)
    }
    saved = bench.store.save(TargetRecord(target=server(), first_seen=NOW, memories=memories))
    assert bench.store.recall(server(), NOW) == saved
    shorter = bench.store.save(replace(saved, memories={}))
    assert bench.store.recall(server(), NOW) == shorter


# --- claims ----------------------------------------------------------------------------------------


@EVERYWHERE
def test_a_claim_holds_the_target_with_the_change_and_spends_the_budget(store: Store) -> None:
    claimed = claim(store, store.recall(server(), NOW), writes=3)
    assert claimed.change == change("change-1")
    assert (claimed.active_change, claimed.lease_until) == ("change-1", LATER)
    assert [(attempt.policy, attempt.writes, attempt.at) for attempt in claimed.attempts] == [
        (POLICY, 3, NOW)
    ]
    assert store.recall(server(), NOW) == claimed
    assert store.budget(SUBSCRIPTION, NOW).used == 3
    entered = store.change("change-1")
    assert entered is not None
    assert replace(entered, etag=None, listed=()) == change("change-1")


def test_a_copy_of_a_change_is_written_again_only_where_it_has_gone_further(store: Store) -> None:
    store.project(change("change-1"))
    sent = replace(change("change-1"), next_edit=1, revision=2)
    store.project(sent)
    entered = store.change("change-1")
    assert entered is not None
    store.put_change(replace(entered, rolled_back_by="change-2"))
    for older in (sent, replace(change("change-1"), revision=1)):
        store.project(older)
        copied = store.change("change-1")
        assert copied is not None
        assert (copied.next_edit, copied.rolled_back_by) == (1, "change-2")


def test_the_inverse_and_the_proof_are_kept_under_their_hash(bench: Bench) -> None:
    claim(bench.store, bench.store.recall(server(), NOW))
    (entity,) = bench.tables.query("changes", "changes", "n-")
    assert bench.store.proof(str(entity.properties["proofBlob"])) == PROOF
    kept = bench.blobs.get("snapshots", str(entity.properties["changeBlob"]))
    assert kept is not None
    assert json.loads(kept)["inverse"][0]["rule"]["name"] == RULE.name


def test_a_claim_on_a_stale_record_changes_nothing(store: Store) -> None:
    stale = store.save(store.recall(server(), NOW))
    fresh = store.save(replace(stale, recheck_at=LATER))
    with pytest.raises(EntityChanged):
        claim(store, stale)
    assert store.recall(server(), NOW) == fresh
    assert store.budget(SUBSCRIPTION, NOW).used == 0
    assert store.change("change-1") is None


def test_a_change_in_flight_keeps_others_out_though_nobody_minds_it(store: Store) -> None:
    held = claim(store, store.recall(server(), NOW))
    with pytest.raises(EntityChanged, match="change-1"):
        claim(store, held, "change-2")
    expired = replace(held, lease_until=NOW - timedelta(seconds=1))
    with pytest.raises(EntityChanged, match="change-1"):
        claim(store, store.save(expired), "change-2")


def test_a_lease_of_an_earlier_version_keeps_others_out_until_it_expires(store: Store) -> None:
    named = replace(store.recall(server(), NOW), active_change="change-1", lease_until=LATER)
    held = store.save(named)
    with pytest.raises(EntityChanged, match="change-1"):
        claim(store, held, "change-2")
    expired = replace(held, lease_until=NOW - timedelta(seconds=1))
    assert claim(store, store.save(expired), "change-2").active_change == "change-2"


def test_a_released_target_may_be_claimed_again(store: Store) -> None:
    free = released(store, claim(store, store.recall(server(), NOW)))
    assert claim(store, free, "change-2").active_change == "change-2"


def test_a_claim_that_died_before_the_journal_may_be_made_again(store: Store) -> None:
    record = store.save(replace(store.recall(server(), NOW), active_change="change-1", lease_until=LATER))
    assert store.change("change-1") is None
    assert claim(store, record).active_change == "change-1"
    assert store.change("change-1") is not None


@EVERYWHERE
def test_a_budget_that_is_spent_refuses_and_changes_nothing(store: Store) -> None:
    claim(store, store.recall(server("a"), NOW), "change-1", limit=5, writes=4)
    with pytest.raises(BudgetExhausted):
        claim(store, store.recall(server("b"), NOW), "change-2", limit=5, writes=2)
    assert store.recall(server("b"), NOW).etag is None
    assert store.change("change-2") is None
    assert store.budget(SUBSCRIPTION, NOW).used == 4
    claim(store, store.recall(server("b"), NOW), "change-2", limit=5, writes=1)
    assert store.budget(SUBSCRIPTION, NOW).used == 5


def test_the_budget_slides_with_the_hour_and_is_per_subscription(store: Store) -> None:
    claim(store, store.recall(server(), NOW), writes=4)
    assert store.budget(SUBSCRIPTION.lower(), NOW + HOUR - timedelta(seconds=1)).used == 4
    assert store.budget(SUBSCRIPTION, NOW + HOUR).used == 0
    assert store.budget("other", NOW).used == 0


def test_only_the_newest_attempts_are_remembered(store: Store) -> None:
    record = store.recall(server(), NOW)
    for n in range(120):
        record = released(store, claim(store, record, f"change-{n}", limit=1000))
    assert len(record.attempts) == 100


class Together(TablesOver):
    """Tables where the first writes of several workers wait for each other: all have read by then."""

    def __init__(self, tables: Tables, workers: int) -> None:
        super().__init__(tables)
        self._gate = threading.Barrier(workers)
        self._passed = threading.local()

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        if not getattr(self._passed, "gate", False):
            self._passed.gate = True
            self._gate.wait(timeout=300)
        return self._tables.write(table, *writes)


def race(works: list[Callable[[], object]]) -> list[bool]:
    """Run all at once; which of them did not lose."""

    def won(work: Callable[[], object]) -> bool:
        try:
            work()
        except (EntityChanged, BudgetExhausted):
            return False
        return True

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(won, works))


@EVERYWHERE
def test_of_racing_claims_on_one_target_exactly_one_wins(bench: Bench) -> None:
    record = bench.store.save(bench.store.recall(server(), NOW))
    store = bench.store_over(Together(bench.tables, 4))
    won = race([partial(claim, store, record, f"change-{n}") for n in range(4)])
    assert won.count(True) == 1
    assert bench.store.budget(SUBSCRIPTION, NOW).used == 1
    assert bench.store.recall(server(), NOW).active_change == f"change-{won.index(True)}"
    assert [record.id for record in bench.store.changes()] == [f"change-{won.index(True)}"]


@EVERYWHERE
def test_racing_claims_on_many_targets_never_overshoot_the_budget(bench: Bench) -> None:
    claim(bench.store, bench.store.recall(server("first"), NOW), "change-first", limit=3, writes=2)
    records = [bench.store.recall(server(f"s{n}"), NOW) for n in range(4)]
    store = bench.store_over(Together(bench.tables, 4))
    won = race([partial(claim, store, record, record.target.id.name, limit=3) for record in records])
    assert won.count(True) == 1
    assert bench.store.budget(SUBSCRIPTION, NOW).used == 3
    claimed = [record for record in bench.store.known_targets(SUBSCRIPTION) if record.active_change]
    assert len(claimed) == 2


# --- changes ---------------------------------------------------------------------------------------


@EVERYWHERE
def test_a_change_is_found_by_its_id_and_updated_once(store: Store) -> None:
    assert store.change("change-1") is None
    entered = store.put_change(change())
    assert store.change("change-1") == entered
    done = store.put_change(replace(entered, outcome=Outcome.REVERTED, finished_at=LATER))
    assert store.change("change-1") == done
    with pytest.raises(EntityChanged):
        store.put_change(replace(entered, outcome=Outcome.FAILED))


def test_an_id_is_entered_once(store: Store) -> None:
    store.put_change(change())
    with pytest.raises(EntityChanged):
        store.put_change(change(created_at=LATER))
    assert len(store.changes()) == 1


@EVERYWHERE
def test_changes_are_listed_newest_first_and_as_many_as_wanted(store: Store) -> None:
    for n in (2, 0, 3, 1):
        store.put_change(change(f"change-{n}", created_at=NOW + timedelta(microseconds=n)))
    assert [record.id for record in store.changes(3)] == ["change-3", "change-2", "change-1"]


def test_changes_are_selected_by_target_policy_and_outcome(store: Store) -> None:
    for record in (
        change("a"),
        change("b", target=server("other")),
        change("c", outcome=Outcome.REVERTED),
        change("d", policy="another"),
    ):
        store.put_change(record)

    def ids(found: list[ChangeRecord]) -> str:
        return "".join(sorted(record.id for record in found))

    assert ids(store.changes(target=server("OTHER"))) == "b"
    assert ids(store.changes(policy=POLICY)) == "abc"
    assert ids(store.changes(outcome=Outcome.IN_PROGRESS)) == "abd"
    assert ids(store.changes(target=server(), policy=POLICY, outcome=Outcome.REVERTED)) == "c"
    assert ids(store.changes(limit=0)) == ""


# --- alerts ----------------------------------------------------------------------------------------


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
def test_an_alert_is_written_with_its_letters_or_not_at_all(store: Store) -> None:
    told = letter_about("a1", 1)
    store.put_alert(alert("a1"), [told])
    with pytest.raises(EntityChanged):
        store.put_alert(alert("a1"), [letter_about("a1", 2)])
    (kept,) = store.letters.about("sink", "a1")
    assert replace(kept, etag=None) == told
    assert [found.id for found in store.alerts()] == ["a1"]
    assert store.alert_page(Wanted(), 10).total == 1


@EVERYWHERE
def test_letters_about_one_thing_are_in_order_and_those_for_a_sink_together(store: Store) -> None:
    for number in (10, 2, 1):
        store.letters.post(letter_about("a1", number))
    store.letters.post(letter_about("a2", 1, sink="other"))
    assert [one.number for one in store.letters.about("sink", "a1")] == [1, 2, 10]
    assert [(one.sink, one.about) for one in store.letters.waiting("other")] == [("other", "a2")]
    assert len(list(store.letters.waiting())) == 4


@EVERYWHERE
def test_of_two_who_take_a_letter_one_has_it(store: Store) -> None:
    store.letters.post(letter_about("a1", 1))
    (seen,) = store.letters.about("sink", "a1")
    taken = store.letters.put(replace(seen, taken_by="one"))
    with pytest.raises(EntityChanged):
        store.letters.put(replace(seen, taken_by="another"))
    store.letters.remove(taken, NOW)
    assert store.letters.about("sink", "a1") == []


@EVERYWHERE
def test_what_is_told_once_is_not_written_again_for_a_week(store: Store) -> None:
    store.letters.post(letter_about("change", 0))
    (taken,) = store.letters.about("sink", "change")
    store.letters.remove(taken, NOW)
    store.letters.post(letter_about("change", 0))
    store.letters.forget_marks(NOW + timedelta(days=6))
    store.letters.post(letter_about("change", 0))
    assert store.letters.about("sink", "change") == []
    store.letters.forget_marks(NOW + timedelta(days=8))
    store.letters.post(letter_about("change", 0))
    assert len(store.letters.about("sink", "change")) == 1


def letter_about(about: str, number: int, sink: str = "sink") -> Letter:
    told = Notification(
        id=f"{about}-{number}",
        type=NotificationType.ALERT_OPENED,
        subject="subject",
        time=NOW,
        title="title",
        body="body",
        severity=Severity.HIGH,
        data={},
    )
    return Letter(
        sink=sink, about=about, number=number, notification=told, cause=CAUSE, written_at=NOW, due_at=NOW
    )


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


# --- runs ------------------------------------------------------------------------------------------


def result(target: Target, duration_ms: int = 1, reason: str = "") -> TargetResult:
    finding = Finding(
        policy=POLICY,
        target=target,
        state=ComplianceState.COMPLIANT,
        severity=Severity.HIGH,
        reason=reason,
        resource_id=target.id,
    )
    call = ArmCall(method="GET", path=str(target.id), status=200)
    return TargetResult(target=target, findings=(finding,), arm_calls=(call,), duration_ms=duration_ms)


@EVERYWHERE
def test_a_run_gathers_the_results_of_parallel_workers(store: Store) -> None:
    begun = store.put_run(run())
    results = [result(server(f"s{n}")) for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: store.add_result("run-1", one), results))
    found = store.run("run-1")
    assert found is not None
    assert {one.target for one in found.results} == {one.target for one in results}
    done = store.put_run(replace(begun, status=RunStatus.DONE))
    found = store.run("run-1")
    assert found is not None
    assert (found.status, found.etag, len(found.results)) == (RunStatus.DONE, done.etag, 12)


def test_a_later_result_of_the_same_target_takes_its_place(store: Store) -> None:
    store.put_run(run())
    store.add_result("run-1", result(server(), 1))
    store.add_result("run-1", result(server("PG"), 2))
    found = store.run("run-1")
    assert found is not None
    assert [one.duration_ms for one in found.results] == [2]


def test_results_that_come_with_a_new_run_are_kept_and_an_update_touches_none(store: Store) -> None:
    begun = store.put_run(replace(run(), results=(result(server("a"), 1),)))
    assert store.run("run-1") == begun
    store.add_result("run-1", result(server("a"), 2))
    store.put_run(begun)
    found = store.run("run-1")
    assert found is not None
    assert [one.duration_ms for one in found.results] == [2]


def test_a_run_that_changed_since_is_not_overwritten(store: Store) -> None:
    begun = store.put_run(run())
    store.put_run(replace(begun, status=RunStatus.DONE))
    with pytest.raises(EntityChanged):
        store.put_run(replace(begun, status=RunStatus.FAILED))


@EVERYWHERE
def test_a_result_beyond_an_entity_is_kept_whole(store: Store) -> None:
    store.put_run(run())
    large = result(server(), reason="x" * 1_500_000)
    store.add_result("run-1", large)
    found = store.run("run-1")
    assert found is not None
    assert found.results == (large,)


def test_an_unknown_run_is_none_even_when_a_result_came_first(store: Store) -> None:
    assert store.run("run-1") is None
    store.add_result("run-1", result(server()))
    assert store.run("run-1") is None


# --- relations -------------------------------------------------------------------------------------


@EVERYWHERE
def test_related_targets_are_found_by_what_they_depend_on(store: Store) -> None:
    subnets = [subnet(f"db{n}") for n in range(3)]
    store.relate([Relation(source=nsg(), target=one) for one in subnets[:2]], NOW)
    store.relate([Relation(source=nsg(), target=one) for one in subnets[1:]], LATER)
    store.relate([Relation(source=nsg("other"), target=subnets[0])], NOW)
    assert set(store.related(nsg("NSG"))) == set(subnets)
    assert store.related(nsg("other")) == (subnets[0],)
    assert store.related(nsg("nobody")) == ()


@EVERYWHERE
def test_a_target_that_is_gone_is_related_to_nothing(store: Store) -> None:
    for source in (nsg("a"), nsg("b")):
        store.relate([Relation(source=source, target=one) for one in (subnet("x"), subnet("y"))], NOW)
    store.unrelate(subnet("X"))
    assert store.related(nsg("a")) == store.related(nsg("b")) == (subnet("y"),)


@EVERYWHERE
def test_a_target_that_is_gone_is_related_to_nothing_in_other_subscriptions_either(store: Store) -> None:
    gone, there = subnet("x"), subnet("y")
    hubs = [nsg("hub", subscription=f"0000000{n}-0000-0000-0000-000000000000") for n in (1, 2)]
    for hub in hubs:
        store.relate([Relation(source=hub, target=one) for one in (gone, there)], NOW)
    store.unrelate(gone)
    assert [store.related(hub) for hub in hubs] == [(there,), (there,)]
    store.relate([Relation(source=hubs[0], target=gone)], LATER)
    assert set(store.related(hubs[0])) == {gone, there}
    store.unrelate(gone)
    assert store.related(hubs[0]) == (there,)


@EVERYWHERE
def test_what_depends_on_something_in_a_group_is_found_once(store: Store) -> None:
    one, other = subnet("x"), subnet("y")
    store.relate([Relation(source=nsg(name), target=one) for name in ("a", "b")], NOW)
    elsewhere = replace(nsg(), id=ResourceId(str(nsg().id).replace("/rg/", "/rg-2/")))
    store.relate([Relation(source=elsewhere, target=other)], NOW)
    assert store.known_in(ResourceId(f"/subscriptions/{SUBSCRIPTION.upper()}/resourceGroups/RG")) == (one,)


def test_a_sweep_relates_more_targets_than_a_transaction_holds(store: Store) -> None:
    subnets = {subnet(f"db{n}") for n in range(250)}
    relations = [Relation(source=nsg(), target=one) for one in subnets]
    store.relate([*relations, *relations], NOW)
    assert set(store.related(nsg())) == subnets


@EVERYWHERE
def test_workers_that_relate_the_same_at_once_lose_nothing(bench: Bench) -> None:
    store = bench.store_over(Together(bench.tables, 2))
    shared, ours = subnet("shared"), [subnet("a"), subnet("b")]
    works: list[Callable[[], object]] = [
        lambda: store.relate([Relation(source=nsg(), target=one) for one in (shared, ours[0])], NOW),
        lambda: store.relate([Relation(source=nsg(), target=one) for one in (shared, ours[1])], NOW),
    ]
    assert race(works) == [True, True]
    assert set(bench.store.related(nsg())) == {shared, *ours}


def test_a_known_relation_costs_no_write(bench: Bench) -> None:
    relation = Relation(source=nsg(), target=subnet())
    bench.store.relate([relation], NOW)
    before = list(bench.tables.query("targets"))
    bench.store.relate([relation], LATER)
    assert list(bench.tables.query("targets")) == before


# --- first pass ------------------------------------------------------------------------------------


@EVERYWHERE
def test_the_first_complete_pass_is_noted_once(store: Store) -> None:
    assert store.first_passes.find(SUBSCRIPTION) is None
    store.first_passes.complete(SUBSCRIPTION, NOW)
    store.first_passes.complete(SUBSCRIPTION.upper(), LATER)
    assert store.first_passes.find(SUBSCRIPTION.lower()) == NOW
    assert store.first_passes.find("other") is None


# --- blobs -----------------------------------------------------------------------------------------


@EVERYWHERE
def test_equal_values_share_a_reference_and_are_read_back(bench: Bench) -> None:
    first = bench.store.keep(snapshot())
    assert bench.store.keep(snapshot()) == first
    assert bench.store.keep(snapshot(read_at=LATER)) != first
    assert bench.store.snapshot(first) == snapshot()
    assert len(list(bench.blobs.names("snapshots"))) == 2
    assert bench.store.proof(bench.store.keep(PROOF)) == PROOF


def test_an_unknown_reference_is_none(store: Store) -> None:
    assert store.snapshot("0" * 64) is None
    assert store.proof("0" * 64) is None


def test_a_blob_that_was_tampered_with_is_a_store_error(bench: Bench) -> None:
    reference = bench.store.keep(PROOF)
    bench.blobs.put("snapshots", reference, b'{"steps":[]}')
    with pytest.raises(StoreError, match=reference):
        bench.store.proof(reference)


@EVERYWHERE
@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("{not json", {"body": "{not json"}),
        ('{"é":1}'.encode(), {"body": '{"é":1}'}),
        (b"\xff\x00", {"bodyBase64": "/wA="}),
    ],
)
def test_a_dead_letter_holds_reason_and_original(
    bench: Bench, body: str | bytes, kept: dict[str, str]
) -> None:
    name = bench.store.dead_letter("no such type", body, NOW)
    assert name.startswith("2026/01/01/120000.000000Z-")
    letter = bench.blobs.get("deadletters", name)
    assert letter is not None
    assert json.loads(letter) == {"reason": "no such type", "time": "2026-01-01T12:00:00Z", **kept}


def test_dead_letters_of_one_moment_do_not_overwrite_each_other(bench: Bench) -> None:
    names = {bench.store.dead_letter("r", body, NOW) for body in ("a", "b")}
    assert set(bench.blobs.names("deadletters")) == names
    assert len(names) == 2


@EVERYWHERE
def test_a_sweep_that_meets_a_pending_event_keeps_its_actor(bench: Bench) -> None:
    store = bench.store
    store.arm(look(server(), CAUSE), NOW, 0)
    soon = NOW + timedelta(minutes=1)
    store.arm(look(server(), Cause(kind=CauseKind.SWEEP, time=soon)), soon, 0)
    body = bench.probe.take()
    assert body is not None
    began = store.start(store.read_message(body), soon)
    assert began is not None
    assert (began.cause.kind, began.cause.event_id) == (CauseKind.EVENT, "event-1")
