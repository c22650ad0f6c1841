"""What is cut of a notification so that letters to many sinks are written at once; that it is cut is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.alerts.channels.runs import Sections, fitted
from shared.model import Json
from shared.model.codec import canonical, to_json

_DATA_LIMIT: Final = 24 * 1024
_TEXT_LIMIT: Final = 16 * 1024
_SECTIONS_LIMIT: Final = 12 * 1024
"""Characters of JSON: a letter for each sink holds them, in one transaction with the alert (4 MiB)."""


def fitting(document: dict[str, Json], spare: Sequence[str]) -> dict[str, Json]:
    """The document without the parts that make it too large for a letter, which is said."""
    for name in (part for part in spare if document.get(part)):
        if len(canonical(document)) <= _DATA_LIMIT:
            break
        document = {**document, name: None, "omitted": [*document.get("omitted", []), name]}
    return document


def fitting_text(text: str) -> str:
    """The text without the last lines that would make it too long, which is said."""
    lines = text.split("\n")
    while len(canonical("\n".join(lines))) > _TEXT_LIMIT:
        lines = [*lines[: len(lines) // 2], "… (cut: the HTTP API shows the whole)"]
    return "\n".join(lines)


def fitting_sections(sections: Sections) -> Sections:
    """The same of a message's sections, which lie beside its text."""
    return fitted(sections, lambda left: sum(len(canonical(to_json(one))) for one in left) <= _SECTIONS_LIMIT)
