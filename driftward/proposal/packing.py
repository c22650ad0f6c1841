"""Streams as the fewest wants that name exactly them: no address and no port more than was seen.

Ports with the same other ends share a rule, or other ends with the same ports, whichever makes fewer rules.
What stays in the subnet names the subnet, for a server's own address changes with a failover. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from driftward.flows.labels import holds
from driftward.proposal.needs import families, probes
from driftward.proposal.traffic import PROBES_AT, Place, Traffic
from driftward.proposal.wants import Purpose, Want, to_addresses
from shared.model import Direction
from shared.nsg import Protocol, Spans, union

Pairs: TypeAlias = set[tuple[int, tuple[int, int]]]
"""Other ends with the ports that were seen between them and the subnet."""
_First = TypeVar("_First")
_Second = TypeVar("_Second")


def pack(traffic: Iterable[Traffic], place: Place, purpose: Purpose = Purpose.OBSERVED) -> Iterator[Want]:
    """Wants that together hold exactly ``traffic``, the subnet's inner traffic for the whole subnet."""
    inner, probing, others = [], [], []
    for one in traffic:
        if holds(place.subnet, one.stream.other):
            inner.append(one)
        elif not one.stream.outbound and holds(PROBES_AT, one.stream.other):
            probing.append(one)
        else:
            others.append(one)
    yield from _inner(inner, place)
    yield from probes(probing)
    for (direction, protocol), pairs in sorted(_apart(others).items()):
        for addresses, ports in boxes(pairs):
            for own in families(addresses):
                yield to_addresses(purpose, direction, protocol, own, ports)


def _inner(traffic: Iterable[Traffic], place: Place) -> Iterator[Want]:
    for (direction, protocol), pairs in sorted(_apart(traffic).items()):
        ports = union(port for _, port in pairs)
        for own in families(place.subnet):
            yield to_addresses(Purpose.WITHIN, direction, protocol, own, ports)


def _apart(traffic: Iterable[Traffic]) -> Mapping[tuple[Direction, Protocol], Pairs]:
    found: defaultdict[tuple[Direction, Protocol], Pairs] = defaultdict(set)
    for one in traffic:
        if one.protocol is not None:
            found[one.direction, one.protocol].add((one.stream.other, one.ports[0]))
    return found


def boxes(pairs: Pairs) -> list[tuple[Spans, Spans]]:
    """``(other ends, ports)`` whose products are together exactly ``pairs``."""
    by_port = _grouped((port, other) for other, port in pairs)
    by_other = _grouped(pairs)
    few_ports = [(_places(others), union(ports)) for others, ports in by_port.items()]
    few_others = [(_places(others), union(ports)) for ports, others in by_other.items()]
    return sorted(few_ports if len(few_ports) <= len(few_others) else few_others)


def _grouped(pairs: Iterable[tuple[_First, _Second]]) -> dict[frozenset[_Second], list[_First]]:
    """The first members by the set of second ones that go with them."""
    seconds: defaultdict[_First, set[_Second]] = defaultdict(set)
    for first, second in pairs:
        seconds[first].add(second)
    firsts: defaultdict[frozenset[_Second], list[_First]] = defaultdict(list)
    for first, held in seconds.items():
        firsts[frozenset(held)].append(first)
    return firsts


def _places(others: Iterable[int]) -> Spans:
    return union((other, other) for other in others)
