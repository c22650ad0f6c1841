"""Flows are counted by stream in bounded memory, and what is over the bound is counted too."""

from __future__ import annotations

from driftward.flows.reader import Seen
from driftward.flows.tuples import Packet, place_of
from driftward.proposal.gathering import HOUR, Gathering
from driftward.proposal.traffic import Lot
from tests.driftward.flows.builders import (
    encoded,
    events_of,
    log,
    nsg_record,
    nsg_tuple,
    vnet_record,
    vnet_tuple,
)
from tests.driftward.proposal.builders import START, place

SERVER = place_of("10.1.0.4")


def flow(
    other: str, *, time: int = START, outbound: bool = False, port: int = 5432, denied: bool = False
) -> Seen:
    ends = (SERVER, place_of(other)) if outbound else (place_of(other), SERVER)
    packet = Packet(*ends, port, "Tcp", outbound, "NX")
    return Seen(time, packet, "r") if denied else Seen(time, None, "r", packet)


def gathered(*flows: Seen, most: int = 100) -> Gathering:
    gathering = Gathering(place(), most)
    gathering.take(flows)
    return gathering


def test_flows_of_one_stream_are_one_kind_with_its_times() -> None:
    found = gathered(*(flow("10.1.2.4", time=START + at) for at in (5, 1, 9))).observed()
    (one,) = found.traffic
    assert (one.flows, one.first, one.last, one.denied) == (3, START + 1, START + 9, False)


def test_what_was_denied_and_what_passed_are_counted_apart() -> None:
    found = gathered(flow("10.1.2.4"), flow("10.1.2.4", denied=True)).observed()
    assert [one.denied for one in found.traffic] == [False, True]


def test_flows_of_other_subnets_are_counted_and_left_out() -> None:
    stray = Seen(START, None, "r", Packet(place_of("10.9.0.1"), place_of("10.9.0.2"), 80, "Tcp", False, ""))
    found = gathered(stray, flow("10.1.2.4")).observed()
    assert (found.flows, found.elsewhere, len(found.traffic)) == (2, 1, 1)


def test_the_last_day_is_counted_back_from_the_last_flow_whatever_the_order() -> None:
    hours = (0, 30, 6, 29, 7, 50 - 24, 50, 27)
    found = gathered(*(flow("10.1.2.4", time=START + hour * HOUR) for hour in hours)).observed()
    (one,) = found.traffic
    assert (one.flows, one.lately) == (8, 4)
    assert found.since == (START // HOUR + 27) * HOUR


def test_many_hours_of_one_stream_are_remembered_for_a_day_only() -> None:
    gathering = gathered(*(flow("10.1.2.4", time=START + hour * HOUR) for hour in range(200)))
    (one,) = gathering.observed().traffic
    assert (one.flows, one.lately) == (200, 24)


def test_a_flood_from_the_internet_pushes_out_no_client() -> None:
    flood = [flow(f"203.0.{number >> 8}.{number & 255}") for number in range(300)]
    found = gathered(*flood, flow("10.1.2.4"), most=100).observed()
    assert found.over == {**dict.fromkeys(Lot, 0), Lot.FROM_INTERNET: 200}
    assert [one for one in found.traffic if one.stream.other == place_of("10.1.2.4")]
    assert not found.is_whole


def test_what_is_known_when_a_lot_is_full_is_counted_on() -> None:
    found = gathered(flow("10.1.2.4"), flow("10.1.2.5"), flow("10.1.2.4"), most=1).observed()
    (one,) = found.traffic
    assert (one.flows, found.over[Lot.INSIDE]) == (2, 1)


def test_logs_of_both_kinds_tell_what_passed() -> None:
    nsgs = log(nsg_record([nsg_tuple("10.1.0.4", source="10.1.2.4", port=5432, how="T,I,A")]))
    networks = log(vnet_record([vnet_tuple("10.1.0.4", source="10.1.2.4", port=5432, how="6,I,B,NX")]))
    for document in (nsgs, networks):
        gathering = Gathering(place())
        events, _ = events_of(encoded(document), every=True)
        gathering.take(events)
        (one,) = gathering.observed().traffic
        assert (one.stream.port, one.denied) == (5432, False)


def test_icmp_has_no_ports_whatever_the_log_writes_there() -> None:
    packets = [Packet(place_of("10.1.2.4"), SERVER, port, "Icmp", False, "NX") for port in (0, 8, 771)]
    found = gathered(*(Seen(START, None, "r", packet) for packet in packets)).observed()
    assert [(one.stream.port, one.flows) for one in found.traffic] == [(0, 3)]
