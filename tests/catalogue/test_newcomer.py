"""A policy is one new file: in a copy of the project one is added with what it brings, nothing is edited.

It must then show in the generated pages and roles, in the command line, in the API and in a sweep, and the
tests that ask every policy must ask it as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.dev.environments import ROOT
from shared.model.codec import dump
from tests.builders import server
from tests.catalogue.newcomer.postgres_version_behind import ID, POLICY, SUPPORTED

pytestmark = pytest.mark.long

HERE = Path(__file__).parent / "newcomer"
MODULE = ID.replace("-", "_")
COPIED = (
    *(
        "function_app.py",
        "functions",
        "shared",
        "driftward",
        "local",
        "tests",
        "docs",
        "README.md",
        "policies.yaml",
    ),
    *("pyproject.toml", "host.json", "local.settings.sample.json"),
)
CAPABILITIES = "Microsoft.DBforPostgreSQL/locations/capabilities/read"
VERSIONS = {"compliant": 16, "drifted": 11, "unknown": None}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's tree with one more policy."""
    tree = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "newcomer"))
        else:
            shutil.copy(source, tree / name)
    added = {
        HERE / f"{MODULE}.py": tree / "shared" / "policies" / "continuity" / f"{MODULE}.py",
        HERE / "own_test_file.py": tree / "tests" / "policies" / f"test_{MODULE}.py",
        HERE / "scenario.py": tree / "tests" / "catalogue" / "scenarios" / f"{MODULE}.py",
        HERE / "in_the_app.py": tree / "in_the_app.py",
    }
    for source, place in added.items():
        shutil.copy(source, place)
    readings = tree / "tests" / "policies" / "snapshots" / ID / "flexibleServer"
    readings.mkdir(parents=True)
    for state, version in VERSIONS.items():
        (readings / f"{state}.json").write_text(dump(server(version=version)))
    return tree


def run(tree: Path, *arguments: str) -> str:
    """What Python prints when it is run in the copy; the copy's modules come before everything."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**environment, "PYTHONPATH": str(tree), "HYPOTHESIS_PROFILE": "unit"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_generated_pages_and_roles_name_it(copy: Path) -> None:
    run(copy, "-m", "local.pages")
    for name in ("policies.md", "policies/continuity.md"):
        page = (copy / "docs" / name).read_text()
        assert ID in page
        assert POLICY.title in page
    assert SUPPORTED.id in (copy / "docs" / "policies" / "continuity.md").read_text()
    assert CAPABILITIES in (copy / "docs" / "permissions.md").read_text()
    assert f"| `{CAPABILITIES}` | [{ID}](" in (copy / "docs" / "permissions" / "continuity.md").read_text()
    assert CAPABILITIES in (copy / "docs" / "roles" / "reader.json").read_text()


def test_the_command_line_lists_it(copy: Path) -> None:
    listed = {one["id"]: one for one in json.loads(run(copy, "-m", "local", "policies", "--json"))}
    assert listed[ID]["title"] == POLICY.title
    assert listed[ID]["permissions"] == [*POLICY.permissions]
    assert listed[ID]["raisedBy"] == "sweep"


def test_the_api_lists_it_and_a_sweep_finds_its_drift(copy: Path) -> None:
    told = json.loads(run(copy, "in_the_app.py", ID))
    assert ID in told["api"]
    (alert,) = told["alerts"]
    assert alert["reason"] == "the major version is 11; the oldest maintained one is 14"


def test_the_tests_of_every_policy_ask_it_as_well(copy: Path) -> None:
    asked = (
        "tests/policies/test_conformance.py",
        "tests/catalogue/test_scenarios.py",
        f"tests/policies/test_{MODULE}.py",
    )
    printed = run(copy, "-m", "pytest", *asked, "-k", f"{ID} or {MODULE}", "-vv", "-p", "no:xdist")
    for expected in (
        f"test_the_docstring_has_a_title_and_the_five_headings_in_order[{ID}] PASSED",
        f"test_a_stored_reading_is_in_the_state_of_its_name[{ID}-flexibleServer-drifted] PASSED",
        f"test_drift_made_by_somebody_comes_to_what_is_stated[{ID}] PASSED",
        "test_a_server_of_version_13_is_behind PASSED",
    ):
        assert expected in printed
