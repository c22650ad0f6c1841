"""The packets of a question as positions, with the rules that can match some of them.

Open sets are made ordinary here. Whether a packet's source lies in an open set is one more thing that a
packet *is*: a field of addresses has one layer of positions for each *world*, which says in which open
sets the address lies. Over packets and worlds together the rules are an ordinary first-match list. A
packet is surely allowed when it is allowed in all worlds, which ``shared.nsg.engine.outcomes`` finds out.

Few worlds are enough. A rule asks only whether an end lies in one of its sets, never whether it does
not, so if a rule decides in some world, it does so in the smallest one in which it matches: with one
set per end, and the sets that hold that one.

A packet whose source is its destination lies in the same sets on both ends. Such packets are a space of
their own, with one field for the address; in the other space they are held by nobody's rule. Without
open sets there is no difference, and one space holds all packets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import islice, pairwise, product
from operator import and_, or_
from typing import Final, NamedTuple, TypeAlias

from shared.nsg.engine.program import PROTOCOL_AXIS, Chain, Ends, Program, ends, protocol_spans
from shared.nsg.engine.question import Part, Question
from shared.nsg.packets.axis import Axis, positions
from shared.nsg.packets.cover import Cell
from shared.nsg.packets.spans import Spans, common, is_one_number
from shared.nsg.rules.reading import NsgError, Rule, Side
from shared.nsg.rules.tags import OpenSet


class World(NamedTuple):
    """In which open sets an address lies, and the positions at which it may."""

    keys: frozenset[str]
    valid: int


class Field(NamedTuple):
    """How positions stand for numbers: ``width`` of them for each world, the first being ``offset``."""

    axis: Axis
    within: Spans
    offset: int
    width: int
    worlds: tuple[World, ...]

    @property
    def packets(self) -> int:
        """The positions at which there are packets, in whatever world."""
        return reduce(or_, (world.valid for world in self.worlds))

    @property
    def whole(self) -> int:
        return self.extend([world.valid for world in self.worlds])

    @property
    def lowest(self) -> int:
        return next(positions(self.whole))

    def extend(self, layers: Iterable[int]) -> int:
        """Masks by world as one mask."""
        mask = 0
        for layer, positions_there in enumerate(layers):
            mask |= positions_there << layer * self.width
        return mask

    def layer(self, mask: int, world: int) -> int:
        """The positions of ``mask`` in a world."""
        return (mask >> world * self.width) & ((1 << self.width) - 1)

    def any_world(self, mask: int) -> int:
        """The positions of ``mask`` in whatever world."""
        return reduce(or_, (self.layer(mask, world) for world in range(len(self.worlds))))

    def every_world(self, mask: int) -> int:
        """The positions that ``mask`` holds in every world that there is for them."""
        missing = (world.valid & ~self.layer(mask, n) for n, world in enumerate(self.worlds))
        return self.packets & ~reduce(or_, missing)

    def added(self, mask: int, world: int) -> int:
        """The positions of ``mask`` in a world, without those that it holds in a smaller one."""
        keys = self.worlds[world].keys
        smaller = (self.layer(mask, n) for n, other in enumerate(self.worlds) if other.keys < keys)
        return self.layer(mask, world) & ~reduce(or_, smaller, 0)

    def at(self, position: int) -> tuple[Spans, frozenset[str]]:
        """The numbers at a position, and the open sets that they lie in there."""
        world, place = divmod(position, self.width)
        return self.axis.numbers(self.offset + place, self.within), self.worlds[world].keys


class Space(NamedTuple):
    """Rules and the cells that they match, in the order of asking, with what positions stand for.

    ``kept`` are the places in ``fields`` of the fields that tell the rules apart; a cell has a mask for
    each of them, in any of the others every rule matches all. A rule None is nobody's: its packets are
    no packets of this space.
    """

    rules: tuple[Rule | None, ...]
    cells: tuple[Cell, ...]
    whole: Cell
    fields: tuple[Field, ...]
    kept: tuple[int, ...]

    @property
    def is_open(self) -> bool:
        """Whether an open set can make a difference to some packet."""
        return any(len(field.worlds) > 1 for field in self.fields)

    @property
    def kept_fields(self) -> tuple[Field, ...]:
        return tuple(self.fields[place] for place in self.kept)


class _Column(NamedTuple):
    """One field with the mask of each rule."""

    field: Field
    masks: list[int]


class _Asked(NamedTuple):
    """The addresses asked about on an axis, and what they are said to lie in: one of ``given`` at least."""

    spans: Spans
    mask: int
    given: tuple[frozenset[str], ...]


_NO_KEYS: Final = frozenset[str]()


def spaces(program: Program, part: Part) -> Iterator[Space]:
    """The spaces that hold the packets of ``part``."""
    rules = range(len(program.chains[part.question.direction].rules))
    return (space for (space,) in joint_spaces(program, part, [rules]))


def joint_spaces(program: Program, part: Part, lists: Sequence[range]) -> Iterator[tuple[Space, ...]]:
    """Spaces for several rule lists, each a stretch of the program's; positions mean the same in all."""
    chain = program.chains[part.question.direction]
    sources = _asked(chain.sources.axis, part.sources, part.source_sets)
    destinations = _asked(chain.destinations.axis, part.destinations, part.destination_sets)
    plain = _plain_fields(chain, part.question)
    found = [_candidates(chain, numbers, plain, (sources.mask, destinations.mask)) for numbers in lists]
    every = [number for numbers in found for number in numbers]
    rules = [chain.rules[number] for number in every]
    columns = [
        *(_plain(field, masks, every) for field, masks in plain),
        _place(chain.sources, [(n, chain.rules[n].source) for n in every], sources),
        _place(chain.destinations, [(n, chain.rules[n].destination) for n in every], destinations),
    ]
    lengths = [len(numbers) for numbers in found]
    both = common(part.sources, part.destinations)
    if not both or all(len(column.field.worlds) == 1 for column in columns):
        yield _spaces(rules, columns, [], lengths)
        return
    yield _spaces(rules, columns, _own_addresses(columns[-2].field, columns[-1].field), lengths)
    yield _spaces(rules, [*columns[:-2], _place_both(rules, program, part, both)], [], lengths)


def _asked(axis: Axis, spans: Spans, sets: Iterable[OpenSet]) -> _Asked:
    return _Asked(spans, axis.mask(spans), _given(sets))


def _given(sets: Iterable[OpenSet]) -> tuple[frozenset[str], ...]:
    return tuple(open_set.closure() for open_set in sets) or (_NO_KEYS,)


_Plain: TypeAlias = tuple[Field, list[int]]


def _plain_fields(chain: Chain, question: Question) -> list[_Plain]:
    """Protocol, ports and source ports; positions are kept as the axis has them."""
    asked = (
        (PROTOCOL_AXIS, protocol_spans(question.protocol), chain.protocols),
        (chain.port_axis, question.ports, chain.ports),
        (chain.source_port_axis, question.source_ports, chain.source_ports),
    )
    return [
        (_field(axis, spans, [World(_NO_KEYS, axis.mask(spans))], 0), masks) for axis, spans, masks in asked
    ]


def _plain(field: Field, masks: Sequence[int], numbers: Sequence[int]) -> _Column:
    whole = field.whole
    return _Column(field, [masks[number] & whole for number in numbers])


def _field(axis: Axis, within: Spans, worlds: Sequence[World], offset: int) -> Field:
    width = max(world.valid.bit_length() for world in worlds)
    return Field(axis, within, offset, width, tuple(worlds))


def _candidates(chain: Chain, numbers: range, plain: Sequence[_Plain], ends: tuple[int, int]) -> list[int]:
    """The rules that may match some packet, up to the first that surely matches every one."""
    wanted = (*(field.whole for field, _ in plain), *ends)
    columns = [*(masks for _, masks in plain), chain.sources.sure, chain.destinations.sure]
    found: list[int] = []
    for number in _matching(chain, numbers, plain, ends):
        found.append(number)
        if all(masks[number] & whole == whole for masks, whole in zip(columns, wanted, strict=True)):
            return found
    raise NsgError("no rule decides some packets", rule="", field="defaultSecurityRules")


def _matching(chain: Chain, numbers: range, plain: Sequence[_Plain], ends: tuple[int, int]) -> Iterator[int]:
    """The rules that may match some packet."""
    (protocol, protocols), (port, ports), (source_port, source_ports) = plain
    protocol_mask, port_mask, source_port_mask = protocol.whole, port.whole, source_port.whole
    for number in numbers:
        if (
            protocols[number] & protocol_mask
            and ports[number] & port_mask
            and source_ports[number] & source_port_mask
            and chain.sources.may(number, chain.rules[number].source) & ends[0]
            and chain.destinations.may(number, chain.rules[number].destination) & ends[1]
        ):
            yield number


def matching(program: Program, part: Part) -> Iterator[Rule]:
    """The rules that may match some packet of ``part``, those behind the last that can decide one too."""
    chain = program.chains[part.question.direction]
    ends = chain.sources.axis.mask(part.sources), chain.destinations.axis.mask(part.destinations)
    numbers = _matching(chain, range(len(chain.rules)), _plain_fields(chain, part.question), ends)
    return (chain.rules[number] for number in numbers)


def _place(known: Ends, sides: Sequence[tuple[int, Side]], asked: _Asked) -> _Column:
    """One side of the rules that are asked, in every world that makes a difference."""
    offset = (asked.mask & -asked.mask).bit_length() - 1
    box = asked.mask >> offset
    worlds = dict.fromkeys(asked.given, box)
    for open_set in {s.key: s for _, side in sides for s in side.sets}.values():
        bounds = known.bounds[open_set.key]
        unsure = (bounds.upper & ~bounds.lower & asked.mask) >> offset
        for keys in asked.given if unsure else ():
            worlds.setdefault(keys | open_set.closure(), unsure)
    field = _field(known.axis, asked.spans, [World(keys, valid) for keys, valid in worlds.items()], offset)
    if list(worlds) == [_NO_KEYS]:
        return _Column(field, [known.sure[number] >> offset & box for number, _ in sides])
    conditions = [[_Condition(known.sure[number] >> offset, _keys(side))] for number, side in sides]
    return _Column(field, [field.extend(_matches(found, field)) for found in conditions])


class _Condition(NamedTuple):
    """Matches at some positions, and wherever an address lies in one of the sets."""

    sure: int
    keys: frozenset[str]


def _keys(side: Side) -> frozenset[str]:
    return frozenset(open_set.key for open_set in side.sets) if side.sets else _NO_KEYS


def _matches(conditions: Iterable[_Condition], field: Field) -> Iterator[int]:
    """World by world where all ``conditions`` hold."""
    for world in field.worlds:
        mask = world.valid
        for sure, keys in conditions:
            if keys.isdisjoint(world.keys):
                mask &= sure
        yield mask


def _place_both(rules: Sequence[Rule], program: Program, part: Part, both: Spans) -> _Column:
    """Source and destination at once, for packets in which they are one address."""
    sides = [*(rule.source for rule in rules), *(rule.destination for rule in rules)]
    known = ends(sides, program.tags)
    box = known.axis.mask(both)
    given = [a | b for a, b in product(_given(part.source_sets), _given(part.destination_sets))]
    worlds = dict.fromkeys(given, box)
    for rule in rules:
        for pair in product(_unsure(rule.source, known, box), _unsure(rule.destination, known, box)):
            keys = _NO_KEYS.union(*(open_set.closure() for open_set in pair if open_set))
            valid = reduce(and_, (known.bounds[s.key].upper for s in pair if s), box)
            for asked in given if valid else ():
                worlds.setdefault(asked | keys, valid)
    field = _field(known.axis, both, [World(keys, valid) for keys, valid in worlds.items()], 0)
    masks = [
        field.extend(_matches([_Condition(known.sure[n], _keys(sides[n])) for n in pair], field))
        for pair in zip(range(len(rules)), range(len(rules), len(sides)), strict=True)
    ]
    return _Column(field, masks)


def _unsure(side: Side, known: Ends, box: int) -> list[OpenSet | None]:
    """What an address may have to lie in for ``side`` to match: nothing, or one of its sets."""
    bounds = ((s, known.bounds[s.key]) for s in side.sets)
    return [None, *(s for s, bound in bounds if bound.upper & ~bound.lower & box)]


def _own_addresses(source: Field, destination: Field) -> list[tuple[int, int]]:
    """Pairs of positions that stand for one and the same address alone: no packet between two."""
    there = dict(_single_addresses(destination))
    return [(mask, there[number]) for number, mask in _single_addresses(source) if number in there]


def _single_addresses(field: Field) -> Iterator[tuple[int, int]]:
    """Addresses that have a position for themselves, with that position in every world."""
    starts, base = field.axis.starts, field.packets
    narrow = [p for p, (first, end) in enumerate(pairwise(starts)) if end - first == 1]
    cut = [bisect_right(starts, number) - 1 for span in field.within for number in span]
    for place in {p - field.offset for p in (*narrow, *cut) if p >= field.offset}:
        numbers = field.at(place)[0] if base >> place & 1 else ()
        if is_one_number(numbers):
            yield numbers[0][0], field.extend([world.valid & 1 << place for world in field.worlds])


def _spaces(
    rules: Sequence[Rule],
    columns: Sequence[_Column],
    own: Sequence[tuple[int, int]],
    lengths: Sequence[int],
) -> tuple[Space, ...]:
    """``rules``, with their masks, as spaces of so many rules each. ``own`` are nobody's packets."""
    fields = tuple(column.field for column in columns)
    whole = tuple(field.whole for field in fields)
    kept = [n for n, column in enumerate(columns) if any(mask != whole[n] for mask in column.masks)]
    if own:
        kept = sorted({*kept, len(fields) - 2, len(fields) - 1})
    kept = kept or [0]  # a cell of no fields would be no cell
    nobody = [(None, tuple((*whole[:-2], *pair)[n] for n in kept)) for pair in own]
    rows = zip(rules, zip(*(columns[n].masks for n in kept), strict=True), strict=True)
    space = Space((), (), tuple(whole[n] for n in kept), fields, tuple(kept))
    return tuple(_filled(space, [*nobody, *islice(rows, length)]) for length in lengths)


def _filled(space: Space, rows: Sequence[tuple[Rule | None, Cell]]) -> Space:
    rows = [(rule, cell) for rule, cell in rows if all(cell)]
    return space._replace(rules=tuple(rule for rule, _ in rows), cells=tuple(cell for _, cell in rows))
