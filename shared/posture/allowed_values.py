"""Which values Azure takes for a server parameter, read from its own list, range or pattern. Pure."""

from __future__ import annotations

import re

from shared.model.parts import ServerParameter

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_MOST_DIGITS = 20
_RANGE = re.compile(rf"\s*({_NUMBER})\s*-\s*({_NUMBER})\s*", re.IGNORECASE)


def allows(found: ServerParameter, wanted: str) -> bool:
    """Whether Azure's list of allowed values holds ``wanted``; a list that is absent forbids nothing.

    ``Boolean`` and ``Enumeration`` list members, a ``Set`` lists what its members may be, numbers give
    ranges, and a String gives a pattern (list of configurations, 2025-08-01). A ``Set`` that is empty by
    default may be emptied, also where the list has no empty member: ``azure.extensions`` is one.
    """
    if not found.allowed:
        return True
    match found.data_type.lower():
        case "boolean" | "enumeration":
            return wanted.strip().lower() in members(found.allowed)
        case "set":
            emptied = not wanted.strip() and found.default == ""
            return emptied or members(wanted) <= members(found.allowed) or _matches(found.allowed, wanted)
        case "integer" | "numeric":
            return _in_range(found.allowed, wanted)
        case _:
            return _matches(found.allowed, wanted)


def members(text: str) -> frozenset[str]:
    """The members of a comma-separated list, in lower case; an empty text has the empty member only."""
    return frozenset(part.strip().lower() for part in text.split(","))


def number(text: str) -> int | None:
    """The whole number that a value is; None for another text, or for one that no parameter could hold."""
    digits = text.strip()
    return int(digits) if digits.isdecimal() and len(digits) <= _MOST_DIGITS else None


def _in_range(allowed: str, wanted: str) -> bool:
    try:
        number = float(wanted)
    except ValueError:
        return False
    ranges = (_RANGE.fullmatch(part) for part in allowed.split(","))
    return any(found and float(found[1]) <= number <= float(found[2]) for found in ranges)


def _matches(pattern: str, wanted: str) -> bool:
    """False for a pattern that is none: what cannot be read is not known to be allowed."""
    try:
        return re.fullmatch(pattern, wanted) is not None
    except re.error:
        return False
