"""Rollback: what it restores, what it refuses, and that nobody reverts it again while it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.rollback import RollbackRefused, RollbackRequest, roll_back
from shared.controller.runs import EnforcementDisabled
from shared.model import Actor, EnforcementMode, Outcome, PublicAccess
from shared.model.alert_records import NotificationType
from shared.model.change_records import ChangeRecord, Phase
from tests.builders import ALL_AZURE, OFFICE, SERVER, public_server, security_rule, server, subnet
from tests.controller.test_reconcile import FIREWALL, PUBLIC, drift, seen_compliant, there
from tests.fakes import START, World

JANE = Actor(name="Jane Doe", object_id="jane-object")


def request_for(change: ChangeRecord, hours: float = 4) -> RollbackRequest:
    return RollbackRequest(
        change_id=change.id,
        actor=JANE,
        reason="the partner needs it until noon",
        expires_at=START + timedelta(hours=hours),
    )


def reverted_rule(world: World) -> ChangeRecord:
    seen_compliant(world, public_server())
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    return world.store.changes(policy=FIREWALL)[0]


def test_a_rolled_back_rule_is_there_again_and_not_reverted_until_the_exemption_ends() -> None:
    world = World()
    original = reverted_rule(world)
    roll_back(request_for(original), world.deps())
    world.drain(30)
    assert there(world) == public_server(firewall_rules=(OFFICE, ALL_AZURE))
    newest = world.store.changes()[0]
    assert (newest.outcome, newest.rollback_of) == (Outcome.ROLLED_BACK, original.id)
    world.event(public_server().target)
    world.drain(30)
    assert there(world) == public_server(firewall_rules=(OFFICE, ALL_AZURE))
    world.clock.advance(5 * 3600)
    world.event(public_server().target)
    world.drain(30)
    assert there(world) == public_server()


def test_a_rollback_notifies_and_marks_the_change_it_undid() -> None:
    world = World()
    original = reverted_rule(world)
    rollback = roll_back(request_for(original), world.deps())
    world.drain(30)
    assert rollback is not None
    undone = world.store.change(original.id)
    assert undone is not None
    assert undone.rolled_back_by == rollback.id
    assert NotificationType.CHANGE_ROLLED_BACK in {n.type for n in world.delivered}


def test_a_change_that_has_ended_and_is_still_being_told_holds_up_no_rollback() -> None:
    world = World()
    original = reverted_rule(world)
    record = world.store.recall(original.change.target, world.clock.now())
    told = replace(original, etag=None, listed=(), phase=Phase.ENDED)
    world.store.save(replace(record, change=told, active_change=told.id))
    roll_back(request_for(original), world.deps())
    world.drain(60)
    assert world.store.changes()[0].outcome is Outcome.ROLLED_BACK
    assert there(world) == public_server(firewall_rules=(OFFICE, ALL_AZURE))


def test_public_access_comes_back_before_its_rules() -> None:
    world = World()
    seen_compliant(world, server())
    drift(world, server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,)))
    (closed,), (deleted,) = world.store.changes(policy=PUBLIC), world.store.changes(policy=FIREWALL)
    with pytest.raises(RollbackRefused) as too_early:
        roll_back(request_for(deleted), world.deps())
    assert too_early.value.reason == "changed-since"
    for change in (closed, deleted):
        roll_back(request_for(change), world.deps())
        world.drain(30)
    assert [edit.kind for edit in world.azure.writes[2:]] == ["setPublicAccess", "putFirewallRule"]
    assert there(world) == server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,))


def test_an_added_security_rule_is_taken_away_again() -> None:
    world = World()
    blocked = subnet(security_rule("deny-all", 200))
    seen_compliant(world, subnet())
    drift(world, blocked)
    roll_back(request_for(world.store.changes()[0]), world.deps())
    world.drain(30)
    assert world.azure.snapshots[blocked.id.key] == blocked


def test_a_long_rollback_is_followed_and_verified_like_any_change() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.polls_until_done = 2
    rollback = roll_back(request_for(original), world.deps())
    assert rollback is not None
    assert rollback.outcome is Outcome.IN_PROGRESS
    world.drain(60)
    assert world.store.changes()[0].outcome is Outcome.ROLLED_BACK


def test_it_refuses_when_somebody_changed_the_resource_since() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.put(public_server(firewall_rules=()))
    with pytest.raises(RollbackRefused) as refusal:
        roll_back(request_for(original), world.deps())
    assert refusal.value.reason == "changed-since"
    assert len(world.azure.writes) == 1


def test_it_obeys_break_glass_and_audit_mode() -> None:
    world = World()
    original = reverted_rule(world)
    world.store.set_break_glass(True, by="jane", reason="incident", now=START)
    with pytest.raises(RollbackRefused) as refusal:
        roll_back(request_for(original), world.deps())
    assert refusal.value.reason == "break-glass"
    world.mode = EnforcementMode.AUDIT
    with pytest.raises(EnforcementDisabled):
        roll_back(request_for(original), world.deps())
    assert len(world.azure.writes) == 1


def test_a_change_is_rolled_back_once() -> None:
    world = World()
    original = reverted_rule(world)
    roll_back(request_for(original), world.deps())
    world.drain(30)
    with pytest.raises(RollbackRefused) as refusal:
        roll_back(request_for(original), world.deps())
    assert refusal.value.reason == "already-rolled-back"


def test_a_change_that_did_nothing_has_nothing_to_undo() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.ignores_writes = True
    drift(world, server(public_access=PublicAccess.ENABLED))
    with pytest.raises(RollbackRefused) as refusal:
        roll_back(request_for(world.store.changes(policy=PUBLIC)[0]), world.deps())
    assert refusal.value.reason == "not-applied"


def test_an_unknown_change_is_none() -> None:
    world = World()
    unknown = replace(request_for(reverted_rule(world)), change_id="nope")
    assert roll_back(unknown, world.deps()) is None


def test_a_rollback_that_azure_ignores_is_ineffective() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.ignores_writes = True
    roll_back(request_for(original), world.deps())
    world.drain(30)
    assert world.store.changes()[0].outcome is Outcome.INEFFECTIVE
    assert SERVER in {change.change.target.id for change in world.store.changes()}
