"""The engine and a plain first-match loop agree about every packet of a small universe."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from hypothesis import event, given
from hypothesis import strategies as st

from shared.model import Access, Direction, IPNetwork, SecurityGroup, SecurityRule, TrafficBox
from shared.nsg import Outcome, Rule, State, Verdict, Witness, outside, state_of
from shared.nsg.packets.spans import common, minus, union
from tests.nsg import plain
from tests.nsg.builders import decide, networks, program
from tests.nsg.strategies import (
    BOUNDED,
    GROUPS,
    NETWORK,
    UNIVERSE,
    engine_question,
    grouped,
    groups,
    knowledge,
    one_packet,
    one_service,
    packets,
    questions,
)


def expected_state(outcomes: set[str]) -> State:
    if {"allowed", "denied"} <= outcomes:
        return State.MIXED
    if outcomes == {"denied"}:
        return State.DENIED
    return State.ALLOWED if outcomes <= {"allowed"} else State.DEPENDS


def names(rules: Iterable[Rule]) -> set[str]:
    return {rule.name for rule in rules}


def depending(verdict: Verdict) -> set[str]:
    """Keys of the open sets that the verdict depends on."""
    groups = {group.name: group.key for group in GROUPS}
    return {groups.get(name) or plain.key_of(name) for name in verdict.depends_on}


@given(groups(), knowledge(), packets())
def test_one_packet_has_the_outcome_that_a_plain_loop_finds_over_all_memberships(
    nsg: SecurityGroup, taken: plain.Known, packet: plain.Packet
) -> None:
    agree_about_a_packet(nsg, taken, packet)


@given(grouped(), packets())
def test_one_packet_between_groups_has_the_outcome_that_a_plain_loop_finds(
    nsg: SecurityGroup, packet: plain.Packet
) -> None:
    agree_about_a_packet(nsg, BOUNDED, packet)


def agree_about_a_packet(nsg: SecurityGroup, taken: plain.Known, packet: plain.Packet) -> None:
    asked = engine_question(one_packet(packet), taken)
    verdict = decide(nsg, asked)
    deciders = plain.deciders(plain.all_rules(nsg), packet, taken)
    outcome = plain.outcome(rule.access for rule in deciders)
    event(outcome)
    assert verdict.outcomes == {outcome}
    assert names((*verdict.blocking, *verdict.exposing)) == {rule.name for rule in deciders}
    assert verdict.state is expected_state({outcome})


@given(groups(), knowledge(), questions())
def test_a_verdict_says_what_a_plain_loop_finds_over_all_packets_and_all_memberships(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked
) -> None:
    agree_about_all_packets(nsg, taken, asked, UNIVERSE)


@given(grouped(), one_service())
def test_a_verdict_on_groups_says_what_a_plain_loop_finds(nsg: SecurityGroup, asked: plain.Asked) -> None:
    agree_about_all_packets(nsg, BOUNDED, asked, NETWORK)


def agree_about_all_packets(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, universe: plain.Universe
) -> None:
    verdict, found = agree_about_outcomes(nsg, taken, asked, universe)
    # A set that surely holds, or surely does not hold, all addresses asked about need not be told.
    known = {"virtualnetwork" if taken.vnet else "", *(key.rpartition(".")[0] for key, _ in taken.closed)}
    assert depending(verdict) >= found.unsettled | (found.named - known)


def agree_about_outcomes(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, universe: plain.Universe
) -> tuple[Verdict, plain.Survey]:
    """The verdict and what the plain loop found, which agree but for what need not be told."""
    engine = engine_question(asked, taken)
    verdict = decide(nsg, engine)
    found = plain.survey(nsg, asked, taken, universe)
    event(", ".join(sorted(found.outcomes)) or "no packets")
    assert verdict.outcomes == found.outcomes
    assert verdict.state is expected_state(found.outcomes)
    assert state_of(program(nsg, engine), engine.question) is verdict.state
    assert names(verdict.blocking) == found.blocking
    assert names(verdict.exposing) == found.exposing
    assert names(verdict.shadowed) == found.shadowed
    for rules in (verdict.blocking, verdict.exposing, verdict.shadowed):
        priorities = [rule.priority for rule in rules]
        assert priorities == sorted(set(priorities))
    assert depending(verdict) <= found.named
    return verdict, found


@given(groups(), knowledge(), questions())
def test_every_witness_meets_the_rule_and_the_outcome_that_it_names(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked
) -> None:
    verdict = decide(nsg, engine_question(asked, taken))
    every = plain.all_rules(nsg)
    for witness in verdict.witnesses:
        packet = _packet(asked, witness)
        world = _world(witness, packet, asked, taken, every)
        assert plain.asks(asked, plain.Service(packet.protocol, packet.port, packet.source_port))
        assert plain.has_end(asked.sources, packet.source, world.source, taken)
        assert plain.has_end(asked.destinations, packet.destination, world.destination, taken)
        rule = plain.first_match(every, packet, world, taken)
        assert rule.name == witness.rule
        assert (rule.access is Access.ALLOW) is (witness.outcome is Outcome.ALLOWED)
        accesses = [_accesses(every, packet, part, taken) for part in plain.parts(asked, taken)]
        assert (1 if witness.sure else 2) in map(len, accesses)
    told = [(witness.outcome, witness.sure) for witness in verdict.witnesses]
    assert len(set(told)) == len(told)
    assert {outcome for outcome, sure in told if sure} == verdict.outcomes - {Outcome.OPEN}
    assert len([outcome for outcome, sure in told if not sure]) == (
        2 if Outcome.OPEN in verdict.outcomes else 0
    )


def _packet(asked: plain.Asked, witness: Witness) -> plain.Packet:
    return plain.Packet(
        asked.direction,
        witness.protocol,
        ip_address(witness.source),
        witness.source_port,
        ip_address(witness.destination),
        witness.destination_port,
    )


def _world(
    witness: Witness, packet: plain.Packet, asked: plain.Asked, taken: plain.Known, every: list[SecurityRule]
) -> plain.World:
    """What the witness says its ends belong to: one of the worlds that the bounds permit."""
    open_names = plain.open_names(every, taken, (*asked.sources, *asked.destinations))
    world = plain.World(_keys(witness.source_in, open_names), _keys(witness.destination_in, open_names))
    assert world in plain.worlds(open_names, packet, taken)
    return world


def _keys(told: tuple[str, ...], open_names: tuple[str, ...]) -> frozenset[str]:
    """A set that holds one of those told holds the address too, and is told only where a rule names it."""
    keys = {next((g.key for g in GROUPS if g.name == name), plain.key_of(name)) for name in told}
    return frozenset(keys) & set(open_names)


def _accesses(
    every: list[SecurityRule], packet: plain.Packet, part: plain.Part, taken: plain.Known
) -> set[Access]:
    """What happens to the packet in the worlds in which it is one of the part."""
    open_names = plain.open_names(every, taken, (*part.sources, *part.destinations))
    return {
        plain.first_match(every, packet, world, taken).access
        for world in plain.worlds(open_names, packet, taken)
        if plain.has_end(part.sources, packet.source, world.source, taken)
        and plain.has_end(part.destinations, packet.destination, world.destination, taken)
    }


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), max_size=6),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), max_size=6),
)
def test_sets_of_spans_behave_like_sets_of_numbers(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    a, b = (union((first, first + size) for first, size in pairs) for pairs in (left, right))
    numbers = [set().union(*(range(f, t + 1) for f, t in spans)) if spans else set() for spans in (a, b)]
    assert common(a, b) == union((n, n) for n in numbers[0] & numbers[1])
    assert minus(a, b) == union((n, n) for n in numbers[0] - numbers[1])


def test_what_lies_outside_declared_boxes_is_told() -> None:
    def box(source: str, port: tuple[int, int], protocol: str = "Tcp") -> TrafficBox:
        sides: tuple[IPNetwork, ...] = networks(source)
        return TrafficBox(
            direction=Direction.INBOUND, protocol=protocol, sources=sides, destinations=sides, ports=(port,)
        )

    declared = [box("10.0.0.0/25", (5432, 5432))]
    assert not outside([box("10.0.0.0/26", (5432, 5432))], declared)
    assert outside([box("10.0.0.0/26", (5432, 5433))], declared)[0].ports == ((5433, 5433),)
    assert outside([box("10.0.0.0/26", (5432, 5432), "Udp")], declared)
    assert outside([box("10.0.0.0/24", (5432, 5432))], declared)
