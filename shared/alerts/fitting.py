"""What is cut of a notification so that it fits into a queue message and a row; that it was cut is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.model import Json
from shared.model.codec import canonical

_DATA_LIMIT: Final = 24 * 1024
_TEXT_LIMIT: Final = 16 * 1024
"""Characters of JSON; with what surrounds them both fit into a queue message (48 KiB before base64)."""


def fitting(document: dict[str, Json], spare: Sequence[str]) -> dict[str, Json]:
    """The document without the parts that make it too large for a queue message, which is said."""
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
