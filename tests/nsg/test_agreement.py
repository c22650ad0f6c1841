"""The engine and a plain first-match loop agree, packet by packet, on small universes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import Access, Direction, IPNetwork, SecurityGroup, SecurityRule, TrafficBox
from shared.nsg import (
    Changed,
    Fix,
    NoFix,
    Outcome,
    Piece,
    Question,
    State,
    Where,
    Witness,
    changed,
    decide,
    fix,
    outside,
    spans_of,
    traffic_boxes,
    with_rules,
)
from shared.nsg.addresses import place
from shared.nsg.boxes import Box
from shared.nsg.spans import common, minus, union
from tests.nsg import plain
from tests.nsg.builders import networks
from tests.nsg.strategies import ADDRESSES, GROUPS, INSIDE, groups


@st.composite
def questions(draw: st.DrawFn) -> Question:
    sides = st.lists(
        st.sampled_from(["10.0.0.0/30", "10.0.0.1/32", "20.0.0.0/31", "fd00::/127", "2600::/128"]),
        min_size=1,
        max_size=2,
        unique=True,
    )
    source = networks(*draw(sides))
    destination = source if draw(st.booleans()) else networks(*draw(sides))
    return Question(
        direction=draw(st.sampled_from(list(Direction))),
        sources=spans_of(source),
        destinations=spans_of(destination),
        ports=draw(st.sampled_from([((5432, 5432),), ((5432, 5432), (6432, 6432)), ((22, 22),)])),
        source_ports=draw(st.sampled_from([((0, 65535),), ((80, 80), (50000, 50000))])),
        vnet=spans_of(INSIDE),
    )


def has(spans: tuple[tuple[int, int], ...], number: int) -> bool:
    return any(first <= number <= last for first, last in spans)


def in_box(packet: plain.Packet, box: Box, where: Where) -> bool:
    same = packet.source == packet.destination
    return (
        has(box.sources, place(packet.source))
        and has(box.destinations, place(packet.destination))
        and has(box.ports, packet.port)
        and has(box.source_ports, packet.source_port)
        and (where is Where.ALL or same is (where is Where.SAME))
    )


def packets(asked: Question) -> Iterator[plain.Packet]:
    """Every packet of the question, for a source port below and one above 1024."""
    ends = [(a, b) for a, b in product(ADDRESSES, ADDRESSES) if a.version == b.version]
    for (source, destination), source_port in product(ends, (80, 50000)):
        if not has(asked.sources, place(source)) or not has(asked.destinations, place(destination)):
            continue
        for first, _ in asked.ports:
            yield plain.Packet(asked.direction, "Tcp", source, source_port, destination, first)


def plain_outcome(rules: list[SecurityRule], packet: plain.Packet) -> Outcome:
    accesses = {rule.access for rule in plain.deciders(rules, packet, INSIDE)}
    if len(accesses) == 2:
        return Outcome.OPEN
    return Outcome.ALLOWED if Access.ALLOW in accesses else Outcome.DENIED


def expected_state(outcomes: set[Outcome]) -> State:
    if {Outcome.ALLOWED, Outcome.DENIED} <= outcomes:
        return State.MIXED
    if outcomes == {Outcome.DENIED}:
        return State.DENIED
    return State.ALLOWED if outcomes <= {Outcome.ALLOWED} else State.DEPENDS


def engine_outcome(pieces: tuple[Piece, ...], packet: plain.Packet) -> Outcome:
    (piece,) = [piece for piece in pieces if in_box(packet, piece.box, piece.where)]
    return piece.outcome


@settings(deadline=None)
@given(groups(), questions())
def test_every_packet_has_the_outcome_that_a_plain_loop_finds_over_all_memberships(
    nsg: SecurityGroup, asked: Question
) -> None:
    verdict = decide(nsg, asked)
    every = plain.all_rules(nsg)
    found = {packet: plain_outcome(every, packet) for packet in packets(asked)}
    assert {packet: engine_outcome(verdict.pieces, packet) for packet in found} == found
    assert verdict.state is expected_state(set(found.values()))
    assert bool(verdict.depends_on) is (Outcome.OPEN in found.values())
    blocking = {
        rule.name
        for packet, outcome in found.items()
        if outcome is Outcome.DENIED
        for rule in plain.deciders(every, packet, INSIDE)
    }
    assert {rule.name for rule in verdict.blocking} == blocking


@settings(deadline=None)
@given(groups(), questions())
def test_every_witness_meets_the_rule_and_the_outcome_that_it_names(
    nsg: SecurityGroup, asked: Question
) -> None:
    verdict = decide(nsg, asked)
    every = plain.all_rules(nsg)
    for witness in verdict.witnesses:
        packet = _packet(asked, witness)
        assert any(in_box(packet, box, Where.ALL) for box in asked.boxes)
        rule = plain.first_match(every, packet, _world(witness, packet, every), INSIDE)
        assert rule.name == witness.rule
        assert (rule.access is Access.ALLOW) is (witness.outcome is Outcome.ALLOWED)
        assert witness.sure is (plain_outcome(every, packet) is not Outcome.OPEN)
    told = {(witness.outcome, witness.sure) for witness in verdict.witnesses}
    assert {outcome for outcome, sure in told if sure} == {p.outcome for p in verdict.pieces} - {Outcome.OPEN}
    assert len({o for o, sure in told if not sure}) == (2 if verdict.depends_on else 0)


def _packet(asked: Question, witness: Witness) -> plain.Packet:
    return plain.Packet(
        asked.direction,
        witness.protocol,
        ip_address(witness.source),
        witness.source_port,
        ip_address(witness.destination),
        witness.destination_port,
    )


def _world(witness: Witness, packet: plain.Packet, every: list[SecurityRule]) -> plain.World:
    """What the witness says its ends belong to, with the tags that hold those; ASGs by their last name."""
    sides = [_named(witness.source_in, every), _named(witness.destination_in, every)]
    if packet.source == packet.destination:
        sides = [sides[0] | sides[1]] * 2
    return plain.World(*sides)


def _named(names: tuple[str, ...], every: list[SecurityRule]) -> frozenset[str]:
    keys = {name.lower() for name in names} | {name.rpartition(".")[0].lower() for name in names} - {""}
    return frozenset(keys | {g.key for g in GROUPS if g.name in names})


@settings(deadline=None)
@given(groups(), questions())
def test_a_fix_makes_the_question_hold_and_changes_nothing_else(nsg: SecurityGroup, asked: Question) -> None:
    asked = replace(asked, source_ports=((0, 65535),))
    verdict = decide(nsg, asked)
    proposed = fix(nsg, asked, verdict, "let-in")
    if isinstance(proposed, NoFix):
        assert verdict.may_block
        return
    fixed = with_rules(nsg, proposed.rules)
    assert decide(fixed, asked).state is State.ALLOWED
    difference = changed(nsg, fixed, INSIDE)
    assert not difference.newly_denied
    assert not difference.newly_open
    assert not outside(difference.newly_allowed, traffic_boxes(asked))
    assert bool(difference.newly_allowed) is bool(proposed.rules)
    _assert_arm_would_take(nsg, proposed)


def _assert_arm_would_take(nsg: SecurityGroup, proposed: Fix) -> None:
    every = [*nsg.rules, *proposed.rules]
    assert len({(r.direction, r.priority) for r in every}) == len(every)
    assert len({r.name.lower() for r in every}) == len(every)
    assert all(100 <= r.priority <= 4096 and len(r.description) <= 140 for r in proposed.rules)


@settings(deadline=None)
@given(groups(), groups(), st.data())
def test_the_difference_of_two_groups_is_where_a_plain_loop_decides_otherwise(
    before: SecurityGroup, other: SecurityGroup, data: st.DataObject
) -> None:
    taken = {(r.direction, r.priority) for r in before.rules}
    fresh = [replace(r, name=f"n{r.name}") for r in other.rules if (r.direction, r.priority) not in taken]
    kept = [rule for rule in before.rules if data.draw(st.booleans())]
    after = replace(before, rules=(*kept, *fresh[:2]))
    parts = changed(before, after, INSIDE).parts
    old, new = plain.all_rules(before), plain.all_rules(after)
    for packet in data.draw(st.lists(_any_packet(), max_size=12)):
        expected = plain_outcome(old, packet), plain_outcome(new, packet)
        told = [(p.before, p.after) for p in parts if _concerns(p, packet)]
        assert told == ([expected] if expected[0] is not expected[1] else [])


def _any_packet() -> st.SearchStrategy[plain.Packet]:
    ends = [(a, b) for a, b in product(ADDRESSES, ADDRESSES) if a.version == b.version]
    return st.builds(
        lambda direction, protocol, pair, source_port, port: plain.Packet(
            direction, protocol, pair[0], source_port, pair[1], port
        ),
        st.sampled_from(list(Direction)),
        st.sampled_from(["Tcp", "Icmp"]),
        st.sampled_from(ends),
        st.sampled_from([80, 50000]),
        st.sampled_from([22, 443, 5432, 6432]),
    )


def _concerns(part: Changed, packet: plain.Packet) -> bool:
    if part.direction is not packet.direction or not in_box(packet, part.box, part.where):
        return False
    # No generated rule names Icmp, so it is one of the protocols that "other" stands for.
    return part.protocol in {"*", packet.protocol} or (part.protocol == "other" and packet.protocol != "Tcp")


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
