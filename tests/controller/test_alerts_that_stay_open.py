"""An alert that stays open: what it prints is what works now, also where the drift itself is no news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.controller.sweep import sweep
from shared.model import ServerSnapshot, ServerState
from shared.model.alert_records import AlertRecord
from shared.model.parts import DiagnosticSetting
from tests.builders import SUBNET, server
from tests.controller.test_reconcile import seen_compliant
from tests.fakes import World

DIAGNOSTICS = "postgres-diagnostic-settings-missing"
DEFENDER = "postgres-threat-protection-off"
ON = f"version: 1\npolicies:\n  {DIAGNOSTICS}: {{effect: revert}}\n  {DEFENDER}: {{effect: revert}}\n"
DRIFTED = server(diagnostic_settings=(), threat_protection="Disabled")


def alert_after(policy: str, later: ServerSnapshot) -> AlertRecord:
    """The alert of a drift that was there before, and that the sweep finds again, no news to anybody."""
    world = World(policies_file=ON)
    seen_compliant(world, DRIFTED)
    world.azure.put(later)
    world.clock.advance(3600)
    sweep(world.deps())
    world.drain(60)
    (alert,) = world.open_alerts(policy)
    assert alert.count == 1
    return alert


@pytest.mark.field(
    "commands",
    "An open alert prints what works now: where there is room for no other diagnostic setting any more, one "
    "goes before.",
    source="https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings",
    date="2026-11-29",
)
def test_the_commands_of_an_open_alert_follow_the_situation() -> None:
    five = tuple(DiagnosticSetting(name=f"s{number}") for number in range(5))
    alert = alert_after(DIAGNOSTICS, replace(DRIFTED, diagnostic_settings=five))
    assert [command.split()[3] for command in alert.commands] == ["delete", "create"]
    assert alert.evidence["whatToDo"][1:] == list(alert.commands)


def test_a_server_that_was_stopped_since_the_alert_opened_is_started_first() -> None:
    alert = alert_after(DEFENDER, replace(DRIFTED, state=ServerState.STOPPED, state_text="Stopped"))
    verbs = [command.split()[3] for command in alert.commands]
    assert verbs == ["start", "advanced-threat-protection-setting"]


def test_each_way_of_a_choice_starts_a_stopped_server_itself() -> None:
    lost = server(
        delegated_subnet=SUBNET, private_endpoints=(), state=ServerState.STOPPED, state_text="Stopped"
    )
    world = World()
    seen_compliant(world, lost)
    (alert,) = world.open_alerts("postgres-subnet-and-dns-zone-inconsistent")
    ((_, other),) = alert.alternatives
    for commands in (alert.commands, other.commands):
        assert [command for command in commands if " start " in command] == [commands[0]]
