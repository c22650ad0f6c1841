"""What machines hear: whoever follows the events knows each alert as it is, whatever people are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.alerts.lifecycle import acknowledge, approve
from shared.alerts.views import alert_view
from shared.controller.notifying import end_alert, write_and_tell
from shared.controller.sweep import sweep
from shared.model import Cause, CauseKind, Json, Severity
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from tests.api.calling import PUBLIC, alerted, call
from tests.builders import OFFICE, public_server, server
from tests.controller.test_mass_drift import ALERTED, drift, settled
from tests.fakes import World

TOPIC, CHAT = "1 eventgrid://topic.example", "2 slack#5f0c21"
OPENED, UPDATED = NotificationType.ALERT_OPENED, NotificationType.ALERT_UPDATED
RESOLVED = NotificationType.ALERT_RESOLVED


def told(world: World, sink: str = TOPIC) -> list[Notification]:
    """What a sink has heard, in order."""
    return [one for (name, _), one in zip(world.heard, world.delivered, strict=True) if name == sink]


def about(alert: AlertRecord, world: World, sink: str = TOPIC) -> list[Notification]:
    return [one for one in told(world, sink) if one.data["id"] == alert.id]


def kinds(alert: AlertRecord, world: World, sink: str = TOPIC) -> list[NotificationType]:
    return [one.type for one in about(alert, world, sink)]


def followed(world: World) -> dict[str, Json]:
    """Each alert as the newest event about it has it; an event that comes twice is known by its id."""
    newest: dict[str, Notification] = {}
    seen: set[str] = set()
    for one in told(world):
        if one.id not in seen and ".Alert." in one.type.value:
            seen.add(one.id)
            newest[str(one.data["id"])] = one
    return {alert: _life(one.data["status"], one.data) for alert, one in newest.items()}


def stored(world: World) -> dict[str, Json]:
    return {
        alert.id: _life(alert.status.value, alert_view(alert)) for alert in world.store.alerts(limit=None)
    }


def _life(status: Json, shown: dict[str, Json] | object) -> Json:
    assert isinstance(shown, dict)
    approval, planned = shown["approval"], shown["planned"]
    return {
        "status": status,
        "severity": shown["severity"],
        "reason": shown["decision"]["reason"],
        "acknowledgedBy": shown["acknowledgedBy"],
        "approved": None if approval is None else approval["at"],
        "planned": None if planned is None else planned["digest"],
        "resolution": shown["resolution"],
        "incident": shown["incident"],
    }


def watched() -> tuple[World, AlertRecord]:
    """As ``alerted``, with a topic and a chat from the start, which waits for no others."""
    world = World(sinks=(TOPIC, CHAT), policies_file="version: 1\nalerts: {mergeSeconds: 0}\n")
    world.azure.put(server(firewall_rules=(OFFICE,)))
    world.look(server().target)
    world.drain()
    world.azure.put(public_server())
    world.event(server().target)
    world.drain(5)
    (alert,) = world.store.alerts(policy=PUBLIC)
    return world, alert


def now_of(world: World, alert: AlertRecord) -> AlertRecord:
    found = world.store.alert(alert.id)
    assert found is not None
    return found


def courses() -> Iterator[tuple[str, World]]:
    """A life of alerts each, by name."""
    world, alert = watched()
    yield "opened", world
    world, alert = watched()
    call(world, "acknowledge_alert", id=alert.id)
    world.drain(5)
    yield "acknowledged", world
    call(world, "approve_alert", id=alert.id)
    world.drain(60)
    yield "approved and reverted", world
    world.azure.put(public_server())
    world.event(server().target)
    world.drain(60)
    yield "opened again", world
    world = settled(ALERTED, 14)
    world.sinks = (TOPIC, CHAT)
    drift(world, *range(14))
    yield "mass drift", world
    world.clock.advance(660)
    sweep(world.deps())
    world.drain(5)
    yield "mass drift that is over", world


@pytest.mark.field(
    "steady",
    "Whoever follows the events knows each alert as it is: advice, and what an incident tells of, too",
    source="docs/alerts.md",
    date="2026-11-30",
)
def test_whoever_follows_the_events_knows_each_alert_as_it_is() -> None:
    for name, world in courses():
        known, there = followed(world), stored(world)
        opened_with_topic = {one: there[one] for one in there if one in known}
        assert known == opened_with_topic, name
        assert len(known) > 1, name


def advised(world: World, alert: AlertRecord) -> AlertRecord:
    """A piece of advice, just opened."""
    news = replace(now_of(world, alert), id="0" * 16, severity=Severity.INFORMATIONAL, etag=None, listed=())
    return write_and_tell(replace(news, told=0, told_to=None), OPENED, alert.cause, world.deps())


def test_advice_is_told_to_machines_and_to_nobody_else() -> None:
    world, alert = watched()
    advice = advised(world, alert)
    end_alert(advice, "it is over", world.deps())
    world.drain(5)
    assert kinds(advice, world) == [OPENED, RESOLVED]
    assert kinds(advice, world, CHAT) == []
    assert kinds(alert, world, CHAT) == kinds(alert, world) == [OPENED]


def test_what_an_incident_tells_of_is_told_to_machines_singly() -> None:
    world = settled(ALERTED, 14)
    world.sinks = (TOPIC, CHAT)
    drift(world, *range(14))
    held = [one for one in world.store.alerts(limit=None) if one.incident is not None]
    assert held
    for one in held:
        assert kinds(one, world) == [OPENED]
        assert about(one, world)[0].data["incident"] == one.incident
        assert kinds(one, world, CHAT) == []


def test_a_recount_is_no_event_and_writes_no_letter() -> None:
    world, alert = watched()
    before = len(told(world))
    for _ in range(3):
        world.event(server().target)
        world.drain(10)
    assert now_of(world, alert).count > alert.count
    assert len(told(world)) == before


def test_an_unchanged_look_writes_nothing_with_a_topic_either() -> None:
    world, _ = watched()
    world.look(server().target)
    world.drain(5)
    before = (world.heard.copy(), {one.id: one.etag for one in world.store.alerts(limit=None)})
    world.look(server().target)
    world.drain(5)
    assert (world.heard, {one.id: one.etag for one in world.store.alerts(limit=None)}) == before


def again(world: World, alert: AlertRecord, severity: Severity) -> None:
    """The alert was as grave as this before, and the drift is written once more."""
    world.store.put_alert(replace(now_of(world, alert), severity=severity))
    world.event(server().target)
    world.drain(10)


def test_what_is_seen_milder_is_told_to_machines_alone() -> None:
    world, alert = watched()
    again(world, alert, Severity.CRITICAL)
    assert now_of(world, alert).severity.rank < Severity.CRITICAL.rank
    assert kinds(alert, world) == [OPENED, UPDATED]
    assert kinds(alert, world, CHAT) == [OPENED]
    assert about(alert, world)[-1].data["severity"] == now_of(world, alert).severity.value
    again(world, alert, Severity.LOW)
    assert kinds(alert, world, CHAT) == [OPENED, UPDATED], "graver is told to people too"


def test_another_plan_is_told_to_machines_with_an_id_of_its_own() -> None:
    world, alert = watched()
    assert alert.planned is not None
    for digest in ("one", "another"):
        known = now_of(world, alert)
        world.store.put_alert(replace(known, planned=replace(alert.planned, digest=digest)))
        world.look(server().target)
        world.drain(5)
    ids = [one.id for one in about(alert, world)]
    assert len(ids) == len(set(ids)) == 3
    assert about(alert, world)[-1].data["planned"]["digest"] == alert.planned.digest


def test_an_approval_that_ended_unused_goes_with_the_sweep_and_machines_hear_of_it() -> None:
    world, alert = watched()
    approved = approve(now_of(world, alert), "kim", world.clock.now())
    cause = Cause(kind=CauseKind.OPERATOR, time=world.clock.now())
    write_and_tell(approved, UPDATED, cause, world.deps())
    world.drain(5)
    sweep(world.deps())
    assert now_of(world, alert).approval is not None
    world.clock.advance(3601)
    sweep(world.deps())
    world.drain(5)
    assert now_of(world, alert).approval is None
    assert [one.data["approval"] is None for one in about(alert, world)] == [True, False, True]
    assert kinds(alert, world, CHAT) == [OPENED, UPDATED]
    before = len(told(world))
    sweep(world.deps())
    world.drain(5)
    assert len(about(alert, world)) == 3
    assert len(told(world)) >= before


def test_who_was_told_of_an_alert_hears_its_end_though_it_is_advice_by_then() -> None:
    world, alert = watched()
    world.store.put_alert(replace(now_of(world, alert), severity=Severity.INFORMATIONAL))
    end_alert(now_of(world, alert), "it is over", world.deps())
    world.drain(5)
    assert kinds(alert, world, CHAT) == kinds(alert, world) == [OPENED, RESOLVED]


def test_without_a_topic_nothing_is_written_for_machines() -> None:
    world, alert = alerted()
    world.sinks = (CHAT,)
    advice = advised(world, alert)
    assert (advice.told, advice.told_to) == (0, None)
    end_alert(advice, "it is over", world.deps())
    assert world.store.letters.about(CHAT, advice.id) == []


def test_a_topic_that_takes_nothing_for_a_while_hears_everything_in_order() -> None:
    world, alert = watched()
    world.sinks_down = {TOPIC}
    acknowledged = acknowledge(now_of(world, alert), "kim")
    write_and_tell(acknowledged, UPDATED, alert.cause, world.deps())
    end_alert(now_of(world, alert), "it is over", world.deps())
    world.drain(5)
    world.sinks_down = set()
    world.drain(600)
    assert [one.data["status"] for one in about(alert, world)] == ["open", "acknowledged", "resolved"]
    assert now_of(world, alert).status is AlertStatus.RESOLVED
