"""Traps seen in real traffic, played through the simulator and the real clients.

Each is something that a tool of this kind got wrong in public: spellings, absent fields, further pages, names
that change, parameters that cannot be written. What the simulator holds afterwards decides.
"""

from __future__ import annotations

from typing import Any

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import ComplianceState, Outcome, Reason, Target, TargetKind
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.resource_id import ResourceId
from tests.catalogue.scenario import delete, patch, put
from tests.catalogue.stage import Play, Stage

ALL_AZURE = "postgres-firewall-allows-all-azure"
PUBLIC = "postgres-public-access-enabled"
CHECKPOINTS = "postgres-log-checkpoints-off"
THROTTLING = "postgres-connection-throttling-off"
ANY_AZURE_ADDRESS: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}
OFF: JsonObject = {"properties": {"value": "off"}}


def only(*policies: str) -> str:
    on = "\n".join(f"  {policy}: {{effect: revert}}" for policy in policies)
    return f"version: 1\ndefaults: {{effect: 'off'}}\npolicies:\n{on}\n"


def server(name: str) -> str:
    return seeds.flexible_server_id(name=name)


def seen(stage: Stage, name: str, policy: str, *more: JsonObject, **parts: Any) -> Play:
    """A play on a flexible server that has been found compliant."""
    bodies = (seeds.flexible_server(name=name, **parts), *more)
    play = stage.play_on(bodies, only(policy), ResourceId(server(name)))
    play.sweep()
    return play


def alert_of(play: Play, policy: str) -> AlertRecord:
    alert = play.alert(Target(kind=TargetKind.FLEXIBLE_SERVER, id=play.resource), policy)
    assert alert is not None, play.lines
    return alert


def rules(play: Play) -> set[str]:
    return {one.rsplit("/", 1)[1] for one in play.state() if "/firewallrules/" in one}


def office(name: str) -> JsonObject:
    return seeds.firewall_rule(server=server(name), name="office", start="198.51.100.7")


def test_the_spelling_of_provider_and_group_does_not_matter(stage: Stage) -> None:
    play = seen(stage, "spelled", ALL_AZURE, office("spelled"))
    spelled = server("spelled").replace("resourceGroups", "resourcegroups")
    spelled = spelled.replace("Microsoft.DBforPostgreSQL", "Microsoft.DBForPostgreSql").upper()
    play.drift([put(f"{spelled}/FIREWALLRULES/any", ANY_AZURE_ADDRESS)])
    play.wait()
    assert play.change(ALL_AZURE, Outcome.REVERTED) is not None, play.lines
    assert rules(play) == {"office"}


def test_public_access_that_is_not_said_is_unknown_and_nothing_is_written(stage: Stage) -> None:
    play = seen(stage, "silent", PUBLIC, properties={"network": {"publicNetworkAccess": None}})
    found = play.findings()[PUBLIC]
    assert (found.state, found.reason) == (ComplianceState.UNKNOWN, "publicNetworkAccess is absent")
    assert play.our_writes() == []


def test_a_write_of_tags_makes_us_look_at_the_tagged_server(stage: Stage) -> None:
    play = seen(stage, "tagged", ALL_AZURE)
    looked = play.last_call()
    tags: JsonObject = {"properties": {"tags": {"team": "orders"}}}
    play.drift([put(f"{server('tagged')}/providers/Microsoft.Resources/tags/default", tags)])
    play.wait()
    assert [call["path"] for call in play.our_calls(looked) if str(call["path"]).endswith("/tagged")]


def test_a_rule_on_a_further_page_is_found_and_deleted(stage: Stage) -> None:
    play = seen(stage, "paged", ALL_AZURE, office("paged"))
    stage.azure.switches(page_size=1)
    for name in ("partner", "warehouse"):
        play.drift([put(f"{server('paged')}/firewallRules/{name}", seeds_range(name))])
    play.drift([put(f"{server('paged')}/firewallRules/last", ANY_AZURE_ADDRESS)])
    play.wait()
    assert rules(play) == {"office", "partner", "warehouse"}


def seeds_range(name: str) -> JsonObject:
    address = {"partner": "203.0.113.9", "warehouse": "203.0.113.77"}[name]
    return {"properties": {"startIpAddress": address, "endIpAddress": address}}


def test_a_rule_that_comes_back_under_other_names_is_the_same_drift(stage: Stage) -> None:
    """What comes back three times a day is told, and reverted all the same."""
    play = seen(stage, "renamed", ALL_AZURE, office("renamed"))
    for name in ("one", "two", "three"):
        play.drift([put(f"{server('renamed')}/firewallRules/{name}", ANY_AZURE_ADDRESS)])
        play.wait()
        assert rules(play) == {"office"}, name
    play.drift([put(f"{server('renamed')}/firewallRules/four", ANY_AZURE_ADDRESS)])
    assert rules(play) == {"office", "four"}
    play.wait()
    assert rules(play) == {"office"}
    assert alert_of(play, ALL_AZURE).status is AlertStatus.OPEN


def test_a_rule_of_the_expected_name_for_another_range_is_left_alone(stage: Stage) -> None:
    play = seen(stage, "namesake", ALL_AZURE)
    play.drift([put(f"{server('namesake')}/firewallRules/AllowAllAzureIps", seeds_range("partner"))])
    play.wait()
    assert rules(play) == {"allowallazureips"}
    assert play.our_writes() == []


def test_a_parameter_that_needs_a_restart_is_an_alert_that_names_the_restart(stage: Stage) -> None:
    name = "restarting"
    parameter = seeds.parameter(
        server=server(name), name="log_checkpoints", value="on", fields={"isDynamicConfig": False}
    )
    play = seen(stage, name, CHECKPOINTS, parameter)
    play.drift([patch(f"{server(name)}/configurations/log_checkpoints", OFF)])
    play.wait()
    alert = alert_of(play, CHECKPOINTS)
    assert alert.decision.reason is Reason.NO_PLAN
    assert "restart" in alert.reason
    assert play.our_writes() == []


def test_a_parameter_that_cannot_be_written_is_an_alert_and_no_write(stage: Stage) -> None:
    name = "fixed"
    parameter = seeds.parameter(
        server=server(name), name="log_checkpoints", value="off", fields={"isReadOnly": True}
    )
    play = seen(stage, name, CHECKPOINTS, parameter)
    assert "does not let it be written" in alert_of(play, CHECKPOINTS).reason
    assert play.our_writes() == []


def test_throttling_is_not_asked_of_a_version_that_dropped_it(stage: Stage) -> None:
    play = seen(stage, "modern", THROTTLING, properties={"version": "16"})
    found = play.findings()[THROTTLING]
    assert (found.state, found.applies) == (ComplianceState.COMPLIANT, False)


def test_a_stopped_server_is_not_written_and_is_judged_again_when_it_starts(stage: Stage) -> None:
    name = "stopped"
    play = seen(stage, name, ALL_AZURE, office(name))
    play.drift([put(f"{server(name)}/firewallRules/any", ANY_AZURE_ADDRESS)])
    stage.azure.post(f"{server(name)}/stop")
    play.wait()
    assert play.our_writes() == []
    stage.azure.post(f"{server(name)}/start")
    play.wait()
    assert rules(play) == {"office"}, play.lines


def test_a_rule_that_somebody_deletes_first_is_no_failure(stage: Stage) -> None:
    name = "faster"
    play = seen(stage, name, ALL_AZURE, office(name))
    play.drift([put(f"{server(name)}/firewallRules/any", ANY_AZURE_ADDRESS)])
    play.drift([delete(f"{server(name)}/firewallRules/any")])
    play.wait()
    assert play.our_writes() == []
    assert play.findings()[ALL_AZURE].state is ComplianceState.COMPLIANT
