"""`driftward diagnose` as its user runs it, against the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftward.cli import main
from local.dev.environments import ROOT
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer

SERVER = seeds.flexible_server_id(name="shut")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A simulator with a public server that has no firewall rule, and one that has."""
    with SimulatorServer() as server:
        office = seeds.flexible_server_id(name="open")
        SimulatorClient(server.url).seed(
            [
                seeds.flexible_server(name="shut"),
                seeds.flexible_server(name="open"),
                seeds.firewall_rule(server=office, name="office", start="198.51.100.0", end="198.51.100.255"),
            ]
        )
        yield server.url


def diagnose(endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "driftward", "diagnose", *arguments],
        cwd=ROOT,
        env={**os.environ, "ARM_ENDPOINT": endpoint, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_fault_is_told_with_a_fix_that_can_be_copied_whole(endpoint: str) -> None:
    told = diagnose(endpoint, SERVER, "--from", "203.0.113.9")
    assert told.returncode == 1, told.stderr
    assert "Public address 203.0.113.9" in told.stdout
    assert "✗ firewall" in told.stdout
    fix = next(line.strip() for line in told.stdout.splitlines() if line.strip().startswith("az "))
    assert fix.endswith("--end-ip-address 203.0.113.9")


def test_the_answer_for_machines_holds_every_step(endpoint: str) -> None:
    told = json.loads(diagnose(endpoint, SERVER, "--from", "203.0.113.9", "--json").stdout)
    assert (told["server"], told["result"]) == (SERVER, "fault")
    assert [step["stage"] for step in told["steps"]] == ["address", "nsg", "routes", "dns", "firewall"]
    assert [step["result"] for step in told["steps"]] == [*["notConcerned"] * 3, "well", "fault"]
    assert told["steps"][-1]["fix"] == told["clients"][0]["fix"]
    (client,) = told["clients"]
    assert (client["client"], client["state"]) == ("203.0.113.9", "blocked")
    assert client["ways"][0]["resolvesTo"] == ["public"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--from", "198.51.100.9"), 0), (("--from", "azure"), 3), (("--from", "203.0.113.9"), 1), ((), 0)],
)
@pytest.mark.field(
    "ways",
    "`diagnose` exits with 0 only where it connects for sure, and with 3 where that is not known.",
    source="https://learn.microsoft.com/azure/postgresql/network/concepts-networking-private-link",
    date="2026-11-29",
)
def test_the_exit_code_says_whether_it_connects_for_sure(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int
) -> None:
    monkeypatch.setenv("ARM_ENDPOINT", endpoint)
    monkeypatch.setattr("driftward.diagnose.hush", lambda: None)
    assert main(["diagnose", seeds.flexible_server_id(name="open"), *arguments]) == code


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("/subscriptions/x",), "SERVER"),
        ((SERVER, "--from", "198.51.100.0/24"), "--from"),
        ((SERVER, "--from", "nobody"), "--from"),
        ((SERVER, "--from", "203.0.113.9", "--nat", "203.0.113.7"), "--nat"),
        ((SERVER, "--nat", "203.0.113.7"), "--nat"),
        ((SERVER, "--from", "10.0.0.0/8", "--nat", "10.0.0.1"), "--nat"),
        ((seeds.flexible_server_id(name="nobody"),), "was not found"),
    ],
)
def test_unusable_input_is_named_and_exits_with_2(
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    named: str,
) -> None:
    monkeypatch.setenv("ARM_ENDPOINT", endpoint)
    monkeypatch.setattr("driftward.diagnose.hush", lambda: None)
    code, told = main(["diagnose", *arguments]), capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert named in told.err


def test_a_mistake_in_the_policies_file_that_holds_is_told_before_anything_is_read(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "other.yaml"
    wrong.write_text("version: 2\n", encoding="utf-8")
    monkeypatch.setenv("POLICIES_FILE", str(wrong))
    told = diagnose(endpoint, SERVER)
    assert (told.returncode, told.stdout) == (2, "")
    assert "other.yaml" in told.stderr
