"""What policies on a server's own properties share: states, what a person may do, the reach."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.dev.azure_cli import run_script
from shared.model import Aspect, ComplianceState, ServerSnapshot, ServerState, Severity, Snapshot
from shared.model.parts import Availability, DiagnosticSetting, Health, Replication
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import bound, examples
from shared.posture.server_findings import (
    az,
    is_replica,
    plainly,
    switched,
    unread,
    unsaid,
    wrong_names,
    wrong_switch,
)
from shared.posture.server_steps import az_restore
from shared.posture.unread import connections_missing
from tests.builders import SERVER, server
from tests.fakes import SUBSCRIPTION
from tests.policies.stored import stored
from tests.policies.told import every_command, filled


def stopped(text: str = "Stopped") -> ServerSnapshot:
    return server(state=ServerState.STOPPED, state_text=text)


def test_a_finding_holds_the_facts_and_the_remedy() -> None:
    judged = drifted("it is off", fingerprint="x=off", what_to_do="az on")
    found = finding("some-policy", Severity.LOW, server(), judged, {"x": "off"})
    assert (found.state, found.reason, found.fingerprint) == (
        ComplianceState.NON_COMPLIANT,
        "it is off",
        "x=off",
    )
    assert (found.policy, found.severity, found.resource_id) == ("some-policy", Severity.LOW, SERVER)
    assert found.evidence == {"x": "off", "whatToDo": "az on"}


@pytest.mark.parametrize("judged", [compliant("fine"), beside_the_point("not asked"), unsaid(server(), "x")])
def test_only_a_drift_has_a_fingerprint_and_something_to_do(judged: Judged) -> None:
    found = finding("some-policy", Severity.LOW, server(), judged, {})
    assert found.fingerprint == ""
    assert "whatToDo" not in found.evidence


def test_what_a_policy_has_nothing_to_say_about_is_no_baseline() -> None:
    assert compliant("fine").applies
    assert not beside_the_point("not asked").applies


def test_an_absent_field_and_one_that_means_nothing_are_told_apart() -> None:
    assert unsaid(server(), "mode").reason == "the server does not say mode"
    odd = server(odd_fields={"mode": "mode is 7, which is no text"})
    assert unsaid(odd, "mode").reason == "mode is 7, which is no text, and cannot be judged"
    assert connections_missing(server()) == "the server does not say privateEndpointConnections"
    assert unsaid(server(), "mode", "Odd").reason == "mode is 'Odd', which cannot be judged"
    assert unsaid(server(), "mode").state is ComplianceState.UNKNOWN


@pytest.mark.parametrize("text", ["Stopped", "STOPPED", "Disabled"])
def test_what_a_stopped_server_does_not_show_waits_until_it_runs(text: str) -> None:
    judged = unsaid(stopped(text), "mode")
    assert judged.state is ComplianceState.UNKNOWN
    assert judged.reason.endswith(f"; the server is {text.lower()}: this waits until it runs")


def test_a_part_that_was_refused_is_unknown_with_the_reason() -> None:
    refused = replace(server(), unread={Aspect.THREAT_PROTECTION: "our identity may not perform a/b/read"})
    assert unread(refused, Aspect.THREAT_PROTECTION).reason == (
        "the threat protection settings could not be read: our identity may not perform a/b/read"
    )


def test_commands_name_the_subscription_the_group_and_the_server() -> None:
    assert az(server(), "update", "--backup-retention 14") == (
        f"az postgres flexible-server update --subscription {SUBSCRIPTION} --resource-group data"
        " --name orders --backup-retention 14"
    )
    assert "--server-name orders" in az(server(), "identity update", "", name="--server-name")


def test_a_command_keeps_an_odd_group_in_one_word() -> None:
    odd = replace(server(), id=ResourceId(str(SERVER).replace("/data/", "/data (old)/")))
    for command in (az(odd, "update", "--x y"), az_restore(odd.id, "--x y")):
        words = shlex.split(command)
        assert words[words.index("--resource-group") + 1] == "data (old)"
        assert words[-2:] == ["--x", "y"]
    assert shlex.split(az_restore(odd.id, ""))[-1] == str(odd.id)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("AsyncReplica", True),
        ("geoasyncreplica", True),
        ("Replica", True),
        ("Primary", False),
        ("None", False),
        ("", False),
    ],
)
def test_a_replica_is_known_by_its_role(role: str, expected: bool) -> None:
    assert is_replica(server(replication=Replication(role=role))) is expected


def test_switches_are_shown_as_arm_spells_them() -> None:
    assert [switched(one) for one in (True, False, None)] == ["Enabled", "Disabled", None]


@pytest.mark.parametrize("wrong", [None, "true", 1, 0])
def test_a_switch_is_true_or_false(wrong: Any) -> None:
    assert wrong_switch(wrong) == "true or false"
    assert wrong_switch(False) is wrong_switch(True) is None


@pytest.mark.parametrize("wrong", [None, "a", [1], [""], [" "], {"a": 1}])
def test_names_are_a_list_of_texts(wrong: Any) -> None:
    assert wrong_names(wrong) == "a list of names"
    assert wrong_names(["a", "b"]) is wrong_names([]) is None


def test_names_are_compared_without_case_and_blanks() -> None:
    assert plainly([" SystemAssigned", "USERASSIGNED "]) == {"systemassigned", "userassigned"}


# --- as azure-cli understands them -----------------------------------------------------------------


LOGIN = "Please run 'az login' to setup account."
"""Where azure-cli asks Azure for a region: after it has parsed everything."""


def commands() -> list[str]:
    """The commands that the findings on all stored drifts tell a person to run."""
    found = (
        bound(policy, examples(policy)).evaluate(snapshot).evidence
        for policy in discover()
        for kind in sorted(policy.targets)
        for snapshot in situations(stored(policy.id, kind, "drifted"))
    )
    return sorted({filled(step) for evidence in found for step in every_command(evidence)})


def situations(drifted: Snapshot) -> Iterator[Snapshot]:
    """A stored drift, and what leads a server's policies to other commands."""
    yield drifted
    if isinstance(drifted, ServerSnapshot):
        five = tuple(DiagnosticSetting(name=f"s{n}") for n in range(5))
        yield replace(drifted, replication=Replication(role="AsyncReplica", source=drifted.id))
        yield replace(drifted, tier="Burstable", diagnostic_settings=five)
        yield replace(
            drifted,
            backup=replace(drifted.backup, geo_redundant=not drifted.backup.geo_redundant),
            encryption=replace(drifted.encryption, customer_key=not drifted.encryption.customer_key),
        )
        full = Health(state="Degraded", summary="read-only")
        for mode, health in (("SameZone", None), ("ZoneRedundant", None), ("ZoneRedundant", full)):
            availability = Availability(mode=mode, state="NotEnabled")
            yield replace(drifted, high_availability=True, availability=availability, health=health)
    else:
        yield replace(drifted, servers=())


def test_every_command_that_a_person_is_told_is_one_line_for_a_shell() -> None:
    told = commands()
    assert len(told) >= 20
    for command in told:
        assert shlex.split(command)[0] == "az"
        assert command.isprintable()


@pytest.mark.az
def test_azure_cli_takes_every_command_that_a_person_is_told() -> None:
    told = commands()
    replies = json.loads(run_script(Path(__file__).parents[1] / "az" / "parse_commands.py", json.dumps(told)))
    refused = [
        (one, reply)
        for one, reply in zip(told, replies, strict=True)
        if not reply["ok"] and LOGIN not in str(reply["error"])
    ]
    assert refused == []
