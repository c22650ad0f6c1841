"""A server that was moved keeps its memory, whichever of its ids is looked at first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.dispatch import dispatch
from shared.controller.lowered_by_tags import LOWERED
from shared.controller.revoking import revoke
from shared.controller.rollback import RollbackRequest, roll_back
from shared.controller.sweep import sweep
from shared.model import (
    Actor,
    Cause,
    CauseKind,
    ComplianceState,
    Locator,
    LocatorKind,
    Reason,
    ServerSnapshot,
    Target,
    TargetKind,
)
from shared.model.alert_records import AlertStatus
from shared.model.change_records import ChangeRecord
from shared.model.changes import DeleteFirewallRule
from shared.model.errors import Denied
from shared.model.interfaces import Enumerated, Relation
from shared.model.memory import Exemption
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId
from shared.state.names import Names
from shared.state.table_layout import NAMES, TARGETS, name_place
from tests.builders import DRIFTED, ENDPOINT, GROUP, SERVER, SUBNET, public_server
from tests.controller.test_reconcile import seen_compliant
from tests.driftward.journal.worlds import faults
from tests.fakes import SUBSCRIPTION, World, only

FIREWALL = "postgres-firewall-allows-all-azure"
OTHER = "99999999-2222-3333-4444-555555555555"
SCOPES = tuple(ResourceId(f"/subscriptions/{one}") for one in (SUBSCRIPTION, OTHER))
GROUP_THERE = ResourceId(str(SERVER).replace("/data/", "/other/"))
SUBSCRIPTION_THERE = ResourceId(str(SERVER).replace(SUBSCRIPTION, OTHER))
REVERTS = only(FIREWALL)
BY_TAG = f"""version: 1
policies:
  {FIREWALL}: {{effect: alert}}
scopes:
- scope: /subscriptions/{SUBSCRIPTION}
  tags: {{env: prod}}
  policies: {{{FIREWALL}: {{effect: revert}}}}
"""
JANE = Actor(name="Jane Doe", object_id="jane-object")
ONLY_ALERTS = REVERTS.replace("effect: revert", "effect: alert")


def world(policies_file: str = REVERTS) -> World:
    """A server that has been seen compliant, in one of two subscriptions that are watched."""
    there = World(scopes=SCOPES, policies_file=policies_file)
    seen_compliant(there, public_server())
    there.clock.advance(3600)
    return there


def moved(there: World, to: ResourceId = GROUP_THERE, snapshot: ServerSnapshot = DRIFTED) -> Target:
    """The server has another id, and somebody has opened it."""
    there.azure.snapshots.pop(SERVER.key, None)
    return there.azure.put(replace(snapshot, id=to))


def new_first(there: World, target: Target) -> None:
    there.event(target)
    there.drain(5)


def old_first(there: World, target: Target) -> None:
    there.event(Target(kind=target.kind, id=SERVER))
    there.drain(5)
    there.event(target)
    there.drain(5)


def told_of_the_move(there: World, target: Target) -> None:
    """The one event of a move names the group that was left, and is told once."""
    left = Locator(kind=LocatorKind.SCOPE, id=ResourceId(GROUP))
    there.store.arm(Message(kind=MessageKind.LOOK, locator=left, cause=move_of(there)), there.clock.now(), 0)
    there.drain(5)


def move_of(there: World) -> Cause:
    name = "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action"
    return Cause(kind=CauseKind.EVENT, time=there.clock.now(), operation_name=name, event_id="move")


def swept(there: World, target: Target) -> None:
    sweep(there.deps())
    there.drain(5)


@pytest.mark.field(
    "brakes",
    "A moved server keeps its memory: what was compliant at its old id and is open at the new one is drift, "
    "and is reverted, whichever id is looked at first, or the move's own event.",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/move-resource-group-and-subscription",
    date="2026-11-29",
)
@pytest.mark.parametrize("to", [GROUP_THERE, SUBSCRIPTION_THERE])
@pytest.mark.parametrize("seen", [new_first, old_first, told_of_the_move, swept])
def test_a_moved_server_keeps_its_memory(to: ResourceId, seen: Callable[[World, Target], None]) -> None:
    there = world()
    target = moved(there, to)
    seen(there, target)
    (edit,) = there.azure.writes
    assert isinstance(edit, DeleteFirewallRule)
    assert edit.server == to
    (change,) = there.store.changes()
    assert change.decision.reason is Reason.DRIFT
    assert [r.target for one in SCOPES for r in there.store.known_targets(one.subscription)] == [target]


def test_a_move_that_the_listing_shows_late_is_found_a_little_later() -> None:
    there = world()
    snapshot = there.azure.snapshots.pop(SERVER.key)
    told_of_the_move(there, snapshot.target)
    moved(there)
    there.drain(200)
    assert len(there.azure.writes) == 1
    assert there.queue.receive() is None
    there.drain(4000)
    assert there.azure.reads < 10, "it is looked for once more, and no oftener"


@pytest.mark.parametrize("seen", [new_first, old_first, told_of_the_move])
def test_the_alerts_of_the_old_id_end_and_say_where_it_went(seen: Callable[[World, Target], None]) -> None:
    there = world(policies_file=ONLY_ALERTS)
    there.event(there.azure.put(DRIFTED))
    there.drain(5)
    (before,) = there.open_alerts(FIREWALL)
    seen(there, moved(there))
    (after,) = there.open_alerts(FIREWALL)
    assert (after.target.id, after.decision.reason) == (GROUP_THERE, Reason.EFFECT_ALERT)
    ended = there.store.alert(before.id)
    assert ended is not None
    assert (ended.status, ended.resolution) == (AlertStatus.RESOLVED, f"moved to {GROUP_THERE}")


def test_exemptions_attempts_clocks_and_baselines_come_along() -> None:
    there = world(policies_file=ONLY_ALERTS)
    there.event(there.azure.put(DRIFTED))
    there.drain(5)
    old = there.store.recall(DRIFTED.target, there.clock.now())
    until = there.clock.now() + timedelta(days=9)
    exemption = Exemption(policy="postgres-admin", reason="x", approver="jane", expires_at=until)
    old = there.store.save(replace(old, exemptions=(exemption,)))
    there.clock.advance(120)
    target = moved(there)
    new_first(there, target)
    new = there.store.recall(target, there.clock.now())
    assert (new.exemptions, new.first_seen) == ((exemption,), old.first_seen)
    clock, before = new.memories[FIREWALL].exposure, old.memories[FIREWALL].exposure
    assert [one.seen_at for one in clock.openings] == [one.seen_at for one in before.openings]
    baseline = there.store.snapshot(new.memories[FIREWALL].baseline or "")
    assert baseline is not None
    assert baseline.id == GROUP_THERE
    assert new.memories[FIREWALL].last_compliant_at == old.memories[FIREWALL].last_compliant_at


def put_back(there: World) -> ChangeRecord:
    """The rule was deleted by us, and put back for a day."""
    there.event(there.azure.put(DRIFTED))
    there.drain(30)
    change, until = there.store.changes()[0], there.clock.now() + timedelta(days=1)
    request = RollbackRequest(change_id=change.id, actor=JANE, reason="it is needed", expires_at=until)
    back = roll_back(request, there.deps())
    assert back is not None
    there.drain(30)
    there.azure.writes.clear()
    return back


@pytest.mark.parametrize("to", [GROUP_THERE, SUBSCRIPTION_THERE])
@pytest.mark.parametrize("seen", [new_first, old_first, swept])
def test_what_was_rolled_back_stays_exempt_when_its_server_is_moved(
    to: ResourceId, seen: Callable[[World, Target], None]
) -> None:
    there = world()
    put_back(there)
    before = there.azure.snapshots[SERVER.key]
    assert isinstance(before, ServerSnapshot)
    target = moved(there, to, before)
    seen(there, target)
    there.drain(60)
    assert there.azure.writes == []
    memory = there.store.recall(target, there.clock.now()).memories[FIREWALL]
    assert memory.state is ComplianceState.EXEMPT


def test_an_exemption_that_was_moved_is_in_the_journal_and_is_revoked_where_it_is_now() -> None:
    there = world()
    sweep(there.deps())
    back = put_back(there)
    before = there.azure.snapshots[SERVER.key]
    assert isinstance(before, ServerSnapshot)
    target = moved(there, snapshot=before)
    new_first(there, target)
    assert faults(there) == set()
    given = revoke(back.id, JANE, there.deps())
    assert given is not None
    assert given.scope == GROUP_THERE
    there.drain(60)
    assert there.azure.writes, "what was put back is drift again"
    assert faults(there) == set()


def test_an_exemption_that_was_revoked_elsewhere_is_not_missed_when_the_server_comes_back() -> None:
    there = world()
    sweep(there.deps())
    back = put_back(there)
    before = there.azure.snapshots[SERVER.key]
    assert isinstance(before, ServerSnapshot)
    target = moved(there, snapshot=before)
    new_first(there, target)
    assert revoke(back.id, JANE, there.deps()) is not None
    there.drain(60)
    del there.azure.snapshots[GROUP_THERE.key]
    new_first(there, there.azure.put(public_server()))
    assert there.store.recall(public_server().target, there.clock.now()).exemptions == ()
    assert faults(there) == set()


@pytest.mark.parametrize("seen", [new_first, old_first, swept])
def test_tags_that_lower_an_effect_are_told_though_the_server_is_moved_with_them(
    seen: Callable[[World, Target], None],
) -> None:
    there = World(scopes=SCOPES, policies_file=BY_TAG)
    new_first(there, there.azure.put(replace(public_server(), tags={"env": "prod"})))
    target = moved(there, snapshot=replace(public_server(), tags={"env": "dev"}))
    seen(there, target)
    (alert,) = there.open_alerts(LOWERED.id)
    assert alert.target == target
    assert alert.evidence["tags"] == [{"name": "env", "was": "prod", "is": "dev"}]


def test_the_alert_about_tags_is_over_when_its_server_is_deleted() -> None:
    there = World(policies_file=BY_TAG)
    new_first(there, there.azure.put(replace(public_server(), tags={"env": "prod"})))
    new_first(there, there.azure.put(replace(public_server(), tags={"env": "dev"})))
    (alert,) = there.open_alerts(LOWERED.id)
    del there.azure.snapshots[SERVER.key]
    new_first(there, public_server().target)
    over = there.store.alert(alert.id)
    assert over is not None
    assert (over.status, over.resolution) == (AlertStatus.RESOLVED, "the resource was deleted")


def test_tags_that_lower_an_effect_are_told_though_the_new_id_was_seen_before_the_old_one_was_gone() -> None:
    there = World(scopes=SCOPES, policies_file=BY_TAG)
    new_first(there, there.azure.put(replace(public_server(), tags={"env": "prod"})))
    target = there.azure.put(replace(public_server(), id=GROUP_THERE, tags={"env": "dev"}))
    new_first(there, target)
    del there.azure.snapshots[SERVER.key]
    new_first(there, target)
    assert [alert.target for alert in there.open_alerts(LOWERED.id)] == [target]


def test_a_server_that_is_made_anew_under_its_name_is_the_one_that_it_was() -> None:
    there = world()
    del there.azure.snapshots[SERVER.key]
    new_first(there, DRIFTED.target)
    assert list(there.store.known_targets(SUBSCRIPTION)) == []
    there.clock.advance(3600)
    there.azure.put(DRIFTED)
    new_first(there, DRIFTED.target)
    assert [change.decision.reason for change in there.store.changes()] == [Reason.DRIFT]


def test_what_is_found_on_a_server_that_was_made_anew_is_alerted_where_it_was() -> None:
    there = world(policies_file=ONLY_ALERTS)
    new_first(there, there.azure.put(DRIFTED))
    (before,) = there.open_alerts(FIREWALL)
    del there.azure.snapshots[SERVER.key]
    new_first(there, DRIFTED.target)
    assert there.open_alerts(FIREWALL) == []
    new_first(there, there.azure.put(DRIFTED))
    (after,) = there.open_alerts(FIREWALL)
    assert (after.id, after.count) == (before.id, 2)


def test_a_server_whose_old_group_is_closed_to_us_has_moved_all_the_same() -> None:
    there = world()
    target = moved(there)
    there.azure.meanwhile = [lambda: there.azure.read_errors.append(Denied("no role", status=403))]
    new_first(there, target)
    assert [change.decision.reason for change in there.store.changes()] == [Reason.DRIFT]


def test_a_look_that_died_after_it_took_the_memory_over_takes_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = world()
    old_one = there.azure.put(DRIFTED)
    new_first(there, old_one)
    old = there.store.recall(old_one, there.clock.now())
    assert len(old.attempts) == 1
    target = moved(there, snapshot=public_server())
    with monkeypatch.context() as patch:
        patch.delattr(Names, "put")
        with pytest.raises(AttributeError):
            new_first(there, target)
    new_first(there, target)
    new = there.store.recall(target, there.clock.now())
    assert new.attempts == old.attempts
    assert new.memories[FIREWALL].exposure == old.memories[FIREWALL].exposure
    assert [one.target for one in there.store.known_targets(SUBSCRIPTION)] == [target]


def test_after_a_week_a_server_that_was_gone_is_a_new_one() -> None:
    there = world()
    del there.azure.snapshots[SERVER.key]
    new_first(there, DRIFTED.target)
    there.clock.advance(8 * 86_400)
    sweep(there.deps())
    new_first(there, moved(there))
    (alert,) = there.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.INHERITED


def test_a_server_of_another_name_takes_nothing_over() -> None:
    there = world()
    target = moved(there, ResourceId(f"{GROUP_THERE}-2"), replace(DRIFTED, host_name="orders-2.example"))
    new_first(there, target)
    (alert,) = there.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.INHERITED


def test_while_both_ids_answer_the_memory_stays_and_comes_along_once_the_move_is_through() -> None:
    there = world()
    target = there.azure.put(replace(DRIFTED, id=GROUP_THERE))
    new_first(there, target)
    assert there.azure.writes == []
    del there.azure.snapshots[SERVER.key]
    new_first(there, target)
    assert [change.decision.reason for change in there.store.changes()] == [Reason.DRIFT]


def test_of_a_server_that_was_known_before_names_were_noted_its_baseline_says_the_name() -> None:
    there = world()
    known = there.store.recall(DRIFTED.target, there.clock.now())
    there.store.save(replace(known, host_name=""))
    there.tables.delete(TARGETS, NAMES, name_place("orders.postgres.database.azure.com").row)
    old_first(there, moved(there))
    assert [change.decision.reason for change in there.store.changes()] == [Reason.DRIFT]


def test_an_ordinary_look_asks_nobody_whose_the_name_is(monkeypatch: pytest.MonkeyPatch) -> None:
    there = world()
    monkeypatch.delattr(Names, "find")
    new_first(there, public_server().target)
    assert there.open_alerts(FIREWALL) == []


@pytest.mark.field(
    "steady",
    "A subnet that arrives in a group with a private endpoint of its own is looked at at once",
    source="docs/adr/0021-what-may-have-changed.md",
    date="2026-11-29",
)
def test_a_subnet_that_was_moved_with_what_hangs_on_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    there = World()
    arrived, its_endpoint = (ResourceId(str(one).replace("/data/", "/other/")) for one in (SUBNET, ENDPOINT))
    subnet = Target(kind=TargetKind.SUBNET, id=arrived)
    endpoint = Locator(kind=LocatorKind.PRIVATE_ENDPOINT, id=its_endpoint)
    pages = [
        Enumerated(targets=(), relations=(Relation(source=endpoint, target=subnet),)),
        Enumerated(targets=(subnet,)),
    ]

    def at(scope: ResourceId) -> Iterator[Enumerated]:
        return iter(() if scope.resource_group else pages)

    monkeypatch.setattr("tests.fakes.FakeGateway.enumerate", lambda _, scope: at(scope))
    left = Locator(kind=LocatorKind.SCOPE, id=ResourceId(GROUP))
    dispatch(Message(kind=MessageKind.LOOK, locator=left, cause=move_of(there)), there.deps())
    assert subnet in {there.store.read_message(body).target for body in there.queue.bodies()}
