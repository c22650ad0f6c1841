"""Many targets that drift at once are one incident; reverting goes on as ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from shared.alerts.lifecycle import resolve
from shared.controller.mass_drift import MASS_DRIFT
from shared.controller.sweep import sweep
from shared.model import Outcome, Severity
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.drifting import Held
from shared.model.letters import Letter
from shared.model.resource_id import ResourceId
from shared.model.sweeping import PassRecord
from tests.builders import DRIFTED, SERVER, public_server, rule
from tests.controller.test_reconcile import FIREWALL
from tests.fakes import START, SUBSCRIPTION, World, only

OPENED, UPDATED = NotificationType.ALERT_OPENED, NotificationType.ALERT_UPDATED
RESOLVED, APPLIED = NotificationType.ALERT_RESOLVED, NotificationType.CHANGE_APPLIED
ROOM = "budgets: {writesPerSubscription: 1000, writesPerResourceGroup: 1000}\n"
REVERTED = only(FIREWALL) + ROOM
ALERTED = REVERTED.replace(f"{FIREWALL}: {{effect: revert}}", f"{FIREWALL}: {{effect: alert}}")
OTHER = "99999999-2222-3333-4444-555555555555"


def named(number: int, subscription: str = SUBSCRIPTION) -> ResourceId:
    return ResourceId(f"{SERVER}-{number}".replace(SUBSCRIPTION, subscription))


def settled(file: str, count: int, **settings: str) -> World:
    """A world in which so many servers were seen compliant."""
    world = World(policies_file=file + settings.get("more", ""))
    world.scopes = tuple(ResourceId(f"/subscriptions/{one}") for one in (SUBSCRIPTION, OTHER))
    for number in range(count):
        close(world, named(number))
    world.delivered.clear()
    return world


def close(world: World, name: ResourceId) -> None:
    world.event(world.azure.put(public_server(id=name, host_name=f"{name.name}.example")))
    world.drain()


def drift(world: World, *numbers: int, subscription: str = SUBSCRIPTION) -> None:
    """Somebody opens servers, one each second."""
    for number in numbers:
        name = named(number, subscription)
        world.event(world.azure.put(replace(DRIFTED, id=name, host_name=f"{name.name}.example")))
        world.drain(1)


def swept(world: World, minutes: float = 11) -> None:
    world.clock.advance(minutes * 60)
    sweep(world.deps())
    world.drain()


def incident(world: World) -> AlertRecord:
    (found,) = world.store.alerts(policy=MASS_DRIFT.id)
    return found


def told(world: World, *, of_incident: bool) -> list[Notification]:
    return [one for one in world.delivered if (one.data.get("policy") == MASS_DRIFT.id) is of_incident]


def kinds(world: World, *, of_incident: bool) -> Counter[NotificationType]:
    return Counter(one.type for one in told(world, of_incident=of_incident))


@pytest.mark.field(
    "steady",
    "When many targets drift within minutes people hear of one incident, and every drift is reverted as ever",
    source="docs/adr/0022-mass-drift-is-one-incident.md",
    date="2026-11-29",
)
def test_many_drifts_are_one_incident_and_all_of_them_are_reverted() -> None:
    world = settled(REVERTED, 20)
    drift(world, *range(20))
    assert len(world.store.changes(policy=FIREWALL, outcome=Outcome.REVERTED)) == 20
    assert kinds(world, of_incident=False) == {APPLIED: 9}, "until ten have drifted"
    assert kinds(world, of_incident=True) == {OPENED: 1, UPDATED: 1}, "ten, and the doubling"
    evidence = incident(world).evidence
    assert (evidence["targets"], evidence["knownTargets"]) == (20, None)
    assert (evidence["policies"], evidence["writers"]) == ([f"{FIREWALL}: 20"], ["Jane Doe: 20"])


def test_fewer_are_told_one_by_one() -> None:
    world = settled(REVERTED, 9)
    drift(world, *range(9))
    assert kinds(world, of_incident=False) == {APPLIED: 9}
    assert world.store.alerts(policy=MASS_DRIFT.id) == []


def test_one_target_that_drifts_again_and_again_is_no_mass() -> None:
    world = settled(ALERTED, 1)
    for _ in range(12):
        drift(world, 0)
        close(world, named(0))
        world.drain(20)
    assert world.store.alerts(policy=MASS_DRIFT.id) == []


def test_the_alerts_of_an_incident_are_there_and_are_told_with_its_end() -> None:
    world = settled(ALERTED, 15)
    drift(world, *range(15))
    alerts = world.open_alerts(FIREWALL)
    assert len(alerts) == 15
    held = {alert.id for alert in alerts if alert.incident is not None}
    assert (len(held), kinds(world, of_incident=False)) == (6, {OPENED: 9})
    for number in (10, 11):
        close(world, named(number))
    swept(world)
    assert incident(world).status is AlertStatus.RESOLVED
    assert "of 6 alerts that were not told singly 4 are still open" in incident(world).resolution
    still = incident(world).evidence["stillOpen"]
    standing = {alert.id for alert in world.open_alerts(FIREWALL)} & held
    assert isinstance(still, list)
    assert len(standing) == len(still) == 4
    assert all(any(alert in str(line) for line in still) for alert in standing)
    assert kinds(world, of_incident=True)[RESOLVED] == 1
    assert world.store.incidents.held(SUBSCRIPTION) == []


def test_after_the_end_what_stands_is_told_as_it_changes() -> None:
    world = settled(ALERTED, 12)
    drift(world, *range(12))
    swept(world)
    world.delivered.clear()
    close(world, named(11))
    drift(world, 0)
    assert kinds(world, of_incident=False) == {RESOLVED: 1}
    assert not any(alert.incident for alert in world.store.alerts() if alert.status is AlertStatus.RESOLVED)


def test_who_was_told_of_a_beginning_is_told_of_the_end() -> None:
    world = settled(ALERTED, 12)
    drift(world, *range(12))
    world.delivered.clear()
    for number in (0, 11):
        close(world, named(number))
    (end,) = told(world, of_incident=False)
    assert end.type is RESOLVED
    assert ResourceId(end.subject).within(named(0))


def test_the_next_new_drift_ends_an_incident_that_is_over_and_is_told_singly() -> None:
    world = settled(ALERTED, 12)
    drift(world, *range(11))
    world.clock.advance(660)
    world.delivered.clear()
    drift(world, 11)
    assert incident(world).status is AlertStatus.RESOLVED
    assert kinds(world, of_incident=False) == {OPENED: 1}


def test_an_incident_that_comes_back_opens_again() -> None:
    world = settled(REVERTED, 10)
    drift(world, *range(10))
    swept(world)
    drift(world, *range(10))
    assert (incident(world).status, incident(world).count) == (AlertStatus.OPEN, 2)
    assert kinds(world, of_incident=True) == {OPENED: 2, RESOLVED: 1}


def test_subscriptions_have_incidents_of_their_own() -> None:
    world = settled(REVERTED, 9)
    for number in range(9):
        close(world, named(number, OTHER))
    drift(world, *range(9))
    drift(world, *range(9), subscription=OTHER)
    assert world.store.alerts(policy=MASS_DRIFT.id) == []


def test_a_share_of_the_targets_that_the_sweep_found_is_needed_too() -> None:
    world = settled(REVERTED, 12)
    found = PassRecord(began=world.clock.now(), spread_until=world.clock.now(), targets=60)
    world.store.passes.keep(SUBSCRIPTION, found)
    drift(world, *range(11))
    assert world.store.alerts(policy=MASS_DRIFT.id) == []
    drift(world, 11)
    assert (incident(world).evidence["knownTargets"], incident(world).evidence["threshold"]) == (60, 12)


def test_a_pass_of_the_sweep_notes_how_many_targets_there_are() -> None:
    world = settled(REVERTED, 2)
    swept(world)
    found = world.store.passes.last(SUBSCRIPTION)
    assert found is not None
    assert found.targets == 2


def test_it_can_be_switched_off() -> None:
    world = settled(REVERTED, 12, more="massDrift: {enabled: false}\n")
    drift(world, *range(12))
    assert kinds(world, of_incident=False) == {APPLIED: 12}
    assert world.store.alerts(policy=MASS_DRIFT.id) == []


# --- what is Critical ------------------------------------------------------------------------------

WHOLE = "postgres-firewall-allows-whole-internet"
BOTH = only(FIREWALL, WHOLE).replace("effect: revert", "effect: alert")


def expose(world: World, *numbers: int) -> None:
    """Somebody lets the whole Internet in."""
    for number in numbers:
        name = named(number)
        everybody = rule("all", "0.0.0.0", "255.255.255.255")
        opened = public_server(id=name, host_name=f"{name.name}.example", firewall_rules=(everybody,))
        world.event(world.azure.put(opened))
        world.drain(1)


def test_a_critical_alert_is_named_at_once_and_each_doubling_of_them() -> None:
    world = settled(BOTH, 16)
    drift(world, *range(10))
    before = len(told(world, of_incident=True))
    letters = []
    for number in range(10, 15):
        expose(world, number)
        letters.append(len(told(world, of_incident=True)) - before)
    assert letters == [1, 2, 2, 3, 3], "with the first, the second and the fourth"
    assert incident(world).severity is Severity.CRITICAL
    critical = incident(world).evidence["critical"]
    assert isinstance(critical, list)
    assert str(critical[0]).startswith(f"{WHOLE} on {named(13)}/")
    assert len(critical) == incident(world).evidence["criticalAlerts"] == 4
    assert len({one.id for one in told(world, of_incident=True)}) == len(told(world, of_incident=True))


# --- workers that die ------------------------------------------------------------------------------


def test_what_a_worker_held_that_died_before_it_saw_the_end_is_told_by_the_sweep() -> None:
    world = settled(ALERTED, 12)
    drift(world, *range(12))
    late = next(alert for alert in world.open_alerts(FIREWALL) if alert.target.id == named(11))
    (row,) = [one for one in world.store.incidents.held(SUBSCRIPTION) if one.about == late.id]
    world.store.incidents.release(SUBSCRIPTION, [row])
    swept(world)
    unseen = world.store.alert(late.id)
    assert unseen is not None
    world.store.incidents.hold_alert(unseen, row)
    world.delivered.clear()
    swept(world)
    assert told(world, of_incident=False) == [], "whoever holds it may still be at it"
    swept(world)
    (letter,) = told(world, of_incident=False)
    assert (letter.type, letter.data["id"]) == (OPENED, late.id)
    assert world.store.incidents.held(SUBSCRIPTION) == []


def test_what_the_end_has_named_is_not_told_again_when_its_worker_died() -> None:
    world = settled(ALERTED, 12)
    drift(world, *range(12))
    held = world.store.incidents.held(SUBSCRIPTION)
    swept(world)
    for one in held:
        alert = world.store.alert(one.about)
        assert alert is not None
        world.store.incidents.hold_alert(alert, one)
    world.delivered.clear()
    swept(world, minutes=21)
    assert told(world, of_incident=False) == []
    assert world.store.incidents.held(SUBSCRIPTION) == []


def test_what_is_held_as_the_incident_ends_is_told_singly(monkeypatch: pytest.MonkeyPatch) -> None:
    world = settled(ALERTED, 12)
    drift(world, *range(11))
    hold_alert = world.store.incidents.hold_alert

    def end_first(record: AlertRecord, held: Held, letters: Iterable[Letter]) -> AlertRecord:
        over = incident(world)
        world.store.put_alert(resolve(over, "somebody was faster", world.clock.now()))
        return hold_alert(record, held, letters)

    monkeypatch.setattr(world.store.incidents, "hold_alert", end_first)
    world.delivered.clear()
    drift(world, 11)
    assert kinds(world, of_incident=False) == {OPENED: 1}


def test_old_drifts_are_forgotten_by_the_sweep() -> None:
    world = settled(ALERTED, 3)
    drift(world, *range(3))
    assert len(world.store.incidents.drifts_since(SUBSCRIPTION, START)) == 3
    swept(world, minutes=60)
    assert world.store.incidents.drifts_since(SUBSCRIPTION, START) == []
