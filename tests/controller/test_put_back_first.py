"""The last way in is no shield for a hole: good rules of an earlier reading are put back, then it is shut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.controller.rollback import RollbackRequest, roll_back
from shared.model import (
    Action,
    DeleteFirewallRule,
    Edit,
    EnforcementMode,
    FirewallRule,
    Outcome,
    PublicAccess,
    PutFirewallRule,
    Reason,
    ServerSnapshot,
)
from shared.model.alert_records import NotificationType
from shared.model.change_records import ChangeRecord
from tests.builders import ALL_AZURE, OFFICE, ON_SERVERS, SERVER, rule, server
from tests.controller.test_changes_in_trouble import WorkerDied
from tests.fakes import SOMEBODY, World
from tests.memory import MemoryBlobs

AZURE_RULE = "postgres-firewall-allows-all-azure"
WHOLE_RULE = "postgres-firewall-allows-whole-internet"
_OFF = ", ".join(
    f"{policy}: {{effect: 'off'}}" for policy in sorted(ON_SERVERS) if "-firewall-" not in policy
)
MEANT_PUBLIC = f"version: 1\npolicies: {{{_OFF}}}\n"
"""What is not about the firewall has no say here, and takes its time."""
WHOLE = rule("everybody", "0.0.0.0", "255.255.255.255")
VPN = rule("vpn", "203.0.113.7")
PARTNER = rule("partner", "192.0.2.0", "192.0.2.15")
INSIDE = rule("office", "10.0.0.9")
HOLES = pytest.mark.parametrize(("hole", "policy"), [(WHOLE, WHOLE_RULE), (ALL_AZURE, AZURE_RULE)])


def public(*rules: FirewallRule, **parts: Any) -> ServerSnapshot:
    """A server that is meant to be public, without any private way in."""
    there = {"public_access": PublicAccess.ENABLED, "private_endpoints": (), **parts}
    return server(firewall_rules=rules, **there)


def after(*steps: ServerSnapshot, pause: float = 60, **world: Any) -> World:
    """The first is seen compliant; each later one is written, with its event, and time passes."""
    there = World(**{"policies_file": MEANT_PUBLIC, **world})
    there.look(there.azure.put(steps[0]))
    there.drain()
    for step in steps[1:]:
        there.clock.advance(pause)
        there.event(there.azure.put(step))
        there.drain(60)
    return there


def rules(world: World) -> set[FirewallRule]:
    there = world.azure.snapshots[SERVER.key]
    assert isinstance(there, ServerSnapshot)
    return set(there.firewall_rules or ())


def the_change(world: World, policy: str) -> ChangeRecord:
    (change,) = world.store.changes(policy=policy)
    return change


def held(world: World, policy: str) -> bool:
    (alert,) = world.open_alerts(policy)
    return world.azure.writes == [] and alert.decision.reason is Reason.LAST_WAY_IN


# --- the attack ------------------------------------------------------------------------------------


@pytest.mark.field(
    "brakes",
    "Who deletes the one good firewall rule and opens a hole does not keep it: "
    "the rule is put back, and then the hole is deleted",
    source="https://learn.microsoft.com/en-us/azure/postgresql/security/security-firewall-rules",
    date="2026-11-29",
)
@HOLES
def test_the_good_rule_is_put_back_before_the_hole_is_shut(hole: FirewallRule, policy: str) -> None:
    world = after(public(OFFICE), public(hole))
    assert world.azure.writes == [
        PutFirewallRule(server=SERVER, rule=OFFICE),
        DeleteFirewallRule(server=SERVER, rule=hole),
    ]
    change = the_change(world, policy)
    assert (change.outcome, change.decision.reason) == (Outcome.REVERTED, Reason.DRIFT)
    assert change.restored_from == world.clock.now() - timedelta(seconds=120)
    assert change.decision.detail == (
        "restores firewall rule 'office' as it was on 2026-11-02 08:00:00 UTC; "
        f"deletes firewall rule {hole.name!r}"
    )
    assert rules(world) == {OFFICE}
    assert world.open_alerts(policy) == []
    told = [one for one in world.delivered if one.type is NotificationType.CHANGE_APPLIED]
    assert len(told) == 1


@HOLES
@pytest.mark.parametrize(
    ("before", "left"),
    [((OFFICE, VPN, PARTNER), ()), ((OFFICE,), (INSIDE,)), ((OFFICE,), (rule("bureau", "10.0.0.9"),))],
    ids=["several were deleted", "one was narrowed to nobody", "one was renamed and narrowed to nobody"],
)
def test_however_the_good_rules_were_taken_away_they_come_back(
    before: tuple[FirewallRule, ...], left: tuple[FirewallRule, ...], hole: FirewallRule, policy: str
) -> None:
    world = after(public(*before), public(*left, hole))
    assert set(before) <= rules(world)
    assert hole not in rules(world)
    assert world.azure.writes[-1] == DeleteFirewallRule(server=SERVER, rule=hole)
    assert the_change(world, policy).outcome is Outcome.REVERTED


@HOLES
def test_a_good_rule_that_became_the_hole_gets_its_range_back(hole: FirewallRule, policy: str) -> None:
    turned = FirewallRule(name="office", start=hole.start, end=hole.end)
    world = after(public(OFFICE), public(turned))
    assert world.azure.writes == [PutFirewallRule(server=SERVER, rule=OFFICE)]
    assert the_change(world, policy).outcome is Outcome.REVERTED


@HOLES
def test_a_good_rule_that_is_only_called_otherwise_needs_no_putting_back(
    hole: FirewallRule, policy: str
) -> None:
    renamed = FirewallRule(name="bureau", start=OFFICE.start, end=OFFICE.end)
    world = after(public(OFFICE), public(renamed, hole))
    assert world.azure.writes == [DeleteFirewallRule(server=SERVER, rule=hole)]


@pytest.mark.field(
    "brakes",
    "A good rule that was deleted some time before the hole was opened comes back for a day",
    source="docs/policies/public_reach.md",
    date="2026-11-29",
)
@HOLES
def test_a_pause_between_deleting_and_opening_changes_nothing(hole: FirewallRule, policy: str) -> None:
    """An operation takes a minute, so each step is looked at by itself, and compliant."""
    world = after(public(OFFICE), public(INSIDE), public(), public(hole), pause=3600)
    assert rules(world) == {OFFICE}
    assert the_change(world, policy).restored_from == world.clock.now() - timedelta(hours=3, minutes=3)


def test_who_opens_it_again_finds_the_rule_there_and_one_deletion_follows() -> None:
    world = after(public(OFFICE), public(WHOLE), public(OFFICE, WHOLE))
    assert [edit.kind for edit in world.azure.writes] == [
        "putFirewallRule",
        "deleteFirewallRule",
        "deleteFirewallRule",
    ]


def test_audit_says_what_enforce_would_do_and_prints_it_in_that_order() -> None:
    world = after(public(OFFICE), public(WHOLE), mode=EnforcementMode.AUDIT)
    (alert,) = world.open_alerts(WHOLE_RULE)
    assert (alert.decision.action, alert.decision.dry_run) == (Action.REVERT, True)
    first, second = [command for command in alert.commands if "firewall-rule" in command]
    assert "create" in first
    assert "delete" in second
    assert world.azure.writes == []


# --- what undoes it --------------------------------------------------------------------------------


@HOLES
@pytest.mark.parametrize("left", [(), (INSIDE,)])
def test_a_rollback_restores_exactly_what_was_there(
    left: tuple[FirewallRule, ...], hole: FirewallRule, policy: str
) -> None:
    world = after(public(OFFICE), public(*left, hole))
    request = RollbackRequest(
        change_id=the_change(world, policy).id,
        actor=SOMEBODY,
        reason="it was meant",
        expires_at=world.clock.now() + timedelta(hours=4),
    )
    roll_back(request, world.deps())
    world.drain(60)
    assert rules(world) == {*left, hole}
    assert world.store.changes()[0].outcome is Outcome.ROLLED_BACK


# --- where it is no answer -------------------------------------------------------------------------


@HOLES
def test_where_nobody_came_in_before_it_alerts_as_ever(hole: FirewallRule, policy: str) -> None:
    assert held(after(public(INSIDE), public(INSIDE, hole)), policy)


@HOLES
def test_what_closed_the_server_on_purpose_is_not_undone(hole: FirewallRule, policy: str) -> None:
    closed = public(public_access=PublicAccess.DISABLED)
    assert held(after(public(OFFICE), closed, public(hole)), policy)


@HOLES
def test_a_rule_that_was_given_up_more_than_a_day_ago_stays_away(hole: FirewallRule, policy: str) -> None:
    assert held(after(public(OFFICE), public(), public(hole), pause=86_401), policy)


@HOLES
def test_a_compliant_reading_of_more_than_a_week_ago_puts_nothing_back(
    hole: FirewallRule, policy: str
) -> None:
    assert held(after(public(OFFICE), public(hole), pause=7 * 86_400 + 1), policy)


@HOLES
def test_a_reading_that_is_lost_puts_nothing_back(hole: FirewallRule, policy: str) -> None:
    world = after(public(OFFICE))
    world.blobs = MemoryBlobs()
    world.store = type(world.store)(world.tables, world.blobs, world.queue)
    world.event(world.azure.put(public(hole)))
    world.drain(60)
    assert held(world, policy)


def test_what_another_policy_would_keep_out_is_not_put_back() -> None:
    wide = rule("provider", "198.18.0.0", "198.19.255.255")
    assert held(after(public(wide), public(WHOLE)), WHOLE_RULE)
    world = after(public(wide, OFFICE), public(WHOLE))
    assert rules(world) == {OFFICE}


def test_all_of_azure_is_put_back_only_where_nobody_forbids_it() -> None:
    assert held(after(public(ALL_AZURE), public(WHOLE)), WHOLE_RULE)
    off = f"version: 1\npolicies: {{{_OFF}, {AZURE_RULE}: {{effect: 'off'}}}}\n"
    assert rules(after(public(ALL_AZURE), public(WHOLE), policies_file=off)) == {ALL_AZURE}


def test_of_very_many_rules_those_for_the_most_addresses_come_back() -> None:
    many = [rule(f"client-{n}", f"203.0.113.{n}") for n in range(20)]
    world = after(public(*many, OFFICE), public(WHOLE))
    assert OFFICE in rules(world)
    assert len(world.azure.writes) == 9


# --- half-way --------------------------------------------------------------------------------------


class Writes(list[Edit]):
    """Something happens when the edit of this number is sent."""

    def __init__(self, number: int, happens: Callable[[], None]) -> None:
        super().__init__()
        self.number, self.happens = number, happens

    def append(self, edit: Edit) -> None:
        super().append(edit)
        if len(self) == self.number:
            self.happens()


def die() -> None:
    raise WorkerDied


@HOLES
@pytest.mark.parametrize(("before", "number"), [((OFFICE,), 2), ((OFFICE, VPN), 2)])
def test_a_worker_that_dies_on_the_way_leaves_somebody_in_and_the_next_one_ends_it(
    before: tuple[FirewallRule, ...], number: int, hole: FirewallRule, policy: str
) -> None:
    world = after(public(*before))
    world.azure.writes = Writes(number, die)
    world.event(world.azure.put(public(hole)))
    with pytest.raises(WorkerDied):
        world.drain(60)
    assert hole in rules(world)
    world.lose_messages()
    world.clock.advance(900)
    world.look(public().target)
    world.drain(60)
    assert hole not in rules(world)
    assert OFFICE in rules(world)
    assert world.open_alerts(policy) == []


@HOLES
def test_break_glass_thrown_after_the_first_edit_leaves_both_rules_there(
    hole: FirewallRule, policy: str
) -> None:
    world = after(public(OFFICE))

    def throw() -> None:
        world.store.set_break_glass(True, by="jane", reason="incident", now=world.clock.now())

    world.azure.writes = Writes(1, throw)
    world.event(world.azure.put(public(hole)))
    world.drain(60)
    assert rules(world) == {OFFICE, hole}
    assert world.open_alerts(policy)


@HOLES
def test_a_put_that_azure_ignores_leaves_the_hole_the_only_way_in_and_it_is_not_shut(
    hole: FirewallRule, policy: str
) -> None:
    """What is left is proved on what is there, before it is sent; and it is not tried for ever."""
    world = after(public(OFFICE))
    world.azure.ignores_writes = True
    world.event(world.azure.put(public(hole)))
    world.drain(60)
    assert {edit.kind for edit in world.azure.writes} == {"putFirewallRule"}
    assert len(world.azure.writes) <= 5
    assert world.open_alerts(policy)


@HOLES
def test_long_operations_are_waited_for_one_after_the_other(hole: FirewallRule, policy: str) -> None:
    world = after(public(OFFICE))
    world.azure.polls_until_done = 3
    world.event(world.azure.put(public(hole)))
    world.drain(8)
    assert {OFFICE, hole} >= rules(world) >= {hole}
    world.drain(120)
    assert rules(world) == {OFFICE}
    assert the_change(world, policy).outcome is Outcome.REVERTED
