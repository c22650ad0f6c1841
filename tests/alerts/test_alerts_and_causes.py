"""What people are told, and whom it is ascribed to: alerts, notifications, causes, baselines.

Nothing is told twice or left untold, an alert closes when its drift is over and not before, and who
wrote is not lost among the events that came together.
"""

from __future__ import annotations

import pytest

from shared.controller.sweep import sweep
from shared.model import (
    Actor,
    Cause,
    CauseKind,
    Locator,
    LocatorKind,
    PublicAccess,
    PutFirewallRule,
    Reason,
    ServerState,
)
from shared.model.alert_records import NotificationType
from shared.model.errors import StoreError
from shared.model.messages import Message, MessageKind
from tests.builders import (
    ALL_AZURE,
    DRIFTED,
    NSG,
    OFFICE,
    SERVER,
    SUBNET,
    public_server,
    security_rule,
    server,
    subnet,
)
from tests.controller.test_reconcile import FIREWALL, PUBLIC, drift, seen_compliant
from tests.fakes import US, World

BOB = Actor(app_id="portal", object_id="bob-object", name="Bob")


def told(world: World, kind: NotificationType) -> list[str]:
    """The ids of what the sink was told of one type."""
    return [notification.id for notification in world.delivered if notification.type is kind]


def written_and_settling(world: World) -> None:
    """Jane has drifted a compliant server; the event's look is queued."""
    seen_compliant(world, public_server())
    world.event(world.azure.put(DRIFTED))
    world.clock.advance(1)


# --- a drift that has to wait is told --------------------------------------------------------------


def test_a_drift_is_told_though_somebody_writes_every_fifty_seconds_for_two_hours() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, public_server())
    target = world.azure.put(DRIFTED)
    for _ in range(150):
        world.event(target)
        world.drain(50)
    assert [alert.decision.reason for alert in world.open_alerts(FIREWALL)] == [Reason.SETTLING]


def test_a_drift_on_a_server_that_stays_busy_for_hours_is_told() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, public_server())
    busy = public_server(firewall_rules=(OFFICE, ALL_AZURE), state=ServerState.BUSY, state_text="Novel")
    drift(world, busy, seconds=3 * 3600)
    assert [alert.decision.reason for alert in world.open_alerts(FIREWALL)] == [Reason.TARGET_BUSY]


# --- notifications that could not be queued --------------------------------------------------------


def test_an_alert_whose_notification_could_not_be_queued_is_told_by_the_sweep() -> None:
    world = World()
    world.refuse_next(MessageKind.NOTIFY)
    world.event(world.azure.put(server(public_access=PublicAccess.ENABLED)))
    with pytest.raises(StoreError):
        world.drain()
    world.drain(120)
    sweep(world.deps())
    world.drain(60)
    assert len(world.open_alerts(PUBLIC)) == 1
    assert set(told(world, NotificationType.ALERT_OPENED)) == {f"{world.open_alerts(PUBLIC)[0].id}-opened-1"}


def test_a_revert_whose_notification_could_not_be_queued_is_told_by_the_next_look() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.refuse_next(MessageKind.NOTIFY)
    world.event(world.azure.put(DRIFTED))
    with pytest.raises(StoreError):
        world.drain()
    world.drain(120)
    (change,) = world.store.changes()
    assert set(told(world, NotificationType.CHANGE_APPLIED)) == {f"{change.id}-applied"}


# --- when an alert is over -------------------------------------------------------------------------


def test_the_alert_of_a_policy_that_was_switched_off_is_resolved() -> None:
    world = World()
    drift(world, DRIFTED)
    assert len(world.open_alerts(FIREWALL)) == 1
    world.policies_file = f"version: 1\npolicies:\n  {FIREWALL}: {{effect: off}}\n"
    world.event(DRIFTED.target)
    world.drain(60)
    assert world.open_alerts(FIREWALL) == []


def test_the_alert_of_a_rule_in_force_stays_open_while_public_access_is_unknown() -> None:
    world = World()
    drift(world, DRIFTED)
    (alert,) = world.open_alerts(FIREWALL)
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE), public_access=PublicAccess.UNKNOWN))
    assert alert.id in {still_open.id for still_open in world.open_alerts(FIREWALL)}


def test_the_alert_of_a_server_that_was_busy_for_an_hour_resolves_when_it_can_be_read() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, server())
    drift(world, server(state=ServerState.BUSY, state_text="Updating"), seconds=3700)
    assert len(world.open_alerts("target-not-judged")) == 1
    drift(world, server())
    assert world.open_alerts("target-not-judged") == []


def test_what_is_exempt_and_unknown_opens_no_alert() -> None:
    world = World(
        policies_file=(
            f"version: 1\nexemptions:\n- scope: {SERVER}\n  policy: {PUBLIC}\n  reason: migration\n"
            "  approver: jane\n  expires: 2027-01-01T00:00:00Z\n"
        )
    )
    for _ in range(4):
        drift(world, server(public_access=PublicAccess.UNKNOWN))
        world.clock.advance(3600)
    assert world.store.alerts(policy=PUBLIC) == []


# --- who and when ----------------------------------------------------------------------------------


def test_an_event_of_our_own_write_does_not_hide_who_wrote_before_it() -> None:
    world = World(settle_seconds=60)
    written_and_settling(world)
    world.event(DRIFTED.target, actor=US)
    world.drain(300)
    (change,) = world.store.changes()
    assert change.cause.actor.name == "Jane Doe"


def test_an_event_of_our_own_write_does_not_end_the_quiet_time_after_somebody_elses() -> None:
    world = World(settle_seconds=60)
    written_and_settling(world)
    world.event(DRIFTED.target, actor=US)
    world.drain(30)
    assert world.azure.writes == []
    world.drain(60)
    assert len(world.azure.writes) == 1


def test_an_operators_look_does_not_end_the_quiet_time_after_somebodys_write() -> None:
    world = World(settle_seconds=60)
    written_and_settling(world)
    cause = Cause(kind=CauseKind.OPERATOR, time=world.clock.now())
    look = Message(kind=MessageKind.LOOK, target=DRIFTED.target, cause=cause)
    world.store.arm(look, world.clock.now(), 0)
    world.drain(30)
    assert world.azure.writes == []
    world.drain(60)
    assert len(world.azure.writes) == 1


def test_a_drift_written_during_a_change_is_told_with_its_own_writer() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.polls_until_done = 3
    target = world.azure.put(server(public_access=PublicAccess.ENABLED))
    world.event(target)
    world.drain()
    world.azure.apply(PutFirewallRule(server=SERVER, rule=ALL_AZURE))
    world.event(target, actor=BOB)
    world.drain(300)
    assert [alert.cause.actor.name for alert in world.open_alerts(FIREWALL)] == ["Bob"]


# --- what makes a drift, and what is remembered ----------------------------------------------------


def test_a_subnet_that_was_not_yet_delegated_was_never_compliant() -> None:
    world = World()
    deny = security_rule("deny-all", 200)
    seen_compliant(world, subnet(deny, delegations=()))
    drift(world, subnet(deny))
    assert world.azure.writes == []
    blocked = world.store.alerts(policy="nsg-blocks-postgres-in-subnet")
    assert [alert.decision.reason for alert in blocked] == [Reason.INHERITED]


def test_a_lost_baseline_makes_closing_wait_for_an_approval() -> None:
    world = World()
    seen_compliant(world, server())
    for name in list(world.blobs.names("snapshots")):
        world.blobs.delete("snapshots", name)
    drift(world, server(public_access=PublicAccess.ENABLED))
    assert world.azure.writes == []
    assert [alert.decision.reason for alert in world.open_alerts(PUBLIC)] == [Reason.APPROVAL_REQUIRED]


def test_a_reading_of_a_subnet_remembers_its_nsg() -> None:
    world = World()
    seen_compliant(world, subnet())
    (related,) = world.store.related(Locator(kind=LocatorKind.NSG, id=NSG))
    assert related.id == SUBNET
