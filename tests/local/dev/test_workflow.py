"""GitHub's workflow runs what the project has, with actions that nobody can exchange."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from local.dev.environments import ROOT
from local.dev.pins import FILES, lock_of

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(job: str | None = None) -> list[dict[str, Any]]:
    read = [yaml.safe_load(path.read_text("utf-8")) for path in WORKFLOWS]
    jobs = [(name, one) for workflow in read for name, one in workflow["jobs"].items()]
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
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text("utf-8"))["permissions"] == {"contents": "read"}
