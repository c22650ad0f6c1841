"""docs/field.md: what uses in the field got wrong once, what is right, and the test that shows it.

Each line is a marker on a test, ``@pytest.mark.field(topic, right, source=…, date=…)`` with literal texts:
``topic`` is a key of ``TOPICS``, ``right`` one sentence on what holds now, ``source`` who says that it is
right (an address, or a document's name), ``date`` when that was looked up. The tests are read, not imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from local.dev.environments import ROOT
from local.pages.loading import CannotGenerate
from local.pages.markdown import GENERATED, code, link, page, table
from shared.model.values import value

TOPICS: Final = {
    "commands": "What a person is told to do works as printed",
    "odd-items": "One odd item never blinds the rest",
    "settings": "Server settings are judged by what is in force",
    "ways": "Ways in",
    "brakes": "Brakes that nobody plays",
    "steady": "Nothing lost, nothing twice",
    "nsg": "Questions about an NSG",
    "templates": "NSGs in templates and exports",
    "flows": "Flow logs",
    "events": "Events",
    "http": "The HTTP API",
    "deploy": "Deploying",
    "simulator": "The simulator answers what real clients ask",
}
_DATE: Final = re.compile(r"20\d\d-\d\d-\d\d")
_ADDRESS: Final = re.compile(r"https://\S+")


@value
class Case:
    """One line of the page. ``test`` is the test's path and name."""

    topic: str
    right: str
    source: str
    date: str
    path: str
    test: str


def field_page(root: Path = ROOT) -> str:
    """Raises CannotGenerate for a marker that is not as described above."""
    found = cases(root)
    sections = [
        block
        for topic, heading in TOPICS.items()
        if (rows := [_row(case) for case in found if case.topic == topic])
        for block in (f"## {heading}", table(("what is right", "source", "seen", "test"), rows))
    ]
    return page(["# What the field found", GENERATED, _INTRODUCTION, *sections])


_INTRODUCTION: Final = (
    "Real clients, public bug reports and documents of Azure showed these uses to go wrong once. "
    "Each line says what is right, who says so, when that was looked up, and which test holds it."
)


def cases(root: Path = ROOT) -> tuple[Case, ...]:
    """The marked tests below ``root``, by path and place in the file."""
    return tuple(
        case for path in sorted((root / "tests").rglob("test_*.py")) for case in _in_file(path, root)
    )


def _in_file(path: Path, root: Path) -> Iterator[Case]:
    text = path.read_text(encoding="utf-8")
    if "mark.field(" not in text:
        return
    name = path.relative_to(root).as_posix()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            for marker in node.decorator_list:
                if isinstance(marker, ast.Call) and ast.unparse(marker.func) == "pytest.mark.field":
                    yield _case(marker, name, node.name)


def _case(marker: ast.Call, path: str, test: str) -> Case:
    where = f"{path}: {test}: the field marker"
    try:
        topic, right = (ast.literal_eval(argument) for argument in marker.args)
        named = {str(one.arg): ast.literal_eval(one.value) for one in marker.keywords}
        case = Case(topic=topic, right=right, path=path, test=test, **named)
    except (TypeError, ValueError) as error:
        raise CannotGenerate(
            f"{where} wants (topic, right, source=…, date=…), all literal: {error}"
        ) from error
    if case.topic not in TOPICS:
        raise CannotGenerate(f"{where} has topic {case.topic!r}; topics are {', '.join(TOPICS)}")
    if not _DATE.fullmatch(case.date) or not case.right.strip() or not case.source.strip():
        raise CannotGenerate(f"{where} needs what is right, a source and a date like 2026-01-31")
    return case


def _row(case: Case) -> tuple[str, ...]:
    source = _ADDRESS.sub(lambda found: link(found[0].split("/")[2], found[0]), case.source)
    return case.right, source, case.date, link(code(case.test), f"../{case.path}")
