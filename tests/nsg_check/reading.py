"""A line of ``explain-nsg --batch``, read a second time: JSON in, ranges of numbers and named sets out.

Written from the interface and from the documentation of Azure with ``ipaddress`` alone, on purpose
without anything of ``shared``. It reads well-formed lines and stops at anything else with ``KeyError`` or
``ValueError``: reporting errors is the engine's business. A service tag whose kind (published or not)
is not listed here stops it as well, rather than letting it guess.

A set of addresses is *open* when the line does not say what it holds. ``Bounds`` say what is known of
it. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias, cast

Json: TypeAlias = Mapping[str, object]
Ports: TypeAlias = tuple[tuple[int, int], ...]
Range: TypeAlias = tuple[int, int, int]
"""IP version, first and last address as numbers."""

WHOLE: Final[tuple[Range, ...]] = ((4, 0, 2**32 - 1), (6, 0, 2**128 - 1))
EVERY_PORT: Final[Ports] = ((0, 65535),)
PROTOCOLS: Final = ("tcp", "udp", "icmp", "esp", "ah", "other")
_PRIVATE: Final = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_PUBLISHED: Final = frozenset(
    {
        "internet",
        "azureloadbalancer",
        "storage",
        "sql",
        "azureactivedirectory",
        "azurekeyvault",
        "azuremonitor",
    }
)
_UNPUBLISHED: Final = frozenset({"virtualnetwork", "corpnetsaw", "corpnetpublic"})
_DEFAULTS: Final = (
    ("AllowVnetInBound", "inbound", 65000, "VirtualNetwork", "VirtualNetwork", True),
    ("AllowAzureLoadBalancerInBound", "inbound", 65001, "AzureLoadBalancer", "*", True),
    ("DenyAllInBound", "inbound", 65500, "*", "*", False),
    ("AllowVnetOutBound", "outbound", 65000, "VirtualNetwork", "VirtualNetwork", True),
    ("AllowInternetOutBound", "outbound", 65001, "*", "Internet", True),
    ("DenyAllOutBound", "outbound", 65500, "*", "*", False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Addresses that are listed, and the keys of the open sets that are named."""

    ranges: tuple[Range, ...]
    sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a rule or a question is about. ``protocols`` are numbers in ``PROTOCOLS``."""

    direction: str
    protocols: tuple[int, ...]
    source: Side
    destination: Side
    source_ports: Ports
    ports: Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    name: str
    priority: int
    allow: bool
    custom: bool
    match: Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Addresses that surely belong to an open set, and those that may."""

    lower: tuple[Range, ...]
    upper: tuple[Range, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """The rules of one direction in the order of asking, and the question. Equal to itself alone."""

    rules: tuple[Rule, ...]
    box: Match
    bounds: Mapping[str, Bounds]
    """By key, for every open set that a rule or the question names."""
    names: Mapping[str, str]
    """How a person calls the set with that key, in lower case: the tag, or the last part of an ASG's id."""
    parts: tuple[tuple[str, str], ...]
    """Pairs of open sets of which the first lies in the second."""


def read_line(line: Json, direction: str | None = None) -> Line:
    """What ``line`` asks; ``direction`` reads the rules of another direction than the question's."""
    tags = {name.lower(): _ranges(cast(Sequence[str], texts)) for name, texts in _pairs(line, "tags")}
    box = _question(line, tags)
    wanted = (direction or box.direction).lower()
    rules = tuple(rule for rule in _rules(line, tags) if rule.match.direction == wanted)
    names = _named([box, *(rule.match for rule in rules)])
    if not line.get("openTags"):
        unknown = [key for key in names if not key.startswith("/")]
        if unknown:
            raise ValueError(f"no prefixes for {unknown}")
    parts = [(key, _whole(key)) for key in names if _whole(key) in names]
    return Line(
        rules=rules,
        box=box,
        bounds={key: _bounds(key, tags) for key in names},
        names={key: key.rpartition("/")[2] for key in names},
        parts=tuple(parts),
    )


def _pairs(line: Json, field: str) -> Iterable[tuple[str, object]]:
    return cast(Mapping[str, object], line.get(field) or {}).items()


def _question(line: Json, tags: Mapping[str, tuple[Range, ...]]) -> Match:
    return Match(
        direction=cast(str, line["direction"]).lower(),
        protocols=_protocols(cast(str, line.get("protocol", "Tcp"))),
        source=_side(cast(Sequence[str], line["source"]), (), tags),
        destination=_side(cast(Sequence[str], line["destination"]), (), tags),
        source_ports=_ports(cast(Sequence[str], line.get("sourcePorts", ["*"]))),
        ports=_ports(cast(Sequence[str], line["ports"])),
    )


def _rules(line: Json, tags: Mapping[str, tuple[Range, ...]]) -> list[Rule]:
    nsg = cast(Json, line["nsg"])
    properties = cast(Json, nsg.get("properties", nsg))
    custom = [_rule(rule, tags, custom=True) for rule in _objects(properties, "securityRules")]
    default = [_rule(rule, tags, custom=False) for rule in _objects(properties, "defaultSecurityRules")]
    given = {rule.match.direction for rule in default}
    default += [_default(row, tags) for row in _DEFAULTS if row[1] not in given]
    return sorted(custom, key=lambda r: r.priority) + sorted(default, key=lambda r: r.priority)


def _objects(holder: Json, field: str) -> list[Json]:
    return cast("list[Json]", holder.get(field) or [])


def _rule(rule: Json, tags: Mapping[str, tuple[Range, ...]], *, custom: bool) -> Rule:
    fields = cast(Json, rule.get("properties", rule))
    access = cast(str, fields["access"]).lower()
    return Rule(
        name=cast(str, rule["name"]),
        priority=cast(int, fields["priority"]),
        allow={"allow": True, "deny": False}[access],
        custom=custom,
        match=Match(
            direction=cast(str, fields["direction"]).lower(),
            protocols=_protocols(cast(str, fields["protocol"])),
            source=_end(fields, "source", tags),
            destination=_end(fields, "destination", tags),
            source_ports=_ports(_texts(fields, "sourcePortRange")),
            ports=_ports(_texts(fields, "destinationPortRange")),
        ),
    )


def _default(row: tuple[str, str, int, str, str, bool], tags: Mapping[str, tuple[Range, ...]]) -> Rule:
    name, direction, priority, source, destination, allow = row
    return Rule(
        name=name,
        priority=priority,
        allow=allow,
        custom=False,
        match=Match(
            direction=direction,
            protocols=_protocols("*"),
            source=_side([source], (), tags),
            destination=_side([destination], (), tags),
            source_ports=EVERY_PORT,
            ports=EVERY_PORT,
        ),
    )


def _protocols(text: str) -> tuple[int, ...]:
    return tuple(range(len(PROTOCOLS))) if text == "*" else (PROTOCOLS.index(text.lower()),)


def _texts(fields: Json, singular: str) -> list[str]:
    """Singular and plural field together; an absent, null or empty one says nothing."""
    plural = f"{singular}es" if singular.endswith("x") else f"{singular}s"
    one = cast("str | None", fields.get(singular))
    return [*([one] if one else []), *cast("list[str]", fields.get(plural) or [])]


def _end(fields: Json, side: str, tags: Mapping[str, tuple[Range, ...]]) -> Side:
    groups = _objects(fields, f"{side}ApplicationSecurityGroups")
    return _side(_texts(fields, f"{side}AddressPrefix"), [cast(str, g["id"]) for g in groups], tags)


def _side(texts: Sequence[str], groups: Iterable[str], tags: Mapping[str, tuple[Range, ...]]) -> Side:
    ranges: list[Range] = []
    sets = [group.lower() for group in groups]
    for text in texts:
        listed = _range(text) if text != "*" else WHOLE
        if listed is None:
            listed = tags.get(text.lower())
        if listed is None:
            sets.append(text.lower())
        else:
            ranges.extend(listed)
    if not texts and not sets:
        raise ValueError("a side names nothing")
    return Side(ranges=tuple(ranges), sets=tuple(dict.fromkeys(sets)))


def _ranges(texts: Iterable[str]) -> tuple[Range, ...]:
    found = [_range(text) for text in texts]
    return tuple(one for listed in found for one in cast("tuple[Range, ...]", listed))


@lru_cache(maxsize=65536)
def _range(text: str) -> tuple[Range, ...] | None:
    """An address, a block (host bits ignored) or ``a-b``; None for the name of a set."""
    if not text or not (text[0].isdigit() or ":" in text):
        return None
    first, dash, last = text.partition("-")
    if dash:
        low, high = ip_address(first.strip()), ip_address(last.strip())
        if low.version != high.version or int(low) > int(high):
            raise ValueError(f"no range: {text}")
        return ((low.version, int(low), int(high)),)
    block = ip_network(text, strict=False)
    return ((block.version, int(block.network_address), int(block.broadcast_address)),)


def _ports(texts: Iterable[str]) -> Ports:
    found = [_port(text) for text in texts]
    if not found:
        raise ValueError("no ports")
    return EVERY_PORT if EVERY_PORT[0] in found else tuple(found)


@lru_cache(maxsize=65536)
def _port(text: str) -> tuple[int, int]:
    if text == "*":
        return EVERY_PORT[0]
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    if not 0 <= low <= high <= EVERY_PORT[0][1]:
        raise ValueError(f"no port: {text}")
    return low, high


def _named(matches: Iterable[Match]) -> list[str]:
    sides = (side for match in matches for side in (match.source, match.destination))
    return sorted({key for side in sides for key in side.sets})


def _whole(key: str) -> str:
    """The tag that a regional tag is a part of, or nothing."""
    return "" if key.startswith("/") else key.rpartition(".")[0]


def _bounds(key: str, tags: Mapping[str, tuple[Range, ...]]) -> Bounds:
    if key.startswith("/"):
        return Bounds(lower=(), upper=tags.get("virtualnetwork", WHOLE))
    upper = _PUBLIC if _is_published(key) else WHOLE
    whole = tags.get(_whole(key))
    regions = [ranges for name, ranges in tags.items() if _whole(name) == key]
    return Bounds(
        lower=tuple(one for ranges in regions for one in ranges),
        upper=upper if whole is None else tuple(_common(upper, whole)),
    )


def _is_published(key: str) -> bool:
    base = _whole(key) or key
    if base not in _PUBLISHED | _UNPUBLISHED:
        raise ValueError(f"whether {key!r} is a published tag is not known here")
    return base in _PUBLISHED


def _common(left: Iterable[Range], right: Iterable[Range]) -> Iterator[Range]:
    held = tuple(right)
    for version, first, last in left:
        for other, low, high in held:
            if version == other and max(first, low) <= min(last, high):
                yield version, max(first, low), min(last, high)


def _outside(taken: Iterable[Range]) -> Iterator[Range]:
    """Everything but ``taken``, whose members are disjoint and in order."""
    held = tuple(taken)
    for version, start, last in WHOLE:
        for _, low, high in (one for one in held if one[0] == version):
            if start < low:
                yield version, start, low - 1
            start = high + 1
        if start <= last:
            yield version, start, last


_PUBLIC: Final = tuple(_outside(_ranges(_PRIVATE)))


def spell(version: int, number: int) -> str:
    """The address as text."""
    return str(IPv4Address(number) if version == 4 else IPv6Address(number))
