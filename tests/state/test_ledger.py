"""The ledger in parts: many claims at once lose few writes, and the limit is exact all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.budget import Budget, Limits, Purchase, Spent
from shared.guardrails.budget_shares import PARTS
from shared.model import Purse, Target, codec
from shared.model.errors import EntityChanged, EntityExists
from shared.model.interfaces import Insert, TableWrite
from shared.state.ledger import BudgetExhausted
from shared.state.store import Store
from shared.state.table_layout import budget_places
from tests.adapters.storage.examples import NOW, SUBSCRIPTION, change, server
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables
from tests.state.coalescing.processes import Process, SteppedTables, Verdict

AT_ONCE = 30


class Losses(MemoryTables):
    """Tables that count the conditional writes that came too late."""

    lost = 0

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        try:
            return super().write(table, *writes)
        except (EntityChanged, EntityExists):
            self.lost += 1
            raise


class Rush:
    """Claims of many targets that take their steps in turns: the next step is the schedule's to choose."""

    def __init__(self, limits: Limits, writes: int = 1, purse: Purse = Purse.ORDINARY) -> None:
        self.tables = Losses()
        self.limits = limits
        self.writes = writes
        self.purse = purse
        self.claimed: list[str] = []
        self.refused: list[str] = []

    def start(self, name: str) -> Process:
        return Process(lambda process: self._claim(server(name), SteppedTables(self.tables, process)))

    def run(self, names: list[str], choose: Callable[[int], int]) -> None:
        going = [self.start(name) for name in names]
        while going:
            one = going[choose(len(going))]
            one.step(Verdict.DONE)
            assert not one.crashed
            if one.ended:
                going.remove(one)

    def _claim(self, target: Target, tables: SteppedTables) -> None:
        store = Store(tables, MemoryBlobs(), MemoryQueue(FakeClock(NOW)))
        name = str(target.id)
        try:
            store.claim(
                store.recall(target, NOW),
                change(f"change-{name}", target),
                lease_until=NOW + timedelta(minutes=5),
                purchase=Purchase(target=target, writes=self.writes, purse=self.purse),
                limits=self.limits,
                now=NOW,
            )
        except BudgetExhausted:
            self.refused.append(name)
        else:
            self.claimed.append(name)

    @property
    def used(self) -> int:
        return Store(self.tables, MemoryBlobs(), MemoryQueue(FakeClock(NOW))).budget(SUBSCRIPTION, NOW).used


def in_turns() -> Callable[[int], int]:
    """Everybody takes a step before anybody takes the next."""
    turn = -1

    def choose(going: int) -> int:
        nonlocal turn
        turn = (turn + 1) % going
        return turn

    return choose


@pytest.mark.field(
    "steady",
    "Thirty servers opened at once are claimed by thirty workers, and none looks twice because of the budget",
    source="docs/adr/0019-generations-and-slots.md",
    date="2026-11-29",
)
def test_thirty_claims_at_once_lose_few_writes_and_all_succeed() -> None:
    rush = Rush(Limits())
    rush.run([f"pg-{number}" for number in range(AT_ONCE)], in_turns())
    assert len(rush.claimed) == AT_ONCE
    assert rush.used == AT_ONCE
    assert (
        rush.tables.lost < AT_ONCE * (AT_ONCE - 1) / 2 / 4
    )  # a row for all loses as many as that, four times


@pytest.mark.parametrize("limit", [0, 9, 20])
def test_of_claims_at_once_exactly_as_many_succeed_as_the_limit_has_room_for(limit: int) -> None:
    rush = Rush(Limits(writes_per_subscription=limit, writes_per_group=1000))
    rush.run([f"pg-{number}" for number in range(AT_ONCE)], in_turns())
    assert (len(rush.claimed), len(rush.refused), rush.used) == (limit, AT_ONCE - limit, limit)


@given(
    limit=st.integers(0, 30),
    writes=st.integers(1, 3),
    group=st.integers(0, 30),
    claims=st.integers(1, 12),
    seed=st.integers(),
)
def test_no_schedule_overshoots_a_limit_or_refuses_before_it(
    limit: int, writes: int, group: int, claims: int, seed: int
) -> None:
    random = Random(seed)
    rush = Rush(Limits(writes_per_subscription=limit, writes_per_group=group), writes, Purse.EXPOSURE)
    rush.run([f"pg-{number}" for number in range(claims)], random.randrange)
    assert len(rush.claimed) == min(claims, min(limit, group) // writes)
    assert rush.used == len(rush.claimed) * writes


def claim(tables: MemoryTables, name: str, limits: Limits, minutes: float = 0) -> Store:
    store, target = Store(tables, MemoryBlobs(), MemoryQueue(FakeClock(NOW))), server(name)
    now = NOW + timedelta(minutes=minutes)
    store.claim(
        store.recall(target, now),
        change(f"change-{name}", target),
        lease_until=now + timedelta(minutes=5),
        purchase=Purchase(target=target, writes=1, purse=Purse.ORDINARY),
        limits=limits,
        now=now,
    )
    return store


def test_what_a_row_from_before_the_parts_holds_counts() -> None:
    tables = MemoryTables()
    first = budget_places(SUBSCRIPTION, PARTS)[0]
    old = Budget(spent=tuple(Spent(at=NOW, writes=1, change=f"old-{n}") for n in range(99)))
    text = codec.dump(old).replace('"openFor":"",', "")
    tables.write(first.table, Insert(partition=first.partition, row=first.row, properties={"json0": text}))
    limits = Limits(writes_per_group=100)
    assert claim(tables, "a", limits).budget(SUBSCRIPTION, NOW).used == 100
    with pytest.raises(BudgetExhausted, match="100 of 100"):
        claim(tables, "b", limits)
    assert claim(tables, "c", limits, minutes=61).budget(SUBSCRIPTION, NOW + timedelta(minutes=61)).used == 1


def test_a_limit_that_was_lowered_holds_for_what_was_spent_under_the_higher_one() -> None:
    tables = MemoryTables()
    for number in range(8):
        claim(tables, f"pg-{number}", Limits())
    with pytest.raises(BudgetExhausted):
        claim(tables, "one-more", Limits(writes_per_subscription=8, writes_per_group=8))


def test_what_is_given_back_may_be_spent_again() -> None:
    tables = MemoryTables()
    limits = Limits(writes_per_subscription=1, writes_per_group=1)
    store = claim(tables, "a", limits)
    record = store.recall(server("a"), NOW)
    store.give_back(replace(record, active_change=None), change("change-a"), NOW)
    assert store.budget(SUBSCRIPTION, NOW).used == 0
    assert claim(tables, "b", limits).budget(SUBSCRIPTION, NOW).used == 1


def test_a_claim_on_a_record_that_changed_is_not_tried_again() -> None:
    tables = Losses()
    store = Store(tables, MemoryBlobs(), MemoryQueue(FakeClock(NOW)))
    stale = store.save(store.recall(server("a"), NOW))
    store.save(replace(stale, recheck_at=NOW))
    with pytest.raises(EntityChanged):
        store.claim(
            stale,
            change("change-a", server("a")),
            lease_until=NOW,
            purchase=Purchase(target=server("a"), writes=1, purse=Purse.ORDINARY),
            limits=Limits(),
            now=NOW,
        )
    assert tables.lost == 1
