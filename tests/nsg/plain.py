"""A second, plain evaluator: one packet at a time, the rules in order, the first match decides.

Written from the documentation with ``ipaddress`` alone, on purpose without anything of ``shared.nsg``,
so that the two can be compared. What the open sets hold is tried: a *world* says to which of them the
ends of one packet belong, and every world that the bounds permit is gone through. ``Loop`` does the same
for all packets of a small universe; a number with one bit per rule stands for "these rules match".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import combinations, product
from typing import NamedTuple, TypeAlias

from shared.model import Access, Direction, IPNetwork, SecurityGroup, SecurityRule

Address: TypeAlias = IPv4Address | IPv6Address
Members: TypeAlias = frozenset[str]
"""Keys of the open sets that an address belongs to."""

PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
PUBLIC_TAGS = ("azureloadbalancer", "internet", "storage", "sql")
CLASSIC = {"virtual_network": "virtualnetwork", "azure_loadbalancer": "azureloadbalancer"}
PROTOCOLS = ("Tcp", "Udp", "Icmp", "Esp", "Ah", "other")
LOAD_BALANCER = ("azureloadbalancer", (ip_network("168.63.129.16/32"),))


class Known(NamedTuple):
    """What is known: the prefixes of closed tags, by name in lower case, and prefixes of the VNet."""

    closed: tuple[tuple[str, tuple[IPNetwork, ...]], ...] = (LOAD_BALANCER,)
    vnet: tuple[IPNetwork, ...] = ()
    apart: bool = False
    """Whether ``Internet`` is what ``VirtualNetwork`` leaves of the public space."""

    def prefixes(self, key: str) -> tuple[IPNetwork, ...] | None:
        return next((prefixes for name, prefixes in self.closed if name == key), None)


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


class Asked(NamedTuple):
    """A question in the words of a rule."""

    direction: Direction
    protocol: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    ports: tuple[str, ...]
    source_ports: tuple[str, ...] = ("*",)


class Universe(NamedTuple):
    """Addresses and ports such that every set of a test holds some of each kind, twice where it can."""

    addresses: tuple[Address, ...]
    ports: tuple[int, ...]
    source_ports: tuple[int, ...]
    protocols: tuple[str, ...] = PROTOCOLS


# --- the rules -------------------------------------------------------------------------------------

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


def first_match(rules: Iterable[SecurityRule], packet: Packet, world: World, known: Known) -> SecurityRule:
    for rule in rules:
        if serves(rule, packet) and joins(rule, packet, world, known):
            return rule
    raise AssertionError("the default rules match everything")


def serves(rule: SecurityRule, packet: Packet) -> bool:
    """Whether the rule is for the packet's direction, protocol and ports."""
    return (
        rule.direction is packet.direction
        and _has_protocol(rule.protocol, packet.protocol)
        and _has_port(rule.destination_ports, packet.port)
        and _has_port(rule.source_ports, packet.source_port)
    )


def joins(rule: SecurityRule, packet: Packet, world: World, known: Known) -> bool:
    """Whether the rule is for both ends of the packet."""
    return has_end(_source(rule), packet.source, world.source, known) and has_end(
        _destination(rule), packet.destination, world.destination, known
    )


def deciders(
    rules: list[SecurityRule], packet: Packet, known: Known, named: Iterable[str] = ()
) -> list[SecurityRule]:
    """The rules that decide ``packet`` in some world."""
    names = open_names(rules, known, named)
    found = {r.name: r for r in (first_match(rules, packet, w, known) for w in worlds(names, packet, known))}
    return list(found.values())


def outcome(accesses: Iterable[Access]) -> str:
    found = set(accesses)
    if len(found) == 2:
        return "open"
    return "allowed" if Access.ALLOW in found else "denied"


def _source(rule: SecurityRule) -> tuple[str, ...]:
    """Texts of the source; an application security group stands as its id."""
    return (*rule.sources, *(group.key for group in rule.source_groups))


def _destination(rule: SecurityRule) -> tuple[str, ...]:
    return (*rule.destinations, *(group.key for group in rule.destination_groups))


def _has_protocol(text: str, protocol: str) -> bool:
    return text.lower() in {"*", protocol.lower()}


def _has_port(texts: Iterable[str], port: int) -> bool:
    for text in texts:
        first, _, last = "0-65535".partition("-") if text == "*" else text.partition("-")
        if int(first) <= port <= int(last or first):
            return True
    return False


def has_end(texts: Iterable[str], address: Address, members: Members, known: Known) -> bool:
    """Whether an address that belongs to ``members`` lies in a side that is spelled so."""
    return any(_lists(text, address, known) or key_of(text) in members for text in texts)


@cache
def _lists(text: str, address: Address, known: Known) -> bool:
    """Whether ``text`` is ``*``, or prefixes or a closed tag that hold ``address``."""
    listed = _networks(text)
    if listed is None:
        listed = known.prefixes(key_of(text))
    return text == "*" or any(address in network for network in listed or ())


@cache
def key_of(text: str) -> str:
    """What a tag is known by."""
    return CLASSIC.get(text.lower(), text.lower())


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


# --- what open sets may hold -----------------------------------------------------------------------


def is_open(text: str, known: Known) -> bool:
    return text != "*" and _networks(text) is None and known.prefixes(key_of(text)) is None


def open_names(rules: Iterable[SecurityRule], known: Known, named: Iterable[str] = ()) -> tuple[str, ...]:
    """Keys of the open sets that the rules, and whoever asks, name."""
    texts = {text for rule in rules for text in (*_source(rule), *_destination(rule))}
    return tuple(sorted({key_of(text) for text in (*texts, *named) if is_open(text, known)}))


def worlds(names: tuple[str, ...], packet: Packet, known: Known) -> Iterator[World]:
    """Every way in which the packet's ends may belong to the open sets."""
    sources = memberships(names, packet.source, known)
    if packet.source == packet.destination:
        yield from (World(members, members) for members in sources)
        return
    yield from (World(a, b) for a, b in product(sources, memberships(names, packet.destination, known)))


@cache
def memberships(names: tuple[str, ...], address: Address, known: Known) -> tuple[Members, ...]:
    """All sets of open sets that the address may belong to, and to no others."""
    must = {name for name in names if surely_holds(name, address, known)}
    free = [name for name in names if name not in must and may_hold(name, address, known)]
    chosen = (must.union(c) for size in range(len(free) + 1) for c in combinations(free, size))
    found = (frozenset(members) for members in chosen if _consistent(members, names))
    return tuple(members for members in found if _parted(members, names, address, known))


def surely_holds(name: str, address: Address, known: Known) -> bool:
    """Known to lie in the virtual network, or in a closed part of the tag."""
    if name == "virtualnetwork" and _within(address, known.vnet):
        return True
    return any(key.startswith(f"{name}.") and _within(address, prefixes) for key, prefixes in known.closed)


def may_hold(name: str, address: Address, known: Known) -> bool:
    if surely_holds(name, address, known):
        return True
    if any(not _within(address, known.prefixes(holder) or ()) for holder in _closed_holders(name, known)):
        return False
    if "/" in name:
        space = known.prefixes("virtualnetwork")
        return space is None or _within(address, space)
    if name == "internet" and _within(address, known.vnet):
        return False
    return name.partition(".")[0] not in PUBLIC_TAGS or not _within(address, PRIVATE)


def _closed_holders(name: str, known: Known) -> list[str]:
    """Closed tags that ``name`` is a part of: ``storage`` for ``storage.westeurope``."""
    return [key for key, _ in known.closed if name.startswith(f"{key}.")]


def _within(address: Address, networks: Iterable[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _consistent(chosen: set[str], names: tuple[str, ...]) -> bool:
    """A part of a tag lies in the whole, where that is named as well."""
    return all(whole in chosen for part in chosen for whole in names if part.startswith(f"{whole}."))


def _parted(members: Members, names: tuple[str, ...], address: Address, known: Known) -> bool:
    """No address lies in the Internet and in the virtual network, and a public one lies in one of them."""
    both = {"internet", "virtualnetwork"}
    if not known.apart or not both.issubset(names):
        return True
    held = len(members & both)
    return held == 1 if may_hold("internet", address, known) else held < 2


# --- every packet of a universe --------------------------------------------------------------------


class End(NamedTuple):
    """An address in one world: which rules match it as a source, and which as a destination."""

    members: Members
    source: int
    destination: int


class Part(NamedTuple):
    """Packets of a question between one kind of source and of destination.

    A kind is the addresses that are listed, or one open tag that the address is said to lie in.
    """

    sources: tuple[str, ...]
    destinations: tuple[str, ...]


class Service(NamedTuple):
    protocol: str
    port: int
    source_port: int


class Loop:
    """The rules of one direction, to be asked about every packet of a universe in every world."""

    def __init__(
        self,
        group: SecurityGroup,
        direction: Direction,
        known: Known,
        universe: Universe,
        named: Iterable[str] = (),
    ) -> None:
        self.rules = [rule for rule in all_rules(group) if rule.direction is direction]
        self.known = known
        self.universe = universe
        self.names = open_names(self.rules, known, named)
        self._kept: dict[tuple[Address, tuple[str, ...]], frozenset[End]] = {}

    @cached_property
    def ends(self) -> Mapping[Address, tuple[End, ...]]:
        return {address: tuple(self._ends(address)) for address in self.universe.addresses}

    @cached_property
    def services(self) -> Mapping[Service, int]:
        """Which rules match, by protocol and ports."""
        kinds = product(self.universe.protocols, self.universe.ports, self.universe.source_ports)
        return {service: self._matching(service) for service in map(Service._make, kinds)}

    @cached_property
    def pairs(self) -> tuple[tuple[Address, Address], ...]:
        every = product(self.universe.addresses, repeat=2)
        return tuple((a, b) for a, b in every if a.version == b.version)

    def matching(self, source: Address, destination: Address, part: Part | None = None) -> frozenset[int]:
        """Which rules match both ends, in every world in which the packet is one of ``part``."""
        sources = self._within(source, part.sources if part else ("*",))
        destinations = self._within(destination, part.destinations if part else ("*",))
        if source == destination:
            return frozenset(end.source & end.destination for end in sources & destinations)
        froms, tos = {end.source for end in sources}, {end.destination for end in destinations}
        return frozenset(a & b for a, b in product(froms, tos))

    def decider(self, matching: int) -> SecurityRule:
        """The first of the rules that match."""
        return self.rules[(matching & -matching).bit_length() - 1]

    def outcomes(self) -> Iterator[tuple[str, ...]]:
        """What happens to every packet: by pair of addresses, then by service."""
        told: dict[tuple[frozenset[int], int], str] = {}
        for ends in self.pairs:
            matching = self.matching(*ends)
            for there in set(self.services.values()):
                if (matching, there) not in told:
                    told[matching, there] = outcome(self.decider(m & there).access for m in matching)
            yield tuple(told[matching, there] for there in self.services.values())

    def _within(self, address: Address, texts: tuple[str, ...]) -> frozenset[End]:
        """The worlds in which the address lies in a side that is spelled so."""
        if (address, texts) not in self._kept:
            ends = self.ends[address]
            self._kept[address, texts] = frozenset(
                end for end in ends if has_end(texts, address, end.members, self.known)
            )
        return self._kept[address, texts]

    def _ends(self, address: Address) -> Iterator[End]:
        nowhere: Members = frozenset()
        listed = [self._matching_ends(address, nowhere), *(self._naming(name) for name in self.names)]
        for members in memberships(self.names, address, self.known):
            chosen = [listed[0], *(listed[n + 1] for n, name in enumerate(self.names) if name in members)]
            source = destination = 0
            for from_, to in chosen:
                source, destination = source | from_, destination | to
            yield End(members, source, destination)

    def _matching_ends(self, address: Address, members: Members) -> tuple[int, int]:
        known = self.known
        return (
            _bits(has_end(_source(rule), address, members, known) for rule in self.rules),
            _bits(has_end(_destination(rule), address, members, known) for rule in self.rules),
        )

    def _naming(self, name: str) -> tuple[int, int]:
        """The rules that name an open set as a source, and as a destination."""
        return (
            _bits(name in map(key_of, _source(rule)) for rule in self.rules),
            _bits(name in map(key_of, _destination(rule)) for rule in self.rules),
        )

    def _matching(self, service: Service) -> int:
        return _bits(
            _has_protocol(rule.protocol, service.protocol)
            and _has_port(rule.destination_ports, service.port)
            and _has_port(rule.source_ports, service.source_port)
            for rule in self.rules
        )


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << number for number, flag in enumerate(flags) if flag)


# --- a question ------------------------------------------------------------------------------------


class Survey(NamedTuple):
    """What is so of the packets of a question. Rules by name, open sets by key."""

    outcomes: set[str]
    blocking: set[str]
    exposing: set[str]
    shadowed: set[str]
    named: set[str]
    """Open sets that a rule names that can decide an open packet."""
    unsettled: set[str]
    """Those of them to which the end of such a packet may belong or not."""


def parts(asked: Asked, known: Known) -> Iterator[Part]:
    yield from map(Part._make, product(_kinds(asked.sources, known), _kinds(asked.destinations, known)))


def _kinds(texts: Iterable[str], known: Known) -> list[tuple[str, ...]]:
    listed = tuple(text for text in texts if not is_open(text, known))
    return [*([listed] if listed else []), *((text,) for text in texts if is_open(text, known))]


def asks(asked: Asked, service: Service) -> bool:
    return (
        asked.protocol in {"*", service.protocol}
        and _has_port(asked.ports, service.port)
        and _has_port(asked.source_ports, service.source_port)
    )


def loop_of(group: SecurityGroup, asked: Asked, known: Known, universe: Universe) -> Loop:
    return Loop(group, asked.direction, known, universe, (*asked.sources, *asked.destinations))


def survey(group: SecurityGroup, asked: Asked, known: Known, universe: Universe) -> Survey:
    """Every packet of the question in every world."""
    loop = loop_of(group, asked, known, universe)
    services = {mask for service, mask in loop.services.items() if asks(asked, service)}
    found = Survey(set(), set(), set(), set(), set(), set())
    matching = deciding = 0
    every = list(parts(asked, known))
    for ends in loop.pairs:
        # One packet may be in several parts (listed, and in a tag): its worlds count together.
        by_part = [(part, loop.matching(*ends, part)) for part in every]
        masks = {mask for _, found_there in by_part for mask in found_there}
        asked_for = [part for part, found_there in by_part if found_there]
        for there in services if masks else ():
            firsts = {mask & there & -(mask & there) for mask in masks}
            for mask in masks:
                matching |= mask & there
            for first in firsts:
                deciding |= first
            _note(found, firsts, ends, asked_for, loop)
    for number, rule in enumerate(loop.rules):
        if matching >> number & 1 and not deciding >> number & 1 and rule.priority <= 4096:
            found.shadowed.add(rule.name)
    return found


def _note(
    found: Survey, firsts: set[int], ends: tuple[Address, Address], asked_for: list[Part], loop: Loop
) -> None:
    rules = [loop.decider(first) for first in firsts]
    what = outcome(rule.access for rule in rules)
    found.outcomes.add(what)
    for rule in rules:
        (found.exposing if rule.access is Access.ALLOW else found.blocking).add(rule.name)
        if what == "open":
            for texts, address in zip((_source(rule), _destination(rule)), ends, strict=True):
                names = {key_of(text) for text in texts} & set(loop.names)
                found.named.update(names)
                found.unsettled.update(n for n in names if _unsettled(n, address, asked_for, loop.known))


def _unsettled(name: str, address: Address, asked_for: list[Part], known: Known) -> bool:
    given = {key_of(text) for part in asked_for for text in (*part.sources, *part.destinations)}
    return (
        name not in given
        and may_hold(name, address, known)
        and not surely_holds(name, address, known)
        and not any(tag.startswith(f"{name}.") for tag in given)
    )


def otherwise_decided(
    groups: tuple[SecurityGroup, SecurityGroup], asked: Asked, want: Access, known: Known, universe: Universe
) -> Iterator[str]:
    """Packets that the second group, in some world, does not treat as they should be treated.

    Inside the question every packet should have the wanted access, and every other one what it had.
    """
    texts = {
        text for group in groups for rule in group.rules for text in (*_source(rule), *_destination(rule))
    }
    named = (*asked.sources, *asked.destinations, *texts)
    before, after = (Loop(group, asked.direction, known, universe, named) for group in groups)
    services = {
        (asks(asked, service), before.services[service], after.services[service]): service
        for service in before.services
    }
    for source, destination in before.pairs:
        froms = _both(before, after, source, asked.sources)
        tos = _both(before, after, destination, asked.destinations)
        ways = zip(froms, tos, strict=True) if source == destination else product(set(froms), set(tos))
        for a, b in set(ways):
            for (fits, was, now), service in services.items():
                wanted = before.decider(a.before[0] & b.before[1] & was).access
                if a.inside and b.inside and fits:
                    wanted = want
                if after.decider(a.after[0] & b.after[1] & now).access is not wanted:
                    yield f"{service} from {source} to {destination}"


class Both(NamedTuple):
    """An address in one world: what matches it before and after, and whether a question asks about it."""

    before: tuple[int, int]
    after: tuple[int, int]
    inside: bool


def _both(before: Loop, after: Loop, address: Address, texts: tuple[str, ...]) -> list[Both]:
    return [
        Both(old[1:], new[1:], has_end(texts, address, old.members, before.known))
        for old, new in zip(before.ends[address], after.ends[address], strict=True)
    ]
