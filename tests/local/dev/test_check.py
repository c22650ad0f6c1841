"""`make check` runs every tool, shows what the failing ones printed, and names all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.dev.check import CHECKS, FIXES, Tool, run_all


def tool(name: str, program: str, mended_by: str = "") -> Tool:
    return Tool(name=name, argv=(sys.executable, "-c", program), mended_by=mended_by)


def test_all_failures_are_reported_and_not_the_first_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = (
        tool("one", "print('one says no'); exit(1)", "make fix"),
        tool("two", "print('two says yes')"),
        tool("three", "import sys; print('three says no', file=sys.stderr); exit(2)"),
    )
    assert run_all(tools, tmp_path) == 1
    printed = capsys.readouterr().out
    assert "FAILED  one" in printed
    assert "one says no" in printed
    assert "ok      two" in printed
    assert "two says yes" not in printed
    assert "three says no" in printed
    assert printed.endswith("2 of 3 failed: one (make fix), three\n")


def test_where_all_is_well_there_is_a_line_for_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_all((tool("one", "print('noise')"), tool("two", "pass")), tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", "one"], ["ok", "two"]]


def test_a_fix_formats_and_sorts_and_a_check_changes_nothing() -> None:
    fixes = [" ".join(one.argv[1:]) for one in FIXES]
    assert fixes == ["-m ruff check --fix .", "-m ruff format ."]
    assert not [one for one in CHECKS if "--fix" in one.argv]
