"""What an edit does to packets, against a plain loop that asks about every packet before and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from hypothesis import event, given
from hypothesis import strategies as st

from shared.model import Access, Direction, IPNetwork, SecurityGroup, TrafficBox
from shared.nsg import Changed, Difference, Outcome, Where, changed, diff, outside
from shared.nsg.engine.difference import difference
from shared.nsg.packets.addresses import place
from shared.nsg.packets.spans import Spans, union
from tests.nsg import plain
from tests.nsg.builders import IN, OUT, allow, deny, group, networks
from tests.nsg.strategies import INSIDE, SMALL, groups, knowledge, tags_of

Packet = tuple[plain.Address, plain.Address, plain.Service]
Change = tuple[str, str]


def has(spans: Spans, number: int) -> bool:
    return any(first <= number <= last for first, last in spans)


def held_by(part: Changed) -> Iterator[Packet]:
    """The packets of the universe that a part of a difference holds."""
    sources, destinations = (
        [address for address in SMALL.addresses if has(spans, place(address))]
        for spans in (part.box.sources, part.box.destinations)
    )
    protocols = [name for name in SMALL.protocols if part.protocol in {"*", name}]
    ports = [port for port in SMALL.ports if has(part.box.ports, port)]
    source_ports = [port for port in SMALL.source_ports if has(part.box.source_ports, port)]
    services = list(map(plain.Service._make, product(protocols, ports, source_ports)))
    for source, destination in product(sources, destinations):
        same = source == destination
        if source.version == destination.version and (
            part.where is Where.ALL or same is (part.where is Where.SAME)
        ):
            yield from ((source, destination, service) for service in services)


def told(found: Difference, direction: Direction) -> dict[Packet, Change]:
    """What a difference says of each packet of the universe; no packet may be told twice."""
    every: dict[Packet, Change] = {}
    for part in found.parts:
        if part.direction is direction:
            for packet in held_by(part):
                assert packet not in every, f"{packet} is in two parts"
                every[packet] = (part.before, part.after)
    return every


def happening(
    before: SecurityGroup, after: SecurityGroup, direction: Direction, taken: plain.Known
) -> dict[Packet, Change]:
    """The packets of the universe whose outcome differs, as a plain loop finds."""
    was, now = (plain.Loop(group, direction, taken, SMALL) for group in (before, after))
    return {
        (*ends, service): (change[0], change[1])
        for ends, *both in zip(was.pairs, was.outcomes(), now.outcomes(), strict=True)
        if both[0] != both[1]
        for service, *change in zip(was.services, *both, strict=True)
        if change[0] != change[1]
    }


@st.composite
def edited(draw: st.DrawFn) -> tuple[SecurityGroup, SecurityGroup]:
    """An NSG, and the same one with rules removed, changed and added, listed in another order."""
    before, other = draw(groups()), draw(groups())
    kept = [rule for rule in before.rules if draw(st.sampled_from([True, True, False]))]
    flipped = [
        replace(rule, access=draw(st.sampled_from(list(Access)))) if draw(st.booleans()) else rule
        for rule in kept
    ]
    taken = {(rule.direction, rule.priority) for rule in flipped}
    fresh = [replace(r, name=f"n{r.name}") for r in other.rules if (r.direction, r.priority) not in taken]
    return before, replace(before, rules=tuple(draw(st.permutations([*flipped, *fresh[:2]]))))


@given(edited(), knowledge())
def test_the_difference_of_two_groups_is_where_a_plain_loop_decides_otherwise(
    pair: tuple[SecurityGroup, SecurityGroup], taken: plain.Known
) -> None:
    found = difference(*pair, None, tags_of(taken))
    for direction in Direction:
        expected = happening(*pair, direction, taken)
        event(f"{len(set(expected.values()))} kinds of change")
        assert told(found, direction) == expected


@st.composite
def traffic(draw: st.DrawFn) -> TrafficBox:
    sides = st.lists(
        st.sampled_from(["10.0.0.0/30", "10.0.0.1/32", "20.0.0.0/31", "fd00::/127", "0.0.0.0/0", "::/0"]),
        min_size=1,
        max_size=2,
        unique=True,
    )
    return TrafficBox(
        direction=draw(st.sampled_from(list(Direction))),
        protocol=draw(st.sampled_from(["Tcp", "Udp", "*"])),
        sources=networks(*draw(sides)),
        destinations=networks(*draw(sides)),
        ports=draw(st.sampled_from([((5432, 5432),), ((22, 22), (6432, 6432)), ((0, 65535),)])),
    )


@given(edited(), traffic(), st.sampled_from([INSIDE, ()]))
def test_a_difference_in_a_box_is_that_of_its_packets_alone(
    pair: tuple[SecurityGroup, SecurityGroup], box: TrafficBox, vnet: tuple[IPNetwork, ...]
) -> None:
    found = diff(*pair, [box], vnet)
    every = happening(*pair, box.direction, plain.Known(vnet=vnet))
    inside = {packet: change for packet, change in every.items() if lies_in(packet, box)}
    assert told(found, box.direction) == inside
    assert all(part.direction is box.direction for part in found.parts)
    assert not outside((part.traffic for part in found.parts), [box])


def lies_in(packet: Packet, box: TrafficBox) -> bool:
    source, destination, service = packet
    return (
        any(source in network for network in box.sources)
        and any(destination in network for network in box.destinations)
        and has(union(box.ports), service.port)
        and box.protocol in {"*", service.protocol}
    )


@given(edited(), st.sampled_from([INSIDE, ()]))
def test_what_is_newly_so_holds_each_such_packet_and_is_told_once(
    pair: tuple[SecurityGroup, SecurityGroup], vnet: tuple[IPNetwork, ...]
) -> None:
    found = changed(*pair, vnet)
    newly = {
        Outcome.ALLOWED: found.newly_allowed,
        Outcome.DENIED: found.newly_denied,
        Outcome.OPEN: found.newly_open,
    }
    for direction in Direction:
        expected = happening(*pair, direction, plain.Known(vnet=vnet))
        assert told(found, direction) == expected
        for after, boxes in newly.items():
            packets = [packet for packet, change in expected.items() if change[1] == after]
            there = [box for box in boxes if box.direction is direction]
            assert all(any(lies_in(packet, box) for box in there) for packet in packets)
    for after, boxes in newly.items():
        parts = [part.traffic for part in found.parts if part.after is after]
        assert bool(boxes) is bool(parts)
        assert not outside(parts, boxes)
        assert not outside(boxes, parts)
        assert all(outside([box], boxes[:number]) for number, box in enumerate(boxes))


@given(groups(), knowledge())
def test_names_and_the_order_of_the_list_change_nothing(nsg: SecurityGroup, taken: plain.Known) -> None:
    renamed = replace(nsg, rules=tuple(replace(rule, name=f"x-{rule.name}") for rule in reversed(nsg.rules)))
    assert not difference(nsg, renamed, None, tags_of(taken)).parts


@given(groups(), groups(), knowledge())
def test_a_difference_the_other_way_is_the_same_turned_round(
    one: SecurityGroup, other: SecurityGroup, taken: plain.Known
) -> None:
    there, back = (difference(*pair, None, tags_of(taken)) for pair in ((one, other), (other, one)))
    for direction in Direction:
        turned = {packet: (after, before) for packet, (before, after) in told(back, direction).items()}
        assert told(there, direction) == turned


# --- what alerts and proofs read ---------------------------------------------------------------------

SUBNET = "10.0.1.0/24 > 10.0.1.0/24"
HERE = networks("10.0.1.0/24")


def shown(
    boxes: tuple[TrafficBox, ...],
) -> list[tuple[str, list[str], list[str], tuple[tuple[int, int], ...]]]:
    return [
        (box.protocol, list(map(str, box.sources)), list(map(str, box.destinations)), box.ports)
        for box in boxes
    ]


def test_a_new_deny_is_one_box() -> None:
    found = changed(group(), group(deny("no", 200, SUBNET, "5432")), HERE)
    assert shown(found.newly_denied) == [("Tcp", ["10.0.1.0/24"], ["10.0.1.0/24"], ((5432, 5432),))]
    assert (found.newly_allowed, found.newly_open) == ((), ())


def test_rules_that_end_the_same_way_are_told_as_one_box() -> None:
    halves = [
        deny("low", 200, "10.0.1.0/25 > 10.0.1.0/24", "5432"),
        deny("high", 210, "10.0.1.128/25 > 10.0.1.0/24", "5432"),
    ]
    found = changed(group(), group(*halves), HERE)
    assert shown(found.newly_denied) == [("Tcp", ["10.0.1.0/24"], ["10.0.1.0/24"], ((5432, 5432),))]


def test_a_rule_behind_another_that_decides_the_same_changes_nothing() -> None:
    wall = deny("wall", 100, protocol="*")
    assert not changed(group(wall), group(wall, deny("again", 200), deny("part", 300, SUBNET))).parts
    assert not changed(group(wall), group(wall, allow("late", 200, SUBNET))).parts


def test_two_rules_that_swap_places_change_what_both_match() -> None:
    first = [allow("in", 100, "10.0.1.0/24 > *", "5432"), deny("out", 200, "* > *", "5000-6000")]
    second = [replace(first[0], priority=200), replace(first[1], priority=100)]
    found = diff(group(*first), group(*second), [box(SUBNET)])
    assert shown(found.newly_denied) == [("Tcp", ["10.0.1.0/24"], ["10.0.1.0/24"], ((5432, 5432),))]


def box(ends: str, direction: Direction = IN, protocol: str = "*") -> TrafficBox:
    source, destination = (networks(text.strip()) for text in ends.split(">"))
    return TrafficBox(
        direction=direction,
        protocol=protocol,
        sources=source,
        destinations=destination,
        ports=((0, 65535),),
    )


def test_what_becomes_open_and_what_is_settled_are_told_apart() -> None:
    before, after = group(deny("no", 200, "CorpNet > *", "5432")), group(deny("no", 200, "* > *", "5432"))
    there = diff(group(), before, [box(SUBNET)], HERE)
    assert {(part.before, part.after) for part in there.parts} == {(Outcome.ALLOWED, Outcome.OPEN)}
    assert there.newly_open
    further = diff(before, after, [box(SUBNET)], HERE)
    assert {(part.before, part.after) for part in further.parts} == {(Outcome.OPEN, Outcome.DENIED)}
    assert not diff(before, replace(before), [box(SUBNET)], HERE).parts


def test_an_address_that_sends_to_itself_is_told_apart_where_a_tag_stands_on_both_sides() -> None:
    before = group(deny("wall", 300, protocol="*"))
    rules = allow("in", 100, "Corp > *"), deny("out", 200, "* > Corp"), allow("rest", 210)
    found = diff(before, group(*rules, *before.rules), [box(SUBNET, protocol="Tcp")], HERE)
    assert {(part.where, part.after) for part in found.parts} == {
        (Where.SAME, Outcome.ALLOWED),
        (Where.APART, Outcome.OPEN),
    }


def test_a_rule_for_source_ports_is_exact_in_its_box_and_wider_in_the_models_words() -> None:
    after = group(deny("no", 200, SUBNET, "5432", source_ports="1024-65535"))
    (part,) = changed(group(), after, HERE).parts
    assert part.box.source_ports == ((1024, 65535),)
    assert part.traffic.ports == ((5432, 5432),)


def test_only_the_direction_that_was_edited_is_told() -> None:
    found = changed(group(), group(deny("no", 200, direction=OUT)), HERE)
    assert {part.direction for part in found.parts} == {OUT}
    assert not diff(group(), group(deny("no", 200, direction=OUT)), [box(SUBNET)], HERE).parts


def test_no_box_holds_no_change() -> None:
    assert diff(group(), group(deny("no", 200)), []).parts == ()
