"""What may come in, as sets that can be compared: the yardstick of the proof and of the laws.

The traffic of a server is the set of IPv4 sources that its public path admits, plus the flag "all
Azure" (0.0.0.0–0.0.0.0 admits every Azure address, which no IPv4 range describes), plus the subnets that
a single server's virtual network rules admit on that path, plus its approved private endpoints. The
traffic of a subnet is packets, held as boxes by ``shared.nsg``; here it appears only as the boxes that a
change declares. Pure; sets are normalised, so equality is set equality.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from typing import Final, TypeAlias

from shared.model import (
    ConnectionStatus,
    IPNetwork,
    PublicAccess,
    ServerSnapshot,
    TargetKind,
    TrafficBox,
)
from shared.model.values import value
from shared.posture.not_public import NOT_PUBLIC

Span: TypeAlias = tuple[int, int]


@value
class AddressSet:
    """IPv4 addresses as sorted, disjoint, inclusive spans."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Span]) -> AddressSet:
        """The union of ``spans``; adjacent spans are joined, one that ends before it starts is empty."""
        merged: list[Span] = []
        for start, end in sorted(span for span in spans if span[0] <= span[1]):
            if merged and start <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        return cls(spans=tuple(merged))

    def minus(self, other: AddressSet) -> AddressSet:
        left: list[Span] = []
        for start, end in self.spans:
            cursor = start
            for low, high in other.spans:
                if high < cursor or low > end:
                    continue
                if low > cursor:
                    left.append((cursor, low - 1))
                cursor = max(cursor, high + 1)
            if cursor <= end:
                left.append((cursor, end))
        return AddressSet(spans=tuple(left))

    def common(self, other: AddressSet) -> AddressSet:
        """The addresses that are in both."""
        return self.minus(self.minus(other))

    def within(self, other: AddressSet) -> bool:
        return not self.minus(other).spans

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return sum(last - first + 1 for first, last in self.spans)

    def prefixes(self) -> list[IPv4Network]:
        """The fewest prefixes that hold these addresses and no others."""
        ends = [(IPv4Address(first), IPv4Address(last)) for first, last in self.spans]
        return [prefix for first, last in ends for prefix in summarize_address_range(first, last)]

    def describe(self) -> list[str]:
        """The spans as people write them: ``1.2.3.4`` or ``1.2.3.0-1.2.3.255``."""
        return [
            str(IPv4Address(a)) if a == b else f"{IPv4Address(a)}-{IPv4Address(b)}" for a, b in self.spans
        ]


def span_of(prefix: IPv4Network) -> Span:
    return int(prefix.network_address), int(prefix.broadcast_address)


EVERY_ADDRESS: Final = AddressSet(spans=((0, 2**32 - 1),))
PUBLIC_ADDRESSES: Final = EVERY_ADDRESS.minus(
    AddressSet.of(span_of(IPv4Network(text)) for text in NOT_PUBLIC)
)
"""The whole Internet: every IPv4 address from which a packet can reach a public endpoint."""


@value
class ServerTraffic:
    """Who may come in to a server: public sources, all of Azure, subnets and private endpoints by key.

    ``odd`` holds a text for each rule that does not say whom it admits: that is not known, and is the same as
    long as the rule is.
    """

    sources: AddressSet = AddressSet()
    all_azure: bool = False
    subnets: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()
    odd: frozenset[str] = frozenset()

    def within(self, other: ServerTraffic) -> bool:
        return (
            self.sources.within(other.sources)
            and (other.all_azure or not self.all_azure)
            and self.subnets <= other.subnets
            and self.endpoints <= other.endpoints
            and self.odd <= other.odd
        )

    def minus(self, other: ServerTraffic) -> ServerTraffic:
        return ServerTraffic(
            sources=self.sources.minus(other.sources),
            all_azure=self.all_azure and not other.all_azure,
            subnets=self.subnets - other.subnets,
            endpoints=self.endpoints - other.endpoints,
            odd=self.odd - other.odd,
        )

    @property
    def nobody(self) -> bool:
        return not (self.sources.spans or self.all_azure or self.subnets or self.endpoints or self.odd)

    def describe(self) -> list[str]:
        """Who may come in, one text each: ranges, "every Azure address", subnets, endpoints, odd rules."""
        azure = ["every Azure address"] if self.all_azure else []
        named = [*sorted(self.subnets), *sorted(self.endpoints), *sorted(self.odd)]
        return [*self.sources.describe(), *azure, *named]


@value
class SubnetTraffic:
    """Packets of a subnet, as boxes."""

    boxes: tuple[TrafficBox, ...] = ()


Traffic: TypeAlias = ServerTraffic | SubnetTraffic


MOST_TOLD: Final = 8
"""Of more prefixes than these the first are told: all public addresses are dozens."""


def describe_box(box: TrafficBox) -> str:
    """Packets as people write them: ``Inbound 10.0.1.0/24 → 10.0.1.0/24 tcp/5432``."""
    ports = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in box.ports)
    sources, destinations = map(_describe_side, (box.sources, box.destinations))
    return f"{box.direction} {sources} → {destinations} {box.protocol.lower()}/{ports}"


def _describe_side(networks: tuple[IPNetwork, ...]) -> str:
    told = ",".join(map(str, networks[:MOST_TOLD]))
    more = len(networks) - MOST_TOLD
    return f"{told} and {more} more" if more > 0 else told


def public_sources(server: ServerSnapshot) -> ServerTraffic:
    """What the firewall rules and virtual network rules would admit if public access were on."""
    rules = server.firewall_rules or ()
    ranges = [r for r in rules if not r.allows_all_azure]
    return ServerTraffic(
        sources=AddressSet.of((int(r.start), int(r.end)) for r in ranges),
        all_azure=any(r.allows_all_azure for r in rules),
        subnets=frozenset(rule.subnet.key for rule in server.virtual_network_rules or ()),
        odd=frozenset(odd_texts(server)),
    )


def odd_texts(server: ServerSnapshot) -> list[str]:
    """The rules of which it is not known whom they admit, with the field that is at fault."""
    listed = [("firewall rule", rule) for rule in server.odd_rules]
    listed += [("virtual network rule", rule) for rule in server.odd_network_rules]
    return sorted(f"whoever {kind} {rule.described} may admit" for kind, rule in listed)


def server_traffic(server: ServerSnapshot) -> ServerTraffic:
    """Who may come in now. Public access that is not known to be off counts as on.

    A service endpoint leads to the public path: with public access off it admits nobody either, "only
    private endpoint connections are allowed" (Private Link article of the single server).
    """
    endpoints = frozenset(
        connection.id.key
        for connection in server.private_endpoints or ()
        if connection.status is ConnectionStatus.APPROVED
    )
    if server.vnet_integrated or server.public_access is PublicAccess.DISABLED:
        return ServerTraffic(endpoints=endpoints)
    return replace(public_sources(server), endpoints=endpoints)


def network_rules_missing(server: ServerSnapshot) -> bool:
    """Whether virtual network rules may exist that were not read: a flexible server has none."""
    return server.kind is TargetKind.SINGLE_SERVER and server.virtual_network_rules is None
