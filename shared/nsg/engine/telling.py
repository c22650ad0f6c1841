"""Which packet to show of many: one between addresses that machines have, if there is one.

Any packet proves an answer; a person believes one that could be seen. What must not live here: verdicts.
"""

from __future__ import annotations

from collections.abc import Callable

from shared.nsg.engine.outcomes import Decided, lowest
from shared.nsg.engine.space import Space
from shared.nsg.engine.worlds import Field
from shared.nsg.packets.addresses import MACHINES
from shared.nsg.packets.cover import Cell, meet, uncovered
from shared.nsg.packets.spans import common
from shared.nsg.rules.reading import Rule


def telling(space: Space, decided: Decided, again: Callable[[Cell], Decided | None]) -> Decided:
    """``decided``, or what ``again`` finds among the packets of machines where it is none of them."""
    among = _of_machines(space)
    if all(mask >> at & 1 for mask, at in zip(among, decided.point, strict=True)):
        return decided
    return (again(among) if all(among) else None) or decided


def decided_among(space: Space, among: Cell, wanted: Callable[[Rule], bool]) -> Decided | None:
    """A packet of ``among`` that a wanted rule decides, in some world; None where there is none."""
    for number, (rule, cell) in enumerate(zip(space.rules, space.cells, strict=True)):
        if rule is None or not wanted(rule) or not (region := meet(cell, among)):
            continue
        if part := uncovered(region, list(space.cells[:number]), space.steps):
            return Decided(rule, lowest(part))
    return None


def _of_machines(space: Space) -> Cell:
    """The positions with addresses that machines have; protocols and ports are all told."""
    fields = zip(space.kept, space.kept_fields, strict=True)
    return tuple(_addresses(field) if number in space.ends else field.whole for number, field in fields)


def _addresses(field: Field) -> int:
    found = field.axis.mask(common(field.within, MACHINES)) >> field.offset
    return field.extend([world.valid & found for world in field.worlds])
