"""A policy is begun by `new-policy`, filled in within what that wrote, and green; nothing else is edited.

Played in a copy of the project, with a control that no page lists.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from local.dev import new_policy as command
from local.dev.environments import ROOT
from local.dev.new_policy import NotWritten, new_policy, scaffolded

ID = "postgres-standby-in-same-zone"
POLICY = "shared/policies/continuity/postgres_standby_in_same_zone.py"
SCENARIO = "tests/catalogue/scenarios/postgres_standby_in_same_zone.py"
READINGS = f"tests/policies/snapshots/{ID}/flexibleServer"
ASKED = (
    *("tests/policies/test_conformance.py", "tests/policies/test_filled_in.py"),
    *("tests/catalogue/test_scenarios.py", "tests/guardrails/test_laws.py"),
)
CONTROL = 'Control(framework="MCSB", version="v1", id="BR-9", title="Backups survive the loss of a zone")'
FILLED: Mapping[str, Mapping[str, str]] = {
    POLICY: {
        "FILL IN: that is, does or lacks what your policy finds.": "whose standby stands in its own zone.",
        "FILL IN: the field and the values of it that are found, in Azure's own words.": (
            "A flexible server whose high availability is of mode SameZone."
        ),
        "FILL IN: what somebody could do with it, or what would break, and for whom.": (
            "When the zone is lost, the server and its standby are lost together."
        ),
        "FILL IN: what a person changes, and how.": (
            "Turn high availability off and on again, with the mode ZoneRedundant."
        ),
        "FILL IN: who could notice the change, or why nobody will.": (
            "Commits wait for a standby that is farther away."
        ),
        "FILL IN: the pages, benchmarks and definitions that say so.": (
            "High availability in Azure Database for PostgreSQL; MCSB BR-9."
        ),
        "import Judged, finding, unknown": "import Judged, compliant, drifted, finding, unknown",
        "import Policy\n": "import Policy\nfrom shared.posture.controls import Control\n",
        "controls=(),  # FILL IN: the requirements that it answers, or take this remark away": (
            f"controls=({CONTROL},),"
        ),
        "    # FILL IN: compliant(reason), drifted(reason, fingerprint, what_to_do=…), or unknown"
        "(reason)\n": "",
        '    return unknown(f"FILL IN: what {server.id.name} is found to be, with the values '
        'that were read")': (
            "    mode = server.availability.mode\n"
            "    if not mode:\n"
            "        return unknown('the mode of high availability is not told')\n"
            "    if mode == 'SameZone':\n"
            "        update = f'az postgres flexible-server update --ids {server.id}'\n"
            "        remedy = f'{update} --zonal-resiliency Enabled'\n"
            "        return drifted(f'the mode is {mode}', 'mode=SameZone', what_to_do=remedy)\n"
            "    return compliant(f'the mode is {mode}')"
        ),
        "PostgreSQL server FILL IN: in a few words": "PostgreSQL server with its standby in the same zone",
        "FILL IN: one sentence about what somebody could do with this drift.": (
            "Whatever takes the zone takes the server and its standby."
        ),
    },
    SCENARIO: {
        "FILL IN: what somebody does.": "Somebody moves the standby into the server's zone.",
        '{"properties": {}}),),  # FILL IN: the write of a person that makes the drift': (
            '{"properties": {"highAvailability": {"mode": "SameZone"}}}),),'
        ),
    },
    f"{READINGS}/drifted.json": {'"mode": "Disabled"': '"mode": "SameZone"'},
    f"{READINGS}/unknown.json": {'"mode": "Disabled"': '"mode": ""'},
}
"""What a person writes over what, file by file."""


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """The project, copied."""
    for name in (".ci", ".github", "functions", "shared", "driftward", "infra", "local", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    yield tmp_path
    shutil.rmtree(tmp_path)


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, whose modules come before everything."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**inherited, "PYTHONPATH": str(tree), "HYPOTHESIS_PROFILE": "unit"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_well(tree: Path, *arguments: str) -> str:
    done = run(tree, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fill_in(tree: Path) -> None:
    for name, words in FILLED.items():
        text = (tree / name).read_text(encoding="utf-8")
        for old, new in words.items():
            assert text.count(old) == 1, f"{name}: {old}"
            text = text.replace(old, new)
        (tree / name).write_text(text, encoding="utf-8")


@pytest.mark.long
def test_a_policy_is_filled_in_and_green_within_what_was_written_for_it(tree: Path) -> None:
    run_well(tree, "-m", "local", "new-policy", ID)
    tidy(tree)
    unfilled = run(tree, "-m", "pytest", *ASKED[:2], "-k", ID, "-q", "-p", "no:xdist")
    assert unfilled.returncode == 1
    assert f"{ID} is not finished. Fill in:" in unfilled.stdout
    assert f"{tree / POLICY}:3: *What it finds.* FILL IN" in unfilled.stdout
    assert f"{tree / SCENARIO}:1:" in unfilled.stdout
    assert f"{tree / READINGS}/drifted.json" in unfilled.stdout
    fill_in(tree)
    run_well(tree, "-m", "ruff", "format", "-q", POLICY, SCENARIO)
    run_well(tree, "-m", "ruff", "check", "--fix", "-q", POLICY, SCENARIO)
    tidy(tree)
    run_well(tree, "-m", "local.pages")
    run_well(tree, "-m", "local.pages", "--check")
    run_well(tree, "-m", "pytest", *ASKED, "-k", ID, "-q", "-p", "no:xdist")
    run_well(tree, "-m", "pytest", "tests/local/pages", "-m", "not az", "-q", "-p", "no:xdist")


def tidy(tree: Path) -> None:
    """What was written passes the checks on form as it stands."""
    run_well(tree, "-m", "ruff", "format", "--check", POLICY, SCENARIO)
    run_well(tree, "-m", "ruff", "check", POLICY, SCENARIO)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["postgres_with_underscores"], "'postgres_with_underscores' is no id"),
        (["Postgres-Large"], "'Postgres-Large' is no id"),
        (["postgres"], "'postgres' is no id"),
        (["../postgres-elsewhere"], "'../postgres-elsewhere' is no id"),
        (["postgres-tls-not-required"], "exists: shared/policies/sign_in/postgres_tls_not_required.py"),
        (["postgres-new", "--family", "weather"], "'weather' is not one of 'public_reach'"),
        ([], "Missing argument 'ID'"),
    ],
)
def test_what_cannot_be_begun_is_told_in_a_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr(command, "_write", lambda *_: pytest.fail("something was written"))
    result = CliRunner().invoke(new_policy, arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_files_left_of_a_policy_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "tests" / "policies" / "snapshots" / ID).mkdir(parents=True)
    with pytest.raises(NotWritten, match=f"{ID} exists: tests/policies/snapshots/{ID}"):
        scaffolded(ID, "continuity", tmp_path)


def test_what_was_written_is_taken_back_when_the_rest_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "catalogue").write_text("in the way of a folder")
    result = CliRunner().invoke(new_policy, [ID])
    assert result.exit_code == 2
    assert "nothing was written" in result.output
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["catalogue"]


def test_a_reading_is_the_same_whenever_it_is_made() -> None:
    assert scaffolded("nsg-something-new", "nsg") == scaffolded("nsg-something-new", "nsg")


def test_every_folder_of_the_catalogue_is_a_family_that_can_be_named() -> None:
    folders = {path.parent.name for path in (ROOT / "shared" / "policies").glob("*/__init__.py")}
    assert folders == set(command._FAMILIES)
