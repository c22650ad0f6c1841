"""What happens to the packets of a space: which rules decide, what is sure, what is open.

A packet is *surely* allowed or denied when it is so in every world, and *open* otherwise. Everything
here is exact; a cheap test stands before a costly one wherever it settles the matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import reduce
from itertools import product
from math import inf
from operator import and_
from typing import NamedTuple, TypeAlias

from shared.model import Access
from shared.nsg.engine.space import Space
from shared.nsg.packets.axis import positions
from shared.nsg.packets.cover import Cell, exposed, holders, meet, uncovered, without
from shared.nsg.rules.reading import Rule


class Outcome(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    OPEN = "open"
    """Some memberships of the open sets allow it, others deny it."""


SURE = {Access.ALLOW: Outcome.ALLOWED, Access.DENY: Outcome.DENIED}
_OTHER = {Access.ALLOW: Access.DENY, Access.DENY: Access.ALLOW}

Point: TypeAlias = tuple[int, ...]
"""A position for each kept field of a space."""


class Decided(NamedTuple):
    """A rule decides the packets at ``point``."""

    rule: Rule
    point: Point


def deciders(space: Space) -> Iterator[Decided]:
    """Each rule that decides some packet in some world, in the order of asking."""
    for rule, part in zip(space.rules, exposed(space.cells, space.steps), strict=True):
        if rule is not None and part is not None:
            yield Decided(rule, lowest(part))


def lowest(cell: Cell) -> Point:
    return tuple(next(positions(mask)) for mask in cell)


def accesses(space: Space) -> Iterator[Access]:
    """Each access that some packet has in some world, without looking for every rule that decides.

    What the first rule matches has its access. Another access is there if a rule of it matches a packet
    that no earlier rule of the first access does.
    """
    others: list[Cell] = []
    first: Access | None = None
    for rule, cell in zip(space.rules, space.cells, strict=True):
        if (
            rule is not None
            and rule.access is not (first or rule.access)
            and uncovered(cell, others, space.steps)
        ):
            yield rule.access
            return
        if rule is None or rule.access is (first or rule.access):
            if rule is not None and first is None and uncovered(cell, others, space.steps):
                first = rule.access
                yield first
            others.append(cell)


def surely(space: Space, access: Access, among: Cell | None = None) -> Decided | None:
    """A packet, of ``among`` if given, that has ``access`` in every world; None when there is none."""
    region = _packets(space) if among is None else in_any_world(space, among)
    part = _unthreatened(space, access, region) or _beyond(space, access, region)
    return _decided_at(space, lowest(part)) if part is not None else None


def _unthreatened(space: Space, access: Access, region: Cell) -> Cell | None:
    """Packets of ``region`` that a rule of ``access`` surely matches and no earlier other one may match."""
    threats: list[Cell] = []
    for rule, cell in zip(space.rules, space.cells, strict=True):
        if rule is None or rule.access is not access:
            threats.append(in_any_world(space, cell))
        elif (sure := meet(_in_every_world(space, cell), region)) and (
            part := uncovered(sure, threats, space.steps)
        ):
            return part
    return None


def _beyond(space: Space, access: Access, region: Cell) -> Cell | None:
    """Packets of ``region`` that the other access cannot reach in any world."""
    nobody = [
        in_any_world(space, cell) for rule, cell in zip(space.rules, space.cells, strict=True) if rule is None
    ]
    reached = list(possible(space, _OTHER[access]))
    return uncovered(region, [*nobody, *reached], space.steps)


def possible(
    space: Space, access: Access, region: Sequence[Cell] | None = None, most: float = inf
) -> Iterator[Cell]:
    """All packets of ``region`` that have ``access`` in some world, as cells without worlds.

    Without a region it is the whole space. A world is needed only for what a rule matches in
    it and not in a smaller one. Raises ``TooManyPieces`` where one rule has more than ``most``.
    """
    wanted = [_packets(space)] if region is None else region
    layers = _layered(space)
    for number, rule in enumerate(space.rules):
        if rule is None or rule.access is not access:
            continue
        for worlds, fresh in _fresh(layers, number):
            inside = (meet(fresh, part) for part in wanted)
            blockers = _blockers(layers, number, worlds, access)
            yield from without([part for part in inside if part], blockers, most, space.steps)


class _Layers(NamedTuple):
    """A space whose cells are cut by world: for each rule and field, what it matches in each world."""

    space: Space
    cells: list[list[Sequence[int]]]


def _layered(space: Space) -> _Layers:
    fields = space.kept_fields
    return _Layers(
        space, [[f.layers(mask) for f, mask in zip(fields, cell, strict=True)] for cell in space.cells]
    )


def _fresh(layers: _Layers, number: int) -> Iterator[tuple[tuple[int, ...], Cell]]:
    """The worlds in which a rule matches more than in smaller ones, and what it matches there."""
    space, cell = layers.space, layers.cells[number]
    fields = zip(space.kept_fields, cell, strict=True)
    for choice in product(*(field.fresh(parts, space.steps) for field, parts in fields)):
        space.steps.take(1)
        yield tuple(world for world, _ in choice), tuple(mask for _, mask in choice)


def _blockers(layers: _Layers, number: int, worlds: Sequence[int], access: Access | None) -> list[Cell]:
    """What stands before a rule in a world: nobody's packets, and rules of another access."""
    layers.space.steps.take(number)
    earlier = zip(layers.space.rules[:number], layers.cells[:number], strict=True)
    return [
        tuple(parts[world] for parts, world in zip(cell, worlds, strict=True))
        for rule, cell in earlier
        if rule is None or rule.access is not access
    ]


def in_any_world(space: Space, cell: Cell) -> Cell:
    return tuple(field.any_world(mask) for field, mask in zip(space.kept_fields, cell, strict=True))


def _in_every_world(space: Space, cell: Cell) -> Cell:
    return tuple(field.every_world(mask) for field, mask in zip(space.kept_fields, cell, strict=True))


def _packets(space: Space) -> Cell:
    return tuple(field.packets for field in space.kept_fields)


class Opened(NamedTuple):
    """The open packets of a space: what depends, and one packet with each outcome that it may have."""

    rules: tuple[Rule, ...]
    """Rules that name an open set and decide an open packet in some world."""
    example: Mapping[Access, Decided]


def opened(space: Space, deciding: Sequence[Decided]) -> Opened | None:
    """None when every packet is sure."""
    if not space.is_open or len({decided.rule.access for decided in deciding}) < 2:
        return None
    asked = _Worlds(space)
    rules: dict[Rule, None] = {}
    example: Mapping[Access, Decided] = {}
    for decided in deciding:
        if len(found := asked.outcomes(decided.point)) == 2:
            example = example or found
            rules[decided.rule] = None
    settled = {s.key for rule in rules for s in rule.sets}
    for decided in deciding:
        # A packet is open only where a rule that names an open set decides it in some world.
        if not settled.issuperset(s.key for s in decided.rule.sets) and (
            point := asked.open_point(decided.rule)
        ):
            example = example or asked.outcomes(point)
            rules[decided.rule] = None
            settled.update(s.key for s in decided.rule.sets)
    return Opened(tuple(rule for rule in rules if rule.sets), example) if example else None


class _Worlds:
    """A space world by world, for questions about single packets and pairs of rules."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._layers = _layered(space)
        self._holders = holders(space.cells)

    def outcomes(self, point: Point) -> dict[Access, Decided]:
        """Which accesses the packet at ``point``, of whatever world, has in some world, and by which rule."""
        fields = self._space.kept_fields
        places = [place % field.width for place, field in zip(point, fields, strict=True)]
        layers = [
            [world * field.width + place for world, w in enumerate(field.worlds) if w.valid >> place & 1]
            for field, place in zip(fields, places, strict=True)
        ]
        found: dict[Access, Decided] = {}
        for there in product(*layers):
            self._space.steps.take(1)
            rule = self._first(there)
            if rule is not None:
                found.setdefault(rule.access, Decided(rule, there))
            if len(found) == len(SURE):
                break
        return found

    def open_point(self, rule: Rule) -> Point | None:
        """A packet that ``rule`` decides in some world and that has the other access in another.

        Later rules are tried first: what an open set leaves to them is what most often differs.
        """
        space, number = self._space, self._space.rules.index(rule)
        other = [n for n, r in enumerate(space.rules) if r is not None and r.access is not rule.access]
        for worlds, mine in _fresh(self._layers, number):
            before = _blockers(self._layers, number, worlds, None)
            for theirs in reversed(other):
                for there, cell in _fresh(self._layers, theirs):
                    shared = meet(mine, cell)
                    if shared and (
                        found := uncovered(
                            shared,
                            [*before, *_blockers(self._layers, theirs, there, _OTHER[rule.access])],
                            space.steps,
                        )
                    ):
                        return lowest(found)
        return None

    def _first(self, point: Point) -> Rule | None:
        matching = reduce(and_, (held[place] for held, place in zip(self._holders, point, strict=True)))
        return self._space.rules[next(positions(matching))]


def _decided_at(space: Space, place: Point) -> Decided:
    """Who decides the packet at ``place`` in the first world that there is for it."""
    point = tuple(
        next(world * field.width + at for world, w in enumerate(field.worlds) if w.valid >> at & 1)
        for field, at in zip(space.kept_fields, place, strict=True)
    )
    for rule, cell in zip(space.rules, space.cells, strict=True):
        if rule is not None and all(mask >> at & 1 for mask, at in zip(cell, point, strict=True)):
            return Decided(rule, point)
    raise AssertionError("the last rule matches every packet")
