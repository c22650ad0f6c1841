"""Packets as the model's boxes, which know addresses, ports and protocols, but no source ports and no tags.

What must not live here: rules, and what becomes of the packets.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.model import Direction, TrafficBox
from shared.nsg.engine.question import Question
from shared.nsg.packets.addresses import networks_of, spans_of
from shared.nsg.packets.boxes import Box, family_boxes, subtract
from shared.nsg.packets.spans import EVERY_PORT, union
from shared.nsg.rules.reading import Protocol, Side


def question_of(traffic: TrafficBox) -> Question:
    """The packets of a box as a question, from every source port."""
    return Question(
        direction=traffic.direction,
        protocol=Protocol(traffic.protocol),
        source=Side(spans_of(traffic.sources)),
        destination=Side(spans_of(traffic.destinations)),
        ports=union(traffic.ports),
    )


def traffic_boxes(question: Question) -> tuple[TrafficBox, ...]:
    """The listed addresses of ``question`` as the model's boxes, one for each family that it has."""
    boxes = family_boxes(
        question.source.addresses, question.destination.addresses, question.ports, question.source_ports
    )
    return tuple(traffic_box(question.direction, question.protocol, box) for box in boxes)


def traffic_box(direction: Direction, protocol: Protocol, box: Box) -> TrafficBox:
    """``box`` in the model's words."""
    return TrafficBox(
        direction=direction,
        protocol=protocol.value,
        sources=networks_of(box.sources),
        destinations=networks_of(box.destinations),
        ports=box.ports,
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
