"""`driftward scan --from-export`: what az wrote is judged as Azure is, and what it lacks is not known."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from driftward.scanning.documents.script import SCRIPT
from local.demo.world import resources
from local.dev.environments import ROOT
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from tests.catalogue.stage import everything_on
from tests.driftward.documents.exporting import TOP, Document, documents, lifted, write

SUBSCRIPTION = seeds.SUBSCRIPTION
BARE = seeds.flexible_server_id(name="pg-bare")
SHUT = seeds.flexible_server_id(name="pg-shut")
SUBNET = seeds.subnet_id(name="db", vnet="vnet-bare")
ESTATE = (
    *resources(),
    seeds.flexible_server(name="pg-bare"),
    seeds.firewall_rule(server=BARE, name="all", start="0.0.0.0", end="255.255.255.255"),
    seeds.flexible_server(name="pg-shut", public_access="Disabled"),
    seeds.single_server(name="pg-old"),
    seeds.flexible_server(name="pg-within", delegated_subnet=SUBNET),
    seeds.nsg(name="nsg-bare", rules=[seeds.security_rule(name="deny-all", priority=100)]),
    seeds.vnet(name="vnet-bare", subnets=[seeds.subnet(name="db", nsg=seeds.nsg_id(name="nsg-bare"))]),
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer() as server:
        SimulatorClient(server.url).seed([*ESTATE])
        yield server


@pytest.fixture(scope="module")
def shown(simulator: SimulatorServer) -> list[Document]:
    """Everything that the simulator shows, as ARM has it."""
    return list(documents(SimulatorClient(simulator.url), SUBSCRIPTION))


@pytest.fixture(scope="module")
def few(shown: list[Document]) -> list[Document]:
    """The same of three servers and a network."""
    kept = ("/pg-bare", "/pg-shut", "/pg-within", "/vnet-bare", "/nsg-bare")
    found = []
    for address, document in shown:
        if address.endswith(TOP):
            items = [one for one in document["value"] if str(one["id"]).endswith(kept)]
            found.append((address, {**document, "value": items}))
        elif address == "tags" or any(f"{name}/" in address for name in kept):
            found.append((address, document))
    return found


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ARM_ENDPOINT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.yaml").write_text(everything_on([]))


def scan(*options: str) -> int:
    """With every policy on."""
    return main(["scan", "--file", "all.yaml", "-o", "json", *options])


def answered(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def of(report: dict[str, Any], target: str) -> dict[str, dict[str, Any]]:
    """What is not compliant of a target, by its policy."""
    return {one["policy"]: one for one in report["findings"] if one["target"].lower() == target.lower()}


def without_commands(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Commands name the address of the ARM that was asked."""
    return [{**one, "commands": len(one["commands"])} for one in report["findings"]]


@pytest.mark.parametrize("shape", [None, lifted], ids=["as-arm-has-it", "lifted"])
def test_what_az_wrote_is_found_as_azure_is(
    shape: Callable[[Any], Any] | None,
    simulator: SimulatorServer,
    shown: list[Document],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "export", shown if shape is None else shape(shown))
    assert scan("--from-export", "export") == 1
    by_export = answered(capsys)
    monkeypatch.setenv("ARM_ENDPOINT", simulator.url)
    assert scan("--subscription", SUBSCRIPTION) == 1
    by_scan = answered(capsys)
    assert without_commands(by_export) == without_commands(by_scan)
    assert by_export["targets"] == by_scan["targets"]
    assert by_export["unlisted"] == []
    assert len(by_export["findings"]) > 50


@pytest.mark.parametrize(
    ("left_out", "target", "policy", "reason"),
    [
        (
            f"{BARE}/firewallRules",
            BARE,
            "postgres-firewall-allows-whole-internet",
            "the export holds no firewallRules of pg-bare",
        ),
        (
            f"{BARE}/configurations",
            BARE,
            "postgres-log-connections-off",
            "the export holds no configurations of pg-bare",
        ),
        (
            f"{BARE}/providers/Microsoft.Insights/diagnosticSettings",
            BARE,
            "postgres-diagnostic-settings-missing",
            "the export holds no diagnosticSettings of pg-bare",
        ),
        (
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/networkSecurityGroups",
            SUBNET,
            "nsg-without-final-deny",
            "the export holds no networkSecurityGroups nsg-bare",
        ),
        (
            f"{seeds.flexible_server_id(name='pg-within')}/firewallRules",
            seeds.flexible_server_id(name="pg-within"),
            "postgres-firewall-rules-on-vnet-integrated",
            "the export holds no firewallRules of pg-within",
        ),
    ],
    ids=["firewall", "parameters", "diagnostics", "groups", "firewall-within"],
)
def test_what_an_export_lacks_is_not_known_and_everything_else_is(
    left_out: str,
    target: str,
    policy: str,
    reason: str,
    few: list[Document],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "export", [one for one in few if one[0] != left_out])
    scan("--from-export", "export")
    report = answered(capsys)
    found = of(report, target)[policy]
    assert found["state"] == "Unknown"
    assert reason in found["reason"]
    assert of(report, SHUT)
    assert not any(one["error"] for one in report["targets"])


def test_a_list_of_servers_that_is_missing_is_told_of_the_subscription(
    few: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "export", [one for one in few if not one[0].endswith("flexibleServers")])
    assert main(["scan", "--from-export", "export", "--fail-on", "Critical", "-o", "json"]) == 2
    report = answered(capsys)
    (unlisted,) = report["unlisted"]
    assert unlisted["reason"] == "the export holds no list of all microsoft.dbforpostgresql/flexibleservers"
    assert BARE not in {one["id"] for one in report["targets"]}


def test_an_empty_list_that_does_not_say_of_what_is_not_believed(
    few: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "export", [one for one in few if one[0] != f"{SHUT}/firewallRules"])
    (tmp_path / "export" / "firewall-shut.json").write_text("[]")
    scan("--from-export", "export")
    told = capsys.readouterr()
    assert "firewall-shut.json: an empty list that does not say of what" in told.err
    found = of(json.loads(told.out), SHUT)["postgres-firewall-allows-all-azure"]
    assert found["state"] == "Unknown"


def test_a_file_that_a_failed_command_left_empty_is_named_and_loses_nothing(
    few: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "export", few)
    (tmp_path / "export" / "failed.json").write_text("")
    (tmp_path / "export" / "other.json").write_text('{"name": "no resource"}')
    assert main(["scan", "--from-export", "export"]) == 1
    told = capsys.readouterr().err
    assert "failed.json: no JSON" in told
    assert "other.json: this is no resource: it has no id" in told


@pytest.mark.parametrize("other", [[], [{"id": f"{SHUT}/firewallRules/x", "properties": {}}]])
def test_lists_of_one_thing_that_differ_are_not_believed(
    other: list[Any], few: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that was written twice holds what was there and what is."""
    address = f"{SHUT}/firewallRules"
    write(tmp_path / "export", [*few, (address, {"id": address, "value": other})])
    same = json.loads(json.dumps(next(one for place, one in few if place == address)))
    (tmp_path / "export" / "again.json").write_text(json.dumps(same))
    scan("--from-export", "export")
    told = capsys.readouterr()
    differs = bool(other) != bool(same["value"])
    assert ("lists of" in told.err and "that differ" in told.err) == differs
    found = of(json.loads(told.out), SHUT).get("postgres-firewall-allows-all-azure")
    assert (found is not None and found["state"] == "Unknown") == differs


def test_what_is_no_file_is_named_and_not_read(
    few: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "export", few)
    (tmp_path / "export" / "folder.json").mkdir()
    os.mkfifo(tmp_path / "export" / "pipe.json")
    assert scan("--from-export", "export") == 1
    told = capsys.readouterr().err
    assert "folder.json: this is no file" in told
    assert "pipe.json: this is no file" in told


def test_only_what_lies_in_the_scope_is_looked_at(
    few: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "export", few)
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/nothing"
    assert main(["scan", "--from-export", "export", "--scope", scope, "-o", "json"]) == 0
    assert answered(capsys)["counts"]["targets"] == 0


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (None, "this is no folder"),
        ({}, "no JSON file in it shows a resource of Azure"),
        ({"a.json": "{}"}, "a.json: this is no resource: it has no id"),
    ],
    ids=["no-folder", "empty", "nothing-known"],
)
def test_a_folder_without_an_estate_is_refused_by_name(
    files: dict[str, str] | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if files is not None:
        (tmp_path / "export").mkdir()
        for name, text in files.items():
            (tmp_path / "export" / name).write_text(text)
    assert main(["scan", "--from-export", "export"]) == 2
    told = capsys.readouterr().err
    assert "export: " in told
    assert said in told


def test_documents_are_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--from-export", "export", "--out", "results", "--resume"]) == 2
    assert "--resume goes with Azure" in capsys.readouterr().err


def test_alone_it_prints_the_commands_that_write_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--from-export"]) == 0
    assert capsys.readouterr().out == SCRIPT
    assert SCRIPT in (ROOT / "docs" / "scan.md").read_text(encoding="utf-8")
