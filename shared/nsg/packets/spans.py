"""Sets of whole numbers as sorted, disjoint, inclusive spans: what ports and addresses are made of.

A set has exactly one form (adjacent spans are joined), so equality of tuples is equality of sets. The
functions merge two sorted lists and cost the sum of their lengths. What the numbers mean (a port, a
place on the address line) is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]
"""First and last number, both inside."""
Spans: TypeAlias = tuple[Span, ...]

EVERY_PORT: Final[Spans] = ((0, 65535),)


def union(spans: Iterable[Span]) -> Spans:
    """The numbers that lie in any of ``spans``."""
    ordered = sorted(spans)
    if len(ordered) < 2:
        return tuple(ordered)
    joined: list[Span] = []
    for first, last in ordered:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def common(left: Spans, right: Spans) -> Spans:
    """The numbers that lie in both sets."""
    found: list[Span] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            found.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def minus(left: Spans, right: Spans) -> Spans:
    """The numbers of ``left`` that do not lie in ``right``."""
    rest: list[Span] = []
    j = 0
    for first, last in left:
        cursor = first
        while j < len(right) and right[j][1] < cursor:
            j += 1
        k = j
        while k < len(right) and right[k][0] <= last:
            if right[k][0] > cursor:
                rest.append((cursor, right[k][0] - 1))
            cursor = right[k][1] + 1
            k += 1
        if cursor <= last:
            rest.append((cursor, last))
    return tuple(rest)


def is_one_number(spans: Spans) -> bool:
    return len(spans) == 1 and spans[0][0] == spans[0][1]
