"""One question to one NSG: is this traffic allowed, which rules decide, and which packets show it.

``decide`` is exact packet by packet. A packet is surely allowed, surely denied, or open, which means
that some membership of the open sets (tags, application security groups) allows it and another denies
it. What an NSG alone cannot tell (admin rules of Virtual Network Manager, an NSG on a network
interface, routes) is no part of a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from shared.model import Access, Direction, SecurityGroup, TrafficBox
from shared.nsg.addresses import address_at, networks_of
from shared.nsg.boxes import EVERY_PORT, Box, family_boxes
from shared.nsg.rules import Protocol, Rule, effective_rules
from shared.nsg.spans import Spans, common, is_one_number, minus
from shared.nsg.sweep import Decider, Outcome, Piece, Where, cuts, sweep
from shared.values import value


class State(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    MIXED = "mixed"
    """Some packets are surely allowed and some surely denied; open ones may stand beside them."""
    DEPENDS = "depends"


@value
class Question:
    """The packets asked about: every combination of the parts, each family by itself.

    Addresses are spans on the line of ``shared.nsg.addresses`` (``spans_of`` makes them of networks).
    ``vnet`` are addresses known to lie in the virtual network; more may lie there.
    """

    direction: Direction
    protocol: Protocol = Protocol.TCP
    sources: Spans
    destinations: Spans
    ports: Spans
    source_ports: Spans = EVERY_PORT
    vnet: Spans = ()

    @property
    def boxes(self) -> tuple[Box, ...]:
        return family_boxes(self.sources, self.destinations, self.ports, self.source_ports)


@value
class Witness:
    """A packet, what happens to it, and the rule that does it.

    ``source_in`` and ``destination_in`` name the open sets that the packet's ends are taken to belong
    to; they belong to no other. ``sure`` says that the outcome is the same for every membership.
    """

    outcome: Outcome
    sure: bool
    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    rule: str
    source_in: tuple[str, ...] = ()
    destination_in: tuple[str, ...] = ()


@value
class Verdict:
    """The answer: ``pieces`` are disjoint and make up the question; the rest is read off them."""

    state: State
    pieces: tuple[Piece, ...]
    blocking: tuple[Rule, ...]
    """Every rule that denies some surely denied packet, by priority."""
    may_block: tuple[Rule, ...]
    """Those, and the rules that deny an open packet for some membership."""
    witnesses: tuple[Witness, ...]
    depends_on: tuple[str, ...]
    """Open sets named by a rule that can decide an open packet."""
    caveats: tuple[str, ...]

    def boxes(self, outcome: Outcome) -> tuple[Box, ...]:
        return tuple(piece.box for piece in self.pieces if piece.outcome is outcome)


def decide(group: SecurityGroup | None, question: Question) -> Verdict:
    """The verdict of ``group`` (None: no NSG, everything passes) on ``question``. Raises ``NsgError``."""
    rules = effective_rules(group)
    pieces: list[Piece] = []
    witnesses: list[Witness] = []
    for protocol in protocols_of(question.protocol, rules):
        asked = rules_for(rules, question.direction, protocol)
        found = sweep(asked, question.boxes, question.vnet)
        pieces.extend(found)
        witnesses.extend(_witnesses(found, protocol))
    return Verdict(
        state=_state({piece.outcome for piece in pieces}),
        pieces=tuple(pieces),
        blocking=_denying(pieces, {Outcome.DENIED}),
        may_block=_denying(pieces, {Outcome.DENIED, Outcome.OPEN}),
        witnesses=tuple(_first_of_each(witnesses)),
        depends_on=_depends_on(pieces),
        caveats=tuple(_caveats(rules, question)),
    )


def protocols_of(asked: Protocol, rules: Iterable[Rule]) -> tuple[Protocol, ...]:
    """The protocols to ask one by one; those that no rule names behave like ``OTHER``."""
    if asked is not Protocol.ANY:
        return (asked,)
    named = {rule.match.protocol for rule in rules} - {Protocol.ANY}
    return (*(protocol for protocol in Protocol if protocol in named), Protocol.OTHER)


def rules_for(rules: Iterable[Rule], direction: Direction, protocol: Protocol) -> Sequence[Rule]:
    """The rules that are asked about packets of ``protocol`` in ``direction``, in their order."""
    wanted = {protocol, Protocol.ANY}
    return [r for r in rules if r.match.direction is direction and r.match.protocol in wanted]


def traffic_boxes(question: Question) -> tuple[TrafficBox, ...]:
    """The question as the model's boxes, one for each family that it has."""
    return tuple(traffic_box(question.direction, question.protocol, box) for box in question.boxes)


def traffic_box(direction: Direction, protocol: Protocol, box: Box, where: Where = Where.ALL) -> TrafficBox:
    """``box`` in the model's words, which know no source ports: the result may hold more, never less."""
    same = where is Where.SAME
    sources = common(box.sources, box.destinations) if same else box.sources
    return TrafficBox(
        direction=direction,
        protocol=protocol.value,
        sources=networks_of(sources),
        destinations=networks_of(sources if same else box.destinations),
        ports=box.ports,
    )


_STATES: Final = {
    frozenset[Outcome](): State.ALLOWED,
    frozenset({Outcome.ALLOWED}): State.ALLOWED,
    frozenset({Outcome.DENIED}): State.DENIED,
}


def _state(outcomes: Iterable[Outcome]) -> State:
    found = frozenset(outcomes)
    if {Outcome.ALLOWED, Outcome.DENIED} <= found:
        return State.MIXED
    return _STATES.get(found, State.DEPENDS)


def _denying(pieces: Iterable[Piece], outcomes: set[Outcome]) -> tuple[Rule, ...]:
    deciders = (d for piece in pieces if piece.outcome in outcomes for d in piece.deciders)
    denying = {d.rule.priority: d.rule for d in deciders if d.rule.access is Access.DENY}
    return tuple(denying[priority] for priority in sorted(denying))


def _depends_on(pieces: Iterable[Piece]) -> tuple[str, ...]:
    deciders = (d for piece in pieces if piece.outcome is Outcome.OPEN for d in piece.deciders)
    named = {open_set.key: open_set.name for d in deciders for open_set in d.sets}
    return tuple(named[key] for key in sorted(named))


def _first_of_each(witnesses: Iterable[Witness]) -> Iterator[Witness]:
    """One witness per outcome, surely so or not: the first found."""
    seen: set[tuple[Outcome, bool]] = set()
    for witness in witnesses:
        if (kind := (witness.outcome, witness.sure)) not in seen:
            seen.add(kind)
            yield witness


def _witnesses(pieces: Iterable[Piece], protocol: Protocol) -> Iterator[Witness]:
    """For a sure piece the packet that belongs to no open set; for an open piece one for each decider."""
    for piece in pieces:
        sure = piece.outcome is not Outcome.OPEN
        for decider in piece.deciders[-1:] if sure else piece.deciders:
            yield _witness(piece, decider, protocol, sure=sure)


def _witness(piece: Piece, decider: Decider, protocol: Protocol, *, sure: bool) -> Witness:
    source, destination = _ends(piece)
    allows = decider.rule.access is Access.ALLOW
    return Witness(
        outcome=Outcome.ALLOWED if allows else Outcome.DENIED,
        sure=sure,
        protocol=protocol.value,
        source=str(address_at(source)),
        source_port=_source_port(piece.box.source_ports),
        destination=str(address_at(destination)),
        destination_port=piece.box.ports[0][0],
        rule=decider.rule.name,
        source_in=tuple(s.name for s in decider.source_in),
        destination_in=tuple(s.name for s in decider.destination_in),
    )


def _ends(piece: Piece) -> tuple[int, int]:
    """A source and a destination of ``piece``; two addresses where the box has two."""
    sources, destinations = piece.box.sources, piece.box.destinations
    source, destination = _ordinary(sources), _ordinary(destinations)
    if piece.where is Where.SAME:
        source = destination = _ordinary(common(sources, destinations))
    elif source == destination and not is_one_number(destinations):
        destination = _another(destinations, source)
    elif source == destination and not is_one_number(sources):
        source = _another(sources, destination)
    return source, destination


def _ordinary(spans: Spans) -> int:
    """An address that a machine can have, if there is one: Azure keeps a subnet's first four."""
    first, last = spans[0]
    return min(first + 4, last)


def _another(spans: Spans, taken: int) -> int:
    """An address beside ``taken``: the next one, or else the first."""
    rest = minus(spans, ((taken, taken),))
    return next((first for first, _ in rest if first > taken), rest[0][0])


def _source_port(spans: Spans) -> int:
    """An ephemeral port, if there is one."""
    ephemeral = common(spans, ((49152, 65535),))
    return (ephemeral or spans)[0][0]


def _caveats(rules: Iterable[Rule], question: Question) -> Iterator[str]:
    """Rules inside the question that hold a text which is no address and no tag."""
    for rule in rules:
        asked = question.protocol, rule.match.protocol
        concerned = rule.match.direction is question.direction
        if not concerned or (Protocol.ANY not in asked and len(set(asked)) > 1):
            continue
        if any(True for box in question.boxes for _ in cuts(rule, box, question.vnet)):
            for text in rule.odd_texts:
                yield f"rule {rule.name!r} has {text!r} for an address: it may match anything"
