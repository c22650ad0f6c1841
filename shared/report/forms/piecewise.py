"""JSON that is written part by part: a report on thousands of targets never stands in memory as one text.

What comes out is what ``json.dumps(…, indent=1)`` would make of the whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from shared.model import Json


def array(items: Iterable[Json], depth: int = 0) -> Iterator[str]:
    """An array whose items are made as they are written, so deep in others."""
    lead = "["
    for item in items:
        yield f"{lead}\n{' ' * (depth + 1)}{_text(item, depth + 1)}"
        lead = ","
    yield "[]" if lead == "[" else f"\n{' ' * depth}]"


def document(parts: Mapping[str, Json | Iterator[Json]]) -> Iterator[str]:
    """An object; a part that is an iterator is an array."""
    lead = "{"
    for name, part in parts.items():
        yield f"{lead}\n {json.dumps(name)}: "
        if isinstance(part, Iterator):
            yield from array(part, 1)
        else:
            yield _text(part, 1)
        lead = ","
    yield "{}" if lead == "{" else "\n}"


def _text(value: Json, depth: int) -> str:
    """No text in JSON has a line break that is not escaped, so every one is of the layout."""
    return json.dumps(value, indent=1).replace("\n", "\n" + " " * depth)
