"""The ledger of an hour's writes: two purses, three bounds, and when there is room again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.budget import WINDOW, Bound, Budget, Caps, Limits, Purchase, Spent, bounds, cost
from shared.model import Change, DeleteFirewallRule, Purse, Target, TargetKind
from shared.model.memory import Attempt
from shared.model.resource_id import ResourceId
from tests.builders import rule

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def target(group: str, name: str = "orders") -> Target:
    text = (
        f"/subscriptions/s/resourceGroups/{group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/{name}"
    )
    return Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(text))


def held(budget: Budget, purchase: Purchase, limits: Limits, *attempts: Attempt) -> list[str]:
    """Where it is held up."""
    asked = bounds(purchase, budget, attempts, limits, NOW)
    return [bound.where for bound in asked if bound.holds_up(purchase.writes)]


@pytest.mark.field(
    "brakes",
    "What lets somebody in has a purse of its own, and one group's trouble does not spend another's",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_purses_and_groups_are_kept_apart() -> None:
    spent = Budget(spent=tuple(Spent(at=NOW - MINUTE, writes=10, group="dev") for _ in range(5)))
    one = Purchase(target=target("DEV"), writes=1, purse=Purse.ORDINARY)
    limits = Limits(writes_per_subscription=100)
    assert held(spent, one, limits) == ["in this resource group"]
    assert held(spent, Purchase(target=target("dev"), writes=1, purse=Purse.EXPOSURE), limits) == []
    assert held(spent, Purchase(target=target("prod"), writes=1, purse=Purse.ORDINARY), limits) == []


def test_a_target_counts_its_own_attempts_by_purse() -> None:
    harmless = Attempt(policy="p", fingerprint="f", at=NOW - MINUTE, writes=10)
    one = Purchase(target=target("prod"), writes=1, purse=Purse.ORDINARY)
    assert held(Budget(), one, Limits(), harmless) == ["to this target"]
    hole = Purchase(target=target("prod"), writes=1, purse=Purse.EXPOSURE)
    assert held(Budget(), hole, Limits(), harmless) == []


def test_to_shut_an_exposure_is_one_write_however_many_rules_have_to_go() -> None:
    server = target("prod")
    rules = tuple(rule(f"everybody-{number}", "0.0.0.0", "255.255.255.255") for number in range(12))
    edits = tuple(DeleteFirewallRule(server=server.id, rule=one) for one in rules)
    hole = Change(policy="p", target=server, edits=edits, inverse=())
    assert (cost(hole, Purse.EXPOSURE), cost(hole, Purse.ORDINARY)) == (1, 12)


@pytest.mark.parametrize(
    ("limits", "purse", "caps"),
    [
        (Limits(), Purse.ORDINARY, (10, 50, 100)),
        (Limits(), Purse.EXPOSURE, (10, 50, 100)),
        (Limits(writes_per_subscription=0), Purse.EXPOSURE, (10, 0, 0)),
        (Limits(writes_per_subscription=1), Purse.ORDINARY, (10, 1, 1)),
        (Limits(exposure_writes_per_subscription=400), Purse.EXPOSURE, (10, 200, 400)),
        (Limits(writes_per_group=7, exposure_writes_per_target=3), Purse.EXPOSURE, (3, 7, 100)),
        (Limits(exposure_writes_per_group=9), Purse.ORDINARY, (10, 50, 100)),
    ],
)
def test_what_is_not_said_follows_what_is(limits: Limits, purse: Purse, caps: tuple[int, int, int]) -> None:
    assert limits.caps(purse) == Caps(target=caps[0], group=caps[1], subscription=caps[2])


@given(
    st.lists(st.tuples(st.integers(1, 3599), st.integers(1, 5)), max_size=20),
    st.integers(1, 5),
    st.integers(0, 40),
)
def test_room_is_there_when_it_is_said_and_not_before(
    entries: list[tuple[int, int]], writes: int, cap: int
) -> None:
    spent = tuple(Spent(at=NOW - timedelta(seconds=ago), writes=number) for ago, number in entries)
    bound = Bound(where="here", cap=cap, spent=spent)
    if not bound.holds_up(writes):
        return
    room = bound.room_at(writes)
    if room is None:
        assert writes > cap
        return
    assert not _after(bound, room).holds_up(writes)
    assert _after(bound, room - timedelta(microseconds=1)).holds_up(writes)


def _after(bound: Bound, time: datetime) -> Bound:
    kept = tuple(entry for entry in bound.spent if entry.at > time - WINDOW)
    return Bound(where=bound.where, cap=bound.cap, spent=kept)
