"""Fields of packets: what positions stand for, and the worlds in which a rule matches.

Whether an address lies in an open set is one more thing that it *is*: a field of addresses has one layer of
positions for each *world*, which says in which open sets the address lies. Few worlds are enough. A rule asks
only whether an end lies in one of its sets, never whether it does not, so if a rule decides in some world, it
does so in the smallest one in which it matches: with one set per end, and the sets that hold that one. And
two worlds in which the same sides of rules are named are one: groups that no rule tells apart cost nothing.

What must not live here: which rules are asked, and what becomes of the packets.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import product
from operator import and_, or_
from typing import Final, NamedTuple

from shared.nsg.engine.program import Bounds, Ends
from shared.nsg.packets.axis import Axis, positions
from shared.nsg.packets.spans import Spans
from shared.nsg.packets.steps import Steps
from shared.nsg.rules.reading import Side
from shared.nsg.rules.tags import INTERNET, VIRTUAL_NETWORK, OpenSet


class World(NamedTuple):
    """In which open sets an address lies, the positions at which it may, and which sides that names."""

    keys: frozenset[str]
    valid: int
    named: int = 0
    """A bit for each side of the rules that names one of the sets."""


class Field(NamedTuple):
    """How positions stand for numbers: ``width`` of them for each world, the first being ``offset``.

    Where there are several worlds, ``width`` is whole bytes: masks of many worlds are cut and joined as such,
    in a time that grows with the mask alone.
    """

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
        if len(self.worlds) > _FEW:
            return int.from_bytes(b"".join(layer.to_bytes(self._bytes, _ORDER) for layer in layers), _ORDER)
        mask = 0
        for number, layer in enumerate(layers):
            mask |= layer << number * self.width
        return mask

    def layers(self, mask: int) -> Sequence[int]:
        """The positions of ``mask`` by world."""
        if len(self.worlds) <= _FEW:
            all_of_one = (1 << self.width) - 1
            return [mask >> n * self.width & all_of_one for n in range(len(self.worlds))]
        size = self._bytes
        written = mask.to_bytes(len(self.worlds) * size, _ORDER)
        return [int.from_bytes(written[n : n + size], _ORDER) for n in range(0, len(written), size)]

    def any_world(self, mask: int) -> int:
        """The positions of ``mask`` in whatever world."""
        return reduce(or_, self.layers(mask))

    def every_world(self, mask: int) -> int:
        """The positions that ``mask`` holds in every world that there is for them."""
        missing = (w.valid & ~there for w, there in zip(self.worlds, self.layers(mask), strict=True))
        return self.packets & ~reduce(or_, missing)

    def fresh(self, layers: Sequence[int], steps: Steps) -> list[tuple[int, int]]:
        """The worlds in which a mask holds positions that it holds in no smaller one, and these."""
        held = [(n, self.worlds[n].named, there) for n, there in enumerate(layers) if there]
        steps.take(len(held) ** 2 // _WORLDS_A_STEP)
        found = ((n, _beyond_smaller(held, named, there)) for n, named, there in held)
        return [(n, left) for n, left in found if left]

    @property
    def _bytes(self) -> int:
        return self.width // 8

    def at(self, position: int) -> tuple[Spans, frozenset[str]]:
        """The numbers at a position, and the open sets that they lie in there."""
        world, place = divmod(position, self.width)
        return self.axis.numbers(self.offset + place, self.within), self.worlds[world].keys


def _beyond_smaller(held: Iterable[tuple[int, int, int]], named: int, there: int) -> int:
    """``there`` without what is held in a world that names fewer of the same sides than ``named``."""
    for _, other, mask in held:
        if other != named and not other & ~named:
            there &= ~mask
            if not there:
                break
    return there


class Column(NamedTuple):
    """One field with the mask of each rule."""

    field: Field
    masks: list[int]


class Asked(NamedTuple):
    """The addresses asked about on an axis, and what they are said to lie in: one of ``given`` at least."""

    spans: Spans
    mask: int
    given: tuple[frozenset[str], ...]
    steps: Steps


_ORDER: Final = "little"
_FEW: Final = 8
"""Worlds whose masks are joined faster by shifting."""
_NO_KEYS: Final = frozenset[str]()
_APART: Final = (VIRTUAL_NETWORK, INTERNET)
_STEPS_OF_A_SPAN: Final = 4
_STEPS_OF_A_WORLD: Final = 4
_WORLDS_A_STEP: Final = 32
_POSITIONS_A_STEP: Final = 8
_BITS_A_STEP: Final = 2048
"""So many worlds are compared, positions told apart and bits of a mask moved in the time of one step."""


def asked_on(axis: Axis, spans: Spans, sets: Iterable[OpenSet], steps: Steps) -> Asked:
    steps.take(len(spans) * (_STEPS_OF_A_SPAN + len(axis.starts) // _BITS_A_STEP))
    return Asked(spans, axis.mask(spans), given(sets), steps)


def given(sets: Iterable[OpenSet]) -> tuple[frozenset[str], ...]:
    """What an address is said to lie in: nothing in particular, or one of ``sets`` with its holders."""
    return tuple(open_set.closure() for open_set in sets) or (_NO_KEYS,)


def given_both(
    sides: Iterable[tuple[Side, Side]], sets: tuple[Iterable[OpenSet], Iterable[OpenSet]], steps: Steps
) -> tuple[frozenset[str], ...]:
    """What an address is said to lie in that is source and destination, as far as a rule tells it apart."""
    naming = _naming([side for pair in sides for side in pair])
    sources, destinations = (_told_apart(given(named), naming) for named in sets)
    steps.take(_STEPS_OF_A_WORLD * len(sources) * len(destinations))
    return tuple(a | b for a, b in product(sources, destinations))


def plain_field(axis: Axis, spans: Spans) -> Field:
    """Numbers that lie in no open set; positions are kept as the axis has them."""
    return _field(axis, spans, [World(_NO_KEYS, axis.mask(spans))], 0)


def place(known: Ends, sides: Sequence[tuple[int, Side]], asked: Asked) -> Column:
    """One side of the rules that are asked, with their numbers, in every world that makes a difference."""
    offset = (asked.mask & -asked.mask).bit_length() - 1
    box = asked.mask >> offset
    sure = [known.sure[number] >> offset for number, _ in sides]
    naming = _naming([side for _, side in sides])
    said = _told_apart(asked.given, naming)
    worlds = dict.fromkeys(said, box)
    for closure, bounds in _told_apart_sets(sides, known, naming):
        unsure = (bounds.upper & ~bounds.lower & asked.mask) >> offset
        asked.steps.take(_STEPS_OF_A_WORLD * len(said))
        for keys in said if unsure else ():
            worlds.setdefault(keys | closure, unsure)
    worlds = _parted(worlds, known, naming, offset)
    if list(worlds) == [_NO_KEYS]:
        field = _field(known.axis, asked.spans, [World(_NO_KEYS, box)], offset)
        return Column(field, [mask & box for mask in sure])
    field = _field(known.axis, asked.spans, _different(worlds, naming), offset)
    return Column(field, _masks(field, sure, [(n,) for n in range(len(sides))], asked.steps))


def _told_apart(given: Iterable[frozenset[str]], naming: Mapping[str, int]) -> list[frozenset[str]]:
    """The first of those that no rule tells apart: a question may name a thousand tags."""
    different: dict[tuple[int, frozenset[str]], frozenset[str]] = {}
    for keys in given:
        different.setdefault((_named(keys, naming), keys.intersection(_APART)), keys)
    return [*different.values()]


def _told_apart_sets(
    sides: Iterable[tuple[int, Side]], known: Ends, naming: Mapping[str, int]
) -> Iterable[tuple[frozenset[str], Bounds]]:
    """The sets of ``sides`` with what they lie in and their bounds: the first of those that are alike."""
    different: dict[tuple[int, frozenset[str], Bounds], frozenset[str]] = {}
    for open_set in {s.key: s for _, side in sides for s in side.sets}.values():
        closure, bounds = open_set.closure(), known.bounds[open_set.key]
        different.setdefault((_named(closure, naming), closure.intersection(_APART), bounds), closure)
    return [(closure, bounds) for (_, _, bounds), closure in different.items()]


def place_both(sides: Sequence[tuple[Side, Side]], known: Ends, both: Spans, asked: Asked) -> Column:
    """Source and destination of the rules at once, for packets in which they are one address.

    ``known`` has all sources and behind them all destinations; ``asked`` is of its axis.
    """
    box, count = asked.mask, len(sides)
    naming = _naming([*(source for source, _ in sides), *(destination for _, destination in sides)])
    said = _told_apart(asked.given, naming)
    worlds = dict.fromkeys(said, box)
    for number, (source, destination) in enumerate(sides):
        ways = (
            _ways(side, known, (known.sure[n] & box, box), naming)
            for n, side in ((number, source), (number + count, destination))
        )
        for pair in product(*ways):
            asked.steps.take(len(said))
            keys = _NO_KEYS.union(*(open_set.closure() for open_set in pair if open_set))
            valid = reduce(and_, (known.bounds[s.key].upper for s in pair if s), box)
            for before in said if valid else ():
                worlds.setdefault(before | keys, valid)
    worlds = _parted(worlds, known, naming, 0)
    field = _field(known.axis, both, _different(worlds, naming), 0)
    return Column(field, _masks(field, known.sure, [(n, n + count) for n in range(count)], asked.steps))


def _parted(
    worlds: dict[frozenset[str], int], known: Ends, named: Container[str], offset: int
) -> dict[frozenset[str], int]:
    """``worlds`` where the Internet is what the virtual network leaves of the public space.

    None has an address in both. Where rules tell the two apart, a public one lies in one of them: a world
    with neither is then two at its public positions.
    """
    if not known.apart:
        return worlds
    public = _unsure(known, INTERNET, offset) if all(key in named for key in _APART) else 0
    found: dict[frozenset[str], int] = {}
    for keys, valid in worlds.items():
        for parted, there in _parts(keys, valid, public):
            found[parted] = found.get(parted, 0) | there
    return {keys: valid for keys, valid in found.items() if valid}


def _parts(keys: frozenset[str], valid: int, public: int) -> Iterator[tuple[frozenset[str], int]]:
    """What there is of a world: none with both of what is apart, where ``public`` none with neither."""
    if keys.isdisjoint(_APART):
        yield keys, valid & ~public
        yield from ((keys | {key}, valid & public) for key in _APART)
    elif not keys.issuperset(_APART):
        yield keys, valid


def _unsure(known: Ends, key: str, offset: int) -> int:
    """Where an address may lie in the open set or not."""
    bounds = known.bounds[key]
    return (bounds.upper & ~bounds.lower) >> offset


def _field(axis: Axis, within: Spans, worlds: Sequence[World], offset: int) -> Field:
    width = max(world.valid.bit_length() for world in worlds)
    return Field(axis, within, offset, width if len(worlds) == 1 else width + -width % 8, tuple(worlds))


def _naming(sides: Sequence[Side]) -> dict[str, int]:
    """For each open set the sides that name it, as bits."""
    found: dict[str, int] = {}
    for number, side in enumerate(sides):
        for open_set in side.sets:
            found[open_set.key] = found.get(open_set.key, 0) | 1 << number
    return found


def _named(keys: Iterable[str], naming: Mapping[str, int]) -> int:
    return reduce(or_, (naming.get(key, 0) for key in keys), 0)


def _different(worlds: Mapping[frozenset[str], int], naming: Mapping[str, int]) -> list[World]:
    """``worlds`` with their positions, without those that no rule tells from an earlier one."""
    found: dict[tuple[int, int], World] = {}
    for keys, valid in worlds.items():
        named = _named(keys, naming)
        found.setdefault((named, valid), World(keys, valid, named))
    return list(found.values())


def _masks(field: Field, sure: Sequence[int], rules: Sequence[tuple[int, ...]], steps: Steps) -> list[int]:
    """The mask of each rule, whose sides have these numbers."""
    if len(field.worlds) > 1:
        positions_in_all = len(field.worlds) * field.width
        steps.take(positions_in_all // _POSITIONS_A_STEP)
        steps.take(len(rules) * (len(field.worlds) + positions_in_all // _BITS_A_STEP))
    return [field.extend(_matches(field, sure, numbers)) for numbers in rules]


def _matches(field: Field, sure: Sequence[int], numbers: tuple[int, ...]) -> Iterator[int]:
    """World by world where the sides with these ``numbers`` all match."""
    for world in field.worlds:
        mask = world.valid
        for number in numbers:
            if not world.named >> number & 1:
                mask &= sure[number]
        yield mask


def _ways(
    side: Side, known: Ends, asked: tuple[int, int], naming: Mapping[str, int]
) -> Iterator[OpenSet | None]:
    """What an address may have to lie in for ``side`` to match: nothing, or one of its sets.

    ``asked`` are the positions at which it need lie in nothing, and all that are asked about.
    """
    sure, box = asked
    if sure:
        yield None
    different = {(_named(s.closure(), naming), known.bounds[s.key]): s for s in reversed(side.sets)}
    for open_set in reversed(different.values()):
        bounds = known.bounds[open_set.key]
        if bounds.upper & ~bounds.lower & box:
            yield open_set
