"""What expressions of one template can ask for, and what stands where one could not be answered.

A scope also counts what is computed for its document and how deep values are nested, so that a hostile
template comes to an end. What must not live here: how anything is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Final

from shared.model import Json
from shared.model.values import value
from shared.nsg.documents.grammar import Unresolved

_DEEPEST: Final = 60
"""How deep values and calls may be nested; a template stays far below, a hostile one must not recurse."""
_MOST_STEPS: Final = 200_000
"""Values and calls that are computed for one document; 1,000 rules in a loop need 130,000."""


@value
class Unknown:
    """Stands in a resolved value where an expression could not be answered."""

    text: str


def unknown_part(found: Json) -> str | None:
    """The expression in a resolved value that could not be answered; None where all of it is known."""
    match found:
        case Unknown():
            return found.text
        case list():
            parts = found
        case Mapping():
            parts = [*found.values()]
        case _:
            return None
    return next((text for text in map(unknown_part, parts) if text is not None), None)


class Steps:
    """Counts what is computed, so that a template that doubles its values again and again comes to an end."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def take(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise Unresolved("more values than a template holds")


@value
class Scope:
    """What expressions of one template can ask for."""

    parameters: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case: the declaration, an object with ``defaultValue``."""
    given: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case: values that an outer template hands in."""
    variables: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case."""
    turns: Mapping[str, int] = field(default_factory=dict)
    """The turn of each loop around the expression; ``""`` is the innermost."""
    bound: Mapping[str, Json] = field(default_factory=dict)
    """The items of the lists around the expression, by the name that ``lambda`` gives them."""
    asked: frozenset[str] = frozenset()
    """The parameters and variables whose values are being computed."""
    depth: int = 0
    steps: Steps = field(default_factory=Steps)

    def turned(self, loop: str, turn: int) -> Scope:
        return replace(self, turns={**self.turns, "": turn, loop.lower(): turn})

    def deeper(self) -> Scope:
        if self.depth >= _DEEPEST:
            raise Unresolved("values nested too deeply")
        self.steps.take(1)
        return replace(self, depth=self.depth + 1)

    def of(self, name: str) -> Scope:
        """For the value of a parameter or variable, which does not know the loops around those who ask."""
        if name in self.asked:
            raise Unresolved(f"{name}, which asks for itself")
        return replace(self, turns={}, bound={}, asked=self.asked | {name})
