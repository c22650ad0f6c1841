"""One field of packets as numbered positions, so that a set of numbers is a bit mask.

An axis is cut wherever a set that matters begins or ends; between two cuts every number is treated
alike, and is one *position*. Sets become masks over positions, and all set algebra is ``&``, ``|`` and
``~`` on whole numbers of any length, which Python does at the speed of C.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from shared.nsg.packets.spans import Span, Spans, common


class Axis(NamedTuple):
    """``starts[p]`` is the first number of position ``p``; the last entry is the end of the line."""

    starts: tuple[int, ...]

    def mask(self, spans: Spans) -> int:
        """The positions that hold a number of ``spans``; exactly these where the axis was cut for it."""
        mask = 0
        for first, last in spans:
            low = bisect_right(self.starts, first) - 1
            mask |= (1 << bisect_right(self.starts, last)) - (1 << low)
        return mask

    def numbers(self, position: int, within: Spans) -> Spans:
        """The numbers at ``position`` that lie ``within``."""
        first, last = self.starts[position], self.starts[position + 1] - 1
        begin = bisect_right(within, (first,)) - 1
        return common(((first, last),), within[max(begin, 0) : bisect_right(within, (last + 1,))])


def lay_out(sets: Sequence[Spans], line: Span) -> tuple[Axis, list[int]]:
    """An axis over ``line`` that is cut for each of ``sets``, and their masks, exactly."""
    different = dict.fromkeys(sets, 0)
    cuts = {line[0], line[1] + 1}
    for spans in different:
        for first, last in spans:
            cuts.add(first)
            cuts.add(last + 1)
    starts = sorted(cuts)
    at = {start: position for position, start in enumerate(starts)}
    for spans in different:
        different[spans] = sum([(1 << at[last + 1]) - (1 << at[first]) for first, last in spans])
    return Axis(tuple(starts)), [different[spans] for spans in sets]


def positions(mask: int) -> Iterator[int]:
    """The positions of a mask, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def spans_at(axis: Axis, mask: int, within: Spans) -> Spans:
    """The numbers at the positions of ``mask`` that lie ``within``."""
    return common(_joined((axis.starts[p], axis.starts[p + 1] - 1) for p in positions(mask)), within)


def _joined(spans: Iterable[Span]) -> Spans:
    """Sorted spans, with neighbours that touch made one."""
    joined: list[Span] = []
    for first, last in spans:
        if joined and joined[-1][1] + 1 == first:
            first = joined.pop()[0]
        joined.append((first, last))
    return tuple(joined)
