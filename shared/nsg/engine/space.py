"""The packets of a question as positions, with the rules that can match some of them.

Over packets and worlds together (``shared.nsg.engine.worlds``) the rules are an ordinary first-match list. A
packet is surely allowed when it is allowed in all worlds, which ``shared.nsg.engine.outcomes`` finds out.

A packet whose source is its destination lies in the same sets on both ends. Such packets are a space of
their own, with one field for the address; in the other space they are held by nobody's rule. Without
open sets there is no difference, and one space holds all packets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, product
from typing import Final, NamedTuple, TypeAlias

from shared.nsg.engine.program import PROTOCOL_AXIS, Chain, Program, ends, protocol_spans
from shared.nsg.engine.question import Part, Question
from shared.nsg.engine.worlds import Asked, Column, Field, asked_on, given, place, place_both, plain_field
from shared.nsg.packets.cover import Cell
from shared.nsg.packets.spans import Spans, common, is_one_number
from shared.nsg.packets.steps import Steps
from shared.nsg.rules.reading import NsgError, Rule
from shared.nsg.rules.tags import apart_from

_ENDS: Final = 3


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
    steps: Steps
    """What may still be spent on the answer."""

    @property
    def is_open(self) -> bool:
        """Whether an open set can make a difference to some packet."""
        return any(len(field.worlds) > 1 for field in self.fields)

    @property
    def ends(self) -> range:
        """The places in ``fields`` of those that hold addresses; before them stand protocol and ports."""
        return range(_ENDS, len(self.fields))

    @property
    def kept_fields(self) -> tuple[Field, ...]:
        return tuple(self.fields[place] for place in self.kept)


def spaces(program: Program, part: Part) -> Iterator[Space]:
    """The spaces that hold the packets of ``part``."""
    rules = range(len(program.chains[part.question.direction].rules))
    return (space for (space,) in joint_spaces(program, part, [rules]))


def joint_spaces(program: Program, part: Part, lists: Sequence[range]) -> Iterator[tuple[Space, ...]]:
    """Spaces for several rule lists, each a stretch of the program's; positions mean the same in all."""
    chain = program.chains[part.question.direction]
    part.steps.take(sum(map(len, lists)))
    sources = asked_on(chain.sources.axis, part.sources, part.source_sets, part.steps)
    destinations = asked_on(chain.destinations.axis, part.destinations, part.destination_sets, part.steps)
    plain = _plain_fields(chain, part.question)
    found = [_candidates(chain, numbers, plain, (sources.mask, destinations.mask)) for numbers in lists]
    every = [number for numbers in found for number in numbers]
    rules = [chain.rules[number] for number in every]
    columns = [
        *(_plain(field, masks, every) for field, masks in plain),
        place(chain.sources, [(n, chain.rules[n].source) for n in every], sources),
        place(chain.destinations, [(n, chain.rules[n].destination) for n in every], destinations),
    ]
    lengths = [len(numbers) for numbers in found]
    both = common(part.sources, part.destinations)
    if not both or all(len(column.field.worlds) == 1 for column in columns):
        yield _spaces(part.steps, rules, columns, [], lengths)
        return
    yield _spaces(part.steps, rules, columns, _own_addresses(columns[-2].field, columns[-1].field), lengths)
    if not _is_nowhere(program, part):
        yield _spaces(
            part.steps, rules, [*columns[:-2], _place_both(rules, program, part, both)], [], lengths
        )


def _is_nowhere(program: Program, part: Part) -> bool:
    """Whether no address is on both sides: one would lie in ``Internet`` and in ``VirtualNetwork``."""
    other = apart_from(part.source_sets)
    held = [open_set.key for open_set in part.destination_sets]
    return program.tags.apart and held == [other]


_Plain: TypeAlias = tuple[Field, list[int]]


def _plain_fields(chain: Chain, question: Question) -> list[_Plain]:
    """Protocol, ports and source ports; positions are kept as the axis has them."""
    asked = (
        (PROTOCOL_AXIS, protocol_spans(question.protocol), chain.protocols),
        (chain.port_axis, question.ports, chain.ports),
        (chain.source_port_axis, question.source_ports, chain.source_ports),
    )
    return [(plain_field(axis, spans), masks) for axis, spans, masks in asked]


def _plain(field: Field, masks: Sequence[int], numbers: Sequence[int]) -> Column:
    whole = field.whole
    return Column(field, [masks[number] & whole for number in numbers])


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
    return (chain.rules[number] for number in numbers if _may_meet(chain, number, part, ends))


def _may_meet(chain: Chain, number: int, part: Part, ends: tuple[int, int]) -> bool:
    """Whether the rule's sides may hold what the question says to lie in ``Internet``, or in the network."""
    rule = chain.rules[number]
    sources, destinations = apart_from(part.source_sets), apart_from(part.destination_sets)
    return bool(
        chain.sources.may(number, rule.source, sources) & ends[0]
        and chain.destinations.may(number, rule.destination, destinations) & ends[1]
    )


def _place_both(rules: Sequence[Rule], program: Program, part: Part, both: Spans) -> Column:
    """Source and destination at once, for packets in which they are one address."""
    sides = [(rule.source, rule.destination) for rule in rules]
    known = ends([*(rule.source for rule in rules), *(rule.destination for rule in rules)], program.tags)
    given_both = tuple(a | b for a, b in product(given(part.source_sets), given(part.destination_sets)))
    return place_both(sides, known, both, Asked(both, known.axis.mask(both), given_both, part.steps))


def _own_addresses(source: Field, destination: Field) -> list[tuple[int, int]]:
    """Pairs of positions that stand for one and the same address alone: no packet between two."""
    there = dict(_single_addresses(destination))
    return [(mask, there[number]) for number, mask in _single_addresses(source) if number in there]


def _single_addresses(field: Field) -> Iterator[tuple[int, int]]:
    """Addresses that have a position for themselves, with that position in every world."""
    starts, base = field.axis.starts, field.packets
    narrow = [p for p, (first, end) in enumerate(pairwise(starts)) if end - first == 1]
    cut = [bisect_right(starts, number) - 1 for span in field.within for number in span]
    for spot in {p - field.offset for p in (*narrow, *cut) if p >= field.offset}:
        numbers = field.at(spot)[0] if base >> spot & 1 else ()
        if is_one_number(numbers):
            yield numbers[0][0], field.extend([world.valid & 1 << spot for world in field.worlds])


def _spaces(
    steps: Steps,
    rules: Sequence[Rule],
    columns: Sequence[Column],
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
    space = Space((), (), tuple(whole[n] for n in kept), fields, tuple(kept), steps)
    return tuple(_filled(space, [*nobody, *islice(rows, length)]) for length in lengths)


def _filled(space: Space, rows: Sequence[tuple[Rule | None, Cell]]) -> Space:
    rows = [(rule, cell) for rule, cell in rows if all(cell)]
    return space._replace(rules=tuple(rule for rule, _ in rows), cells=tuple(cell for _, cell in rows))
