"""Counting in bounded memory: how often each of many things was seen, up to a limit of different things.

A tally that is full still counts everything, but a thing that it does not know it counts as one of the rest:
then the number of different things is a lower bound, and it says so. Nothing here knows flows or files.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from heapq import nsmallest
from typing import Final, Generic, TypeVar

MOST: Final = 1024
"""Different things that one tally tells apart."""

_T = TypeVar("_T", bound=Hashable)


class Tally(Generic[_T]):
    """Counts by thing. ``rest`` are the occurrences of things that came when the tally was full."""

    __slots__ = ("_most", "counts", "rest")

    def __init__(self, most: int = MOST) -> None:
        self.counts: dict[_T, int] = {}
        self.rest = 0
        self._most = most

    def add(self, thing: _T, times: int = 1) -> None:
        if thing in self.counts:
            self.counts[thing] += times
        elif len(self.counts) < self._most:
            self.counts[thing] = times
        else:
            self.rest += times

    def merge(self, other: Tally[_T]) -> None:
        """Count what ``other`` has counted."""
        for thing, times in other.counts.items():
            self.add(thing, times)
        self.rest += other.rest

    @property
    def is_complete(self) -> bool:
        """Whether every thing is known; otherwise ``len`` is a lower bound."""
        return self.rest == 0

    def __len__(self) -> int:
        return len(self.counts)

    def first(self, number: int) -> Iterable[tuple[_T, int]]:
        """The ones seen most often; among equals in the order in which they were first seen."""
        numbered = ((-times, order, thing) for order, (thing, times) in enumerate(self.counts.items()))
        return [(thing, -times) for times, _, thing in nsmallest(number, numbered)]
