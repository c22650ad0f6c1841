"""Exposures that somebody keeps open with our own brakes: told in time, shut in time, in audit told too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from shared.model import (
    DeleteFirewallRule,
    EnforcementMode,
    PublicAccess,
    Reason,
    ServerState,
    Severity,
    Snapshot,
)
from shared.model.alert_records import AlertStatus, NotificationType
from shared.model.errors import Throttled
from tests.builders import ALL_AZURE, OFFICE, public_server, rule
from tests.controller.test_reconcile import FIREWALL, seen_compliant
from tests.fakes import World

BOTH_MODES = pytest.mark.parametrize("mode", list(EnforcementMode))
QUIET = public_server(firewall_rules=(OFFICE,))
HOLE = public_server(firewall_rules=(OFFICE, ALL_AZURE))


def world_of(mode: EnforcementMode = EnforcementMode.ENFORCE) -> World:
    world = World(mode=mode, settle_seconds=60)
    seen_compliant(world, QUIET)
    world.delivered.clear()
    return world


def write(world: World, snapshot: Snapshot, seconds: float) -> None:
    """Somebody writes this; its event arrives; time passes."""
    world.event(world.azure.put(snapshot))
    world.drain(seconds)


@pytest.mark.field(
    "brakes",
    "A hole under a stream of other writes is told after 90 seconds and shut after five minutes",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
@BOTH_MODES
def test_a_stream_of_writes_keeps_no_hole_open_or_quiet(mode: EnforcementMode) -> None:
    world = world_of(mode)
    for number in range(8):
        partner = rule("partner", f"203.0.113.{number}")
        there = (OFFICE, partner, *(() if world.azure.writes else (ALL_AZURE,)))
        write(world, public_server(firewall_rules=there), 50)
        if number == 0:
            assert world.delivered == []
        if number == 1:
            assert [told.type for told in world.delivered] == [NotificationType.ALERT_OPENED]
    assert bool(world.azure.writes) is (mode is EnforcementMode.ENFORCE)
    assert len(world.delivered) <= 3


@pytest.mark.field(
    "brakes",
    "A tag, a lock or the same value written again asks for no quiet",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_write_that_changes_nothing_that_is_judged_postpones_nothing() -> None:
    world = world_of()
    write(world, HOLE, 50)
    write(world, replace(HOLE, tags={"cost": "1"}), 15)
    assert len(world.azure.writes) == 1


def test_a_hole_that_is_shut_for_a_moment_is_the_same_hole() -> None:
    world = world_of()
    for _ in range(12):
        write(world, HOLE, 50)
        write(world, QUIET, 10)
    assert len(world.open_alerts(FIREWALL)) == 1
    assert world.azure.writes
    kinds = [told.type for told in world.delivered if told.type is not NotificationType.CHANGE_APPLIED]
    assert kinds.count(NotificationType.ALERT_OPENED) == 1
    assert NotificationType.ALERT_RESOLVED not in kinds


def test_what_came_back_and_back_is_resolved_after_an_hour_without_it() -> None:
    world = world_of()
    for _ in range(3):
        write(world, HOLE, 50)
        write(world, QUIET, 10)
    assert len(world.open_alerts(FIREWALL)) == 1
    world.drain(3500)
    assert len(world.open_alerts(FIREWALL)) == 1
    world.drain(200)
    (alert,) = world.store.alerts(policy=FIREWALL)
    assert alert.status is AlertStatus.RESOLVED


def test_a_hole_on_a_busy_server_is_told_and_shut_within_a_minute_of_its_end() -> None:
    world = world_of()
    busy = replace(HOLE, state=ServerState.BUSY, state_text="Updating")
    write(world, busy, 120)
    assert [told.type for told in world.delivered] == [NotificationType.ALERT_OPENED]
    assert world.open_alerts(FIREWALL)[0].decision.reason is Reason.TARGET_BUSY
    world.drain(1200)
    world.azure.put(HOLE)
    world.drain(62)
    assert len(world.azure.writes) == 1


def test_an_opening_that_an_exemption_covers_does_not_count() -> None:
    until = (world_of().clock.now() + timedelta(minutes=10)).isoformat()
    world = World(
        settle_seconds=60,
        policies_file=f"""
version: 1
exemptions:
  - scope: {QUIET.id}
    policy: {FIREWALL}
    reason: a migration
    approver: jane@example.com
    expires: {until}
""",
    )
    seen_compliant(world, QUIET)
    for _ in range(4):
        write(world, HOLE, 50)
        write(world, QUIET, 10)
    assert world.open_alerts(FIREWALL) == []
    memory = world.store.recall(QUIET.target, world.clock.now()).memories[FIREWALL]
    assert memory.exposure.openings == ()


def test_a_fight_is_one_critical_alert_with_pauses_between_its_writes() -> None:
    world = World(settle_seconds=0)
    seen_compliant(world, QUIET)
    world.delivered.clear()
    times = []
    for _ in range(240):
        before = len(world.azure.writes)
        if world.azure.snapshots[QUIET.id.key] != HOLE:
            world.event(world.azure.put(HOLE))
        world.drain(60)
        times += [world.clock.now()] * (len(world.azure.writes) - before)
    gaps = [after - before for before, after in pairwise(times[4:])]
    assert 10 <= len(times) <= 13
    assert min(gaps) >= timedelta(minutes=29)
    (alert,) = world.open_alerts(FIREWALL)
    assert (alert.severity, alert.decision.reason) == (Severity.CRITICAL, Reason.FIGHTING)
    assert alert.evidence["openedBy"] == ["Jane Doe"]
    told = [one for one in world.delivered if one.type is not NotificationType.CHANGE_APPLIED]
    assert len(told) <= 2


def test_public_access_without_a_rule_lets_nobody_in_and_waits_in_silence() -> None:
    world = World(settle_seconds=60)
    shut = public_server(public_access=PublicAccess.DISABLED, firewall_rules=())
    seen_compliant(world, shut)
    for number in range(3):
        write(world, public_server(firewall_rules=(), version=number + 15), 50)
    assert world.store.alerts(policy="postgres-public-access-enabled") == []
    assert world.azure.writes == []


def test_what_has_to_wait_holds_up_no_change_that_leaves_it_possible() -> None:
    world = World(
        settle_seconds=60,
        policies_file="version: 1\n"
        "policies: {postgres-firewall-allows-whole-internet: {settleSeconds: 600}}\n",
    )
    seen_compliant(world, QUIET)
    everyone = rule("everyone", "0.0.0.0", "255.255.255.255")
    write(world, public_server(firewall_rules=(OFFICE, ALL_AZURE, everyone)), 70)
    (edit,) = world.azure.writes
    assert edit == DeleteFirewallRule(server=QUIET.id, rule=ALL_AZURE)


def fought_about(world: World, rounds: int = 4) -> None:
    """Opened again as soon as it is shut, until the next write has to wait."""
    for _ in range(rounds):
        write(world, HOLE, 20)


def test_a_fight_stays_one_alert_however_busy_somebody_keeps_the_server() -> None:
    world = World(settle_seconds=0)
    seen_compliant(world, QUIET)
    fought_about(world)
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.FIGHTING
    told = len(world.delivered)
    for number in range(30):
        state = (ServerState.BUSY, "Updating") if number % 2 else (ServerState.READY, "Ready")
        write(world, replace(HOLE, state=state[0], state_text=state[1]), 60)
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.severity is Severity.CRITICAL
    applied = [one for one in world.delivered[told:] if one.type is NotificationType.CHANGE_APPLIED]
    assert len(world.delivered) - told - len(applied) <= 1


def test_a_fight_that_is_over_ends_its_alert_though_the_server_is_busy_at_that_moment() -> None:
    world = World(settle_seconds=0)
    seen_compliant(world, QUIET)
    fought_about(world)
    world.drain(300)
    assert world.azure.snapshots[QUIET.id.key] == QUIET
    assert len(world.open_alerts(FIREWALL)) == 1
    world.drain(3200)
    world.azure.put(replace(QUIET, state=ServerState.BUSY, state_text="Updating"))
    world.drain(900)
    world.azure.put(QUIET)
    world.drain(400)
    assert world.open_alerts(FIREWALL) == []


def test_a_revert_that_was_interrupted_is_no_fight() -> None:
    """Nobody opened anything again: what is left of the hole is shut at once."""
    world = World(settle_seconds=0)
    seen_compliant(world, QUIET)
    holes = tuple(rule(f"everyone{number}", "0.0.0.0", "255.255.255.255") for number in range(6))
    target = world.azure.put(public_server(firewall_rules=(OFFICE, *holes)))
    world.event(target)
    for _ in range(12):
        world.azure.meanwhile = [partial(world.azure.read_errors.append, Throttled("slow", code="429"))]
        world.drain(20)
    assert world.azure.snapshots[target.key] == QUIET
