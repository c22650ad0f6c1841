"""`driftward scan --management-group`: every subscription below it, and which of them are surely empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer

SECOND = "22222222-2222-4222-8222-222222222222"
EMPTY = "33333333-3333-4333-8333-333333333333"
IDS = "/subscriptions/{}/resourceGroups/rg/providers/{}"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Three subscriptions: two with a server, one with a route table alone."""
    second = seeds.flexible_server(name="second")
    second["id"] = IDS.format(SECOND, "Microsoft.DBforPostgreSQL/flexibleServers/second")
    table: dict[str, Any] = {
        "id": IDS.format(EMPTY, "Microsoft.Network/routeTables/r"),
        "location": "westeurope",
    }
    with SimulatorServer() as server:
        SimulatorClient(server.url).seed([seeds.flexible_server(name="first"), second, table])
        yield server


@pytest.fixture(autouse=True)
def _at_the_simulator(simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARM_ENDPOINT", simulator.url)
    monkeypatch.chdir(tmp_path)


def looked(capsys: pytest.CaptureFixture[str], group: str) -> tuple[int, dict[str, Any]]:
    code = main(["scan", "--management-group", group, "-o", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("group", ["corp", "/providers/Microsoft.Management/managementGroups/corp"])
def test_every_subscription_below_is_looked_at(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = looked(capsys, group)
    assert code == 1
    assert {one["id"].rpartition("/")[2] for one in report["targets"]} == {"first", "second"}
    assert set(report["scopes"]) == {f"/subscriptions/{one}" for one in (seeds.SUBSCRIPTION, SECOND, EMPTY)}


def test_one_that_holds_nothing_is_empty_where_everything_may_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert looked(capsys, "corp")[1]["unlisted"] == []


def test_one_that_may_not_be_read_is_not_taken_for_empty(
    simulator: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    azure = SimulatorClient(simulator.url)
    azure.fault(
        {"status": 403, "code": "AuthorizationFailed"},
        path_contains=f"{EMPTY}/providers/Microsoft.Authorization/permissions",
        times=100,
    )
    try:
        (unlisted,) = looked(capsys, "corp")[1]["unlisted"]
        assert unlisted["scope"] == f"/subscriptions/{EMPTY}"
    finally:
        azure.clear_faults()


def test_one_that_was_named_is_not_taken_for_empty_either(capsys: pytest.CaptureFixture[str]) -> None:
    main(["scan", "--management-group", "corp", "--subscription", EMPTY, "-o", "json"])
    (unlisted,) = json.loads(capsys.readouterr().out)["unlisted"]
    assert unlisted["scope"] == f"/subscriptions/{EMPTY}"


def test_a_group_that_is_none_is_told(simulator: SimulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    azure = SimulatorClient(simulator.url)
    azure.fault({"status": 404, "code": "NotFound"}, path_contains="managementGroups/none", times=1)
    try:
        assert main(["scan", "--management-group", "none"]) == 2
        assert "Azure answered 404" in capsys.readouterr().err
    finally:
        azure.clear_faults()


@pytest.mark.parametrize("group", ["", "a/b", "/subscriptions/x", ".."])
def test_what_is_no_group_is_refused_by_name(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--management-group", group]) == 2
    assert f"--management-group {group}: the id" in capsys.readouterr().err


def test_documents_do_not_tell_what_lies_below_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--management-group", "corp", "--plan", "tfplan.json"]) == 2
    assert "--management-group goes with Azure" in capsys.readouterr().err
