"""A second, plain evaluator: one packet at a time, the rules in order, the first match decides.

Written from the documentation with ``ipaddress`` alone, on purpose without anything of ``shared.nsg``,
so that the two can be compared. What a tag holds is an assumption that the caller makes ("worlds"):
the packet's source and destination are in these sets and in no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import combinations, product
from typing import NamedTuple, TypeAlias

from shared.model import Access, Direction, IPNetwork, SecurityGroup, SecurityRule

Address: TypeAlias = IPv4Address | IPv6Address
Members: TypeAlias = frozenset[str]
"""Names of the open sets, in lower case, that an address belongs to."""

PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
PUBLIC_TAGS = ("storage", "storage.westeurope", "sql")


class Packet(NamedTuple):
    direction: Direction
    protocol: str
    source: Address
    source_port: int
    destination: Address
    port: int


class World(NamedTuple):
    """What the ends of one packet belong to."""

    source: Members
    destination: Members


DEFAULTS = (
    ("AllowVnetInBound", Direction.INBOUND, 65000, "VirtualNetwork", "VirtualNetwork", Access.ALLOW),
    ("AllowAzureLoadBalancerInBound", Direction.INBOUND, 65001, "AzureLoadBalancer", "*", Access.ALLOW),
    ("DenyAllInBound", Direction.INBOUND, 65500, "*", "*", Access.DENY),
    ("AllowVnetOutBound", Direction.OUTBOUND, 65000, "VirtualNetwork", "VirtualNetwork", Access.ALLOW),
    ("AllowInternetOutBound", Direction.OUTBOUND, 65001, "*", "Internet", Access.ALLOW),
    ("DenyAllOutBound", Direction.OUTBOUND, 65500, "*", "*", Access.DENY),
)


def all_rules(group: SecurityGroup) -> list[SecurityRule]:
    """Custom rules by priority, then the documented default rules."""
    defaults = [
        SecurityRule(
            name=name,
            direction=direction,
            access=access,
            priority=priority,
            protocol="*",
            sources=(source,),
            destinations=(destination,),
            destination_ports=("*",),
        )
        for name, direction, priority, source, destination, access in DEFAULTS
    ]
    return sorted([*group.rules, *defaults], key=lambda r: r.priority)


def first_match(
    rules: Iterable[SecurityRule], packet: Packet, world: World, vnet: tuple[IPNetwork, ...]
) -> SecurityRule:
    for rule in rules:
        if (
            rule.direction is packet.direction
            and rule.protocol.lower() in {"*", packet.protocol.lower()}
            and any(_has_port(text, packet.port) for text in rule.destination_ports)
            and any(_has_port(text, packet.source_port) for text in rule.source_ports)
            and _has_end(rule.sources, rule.source_groups, packet.source, world.source, vnet)
            and _has_end(
                rule.destinations, rule.destination_groups, packet.destination, world.destination, vnet
            )
        ):
            return rule
    raise AssertionError("the default rules match everything")


def deciders(rules: list[SecurityRule], packet: Packet, vnet: tuple[IPNetwork, ...]) -> list[SecurityRule]:
    """The rules that decide ``packet`` in some world."""
    found = {r.name: r for r in (first_match(rules, packet, w, vnet) for w in worlds(rules, packet, vnet))}
    return list(found.values())


def worlds(rules: list[SecurityRule], packet: Packet, vnet: tuple[IPNetwork, ...]) -> Iterator[World]:
    """Every way in which the packet's ends may belong to the open sets that the rules name."""
    names = open_names(rules)
    sources = list(_memberships(names, packet.source, vnet))
    if packet.source == packet.destination:
        yield from (World(members, members) for members in sources)
        return
    yield from (World(a, b) for a, b in product(sources, _memberships(names, packet.destination, vnet)))


@cache
def _open_names(texts: tuple[str, ...]) -> tuple[str, ...]:
    known = {"*", "azureloadbalancer"}
    return tuple(sorted({t.lower() for t in texts if t.lower() not in known and _networks(t) is None}))


def open_names(rules: list[SecurityRule]) -> tuple[str, ...]:
    texts = [t for r in rules for t in (*r.sources, *r.destinations)]
    groups = [g.key for r in rules for g in (*r.source_groups, *r.destination_groups)]
    return _open_names(tuple(sorted({*texts, *groups})))


@cache
def _memberships(
    names: tuple[str, ...], address: Address, vnet: tuple[IPNetwork, ...]
) -> tuple[Members, ...]:
    inside = any(address in network for network in vnet)
    private = any(address in network for network in PRIVATE)
    possible = [n for n in names if not (n == "internet" and inside) and not (n in PUBLIC_TAGS and private)]
    must = {"virtualnetwork"} & set(names) if inside else set()
    subsets = (set(c) for size in range(len(possible) + 1) for c in combinations(possible, size))
    return tuple(frozenset(s) for s in subsets if must <= s and _consistent(s, names))


def _consistent(chosen: set[str], names: tuple[str, ...]) -> bool:
    """A regional tag lies in its global one, where that is named as well."""
    parts = [(n, n.rpartition(".")[0]) for n in chosen if "." in n and "/" not in n]
    return all(whole not in names or whole in chosen for _, whole in parts)


def _has_end(
    texts: tuple[str, ...],
    groups: tuple[object, ...],
    address: Address,
    members: Members,
    vnet: tuple[IPNetwork, ...],
) -> bool:
    inside = any(address in network for network in vnet)
    for text in texts:
        networks = _networks(text)
        if text == "*" or (networks is not None and any(address in network for network in networks)):
            return True
        if text.lower() == "virtualnetwork" and inside:
            return True
        if text.lower() == "azureloadbalancer" and address == ip_address("168.63.129.16"):
            return True
        if networks is None and text.lower() in members:
            return True
    return any(str(group).lower() in members for group in groups)


@cache
def _networks(text: str) -> tuple[IPNetwork, ...] | None:
    """The blocks that a literal text names; None for a tag or an odd text."""
    try:
        if "-" in text:
            first, last = (int(ip_address(part)) for part in text.split("-"))
            kind = type(ip_address(text.split("-")[0]))
            return tuple(ip_network(kind(n)) for n in range(first, last + 1))
        return (ip_network(text, strict=False),)
    except ValueError:
        return None


def _has_port(text: str, port: int) -> bool:
    if text == "*":
        return True
    first, _, last = text.partition("-")
    return int(first) <= port <= int(last or first)
