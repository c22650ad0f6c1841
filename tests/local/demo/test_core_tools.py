"""`make up` starts `func` only where it would start the app on this Python; else it says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.demo.core_tools import FIRST, CoreTools, core_tools, refusal
from local.dev.environments import NEWEST, OLDEST, ROOT

PYTHONS = [(3, minor) for minor in range(OLDEST[1], NEWEST[1] + 1)]


def func(folder: Path, answer: str) -> Path:
    """A `func` that answers so, alone on a path of its own."""
    program = folder / "func"
    program.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("python", PYTHONS)
def test_for_each_python_of_the_project_the_first_release_is_known(python: tuple[int, int]) -> None:
    first = ".".join(map(str, FIRST[python]))
    before = ".".join(map(str, (*FIRST[python][:2], FIRST[python][2] - 1)))
    assert refusal(f"{first}\n", python) is None
    assert f"which {first} is the first to start" in (refusal(f"{before}\n", python) or "")


@pytest.mark.parametrize(
    ("told", "python", "taken"),
    [
        ("4.0.6821", (3, 13), False),  # Azure/azure-functions-core-tools issue 4283
        ("4.0.6821", (3, 12), True),
        ("4.0.5095", (3, 11), False),
        ("4.8.0", (3, 11), True),  # issue 4810: 3.10 to 3.14
        ("4.13.0\n", (3, 13), True),
        ("5.0.0-preview.3", (3, 13), False),
        ("3.0.5682", (3, 11), False),
        ("", (3, 13), False),
        ("You can press Ctrl-C\n4.1.0\n", (3, 13), True),
    ],
)
def test_a_release_is_taken_by_what_its_source_knows(
    told: str, python: tuple[int, int], *, taken: bool
) -> None:
    assert (refusal(told, python) is None) is taken


def test_tools_that_know_this_python_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = func(tmp_path, "echo 4.13.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert core_tools((3, 13)) == CoreTools(func=str(program))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("echo 4.0.6821", "Core Tools 4.0.6821 refuse Python 3.13, which 4.0.7512 is the first to start"),
        ("exit 1", "`func --version` names no version"),
    ],
)
def test_others_are_left_alone_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
) -> None:
    program = func(tmp_path, answer)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert core_tools((3, 13)) == CoreTools(func=None, why_not=f"{reason} ({program})")


def test_without_any_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert core_tools() == CoreTools(func=None, why_not="`func` (Core Tools) is not on the PATH")


def test_the_page_names_the_same_releases() -> None:
    page = (ROOT / "docs" / "local.md").read_text(encoding="utf-8")
    for python, first in FIRST.items():
        assert f"| {'.'.join(map(str, python))} | {'.'.join(map(str, first))} |" in page
