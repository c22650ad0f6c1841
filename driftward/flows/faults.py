"""What cannot be read of a log: a fault with its place, that ends the reading or is counted."""

from __future__ import annotations

from typing import Final

from shared.model.values import value

MOST_FAULTS: Final = 10
"""Faults that are told in words; all are counted."""


class BadLog(ValueError):
    """The file cannot be read as a flow log; the message names the place."""


@value
class Fault:
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Faults:
    """What could not be read, in the order of the file."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.count = 0
        self.first: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Keep the fault. Raises ``BadLog`` where nothing may be passed over."""
        if self.strict:
            raise BadLog(str(fault))
        self.count += 1
        if len(self.first) < MOST_FAULTS:
            self.first.append(fault)
