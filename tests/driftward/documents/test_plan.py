"""`driftward scan --plan`: a plan is judged as Azure is once it was applied; what it lacks is not known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from driftward.cli import main
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from tests.catalogue.stage import everything_on
from tests.driftward.documents.planned import CASES, SUB

Verdicts: TypeAlias = dict[tuple[str, str], tuple[str, str]]
"""Of each target and policy: the state and the reason."""


def verdicts(report: dict[str, Any]) -> Verdicts:
    found = {
        (one["target"].lower(), one["policy"]): (one["state"], one["reason"]) for one in report["findings"]
    }
    for target in report["targets"]:
        found |= {(target["id"].lower(), one): ("Compliant", "") for one in target["compliant"]}
    return found


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ARM_ENDPOINT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.yaml").write_text(everything_on([]))


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Every plan's resources, applied."""
    with SimulatorServer() as server:
        SimulatorClient(server.url).seed(
            [one for name, case in CASES.items() for one in case.resources(name)]
        )
        yield server


def planned(name: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any], str]:
    Path("tfplan.json").write_text(json.dumps(CASES[name].document(name)))
    code = main(["scan", "--plan", "tfplan.json", "--file", "all.yaml", "-o", "json", *options])
    told = capsys.readouterr()
    return code, json.loads(told.out), told.err


@pytest.mark.parametrize("name", CASES)
def test_a_plan_is_found_as_azure_is_once_it_was_applied(
    name: str,
    simulator: SimulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, report, _ = planned(name, capsys)
    by_plan = verdicts(report)
    monkeypatch.setenv("ARM_ENDPOINT", simulator.url)
    scope = f"/subscriptions/{SUB}/resourceGroups/rg-{name}"
    main(["scan", "--scope", scope, "--file", "all.yaml", "-o", "json"])
    by_azure = verdicts(json.loads(capsys.readouterr().out))
    assert {target for target, _ in by_plan} == {target for target, _ in by_azure}
    differing = {
        key: (by_plan.get(key), by_azure.get(key))
        for key in by_plan.keys() | by_azure.keys()
        if by_plan.get(key, ("", ""))[0] not in {"Unknown", by_azure.get(key, ("", ""))[0]}
    }
    assert differing == {}
    case = CASES[name]
    drifts = {policy for (_, policy), (state, _) in by_plan.items() if state == "NonCompliant"}
    assert drifts >= {*case.wrong}
    for policy, reason in case.unknown.items():
        told = [said for (_, one), (state, said) in by_plan.items() if one == policy and state == "Unknown"]
        assert any(reason in said for said in told), (policy, told)


def origin(report: dict[str, Any], policy: str) -> dict[str, Any]:
    (found,) = (one for one in report["findings"] if one["policy"] == policy)
    said: dict[str, Any] = found["origin"]
    return said


@pytest.mark.parametrize(
    ("name", "policy", "address"),
    [
        ("flat", "postgres-public-access-enabled", "azurerm_postgresql_flexible_server.pg"),
        (
            "for-each",
            "postgres-firewall-allows-whole-internet",
            'azurerm_postgresql_flexible_server_firewall_rule.all["pg"]',
        ),
        ("standalone-rules", "nsg-without-final-deny", "azurerm_network_security_group.n"),
        ("modules", "nsg-blocks-postgres-in-subnet", "module.net.azurerm_network_security_group.n"),
        ("azapi", "postgres-firewall-allows-all-azure", "azapi_resource.rule"),
    ],
)
def test_a_finding_names_the_terraform_address_that_it_comes_from(
    name: str, policy: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report, _ = planned(name, capsys)
    assert origin(report, policy)["address"] == address


def test_every_form_names_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    forms = [word for form in ("sarif", "csv", "json", "junit", "markdown") for word in ("-o", form)]
    Path("tfplan.json").write_text(json.dumps(CASES["flat"].document("flat")))
    assert main(["scan", "--plan", "tfplan.json", "--out", "results", *forms]) == 1
    for path in Path("results").iterdir():
        assert "azurerm_postgresql_flexible_server_firewall_rule.azure" in path.read_text()
    assert main(["scan", "--plan", "tfplan.json"]) == 1
    assert "    azurerm_postgresql_flexible_server_firewall_rule.azure" in capsys.readouterr().out


def test_what_is_sensitive_is_shown_nowhere_and_judged_by_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = {"administrator_password": "hunter-2-secret", "start_ip_address": "203.0.113.77"}
    document = CASES["flat"].document("flat")
    for change in document["resource_changes"]:
        held = [one for one in secrets if one in change["change"]["after"] or "pg" in change["name"]]
        change["change"]["after"] |= {name: secrets[name] for name in held}
        change["change"]["after_sensitive"] = dict.fromkeys(held, True)
    Path("tfplan.json").write_text(json.dumps(document))
    forms = ("table", "json", "csv", "ocsf", "sarif", "junit", "markdown")
    options = [word for form in forms for word in ("-o", form)]
    main(["scan", "--plan", "tfplan.json", "--out", "results", *options])
    told = capsys.readouterr()
    written = [told.out, told.err, *(path.read_text() for path in Path("results").iterdir())]
    assert len(written) == 8
    assert not [text for text in written for secret in secrets.values() if secret in text]
    assert "(sensitive: azurerm_postgresql_flexible_server_firewall_rule.azure.start_ip_address)" in told.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "no plan as `terraform show -json` writes it"),
        ('{"format_version": "1.0", "values": {}}', "no plan as"),
        ('{"format_version": "2.0", "planned_values": {}}', "format_version 2.0 is not known"),
    ],
    ids=["empty", "list", "state", "newer"],
)
def test_what_is_no_plan_is_refused_by_name(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tfplan.json").write_text(text)
    assert main(["scan", "--plan", "tfplan.json"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("tfplan.json: ")
    assert said in told


def test_a_plan_and_an_export_are_not_looked_at_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--plan", "tfplan.json", "--from-export", "export"]) == 2
    assert "--from-export and --plan" in capsys.readouterr().err


def test_a_plan_without_servers_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tfplan.json").write_text('{"format_version": "1.2", "planned_values": {"root_module": {}}}')
    assert main(["scan", "--plan", "tfplan.json", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["targets"] == 0


def test_what_terraform_left_out_of_a_plan_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    document = CASES["flat"].document("flat") | {"errored": True, "complete": False}
    Path("tfplan.json").write_text(json.dumps(document))
    main(["scan", "--plan", "tfplan.json"])
    told = capsys.readouterr().err
    assert "tfplan.json: Terraform could not plan everything" in told
    assert "tfplan.json: the plan is not complete" in told


def test_what_only_the_state_counts_is_judged_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that a targeted plan leaves alone stands in the state, and in no change."""
    document = CASES["known-before"].document("known-before")
    server = document["resource_changes"].pop(0)
    held = {name: server[name] for name in ("address", "mode", "type", "name")}
    held["values"] = server["change"]["after"]
    document["prior_state"]["values"]["root_module"] = {"resources": [held]}
    Path("tfplan.json").write_text(json.dumps(document))
    assert main(["scan", "--plan", "tfplan.json", "-o", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert origin(report, "postgres-public-access-enabled")["address"] == held["address"]


def subnet_there(*, shown: bool, left: bool = False) -> dict[str, Any]:
    """A subnet that was there before, whose NSG is none of the plan's affair, or is taken from it."""
    document = CASES["inline-rules"].document("inline-rules")
    network, subnet, _, association, server = document["resource_changes"]
    place = f"/subscriptions/{SUB}/resourceGroups/rg-inline-rules/providers/Microsoft.Network"
    before = {
        "azurerm_virtual_network": {"id": f"{place}/virtualNetworks/vnet"},
        "azurerm_subnet": {"id": f"{place}/virtualNetworks/vnet/subnets/db"},
    }
    group = f"{place}/networkSecurityGroups/nsg"
    inline = {"name": "db", "address_prefixes": ["10.20.1.0/24"], "security_group": group}
    for change in (network, subnet):
        held = {**change["change"]["after"], **before[change["type"]]}
        held |= {"subnet": [inline]} if shown and change is network else {}
        change["change"] = {"actions": ["no-op"], "before": held, "after": held, "after_unknown": {}}
    gone = {"subnet_id": before["azurerm_subnet"]["id"], "network_security_group_id": group}
    association["change"] = {"actions": ["delete"], "before": gone, "after": None, "after_unknown": False}
    document["resource_changes"] = [network, subnet, server, *([association] if left else [])]
    return document


@pytest.mark.parametrize(
    ("shown", "left", "state", "reason"),
    [
        (False, False, "Unknown", "what a subnet had before the plan is not in it"),
        (True, False, "Unknown", "the plan holds no networkSecurityGroups nsg"),
        (False, True, "NonCompliant", "the subnet has no NSG"),
    ],
    ids=["not-shown", "shown", "taken-away"],
)
def test_the_nsg_of_a_subnet_that_was_there_before_is_not_taken_for_none(
    shown: bool, left: bool, state: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tfplan.json").write_text(json.dumps(subnet_there(shown=shown, left=left)))
    main(["scan", "--plan", "tfplan.json", "--file", "all.yaml", "-o", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    (missing,) = (one for one in found if one["policy"] == "nsg-missing-on-postgres-subnet")
    assert missing["state"] == state
    assert reason in missing["reason"]


@pytest.mark.parametrize("hidden", ["name", "resource_group_name", "location"])
def test_a_server_whose_name_is_known_after_apply_is_judged_by_its_address(
    hidden: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = CASES["flat"].document("flat")
    change = document["resource_changes"][0]["change"]
    del change["after"][hidden]
    change["after_unknown"][hidden] = True
    Path("tfplan.json").write_text(json.dumps(document))
    assert main(["scan", "--plan", "tfplan.json", "-o", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (
        origin(report, "postgres-public-access-enabled")["address"] == "azurerm_postgresql_flexible_server.pg"
    )
    rule = "azurerm_postgresql_flexible_server_firewall_rule.azure"
    assert origin(report, "postgres-firewall-allows-all-azure")["address"] == rule


def test_a_plan_that_names_no_subscription_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    document = CASES["flat"].document("flat")
    document["configuration"]["provider_config"]["azurerm"]["expressions"] = {}
    Path("tfplan.json").write_text(json.dumps(document))
    assert main(["scan", "--plan", "tfplan.json"]) == 1
    assert "the plan does not say which subscription" in capsys.readouterr().err
    expression = {"subscription_id": {"references": ["var.subscription"]}}
    document["configuration"]["provider_config"]["azurerm"]["expressions"] = expression
    document["variables"] = {"subscription": {"value": SUB}}
    Path("tfplan.json").write_text(json.dumps(document))
    assert main(["scan", "--plan", "tfplan.json", "-o", "json"]) == 1
    told = capsys.readouterr()
    assert "which subscription" not in told.err
    assert {one["id"].split("/")[2] for one in json.loads(told.out)["targets"]} == {SUB}


def test_of_the_parameters_that_a_plan_sets_each_is_judged_and_the_others_are_not_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = CASES["flat"].document("flat")
    rule = plan["resource_changes"][1]
    root = plan["configuration"]["root_module"]["resources"]
    kind = "azurerm_postgresql_flexible_server_configuration"
    for label, name, value in (
        ("log", "log_connections", "off"),
        ("slow", "connection_throttle.enable", "on"),
    ):
        change = {**rule["change"], "after": {"name": name, "value": value}}
        change["after_unknown"] = {"id": True, "server_id": True}
        called = {"address": f"{kind}.{label}", "type": kind, "name": label}
        plan["resource_changes"].append({**rule, **called, "change": change})
        root.append({**root[1], **called})
    Path("tfplan.json").write_text(json.dumps(plan))
    main(["scan", "--plan", "tfplan.json", "--file", "all.yaml", "-o", "json"])
    report = json.loads(capsys.readouterr().out)
    found = {policy: said for (_, policy), said in verdicts(report).items()}
    assert found["postgres-log-connections-off"][0] == "NonCompliant"
    assert found["postgres-connection-throttling-off"] == ("Compliant", "")
    state, reason = found["postgres-log-duration-off"]
    assert state == "Unknown"
    assert "what is not set has a default of Azure's" in reason
    assert origin(report, "postgres-log-connections-off")["address"] == f"{kind}.log"
