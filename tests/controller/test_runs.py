"""Operators' runs, locators and the sweep, on an Azure in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.dispatch import MOST_ATTEMPTS
from shared.controller.runs import (
    EnforcementDisabled,
    NamesNothing,
    NotATarget,
    RunRequest,
    read_run,
    start_run,
)
from shared.controller.sweep import sweep
from shared.model import (
    Actor,
    Cause,
    CauseKind,
    EnforcementMode,
    Locator,
    LocatorKind,
    Outcome,
    PublicAccess,
    Reason,
)
from shared.model.errors import Denied, Throttled
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId
from shared.model.results import RunRecord, RunStatus
from tests.builders import (
    ALL_AZURE,
    GROUP,
    NSG,
    OFFICE,
    ON_SERVERS,
    SERVER,
    SUBNET,
    public_server,
    security_rule,
    server,
    subnet,
)
from tests.controller.test_reconcile import FIREWALL, NSG_POLICY, PUBLIC, seen_compliant
from tests.fakes import START, SUBSCRIPTION, World

JANE = Actor(name="Jane Doe")


def run_of(world: World, **parts: object) -> RunRecord:
    request = replace(RunRequest(actor=JANE), **parts)  # type: ignore[arg-type]
    return start_run(request, world.deps())


def finished(world: World, run: RunRecord) -> RunRecord:
    done = read_run(run.id, world.deps())
    assert done is not None
    return done


# --- one resource ----------------------------------------------------------------------------------


def test_a_run_on_one_resource_goes_straight_through_and_tells_all() -> None:
    world = World()
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    run = run_of(world, resource=SERVER)
    assert run.status is RunStatus.DONE
    (result,) = run.results
    assert {finding.policy for finding in result.findings} == ON_SERVERS
    assert [call.method for call in result.arm_calls] == ["GET"]


def test_a_child_resource_is_looked_at_as_its_parent() -> None:
    world = World()
    world.azure.put(server())
    run = run_of(world, resource=SERVER.child("firewallRules", "office"))
    assert run.results[0].target.id == SERVER


def test_a_run_that_begins_something_long_is_in_progress_until_it_is_verified() -> None:
    world = World()
    world.azure.polls_until_done = 2
    seen_compliant(world, public_server())
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    run = run_of(world, resource=SERVER, enforcement=EnforcementMode.ENFORCE)
    assert run.status is RunStatus.IN_PROGRESS
    world.drain(60)
    done = finished(world, run)
    assert done.status is RunStatus.DONE
    (result,) = done.results
    assert result.outcomes[FIREWALL] is Outcome.REVERTED
    assert [change.outcome for change in result.changes] == [Outcome.REVERTED]
    assert {decision.policy for decision in result.decisions} == {FIREWALL, PUBLIC}


def test_a_change_that_ends_at_once_is_verified_within_the_run() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    run = run_of(world, resource=SERVER)
    assert run.status is RunStatus.DONE
    assert run.results[0].outcomes[FIREWALL] is Outcome.REVERTED
    assert [call.method for call in run.results[0].arm_calls] == ["GET", "WRITE", "GET"]


def test_only_the_policies_that_were_asked_for_are_judged() -> None:
    world = World()
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    run = run_of(world, resource=SERVER, policies=(PUBLIC,))
    assert [finding.policy for finding in run.results[0].findings] == [PUBLIC]


def test_enforcing_is_refused_while_the_app_audits() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    world.azure.put(server())
    with pytest.raises(EnforcementDisabled):
        run_of(world, resource=SERVER, enforcement=EnforcementMode.ENFORCE)


def test_a_resource_of_another_type_is_refused() -> None:
    world = World()
    with pytest.raises(NotATarget):
        run_of(world, resource=ResourceId(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a"))


def test_a_resource_that_does_not_exist_is_said_to_be_missing() -> None:
    world = World()
    run = run_of(world, resource=SERVER)
    assert "does not exist" in run.results[0].error


def test_a_run_on_an_nsg_looks_at_the_subnets_that_use_it() -> None:
    world = World()
    world.azure.put(subnet(security_rule("deny-all", 200)))
    run = run_of(world, resource=NSG)
    assert (run.status, run.total) == (RunStatus.QUEUED, 1)
    world.drain(30)
    assert finished(world, run).results[0].outcomes[NSG_POLICY] is Outcome.ALERTED


@pytest.mark.field(
    "http",
    "A run on a resource that names nothing to look at is refused, and leaves no run behind.",
    source="https://www.rfc-editor.org/rfc/rfc9110#name-404-not-found",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "kind", ["networkSecurityGroups", "virtualNetworks", "routeTables", "privateEndpoints"]
)
def test_a_run_on_what_names_nothing_is_refused(kind: str) -> None:
    world = World()
    world.azure.put(subnet(security_rule("deny-all", 200)))
    with pytest.raises(NamesNothing) as refused:
        run_of(world, resource=ResourceId(f"{GROUP}/providers/Microsoft.Network/{kind}/nobody"))
    assert refused.value.field == "resourceId"
    assert "nobody" in str(refused.value)
    assert (len(world.queue), list(world.tables.query("runs", "id1"))) == (0, [])


def test_a_run_on_a_network_without_a_postgres_subnet_is_refused() -> None:
    world = World()
    world.azure.find_nothing = True
    with pytest.raises(NamesNothing, match="there is nothing to look at"):
        run_of(world, resource=NSG)


# --- a scope ---------------------------------------------------------------------------------------


def test_a_scope_is_enumerated_and_every_target_reports_to_the_run() -> None:
    world = World()
    world.azure.put(server())
    world.azure.put(subnet(security_rule("deny-all", 200)))
    run = run_of(world, scope=ResourceId(f"/subscriptions/{SUBSCRIPTION}"), adopt=True)
    assert run.status is RunStatus.QUEUED
    world.drain(60)
    done = finished(world, run)
    assert (done.status, done.total, len(done.results)) == (RunStatus.DONE, 2, 2)
    assert {r.target.id: r.outcomes.get(NSG_POLICY) for r in done.results} == {
        SERVER: None,
        SUBNET: Outcome.REVERTED,
    }


@pytest.mark.field(
    "http",
    "A run on a scope in which nothing of PostgreSQL is found is refused: done with none of none looked like "
    "nothing amiss.",
    source="https://www.rfc-editor.org/rfc/rfc9110#name-404-not-found",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "scope", [f"/subscriptions/{SUBSCRIPTION}", f"{GROUP}-of-nobody", "/subscriptions/another"]
)
def test_a_scope_that_names_nothing_is_refused(scope: str) -> None:
    world = World()
    if SUBSCRIPTION not in scope or "nobody" in scope:
        world.azure.put(server())
    with pytest.raises(NamesNothing) as refused:
        run_of(world, scope=ResourceId(scope))
    assert refused.value.field == "scope"
    assert scope in str(refused.value)
    assert len(world.queue) == 0


def test_a_scope_that_is_empty_when_the_queue_comes_to_it_ends_failed_with_the_reason() -> None:
    world = World()
    world.azure.put(server())
    run = run_of(world, scope=ResourceId(f"/subscriptions/{SUBSCRIPTION}"))
    world.azure.snapshots.clear()
    world.drain()
    done = finished(world, run)
    assert (done.status, done.total) == (RunStatus.FAILED, 0)
    assert "is found in" in done.error


def test_a_scope_that_may_not_be_read_when_the_queue_comes_to_it_ends_failed_with_the_reason() -> None:
    world = World()
    world.azure.put(server())
    scope = ResourceId(f"/subscriptions/{SUBSCRIPTION}")
    run = run_of(world, scope=scope)
    world.azure.closed_scopes = {scope}
    world.drain()
    done = finished(world, run)
    assert (done.status, done.error) == (RunStatus.FAILED, "no role")


def test_a_scope_that_may_not_be_read_is_refused_at_once() -> None:
    world = World()
    scope = ResourceId(f"/subscriptions/{SUBSCRIPTION}")
    world.azure.closed_scopes = {scope}
    with pytest.raises(Denied):
        run_of(world, scope=scope)


# --- locators and the sweep ------------------------------------------------------------------------


def nsg_event(world: World, event_id: str = "e") -> None:
    cause = Cause(kind=CauseKind.EVENT, time=world.clock.now(), event_id=event_id)
    locator = Locator(kind=LocatorKind.NSG, id=NSG)
    world.store.arm(Message(kind=MessageKind.LOOK, locator=locator, cause=cause), world.clock.now(), 5)


def test_an_nsg_event_is_resolved_to_its_subnets() -> None:
    world = World()
    seen_compliant(world, subnet())
    world.azure.put(subnet(security_rule("deny-all", 200)))
    nsg_event(world)
    world.drain(30)
    assert world.store.changes()[0].outcome is Outcome.REVERTED


def test_after_the_nsg_is_deleted_the_relation_index_still_names_its_subnets() -> None:
    world = World()
    seen_compliant(world, subnet(security_rule("deny-all", 200)))
    nsg_event(world)
    world.drain(30)
    assert world.store.alerts()
    world.azure.put(subnet(security_group=None))
    nsg_event(world, "deleted")
    world.drain(30)
    left = {alert.policy for alert in world.store.alerts() if alert.status != "resolved"}
    assert left == {"nsg-missing-on-postgres-subnet", "nsg-exposes-postgres-to-internet"}


def test_thirty_one_events_on_one_nsg_are_one_expansion_and_one_reading() -> None:
    world = World()
    seen_compliant(world, subnet())
    for number in range(31):
        nsg_event(world, f"e{number}")
        world.clock.advance(0.1)
    world.drain(30)
    assert world.azure.reads == 1
    assert world.lines[-1]["events"] == 31


def test_the_servers_of_a_deleted_resource_group_are_looked_at_though_nothing_lists_them() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.snapshots.clear()
    cause = Cause(kind=CauseKind.EVENT, time=world.clock.now(), event_id="group")
    locator = Locator(kind=LocatorKind.SCOPE, id=ResourceId(GROUP))
    world.store.arm(Message(kind=MessageKind.LOOK, locator=locator, cause=cause), world.clock.now(), 0)
    world.drain(30)
    assert list(world.store.known_targets(SUBSCRIPTION)) == []


def test_a_run_that_azure_interrupts_ends_as_failed() -> None:
    world = World()
    world.azure.put(server())
    world.azure.read_errors = [Throttled("slow", code="TooManyRequests", status=429)]
    with pytest.raises(Throttled):
        run_of(world, resource=SERVER)
    run = read_run("id1", world.deps())
    assert run is not None
    assert (run.status, run.error) == (RunStatus.FAILED, "slow")


def test_a_drift_whose_event_never_came_is_found_by_the_sweep() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    sweep(world.deps())
    world.drain(30)
    assert world.store.changes()[0].outcome is Outcome.REVERTED


def test_a_target_that_is_gone_without_an_event_is_forgotten_by_the_sweep() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.snapshots.clear()
    sweep(world.deps())
    world.drain(30)
    assert list(world.store.known_targets(SUBSCRIPTION)) == []


def test_the_first_complete_pass_is_dated_by_its_beginning_and_only_once() -> None:
    world = World()
    world.azure.put(server())
    sweep(world.deps())
    world.drain()
    world.clock.advance(3600)
    sweep(world.deps())
    world.drain()
    assert world.store.first_passes.find(SUBSCRIPTION) == START


def test_a_server_created_after_the_first_pass_is_reverted_without_a_compliant_reading() -> None:
    world = World()
    sweep(world.deps())
    world.drain()
    created = START + timedelta(hours=1)
    world.clock.advance(7200)
    late = server(public_access=PublicAccess.ENABLED, created_at=created)
    world.event(world.azure.put(late))
    world.drain(30)
    assert [edit.kind for edit in world.azure.writes] == ["setPublicAccess"]


def test_a_server_that_is_older_than_the_first_pass_is_inherited_though_it_was_seen_only_now() -> None:
    world = World()
    sweep(world.deps())
    world.drain()
    world.clock.advance(7200)
    early = server(public_access=PublicAccess.ENABLED, created_at=START)
    world.event(world.azure.put(early))
    world.drain(30)
    assert world.azure.writes == []
    (alert,) = world.store.alerts(policy="postgres-public-access-enabled")
    assert alert.decision.reason is Reason.INHERITED


# --- trouble ---------------------------------------------------------------------------------------


def test_a_message_is_handed_to_the_platform_when_azure_throttles_for_too_long() -> None:
    world = World()
    target = world.azure.put(server())
    throttled = Throttled("slow", code="TooManyRequests", status=429, retry_after=1)
    world.azure.read_errors = [throttled] * (MOST_ATTEMPTS + 1)
    world.event(target)
    with pytest.raises(Throttled):
        world.drain(120)
