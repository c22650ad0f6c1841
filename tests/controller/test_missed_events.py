"""What the sweep finds although an event should have told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.controller.handled_types import operation_prefixes
from shared.controller.missed_events import EVENT_PATH_LOST
from shared.model import Cause, CauseKind, Severity
from shared.model.alert_records import AlertRecord
from shared.model.errors import Denied, EntityChanged, StoreError, Throttled
from shared.model.event_grid import EventSubscriptions
from shared.model.messages import look
from shared.model.operations import LoggedWrite
from tests.builders import DRIFTED, SERVER, public_server
from tests.controller.test_event_subscriptions import operations, with_filter
from tests.controller.test_reconcile import seen_compliant
from tests.fakes import SOMEBODY, START, SUBSCRIPTION, US, World

SERVERS = operation_prefixes()[0]
FIREWALL = "postgres-firewall-allows-all-azure"


def swept(world: World, minutes: float = 30) -> None:
    """Time passes, and the sweep looks at the drift."""
    world.clock.advance(minutes * 60)
    cause = Cause(kind=CauseKind.SWEEP, time=world.clock.now())
    world.store.arm(look(world.azure.put(DRIFTED), cause), world.clock.now(), 0)
    world.drain()


WRITE = LoggedWrite(
    id="1",
    time=START,
    operation="Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/write",
    resource=f"{SERVER}/firewallRules/AllowAll",
    status="Succeeded",
    caller=SOMEBODY,
    correlation_id="logged",
)


def written(world: World, minutes_ago: float = 15, write: LoggedWrite = WRITE) -> None:
    """The log tells of a write, so long ago when the sweep comes in half an hour."""
    time = world.clock.now() + timedelta(minutes=30 - minutes_ago)
    world.azure.logged.append(replace(write, time=time))


def lost_and_found(world: World) -> AlertRecord:
    """Events are lost, then arrive again, and are lost again: the alert as it is open then."""
    world.event(world.azure.put(DRIFTED))
    world.drain(60)
    world.azure.logged.clear()
    world.clock.advance(3600)
    written(world)
    swept(world)
    (again,) = world.open_alerts(EVENT_PATH_LOST.id)
    return again


def heard_of(world: World, alert: AlertRecord) -> list[str]:
    return [told.removeprefix(f"{alert.id}-") for _, told in world.heard if told.startswith(alert.id)]


@pytest.fixture
def world() -> World:
    made = World()
    seen_compliant(made, public_server())
    return made


@pytest.mark.field(
    "steady",
    "Drift that the sweep finds although an event should have told opens one alert, and names who wrote it",
    source="https://learn.microsoft.com/rest/api/monitor/activity-logs/list",
    date="2026-11-29",
)
def test_what_no_event_told_is_attributed_and_told_once(world: World) -> None:
    written(world)
    swept(world)
    (lost,) = world.open_alerts(EVENT_PATH_LOST.id)
    assert (str(lost.resource_id), lost.severity) == (f"/subscriptions/{SUBSCRIPTION}", Severity.HIGH)
    assert lost.evidence["lastEventOfTheTarget"] is None
    (change,) = world.store.changes(policy=FIREWALL)
    assert (change.cause.kind, change.cause.actor) == (CauseKind.SWEEP, SOMEBODY)
    assert change.cause.correlation_id == "logged"


@pytest.mark.field(
    "steady",
    "The alert about lost events says what is wrong with the event subscription, and when one last came",
    source="https://learn.microsoft.com/rest/api/eventgrid/controlplane/system-topic-event-subscriptions/get",
    date="2026-11-30",
)
def test_it_says_what_is_wrong_with_the_event_subscription_and_when_events_last_came(world: World) -> None:
    world.event(world.azure.put(public_server()))
    world.drain(5)
    last = world.clock.now()
    filtered = with_filter(operations("StringBeginsWith", *(v for v in operation_prefixes() if v != SERVERS)))
    world.azure.event_subscriptions = EventSubscriptions(found=(filtered,))
    world.clock.advance(3600)
    written(world)
    swept(world)
    (lost,) = world.open_alerts(EVENT_PATH_LOST.id)
    assert lost.evidence["eventSubscriptions"] == [f"no event of {SERVERS} is sure to be let through"]
    assert SERVERS in lost.reason
    assert datetime.fromisoformat(lost.evidence["lastEvent"]) == last - timedelta(seconds=5)


def test_subscriptions_that_our_role_does_not_open_are_told_with_the_missing_action(world: World) -> None:
    why = "our identity may not perform Microsoft.EventGrid/systemTopics/read"
    world.azure.event_subscriptions = EventSubscriptions(unread=(why,))
    written(world)
    swept(world)
    (lost,) = world.open_alerts(EVENT_PATH_LOST.id)
    assert (lost.evidence["eventSubscriptions"], lost.evidence["lastEvent"]) == ([why], None)


def test_the_alert_is_over_when_an_event_tells_of_a_drift_again(world: World) -> None:
    written(world)
    swept(world)
    world.azure.put(public_server())
    world.event(world.azure.put(DRIFTED))
    world.drain(5)
    assert world.open_alerts(EVENT_PATH_LOST.id) == []


def test_an_event_that_may_still_come_is_not_lost(world: World) -> None:
    written(world, minutes_ago=5)
    swept(world)
    assert world.open_alerts(EVENT_PATH_LOST.id) == []
    (change,) = world.store.changes(policy=FIREWALL)
    assert change.cause.actor == SOMEBODY


@pytest.mark.parametrize(
    "write",
    [
        replace(WRITE, caller=US),
        replace(WRITE, status="Failed"),
        replace(WRITE, resource=f"{SERVER}2/firewallRules/x"),
        replace(WRITE, resource="no id"),
    ],
    ids=["our own write", "a refused write", "another server", "no id at all"],
)
def test_what_is_no_write_of_somebody_to_it_says_nothing(world: World, write: LoggedWrite) -> None:
    written(world, write=write)
    swept(world)
    assert world.open_alerts(EVENT_PATH_LOST.id) == []
    (change,) = world.store.changes(policy=FIREWALL)
    assert change.cause.actor.name is None


@pytest.mark.parametrize("error", [Denied("no role", status=403), Throttled("slow down")])
def test_a_log_that_cannot_be_read_holds_nothing_up(world: World, error: Denied | Throttled) -> None:
    world.azure.log_errors.append(error)
    swept(world)
    assert world.store.changes(policy=FIREWALL)
    assert any(line.get("message") == "activity-log-not-read" for line in world.lines)


def test_the_log_is_asked_only_where_the_sweep_finds_new_drift(world: World) -> None:
    world.azure.log_errors.append(Denied("nobody asks", status=403))
    world.clock.advance(1800)
    cause = Cause(kind=CauseKind.SWEEP, time=world.clock.now())
    world.store.arm(look(DRIFTED.target, cause), world.clock.now(), 0)
    world.drain()
    world.event(world.azure.put(DRIFTED))
    world.drain(5)
    assert len(world.azure.log_errors) == 1


@pytest.mark.field(
    "steady",
    "An alert that opens again while a sink is down is told there in order, and keeps no revert waiting",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-29",
)
def test_events_that_are_lost_again_while_the_sink_is_down_keep_no_look_from_reverting(world: World) -> None:
    world.sinks_down.add("sink")
    written(world)
    swept(world)
    world.drain(60)
    again = lost_and_found(world)
    assert (again.count, len(world.store.changes(policy=FIREWALL))) == (2, 3)
    world.sinks_down.clear()
    world.drain(7200)
    assert heard_of(world, again) == ["opened-1", "resolved-1", "opened-2"]


def test_a_sink_hears_of_the_end_before_it_hears_that_the_alert_opens_again(world: World) -> None:
    written(world)
    swept(world)
    world.drain(30)
    world.sinks_down.add("sink")
    again = lost_and_found(world)
    world.sinks_down.clear()
    world.drain(7200)
    assert heard_of(world, again) == ["opened-1", "resolved-1", "opened-2"]


def test_letters_that_the_record_does_not_count_hold_up_no_news_of_it(world: World) -> None:
    world.sinks_down.add("sink")
    written(world)
    swept(world)
    (known,) = world.open_alerts(EVENT_PATH_LOST.id)
    world.store.put_alert(replace(known, told=0))
    again = lost_and_found(world)
    world.sinks_down.clear()
    world.drain(7200)
    assert heard_of(world, again) == ["opened-1", "resolved-1", "opened-2"]


def test_a_look_that_lost_its_race_tells_nobody_that_events_are_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*_: object, **__: object) -> None:
        raise EntityChanged("somebody else was faster")

    written(world)
    monkeypatch.setattr(world.store, "claim", overtaken)
    with pytest.raises(StoreError):
        swept(world)
    assert world.open_alerts(EVENT_PATH_LOST.id) == []
