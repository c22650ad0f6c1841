"""What no rule should make legitimate by itself is set apart, with the reason."""

from __future__ import annotations

import pytest

from driftward.proposal.sifting import SCAN_PORTS, Keep, Why, sift
from driftward.proposal.traffic import Traffic
from tests.driftward.proposal.builders import CDN, incoming, outgoing, place, spans

SCAN = [incoming("10.1.2.4", port, denied=port % 2 == 0) for port in range(5430, 5430 + SCAN_PORTS)]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (incoming("10.1.2.4"), None),
        (incoming("10.1.0.5"), None),
        (outgoing(CDN), None),
        (incoming("168.63.129.16", 5432), None),
        (incoming("203.0.113.7"), Why.INTERNET),
        (incoming("203.0.113.7", denied=True), Why.INTERNET),
        (incoming("10.1.2.4", denied=True), Why.DENIED),
        (outgoing(CDN, denied=True), Why.DENIED),
        (incoming("10.1.2.4", 0, "47"), Why.NAMELESS),
    ],
    ids=str,
)
def test_each_stream_goes_where_it_belongs(one: Traffic, why: Why | None) -> None:
    found = sift([one], place(), [])
    assert [apart.why for apart in found.apart] == ([] if why is None else [why])
    assert found.kept == (() if why else (one,))


def test_one_source_that_tries_many_ports_is_a_scan_also_where_it_was_let_in() -> None:
    found = sift(SCAN, place(), [])
    assert {apart.why for apart in found.apart} == {Why.SCAN}
    assert len(found.apart) == SCAN_PORTS
    assert not sift(SCAN[1:2], place(), []).apart


def test_one_port_less_is_no_scan() -> None:
    found = sift(SCAN[1:], place(), [])
    assert {apart.why for apart in found.apart} == {Why.DENIED}


def test_servers_of_the_subnet_do_not_scan_each_other() -> None:
    within = [incoming("10.1.0.5", port) for port in range(40)]
    assert not sift(within, place(), []).apart


def test_a_public_range_of_the_network_is_not_the_internet() -> None:
    inside = incoming("203.0.113.7")
    assert sift([inside], place(network=("203.0.113.0/24",)), []).kept == (inside,)


@pytest.mark.parametrize(("denied_at", "kept"), [(5, True), (15, False)])
def test_what_passed_and_was_denied_is_what_it_was_last(denied_at: int, kept: bool) -> None:
    passed, denied = incoming("10.1.2.4", last=10), incoming("10.1.2.4", denied=True, last=denied_at)
    found = sift([passed, denied], place(), [])
    assert bool(found.kept) is kept
    assert bool(found.apart) is not kept


def test_what_a_server_asks_of_the_host_needs_no_rule() -> None:
    asked = outgoing("168.63.129.16", 53, "Udp")
    assert sift([asked], place(), []).unfiltered == (asked,)


def test_a_name_with_a_port_keeps_that_port_alone() -> None:
    here, there = incoming("203.0.113.7"), incoming("203.0.113.7", 6432)
    keep = Keep(text="203.0.113.7:5432", addresses=spans("203.0.113.7"), port=5432)
    found = sift([here, there], place(), [keep])
    assert (found.named, [apart.traffic for apart in found.apart]) == ((here,), [there])


def test_a_name_that_meets_nothing_is_told() -> None:
    keep = Keep(text="10.1.2.4", addresses=spans("10.1.2.4"))
    assert sift([incoming("10.1.2.4")], place(), [keep]).unmet == ("10.1.2.4",)
