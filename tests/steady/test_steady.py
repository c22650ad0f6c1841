"""Wherever a worker dies, and whoever comes in between: the world ends as if nothing had been.

A few points of each scenario and each meeting here, the same ones in every run; far more of them, most deaths
among them, in `make test-long`. All of it: ``python -m tests.steady``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Final

import pytest

from shared.controller.deps import Deps
from shared.model import Outcome
from tests.steady.ends import wrongs
from tests.steady.meetings import MEETINGS, Meeting, sampled_orders
from tests.steady.plant import LEASE, Came, Due, Plant
from tests.steady.points import broken, kills, points, sampled, whole
from tests.steady.report import Tally, tally, tally_meeting
from tests.steady.scenarios import BY_NAME, SCENARIOS, TARGET, Scenario
from tests.steady.tape import Breaks, Fault

QUICK: Final = 1
"""Points of each scenario, and orders of each meeting, between two thoughts."""
DEATHS: Final = 120
"""Deaths of a scenario that are asked in `make test-long`, evenly spread where there are more of them."""
SECONDS: Final = 60.0
"""Within which a change goes on whose worker has died, beyond Azure's own time."""
LATER: Final = timedelta(days=1)

scenarios: Final = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
meetings: Final = pytest.mark.parametrize("meeting", MEETINGS, ids=lambda one: one.name)
of_a_few: Final = pytest.mark.parametrize(
    "scenario",
    [BY_NAME[one] for one in ("one revert", "rollback refused", "moved")],
    ids=lambda one: one.name,
)
of_alerts: Final = pytest.mark.parametrize(
    "meeting", [one for one in MEETINGS if one.name.startswith("alert opened")], ids=lambda one: one.name
)


def faults_of(tally: Tally) -> list[str]:
    return list(tally.faults_told())


@pytest.mark.long
@scenarios
def test_a_scenario_is_in_order_when_nothing_comes_in_its_way(scenario: Scenario) -> None:
    assert whole(scenario.name).wrongs == ()


@pytest.mark.field(
    "steady",
    "Wherever a worker dies or the store fails, the world ends as if nothing had been.",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
@of_a_few
def test_the_end_is_the_same_where_something_breaks(scenario: Scenario) -> None:
    assert faults_of(tally(scenario, _a_few(scenario))) == []


@pytest.mark.long
@scenarios
def test_the_end_is_the_same_wherever_something_breaks(scenario: Scenario) -> None:
    assert faults_of(tally(scenario, _a_few(scenario))) == []


def _a_few(scenario: Scenario) -> Iterator[Fault]:
    every = len(list(points(scenario))) // (3 * QUICK)
    return islice(sampled(scenario, every), 2 * QUICK)


@pytest.mark.long
@scenarios
def test_the_end_is_the_same_wherever_a_worker_dies(scenario: Scenario) -> None:
    came = tally(scenario, _evenly(list(kills(scenario))))
    assert faults_of(came) == []
    assert came.late == 0
    assert max(came.seconds, default=0.0) <= SECONDS


def _evenly(faults: list[Fault]) -> list[Fault]:
    return faults[:: -(-len(faults) // DEATHS)]


@pytest.mark.field(
    "steady",
    "Two workers who meet at one target leave what one after the other would have left.",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
@of_alerts
def test_two_workers_end_as_one_after_the_other(meeting: Meeting) -> None:
    assert faults_of(tally_meeting(meeting, islice(sampled_orders(meeting, 61), QUICK))) == []


@pytest.mark.long
@meetings
def test_two_workers_end_as_one_after_the_other_wherever_they_meet(meeting: Meeting) -> None:
    assert faults_of(tally_meeting(meeting, sampled_orders(meeting, 29))) == []


# --- the harness itself ----------------------------------------------------------------------------


def number_of(scenario: str, name: str) -> int:
    return [one.name for one in whole(scenario).operations].index(name) + 1


def played(scenario: str, fault: Fault | None = None) -> Plant:
    """A world right after the scenario's first step."""
    plant = BY_NAME[scenario].plant()
    plant.tape.operations.clear()
    plant.tape.fault = fault
    step = BY_NAME[scenario].steps[0]
    step.does(plant)
    plant.work(step.seconds)
    return plant


@pytest.mark.parametrize(("breaks", "writes"), [(Breaks.KILLED, 0), (Breaks.FAILS, 0), (Breaks.LOST, 1)])
def test_what_breaks_at_an_operation_leaves_what_was_before_it(breaks: Breaks, writes: int) -> None:
    at = number_of("one revert", "gateway.submit deleteFirewallRule")
    plant = Plant()
    plant.tape.fault = Fault(at=1, breaks=breaks)
    done: list[str] = []

    def work(_: Deps) -> None:
        plant.tape.run("tables.write targets/t", lambda: done.append("written"))

    came = plant.attempt(Due(call="message", work=work, settle=lambda _: None))
    assert at > 1
    assert came is (Came.KILLED if breaks is Breaks.KILLED else Came.FAILED)
    assert len(done) == writes


def test_a_message_is_delivered_again_when_the_lease_of_a_dead_worker_has_run_out() -> None:
    at = number_of("one revert", "gateway.read")
    plant = played("one revert", Fault(at=at, breaks=Breaks.KILLED))
    reads = plant.azure.reads
    plant.work(LEASE - 60)
    before = plant.azure.reads
    plant.work(60)
    assert plant.azure.reads > max(reads, before) or plant.sent


def test_others_may_write_at_the_very_moment() -> None:
    at = number_of("one revert", "gateway.submit deleteFirewallRule")
    fault = Fault(at=at, breaks=Breaks.KILLED, meanwhile="deleted")
    assert broken(BY_NAME["one revert"], fault).wrongs == ()


def _left_running(plant: Plant) -> None:
    (change,) = plant.store.changes()
    plant.store.put_change(replace(change, outcome=Outcome.IN_PROGRESS))


def _untold(plant: Plant) -> None:
    plant.delivered.clear()


def _sent_again(plant: Plant) -> None:
    plant.sent.append(plant.sent[-1])


def _leased(plant: Plant) -> None:
    record = plant.store.recall(TARGET, plant.clock.now())
    plant.store.save(replace(record, active_change="another", lease_until=plant.clock.now() + LATER))


@pytest.mark.parametrize("spoil", [_left_running, _untold, _sent_again, _leased])
def test_what_is_wrong_is_found(spoil: Callable[[Plant], None]) -> None:
    plant = played("one revert")
    assert wrongs(plant) == []
    spoil(plant)
    assert wrongs(plant) != []
