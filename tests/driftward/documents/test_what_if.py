"""`driftward scan --what-if`: what a deployment leaves is judged; what what-if cannot tell is not known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from local.simulator import seeds
from tests.catalogue.stage import everything_on

PG = seeds.flexible_server_id(name="pg")
RULE = f"{PG}/firewallRules/azure"
NSG, VNET = seeds.nsg_id(name="nsg"), seeds.vnet_id(name="vnet")
AZURE = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}


def change(kind: str, resource: str, *, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "resourceId": resource,
        "changeType": kind,
        "before": before,
        "after": after,
        "delta": None,
        **more,
    }


def server(access: str = "Enabled") -> dict[str, Any]:
    found = seeds.flexible_server(name="pg", public_access=access)
    return {**found, "type": "Microsoft.DBforPostgreSQL/flexibleServers", "apiVersion": "2025-08-01"}


def created() -> dict[str, Any]:
    """As a template has it: what Azure adds is not in it."""
    found = server()
    return {**found, "properties": {key: one for key, one in found["properties"].items() if key != "state"}}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ARM_ENDPOINT", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("all.yaml").write_text(everything_on([]))


def looked(capsys: pytest.CaptureFixture[str], *changes: Any, **more: Any) -> tuple[dict[str, Any], str]:
    document = {"changes": [*changes], "status": "Succeeded", "error": None, **more}
    Path("whatif.json").write_text(json.dumps(document))
    main(["scan", "--what-if", "whatif.json", "--file", "all.yaml", "-o", "json"])
    told = capsys.readouterr()
    return json.loads(told.out), told.err


def states(report: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    found = {one["policy"]: (one["state"], one["reason"]) for one in report["findings"]}
    for target in report["targets"]:
        found |= dict.fromkeys(target["compliant"], ("Compliant", ""))
    return found


def test_what_a_deployment_creates_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    report, _ = looked(capsys, change("Create", PG, after=created()), change("Create", RULE, after=AZURE))
    found = states(report)
    assert found["postgres-public-access-enabled"][0] == "NonCompliant"
    assert found["postgres-firewall-allows-all-azure"][0] == "NonCompliant"
    assert found["postgres-firewall-allows-whole-internet"][0] == "Compliant"
    assert report["unlisted"] == []


def test_az_and_az_rest_are_read_alike(capsys: pytest.CaptureFixture[str]) -> None:
    report, _ = looked(capsys, change("Create", PG, after=created()))
    Path("rest.json").write_text(
        json.dumps(
            {"status": "Succeeded", "properties": {"changes": [change("Create", PG, after=created())]}}
        )
    )
    main(["scan", "--what-if", "rest.json", "--file", "all.yaml", "-o", "json"])
    assert json.loads(capsys.readouterr().out)["findings"] == report["findings"]


def test_what_is_changed_is_judged_as_it_will_be_and_its_other_rules_are_not_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report, _ = looked(
        capsys,
        change("Modify", PG, before=server("Disabled"), after=server("Enabled")),
        change("Create", RULE, after=AZURE),
    )
    found = states(report)
    assert found["postgres-public-access-enabled"][0] == "NonCompliant"
    assert found["postgres-firewall-allows-all-azure"][0] == "NonCompliant"
    assert found["postgres-firewall-covers-whole-internet-in-pieces"][0] == "Unknown"


@pytest.mark.parametrize("kind", ["NoChange", "Ignore"])
def test_what_stays_is_judged_as_it_is(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    report, _ = looked(capsys, change(kind, PG, before=server(), after=server("Disabled")))
    found = states(report)
    assert found["postgres-public-access-enabled"][0] == "NonCompliant"
    state, reason = found["postgres-firewall-allows-all-azure"]
    assert state == "Unknown"
    assert "pg was there before" in reason


def test_what_is_deleted_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    report, _ = looked(capsys, change("Delete", PG, before=server()))
    assert report["counts"]["targets"] == 0


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (change("Unsupported", PG, unsupportedReason="reference() is not evaluated"), "reference() is not"),
        (change("Deploy", PG), "its change is Deploy"),
    ],
    ids=["unsupported", "deploy"],
)
def test_a_server_that_what_if_cannot_tell_is_not_known(
    odd: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report, _ = looked(capsys, odd)
    (target,) = report["targets"]
    assert said in target["error"]
    assert {one["state"] for one in report["findings"]} == {"Unknown"}


def test_a_rule_that_what_if_cannot_tell_leaves_the_rules_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    report, _ = looked(
        capsys,
        change("Create", PG, after=created()),
        change("Unsupported", RULE, unsupportedReason="the name is an expression"),
    )
    state, reason = states(report)["postgres-firewall-allows-all-azure"]
    assert state == "Unknown"
    assert "the name is an expression" in reason


def test_what_may_change_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    kept = change("NoChange", PG, before=server())
    report, _ = looked(capsys, kept, potentialChanges=[change("Modify", PG)])
    assert "may be changed by the deployment" in report["targets"][0]["error"]


def test_an_expression_is_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    address = "[reference('ip').ipAddress]"
    open_to = {"properties": {"startIpAddress": address, "endIpAddress": address}}
    report, _ = looked(capsys, change("Create", PG, after=created()), change("Create", RULE, after=open_to))
    state, reason = states(report)["postgres-firewall-allows-all-azure"]
    assert state == "Unknown"
    assert "[reference('ip').ipAddress]" in reason


def test_networks_are_joined_to_what_stands_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    deny = {"name": "deny-all", "properties": seeds.security_rule(name="d", priority=100)["properties"]}
    subnet = seeds.subnet(name="db", nsg=NSG)
    inside = seeds.flexible_server(name="pg", public_access="Disabled", delegated_subnet=f"{VNET}/subnets/db")
    report, _ = looked(
        capsys,
        change("Create", NSG, after=seeds.nsg(name="nsg")),
        change("Create", f"{NSG}/securityRules/deny-all", after=deny),
        change("Create", VNET, after=seeds.vnet(name="vnet", subnets=[subnet])),
        change("Create", PG, after=inside),
    )
    assert report["counts"]["targets"] == 2
    assert states(report)["nsg-blocks-postgres-in-subnet"][0] == "NonCompliant"


def test_what_has_no_address_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = looked(
        capsys,
        change("Unsupported", "[resourceId('a', 'b')]"),
        change("NoChange", PG, before=server()),
        error={"code": "Failed"},
    )
    assert "whatif.json: what would become of \"[resourceId('a', 'b')]\" cannot be told" in told
    assert "whatif.json: what-if failed (Failed)" in told


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"changes": {}}'])
def test_what_is_no_what_if_is_refused_by_name(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("whatif.json").write_text(text)
    assert main(["scan", "--what-if", "whatif.json"]) == 2
    assert capsys.readouterr().err.startswith("whatif.json: no ")


@pytest.mark.parametrize("order", [1, -1])
def test_a_resource_that_two_deployments_leave_not_alike_is_not_known(
    order: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever of them stands first."""
    opened = change("Modify", PG, before=server(), after=server("Enabled"))
    shut = change("NoChange", PG, before=server("Disabled"), after=server("Disabled"))
    report, _ = looked(capsys, *[opened, shut][::order])
    state, reason = states(report)["postgres-public-access-enabled"]
    assert state == "Unknown"
    assert "more than once, and not alike" in reason
    report, _ = looked(capsys, shut, shut)
    assert states(report)["postgres-public-access-enabled"][0] == "Compliant"


def test_properties_that_are_an_expression_are_no_group_without_rules(
    capsys: pytest.CaptureFixture[str],
) -> None:
    network = seeds.vnet(name="vnet", subnets=[seeds.subnet(name="db", nsg=NSG)])
    group = {"id": NSG, "name": "nsg", "properties": "[parameters('nsg')]"}
    report, _ = looked(capsys, change("Create", VNET, after=network), change("Create", NSG, after=group))
    state, reason = states(report)["nsg-exposes-postgres-to-internet"]
    assert state == "Unknown"
    assert "an expression that only the deployment resolves" in reason


@pytest.mark.parametrize("held", ["[parameters('v')]", {"subnets": "[variables('s')]"}])
def test_a_network_whose_subnets_are_an_expression_is_not_listed_whole(
    held: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    network = {"id": VNET, "name": "vnet", "properties": held}
    shut = server("Disabled")
    report, _ = looked(capsys, change("Create", VNET, after=network), change("Create", PG, after=shut))
    (unlisted,) = report["unlisted"]
    assert "virtualnetworks" in unlisted["reason"]
