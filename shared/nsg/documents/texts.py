"""What ARM template functions do with texts. Source: "String functions for ARM templates" (Microsoft Learn).

Each function raises ``TypeError``, ``ValueError`` or ``LookupError`` for arguments that it does not take, and
``Unresolved`` where the document does not say enough.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from shared.model import Json
from shared.nsg.documents.grammar import Faulty, Unresolved
from shared.nsg.documents.scope import unknown_part

LARGEST: Final = 10**18
"""Python refuses to print numbers of thousands of digits; ARM's are of 64 bits."""
LONGEST: Final = 20_000
"""The longest text that a function makes; ARM takes expressions of 24,576 characters."""


def as_text(found: Json) -> str:
    """A text, or a number or truth as one. Raises ``Unresolved`` for anything else."""
    match found:
        case str():
            return found
        case int() if abs(found) < LARGEST:
            return str(found)
        case _:
            raise Unresolved("a text is needed")


def shown(found: Json) -> str:
    """``string(…)``, and what ``format`` puts in: lists and objects as JSON."""
    if not isinstance(found, (list, Mapping)):
        return as_text(found)
    if unknown_part(found) is not None:
        raise Unresolved("a value is needed")
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def joined(texts: Iterable[str], mark: str = "") -> str:
    """The texts as one. Raises ``Faulty`` where it would be too long, before it is made."""
    parts = [*texts]
    if sum(map(len, parts)) + len(mark) * len(parts) > LONGEST:
        raise Faulty("a text longer than a template")
    return mark.join(parts)


_PLACEHOLDER: Final = re.compile(r"\{(\d{1,3})\}|\{\{|\}\}", re.ASCII)


def _format(pattern: Json, *parts: Json) -> str:
    texts = [shown(part) for part in parts]
    if re.search(r"\{\d+[,:]", as_text(pattern)):
        raise Unresolved("a format that only .NET knows")
    return filled(as_text(pattern), texts)


def filled(pattern: str, texts: list[str]) -> str:
    """``pattern`` with ``{0}``, ``{1}`` … replaced. Raises ``Unresolved`` where a text is missing."""
    pieces, end = [], 0
    for found in _PLACEHOLDER.finditer(pattern):
        number = found[1]
        if number is not None and int(number) >= len(texts):
            raise Faulty(f"a text is missing: {pattern[:100]}")
        pieces += [pattern[end : found.start()], found[0][0] if number is None else texts[int(number)]]
        end = found.end()
    return joined([*pieces, pattern[end:]])


def _replace(text: Json, old: Json, new: Json) -> str:
    return joined(as_text(text).split(as_text(old)), as_text(new))


def _split(text: Json, marks: Json) -> list[Json]:
    """By one delimiter or several, which may be longer than a character."""
    listed = [as_text(mark) for mark in (marks if isinstance(marks, list) else [marks])]
    if not all(listed):
        raise ValueError("an empty delimiter")
    return [*re.split("|".join(map(re.escape, listed)), as_text(text))]


def _join(parts: Json, mark: Json) -> str:
    if not isinstance(parts, list):
        raise TypeError("no list")
    return joined(map(shown, parts), as_text(mark))


def _substring(text: Json, start: Json, length: Json = None) -> str:
    found, first = as_text(text), whole(start)
    last = len(found) if length is None else first + whole(length)
    if not 0 <= first <= last <= len(found):
        raise ValueError("outside the text")
    return found[first:last]


def _pad_left(text: Json, length: Json, mark: Json = " ") -> str:
    if not 0 <= whole(length) <= LONGEST:
        raise Faulty("a text longer than a template")
    return as_text(text).rjust(whole(length), as_text(mark))


def whole(found: Json) -> int:
    """A whole number. Raises ``TypeError``."""
    if isinstance(found, bool) or not isinstance(found, int):
        raise TypeError("no whole number")
    return found


def _truth(found: Json) -> bool:
    if isinstance(found, bool):
        return found
    return {"true": True, "false": False, "1": True, "0": False}[as_text(found).lower()]


def _json(text: Json) -> Json:
    """The value that a text spells. Raises ``ValueError``."""
    try:
        return json.loads(as_text(text))
    except RecursionError as error:
        raise Faulty("nested too deeply") from error


def _folded(compare: Callable[[str, str], Json]) -> Callable[[Json, Json], Json]:
    """Without regard to letter case, as the documentation says of these."""
    return lambda text, part: compare(as_text(text).lower(), as_text(part).lower())


FUNCTIONS: Final[Mapping[str, Callable[..., Json]]] = {
    "bool": _truth,
    "endswith": _folded(str.endswith),
    "format": _format,
    "join": _join,
    "json": _json,
    "padleft": _pad_left,
    "replace": _replace,
    "split": _split,
    "startswith": _folded(str.startswith),
    "string": shown,
    "substring": _substring,
    "tolower": lambda text: as_text(text).lower(),
    "toupper": lambda text: as_text(text).upper(),
    "trim": lambda text: as_text(text).strip(),
}
