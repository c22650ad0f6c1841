"""Boxes of packets: every combination of a set per field, with exact intersection and difference.

A packet here is source, destination, destination port and source port; direction and protocol are
fixed by whoever asks. A box holds addresses of one family, which ``family_boxes`` sees to. A field
is a whole set of spans and not one span, so taking a rule with 4,000 prefixes out of a box leaves
at most four boxes.
"""

from __future__ import annotations

from shared.model.values import value
from shared.nsg.packets.addresses import WHOLE
from shared.nsg.packets.spans import Spans, common, minus


@value
class Box:
    """Packets whose every field lies in the set named; never empty in any field."""

    sources: Spans
    destinations: Spans
    ports: Spans
    source_ports: Spans


def family_boxes(sources: Spans, destinations: Spans, ports: Spans, source_ports: Spans) -> tuple[Box, ...]:
    """The packets between ``sources`` and ``destinations``: one box for each family that has any."""
    sides = ((common(sources, whole), common(destinations, whole)) for whole in WHOLE.values())
    return tuple(
        Box(sources=source, destinations=destination, ports=ports, source_ports=source_ports)
        for source, destination in sides
        if source and destination and ports and source_ports
    )


def intersection(left: Box, right: Box) -> Box | None:
    """The packets of both boxes; None when there are none."""
    ports = common(left.ports, right.ports)
    source_ports = common(left.source_ports, right.source_ports) if ports else ()
    sources = common(left.sources, right.sources) if source_ports else ()
    destinations = common(left.destinations, right.destinations) if sources else ()
    if not destinations:
        return None
    return Box(sources=sources, destinations=destinations, ports=ports, source_ports=source_ports)


def difference(box: Box, inner: Box) -> list[Box]:
    """``box`` without ``inner``, a part of it: at most four disjoint boxes, one per field."""
    rest: list[Box] = []
    if ports := minus(box.ports, inner.ports):
        rest.append(
            Box(
                sources=box.sources,
                destinations=box.destinations,
                ports=ports,
                source_ports=box.source_ports,
            )
        )
    if source_ports := minus(box.source_ports, inner.source_ports):
        rest.append(
            Box(
                sources=box.sources,
                destinations=box.destinations,
                ports=inner.ports,
                source_ports=source_ports,
            )
        )
    rest.extend(_address_difference(box, inner))
    return rest


def _address_difference(box: Box, inner: Box) -> list[Box]:
    """The part of ``box`` on the ports of ``inner`` whose addresses lie outside ``inner``."""
    rest: list[Box] = []
    ports, source_ports = inner.ports, inner.source_ports
    if sources := minus(box.sources, inner.sources):
        rest.append(
            Box(sources=sources, destinations=box.destinations, ports=ports, source_ports=source_ports)
        )
    if destinations := minus(box.destinations, inner.destinations):
        rest.append(
            Box(
                sources=inner.sources,
                destinations=destinations,
                ports=ports,
                source_ports=source_ports,
            )
        )
    return rest


def subtract(boxes: list[Box], taken: Box) -> list[Box]:
    """``boxes`` without the packets of ``taken``."""
    rest: list[Box] = []
    for box in boxes:
        shared = intersection(box, taken)
        rest.extend([box] if shared is None else difference(box, shared))
    return rest
