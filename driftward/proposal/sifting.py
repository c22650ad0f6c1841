"""What of the flows is kept, and what is set apart because no rule should make it legitimate by itself.

Set apart is what was denied, what came from the Internet, what looks like a scan (one source that tried many
ports), and what no rule can name. What was let in once and denied another time is what it was last. Whoever
knows better names it (``Keep``). Traffic of the platform's own addresses needs no rule: NSGs do not filter
what a server asks of 168.63.129.16 and 169.254.169.254 unless a rule names AzurePlatformDNS,
AzurePlatformIMDS or AzurePlatformLKM (network security groups overview). Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final

from driftward.flows.labels import holds
from driftward.proposal.traffic import PLATFORM_AT, Place, Stream, Traffic
from shared.model.values import value
from shared.nsg import Spans

SCAN_PORTS: Final = 10
"""So many different ports that one source tried are a scan: a client of PostgreSQL knows which it wants."""


class Why(StrEnum):
    """Why traffic is set apart, the gravest first."""

    SCAN = "scan"
    INTERNET = "internet"
    DENIED = "denied"
    NAMELESS = "nameless"


WORDS: Final = {
    Why.SCAN: f"one source tried {SCAN_PORTS} ports or more: a scan",
    Why.INTERNET: "it came from the Internet",
    Why.DENIED: "it was denied already",
    Why.NAMELESS: "no rule can name its protocol, only one for every protocol would admit it",
}


@value
class Keep:
    """What somebody calls legitimate: these other ends, on this port; None is every port."""

    text: str
    """As it was written."""
    addresses: Spans
    port: int | None = None

    def holds(self, one: Traffic) -> bool:
        stream = one.stream
        return holds(self.addresses, stream.other) and self.port in {None, stream.port}


@value
class SetApart:
    traffic: Traffic
    why: Why


@value
class Sifted:
    kept: tuple[Traffic, ...]
    named: tuple[Traffic, ...]
    """Kept only because somebody named it."""
    apart: tuple[SetApart, ...]
    unfiltered: tuple[Traffic, ...]
    """Of the platform's own addresses: no rule is needed."""
    unmet: tuple[str, ...]
    """What was named and not set apart: nothing of it was seen, or it is kept anyhow."""


def sift(traffic: Iterable[Traffic], place: Place, keeps: Collection[Keep]) -> Sifted:
    """Every stream into one of the heaps."""
    listed = tuple(traffic)
    scans, closed = scanners(listed, place), _denied_last(listed)
    kept, named, apart, unfiltered = [], [], [], []
    for one in listed:
        if one.stream.outbound and holds(PLATFORM_AT, one.stream.other):
            unfiltered.append(one)
        elif (why := _why(one, place, scans, closed)) is None:
            kept.append(one)
        elif why is not Why.NAMELESS and any(keep.holds(one) for keep in keeps):
            named.append(one)
        else:
            apart.append(SetApart(traffic=one, why=why))
    unmet = tuple(keep.text for keep in keeps if not any(map(keep.holds, named)))
    return Sifted(
        kept=tuple(kept), named=tuple(named), apart=tuple(apart), unfiltered=tuple(unfiltered), unmet=unmet
    )


def _why(one: Traffic, place: Place, scans: Collection[int], closed: Collection[Stream]) -> Why | None:
    if one.protocol is None:
        return Why.NAMELESS
    if not one.stream.outbound:
        if one.stream.other in scans:
            return Why.SCAN
        if place.is_public(one.stream.other):
            return Why.INTERNET
    return Why.DENIED if one.stream in closed else None


def _denied_last(traffic: Iterable[Traffic]) -> frozenset[Stream]:
    """Streams that were denied after the last time they passed, if ever they did."""
    listed = tuple(traffic)
    passed = {one.stream: one.last for one in listed if not one.denied}
    return frozenset(one.stream for one in listed if one.denied and one.last >= passed.get(one.stream, 0))


def scanners(traffic: Iterable[Traffic], place: Place) -> frozenset[int]:
    """Sources outside the subnet that tried many ports of it, let in or not."""
    tried: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
    for one in traffic:
        stream = one.stream
        if not stream.outbound and not holds(place.subnet, stream.other):
            tried[stream.other].add((stream.protocol, stream.port))
    return frozenset(other for other, ports in tried.items() if len(ports) >= SCAN_PORTS)
