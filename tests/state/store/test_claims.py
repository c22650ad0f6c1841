"""Claims on a target: the lease, the budget, and who wins where several claim at once."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from shared.model.errors import EntityChanged
from shared.model.interfaces import Tables, TableWrite
from shared.state.ledger import BudgetExhausted
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, POLICY, PROOF, RULE, SUBSCRIPTION, change, server
from tests.memory import TablesOver
from tests.state.store.bench import EVERYWHERE, HOUR, LATER, Bench, claim, released


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
