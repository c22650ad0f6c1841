"""The proof: what the exact engine says of the NSG as it will be, about each flow, each need and the rest.

Asked is what was seen and what is needed, not what the rules were made from: a mistake in packing, fitting
or placing shows here. Four things are proved of the NSG at the end: every kept stream passes, every need
passes, every stream that is set apart is denied, and no other rule decides a packet of the subnet. And of
the NSG with all rules added and none removed yet: what passes on the present one still passes.

That covers every step between those two. Rules go from behind: a packet whose deciding rule stands is decided
as before, and one whose rule has gone meets only new rules behind it, as it does at the end. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from driftward.proposal.needs import families
from driftward.proposal.rules import own_side
from driftward.proposal.traffic import Place, Traffic
from driftward.proposal.wants import Want
from shared.model import Direction, SecurityGroup
from shared.model.values import value
from shared.nsg import (
    EVERY_ADDRESS,
    EVERY_PORT,
    Program,
    Protocol,
    Question,
    Side,
    Spans,
    State,
    Tags,
    decide,
    family_at,
    networks_of,
    parse,
    read_side,
    state_of,
    union,
)
from shared.nsg.engine.additions import port_texts

_SHOWN: Final = 3


@value
class Proof:
    """What was asked, and what did not hold: nothing, where the proposal is proved."""

    kept: int
    """Streams that were asked about, all at once where they share direction, protocol and port."""
    needs: int
    denied: int
    lost: tuple[str, ...]
    """What would not surely pass."""
    leaking: tuple[str, ...]
    """What is set apart and would not surely be denied."""
    deciding: tuple[str, ...]
    """Other rules that would decide packets of the subnet."""
    broken: tuple[str, ...]
    """What passes now and would not while rules are added and removed."""

    @property
    def holds(self) -> bool:
        return not (self.lost or self.leaking or self.deciding or self.broken)


@value
class Asked:
    """What is to be proved."""

    kept: tuple[Traffic, ...]
    wants: tuple[Want, ...]
    apart: tuple[Traffic, ...]
    ours: frozenset[str]
    """The names of the rules that may decide."""


@value
class Stages:
    """The NSG as it is, with everything added, and at the end."""

    now: SecurityGroup
    between: SecurityGroup
    end: SecurityGroup


def prove(asked: Asked, stages: Stages, place: Place, tags: Tags) -> Proof:
    """Raises ``NsgError``."""
    end = parse(stages.end, tags)
    kept = [*_questions(asked.kept, place)]
    needed = [_of_want(want, place, tags) for want in asked.wants]
    apart = [*_questions(asked.apart, place)]
    return Proof(
        kept=len(asked.kept),
        needs=len(asked.wants),
        denied=len(asked.apart),
        lost=_not(State.ALLOWED, end, [*kept, *needed]),
        leaking=_not(State.DENIED, end, apart),
        deciding=tuple(sorted(_deciding(end, place) - asked.ours)),
        broken=_broken(kept, parse(stages.now, tags), parse(stages.between, tags)),
    )


def _not(wanted: State, program: Program, questions: Iterable[Question]) -> tuple[str, ...]:
    return tuple(told(question) for question in questions if state_of(program, question) is not wanted)


def _broken(kept: Iterable[Question], now: Program, between: Program) -> tuple[str, ...]:
    return tuple(told(one) for question in kept for one in _worse(question, now, between))


def _worse(question: Question, now: Program, between: Program) -> Iterator[Question]:
    """The parts of a question that pass now and not between; it is halved where a part of it passes now."""
    if state_of(between, question) is State.ALLOWED:
        return
    state = state_of(now, question)
    if state is State.ALLOWED:
        yield question
    elif state is not State.DENIED:
        for part in _halves(question):
            yield from _worse(part, now, between)


def _halves(question: Question) -> Iterator[Question]:
    """By the addresses of the other end; none of a question about a single one."""
    inbound = question.direction is Direction.INBOUND
    spans = (question.source if inbound else question.destination).addresses
    middle = len(spans) // 2
    for half in (spans[:middle], spans[middle:]) if middle else _split(*spans[0]):
        side = Side(half)
        yield replace(question, source=side) if inbound else replace(question, destination=side)


def _split(first: int, last: int) -> tuple[Spans, ...]:
    middle = (first + last) // 2
    return (((first, middle),), ((middle + 1, last),)) if first < last else ()


def _deciding(program: Program, place: Place) -> frozenset[str]:
    """The rules that decide some packet from or to the subnet."""
    verdicts = [decide(program, question) for question in _everything(place)]
    return frozenset(rule.name for one in verdicts for rule in (*one.blocking, *one.exposing))


def _everything(place: Place) -> Iterator[Question]:
    own, others = Side(place.subnet), Side(EVERY_ADDRESS)
    for direction in Direction:
        inbound = direction is Direction.INBOUND
        yield Question(
            direction=direction,
            protocol=Protocol.ANY,
            source=others if inbound else own,
            destination=own if inbound else others,
            ports=EVERY_PORT,
        )


def _questions(traffic: Iterable[Traffic], place: Place) -> Iterator[Question]:
    """One question for all streams of a direction, protocol, port and family."""
    found: defaultdict[tuple[Direction, str, Spans], set[int]] = defaultdict(set)
    for one in traffic:
        found[one.direction, one.protocol or Protocol.ANY, one.ports].add(one.stream.other)
    for (direction, protocol, ports), others in sorted(found.items()):
        for there in families(union((other, other) for other in others)):
            own = next((own for own in families(place.subnet) if _alike(own, there)), ())
            if own:
                yield _question(direction, Protocol(protocol), Side(own), Side(there), ports)


def _alike(one: Spans, other: Spans) -> bool:
    return family_at(one[0][0]) is family_at(other[0][0])


def _of_want(want: Want, place: Place, tags: Tags) -> Question:
    other = read_side(want.other, tags)
    return _question(want.direction, want.protocol, Side(own_side(want, place)), other, want.ports)


def _question(direction: Direction, protocol: Protocol, own: Side, other: Side, ports: Spans) -> Question:
    inbound = direction is Direction.INBOUND
    source, destination = (other, own) if inbound else (own, other)
    return Question(
        direction=direction, protocol=protocol, source=source, destination=destination, ports=ports
    )


def told(question: Question) -> str:
    """``Inbound Tcp 5432 of 10.2.0.4/32``."""
    inbound = question.direction is Direction.INBOUND
    other = question.source if inbound else question.destination
    names: Sequence[str] = other.tags or tuple(map(str, networks_of(other.addresses)))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    shown = ", ".join(names[:_SHOWN]) + more
    ports = ", ".join(port_texts(question.ports)[:_SHOWN])
    return f"{question.direction} {question.protocol} {ports} {'from' if inbound else 'to'} {shown}"
