"""What is asked of an NSG, and its parts: one family, one kind of source, one kind of destination.

What must not live here: rules, and what becomes of the packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shared.model import Direction
from shared.model.values import value
from shared.nsg.engine.program import Program
from shared.nsg.packets.addresses import WHOLE
from shared.nsg.packets.spans import EVERY_PORT, Spans, common, minus, union
from shared.nsg.packets.steps import UNCOUNTED, Steps
from shared.nsg.rules.reading import Protocol, Side
from shared.nsg.rules.tags import OpenSet, Tags


@value
class Question:
    """The packets asked about: every combination of the parts, each family by itself.

    A side is what ``read_side`` makes of prefixes, ranges, ``*`` and tags. Where it names an open set,
    the packets are those whose address lies in it.
    """

    direction: Direction
    protocol: Protocol = Protocol.TCP
    source: Side
    destination: Side
    ports: Spans
    source_ports: Spans = EVERY_PORT


class Part(NamedTuple):
    """The packets of a question of one family between one kind of source and one of destination."""

    question: Question
    sources: Spans
    destinations: Spans
    source_sets: tuple[OpenSet, ...]
    """Open sets of which every source lies in one at least; none where addresses were named."""
    destination_sets: tuple[OpenSet, ...]
    steps: Steps
    """What may still be spent on the answer."""


def parts_of(question: Question, program: Program, steps: Steps = UNCOUNTED) -> Iterator[Part]:
    """The parts of ``question`` that hold packets; each packet is in one of them."""
    for whole in WHOLE.values():
        for sources, source_sets in _kinds(question.source, program.tags, whole):
            for destinations, destination_sets in _kinds(question.destination, program.tags, whole):
                yield Part(question, sources, destinations, source_sets, destination_sets, steps)


def _kinds(side: Side, tags: Tags, whole: Spans) -> Iterator[tuple[Spans, tuple[OpenSet, ...]]]:
    """The addresses asked about whatever they belong to, and others by the named sets that may hold them."""
    surely = union((*side.addresses, *(span for s in side.sets for span in tags.lower(s))))
    if spans := common(surely, whole):
        yield spans, ()
    kinds: list[tuple[Spans, tuple[OpenSet, ...]]] = [(minus(whole, surely), ())]
    for open_set in side.sets:
        upper = tags.upper(open_set)
        inside = [(common(spans, upper), (*sets, open_set)) for spans, sets in kinds]
        outside = [(minus(spans, upper), sets) for spans, sets in kinds]
        kinds = [(spans, sets) for spans, sets in (*inside, *outside) if spans]
    yield from ((spans, sets) for spans, sets in kinds if sets)
