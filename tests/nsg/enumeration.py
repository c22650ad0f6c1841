"""What is true of a line of ``explain-nsg --batch``, found by trying every packet and every membership.

Addresses that no rule, question or bound tells apart behave alike: two of each kind (two, because an
address may send to itself) stand for all of them, and one port of each kind for all of its ports.
Only for lines with few rules and few open sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, product
from typing import Final, NamedTuple

from tests.nsg_check.plain import Packet, first_match, holds, ways
from tests.nsg_check.reading import EVERY_PORT, PROTOCOLS, WHOLE, Json, Line, Match, Range, Side, read_line
from tests.nsg_check.second_engine import Verdict, with_rules


class Answer(NamedTuple):
    verdict: Verdict
    blocking: frozenset[str]
    exposing: frozenset[str]
    shadowed: frozenset[str]
    depends_on: frozenset[str]


_ANYTHING: Final = Match(
    direction="",
    protocols=tuple(range(len(PROTOCOLS))),
    source=Side(ranges=WHOLE),
    destination=Side(ranges=WHOLE),
    source_ports=EVERY_PORT,
    ports=EVERY_PORT,
)


def by_trying(line: Json) -> Answer:
    """Verdict, blocking, exposing and shadowed rules, and the open sets on which an outcome depends."""
    read = read_line(line)
    kinds: set[frozenset[bool]] = set()
    deciding: dict[str, bool] = {}
    matching, depends = set[str](), set[str]()
    for packet in packets(read):
        possible = list(ways(read, packet))
        rules = [first_match(read, packet, way) for way in possible]
        kind = frozenset(rule.allow for rule in rules)
        kinds.add(kind)
        for rule in rules:
            deciding[rule.name] = rule.allow
            if len(kind) > 1:
                sets = (*rule.match.source.sets, *rule.match.destination.sets)
                depends.update(read.names[key] for key in sets)
        custom = (rule for rule in read.rules if rule.custom)
        matching.update(r.name for r in custom if any(holds(r.match, packet, way) for way in possible))
    return Answer(
        verdict=_verdict(kinds - {frozenset()}),
        blocking=frozenset(name for name, allow in deciding.items() if not allow),
        exposing=frozenset(name for name, allow in deciding.items() if allow),
        shadowed=frozenset(matching - deciding.keys()),
        depends_on=frozenset(depends),
    )


def holds_by_trying(line: Json, added: Sequence[Json]) -> bool:
    """With ``added`` the answer is what ``want`` says, and no packet outside the question changes."""
    patched = with_rules(line, added)
    wanted = Verdict.ALLOWED if line["want"] == "allow" else Verdict.DENIED
    return by_trying(patched).verdict is wanted and not any(
        _changes_outside(read_line(line, way), read_line(patched, way), way)
        for way in ("inbound", "outbound")
    )


def packets(line: Line, *apart: Match) -> Iterator[Packet]:
    """Packets that stand for all in ``line.box``, and perhaps some outside; ``apart`` are told apart too."""
    box = line.box
    matches = [box, *apart, *(rule.match for rule in line.rules)]
    source_ports = _starts((0, 65535), (match.source_ports for match in matches))
    ports = _starts((0, 65535), (match.ports for match in matches))
    for whole in WHOLE:
        addresses = _addresses(line, matches, whole)
        sources, destinations = (
            [
                n
                for n in addresses
                if side.sets or any(a <= n <= b for of, a, b in side.ranges if of == whole[0])
            ]
            for side in (box.source, box.destination)
        )
        for ends in product(box.protocols, sources, source_ports, destinations, ports):
            yield Packet(whole[0], *ends)


def _addresses(line: Line, matches: Iterable[Match], whole: Range) -> list[int]:
    version, first, last = whole
    sides = (side for match in matches for side in (match.source, match.destination))
    bounds = (one for known in line.bounds.values() for one in (*known.lower, *known.upper))
    ranges = [(a, b) for of, a, b in chain(bounds, *(side.ranges for side in sides)) if of == version]
    starts = _starts((first, last), [ranges])
    return sorted({number for start in starts for number in (start, min(start + 1, last))})


def _starts(whole: tuple[int, int], ranges: Iterable[Iterable[tuple[int, int]]]) -> list[int]:
    """Where something begins or has just ended: the first number of each kind."""
    found = {edge for one in ranges for first, last in one for edge in (first, last + 1)}
    return sorted({whole[0], *(edge for edge in found if edge <= whole[1])})


def _verdict(kinds: set[frozenset[bool]]) -> Verdict:
    if kinds == {frozenset({True})}:
        return Verdict.ALLOWED
    if kinds == {frozenset({False})}:
        return Verdict.DENIED
    return Verdict.MIXED if {frozenset({True}), frozenset({False})} <= kinds else Verdict.DEPENDS


def _changes_outside(before: Line, after: Line, direction: str) -> bool:
    """``after`` names all edges that ``before`` does: nothing was taken away."""
    asked = after.box.direction == direction
    box = replace(_ANYTHING, direction=direction)
    # One protocol that the line names, one that it names perhaps, one that only `*` matches.
    everything = replace(after, box=replace(box, protocols=(0, 1, len(PROTOCOLS) - 1)))
    return any(
        first_match(before, packet, way).allow != first_match(after, packet, way).allow
        for packet in packets(everything, after.box)
        for way in ways(everything, packet)
        if not (asked and holds(after.box, packet, way))
    )
