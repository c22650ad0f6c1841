"""Packing names exactly what was seen; fitting keeps ARM's limits, and says what that costs."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

import pytest

from driftward.proposal.fitting import MOST_PREFIXES, MOST_RULES, NoRoom, fit, room_in, taken_by
from driftward.proposal.packing import boxes, pack
from driftward.proposal.proposing import propose
from driftward.proposal.traffic import Traffic
from driftward.proposal.wants import Purpose
from shared.nsg import common, union
from tests.driftward.proposal.builders import SUBNET, given, incoming, nsg, outgoing, place, rule, spans


@pytest.mark.parametrize("seed", range(30))
def test_boxes_hold_exactly_the_pairs(seed: int) -> None:
    random = Random(seed)
    pairs = {(random.randint(1, 9), (port, port)) for port in random.choices(range(1, 9), k=25)}
    held = {
        (other, (port, port))
        for addresses, ports in boxes(pairs)
        for (a, b), (c, d) in product(addresses, ports)
        for other in range(a, b + 1)
        for port in range(c, d + 1)
    }
    assert held == pairs


def test_the_way_of_grouping_that_makes_fewer_rules_is_taken() -> None:
    many_ports = {(other, (port, port)) for other in (1, 50) for port in range(100, 140, 2)}
    assert len(boxes(many_ports)) == 1
    by_port = {(other, (5432, 5432)) for other in range(0, 40, 2)} | {(0, (6432, 6432)), (2, (7432, 7432))}
    assert len(boxes(by_port)) == 3
    by_other = {(1, (port, port)) for port in range(1, 20)} | {(2, (port, port)) for port in range(9, 30)}
    assert len(boxes(by_other)) == 2


def test_traffic_within_the_subnet_names_the_subnet() -> None:
    (want,) = pack([incoming("10.1.0.5", 9000), incoming("10.1.0.6", 9000)], place())
    assert (want.purpose, want.other) == (Purpose.WITHIN, ("10.1.0.0/28",))


def test_probes_of_the_platform_get_their_tag() -> None:
    (want,) = pack([incoming("168.63.129.16", 5432)], place())
    assert want.other == ("AzureLoadBalancer",)


def test_rules_name_one_family_each() -> None:
    found = [*pack([incoming("10.1.2.4"), incoming("fd00:2::4")], place("10.1.0.0/28", "fd00:1::/64"))]
    assert [want.other for want in found] == [("10.1.2.4/32",), ("fd00:2::4/128",)]


def _clients(number: int, first: str = "10.2.0.0", apart: int = 2) -> list[Traffic]:
    """Addresses with others between them: none of them can share a prefix."""
    ((at, _),) = spans(first)
    one = incoming(first)
    return [one._replace(stream=one.stream._replace(other=at + apart * n)) for n in range(number)]


def test_private_clients_are_widened_where_there_are_too_many_and_that_is_told() -> None:
    found = propose(given(*_clients(MOST_PREFIXES + 500)))
    sources = [text for one in found.after.rules for text in one.sources]
    assert len(sources) <= MOST_PREFIXES
    assert not found.left_out
    assert found.widened_by == MOST_PREFIXES + 500
    assert found.proof.holds


def test_public_addresses_are_never_widened_but_left_out() -> None:
    ((at, _),) = spans("20.0.0.0")
    one = outgoing("20.0.0.0")
    many = [one._replace(stream=one.stream._replace(other=at + 2 * n)) for n in range(MOST_PREFIXES + 5)]
    found = propose(given(*many, incoming("10.1.2.4")))
    assert len(found.left_out) == MOST_PREFIXES + 5
    assert found.widened_by == 0
    assert found.proof.holds  # of what there is room for


def test_what_stands_needs_its_room_until_it_goes() -> None:
    full = nsg(*(rule(f"r{n}", 100 + n, "10.9.0.0/24 > *") for n in range(MOST_RULES - 8)))
    clients = [incoming(f"10.2.{n}.4", 1000 + 2 * n) for n in range(6)]
    found = propose(given(*clients, group=full))
    assert len(found.left_out) == 5  # two denies, and needs, take the rest
    assert len(full.rules) + len(found.added) == MOST_RULES


def test_an_nsg_without_room_for_what_is_needed_is_told() -> None:
    full = nsg(*(rule(f"r{n}", 100 + n, "10.9.0.0/24 > *") for n in range(MOST_RULES)))
    with pytest.raises(NoRoom, match="nsg-pg has room for 0 more rules, and what is needed takes 5"):
        propose(given(incoming("10.1.2.4"), group=full))


def test_nothing_is_changed_where_there_is_room() -> None:
    wants = [*pack(_clients(100), place())]
    found = fit(wants, nsg(), place())
    assert (list(found.wants), found.left_out, found.widened_by) == (wants, (), 0)


def test_widening_goes_neither_into_the_internet_nor_into_the_subnet() -> None:
    """Beside the subnet, and at the edge of a public range that is the network's own."""
    here = place(network=("203.0.113.16/28",))
    edge = [*_clients(MOST_PREFIXES + 500, "10.1.0.17", 64), *_clients(3, "203.0.113.17", 4)]
    found = propose(replace(given(*edge), place=here))
    seen = [one.want for one in found.allows if one.want.purpose is Purpose.OBSERVED]
    named = union(span for want in seen for span in want.addresses)
    assert found.widened_by
    assert common(named, spans("203.0.113.0/24")) == spans("203.0.113.16/28")
    assert not common(named, spans(SUBNET))
    assert room_in(nsg(), here).holds(taken_by([one.want for one in found.allows], here))


@pytest.mark.parametrize("subnet", [(SUBNET,), (SUBNET, "fd00:1::/64")])
def test_the_denies_have_their_room_whatever_families_the_subnet_has(subnet: tuple[str, ...]) -> None:
    here = place(*subnet)
    room, denies = room_in(nsg(), here), propose(replace(given(), place=here)).denies
    assert room.rules + len(denies) == MOST_RULES
    assert room.sources + sum(len(one.sources) for one in denies) == MOST_PREFIXES
    assert room.destinations + sum(len(one.destinations) for one in denies) == MOST_PREFIXES
