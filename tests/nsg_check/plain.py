"""A third evaluator: one packet, the memberships of its two ends given, the rules in order.

The first rule that matches decides. It is as plain as the documentation of Azure, so that a witness, or
a verdict on a universe small enough to be enumerated, can be believed. ``ways`` lists every membership
that the ends of a packet can have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, combinations
from typing import NamedTuple, TypeAlias

from tests.nsg_check.reading import Line, Match, Range, Rule, Side

Members: TypeAlias = frozenset[str]
"""Keys of the open sets that an address belongs to; it belongs to no other."""


class Packet(NamedTuple):
    """Protocol as its number in ``PROTOCOLS``, addresses as numbers of one IP version."""

    version: int
    protocol: int
    source: int
    source_port: int
    destination: int
    port: int


class Way(NamedTuple):
    """What the two ends of a packet belong to."""

    source: Members
    destination: Members


def first_match(line: Line, packet: Packet, way: Way) -> Rule:
    """The rule that decides ``packet``. The default rules match everything."""
    return next(rule for rule in line.rules if holds(rule.match, packet, way))


def holds(match: Match, packet: Packet, way: Way) -> bool:
    """Whether the packet lies in a rule's match, or in the question."""
    return (
        packet.protocol in match.protocols
        and any(first <= packet.port <= last for first, last in match.ports)
        and any(first <= packet.source_port <= last for first, last in match.source_ports)
        and _lies(match.source, packet.version, packet.source, way.source)
        and _lies(match.destination, packet.version, packet.destination, way.destination)
    )


def ways(line: Line, packet: Packet) -> Iterator[Way]:
    """Every membership with which ``packet`` is a packet of the question; none when it is no such packet."""
    for source in _memberships(line, packet.version, packet.source):
        same = packet.source == packet.destination
        others = (source,) if same else _memberships(line, packet.version, packet.destination)
        for destination in others:
            way = Way(source, destination)
            if holds(line.box, packet, way):
                yield way


def outcomes(line: Line, packet: Packet) -> set[bool]:
    """Whether the packet passes, over all memberships: empty, one answer, or both."""
    return {first_match(line, packet, way).allow for way in ways(line, packet)}


@lru_cache(maxsize=4096)
def _memberships(line: Line, version: int, number: int) -> tuple[Members, ...]:
    may = [key for key, bounds in line.bounds.items() if _within(bounds.upper, version, number)]
    must = {key for key, bounds in line.bounds.items() if _within(bounds.lower, version, number)}
    chosen = map(frozenset, _subsets(may))
    fitting = (one for one in chosen if must <= one)
    return tuple(one for one in fitting if all(a not in one or b in one for a, b in line.parts))


def _subsets(keys: list[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(keys, size) for size in range(len(keys) + 1))


def _lies(side: Side, version: int, number: int, members: Members) -> bool:
    return _within(side.ranges, version, number) or not members.isdisjoint(side.sets)


def _within(ranges: Iterable[Range], version: int, number: int) -> bool:
    return any(of == version and first <= number <= last for of, first, last in ranges)
