"""The budget of steps of one answer, and what is said where it does not suffice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from shared.nsg.packets.steps import OutOfSteps, Steps
from shared.nsg.rules.reading import NsgError

STEPS: Final = 1_000_000
"""A few seconds at most. The costliest NSG of the benchmark needs an eighth of it, an ordinary one 300."""


class TooComplex(NsgError):
    """The rules have a meaning, but it was not found within the budget."""

    def __init__(self) -> None:
        super().__init__(
            f"too complex: no answer was found within {STEPS:,} steps; fewer application security groups "
            "and tags in the rules, or in the question, would make it simpler",
            rule="",
            field="nsg",
        )


@contextmanager
def bounded(steps: Steps | None = None) -> Iterator[Steps]:
    """The steps of an answer, or what is left of ``steps``. Raises ``TooComplex`` beyond them."""
    try:
        yield steps if steps is not None else Steps(STEPS)
    except OutOfSteps:
        raise TooComplex from None
