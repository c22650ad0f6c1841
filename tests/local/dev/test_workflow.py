"""GitHub's workflow runs what the project has, with actions that nobody can exchange."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from local.dev.environments import ROOT
from local.dev.package import OUT
from local.dev.pins import FILES, lock_of

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflows() -> dict[str, dict[str, Any]]:
    return {path.name: yaml.safe_load(path.read_text("utf-8")) for path in WORKFLOWS}


def steps(job: str | None = None) -> list[dict[str, Any]]:
    jobs = [(name, one) for workflow in workflows().values() for name, one in workflow["jobs"].items()]
    return [step for name, one in jobs if job in (None, name) for step in one["steps"]]


def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is() -> None:
    used = [
        line.strip() for path in WORKFLOWS for line in path.read_text("utf-8").splitlines() if "uses:" in line
    ]
    assert used
    for line in used:
        assert re.fullmatch(r"- uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_checks_and_tests_of_ci_run_on_the_oldest_and_the_newest_python() -> None:
    matrix = yaml.safe_load(WORKFLOWS[0].read_text("utf-8"))["jobs"]["ci"]["strategy"]["matrix"]
    assert matrix == {"python": ["3.11", "3.13"]}
    assert [step["run"] for step in steps("ci") if "run" in step] == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").is_file()


@pytest.mark.parametrize("file", FILES)
def test_what_is_locked_is_asked_about(file: str) -> None:
    (command,) = [step["run"] for step in steps("pip-audit") if "run" in step]
    assert f"-r {lock_of(file)}" in command
    assert "--require-hashes" in command


def test_a_workflow_may_read_the_code_and_nothing_else() -> None:
    for name, workflow in workflows().items():
        assert workflow["permissions"] in ({"contents": "read"}, {}), name


def test_only_the_job_that_deploys_may_ask_for_a_token_and_it_needs_an_environment() -> None:
    """The federated credential trusts that environment; its rules say who has to agree."""
    jobs = workflows()["deploy.yml"]["jobs"]
    assert jobs["package"]["permissions"] == {"contents": "read"}
    assert jobs["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert jobs["deploy"]["environment"] == "${{ inputs.environment }}"
    asks = [name for name, job in jobs.items() if "azure/login@" in str(job)]
    assert asks == ["deploy"]
    assert [name for name, workflow in workflows().items() if "id-token" in str(workflow)] == ["deploy.yml"]


def test_no_workflow_knows_a_secret() -> None:
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text("utf-8")


def test_what_a_workflow_runs_is_there() -> None:
    """A target of the Makefile, or a script of the project that bash can read."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8")))
    for step in steps():
        match step.get("run", "").split():
            case ["make", target]:
                assert target in targets
            case ["bash", script, *_]:
                assert subprocess.run(["bash", "-n", str(ROOT / script)], check=False).returncode == 0
            case other:
                assert other in ([], other[:2] == ["pipx", "run"] and other)


def test_nothing_from_outside_is_written_into_a_command() -> None:
    """An expression is put into the text before a shell reads it; variables are not."""
    for step in steps():
        assert "${{" not in step.get("run", "")


def test_the_package_that_is_deployed_is_the_one_that_was_made() -> None:
    used = {step["uses"].split("@")[0]: step.get("with", {}) for step in steps("package") if "uses" in step}
    assert ROOT / used["actions/upload-artifact"]["path"] == OUT
    assert used["actions/upload-artifact"]["include-hidden-files"] is True  # its folder begins with a dot
    (sent,) = [step["run"] for step in steps("deploy") if "run" in step]
    assert sent.endswith(OUT.name)
