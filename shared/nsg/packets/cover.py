"""Whether boxes cover a cell, exactly, and where not: the one hard question under every answer.

A *cell* has one bit mask per field; it holds every combination of the positions whose bits are set. A
mask is a whole set, so a rule with a thousand prefixes is one cell. Which packets the positions stand
for is not known here.

With the number of fields as input the question is NP-hard (Elmallah, Gouda 2014); the fields are five.
Boxes that fill a field but one are cut off at once. Then positions are counted: boxes that hold fewer
positions than the cell cannot cover it, and boxes that hold exactly as many cover it if and only if no
two meet. Both tests are exact, and they end a partition into a thousand boxes, the worst case of every
method that subtracts, without a split. What they leave open is split along the largest box.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import accumulate
from math import inf, prod
from operator import and_, or_
from typing import TypeAlias

from shared.nsg.packets.steps import UNCOUNTED, Steps

Cell: TypeAlias = tuple[int, ...]
_Task: TypeAlias = tuple[Cell, Sequence[Cell]]


def meet(left: Cell, right: Cell) -> Cell | None:
    """The positions of both cells; None when there are none."""
    shared = tuple(map(and_, left, right))
    return shared if all(shared) else None


def subtract(cell: Cell, taken: Cell) -> list[Cell]:
    """``cell`` without ``taken``, which lies in it: disjoint cells, at most one per field."""
    rest: list[Cell] = []
    for field, (mask, inner) in enumerate(zip(cell, taken, strict=True)):
        if outside := mask & ~inner:
            rest.append((*taken[:field], outside, *cell[field + 1 :]))
    return rest


class TooManyPieces(ValueError):
    """What is left would be told in more pieces than anybody reads."""


def without(
    cells: Iterable[Cell], taken: Iterable[Cell], most: float = inf, steps: Steps = UNCOUNTED
) -> list[Cell]:
    """``cells`` without what lies in one of ``taken``. Raises ``TooManyPieces`` beyond ``most``."""
    left = list(cells)
    for other in taken:
        steps.take(len(left))
        if len(left) > most:
            raise TooManyPieces
        rest: list[Cell] = []
        for cell in left:
            shared = meet(cell, other)
            rest.extend([cell] if shared is None else subtract(cell, shared))
        left = rest
    return left


def disjoint(cells: Iterable[Cell], most: float = inf, steps: Steps = UNCOUNTED) -> list[Cell]:
    """The same positions as cells of which no two meet. Raises ``TooManyPieces`` beyond ``most``."""
    found: list[Cell] = []
    for cell in sorted(cells, key=_size, reverse=True):  # what the large ones hold needs no pieces
        found.extend(without([cell], found, most, steps))
        if len(found) > most:
            raise TooManyPieces
    return found


def merged(cells: Iterable[Cell]) -> list[Cell]:
    """Disjoint cells, with those that differ in one field alone made one: shorter, not shortest."""
    found = list(cells)
    for field in range(len(found[0]) if found else 0):
        alike: dict[Cell, int] = {}
        for cell in found:
            others = (*cell[:field], *cell[field + 1 :])
            alike[others] = alike.get(others, 0) | cell[field]
        found = [(*others[:field], mask, *others[field:]) for others, mask in alike.items()]
    return found


def uncovered(cell: Cell, boxes: Iterable[Cell], steps: Steps = UNCOUNTED) -> Cell | None:
    """A part of ``cell`` that none of ``boxes`` meets; None when they cover it."""
    tasks: list[_Task] = [(cell, list(boxes))]
    while tasks:
        left, others = tasks.pop()
        steps.take(1 + len(others))
        found = _reduce(left, others)
        if found is None:
            continue
        left, parts = found
        if not parts:
            return left
        counted, size = sum(map(_size, parts)), _size(left)
        if counted < size:
            tasks = [_deficient_half(left, parts)]
        elif counted > size or not _are_disjoint(parts):
            tasks.extend(_split(left, parts))
    return None


def exposed(cells: Sequence[Cell], steps: Steps = UNCOUNTED) -> Iterator[Cell | None]:
    """For each cell in turn a part of it that no earlier one meets; None when they cover it.

    What they cover adds nothing to them, so it is left out of later questions. Corners are tried first:
    nearly every cell that is not covered shows it there.
    """
    held = holders(cells)
    effective: list[Cell] = []
    for number, cell in enumerate(cells):
        found = _free_corner(number, cell, held) or uncovered(cell, effective, steps)
        if found is not None:
            effective.append(cell)
        yield found


def holders(cells: Sequence[Cell]) -> list[list[int]]:
    """For each field and position the numbers of the cells that hold it, as a mask."""
    return [_holders(_alike(masks)) for masks in zip(*cells, strict=True)]


def _free_corner(number: int, cell: Cell, held: Sequence[Sequence[int]]) -> Cell | None:
    """A corner of ``cell`` that none of the cells before ``number`` holds."""
    for corner in ([mask & -mask for mask in cell], [1 << mask.bit_length() - 1 for mask in cell]):
        matching = reduce(
            and_, (there[bit.bit_length() - 1] for there, bit in zip(held, corner, strict=True))
        )
        if matching & -matching == 1 << number:
            return tuple(corner)
    return None


def _size(cell: Cell) -> int:
    return prod(map(int.bit_count, cell))


def _reduce(cell: Cell, boxes: Sequence[Cell]) -> _Task | None:
    """``cell`` without the boxes that fill it in every field but one, and the rest cut to it.

    None when it is covered. Cutting one box off makes others fill what is left, so it goes on until
    nothing changes.
    """
    while True:
        parts = [part for box in boxes if all(part := tuple(map(and_, cell, box)))]
        slabs = [part for part in parts if _missing(part, cell) < 2]
        if not slabs:
            return cell, parts
        for slab in slabs:
            if inner := meet(cell, slab):
                rest = subtract(cell, inner)
                if not rest:
                    return None
                (cell,) = rest
        boxes = parts


def _missing(part: Cell, cell: Cell) -> int:
    """In how many fields ``part`` does not fill ``cell``."""
    return sum(map(int.__ne__, part, cell))


def _deficient_half(cell: Cell, parts: Sequence[Cell]) -> _Task:
    """The half of ``cell`` in which ``parts`` hold too few positions to cover it: one of both must be."""
    halves = _halves(cell)
    for half in halves:
        inside = [part for part in (tuple(map(and_, half, p)) for p in parts) if all(part)]
        if sum(map(_size, inside)) < _size(half):
            return half, inside
    raise AssertionError("the halves hold together what the cell holds")


def _halves(cell: Cell) -> tuple[Cell, Cell]:
    """``cell`` cut in two along the field with the most positions, of which it has more than one."""
    field = max(range(len(cell)), key=lambda index: cell[index].bit_count())
    mask = cell[field]
    lowest, length = (mask & -mask).bit_length(), mask.bit_length()
    low = mask & ((1 << (lowest + length) // 2) - 1)
    return (*cell[:field], low, *cell[field + 1 :]), (*cell[:field], mask & ~low, *cell[field + 1 :])


def _split(cell: Cell, parts: Sequence[Cell]) -> list[_Task]:
    """The cells beside the largest part, the smallest of them to be looked at first."""
    largest = max(parts, key=_size)
    others = [part for part in parts if part is not largest]
    return [(rest, others) for rest in sorted(subtract(cell, largest), key=_size, reverse=True)]


def _are_disjoint(parts: Sequence[Cell]) -> bool:
    """Whether no two of ``parts`` meet: for each, those that meet it in every field are itself alone."""
    neighbours = [_meeting(masks) for masks in zip(*parts, strict=True)]
    return all(
        reduce(and_, (met[mask] for met, mask in zip(neighbours, part, strict=True))) == 1 << number
        for number, part in enumerate(parts)
    )


def _meeting(masks: Sequence[int]) -> dict[int, int]:
    """For each mask of one field, the numbers of the masks that share a position with it, as a mask."""
    alike = _alike(masks)
    tables = _range_tables(_holders(alike))
    return {
        mask: reduce(or_, (_any_in(tables, first, end) for first, end in runs))
        for mask, (runs, _) in alike.items()
    }


_Alike: TypeAlias = dict[int, tuple[list[tuple[int, int]], int]]
"""By mask its runs of set bits, and the numbers of those that have this mask, as a mask."""


def _alike(masks: Iterable[int]) -> _Alike:
    found: dict[int, int] = {}
    for number, mask in enumerate(masks):
        found[mask] = found.get(mask, 0) | 1 << number
    return {mask: (_runs(mask), numbers) for mask, numbers in found.items()}


def _runs(mask: int) -> list[tuple[int, int]]:
    """The runs of set bits: first, and the position after the last."""
    bits = f"{mask:b}0"[-2::-1] + "0"  # lowest first: to look for a digit costs less than arithmetic
    found: list[tuple[int, int]] = []
    first = bits.find("1")
    while first >= 0:
        end = bits.find("0", first)
        found.append((first, end))
        first = bits.find("1", end)
    return found


def _holders(alike: _Alike) -> list[int]:
    """For each position the numbers of those that hold it, as a mask."""
    toggled = [0] * (max(runs[-1][1] for runs, _ in alike.values()) + 1)
    for runs, numbers in alike.values():
        for first, end in runs:
            toggled[first] ^= numbers
            toggled[end] ^= numbers
    return list(accumulate(toggled, int.__xor__))


def _range_tables(held: list[int]) -> list[list[int]]:
    """``tables[k][p]``: whoever holds one of the ``2**k`` positions from ``p`` on."""
    tables, step = [held], 1
    while 2 * step <= len(held):
        last = tables[-1]
        tables.append(list(map(or_, last, last[step:])))
        step *= 2
    return tables


def _any_in(tables: list[list[int]], first: int, end: int) -> int:
    """Whoever holds a position from ``first`` up to ``end``, which is not inside."""
    level = (end - first).bit_length() - 1
    return tables[level][first] | tables[level][end - (1 << level)]
