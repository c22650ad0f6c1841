"""What an edit of the rules does to packets: the exact difference of two readings of an NSG.

A packet that no added, removed or edited rule can match is decided by the same rules in the same order
before and after, so only the matches of those rules are compared. Outcomes are compared in three
values; a packet that is open before and after is unchanged. This is the engine of a proof ("allowed
traffic changes only inside the declared box") and of what alerts say ("this is newly denied").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Final, NamedTuple

from shared.model import Access, Direction, IPNetwork, SecurityGroup, TrafficBox
from shared.model.values import value
from shared.nsg.engine.budget import bounded
from shared.nsg.engine.outcomes import Outcome, in_any_world, possible
from shared.nsg.engine.program import PROTOCOLS, Program, program_of
from shared.nsg.engine.question import Question, parts_of
from shared.nsg.engine.space import Space, joint_spaces
from shared.nsg.engine.traffic import outside, question_of, traffic_box
from shared.nsg.packets.addresses import spans_of
from shared.nsg.packets.axis import spans_at
from shared.nsg.packets.boxes import Box
from shared.nsg.packets.cover import Cell, TooManyPieces, disjoint, meet, merged, without
from shared.nsg.packets.spans import Spans, union
from shared.nsg.packets.steps import Steps
from shared.nsg.rules.reading import NsgError, Protocol, Rule, Side, effective_rules
from shared.nsg.rules.tags import Tags

MOST_PIECES: Final = 1000
"""Readings that differ in more pieces than these are not compared to the end: nobody would read it, and the
work grows with its square."""


class Where(StrEnum):
    """Which packets of a box are meant: one address on both sides answers a tag on both sides alike."""

    ALL = "all"
    APART = "apart"
    """Those whose source is not their destination."""
    SAME = "same"
    """Those whose source is their destination."""


@value
class Changed:
    """Packets whose outcome differs. ``box`` and ``where`` are exact, also in the source port."""

    direction: Direction
    protocol: Protocol
    before: Outcome
    after: Outcome
    box: Box
    where: Where = Where.ALL

    @property
    def traffic(self) -> TrafficBox:
        """In the model's words, which know no source ports: it may hold more packets, never fewer."""
        return traffic_box(self.direction, self.protocol, self.box)


@value
class Difference:
    """Every packet whose outcome differs, as disjoint parts."""

    parts: tuple[Changed, ...]

    @property
    def newly_allowed(self) -> tuple[TrafficBox, ...]:
        return self._traffic(Outcome.ALLOWED)

    @property
    def newly_denied(self) -> tuple[TrafficBox, ...]:
        return self._traffic(Outcome.DENIED)

    @property
    def newly_open(self) -> tuple[TrafficBox, ...]:
        return self._traffic(Outcome.OPEN)

    def _traffic(self, after: Outcome) -> tuple[TrafficBox, ...]:
        """Packets from an address to itself come last, and are left out where a box holds them already."""
        found: list[TrafficBox] = []
        for part in sorted(self.parts, key=lambda part: part.where is Where.SAME):
            if part.after is after and outside([part.traffic], found):
                found.append(part.traffic)
        return tuple(found)


def changed(
    before: SecurityGroup | None, after: SecurityGroup | None, vnet: Iterable[IPNetwork] = ()
) -> Difference:
    """The packets that ``after`` treats otherwise than ``before``; None is a subnet without an NSG.

    ``vnet`` are prefixes known to lie in the virtual network. Raises ``NsgError``.
    """
    return difference(before, after, None, Tags(vnet=spans_of(vnet)))


def diff(
    before: SecurityGroup | None,
    after: SecurityGroup | None,
    box: Iterable[TrafficBox],
    vnet: Iterable[IPNetwork] = (),
) -> Difference:
    """The packets of ``box`` that ``after`` treats otherwise than ``before``. Raises ``NsgError``."""
    return difference(before, after, map(question_of, box), Tags(vnet=spans_of(vnet)))


def difference(
    before: SecurityGroup | None, after: SecurityGroup | None, asked: Iterable[Question] | None, tags: Tags
) -> Difference:
    """The packets of the questions that ``after`` treats otherwise than ``before``, None meaning all packets.

    Raises ``NsgError``.
    """
    pair = _Pair(effective_rules(before, tags), effective_rules(after, tags))
    program = program_of((*pair.before, *pair.after), tags)
    questions = _all_touched(pair, tags) if asked is None else asked
    try:
        with bounded() as steps:
            changes = [part for question in questions for part in _changes(pair, program, question, steps)]
    except TooManyPieces as error:
        said = f"the two readings differ in more than {MOST_PIECES} ways, too many to be told"
        raise NsgError(said, rule="", field="securityRules") from error
    return Difference(parts=tuple(changes))


def _all_touched(pair: _Pair, tags: Tags) -> Iterator[Question]:
    """A question for each direction that holds every packet a touched rule may match."""
    touched = {
        rule.match: rule for rule in (*pair.before, *pair.after) if rule.match in pair.touched
    }.values()
    for direction in Direction:
        rules = [rule for rule in touched if rule.direction is direction]
        protocols = {rule.protocol for rule in rules}
        if rules:
            yield Question(
                direction=direction,
                protocol=protocols.pop() if len(protocols) == 1 else Protocol.ANY,
                source=_reach((rule.source for rule in rules), tags),
                destination=_reach((rule.destination for rule in rules), tags),
                ports=union(span for rule in rules for span in rule.ports),
                source_ports=union(span for rule in rules for span in rule.source_ports),
            )


def _reach(sides: Iterable[Side], tags: Tags) -> Side:
    """Every address that one of ``sides`` may hold."""
    return Side(union(span for side in sides for span in tags.reach(side.addresses, side.sets)))


class _Pair(NamedTuple):
    before: tuple[Rule, ...]
    after: tuple[Rule, ...]

    def lists(self, direction: Direction) -> tuple[range, range]:
        """Where each one's rules stand in the chain of a program of both."""
        first, second = (sum(rule.direction is direction for rule in rules) for rules in self)
        return range(first), range(first, first + second)

    @property
    def touched(self) -> frozenset[tuple[object, ...]]:
        """Matches of rules that only one side has; a renamed rule is the same rule."""
        return frozenset(rule.match for rule in self.before) ^ frozenset(rule.match for rule in self.after)


def _changes(pair: _Pair, program: Program, question: Question, steps: Steps) -> Iterator[Changed]:
    lists, touched = pair.lists(question.direction), pair.touched
    for part in parts_of(question, program, steps):
        found = list(joint_spaces(program, part, lists))
        for (old, new), where in zip(found, _WHERE[len(found)], strict=True):
            for outcomes, cells in _compare(old, new, _region((old, new), touched)):
                for cell in merged(disjoint(cells, MOST_PIECES)):
                    for protocol, box in _boxes_of(old, cell):
                        yield Changed(
                            direction=question.direction,
                            protocol=protocol,
                            before=outcomes[0],
                            after=outcomes[1],
                            box=box,
                            where=where,
                        )


_WHERE: Final = {1: (Where.ALL,), 2: (Where.APART, Where.SAME)}
"""What the spaces of a part hold, by how many there are."""


def _region(both: Iterable[Space], touched: frozenset[tuple[object, ...]]) -> list[Cell]:
    """All packets that a touched rule may match."""
    cells = (
        in_any_world(space, cell)
        for space in both
        for rule, cell in zip(space.rules, space.cells, strict=True)
        if rule is not None and rule.match in touched
    )
    return disjoint(cells, MOST_PIECES)


class _Possible(NamedTuple):
    """Where a packet may be allowed, and where it may be denied; it is open in both."""

    allowed: list[Cell]
    denied: list[Cell]

    @property
    def open(self) -> list[Cell]:
        return _meets(self.allowed, self.denied)


def _compare(
    old: Space, new: Space, region: list[Cell]
) -> Iterator[tuple[tuple[Outcome, Outcome], list[Cell]]]:
    """The packets of ``region`` by what they were and are; they may be told twice."""
    before, after = (
        _Possible(
            _few(possible(s, Access.ALLOW, region, MOST_PIECES)),
            _few(possible(s, Access.DENY, region, MOST_PIECES)),
        )
        for s in (old, new)
    )
    allowed = without(before.denied, after.denied, MOST_PIECES)
    yield (Outcome.DENIED, Outcome.ALLOWED), without(allowed, before.allowed, MOST_PIECES)
    denied = without(before.allowed, after.allowed, MOST_PIECES)
    yield (Outcome.ALLOWED, Outcome.DENIED), without(denied, before.denied, MOST_PIECES)
    if old.is_open:
        yield (Outcome.OPEN, Outcome.ALLOWED), _meets(allowed, before.allowed)
        yield (Outcome.OPEN, Outcome.DENIED), _meets(denied, before.denied)
        left_open = after.open
        yield (Outcome.DENIED, Outcome.OPEN), without(left_open, before.allowed, MOST_PIECES)
        yield (Outcome.ALLOWED, Outcome.OPEN), without(left_open, before.denied, MOST_PIECES)


def _few(cells: Iterable[Cell]) -> list[Cell]:
    found = list(islice(cells, MOST_PIECES + 1))
    if len(found) > MOST_PIECES:
        raise TooManyPieces
    return found


def _meets(left: Sequence[Cell], right: Sequence[Cell]) -> list[Cell]:
    pairs = (meet(one, other) for one in left for other in right)
    return _few(cell for cell in pairs if cell is not None)


def _boxes_of(space: Space, cell: Cell) -> Iterator[tuple[Protocol, Box]]:
    """The packets of ``cell``, once per protocol, or once for ``*``."""
    masks = dict(zip(space.kept, cell, strict=True))
    protocols, ports, source_ports, sources, *rest = [
        spans_at(field.axis, masks.get(n, field.packets) << field.offset, field.within)
        for n, field in enumerate(space.fields)
    ]
    destinations = rest[0] if rest else sources
    box = Box(sources=sources, destinations=destinations, ports=ports, source_ports=source_ports)
    for protocol in _protocols(protocols):
        yield protocol, box


def _protocols(numbers: Spans) -> Sequence[Protocol]:
    """``*`` where every protocol is meant."""
    named = [PROTOCOLS[number] for first, last in numbers for number in range(first, last + 1)]
    return [Protocol.ANY] if len(named) == len(PROTOCOLS) else named
