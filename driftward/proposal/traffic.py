"""Flows by what a rule can tell apart, counted: the other end, the port, the protocol and the direction.

The subnet's own end is no part of it: a server's address changes with a failover, so that rules name the
subnet. Nor is the source port, which a client chooses anew for each connection. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import ip_network
from typing import Final, NamedTuple

from driftward.flows.labels import AZURE_DNS_AT, holds
from shared.model import Direction
from shared.model.values import value
from shared.nsg import PUBLIC_ADDRESSES, Protocol, Spans, spans_of

PLATFORM_AT: Final = spans_of(map(ip_network, ("168.63.129.16/32", "169.254.169.254/32")))
"""DNS, DHCP, health probes and instance metadata (What is IP address 168.63.129.16?)."""
PROBES_AT: Final = AZURE_DNS_AT
"""Where health probes come from; the tag AzureLoadBalancer means exactly this address."""
PORTLESS: Final = ((0, 65535),)
_WITH_PORTS: Final = frozenset({Protocol.TCP, Protocol.UDP})
_BY_NAME: Final = {protocol.value.lower(): protocol for protocol in Protocol}


class Stream(NamedTuple):
    """What flows of one kind have in common."""

    outbound: bool
    protocol: str
    """As ``driftward.flows.tuples`` has it: ``Tcp``, ``Udp``, ``Icmp``, ``Esp``, ``Ah`` or a number."""
    port: int
    """Of the destination."""
    other: int
    """The end that is not the subnet's, as a place on the line of addresses."""


class Traffic(NamedTuple):
    """A stream with what was seen of it; times are milliseconds since the epoch, UTC."""

    stream: Stream
    denied: bool
    flows: int
    """Entries of the log: a connection has one where it begins, one now and then, and one where it ends."""
    first: int
    last: int
    lately: int
    """How many of them fall into the last day of the log."""

    @property
    def direction(self) -> Direction:
        return Direction.OUTBOUND if self.stream.outbound else Direction.INBOUND

    @property
    def protocol(self) -> Protocol | None:
        """None for a protocol that no rule can name."""
        return _BY_NAME.get(self.stream.protocol.lower())

    @property
    def ports(self) -> Spans:
        """What a rule has to name as the destination's port: every one where the protocol has none."""
        return ((self.stream.port, self.stream.port),) if self.protocol in _WITH_PORTS else PORTLESS


class Lot(StrEnum):
    """Streams are bounded by the lot, so that a flood of one sort pushes out none of another."""

    INSIDE = "inside"
    """Allowed, from or to private addresses or those of the virtual network."""
    TO_INTERNET = "toInternet"
    """Allowed, to public addresses."""
    FROM_INTERNET = "fromInternet"
    """Allowed, from public addresses."""
    DENIED = "denied"


@value
class Place:
    """Where the subnet is: its prefixes, and what else surely lies in its virtual network."""

    subnet: Spans
    network: Spans = ()
    """Public ranges may be among it; what lies in it did not come from the Internet."""

    def is_public(self, other: int) -> bool:
        """Whether an address is the Internet's, as far as is known."""
        if holds(self.subnet, other) or holds(self.network, other) or holds(PLATFORM_AT, other):
            return False
        return holds(PUBLIC_ADDRESSES, other)


@value
class Observed:
    """What a log holds of a subnet."""

    traffic: tuple[Traffic, ...]
    flows: int
    """Of the whole log."""
    elsewhere: int
    """Flows that are not the subnet's."""
    first: int | None
    last: int | None
    since: int | None
    """Where the last day of the log begins: the 24th hour, counting back from the last flow's."""
    over: Mapping[Lot, int]
    """Flows of streams that came when their lot was full: counted, and not known one by one."""

    @property
    def is_whole(self) -> bool:
        return not any(self.over.values())


def total(traffic: Iterable[Traffic]) -> int:
    return sum(one.flows for one in traffic)
