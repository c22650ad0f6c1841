"""How much work an answer may take: the questions are NP-hard, and nobody may keep a machine busy with one.

A step is about one rule looked at in one place, a microsecond or two; a question of every day takes some
thousands. The count says nothing about time, so an answer is the same on every machine.
"""

from __future__ import annotations

from math import inf
from typing import Final


class OutOfSteps(Exception):
    """There are no steps left."""


class Steps:
    """What is left to be spent on one answer. The one thing of the engine that changes."""

    __slots__ = ("left",)

    def __init__(self, left: float) -> None:
        self.left = left

    def take(self, number: int) -> None:
        """Raises ``OutOfSteps``."""
        self.left -= number
        if self.left < 0:
            raise OutOfSteps


UNCOUNTED: Final = Steps(inf)
"""For work that is known to be small."""
