"""One packet and what it meets: addresses of rules, first-match lists, routes by longest prefix.

The small language of rules and routes that ``worlds`` writes, read a second time: an address, a block, ``*``
or a tag; ``N``, ``A-B`` or ``*``. Addresses are numbers. Nothing here knows what is unknown: who asks has
chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, ip_network
from typing import Final, TypeAlias

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.model.networks import AdminRule, Route

Block: TypeAlias = tuple[int, int]
"""First and last address."""
Holds: TypeAlias = Callable[[str, int], bool]
"""Whether a tag holds an address."""
POSTGRES: Final = 5432
_DEFAULTS: Final = {
    Direction.INBOUND: (("VirtualNetwork", "VirtualNetwork", True), ("AzureLoadBalancer", "*", True)),
    Direction.OUTBOUND: (("VirtualNetwork", "VirtualNetwork", True), ("*", "Internet", True)),
}
"""Behind the custom rules stand two that allow, and one that denies everything."""
_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    source: int
    source_port: Callable[[], int] | None
    """Asked for only by a rule that looks at it; None where source ports count as any."""
    destination: int


@lru_cache(maxsize=4096)
def block(text: str) -> Block | None:
    """The addresses that ``text`` names, none for IPv6; None for a tag, and for what cannot be read."""
    if text == "*":
        return 0, 2**32 - 1
    if ":" in text:
        return 1, 0
    if not text[0].isdigit() or is_odd(text):
        return None
    return _ends(IPv4Network(text, strict=False))


def is_odd(text: str) -> bool:
    """Whether it is neither a block nor a tag."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return "/" in text
    return False


def within(number: int, held: Block) -> bool:
    return held[0] <= number <= held[1]


def is_public(number: int) -> bool:
    return not any(within(number, held) for text in _PRIVATE if (held := block(text)))


def blocks(prefixes: Iterable[object]) -> tuple[IPv4Network, ...]:
    return tuple(one for one in prefixes if isinstance(one, IPv4Network))


def space_length(number: int, prefixes: Iterable[object]) -> int | None:
    """The length of the longest of ``prefixes`` that holds the address."""
    held = [one.prefixlen for one in blocks(prefixes) if within(number, _ends(one))]
    return max(held, default=None)


def _ends(network: IPv4Network) -> Block:
    return int(network.network_address), int(network.broadcast_address)


def representatives(inside: Iterable[Block], cuts: Iterable[int]) -> tuple[int, ...]:
    """Addresses of which one lies in every stretch that no rule and no route cuts."""
    held = tuple(inside)
    firsts = {first for first, _ in held}
    return tuple(sorted(firsts | {cut for cut in cuts if any(within(cut, one) for one in held)}))


def cuts_of(texts: Iterable[str]) -> set[int]:
    """Where the blocks among the texts begin, and where what follows them does."""
    found = [held for text in texts if (held := block(text)) and held[0] <= held[1]]
    return {end for first, last in found for end in (first, last + 1)}


# --- rules -----------------------------------------------------------------------------------------


def first_match(group: SecurityGroup, direction: Direction, packet: Packet, holds: Holds) -> bool:
    """Whether the NSG lets the packet pass: the first rule that matches decides, the default rules last."""
    rules = sorted(
        (rule for rule in group.rules if rule.direction is direction), key=lambda rule: rule.priority
    )
    for rule in rules:
        if _matches_rule(rule, packet, holds):
            return rule.access is Access.ALLOW
    for source, destination, allow in _DEFAULTS[direction]:
        if _lies([source], packet.source, holds) and _lies([destination], packet.destination, holds):
            return allow
    return False


def first_admin(
    rules: Sequence[AdminRule], direction: Direction, packet: Packet, holds: Holds
) -> AdminRule | None:
    """The admin rule that the packet meets first; None where it meets none."""
    asked = sorted((rule for rule in rules if rule.direction is direction), key=lambda rule: rule.priority)
    for rule in asked:
        if (
            _speaks_tcp(rule.protocol)
            and _has_port(rule.ports, POSTGRES)
            and _lies(rule.sources, packet.source, holds)
            and _lies(rule.destinations, packet.destination, holds)
            and _from_port(rule.source_ports, packet)
        ):
            return rule
    return None


def _matches_rule(rule: SecurityRule, packet: Packet, holds: Holds) -> bool:
    return (
        _speaks_tcp(rule.protocol)
        and _has_port(rule.destination_ports, POSTGRES)
        and _lies(rule.sources, packet.source, holds)
        and _lies(rule.destinations, packet.destination, holds)
        and _from_port(rule.source_ports, packet)
    )


def _speaks_tcp(protocol: str) -> bool:
    return protocol.lower() in {"tcp", "*", "any"}


def _from_port(texts: Sequence[str], packet: Packet) -> bool:
    return packet.source_port is None or "*" in texts or _has_port(texts, packet.source_port())


def _has_port(texts: Sequence[str], port: int) -> bool:
    ends = (text.partition("-") for text in texts if text != "*")
    return "*" in texts or any(int(low) <= port <= int(high or low) for low, _, high in ends)


def _lies(texts: Sequence[str], number: int, holds: Holds) -> bool:
    for text in texts:
        held = block(text)
        if within(number, held) if held else holds(text, number):
            return True
    return False


# --- routes ----------------------------------------------------------------------------------------


def longest(routes: Iterable[Route], number: int) -> Route | None:
    """The user-defined route with the longest prefix that holds the address; tags take no part, and those
    whose prefixes cannot be read hold it.
    """
    read = [(route, block(route.prefix)) for route in routes]
    held = [route for route, one in read if is_odd(route.prefix) or (one and within(number, one))]
    return max(held, key=lambda route: length(route), default=None)


def length(route: Route) -> int:
    """Of its prefix; a route whose prefix cannot be read is taken to be all but as specific as can be."""
    return 31 if is_odd(route.prefix) else ip_network(route.prefix).prefixlen
