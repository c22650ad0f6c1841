"""A target that cannot be judged is one alert; what lets somebody in is told beside it, in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.alerts.lifecycle import IllegalTransition, approve
from shared.controller.not_judged import NOT_JUDGED
from shared.model import EnforcementMode, PublicAccess, Reason, ServerSnapshot, ServerState, Severity, Target
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.errors import Denied
from tests.builders import DRIFTED, OFFICE, ON_SERVERS, public_server, rule, server
from tests.controller.test_reconcile import seen_compliant
from tests.fakes import World

INTERNET = "postgres-firewall-allows-whole-internet"
PUBLIC = "postgres-public-access-enabled"
BUSY = {"state": ServerState.BUSY, "state_text": "Updating"}
HOLE = public_server(firewall_rules=(OFFICE, rule("all", "0.0.0.0", "255.255.255.255")), **BUSY)


def told(world: World) -> list[str]:
    """The policies of which people heard, each message once."""
    return [str(message.data["policy"]) for message in world.delivered]


def seen(world: World, snapshot: ServerSnapshot, seconds: float = 5) -> Target:
    """Somebody wrote; the event arrives; time passes."""
    target = world.azure.put(snapshot)
    world.event(target)
    world.drain(seconds)
    return target


def busy_for_long(world: World, snapshot: ServerSnapshot) -> Target:
    target = seen(world, snapshot)
    world.clock.advance(3600)
    world.drain(5)
    return target


def shut_out(world: World, target: Target, looks: int = 1) -> None:
    for _ in range(looks):
        world.azure.read_errors = [Denied("no role", code="AuthorizationFailed", status=403)]
        world.event(target)
        world.drain()


def not_judged(world: World) -> list[AlertRecord]:
    return world.open_alerts(NOT_JUDGED.id)


@pytest.mark.field(
    "brakes",
    "A rule for the whole Internet on a server that is updating for two hours is told within two minutes; "
    "all that cannot be judged meanwhile is one message, not one for each policy.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("mode", EnforcementMode)
def test_a_hole_on_a_busy_server_is_told_at_once_and_the_rest_once(mode: EnforcementMode) -> None:
    world = World(mode=mode)
    seen_compliant(world, public_server())
    world.delivered.clear()
    began = world.clock.now()
    seen(world, HOLE, 120)
    (message,) = world.delivered
    assert (message.data["policy"], message.severity) == (INTERNET, Severity.CRITICAL)
    assert message.time - began <= timedelta(minutes=2)
    for _ in range(2):
        world.clock.advance(3540)
        world.drain(65)
    assert told(world) == [INTERNET, NOT_JUDGED.id]
    (alert,) = not_judged(world)
    assert alert.decision.reason is Reason.TARGET_BUSY
    assert alert.evidence["policies"] == len(alert.evidence["notJudged"]) > 10
    assert INTERNET not in alert.evidence["notJudged"]


def test_the_alert_of_a_busy_target_ends_when_it_is_ready() -> None:
    world = World()
    target = busy_for_long(world, server(**BUSY))
    (alert,) = not_judged(world)
    assert alert.severity is Severity.CRITICAL, "as grave as the gravest that is not judged"
    assert alert.count == 1
    world.delivered.clear()
    seen(world, server())
    assert not_judged(world) == []
    assert [message.type for message in world.delivered] == [NotificationType.ALERT_RESOLVED]
    assert world.store.recall(target, world.clock.now()).not_judged is False


def test_a_run_for_one_policy_says_nothing_of_a_busy_target_as_a_whole() -> None:
    world = World()
    target = busy_for_long(world, server(**BUSY))
    (before,) = not_judged(world)
    world.look(target, policies=(PUBLIC,))
    world.drain(5)
    assert not_judged(world) == [before]


def test_what_is_unknown_for_a_reason_of_its_own_keeps_its_own_alert() -> None:
    world = World()
    odd = server(public_access=PublicAccess.UNKNOWN, **BUSY)
    busy_for_long(world, odd)
    (alert,) = not_judged(world)
    (own,) = world.open_alerts(PUBLIC)
    assert PUBLIC not in alert.evidence["notJudged"]
    assert "publicNetworkAccess" in own.reason


@pytest.mark.field(
    "brakes",
    "A server that may not be read is one alert that lists every policy that does not judge it.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_target_that_is_closed_to_us_is_one_alert_that_ends_when_it_can_be_read() -> None:
    world = World()
    target = world.azure.put(server())
    shut_out(world, target, looks=5)
    (alert,) = not_judged(world)
    assert told(world) == [NOT_JUDGED.id]
    assert set(alert.evidence["notJudged"]) == ON_SERVERS
    assert (alert.count, alert.decision.reason) == (1, Reason.UNKNOWN)
    world.event(target)
    world.drain()
    assert not_judged(world) == []
    shut_out(world, target, looks=3)
    assert [one.count for one in not_judged(world)] == [2]


def test_the_alert_of_a_target_that_is_gone_is_resolved() -> None:
    world = World()
    target = world.azure.put(server())
    shut_out(world, target, looks=3)
    world.azure.snapshots.clear()
    world.event(target)
    world.drain()
    assert world.store.alerts()[0].resolution == "the resource was deleted"
    assert not_judged(world) == []


def test_when_a_busy_target_becomes_unreadable_the_alert_says_that_and_nobody_is_told_again() -> None:
    world = World()
    target = busy_for_long(world, server(**BUSY))
    (before,) = not_judged(world)
    shut_out(world, target)
    (after,) = not_judged(world)
    assert "AuthorizationFailed" in after.reason != before.reason
    assert told(world) == [NOT_JUDGED.id]


@pytest.mark.field(
    "brakes",
    "Whoever opens a server and shuts Driftward out before it is told is told at the first refusal.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_whoever_opens_a_server_and_shuts_us_out_is_told_at_the_first_refusal() -> None:
    world = World(settle_seconds=60.0)
    seen_compliant(world, public_server())
    world.delivered.clear()
    target = seen(world, DRIFTED)
    assert told(world) == []
    shut_out(world, target)
    assert told(world) == [NOT_JUDGED.id]


def test_a_refusal_is_no_news_where_the_exposure_has_been_told() -> None:
    world = World()
    target = seen(world, DRIFTED)
    before = told(world)
    shut_out(world, target)
    assert told(world) == before


def test_there_is_no_change_to_approve_about_a_target_that_is_not_judged() -> None:
    world = World()
    shut_out(world, world.azure.put(server()), looks=3)
    (alert,) = not_judged(world)
    with pytest.raises(IllegalTransition, match="no change to approve"):
        approve(replace(alert), "jane", world.clock.now())
