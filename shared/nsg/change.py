"""What an edit of the rules does to packets: the exact difference of two readings of an NSG.

Packets that no added, removed or edited rule can match are decided by the same rules in the same
order before and after, so only the matches of those rules are compared, over their whole space and
for every protocol. Outcomes are compared in three values; a packet that is open before and after is
unchanged. This is the engine of a proof ("allowed traffic changes only inside the declared box").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from shared.model import Direction, IPNetwork, SecurityGroup, TrafficBox
from shared.nsg.addresses import spans_of
from shared.nsg.boxes import EVERY_PORT, Box, family_boxes, intersection, subtract
from shared.nsg.rules import Protocol, Rule, Side, effective_rules
from shared.nsg.spans import Spans, union
from shared.nsg.sweep import Outcome, Piece, Where, inhabited, sweep
from shared.nsg.tags import upper
from shared.nsg.verdict import protocols_of, rules_for, traffic_box
from shared.values import value

_Kind: TypeAlias = tuple[Outcome, Outcome, Box, Where]
"""Outcome before and after, and the packets."""


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
        return traffic_box(self.direction, self.protocol, self.box, self.where)


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
        return tuple(part.traffic for part in self.parts if part.after is after)


def changed(
    before: SecurityGroup | None, after: SecurityGroup | None, vnet: Iterable[IPNetwork] = ()
) -> Difference:
    """The packets that ``after`` treats otherwise than ``before``; None is a subnet without an NSG.

    ``vnet`` are prefixes known to lie in the virtual network. Raises ``NsgError``.
    """
    inside = spans_of(vnet)
    old, new = effective_rules(before), effective_rules(after)
    touched = _touched(old, new)
    parts: list[Changed] = []
    for direction in Direction:
        edited = [rule for rule in touched if rule.match.direction is direction]
        protocols = _protocols(edited, (*old, *new))
        found: dict[_Kind, list[Protocol]] = {}
        for protocol in protocols:
            region = _region(rules_for(edited, direction, protocol), inside)
            sides = rules_for(old, direction, protocol), rules_for(new, direction, protocol)
            for kind in _compare(sides, region, inside):
                found.setdefault(kind, []).append(protocol)
        parts.extend(_told(direction, found, protocols))
    return Difference(parts=tuple(parts))


def _told(
    direction: Direction, found: Mapping[_Kind, list[Protocol]], asked: Iterable[Protocol]
) -> Iterator[Changed]:
    """One part per protocol, or one for ``*`` where every protocol there is shows the same."""
    every = set(asked) if Protocol.OTHER in asked else None
    for (before, after, box, where), protocols in found.items():
        for protocol in [Protocol.ANY] if set(protocols) == every else protocols:
            yield Changed(
                direction=direction, protocol=protocol, before=before, after=after, box=box, where=where
            )


def outside(found: Iterable[TrafficBox], declared: Iterable[TrafficBox]) -> tuple[TrafficBox, ...]:
    """The packets of ``found`` that lie in no box of ``declared``; empty means that it is within."""
    known = tuple(declared)
    left: list[TrafficBox] = []
    for traffic in found:
        rest = list(_boxes(traffic))
        for other in known:
            covers = other.protocol in {Protocol.ANY.value, traffic.protocol}
            if covers and other.direction is traffic.direction:
                for taken in _boxes(other):
                    rest = subtract(rest, taken)
        left.extend(traffic_box(traffic.direction, Protocol(traffic.protocol), box) for box in rest)
    return tuple(left)


def _boxes(traffic: TrafficBox) -> tuple[Box, ...]:
    return family_boxes(
        spans_of(traffic.sources), spans_of(traffic.destinations), union(traffic.ports), EVERY_PORT
    )


def _touched(old: Iterable[Rule], new: Iterable[Rule]) -> list[Rule]:
    """Rules that only one side has; a renamed rule is the same rule."""
    before, after = {rule.match: rule for rule in old}, {rule.match: rule for rule in new}
    return [before[m] for m in before if m not in after] + [after[m] for m in after if m not in before]


def _protocols(edited: Iterable[Rule], every: Iterable[Rule]) -> tuple[Protocol, ...]:
    """Protocols of the edited rules; a rule for any protocol is compared for each that a rule names."""
    own = {rule.match.protocol for rule in edited}
    if Protocol.ANY in own:
        return protocols_of(Protocol.ANY, every)
    return tuple(protocol for protocol in Protocol if protocol in own)


def _region(edited: Iterable[Rule], vnet: Spans) -> list[Box]:
    """All packets that one of the rules may match, as disjoint boxes."""
    region: list[Box] = []
    for rule in edited:
        match = rule.match
        sources, destinations = _reach(match.source, vnet), _reach(match.destination, vnet)
        fresh = list(family_boxes(sources, destinations, match.ports, match.source_ports))
        for box in region:
            fresh = subtract(fresh, box)
        region.extend(fresh)
    return region


def _reach(side: Side, vnet: Spans) -> Spans:
    bounds = (upper(open_set, vnet) for open_set in side.sets)
    return union(span for spans in (side.addresses, *bounds) for span in spans)


def _compare(sides: tuple[Iterable[Rule], Iterable[Rule]], region: list[Box], vnet: Spans) -> Iterator[_Kind]:
    """The packets of ``region`` with another outcome after than before."""
    old, new = (list(rules) for rules in sides)
    for box in region:
        after = sweep(new, [box], vnet)
        for was in sweep(old, [box], vnet):
            for now in after:
                shared = _meet(was, now) if was.outcome is not now.outcome else None
                if shared is not None:
                    yield was.outcome, now.outcome, *shared


def _meet(left: Piece, right: Piece) -> tuple[Box, Where] | None:
    box = intersection(left.box, right.box)
    kinds = {left.where, right.where} - {Where.ALL} or {Where.ALL}
    if box is None or len(kinds) > 1:
        return None
    where = kinds.pop()
    return (box, where) if inhabited(box, where) else None
