"""One flow tuple: the three layouts, and what is none."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from driftward.flows.tuples import BadTuple, Flow, Layout, Packet, read_flow
from shared.nsg.packets.addresses import place
from tests.driftward.flows.builders import START, nsg_tuple, vnet_tuple

HERE = place(IPv4Address("10.1.0.4"))
STORAGE = place(IPv4Address("52.239.130.228"))


@pytest.mark.parametrize(
    ("text", "layout", "time", "encryption"),
    [
        (f"{START},10.1.0.4,52.239.130.228,40112,443,T,O,D", Layout.NSG, START * 1000, ""),
        (nsg_tuple(), Layout.NSG, START * 1000, ""),
        (vnet_tuple(millisecond=250), Layout.VNET, START * 1000 + 250, "NX"),
        # the worked example of the virtual network page counts in seconds and leaves the counters empty
        (f"{START},10.1.0.4,52.239.130.228,40112,443,6,O,D,NX,,,,", Layout.VNET, START * 1000, "NX"),
    ],
)
def test_each_layout_is_read(text: str, layout: Layout, time: int, encryption: str) -> None:
    assert read_flow(text, layout) == Flow(time, Packet(HERE, STORAGE, 443, "Tcp", True, encryption))


@pytest.mark.parametrize("state", ["B", "C", "E"])
def test_an_allowed_flow_has_a_time_and_no_packet(state: str) -> None:
    assert read_flow(vnet_tuple(how=f"6,O,{state},NX"), Layout.VNET) == Flow(START * 1000, None)
    assert read_flow(nsg_tuple(how="T,O,A"), Layout.NSG) == Flow(START * 1000, None)


@pytest.mark.parametrize(
    ("number", "protocol"), [("6", "Tcp"), ("17", "Udp"), ("1", "Icmp"), ("58", "Icmp"), ("132", "132")]
)
def test_protocols_by_their_number(number: str, protocol: str) -> None:
    packet = read_flow(vnet_tuple(how=f"{number},O,D,NX"), Layout.VNET).packet
    assert packet is not None
    assert packet.protocol == protocol


def test_ipv6_is_read_and_a_mapped_address_is_the_ipv4_address() -> None:
    plain = read_flow(vnet_tuple("2603:1020:5::1", source="fd00::4"), Layout.VNET).packet
    mapped = read_flow(vnet_tuple("::ffff:52.239.130.228"), Layout.VNET).packet
    assert plain is not None
    assert mapped is not None
    assert (plain.source, plain.destination) == (
        place(IPv6Address("fd00::4")),
        place(IPv6Address("2603:1020:5::1")),
    )
    assert mapped.destination == STORAGE


def test_a_protocol_without_ports_may_leave_them_out() -> None:
    packet = read_flow(f"{START},10.1.0.4,10.1.0.5,,,1,O,D,NX,0,0,0,0", Layout.VNET).packet
    assert packet is not None
    assert packet.port == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 fields instead of 8 or 13"),
        ("1,2,3", "3 fields"),
        (nsg_tuple().replace(str(START), "soon"), "'soon' is no time"),
        (nsg_tuple().replace(str(START), "9" * 16), "is no time"),
        (nsg_tuple().replace(str(START), "-1"), "'-1' is no time"),
        (nsg_tuple("52.239.130.999"), "'52.239.130.999' is no address"),
        (nsg_tuple("52.239.130.0/24"), "'52.239.130.0/24' is no address"),
        (nsg_tuple("10.0.0.1-10.0.0.9"), "is no address"),
        (nsg_tuple("fe80::1%eth0"), "is no address"),
        (nsg_tuple(port=65536), "'65536' is no port"),
        (nsg_tuple(port=-1), "'-1' is no port"),
        (nsg_tuple(how="T,X,D"), "'X' is no direction"),
        (nsg_tuple(how="T,O,Q"), "'Q' is no decision or state"),
        (nsg_tuple(how=",O,D"), "no protocol"),
    ],
)
def test_what_is_no_tuple_says_why(text: str, said: str) -> None:
    with pytest.raises(BadTuple, match=said):
        read_flow(text, Layout.NSG)
