"""Budgets: people are warned before one ends, and what found no room is reverted when there is some again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.nearly_spent import NEARLY_SPENT
from shared.controller.sweep import sweep
from shared.guardrails.budget import Budget
from shared.model import Reason, ServerSnapshot, Severity, Target
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.change_records import ChangeRecord
from shared.model.changes import SetParameter
from shared.model.resource_id import ResourceId
from tests.builders import DRIFTED, GROUP, PARAMETERS, SERVER, public_server
from tests.controller.test_reconcile import FIREWALL
from tests.fakes import SUBSCRIPTION, World, only

LOGS = ("log_checkpoints", "log_connections", "log_disconnections")
POLICIES = {f"postgres-{name.replace('_', '-')}-off" for name in LOGS} | {FIREWALL}
HARMLESS = only(*POLICIES)
FEW = only(FIREWALL) + "budgets: {writesPerSubscription: 10}\n"
DEVELOPMENT = str(SERVER).replace("/data/", "/dev/")


def without_logs(*names: str) -> ServerSnapshot:
    off = tuple(replace(one, value="off") if one.name in names else one for one in PARAMETERS)
    return public_server(parameters=off)


def write(world: World, snapshot: ServerSnapshot, seconds: float = 5) -> Target:
    """Somebody writes; the event arrives; time passes."""
    target = world.azure.put(snapshot)
    world.event(target)
    world.drain(seconds)
    return target


def opened(world: World, name: str) -> Target:
    """A server that was compliant, and that somebody has opened."""
    write(world, public_server(id=ResourceId(name), host_name=f"{name}.example"))
    return write(world, replace(DRIFTED, id=ResourceId(name), host_name=f"{name}.example"))


def development(world: World, count: int) -> None:
    for number in range(count):
        opened(world, f"{DEVELOPMENT}-{number}")


def reverted(world: World) -> list[ChangeRecord]:
    return world.store.changes(policy=FIREWALL)


def warnings(world: World) -> dict[str, AlertRecord]:
    return {str(alert.resource_id): alert for alert in world.open_alerts(NEARLY_SPENT.id)}


@pytest.mark.field(
    "brakes",
    "Ten harmless reverts leave the hole its own budget: it is reverted at once.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_ten_harmless_reverts_leave_the_hole_its_own_budget() -> None:
    world = World(policies_file=HARMLESS + "budgets: {flappingReverts: 9}\n")
    write(world, public_server())
    for names in (LOGS, LOGS, LOGS, LOGS[:1]):
        write(world, without_logs(*names), 60)
    assert len([edit for edit in world.azure.writes if isinstance(edit, SetParameter)]) == 10
    write(world, without_logs(*LOGS))
    assert len(world.azure.writes) == 10, "the budget of the target is spent"
    write(world, DRIFTED)
    assert len(reverted(world)) == 1


@pytest.mark.field(
    "brakes",
    "Eleven development servers that are opened at once do not spend production's budget, people are warned "
    "before it ends, and what found no room is reverted when there is some, without an event or a sweep.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_eleven_development_servers_do_not_spend_what_production_has() -> None:
    world = World(policies_file=FEW)
    development(world, 11)
    assert len(reverted(world)) == 5, "half of the subscription's"
    opened(world, str(SERVER))
    assert reverted(world)[0].change.target.id == SERVER
    held = world.open_alerts(FIREWALL)
    assert [alert.decision.reason for alert in held] == [Reason.BUDGET] * 6
    world.drain(3600)
    assert len(reverted(world)) == 11
    world.drain(3600)
    assert len(reverted(world)) == 12
    assert world.open_alerts(FIREWALL) == []


def test_people_are_warned_once_of_a_group_and_of_its_subscription() -> None:
    world = World(policies_file=FEW)
    development(world, 3)
    assert warnings(world) == {}
    development(world, 6)
    (alert,) = warnings(world).values()
    assert alert.resource_id.resource_group == "dev"
    assert (alert.severity, alert.decision.reason) == (Severity.HIGH, Reason.BUDGET_NEARLY_SPENT)
    assert alert.reason == "4 of 5 writes against exposures in this resource group in the last hour"
    assert alert.evidence["policies"] == [f"{FIREWALL}: 4"]
    assert len(alert.evidence["targets"]) == 3
    for number in range(4):
        opened(world, f"{SERVER}-{number}")
    assert set(warnings(world)) == {
        f"/subscriptions/{SUBSCRIPTION}",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dev",
        GROUP,
    }
    told = [message for message in world.delivered if message.data["policy"] == NEARLY_SPENT.id]
    assert [message.type for message in told] == [NotificationType.ALERT_OPENED] * 3


def test_the_sweep_ends_the_warning_when_there_is_room_and_the_next_hour_opens_it_again() -> None:
    world = World(policies_file=FEW)
    development(world, 4)
    (alert,) = warnings(world).values()
    sweep(world.deps())
    assert set(warnings(world)) == {str(alert.resource_id)}
    world.clock.advance(3700)
    sweep(world.deps())
    ended = world.store.alert(alert.id)
    assert ended is not None
    assert (ended.status, ended.resolution) == (AlertStatus.RESOLVED, "there is room in the budget again")
    for number in range(4):
        write(world, replace(DRIFTED, id=ResourceId(f"{DEVELOPMENT}-{number}")))
    (again,) = warnings(world).values()
    assert (again.id, again.count) == (alert.id, 2)


def test_a_budget_that_is_nearly_spent_again_while_the_sink_is_down_is_told_in_order() -> None:
    world = World(policies_file=FEW)
    development(world, 4)
    (alert,) = warnings(world).values()
    world.sinks_down.add("sink")
    world.clock.advance(3700)
    sweep(world.deps())
    for number in range(4):
        write(world, replace(DRIFTED, id=ResourceId(f"{DEVELOPMENT}-{number}")))
    assert warnings(world)
    world.clock.advance(3700)
    sweep(world.deps())
    assert not warnings(world)
    world.sinks_down.clear()
    world.drain(7200)
    told = [name.removeprefix(alert.id) for _, name in world.heard if name.startswith(alert.id)]
    assert told == ["-opened-1", "-resolved-1", "-opened-2", "-resolved-2"]


@pytest.mark.field(
    "brakes",
    "A revert for which another worker took the last of the budget is made when its room returns.",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_revert_that_lost_the_last_room_is_made_when_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(policies_file=FEW)
    development(world, 5)
    began = world.clock.now()
    with monkeypatch.context() as patch:  # judged before the others had claimed
        patch.setattr(world.store, "budget", lambda subscription, now: Budget())
        opened(world, f"{DEVELOPMENT}-late")
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.BUDGET
    assert len(reverted(world)) == 5
    world.drain(3600)
    newest = reverted(world)[0]
    assert newest.change.target.id.name.endswith("-late")
    assert newest.created_at - began <= timedelta(hours=1)
