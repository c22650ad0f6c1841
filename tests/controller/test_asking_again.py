"""Asking again: when a look, a recheck or a refused write is repeated, and when it is not.

A recheck stands only for a question that is still open, a person's wish is carried out once, and whoever
waits for somebody else's change gets an answer of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from shared.controller.rollback import roll_back
from shared.model import Actor, Cause, CauseKind, Edit, Outcome, PublicAccess, Reason
from shared.model.messages import Message, MessageKind
from shared.model.results import RunStatus
from tests.builders import ALL_AZURE, DRIFTED, OFFICE, SERVER, public_server, rule, server, subnet
from tests.controller.test_changes_in_trouble import (
    BLOCKED_BOTH_WAYS,
    NO_ROLE,
    SERVER_BUSY,
    WorkerDied,
    long_revert,
)
from tests.controller.test_reconcile import FIREWALL, PUBLIC, drift, seen_compliant, there
from tests.controller.test_rollback import request_for, reverted_rule
from tests.controller.test_runs import finished, run_of
from tests.fakes import SOMEBODY, START, SUBSCRIPTION, US, World

BOTH_DRIFTS = server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,))
UNKNOWN = server(public_access=PublicAccess.UNKNOWN)


def ask(world: World, actor: Actor | None = None) -> None:
    """An operator has the target looked at, through the same coalescing as events."""
    cause = Cause(kind=CauseKind.OPERATOR, time=world.clock.now(), actor=actor or Actor())
    world.store.arm(Message(kind=MessageKind.LOOK, target=DRIFTED.target, cause=cause), world.clock.now(), 0)


# --- rechecks --------------------------------------------------------------------------------------


def test_a_recheck_that_will_be_skipped_does_not_stand_for_one_that_is_needed() -> None:
    world = World()
    target = long_revert(world, polls=2)
    world.event(target)  # during the change: its recheck is for that change alone
    world.drain(60)
    assert there(world) == public_server()
    world.clock.advance(490)
    world.settle_seconds = 60
    world.event(world.azure.put(public_server(firewall_rules=(OFFICE, rule("azure2", "0.0.0.0")))))
    world.drain(600)
    assert there(world) == public_server()


def test_an_event_during_the_change_of_a_run_on_one_policy_has_all_policies_judged() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.polls_until_done = 2
    target = world.azure.put(BOTH_DRIFTS)
    run_of(world, resource=SERVER, policies=(FIREWALL,))
    world.event(target)
    world.drain(1800)
    assert there(world) == server()


def test_our_own_event_whose_worker_died_leaves_the_drift_to_the_next() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [WorkerDied()]
    world.event(world.azure.put(DRIFTED), actor=US)
    with pytest.raises(WorkerDied):
        world.drain()
    world.drain(30 * 60)
    assert there(world) == public_server()


# --- a person's wish -------------------------------------------------------------------------------


def test_an_operators_run_whose_write_is_refused_is_tried_once() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [NO_ROLE] * 100
    world.azure.put(DRIFTED)
    run_of(world, resource=SERVER)
    world.drain(120)
    assert [change.outcome for change in world.store.changes()] == [Outcome.FAILED]
    assert [alert.decision.reason for alert in world.open_alerts(FIREWALL)] == [Reason.FAILED]


def test_an_operators_run_whose_write_is_ignored_is_tried_once() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.ignores_writes = True
    world.azure.put(DRIFTED)
    run_of(world, resource=SERVER)
    world.drain(120)
    assert len(world.azure.writes) == 1


def test_an_operator_who_asks_again_has_a_refused_write_repeated() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [NO_ROLE]
    drift(world, DRIFTED)
    world.event(DRIFTED.target)
    world.drain(60)
    assert world.azure.writes == []
    ask(world)
    world.drain(60)
    assert there(world) == public_server()


def test_an_approved_revert_that_is_refused_is_tried_once() -> None:
    world = World()
    seen_compliant(world, server(firewall_rules=(OFFICE,)))
    drift(world, public_server(private_endpoints=server().private_endpoints))
    (alert,) = world.open_alerts(PUBLIC)
    world.azure.refusals = [NO_ROLE] * 100
    world.approve(alert)
    ask(world)
    world.drain(120)
    assert [change.outcome for change in world.store.changes()] == [Outcome.FAILED]


def test_an_operators_look_does_not_hide_that_the_same_person_wrote() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, public_server())
    world.event(world.azure.put(DRIFTED))
    world.clock.advance(1)
    ask(world, SOMEBODY)
    world.drain(30)
    assert world.azure.writes == []
    world.drain(60)
    assert there(world) == public_server()


# --- runs that meet somebody else's change ---------------------------------------------------------


def test_a_run_that_takes_over_a_change_left_behind_ends() -> None:
    world = World()
    long_revert(world, polls=2)
    world.lose_messages()
    world.clock.advance(11 * 60)
    run = run_of(world, resource=SERVER)
    world.drain(1200)
    assert finished(world, run).status is RunStatus.DONE


def test_a_run_on_one_policy_ends_though_the_change_of_another_was_on_its_way() -> None:
    world = World()
    long_revert(world, polls=2)
    run = run_of(world, resource=SERVER, policies=(PUBLIC,))
    world.drain(1200)
    assert finished(world, run).status is RunStatus.DONE


def test_a_run_whose_worker_died_ends_when_the_server_is_deleted() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.put(DRIFTED)
    world.azure.refusals = [WorkerDied()]
    with pytest.raises(WorkerDied):
        run_of(world, resource=SERVER)
    (change,) = world.store.changes()
    run = world.store.run(change.run_id or "")
    world.azure.snapshots.clear()
    world.clock.advance(11 * 60)
    world.event(DRIFTED.target)
    world.drain(60)
    assert run is not None
    assert finished(world, run).status is RunStatus.DONE


# --- alerts of what is not asked any more ----------------------------------------------------------


def test_the_unknown_alert_of_a_policy_that_was_switched_off_is_resolved() -> None:
    world = World()
    for _ in range(3):
        drift(world, UNKNOWN)
    assert len(world.open_alerts(PUBLIC)) == 1
    world.policies_file = f"version: 1\npolicies:\n  {PUBLIC}: {{effect: off}}\n"
    drift(world, server())
    assert world.open_alerts(PUBLIC) == []


def test_an_unknown_that_becomes_exempt_is_resolved() -> None:
    world = World()
    for _ in range(3):
        drift(world, UNKNOWN)
    assert len(world.open_alerts(PUBLIC)) == 1
    world.policies_file = (
        f"version: 1\nexemptions:\n- scope: {SERVER}\n  policy: {PUBLIC}\n  reason: migration\n"
        "  approver: jane\n  expires: 2027-01-01T00:00:00Z\n"
    )
    drift(world, UNKNOWN)
    assert world.open_alerts(PUBLIC) == []


# --- what is spent, and what may still be sent -----------------------------------------------------


@dataclass
class Ticking:
    """A clock that is never asked twice at the same moment."""

    world: World

    def now(self) -> datetime:
        self.world.clock.advance(0.001)
        return self.world.clock.now()


def test_a_rollback_that_azure_refused_as_busy_is_not_spent_from_the_budget() -> None:
    world = World()
    original = reverted_rule(world)
    used = world.store.budget(SUBSCRIPTION, world.clock.now()).used
    world.azure.refusals = [SERVER_BUSY]
    roll_back(request_for(original), replace(world.deps(), clock=Ticking(world)))
    assert world.store.budget(SUBSCRIPTION, world.clock.now()).used == used


class ThrowsTheSwitch(list[Edit]):
    """Somebody forbids all writes the moment the first one has been made."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def append(self, edit: Edit) -> None:
        super().append(edit)
        self.world.store.set_break_glass(True, by="jane", reason="incident", now=START)


def test_break_glass_thrown_between_two_edits_that_end_at_once_stops_the_second() -> None:
    world = World()
    seen_compliant(world, subnet())
    world.azure.writes = ThrowsTheSwitch(world)
    world.event(world.azure.put(BLOCKED_BOTH_WAYS))
    world.drain(60)
    assert len(world.azure.writes) == 1
