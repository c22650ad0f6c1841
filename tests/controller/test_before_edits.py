"""Before every edit that was not proved in the same look, scopes, mode, switch and proof are asked again.

An entry of the journal is not believed: whoever may write to the storage account can write one, with whatever
reading, box and inverse suits. What is there now decides, and what is not proved on it is not written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from shared.controller.dispatch import dispatch
from shared.controller.rollback import RollbackRefused, roll_back
from shared.model import (
    Access,
    Action,
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    Operation,
    Outcome,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    Reason,
    SecurityGroup,
    ServerSnapshot,
    ServerState,
    SetPublicAccess,
    Snapshot,
    Target,
    TrafficBox,
)
from shared.model.alert_records import AlertStatus
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.errors import Transient
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId
from tests.builders import (
    ALL_AZURE,
    GROUP,
    NSG,
    OFFICE,
    SERVER,
    SUBNET,
    public_server,
    security_rule,
    server,
    subnet,
)
from tests.controller.test_changes_in_trouble import BLOCKED_BOTH_WAYS, half_done, only_change
from tests.controller.test_reconcile import FIREWALL, NSG_POLICY, PUBLIC, drift, seen_compliant
from tests.controller.test_rollback import request_for, reverted_rule
from tests.fakes import SUBSCRIPTION, World

EXPOSES = "nsg-exposes-postgres-to-internet"
TOLD = "change-not-continued"
ELSEWHERE = ResourceId(str(NSG).replace("/resourceGroups/data/", "/resourceGroups/net/"))
OTHER_SERVER = ResourceId(str(SERVER).replace(SUBSCRIPTION, "99999999-0000-0000-0000-000000000000"))
EVERYTHING = tuple(
    TrafficBox(
        direction=direction,
        protocol="*",
        sources=(ip_network("0.0.0.0/0"),),
        destinations=(ip_network("0.0.0.0/0"),),
        ports=((0, 65535),),
    )
    for direction in Direction
)
GOOD = security_rule("let-the-apps-in", 150, access=Access.ALLOW)
OPEN = security_rule("let-everybody-in", 120, access=Access.ALLOW)
HARMLESS = DeleteFirewallRule(server=OTHER_SERVER, rule=OFFICE)


# --- what was proved goes on -----------------------------------------------------------------------


def test_a_change_of_two_edits_is_made_as_a_whole_on_a_fresh_reading_before_the_second() -> None:
    world = World()
    half_done(world)
    reads = world.azure.reads
    world.drain(2)
    assert [edit.kind for edit in world.azure.writes] == ["putSecurityRule", "putSecurityRule"]
    assert world.azure.reads == reads + 1
    world.drain(60)
    assert only_change(world, NSG_POLICY).outcome is Outcome.REVERTED
    assert world.open_alerts(TOLD) == []


def test_two_rules_deleted_at_once_are_deleted_one_after_the_other() -> None:
    world = World()
    seen_compliant(world, public_server())
    twice = (ALL_AZURE, replace(ALL_AZURE, name="again"))
    drift(world, public_server(firewall_rules=(OFFICE, *twice)))
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule"] * 2
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED


def test_a_server_that_is_updating_after_the_first_edit_is_waited_for() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.polls_until_done = 1
    twice = (ALL_AZURE, replace(ALL_AZURE, name="again"))
    world.event(world.azure.put(public_server(firewall_rules=(OFFICE, *twice))))
    world.drain()
    updating(world, ServerState.BUSY)
    world.drain(20)
    assert len(world.azure.writes) == 1
    updating(world, ServerState.READY)
    world.drain(60)
    assert len(world.azure.writes) == 2
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED


def updating(world: World, state: ServerState) -> None:
    there = world.azure.snapshots[SERVER.key]
    assert isinstance(there, ServerSnapshot)
    world.azure.put(replace(there, state=state, state_text=state.value))


def test_a_reading_that_fails_between_two_edits_is_asked_for_again() -> None:
    world = World()
    half_done(world)
    world.azure.read_errors = [Transient("a broken connection")]
    world.drain(60)
    assert only_change(world, NSG_POLICY).outcome is Outcome.REVERTED


# --- what is not right any more is given up --------------------------------------------------------


def test_a_second_edit_that_would_open_more_than_is_needed_now_is_not_made() -> None:
    """Somebody has let the packets out himself meanwhile."""
    world = World()
    half_done(world)
    world.azure.put(subnet())
    world.drain(60)
    assert len(world.azure.writes) == 1
    change = only_change(world, NSG_POLICY)
    assert change.outcome is Outcome.CONFLICTED
    assert change.detail.startswith("already-compliant: there is nothing to revert now")
    assert world.store.alerts(policy=TOLD) == [], "somebody was faster: that is nothing to look into"


def test_what_the_owner_deletes_by_hand_while_our_first_deletion_runs_leaves_no_alert() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.polls_until_done = 1
    twice = (ALL_AZURE, replace(ALL_AZURE, name="again"))
    world.event(world.azure.put(public_server(firewall_rules=(OFFICE, *twice))))
    world.drain()
    world.event(world.azure.put(public_server()))
    world.drain(300)
    assert len(world.azure.writes) == 1
    assert only_change(world, FIREWALL).detail.startswith("already-compliant: ")
    assert world.store.alerts(policy=TOLD) == []
    assert world.open_alerts(FIREWALL) == []


def test_what_was_given_up_is_judged_anew_and_the_alert_ends_with_what_is_proved_then() -> None:
    world = World()
    half_done(world)
    deeper = security_rule("deny-out-deeper", 150, direction=Direction.OUTBOUND)
    assert BLOCKED_BOTH_WAYS.security_group is not None
    world.azure.put(subnet(*BLOCKED_BOTH_WAYS.security_group.rules, deeper))
    world.drain(300)
    newest, first = world.store.changes(policy=NSG_POLICY)
    assert (first.outcome, newest.outcome) == (Outcome.CONFLICTED, Outcome.REVERTED)
    assert first.detail.startswith("no-longer-proved: ")
    assert [alert.status for alert in world.store.alerts(policy=TOLD)] == [AlertStatus.RESOLVED]


def test_a_policy_that_only_alerts_meanwhile_writes_no_second_edit() -> None:
    world = World()
    half_done(world)
    world.policies_file = "version: 1\ndefaults: {effect: alert}\n"
    world.drain(60)
    assert len(world.azure.writes) == 1
    assert "reverts nothing here now" in only_change(world, NSG_POLICY).detail
    (alert,) = world.open_alerts(TOLD)
    assert (alert.decision.action, alert.decision.reason) == (Action.ALERT, Reason.NO_LONGER_PROVED)


def not_continued() -> World:
    """The policy only alerts since the first edit, and people know of it."""
    world = World()
    half_done(world)
    world.policies_file = "version: 1\ndefaults: {effect: alert}\n"
    world.drain(60)
    assert len(world.open_alerts(TOLD)) == 1
    return world


def test_what_was_not_continued_is_over_when_a_later_look_finds_the_policy_compliant() -> None:
    world = not_continued()
    world.event(world.azure.put(subnet()))
    world.drain(60)
    (alert,) = world.store.alerts(policy=TOLD)
    assert (alert.status, alert.resolution) == (AlertStatus.RESOLVED, "there is nothing to revert any more")


def test_what_was_not_continued_is_over_when_the_target_is_deleted() -> None:
    world = not_continued()
    del world.azure.snapshots[subnet().id.key]
    world.event(subnet().target)
    world.drain(60)
    (alert,) = world.store.alerts(policy=TOLD)
    assert (alert.status, alert.resolution) == (AlertStatus.RESOLVED, "the resource was deleted")


def test_scopes_that_are_drawn_closer_meanwhile_stop_the_second_edit() -> None:
    world = World()
    half_done(world)
    world.scopes = (ResourceId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"),)
    world.drain(60)
    assert len(world.azure.writes) == 1
    assert only_change(world, NSG_POLICY).detail.startswith("outside-scopes: not in SCOPES: ")


# --- forged entries --------------------------------------------------------------------------------


def forge(
    world: World,
    target: Target,
    edits: Sequence[Edit],
    *,
    policy: str = NSG_POLICY,
    before: Snapshot | str = "0" * 64,
    next_edit: int = 0,
    holds_the_target: bool = True,
    **parts: Any,
) -> ChangeRecord:
    """An entry that nobody proved, as if its first edit's operation were running; and a message about it."""
    made = reverted_rule(World())  # any entry that is well formed
    entry = replace(
        made,
        id="forged",
        etag=None,
        after=None,
        finished_at=None,
        outcome=Outcome.IN_PROGRESS,
        created_at=world.clock.now(),
        change=Change(
            policy=policy,
            target=target,
            edits=tuple(edits),
            inverse=tuple(map(undone, reversed(edits))),
            box=EVERYTHING,
        ),
        before=before if isinstance(before, str) else world.store.keep(before),
        next_edit=next_edit,
        operation=Operation(url="forged", style="asyncOperation"),
        **parts,
    )
    world.azure.running["forged"] = (1, HARMLESS)
    world.store.put_change(entry)
    if holds_the_target:
        record = world.store.recall(target, world.clock.now())
        lease = world.clock.now() + timedelta(minutes=10)
        world.store.save(replace(record, active_change="forged", lease_until=lease))
    check = Message(kind=MessageKind.CHECK, target=target, cause=made.cause, change_id="forged")
    world.store.send(check)
    return entry


def undone(edit: Edit) -> Edit:
    match edit:
        case PutSecurityRule():
            return DeleteSecurityRule(nsg=edit.nsg, rule=edit.rule)
        case DeleteSecurityRule():
            return PutSecurityRule(nsg=edit.nsg, rule=edit.rule)
        case PutFirewallRule():
            return DeleteFirewallRule(server=edit.server, rule=edit.rule)
        case DeleteFirewallRule():
            return PutFirewallRule(server=edit.server, rule=edit.rule)
        case _:
            return edit


CLOSED = subnet(security_rule("deny-all", 200))
NEXT = [-3, -2, -1, 0]
"""Where a forged entry may say that it stands; a poll that has ended makes the next edit due."""


@pytest.mark.parametrize("next_edit", NEXT)
@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("there", [subnet(GOOD), subnet(GOOD, security_rule("deny-all", 200))])
@pytest.mark.parametrize("policy", [NSG_POLICY, EXPOSES, PUBLIC, "no-such-policy"])
def test_a_forged_entry_deletes_no_good_rule(
    policy: str, there: Snapshot, holds: bool, next_edit: int
) -> None:
    world = World()
    seen_compliant(world, subnet(GOOD))
    world.azure.put(there)
    delete = DeleteSecurityRule(nsg=NSG, rule=GOOD)
    forge(world, there.target, [delete] * 2, policy=policy, next_edit=next_edit, holds_the_target=holds)
    follow(world)
    assert delete not in world.azure.writes
    made = max(next_edit + holds, 0)  # of one that its target does not hold no operation is asked
    assert only_told(world) == [f"a change of {policy} was given up after {made} of its edits"]


def test_that_somebody_forged_an_entry_is_not_over_by_itself() -> None:
    world = World()
    seen_compliant(world, subnet(GOOD))
    forge(world, subnet().target, [DeleteSecurityRule(nsg=NSG, rule=GOOD)] * 2)
    world.drain(300)
    world.event(world.azure.put(BLOCKED_BOTH_WAYS))
    world.policies_file = "version: 1\ndefaults: {effect: alert}\n"
    world.drain(60)
    world.event(world.azure.put(subnet()))
    world.drain(60)
    assert len(only_told(world)) == 1


def follow(world: World) -> None:
    """The message about the entry, and no look besides."""
    received = world.queue.receive()
    while received is not None:
        message = world.store.read_message(received.body)
        if message.kind is MessageKind.CHECK:
            dispatch(message, world.deps())
        world.queue.delete(received)
        received = world.queue.receive()


def only_told(world: World) -> list[str]:
    return [alert.reason for alert in world.open_alerts(TOLD)]


@pytest.mark.parametrize("before", [CLOSED, BLOCKED_BOTH_WAYS, "0" * 64])
@pytest.mark.parametrize("there", [subnet(), CLOSED, BLOCKED_BOTH_WAYS])
def test_a_forged_reading_and_a_forged_box_open_nothing(there: Snapshot, before: Snapshot | str) -> None:
    world = World()
    seen_compliant(world, subnet())
    world.azure.put(there)
    forge(world, there.target, [PutSecurityRule(nsg=NSG, rule=OPEN)] * 2, before=before)
    follow(world)
    assert world.azure.writes == []
    assert len(only_told(world)) == 1


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_a_forged_entry_writes_nothing_outside_of_the_scopes(kind: ChangeKind) -> None:
    world = World()
    group = SecurityGroup(id=ELSEWHERE, rules=(security_rule("deny-all", 200),), default_rules=())
    world.scopes = (ResourceId(GROUP),)
    there = subnet(security_group=group)
    seen_compliant(world, subnet())
    world.azure.put(there)
    edit = PutSecurityRule(nsg=ELSEWHERE, rule=GOOD)
    forge(world, there.target, [edit, edit], kind=kind)
    follow(world)
    assert world.azure.writes == []
    assert len(only_told(world)) == 1


@pytest.mark.parametrize("name", ["..", "../../../servers/legacy", "%2e%2e"])
def test_a_forged_name_leads_to_no_other_resource(name: str) -> None:
    world = World()
    there = world.azure.put(server())
    forge(
        world,
        there,
        [DeleteFirewallRule(server=SERVER, rule=replace(OFFICE, name=name))] * 2,
        policy=FIREWALL,
    )
    follow(world)
    assert world.azure.writes == []


@pytest.mark.parametrize("rollback_of", [None, "nothing", "forged", "real"])
def test_a_forged_rollback_opens_nothing(rollback_of: str | None) -> None:
    world = World()
    real = reverted_rule(world)
    world.azure.writes.clear()
    named = real.id if rollback_of == "real" else rollback_of
    edits = [PutFirewallRule(server=SERVER, rule=ALL_AZURE)] * 2
    forge(world, SERVER_TARGET, edits, policy=FIREWALL, kind=ChangeKind.ROLLBACK, rollback_of=named)
    follow(world)
    assert world.azure.writes == []
    assert len(only_told(world)) == 1


SERVER_TARGET = server().target


def test_a_forged_entry_cannot_close_public_access_that_is_wanted() -> None:
    world = World(policies_file=f"version: 1\npolicies: {{{PUBLIC}: {{effect: alert}}}}\n")
    opened = world.azure.put(server(public_access=PublicAccess.ENABLED))
    close = SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED)
    forge(world, opened, [close, close], policy=PUBLIC)
    follow(world)
    assert world.azure.writes == []


def test_a_change_that_lost_the_target_to_another_one_writes_no_more() -> None:
    world = World()
    half_done(world)
    record = world.store.recall(BLOCKED_BOTH_WAYS.target, world.clock.now())
    assert record.change is not None
    world.store.save(replace(record, change=replace(record.change, id="another")))
    follow_after(world, 5)
    assert len(world.azure.writes) == 1
    assert "held by another" in only_change(world, NSG_POLICY).detail


def follow_after(world: World, seconds: float) -> None:
    world.clock.advance(seconds)
    follow(world)


# --- scopes on every path --------------------------------------------------------------------------


def test_an_nsg_outside_of_the_scopes_is_looked_at_and_never_written_whoever_asks() -> None:
    world = World(scopes=(ResourceId(GROUP),))
    group = SecurityGroup(id=ELSEWHERE, rules=(), default_rules=(), subnets=(SUBNET,))
    seen_compliant(world, subnet(security_group=group))
    denying = replace(group, rules=(security_rule("deny-all", 200),))
    drift(world, subnet(security_group=denying))
    world.look(subnet().target, adopt=True)
    world.drain(60)
    assert world.azure.writes == []
    (alert,) = world.open_alerts(NSG_POLICY)
    assert alert.decision.reason is Reason.OUTSIDE_SCOPES
    assert str(ELSEWHERE) in alert.decision.detail
    assert "SCOPES" in alert.decision.detail
    assert alert.commands


def test_an_operators_run_outside_of_the_scopes_alerts_and_writes_nothing() -> None:
    world = World(scopes=(ResourceId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"),))
    seen_compliant(world, public_server())
    world.look(world.azure.put(public_server(firewall_rules=(ALL_AZURE,))), adopt=True)
    world.drain(60)
    assert world.azure.writes == []
    assert [alert.decision.reason for alert in world.open_alerts(FIREWALL)] == [Reason.OUTSIDE_SCOPES]


def test_a_rollback_outside_of_the_scopes_is_refused_by_name() -> None:
    world = World()
    original = reverted_rule(world)
    world.scopes = (ResourceId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"),)
    with pytest.raises(RollbackRefused) as refusal:
        roll_back(request_for(original), world.deps())
    assert refusal.value.reason == "outside-scopes"
    assert len(world.azure.writes) == 1


def test_without_scopes_enforcing_settings_cover_nothing() -> None:
    world = World(scopes=())
    seen_compliant(world, public_server())
    world.look(world.azure.put(public_server(firewall_rules=(ALL_AZURE,))))
    world.drain(60)
    assert world.azure.writes == []
