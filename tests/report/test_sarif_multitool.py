"""Microsoft's SARIF multitool has nothing against what `-o sarif` writes, and does find what is wrong.

It is 104 MB from npm (`tests/report/multitool/package.json`), so this runs with the long tests alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from local.dev.npm import Package, install
from shared.report.forms import as_sarif
from tests.report.estates import report

pytestmark = pytest.mark.long

HERE: Final = Path(__file__).parent / "multitool"
VERSION: Final = json.loads((HERE / "package.json").read_text())["dependencies"]["@microsoft/sarif-multitool"]
TOOL: Final = HERE / "node_modules" / "@microsoft" / "sarif-multitool-linux" / "Sarif.Multitool"
NO_PAGE: Final = "SARIF2005"
"""It misses a page about the tool (``informationUri``), which Driftward has none of."""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    what = f"the SARIF multitool ({VERSION})"
    install(Package(name="@microsoft/sarif-multitool", version=VERSION, what=what), HERE)
    TOOL.chmod(0o755)  # what its install script would do


def said_of(document: Any, folder: Path) -> list[str]:
    """The rules that the tool finds broken, of SARIF's own and of GitHub's code scanning."""
    given, found = folder / "given.sarif", folder / "found.sarif"
    given.write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run(
        [str(TOOL), "validate", str(given), "--rule-kind", "Sarif;Ghas", "--output", str(found)],
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.exists(), done.stdout + done.stderr
    (run,) = json.loads(found.read_text(encoding="utf-8-sig"))["runs"]
    assert run["invocations"][0]["executionSuccessful"], done.stdout
    return sorted({one["ruleId"] for one in run.get("results", [])})


def test_the_multitool_has_nothing_against_the_results_of_a_scan(tmp_path: Path) -> None:
    """What it misses is asked for too: a document that it cannot read at all it passes without a word."""
    assert said_of(as_sarif.document(report()), tmp_path) == [NO_PAGE]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"ruleIndex": 999}, ["SARIF1009", NO_PAGE]),
        ({"message": None}, ["JSON1002"]),
        ({"level": "grave"}, []),
    ],
    ids=["no such rule", "no message", "no level"],
)
def test_the_multitool_finds_what_is_wrong(fault: dict[str, Any], said: list[str], tmp_path: Path) -> None:
    document = as_sarif.document(report())
    result = document["runs"][0]["results"][0] | fault
    document["runs"][0]["results"][0] = {name: found for name, found in result.items() if found is not None}
    assert said_of(document, tmp_path) == said
