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
BEYOND_A_PLAN = {
    *("postgres-threat-protection-off", "postgres-connection-throttling-off"),
    *("postgres-log-checkpoints-off", "postgres-log-connections-off", "postgres-log-disconnections-off"),
    *("postgres-log-duration-off", "postgres-log-retention-short", "postgres-pgaudit-not-set"),
    *("postgres-tls-not-required", "postgres-tls-version-too-low", "postgres-password-encryption-not-scram"),
    *("postgres-extensions-beyond-allow-list",),
}
"""Parameters that a plan does not set have Azure's defaults of a version; no azurerm resource of a server has
threat protection. Nobody plans security admin rules or locks of others."""


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
