"""The action at the root of the project: its scripts as GitHub runs them, without GitHub; its description."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.dev.environments import ROOT
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from tests.driftward.documents.planned import CASES

FOLDER = ROOT / ".github" / "action"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
SUBSCRIPTION = f"/subscriptions/{seeds.SUBSCRIPTION}"
BLOCKS = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def azure() -> Iterator[str]:
    with SimulatorServer() as simulator:
        SimulatorClient(simulator.url).seed([seeds.flexible_server(name="open")])
        yield simulator.url


class Job:
    """A step of a job: what it gets, and what it leaves in the files that GitHub reads."""

    def __init__(self, folder: Path, azure: str) -> None:
        self.folder = folder
        self.summary, self.output = folder / "summary.md", folder / "output"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ARM_ENDPOINT": azure,
            "DRIFTWARD_INTERPRETER": sys.executable,
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
            "RUNNER_TEMP": str(folder),
        }

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        given = {f"DRIFTWARD_{name.upper()}": said for name, said in inputs.items()}
        return subprocess.run(
            ["bash", str(FOLDER / "scan")],
            cwd=self.folder,
            env={**self.environment, **given},
            capture_output=True,
            text=True,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        lines = self.output.read_text("utf-8").splitlines()
        return dict(line.split("=", maxsplit=1) for line in lines)


@pytest.fixture
def job(tmp_path: Path, azure: str) -> Job:
    return Job(tmp_path, azure)


def test_what_is_wrong_fails_the_step_and_is_on_the_jobs_page(job: Job) -> None:
    done = job.run(scopes=f"\n  \n{SUBSCRIPTION}\n", arguments="--policy\npostgres-public-access-enabled")
    assert done.returncode == 1, done.stderr
    told = job.outputs()
    assert told["exit-code"] == "1"
    sarif = json.loads((job.folder / told["sarif"]).read_text("utf-8"))
    assert [one["ruleId"] for one in sarif["runs"][0]["results"]] == ["postgres-public-access-enabled"]
    assert (job.folder / told["findings"]).is_file()
    assert job.summary.read_text("utf-8").startswith("# Driftward: 1 finding")
    assert "open" in job.summary.read_text("utf-8")


def test_what_is_known_or_less_grave_does_not(job: Job) -> None:
    one = "--policy\npostgres-public-access-enabled"
    assert job.run(scopes=SUBSCRIPTION, arguments=one, fail_on="Critical").returncode == 0
    known = job.folder / "known.json"
    known.write_bytes((job.folder / "driftward-results" / "findings.json").read_bytes())
    assert job.run(scopes=SUBSCRIPTION, arguments=one, baseline="known.json").returncode == 0


def test_what_cannot_be_judged_leaves_no_result_of_an_earlier_step(job: Job) -> None:
    job.run(scopes=SUBSCRIPTION)
    job.output.unlink()
    job.summary.unlink()
    assert job.run(scopes="no scope").returncode == 2
    assert job.outputs() == {"sarif": "", "findings": "", "exit-code": "2"}
    assert "nothing could be judged" in job.summary.read_text("utf-8")


def test_nothing_that_a_pull_request_brings_is_run(job: Job) -> None:
    for name in ("driftward", "shared", "click"):
        (job.folder / name).mkdir()
        (job.folder / name / "__init__.py").write_text("raise SystemExit('taken over')")
    hostile = '$(touch taken)`touch taken`"; touch taken #'
    done = job.run(scopes=hostile, plan="", baseline=hostile, arguments=hostile)
    assert "taken over" not in done.stdout + done.stderr
    assert done.returncode == 2
    assert not (job.folder / "taken").exists()


@pytest.mark.long
def test_nothing_that_a_pull_request_brings_is_run_by_what_installs(job: Job) -> None:
    for name in ("venv", "ensurepip", "pip", "encodings", "site", "json"):
        (job.folder / f"{name}.py").write_text("raise SystemExit('taken over')")
    (job.folder / "action").mkdir()
    (job.folder / "action" / "requirements-cli.txt").touch()
    mine = {"DRIFTWARD_PYTHON": sys.executable, "GITHUB_ACTION_PATH": str(job.folder / "action")}
    done = subprocess.run(
        ["bash", str(FOLDER / "install")],
        cwd=job.folder,
        env={**job.environment, **mine},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "taken over" not in done.stdout + done.stderr
    assert (job.folder / "driftward" / "bin" / "python").exists()


@pytest.mark.parametrize(
    ("said", "code"), [("true", 3), ("True", 3), ("false", 0), ("", 0), ("yes", 2), ("1", 2)]
)
def test_strict_is_strict_however_it_is_written(said: str, code: int, job: Job) -> None:
    """Stood in for by a command that ends as a strict scan would where something is not known."""
    command = job.folder / "command"
    command.write_text('#!/bin/bash\ncase "$*" in *--strict*) exit 3 ;; esac\n')
    command.chmod(0o755)
    assert job.run(interpreter=str(command), scopes=SUBSCRIPTION, strict=said).returncode == code


def test_the_name_of_the_folder_says_nothing_else_to_github(job: Job) -> None:
    done = job.run(scopes=SUBSCRIPTION, out="results\nexit-code=0")
    assert (done.returncode, job.output.exists()) == (2, False)
    assert job.run(scopes=SUBSCRIPTION, out="-results").returncode in {1, 2}


def test_a_plan_of_a_pull_request_is_judged_without_asking_azure(job: Job) -> None:
    job.environment["ARM_ENDPOINT"] = "http://127.0.0.1:1"
    document = CASES["flat"].document("flat")
    (job.folder / "tf plan.json").write_text(json.dumps(document), encoding="utf-8")
    done = job.run(plan="tf plan.json")
    assert done.returncode == 1, done.stderr
    sarif = json.loads((job.folder / job.outputs()["sarif"]).read_text("utf-8"))
    found = {one["ruleId"] for one in sarif["runs"][0]["results"]}
    assert "postgres-firewall-allows-all-azure" in found
    assert "postgres-firewall-allows-all-azure" in job.summary.read_text("utf-8")


RULE = """
resource "azurerm_postgresql_flexible_server_firewall_rule" "azure" {
  name             = "azure"
  server_id        = azurerm_postgresql_flexible_server.pg.id
  start_ip_address = "0.0.0.0"
  end_ip_address   = "0.0.0.0"
}
"""


def test_a_finding_stands_at_its_line_in_the_pull_request(job: Job) -> None:
    (job.folder / "tfplan.json").write_text(json.dumps(CASES["flat"].document("flat")), encoding="utf-8")
    (job.folder / "main.tf").write_text(RULE, encoding="utf-8")
    assert job.run(plan="tfplan.json", source=".").returncode == 1
    sarif = json.loads((job.folder / job.outputs()["sarif"]).read_text("utf-8"))
    (found,) = [
        one["locations"][0]["physicalLocation"]
        for one in sarif["runs"][0]["results"]
        if one["ruleId"] == "postgres-firewall-allows-all-azure"
    ]
    assert found["artifactLocation"]["uri"] == "main.tf"
    said = RULE.splitlines()[found["region"]["startLine"] - 1]
    assert "0.0.0.0" in said


def test_a_plan_that_is_not_there_is_named(job: Job) -> None:
    done = job.run(plan="absent plan.json")
    assert done.returncode == 2
    assert "absent plan.json" in done.stderr


@pytest.mark.long
def test_what_is_installed_by_hashes_alone_runs_it(job: Job) -> None:
    del job.environment["DRIFTWARD_INTERPRETER"]
    made = subprocess.run(
        ["bash", str(FOLDER / "install")],
        env={**os.environ, **job.environment, "DRIFTWARD_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert job.run(scopes=SUBSCRIPTION).returncode == 1


# --- the description -------------------------------------------------------------------------------


def test_every_input_reaches_the_script_and_none_a_shell() -> None:
    steps = ACTION["runs"]["steps"]
    said = yaml.safe_dump([{"env": one.get("env"), "with": one.get("with")} for one in steps])
    for name in ACTION["inputs"]:
        assert f"inputs.{name} " in said, name
    assert not [one["run"] for one in steps if "${{" in one.get("run", "")]
    script = (FOLDER / "scan").read_text("utf-8")
    (step,) = [one for one in steps if one.get("id") == "scan"]
    assert all(name in script for name in step["env"])
    for output in ACTION["outputs"].values():
        name = output["value"].split("outputs.")[1].split(" ")[0]
        assert f'echo "{name}=' in script


def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is() -> None:
    used = [line.strip() for line in (ROOT / "action.yml").read_text("utf-8").splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert re.fullmatch(r"- uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_pages_pipelines_name_inputs_and_options_that_there_are() -> None:
    github, devops = (
        yaml.safe_load(block) for block in BLOCKS.findall((ROOT / "docs/pipelines.md").read_text("utf-8"))
    )
    steps = github["jobs"]["plan"]["steps"]
    (ours,) = [one for one in steps if "driftward@" in one.get("uses", "")]
    assert set(ours["with"]) <= set(ACTION["inputs"])
    from driftward.scan import scan

    known = {option for parameter in scan.params for option in parameter.opts}
    (judge,) = [one["bash"] for one in devops["steps"] if "driftward scan" in one.get("bash", "")]
    line = judge.split("driftward scan ")[1].split("\ncode=")[0]
    assert set(re.findall(r"(?:^|\s)(--?[a-z][\w-]*)", line)) <= known


@pytest.mark.parametrize("name", ["install", "scan"])
def test_a_script_is_one_that_bash_can_read(name: str) -> None:
    done = subprocess.run(["bash", "-n", str(FOLDER / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
