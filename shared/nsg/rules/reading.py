"""Security rules read into sets: texts become spans and open sets, and what cannot be read is an error.

``effective_rules`` gives the rules of a group in the order in which Azure asks them: custom rules by
priority, then the default rules, which are supplied where the reading lacks them. Reading tolerates
what ARM would refuse to write (overlapping prefixes, host bits, repeated ports); what has no one
meaning (an unknown protocol, a port of 70000, two rules of one priority in one direction) raises
``NsgError``. Deciding about packets is not done here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.model.rules import OddSecurityRule
from shared.nsg.packets.addresses import EVERY_ADDRESS, family_at, parse_addresses
from shared.nsg.packets.spans import EVERY_PORT, Span, Spans, union
from shared.nsg.rules.tags import OpenSet, SetKind, Tags, open_tag


class NsgError(ValueError):
    """The rules have no one meaning. ``rule`` is a rule's name, ``field`` the field at fault."""

    def __init__(self, message: str, *, rule: str, field: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.field = field


class Protocol(StrEnum):
    """Protocols that a rule can name (network API, ``SecurityRuleProtocol``), and the rest together."""

    TCP = "Tcp"
    UDP = "Udp"
    ICMP = "Icmp"
    ESP = "Esp"
    AH = "Ah"
    OTHER = "other"
    """Every protocol that only ``*`` matches."""
    ANY = "*"


PROTOCOLS_BY_NAME: Final = {p.value.lower(): p for p in Protocol if p is not Protocol.OTHER}


class Side(NamedTuple):
    """The addresses of a rule's or question's source or destination: those listed, those of open sets."""

    addresses: Spans
    """Listed, or of a closed tag."""
    sets: tuple[OpenSet, ...] = ()
    closed: tuple[tuple[str, Spans], ...] = ()
    """The closed tags among them, as spelled, with what they hold."""
    beside: Spans = ()
    """Where there are closed tags, the addresses listed beside them."""

    @property
    def listed(self) -> Spans:
        """Addresses that are listed, and not by a tag."""
        return self.beside if self.closed else self.addresses

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of its tags, as spelled, known or not."""
        named = (s.name for s in self.sets if s.kind is not SetKind.SECURITY_GROUP)
        return (*(name for name, _ in self.closed), *named)


class Rule(NamedTuple):
    """A rule that can be asked. ``name`` is spelled as ARM spells it.

    Rules, sides and sets are named tuples: thousands of them are made for one question, and a frozen
    dataclass takes four times as long.
    """

    name: str
    direction: Direction
    access: Access
    priority: int
    protocol: Protocol
    source: Side
    destination: Side
    ports: Spans
    source_ports: Spans

    @property
    def match(self) -> tuple[object, ...]:
        """All but the name: two rules with equal matches are the same to every packet."""
        return self[1:]

    @property
    def sets(self) -> tuple[OpenSet, ...]:
        """The open sets that the rule names."""
        return self.source.sets + self.destination.sets

    @property
    def odd_texts(self) -> tuple[str, ...]:
        """Texts that stand where a prefix should and are none."""
        return tuple(s.name for s in self.sets if s.kind is SetKind.MALFORMED)

    @property
    def nobodys_tags(self) -> tuple[str, ...]:
        """Tags that Azure does not publish, and whose addresses nobody gave."""
        return tuple(s.name for s in self.sets if s.kind is SetKind.UNKNOWN_TAG)


_KNOWN_BY_DEFAULT: Final = Tags()


def effective_rules(group: SecurityGroup | None, tags: Tags = _KNOWN_BY_DEFAULT) -> tuple[Rule, ...]:
    """All rules in the order of asking, both directions. Without a group everything passes.

    Raises ``NsgError``.
    """
    if group is None:
        return tuple(_read(rule, tags) for rule in NO_GROUP)
    custom = sorted([_read(rule, tags) for rule in group.rules], key=_by_priority)
    given = {rule.direction for rule in group.default_rules}
    defaults = (
        *group.default_rules,
        *(rule for rule in DEFAULT_RULES if rule.direction not in given),
    )
    behind = sorted([_read(rule, tags) for rule in defaults], key=_by_priority)
    ordered = tuple(sorted((*custom, *behind), key=_by_priority))
    _refuse_equal_priorities(ordered)
    return _with_odd(ordered, group.odd_rules, tags) if group.odd_rules else ordered


def _with_odd(ordered: Sequence[Rule], odd: Iterable[OddSecurityRule], tags: Tags) -> tuple[Rule, ...]:
    """``ordered`` and the odd rules: what each may match is an open set of its own, ahead of its equals.

    A packet's outcome hangs on whether an odd rule matches it, and on nothing else of that rule.
    """
    listed = [*odd]
    widest = [(_read(rule, tags), one.why) for one in listed for rule in one.may_be]
    opened = [_opened(rule, (_odd_key(rule, number), why), tags) for number, (rule, why) in enumerate(widest)]
    sure = [_read(rule, tags) for one in listed for rule in one.surely]
    return tuple(sorted((*opened, *ordered, *sure), key=_by_priority))


def _odd_key(rule: Rule, number: int) -> str:
    """Nameless rules are told apart by their place among the odd ones."""
    return f"odd rule {rule.name.lower()} {rule.direction} {rule.access} {number}"


def _opened(rule: Rule, named: tuple[str, str], tags: Tags) -> Rule:
    """``rule`` for some of the sources that it names: those of an open set with this key and name."""
    key, name = named
    bound = tags.reach(rule.source.addresses, rule.source.sets)
    some = OpenSet(kind=SetKind.ODD_RULE, key=key, name=name, bound=bound)
    return rule._replace(source=Side((), (some,)))


def check(rule: SecurityRule) -> None:
    """Raises ``NsgError`` for a rule that has no one meaning."""
    _read(rule, _KNOWN_BY_DEFAULT)


_by_priority = attrgetter("priority")


def _refuse_equal_priorities(rules: Iterable[Rule]) -> None:
    seen: dict[tuple[Direction, int], str] = {}
    for rule in rules:
        place = (rule.direction, rule.priority)
        if place in seen:
            raise NsgError(
                f"rules {seen[place]!r} and {rule.name!r} share priority {rule.priority} "
                f"in direction {rule.direction}",
                rule=rule.name,
                field="priority",
            )
        seen[place] = rule.name


def _read(rule: SecurityRule, tags: Tags) -> Rule:
    _refuse_nothing(rule)
    sources, destinations = _parse(rule.sources), _parse(rule.destinations)
    _refuse_mixed_families(rule.name, (*sources, *destinations))
    return Rule(
        name=rule.name,
        direction=rule.direction,
        access=rule.access,
        priority=rule.priority,
        protocol=_read_protocol(rule),
        source=_side(sources, rule.source_groups, tags),
        destination=_side(destinations, rule.destination_groups, tags),
        ports=_read_ports(rule.name, "destinationPortRange", rule.destination_ports),
        source_ports=_read_ports(rule.name, "sourcePortRange", rule.source_ports),
    )


def _refuse_nothing(rule: SecurityRule) -> None:
    if not rule.sources and not rule.source_groups:
        raise NsgError(f"rule {rule.name!r} names no source", rule=rule.name, field="sourceAddressPrefix")
    if not rule.destinations and not rule.destination_groups:
        said = f"rule {rule.name!r} names no destination"
        raise NsgError(said, rule=rule.name, field="destinationAddressPrefix")


def _read_protocol(rule: SecurityRule) -> Protocol:
    protocol = PROTOCOLS_BY_NAME.get(rule.protocol.strip().lower())
    if protocol is None:
        raise NsgError(
            f"rule {rule.name!r} has the unknown protocol {rule.protocol!r}", rule=rule.name, field="protocol"
        )
    return protocol


def _parse(texts: Iterable[str]) -> list[Spans | str]:
    """Each text as the addresses that it lists, or else as it stands: ``*`` or a tag."""
    return [parse_addresses(text) or text for text in map(str.strip, texts)]


def read_side(texts: Iterable[str], tags: Tags) -> Side:
    """A side as rules and questions spell it: addresses, blocks, ranges, ``*`` and tags, all together."""
    return _side(_parse(texts), (), tags)


def _side(parsed: Sequence[Spans | str], groups: Sequence[ResourceId], tags: Tags) -> Side:
    if len(parsed) == 1 and not groups and not isinstance(parsed[0], str):
        return Side(parsed[0])
    spans: list[Span] = []
    closed: dict[str, Spans] = {}
    sets = [OpenSet(SetKind.SECURITY_GROUP, group.key, group.name, id=str(group)) for group in groups]
    for part in parsed:
        if not isinstance(part, str):
            spans.extend(part)
        elif part == "*":
            spans.extend(EVERY_ADDRESS)
        elif (known := tags.addresses(part)) is not None:
            closed[part] = known
        else:
            sets.append(open_tag(part))
    one_of_each = tuple({s.key: s for s in sorted(sets)}.values()) if sets else ()
    held = (span for known in closed.values() for span in known)
    return Side(union((*spans, *held)), one_of_each, tuple(closed.items()), union(spans) if closed else ())


def _refuse_mixed_families(rule: str, parts: Iterable[Spans | str]) -> None:
    """ARM refuses such a rule (``ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies``)."""
    firsts = [part[0][0] for part in parts if not isinstance(part, str)]
    if len(firsts) > 1 and family_at(min(firsts)) is not family_at(max(firsts)):
        raise NsgError(f"rule {rule!r} mixes IPv4 and IPv6 addresses", rule=rule, field="sourceAddressPrefix")


_PORTS: Final = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.ASCII)


def _read_ports(rule: str, field: str, texts: tuple[str, ...]) -> Spans:
    if len(texts) == 1 and (only := read_ports(texts[0])):
        return only  # what nearly every rule has
    if not texts:
        raise NsgError(f"rule {rule!r} names no {field}", rule=rule, field=field)
    found = [read_ports(text) for text in texts]
    for text, spans in zip(texts, found, strict=True):
        if spans is None:
            raise NsgError(f"rule {rule!r} has the port {text!r} in {field}", rule=rule, field=field)
    return union(span for spans in found if spans for span in spans)


@lru_cache(maxsize=4096)
def read_ports(text: str) -> Spans | None:
    """The ports that ``N``, ``A-B`` or ``*`` names; None for any other text."""
    if text.strip() == "*":
        return EVERY_PORT
    found = _PORTS.fullmatch(text.strip())
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return ((first, last),) if first <= last <= EVERY_PORT[0][1] else None


def _default(direction: Direction, priority: int, name: str, ends: str, access: Access) -> SecurityRule:
    source, destination = ends.split(" > ")
    return SecurityRule(
        name=name,
        direction=direction,
        access=access,
        priority=priority,
        protocol="*",
        sources=(source,),
        destinations=(destination,),
        destination_ports=("*",),
    )


FIRST_DEFAULT_PRIORITY: Final = 65000
_VNET: Final = "VirtualNetwork > VirtualNetwork"
_IN, _OUT = Direction.INBOUND, Direction.OUTBOUND

DEFAULT_RULES: Final = (
    _default(_IN, FIRST_DEFAULT_PRIORITY, "AllowVnetInBound", _VNET, Access.ALLOW),
    _default(_IN, 65001, "AllowAzureLoadBalancerInBound", "AzureLoadBalancer > *", Access.ALLOW),
    _default(_IN, 65500, "DenyAllInBound", "* > *", Access.DENY),
    _default(_OUT, FIRST_DEFAULT_PRIORITY, "AllowVnetOutBound", _VNET, Access.ALLOW),
    _default(_OUT, 65001, "AllowInternetOutBound", "* > Internet", Access.ALLOW),
    _default(_OUT, 65500, "DenyAllOutBound", "* > *", Access.DENY),
)
"""The default rules of every NSG (network security groups overview)."""

NO_GROUP: Final = tuple(
    _default(direction, 0, "no network security group", "* > *", Access.ALLOW) for direction in Direction
)
"""Without an NSG everything passes; the default rules do not apply."""
