"""Runs, rechecks, sweeps and budgets when something goes wrong: a run ends, and no look stands for another.

A run that waits for a change hears how it ended whoever ended it; a look that was asked for with
options answers nobody else's question; what Azure refused is not spent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from shared.controller.arrivals import Arrived, receive_event
from shared.controller.poison import poisoned
from shared.controller.sweep import sweep
from shared.guardrails.budget import Limits, Purchase
from shared.model import Action, EnforcementMode, Outcome, PublicAccess, Reason, SecurityGroup, ServerState
from shared.model.change_records import ChangeRecord
from shared.model.errors import Busy, Permanent
from shared.model.memory import TargetRecord
from shared.model.resource_id import ResourceId
from shared.model.results import RunRecord, RunStatus
from shared.state.store import Store
from tests.builders import (
    ALL_AZURE,
    DRIFTED,
    GROUP,
    NSG,
    SERVER,
    SUBNET,
    public_server,
    security_rule,
    server,
    subnet,
)
from tests.controller.test_changes_in_trouble import long_revert
from tests.controller.test_reconcile import FIREWALL, NSG_POLICY, drift, seen_compliant, there
from tests.controller.test_runs import finished, run_of
from tests.fakes import START, SUBSCRIPTION, World

UPDATING = replace(DRIFTED, state=ServerState.BUSY, state_text="Updating")
SERVER_BUSY = Busy("busy", code="ServerIsBusy", status=409)


class LastWritesTaken(Store):
    """Another worker spends the last of the budget after this one has decided to write."""

    def claim(
        self,
        record: TargetRecord,
        change: ChangeRecord,
        *,
        lease_until: datetime,
        purchase: Purchase,
        limits: Limits,
        now: datetime,
    ) -> TargetRecord:
        nothing = Limits(writes_per_subscription=0)
        return super().claim(
            record, change, lease_until=lease_until, purchase=purchase, limits=nothing, now=now
        )


def long_run(world: World, polls: int = 1) -> RunRecord:
    """An operator's run whose revert takes ``polls`` looks at its operation."""
    seen_compliant(world, public_server())
    world.azure.polls_until_done = polls
    world.azure.put(DRIFTED)
    run = run_of(world, resource=SERVER)
    assert run.status is RunStatus.IN_PROGRESS
    return run


# --- runs that must end ----------------------------------------------------------------------------


def test_a_run_whose_server_is_deleted_during_its_change_ends() -> None:
    world = World()
    run = long_run(world)
    world.azure.snapshots.clear()
    world.drain(600)
    done = finished(world, run)
    assert done.status is RunStatus.DONE
    assert done.results[0].outcomes[FIREWALL] is Outcome.FAILED
    assert "does not exist" in done.results[0].error


def test_a_run_whose_check_failed_too_often_ends() -> None:
    world = World()
    run = long_run(world, polls=5)
    *_, check = world.queue.bodies()
    poisoned(check.encode(), world.deps())
    done = finished(world, run)
    assert done.status is RunStatus.DONE
    assert done.results[0].outcomes[FIREWALL] is Outcome.FAILED


def test_a_run_on_a_target_whose_change_is_on_its_way_ends() -> None:
    world = World()
    long_revert(world, polls=2)
    run = run_of(world, resource=SERVER)
    assert run.status is RunStatus.IN_PROGRESS
    world.drain(600)
    assert finished(world, run).status is RunStatus.DONE


def test_a_run_whose_check_was_lost_ends_when_an_event_verifies_its_change() -> None:
    world = World()
    run = long_run(world)
    world.lose_messages()
    world.clock.advance(11 * 60)
    world.event(DRIFTED.target)
    world.drain(600)
    done = finished(world, run)
    assert done.status is RunStatus.DONE
    assert done.results[0].outcomes[FIREWALL] is Outcome.REVERTED


def test_a_run_counts_the_calls_of_all_its_looks() -> None:
    world = World(settle_seconds=1)
    seen_compliant(world, public_server())
    world.azure.put(UPDATING)
    run = run_of(world, resource=SERVER)
    world.azure.put(DRIFTED)
    world.drain(30)
    (result,) = finished(world, run).results
    methods = [call.method for call in result.arm_calls]
    assert methods == ["GET", "GET", "WRITE", "GET"]
    assert (world.azure.reads, len(world.azure.writes)) == (3, 1)


def test_a_run_for_which_no_budget_is_left_decides_to_alert_and_shows_no_change() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.put(DRIFTED)
    world.store = LastWritesTaken(world.tables, world.blobs, world.queue)
    (result,) = run_of(world, resource=SERVER).results
    assert result.changes == ()
    assert {decision.policy: decision.action for decision in result.decisions}[FIREWALL] is Action.ALERT
    assert world.azure.writes == []
    assert len(world.open_alerts(FIREWALL)) == 1


# --- a look with options of its own answers nobody else's question ---------------------------------


def test_the_recheck_of_an_operators_audit_does_not_stand_for_that_of_an_event() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, public_server())
    target = world.azure.put(UPDATING)
    world.look(target, enforcement=EnforcementMode.AUDIT)
    world.drain()
    world.event(target)
    world.drain(5)
    world.azure.put(DRIFTED)
    world.drain(600)
    assert there(world) == public_server()


def test_the_recheck_of_a_run_on_one_policy_does_not_stand_for_that_of_an_event_on_all() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, server())
    opened = server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,))
    target = world.azure.put(replace(opened, state=ServerState.BUSY, state_text="Updating"))
    world.look(target, policies=(FIREWALL,))
    world.drain()
    world.event(target)
    world.drain(5)
    world.azure.put(opened)
    world.drain(900)
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule", "setPublicAccess"]


# --- scopes ----------------------------------------------------------------------------------------


def test_a_scope_that_cannot_be_enumerated_does_not_keep_the_sweep_from_the_others() -> None:
    closed = ResourceId("/subscriptions/99999999-2222-3333-4444-555555555555")
    world = World(scopes=(closed, ResourceId(f"/subscriptions/{SUBSCRIPTION}")))
    world.azure.closed_scopes = {closed}
    seen_compliant(world, public_server())
    world.azure.put(DRIFTED)
    sweep(world.deps())
    with pytest.raises(Permanent, match="no role"):
        world.drain(60)
    with pytest.raises(Permanent, match="no role"):  # the platform delivers it again
        world.drain(60)
    assert there(world) == public_server()


def test_an_nsg_outside_the_scopes_is_followed_when_a_subnet_within_them_uses_it() -> None:
    elsewhere = ResourceId(str(NSG).replace("/resourceGroups/data/", "/resourceGroups/net/"))
    group = SecurityGroup(id=elsewhere, rules=(), default_rules=(), subnets=(SUBNET,))
    world = World(scopes=(ResourceId(GROUP),))
    seen_compliant(world, subnet(security_group=group))
    denying = replace(group, rules=(security_rule("deny-all", 200),))
    world.azure.put(subnet(security_group=denying))
    written = Arrived(
        id="1",
        type="Microsoft.Resources.ResourceWriteSuccess",
        subject=str(elsewhere),
        time=START,
        data={"operationName": "Microsoft.Network/networkSecurityGroups/write"},
        original="{}",
    )
    receive_event(written, world.deps())
    world.drain(60)
    assert [alert.decision.reason for alert in world.open_alerts(NSG_POLICY)] == [Reason.OUTSIDE_SCOPES]


# --- budgets and loops -----------------------------------------------------------------------------


def test_writes_that_a_busy_server_refused_are_not_spent_from_the_subscriptions_budget() -> None:
    world = World(policies_file="version: 1\nbudgets: {writesPerSubscription: 2}\n")
    seen_compliant(world, public_server())
    world.azure.refusals = [SERVER_BUSY] * 4
    drift(world, DRIFTED, seconds=120)
    assert there(world) == public_server()
    assert world.store.budget(SUBSCRIPTION, world.clock.now()).used == 1


def test_a_server_that_refuses_as_busy_for_ten_minutes_is_not_asked_every_two_seconds() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [SERVER_BUSY] * 1000
    drift(world, DRIFTED, seconds=600)
    assert 5 < world.azure.reads < 60


def test_a_busy_server_is_not_read_every_second_because_settling_takes_no_time() -> None:
    world = World(settle_seconds=0)
    seen_compliant(world, server())
    drift(world, server(state=ServerState.BUSY, state_text="Updating"), seconds=600)
    assert 5 < world.azure.reads <= 60
