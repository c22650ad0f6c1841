"""`docs/architecture.md` follows one event through the house; the event takes the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from local.dev.environments import ROOT
from tests.catalogue.followed import RULE, Triggers, follow

PAGE = ROOT / "docs" / "architecture.md"
PART = re.compile(r"^### (.+)$", re.MULTILINE)
STEP = re.compile(r"^\d+\. \[`([^`]+)`\]\(\.\./([^)]+)\): \S", re.MULTILINE)


def parts_of_the_page() -> dict[str, list[str]]:
    """The files of each part, in the page's order."""
    story = PAGE.read_text(encoding="utf-8").split("## One event, ")[1].split("\n## ")[0]
    _, *cut = PART.split(story)
    parts = dict(zip(cut[::2], cut[1::2], strict=True))
    return {heading: [name for name, _ in STEP.findall(text)] for heading, text in parts.items()}


def numbered(names: Sequence[str]) -> str:
    """The lines as the page needs them, without their words."""
    return "\n".join(f"{number}. [`{name}`](../{name}): " for number, name in enumerate(names, start=1))


def test_the_event_enters_the_files_of_the_page_in_their_order(
    functions: Triggers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, writes = follow(functions, tmp_path, monkeypatch)
    assert writes == [f"DELETE {RULE}"]
    entered = [way.asked, way.done, way.told]
    assert all(entered)
    for (heading, stated), names in zip(parts_of_the_page().items(), entered, strict=True):
        assert stated == names, f"{PAGE.name}, “{heading}”, must have these files:\n{numbered(names)}"


def test_the_links_of_the_page_lead_to_the_files_that_they_name() -> None:
    found = STEP.findall(PAGE.read_text(encoding="utf-8"))
    assert len(found) > 20
    for name, link in found:
        assert name == link
        assert (ROOT / name).is_file()


def test_the_page_has_every_room_of_shared() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rooms = {path.stem for path in (ROOT / "shared").iterdir() if not path.name.startswith("__")}
    assert {room for room in rooms if f"**`{room}`**" not in page} == set()
