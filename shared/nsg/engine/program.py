"""The parsed form of an NSG: its rules as masks over axes, made once and asked many times.

What depends on the rules and on the known tags alone is here; what depends on a question is in
``shared.nsg.engine.space``. A rule that names open sets has two masks per side: where it surely matches, and
where it may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from shared.model import Direction, SecurityGroup
from shared.model.values import value
from shared.nsg.packets.addresses import EVERY_ADDRESS
from shared.nsg.packets.axis import Axis, lay_out
from shared.nsg.packets.spans import EVERY_PORT, Spans, union
from shared.nsg.rules.reading import Protocol, Rule, Side, effective_rules
from shared.nsg.rules.tags import OpenSet, Tags

PROTOCOLS: Final = tuple(protocol for protocol in Protocol if protocol is not Protocol.ANY)
PROTOCOL_AXIS: Final = Axis(tuple(range(len(PROTOCOLS) + 1)))
_LINE: Final = (0, EVERY_ADDRESS[-1][1])
_PORT_LINE: Final = EVERY_PORT[0]


def protocol_spans(protocol: Protocol) -> Spans:
    """A protocol as a number, its place among ``PROTOCOLS``; all of them for ``*``."""
    if protocol is Protocol.ANY:
        return ((0, len(PROTOCOLS) - 1),)
    place = PROTOCOLS.index(protocol)
    return ((place, place),)


class Bounds(NamedTuple):
    """Of an open set: where an address surely belongs to it, and where it may."""

    lower: int
    upper: int


class Ends(NamedTuple):
    """Sides of rules: where each surely matches, and the bounds of the open sets that they name."""

    axis: Axis
    sure: list[int]
    bounds: Mapping[str, Bounds]
    apart: bool = False
    """As ``Tags`` says it of ``Internet`` and ``VirtualNetwork``."""

    def may(self, number: int, side: Side, but: str | None = None) -> int:
        """Where ``side``, the one with this number, may match; ``but`` by the set that nothing lies in."""
        mask = self.sure[number]
        for open_set in side.sets:
            if not self.apart or open_set.key != but:
                mask |= self.bounds[open_set.key].upper
        return mask


class Chain(NamedTuple):
    """The rules of one direction in the order of asking, with their masks by field."""

    rules: tuple[Rule, ...]
    sources: Ends
    destinations: Ends
    port_axis: Axis
    ports: list[int]
    source_port_axis: Axis
    source_ports: list[int]
    protocols: list[int]


@value
class Program:
    """An NSG that was read. ``tags`` is what was known of the sets that it names."""

    rules: tuple[Rule, ...]
    tags: Tags
    chains: Mapping[Direction, Chain]


def parse(group: SecurityGroup | None, tags: Tags | None = None) -> Program:
    """Read the rules of ``group``; None is a subnet without an NSG, which lets everything pass.

    Raises ``NsgError``, which names rule and field.
    """
    known = tags or Tags()
    return program_of(effective_rules(group, known), known)


def program_of(rules: tuple[Rule, ...], tags: Tags) -> Program:
    """``rules``, in the order of asking, as a program."""
    chains = {way: _chain(tuple(r for r in rules if r.direction is way), tags) for way in Direction}
    return Program(rules=rules, tags=tags, chains=chains)


def _chain(rules: tuple[Rule, ...], tags: Tags) -> Chain:
    port_axis, ports = lay_out([rule.ports for rule in rules], _PORT_LINE)
    source_port_axis, source_ports = lay_out([rule.source_ports for rule in rules], _PORT_LINE)
    return Chain(
        rules=rules,
        sources=ends([rule.source for rule in rules], tags),
        destinations=ends([rule.destination for rule in rules], tags),
        port_axis=port_axis,
        ports=ports,
        source_port_axis=source_port_axis,
        source_ports=source_ports,
        protocols=[PROTOCOL_AXIS.mask(protocol_spans(rule.protocol)) for rule in rules],
    )


def ends(sides: Sequence[Side], tags: Tags) -> Ends:
    """``sides`` of rules on one axis; ``sure`` is in their order."""
    sets: dict[str, OpenSet] = {s.key: s for found in sides for s in found.sets}
    bounds = {key: (tags.lower(open_set), tags.upper(open_set)) for key, open_set in sets.items()}
    surely = [_surely(found, bounds) if found.sets else found.addresses for found in sides]
    axis, masks = lay_out([*surely, *(spans for both in bounds.values() for spans in both)], _LINE)
    pairs = iter(masks[len(sides) :])
    found = {key: Bounds(next(pairs), next(pairs)) for key in bounds}
    return Ends(axis, masks[: len(sides)], found, tags.apart)


def _surely(side: Side, bounds: Mapping[str, tuple[Spans, Spans]]) -> Spans:
    lowers = (bounds[open_set.key][0] for open_set in side.sets)
    return union(span for spans in (side.addresses, *lowers) for span in spans)
