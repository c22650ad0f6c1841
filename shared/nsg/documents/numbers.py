"""What ARM template functions do with numbers and truths.

Source: "Numeric functions", "Comparison functions", "Logical functions for ARM templates" (Microsoft Learn).
Each function raises ``TypeError`` or ``ValueError`` for arguments that it does not take, and ``Unresolved``
where the document does not say enough. ``and`` and ``or``, which one argument may decide, are in
``shared.nsg.documents.expressions``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Final

from shared.model import Json
from shared.nsg.documents.grammar import Unresolved
from shared.nsg.documents.scope import unknown_part
from shared.nsg.documents.texts import LARGEST, whole


def as_truth(found: Json) -> bool:
    """True or false. Raises ``Unresolved`` for anything else."""
    if not isinstance(found, bool):
        raise Unresolved("a condition is needed")
    return found


def _integer(found: Json) -> int:
    if isinstance(found, bool) or not isinstance(found, (int, str)):
        raise TypeError("no number")
    return int(found)


def _computed(compute: Callable[[int, int], int]) -> Callable[[Json, Json], int]:
    """A function of two whole numbers, whose result is one of 64 bits."""

    def run(left: Json, right: Json) -> int:
        found = compute(whole(left), whole(right))
        if abs(found) >= LARGEST:
            raise ValueError("too large")
        return found

    return run


def _divided(left: int, right: int) -> int:
    """Towards zero, as .NET divides. Raises ``ValueError``."""
    if right == 0:
        raise ValueError("division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) is (right < 0) else -1)


def _rest(left: int, right: int) -> int:
    return left - right * _divided(left, right)


def _equal(left: Json, right: Json) -> bool:
    """Texts compare with their case (template functions, ``equals``)."""
    if unknown_part([left, right]) is not None:
        raise TypeError("not comparable")
    if type(left) is not type(right) and left is not None and right is not None:
        raise Unresolved("values of two types, whose comparison is not documented")
    return bool(left == right)


def _ordered(compare: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    """Whole numbers, or texts where every order of letters agrees on them."""

    def run(left: Json, right: Json) -> bool:
        if not (isinstance(left, str) and isinstance(right, str)):
            return compare(whole(left), whole(right))
        found = compare(left, right)
        if not (left + right).isalnum() or found is not compare(left.lower(), right.lower()):
            raise Unresolved("an order of texts that only .NET knows")
        return found

    return run


def _extreme(choose: Callable[[list[int]], int]) -> Callable[..., int]:
    """Of whole numbers, or of one list of them."""

    def run(*parts: Json) -> int:
        listed = parts[0] if len(parts) == 1 and isinstance(parts[0], list) else parts
        return choose([whole(part) for part in listed])

    return run


FUNCTIONS: Final[Mapping[str, Callable[..., Json]]] = {
    "add": _computed(operator.add),
    "div": _computed(_divided),
    "equals": _equal,
    "false": lambda: False,
    "greater": _ordered(operator.gt),
    "greaterorequals": _ordered(operator.ge),
    "int": _integer,
    "less": _ordered(operator.lt),
    "lessorequals": _ordered(operator.le),
    "max": _extreme(max),
    "min": _extreme(min),
    "mod": _computed(_rest),
    "mul": _computed(operator.mul),
    "not": lambda part: not as_truth(part),
    "null": lambda: None,
    "sub": _computed(operator.sub),
    "true": lambda: True,
}
