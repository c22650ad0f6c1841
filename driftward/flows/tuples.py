"""One flow tuple of a flow log: a text of commas becomes a time and, where the flow was denied or that is
asked for, a packet.

Three layouts are known. NSG flow logs, version 1: time, source, destination, source port, destination port,
protocol (``T``, ``U``), direction (``I``, ``O``), decision (``A``, ``D``); version 2 adds the flow's state
and four counters. Virtual network flow logs, version 4: the same first five, the protocol's IANA number, the
direction, the state (``B``, ``C``, ``E``, and ``D`` for denied), the encryption, four counters. Sources:
MicrosoftDocs/azure-docs, ``articles/network-watcher/nsg-flow-logs-overview.md`` @03464f2b (2024-10-21) and
``vnet-flow-logs-overview.md`` @010d565d (2024-08-02).

Pure: files and places in them belong to ``driftward.flows.stream``, the meaning of a packet to ``labels``.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from shared.nsg.packets.addresses import address_at, parse_addresses, place

TCP: Final = "Tcp"
UDP: Final = "Udp"


class Layout(StrEnum):
    NSG = "nsg"
    VNET = "vnet"


class BadTuple(ValueError):
    """The text is no flow tuple; the message says what is wrong with it."""


class Packet(NamedTuple):
    """What a flow was; addresses are places on the line of ``shared.nsg.packets.addresses``."""

    source: int
    destination: int
    port: int
    """Of the destination; 0 where the protocol has none."""
    protocol: str
    """``Tcp``, ``Udp``, ``Icmp``, or the number as the log has it."""
    outbound: bool
    encryption: str
    """Of virtual network flow logs, in upper case; ``""`` elsewhere."""


class Flow(NamedTuple):
    time: int
    """Milliseconds since the epoch, UTC."""
    packet: Packet | None
    """None where the flow was allowed."""
    passed: Packet | None = None
    """What was allowed, where that was asked for."""


_FIELDS: Final = {Layout.NSG: frozenset({8, 13}), Layout.VNET: frozenset({13})}
_DENIED: Final = {
    Layout.NSG: {"A": False, "D": True},
    Layout.VNET: {"B": False, "C": False, "E": False, "D": True},
}
_OUTBOUND: Final = {"I": False, "O": True}
_PROTOCOLS: Final = {
    Layout.NSG: {"T": TCP, "U": UDP},
    Layout.VNET: {"1": "Icmp", "6": TCP, "17": UDP, "50": "Esp", "51": "Ah", "58": "Icmp"},
}
_UNENCRYPTED: Final = "NX"
"""How traffic of a virtual network is by default."""
_SECONDS_END: Final = 10**11
"""A larger time is in milliseconds: as seconds it would be the year 5138. The virtual network page's sample
has milliseconds, its worked example seconds."""
_END: Final = 253_402_300_800_000
"""The year 10000, in milliseconds."""


def read_flow(text: str, layout: Layout, *, every: bool = False) -> Flow:
    """The flow that ``text`` tells of; ``every`` reads what was allowed too. Raises ``BadTuple``."""
    fields = text.split(",")
    if len(fields) not in _FIELDS[layout]:
        wanted = " or ".join(map(str, sorted(_FIELDS[layout])))
        raise BadTuple(f"{len(fields)} fields instead of {wanted}")
    denied = _DENIED[layout].get(fields[7])
    outbound = _OUTBOUND.get(fields[6])
    if denied is None or outbound is None:
        wrong = fields[6] if outbound is None else fields[7]
        raise BadTuple(f"{shown(wrong)} is no {'direction' if outbound is None else 'decision or state'}")
    time = _time(fields[0])
    if not (denied or every):
        return Flow(time, None)
    encryption = (fields[8].strip().upper() or _UNENCRYPTED) if layout is Layout.VNET else ""
    packet = _packet(fields[1], fields[2], fields[4], (layout, fields[5], outbound, encryption))
    return Flow(time, packet) if denied else Flow(time, None, packet)


def this_side(text: str) -> tuple[str, bool]:
    """The address of a flow tuple's own side, and whether the flow goes out; of a text that was read."""
    fields = text.split(",", 7)
    outbound = _OUTBOUND[fields[6]]
    return fields[1 if outbound else 2], outbound


def shown(text: str) -> str:
    """A text of the file in quotes, cut where it is long."""
    return repr(text if len(text) <= 120 else f"{text[:117]}...")


def _time(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise BadTuple(f"{shown(text)} is no time")
    number = int(text)
    time = number if number >= _SECONDS_END else number * 1000
    if time >= _END:
        raise BadTuple(f"{shown(text)} is no time")
    return time


@lru_cache(maxsize=1 << 13)
def _packet(source: str, destination: str, port: str, how: tuple[Layout, str, bool, str]) -> Packet:
    """Cached, because the same refusals come again and again."""
    layout, number, outbound, encryption = how
    protocol = _PROTOCOLS[layout].get(number, number)
    if not protocol:
        raise BadTuple("no protocol")
    ends = (place_of(source), place_of(destination))
    return Packet(*ends, _port(port, protocol), protocol, outbound, encryption)


@lru_cache(maxsize=1 << 13)
def place_of(text: str) -> int:
    """Where the address stands on the line; an IPv4 address in IPv6 clothes is the IPv4 address.

    Raises ``BadTuple``."""
    found = None if "/" in text or "-" in text else parse_addresses(text)
    if found is None:
        raise BadTuple(f"{shown(text)} is no address")
    ((number, _),) = found
    if ":" not in text:
        return number
    address = address_at(number)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return number if mapped is None else place(mapped)


def _port(text: str, protocol: str) -> int:
    if not text and protocol not in {TCP, UDP}:
        return 0
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or int(text) > 65535:
        raise BadTuple(f"{shown(text)} is no port")
    return int(text)
