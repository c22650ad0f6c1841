"""First match over boxes, exactly: every packet is surely allowed, surely denied, or open.

Rules are asked in order. A rule takes out of the undecided boxes what it surely matches; where it may
match (an open set) the packets go on, with the rule remembered in their *chain*. When a rule surely
matches, the chain and that rule are all that can decide the packets, and ``_deciders`` finds which of
them really can, for some membership of the open sets. Memberships count as the same question asked
twice: after "allow from A", "deny from A" never decides.

Conditions of rules are only ever "the source is in one of these sets, and the destination in one of
those", without negation. So the smallest membership that makes a rule match (one set per side, with
the tags that hold it) is the one least likely to make an earlier rule match, and trying these few is
enough: no search is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import product
from typing import TypeAlias

from shared.model import Access
from shared.nsg.boxes import Box, difference, intersection
from shared.nsg.rules import NsgError, Rule, Side
from shared.nsg.spans import Spans, common, is_one_number, minus, union
from shared.nsg.tags import OpenSet, lower, upper
from shared.values import value

Sets: TypeAlias = frozenset[OpenSet]
_NO_SETS: Sets = frozenset()


class Outcome(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    OPEN = "open"
    """Some memberships of the open sets allow it, others deny it."""


class Where(StrEnum):
    """Which packets of a box are meant: one address on both sides answers a tag on both sides alike."""

    ALL = "all"
    APART = "apart"
    """Those whose source is not their destination."""
    SAME = "same"
    """Those whose source is their destination."""


@value
class Cut:
    """A part of a rule's match: it matches if the source is in one of ``sources``, and so on.

    An empty set of open sets asks nothing: that side surely matches.
    """

    rule: Rule
    box: Box
    sources: Sets = _NO_SETS
    destinations: Sets = _NO_SETS

    @property
    def is_sure(self) -> bool:
        return not self.sources and not self.destinations

    def holds(self, sources: frozenset[str], destinations: frozenset[str]) -> bool:
        """Whether it matches when the packet's ends are in the sets with these keys, and in no others."""
        return _asks(self.sources, sources) and _asks(self.destinations, destinations)


def _asks(wanted: Sets, members: frozenset[str]) -> bool:
    return not wanted or any(open_set.key in members for open_set in wanted)


@value
class Decider:
    """A rule that can decide a packet, and the memberships under which it does (all others are none)."""

    rule: Rule
    sets: Sets
    """Open sets that its match hangs on; empty when it decides where no open set matches."""
    source_in: tuple[OpenSet, ...] = ()
    destination_in: tuple[OpenSet, ...] = ()


@value
class Piece:
    """Packets with one outcome and the same rules that can decide them, in the order of asking."""

    box: Box
    where: Where
    outcome: Outcome
    deciders: tuple[Decider, ...]


_Undecided: TypeAlias = tuple[Box, tuple[Cut, ...]]


def sweep(rules: Sequence[Rule], boxes: Iterable[Box], vnet: Spans) -> list[Piece]:
    """The outcome of every packet of ``boxes`` under ``rules`` (of one direction and protocol, in order).

    ``vnet`` are addresses known to lie in the virtual network. Raises ``NsgError`` when packets are
    left that no rule decides: every NSG ends with a deny of everything.
    """
    whole = tuple(boxes)
    undecided: list[_Undecided] = [(box, ()) for box in whole]
    pieces: list[Piece] = []
    for rule in rules:
        if not undecided:
            return pieces
        for box in whole:
            for cut in cuts(rule, box, vnet):
                undecided = _ask(cut, undecided, pieces)
    if undecided:
        raise NsgError("no rule decides some packets", rule="", field="defaultSecurityRules")
    return pieces


def _ask(cut: Cut, undecided: list[_Undecided], pieces: list[Piece]) -> list[_Undecided]:
    """What is undecided after ``cut``; what it decides goes to ``pieces``."""
    rest: list[_Undecided] = []
    for box, chain in undecided:
        hit = intersection(box, cut.box)
        if hit is None:
            rest.append((box, chain))
            continue
        rest.extend((left, chain) for left in difference(box, hit))
        if cut.is_sure:
            pieces.extend(_decided(hit, chain, cut))
        else:
            rest.append((hit, (*chain, cut)))
    return rest


def cuts(rule: Rule, box: Box, vnet: Spans) -> Iterator[Cut]:
    """The match of ``rule`` inside ``box`` as disjoint parts, each hanging on the same open sets."""
    ports = common(rule.match.ports, box.ports)
    source_ports = common(rule.match.source_ports, box.source_ports)
    if not ports or not source_ports:
        return
    sources = _parts(rule.match.source, box.sources, vnet)
    destinations = _parts(rule.match.destination, box.destinations, vnet) if sources else []
    for (source, source_sets), (destination, destination_sets) in product(sources, destinations):
        part = Box(sources=source, destinations=destination, ports=ports, source_ports=source_ports)
        yield Cut(rule=rule, box=part, sources=source_sets, destinations=destination_sets)


def _parts(side: Side, within: Spans, vnet: Spans) -> list[tuple[Spans, Sets]]:
    """``within`` split by what membership depends on; what surely does not belong is left out."""
    if not side.sets:
        sure = common(side.addresses, within)
        return [(sure, _NO_SETS)] if sure else []
    surely = (side.addresses, *(lower(open_set, vnet) for open_set in side.sets))
    sure = common(union(span for spans in surely for span in spans), within)
    parts: list[tuple[Spans, Sets]] = [(minus(within, sure), _NO_SETS)]
    for open_set in side.sets:
        parts = list(_split(parts, upper(open_set, vnet), open_set))
    maybe = [(spans, sets) for spans, sets in parts if sets]
    return [(sure, _NO_SETS), *maybe] if sure else maybe


def _split(
    parts: Iterable[tuple[Spans, Sets]], bound: Spans, open_set: OpenSet
) -> Iterator[tuple[Spans, Sets]]:
    for spans, sets in parts:
        if inside := common(spans, bound):
            yield inside, sets | {open_set}
        if outside := minus(spans, bound):
            yield outside, sets


def _decided(box: Box, chain: tuple[Cut, ...], last: Cut) -> Iterator[Piece]:
    """The pieces of a box that ``last`` surely matches after the rules of ``chain`` may have."""
    if not chain:
        outcome = Outcome.ALLOWED if last.rule.access is Access.ALLOW else Outcome.DENIED
        yield Piece(box=box, where=Where.ALL, outcome=outcome, deciders=(_fallback(last),))
        return
    kinds = [where for where in (Where.APART, Where.SAME) if inhabited(box, where)]
    found = {where: _deciders(chain, last, same=where is Where.SAME) for where in kinds}
    outcomes = {_outcome(deciders) for deciders in found.values()}
    if len(outcomes) == 1:
        # What decides packets with one address on both sides can decide the others as well.
        found = {Where.ALL: found[kinds[0]]}
    for where, deciders in found.items():
        yield Piece(box=box, where=where, outcome=_outcome(deciders), deciders=deciders)


def inhabited(box: Box, where: Where) -> bool:
    """Whether ``box`` holds a packet of the kind that ``where`` names."""
    match where:
        case Where.ALL:
            return True
        case Where.SAME:
            return bool(common(box.sources, box.destinations))
        case Where.APART:
            return not is_one_number(box.sources) or box.sources != box.destinations


def _outcome(deciders: Iterable[Decider]) -> Outcome:
    accesses = {decider.rule.access for decider in deciders}
    if len(accesses) > 1:
        return Outcome.OPEN
    return Outcome.ALLOWED if Access.ALLOW in accesses else Outcome.DENIED


def _fallback(cut: Cut) -> Decider:
    return Decider(rule=cut.rule, sets=_NO_SETS)


def _deciders(chain: tuple[Cut, ...], last: Cut, *, same: bool) -> tuple[Decider, ...]:
    """The rules that decide under some membership; ``last`` always does, where no open set matches."""
    found = (_decider(chain[:place], cut, same=same) for place, cut in enumerate(chain))
    return (*(decider for decider in found if decider is not None), _fallback(last))


def _decider(earlier: tuple[Cut, ...], cut: Cut, *, same: bool) -> Decider | None:
    """``cut`` as a decider, with the smallest membership for which no earlier cut matches; else None."""
    for source, destination in product(_choices(cut.sources), _choices(cut.destinations)):
        sources, destinations = _members(source), _members(destination)
        if same:
            sources = destinations = sources | destinations
        if not any(before.holds(sources, destinations) for before in earlier):
            return Decider(
                rule=cut.rule,
                sets=cut.sources | cut.destinations,
                source_in=source,
                destination_in=destination,
            )
    return None


def _choices(sets: Sets) -> list[tuple[OpenSet, ...]]:
    return [(open_set,) for open_set in sorted(sets, key=lambda s: s.key)] or [()]


def _members(chosen: tuple[OpenSet, ...]) -> frozenset[str]:
    """The keys of the chosen set and of the tag that holds it: ``Storage.WestEurope`` lies in ``Storage``."""
    return frozenset(key for s in chosen for key in (s.key, s.holder) if key)
