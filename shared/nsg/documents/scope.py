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
from shared.nsg.documents.grammar import Faulty, Node, Unresolved, parse

_DEEPEST: Final = 60
"""How deep values and calls may be nested; a template stays far below, a hostile one must not recurse."""
_MOST_STEPS: Final = 400_000
"""Values and calls that are computed for one document; 1,000 rules in a loop need 130,000."""
_STEPS_OF_A_CALL: Final = 10
_TEXT_OF_A_STEP: Final = 64
"""Characters of a text that count as one value more."""


@value
class Unknown:
    """Stands in a resolved value where an expression could not be answered."""

    text: str
    varies: bool = False
    """Whether it stands in a loop: the same expression is another value in the next turn."""
    origin: str = ""
    """The inner template whose expression it is; ``""`` for the document's own."""
    fault: str = ""
    """Why no deployment knows it either; ``""`` where one may."""

    def error(self) -> Unresolved:
        return Faulty(self.fault) if self.fault else Unresolved(self.text)


def unknown_in(found: Json) -> Unknown | None:
    """The first part of a resolved value that could not be answered; None where all of it is known."""
    match found:
        case Unknown():
            return found
        case list():
            parts = found
        case Mapping():
            parts = [*found.values()]
        case _:
            return None
    return next((part for part in map(unknown_in, parts) if part is not None), None)


def unknown_part(found: Json) -> str | None:
    """The expression in a resolved value that could not be answered; None where all of it is known."""
    part = unknown_in(found)
    return None if part is None else part.text


class Steps:
    """Counts what is computed, and how deep, so that a template that doubles its values comes to an end."""

    __slots__ = ("_depth", "_left", "_trees")

    def __init__(self) -> None:
        self._left = _MOST_STEPS
        self._depth = 0
        self._trees: dict[str, Node | Faulty] = {}

    def tree(self, text: str) -> Node:
        """The expression in brackets, parsed once for all turns of a loop. Raises ``Faulty``."""
        if text not in self._trees:
            try:
                self._trees[text] = parse(text[1:-1])
            except Faulty as error:
                self._trees[text] = error
        found = self._trees[text]
        if isinstance(found, Faulty):
            raise Faulty(*found.args)
        return found

    def take(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise Faulty("more values than a template holds")

    def take_all_of(self, found: Json) -> None:
        """As many steps as ``found`` holds values: a few lines make a list that holds itself twice, often."""
        waiting = [found]
        while waiting:
            item = waiting.pop()
            parts = item if isinstance(item, list) else [*item.values()] if isinstance(item, Mapping) else ()
            self.take(len(item) // _TEXT_OF_A_STEP if isinstance(item, str) else len(parts))
            waiting.extend(parts)

    def __enter__(self) -> None:
        """One value deeper."""
        if self._depth >= _DEEPEST:
            raise Faulty("values nested too deeply")
        self.take(1)
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


@value
class Scope:
    """What expressions of one template can ask for."""

    parameters: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case: the declaration, an object with ``defaultValue``."""
    given: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case: values that a person or an outer template hands in."""
    variables: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case."""
    functions: Mapping[str, Json] = field(default_factory=dict)
    """By ``namespace.name`` in lower case: the functions that the template declares."""
    turns: Mapping[str, int] = field(default_factory=dict)
    """The turn of each loop around the expression; ``""`` is the innermost."""
    bound: Mapping[str, Json] = field(default_factory=dict)
    """The items of the lists around the expression, by the name that ``lambda`` gives them."""
    group: str | None = None
    """The resource group that the template is deployed to, where its deployment names one."""
    subscription: str | None = None
    origin: str = ""
    """The deployment that holds the template; ``""`` for the document itself."""
    asked: frozenset[str] = frozenset()
    """The parameters and variables whose values are being computed."""
    steps: Steps = field(default_factory=Steps)
    answers: dict[str, Json | Unresolved] = field(default_factory=dict)
    """What calls that depend on no loop came to, by their text: rules ask for one list in every field."""

    def unknown(self, text: str, error: Unresolved) -> Unknown:
        fault = str(error) if isinstance(error, Faulty) else ""
        varies = bool(self.turns or self.bound)
        return Unknown(text=text, varies=varies, origin=self.origin, fault=fault)

    def turned(self, loop: str, turn: int) -> Scope:
        return replace(self, turns={**self.turns, "": turn, loop.lower(): turn})

    def in_some_turn(self, loop: str) -> Scope:
        """In a loop of which nobody knows the turns."""
        outer = {name: turn for name, turn in self.turns.items() if name not in {"", loop.lower()}}
        return replace(self, turns=outer, bound={**self.bound, "": None})

    def calling(self, arguments: Mapping[str, Json]) -> Scope:
        """Inside a function that the template declares, which knows its arguments only."""
        self.steps.take(_STEPS_OF_A_CALL)
        return Scope(given=arguments, functions=self.functions, origin=self.origin, steps=self.steps)

    def of(self, name: str) -> Scope:
        """For the value of a parameter or variable, which does not know the loops around those who ask."""
        if name in self.asked:
            raise Faulty(f"{name}, which asks for itself")
        return replace(self, turns={}, bound={}, asked=self.asked | {name})
