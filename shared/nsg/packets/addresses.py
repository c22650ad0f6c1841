"""IP addresses as places on one line: IPv4 first, IPv6 after it, so that a set of spans holds both.

An IPv4 address stands at its number, an IPv6 address at its number plus 2**128; the two stretches do
not touch, so no span ever holds addresses of both families. Here texts become spans and spans become
networks again. Service tags are not addresses and are read in ``shared.nsg.rules.reading``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
    summarize_address_range,
)
from itertools import chain
from typing import Final

from shared.model import IPNetwork
from shared.nsg.packets.spans import Spans, minus, union

_IPV6_ZERO: Final = 1 << 128
_OCTETS: Final = {str(number): number for number in range(256)}


class Family(StrEnum):
    IPV4 = "IPv4"
    IPV6 = "IPv6"


WHOLE: Final = {
    Family.IPV4: ((0, (1 << 32) - 1),),
    Family.IPV6: ((_IPV6_ZERO, _IPV6_ZERO + (1 << 128) - 1),),
}
EVERY_ADDRESS: Final[Spans] = WHOLE[Family.IPV4] + WHOLE[Family.IPV6]


def place(address: IPv4Address | IPv6Address) -> int:
    """Where the address stands on the line."""
    return int(address) if isinstance(address, IPv4Address) else _IPV6_ZERO + int(address)


def address_at(number: int) -> IPv4Address | IPv6Address:
    """The address that stands at ``number``."""
    return IPv4Address(number) if number < _IPV6_ZERO else IPv6Address(number - _IPV6_ZERO)


def family_at(number: int) -> Family:
    """The family of the address that stands at ``number``."""
    return Family.IPV4 if number < _IPV6_ZERO else Family.IPV6


@lru_cache(maxsize=1 << 14)
def parse_addresses(text: str) -> Spans | None:
    """The addresses that ``text`` names: an address, a CIDR block, or a range ``a-b``.

    Host bits below the prefix length are ignored, as ARM ignores them. None when the text is no
    address of either family; a tag or ``*`` is none.
    """
    try:
        return _parse_block(text) if "-" not in text else _parse_range(*text.split("-", 1))
    except ValueError:
        return None


def _parse_block(text: str) -> Spans | None:
    base, slash, length = text.partition("/")
    octets = base.split(".")
    if len(octets) == 4 and ":" not in base:
        # Eight thousand addresses stand in the largest NSG: read by hand, ten times as fast.
        try:
            a, b, c, d = map(_OCTETS.__getitem__, octets)
        except KeyError as odd:
            raise ValueError(text) from odd
        number, bits = a << 24 | b << 16 | c << 8 | d, 32
    else:
        number, bits = _place_of(base)
    if not slash:
        return ((number, number),)
    if not (length.isascii() and length.isdecimal()) or int(length) > bits:
        return None
    size = 1 << (bits - int(length))
    first = number & -size
    return ((first, first + size - 1),)


def _parse_range(first: str, last: str) -> Spans | None:
    (low, bits), (high, other) = _place_of(first.strip()), _place_of(last.strip())
    return ((low, high),) if bits == other and low <= high else None


def _place_of(text: str) -> tuple[int, int]:
    """Where an address stands on the line, and the bits of its family. Raises ``ValueError``."""
    if "%" in text:  # a zone index names an interface, which no rule can mean
        raise ValueError(text)
    address = ip_address(text)
    return place(address), address.max_prefixlen


def spans_of(networks: Iterable[IPNetwork]) -> Spans:
    """The addresses of ``networks``; overlapping and adjacent networks are joined."""
    return union((place(n.network_address), place(n.broadcast_address)) for n in networks)


def networks_of(spans: Spans) -> tuple[IPNetwork, ...]:
    """The fewest networks that hold exactly ``spans``, IPv4 first."""
    return tuple(chain.from_iterable(_summarize(address_at(a), address_at(b)) for a, b in spans))


def _summarize(first: IPv4Address | IPv6Address, last: IPv4Address | IPv6Address) -> Iterator[IPNetwork]:
    match first, last:
        case IPv4Address(), IPv4Address():
            yield from summarize_address_range(first, last)
        case IPv6Address(), IPv6Address():
            yield from summarize_address_range(first, last)


_PRIVATE: Final = (
    "10.0.0.0/8",  # RFC 1918
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # RFC 6598
    "fc00::/7",  # RFC 4193
)
PUBLIC_ADDRESSES: Final[Spans] = minus(EVERY_ADDRESS, spans_of(ip_network(text) for text in _PRIVATE))
"""Where the published service tags may lie: nowhere in private space."""

_OF_NO_MACHINE: Final = (
    "0.0.0.0/8",  # "IANA IPv4 Special-Purpose Address Registry" (RFC 6890)
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",  # multicast, and reserved
)
_GIVEN_OUT: Final = (
    "2400::/12",  # "IPv6 Global Unicast Address Assignments" (IANA): what the registries give out
    "2600::/12",
    "2800::/12",
    "2a00::/11",
    "2c00::/12",
    "fc00::/7",
)
MACHINES: Final[Spans] = union(
    (
        *minus(WHOLE[Family.IPV4], spans_of(ip_network(text) for text in _OF_NO_MACHINE)),
        *spans_of(ip_network(text) for text in _GIVEN_OUT),
    )
)
"""Addresses that a machine may have, public or private: none that is reserved or for documentation."""
