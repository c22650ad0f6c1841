"""What a person is told to do: steps in order, and the choices among them that only a person can make.

A step is a text (a command that begins with ``az ``, else a sentence) or a choice. Evidence holds them as
``whatToDo``; ``shared.alerts.steps`` reads that. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from shared.model import Json
from shared.model.values import value


@value
class Way:
    """One way of several: when it is right, as a sentence, and its steps."""

    when: str
    steps: tuple[str, ...]


@value
class OneOf:
    """A choice; the first way is the safe one, whose commands are those that an alert prints to be pasted."""

    ways: tuple[Way, ...]


Step: TypeAlias = str | OneOf


def as_json(steps: Iterable[Step]) -> list[Json]:
    """As ``whatToDo`` holds them: texts, and ``{"oneOf": [{"when", "steps"}, …]}`` for a choice."""
    return [step if isinstance(step, str) else _choice(step) for step in steps]


def _choice(step: OneOf) -> Json:
    return {"oneOf": [{"when": way.when, "steps": list(way.steps)} for way in step.ways]}
