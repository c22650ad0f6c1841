"""A change is told in time whatever Azure answers: that it cannot be read, or shall be asked later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.controller.telling import NOT_ENDED
from shared.guardrails.exposures import SLOW_REVERT
from shared.model import Outcome, Reason
from shared.model.alert_records import NotificationType
from shared.model.change_records import Phase
from shared.model.errors import Denied, Throttled
from shared.model.messages import MessageKind
from tests.builders import DRIFTED, public_server
from tests.controller.test_change_life import flying, told
from tests.controller.test_changes_in_trouble import long_revert, only_change
from tests.controller.test_reconcile import FIREWALL, drift, seen_compliant
from tests.fakes import World


def test_an_end_that_was_saved_is_told_though_the_target_cannot_be_read_any_more() -> None:
    world = World()
    target = long_revert(world)
    seen = world.store.recall(target, world.clock.now())
    assert seen.change is not None
    over = replace(
        seen.change,
        phase=Phase.ENDED,
        operation=None,
        outcome=Outcome.REVERTED,
        finished_at=world.clock.now(),
        after=world.store.keep(public_server()),
        revision=seen.change.revision + 1,
    )
    world.store.save(replace(seen, change=over))
    world.azure.read_errors = [Denied("no role", code="AuthorizationFailed", status=403)] * 1000
    world.drain(600)
    assert told(world) == [NotificationType.CHANGE_APPLIED]
    (letter,) = (one for one in world.delivered if one.type is NotificationType.CHANGE_APPLIED)
    assert "0.0.0.0" in str(letter)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert flying(world) is None
    waiting = (world.store.read_message(body) for body in world.queue.bodies())
    assert not [one for one in waiting if one.kind is MessageKind.CHECK]
    assert world.azure.reads < 10


def slow_one(world: World, wait: float = 1700.0) -> None:
    """A revert whose operation is asked about after a long time only."""
    long_revert(world, polls=10**6)
    world.azure.refusals = [Throttled("slow", code="TooManyRequests", status=429, retry_after=wait)]
    world.drain(10)


def test_a_check_comes_when_a_slow_revert_is_told_however_long_azure_asks_us_to_wait() -> None:
    world = World()
    slow_one(world)
    world.drain(SLOW_REVERT.total_seconds() - 10)
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.TARGET_BUSY
    assert world.azure.polls == 1
    world.drain(1500)
    assert world.azure.polls == 1
    world.drain(300)
    assert world.azure.polls > 1


def test_a_look_beside_a_slow_revert_tells_its_own_drift_though_its_checks_are_lost() -> None:
    world = World()
    slow_one(world, wait=90.0)
    world.drain(40)
    world.lose_messages()
    world.event(DRIFTED.target)
    world.drain(1)
    assert world.open_alerts(FIREWALL) == []
    world.lose_messages()
    world.clock.advance(9)
    world.event(DRIFTED.target)
    world.drain()
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.decision.detail == NOT_ENDED


def test_a_slow_revert_is_told_though_the_target_cannot_be_read_at_all() -> None:
    world = World()
    long_revert(world)
    world.azure.read_errors = [Throttled("slow", code="TooManyRequests", status=429, retry_after=1700.0)]
    world.drain(SLOW_REVERT.total_seconds() + 1)
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.TARGET_BUSY


def refused(wait: float) -> World:
    """A drift whose revert Azure refuses, with a time before which it is not to be sent again."""
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [Throttled("slow", code="TooManyRequests", status=429, retry_after=wait)]
    drift(world, DRIFTED)
    return world


@pytest.mark.field(
    "steady",
    "What lets somebody in is told at once where Azure refuses its revert for longer than it may stay untold",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-30",
)
def test_a_refusal_that_is_to_be_waited_out_for_long_is_told_at_once_and_waited_out() -> None:
    world = refused(1700.0)
    (alert,) = world.open_alerts(FIREWALL)
    assert (alert.decision.reason, alert.decision.detail) == (
        Reason.TARGET_BUSY,
        "TooManyRequests: slow",
    )
    world.drain(1600)
    assert world.azure.writes == []
    world.drain(200)
    assert len(world.azure.writes) == 1
    assert world.open_alerts(FIREWALL) == []


def test_a_refusal_that_is_over_in_time_is_told_to_nobody() -> None:
    world = refused(30.0)
    world.drain(60)
    assert len(world.azure.writes) == 1
    assert world.store.alerts(policy=FIREWALL) == []
