"""docs/threat-model.md says of every threat what stops it, and of every stop the test that shows it."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from local.dev.environments import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| they", "| ---"))
]


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing() -> list[str]:
    named = _TEST.findall(PAGE)
    return [
        f"{file}::{test}" for file, test in named if not (ROOT / file).is_file() or test not in named_in(file)
    ]


@pytest.mark.field(
    "brakes",
    "Whoever could play a brake, forge a record or act as somebody else stands on one page, and every row of "
    "it names the test that shows what stops them.",
    source="docs/threat-model.md",
    date="2026-11-29",
)
def test_every_row_names_a_test_that_exists() -> None:
    assert ROWS
    assert not [row for row in ROWS if not _TEST.search(row.rpartition(" | ")[2])]
    assert not missing()


@pytest.mark.parametrize(
    "holder", ["function key", "Reader", "Tag Contributor", "NSGs", "storage account", "queue", "webhook"]
)
def test_everybody_who_could_do_harm_has_a_section(holder: str) -> None:
    assert re.search(rf"^## .*{holder}", PAGE, re.MULTILINE)


def test_every_row_has_three_cells() -> None:
    assert not [row for row in ROWS if row.count(" | ") != 2]
