"""Security rules read into sets: texts become spans and open sets, and what cannot be read is an error.

``effective_rules`` gives the rules of a group in the order in which Azure asks them: custom rules by
priority, then the default rules, which are supplied where the reading lacks them. Reading tolerates
what ARM would refuse to write (overlapping prefixes, host bits, repeated ports); what has no one
meaning (an unknown protocol, a port of 70000, two rules of one priority in one direction) raises
``NsgError``. Deciding about packets is not done here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.nsg.addresses import EVERY_ADDRESS, WHOLE, parse_addresses
from shared.nsg.boxes import EVERY_PORT
from shared.nsg.spans import Spans, common, union
from shared.nsg.tags import (
    AZURE_LOAD_BALANCER,
    LOAD_BALANCER_SPELLINGS,
    OpenSet,
    SetKind,
    open_tag,
)
from shared.resource_id import ResourceId
from shared.values import value


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


_PROTOCOLS: Final = {p.value.lower(): p for p in Protocol if p is not Protocol.OTHER}


@value
class Side:
    """The addresses of a rule's source or destination: those that it lists and those of open sets."""

    addresses: Spans
    sets: tuple[OpenSet, ...] = ()


@value
class Match:
    """What a rule decides about, and how; two rules with equal matches are the same to every packet."""

    direction: Direction
    access: Access
    priority: int
    protocol: Protocol
    source: Side
    destination: Side
    ports: Spans
    source_ports: Spans


@value
class Rule:
    """A rule that can be asked. ``name`` is spelled as ARM spells it."""

    name: str
    match: Match

    @property
    def priority(self) -> int:
        return self.match.priority

    @property
    def access(self) -> Access:
        return self.match.access

    @property
    def odd_texts(self) -> tuple[str, ...]:
        """Texts that stand where a prefix should and are none."""
        sets = (*self.match.source.sets, *self.match.destination.sets)
        return tuple(s.name for s in sets if s.kind is SetKind.MALFORMED)


def effective_rules(group: SecurityGroup | None) -> tuple[Rule, ...]:
    """All rules in the order of asking, both directions. Without a group everything passes.

    Raises ``NsgError``.
    """
    if group is None:
        return NO_GROUP
    rules = sorted(map(_read, group.rules), key=lambda rule: rule.priority)
    defaults = sorted(map(_read, group.default_rules), key=lambda rule: rule.priority)
    for direction in Direction:
        if not any(rule.match.direction is direction for rule in defaults):
            defaults.extend(rule for rule in DEFAULT_RULES if rule.match.direction is direction)
    _refuse_equal_priorities((*rules, *defaults))
    return (*rules, *defaults)


def _refuse_equal_priorities(rules: Iterable[Rule]) -> None:
    seen: dict[tuple[Direction, int], str] = {}
    for rule in rules:
        place = (rule.match.direction, rule.priority)
        if place in seen:
            raise NsgError(
                f"rules {seen[place]!r} and {rule.name!r} share priority {rule.priority} "
                f"in direction {rule.match.direction}",
                rule=rule.name,
                field="priority",
            )
        seen[place] = rule.name


def _read(rule: SecurityRule) -> Rule:
    source = _read_side(rule.name, "source", rule.sources, rule.source_groups)
    destination = _read_side(rule.name, "destination", rule.destinations, rule.destination_groups)
    _refuse_mixed_families(rule)
    match = Match(
        direction=rule.direction,
        access=rule.access,
        priority=rule.priority,
        protocol=_read_protocol(rule),
        source=source,
        destination=destination,
        ports=_read_ports(rule.name, "destinationPortRange", rule.destination_ports),
        source_ports=_read_ports(rule.name, "sourcePortRange", rule.source_ports),
    )
    return Rule(name=rule.name, match=match)


def _read_protocol(rule: SecurityRule) -> Protocol:
    protocol = _PROTOCOLS.get(rule.protocol.strip().lower())
    if protocol is None:
        raise NsgError(
            f"rule {rule.name!r} has the unknown protocol {rule.protocol!r}", rule=rule.name, field="protocol"
        )
    return protocol


def _read_side(rule: str, field: str, texts: Iterable[str], groups: Iterable[ResourceId]) -> Side:
    spans: list[tuple[int, int]] = []
    sets = [OpenSet(kind=SetKind.SECURITY_GROUP, key=group.key, name=group.name) for group in groups]
    for text in map(str.strip, texts):
        if text == "*":
            spans.extend(EVERY_ADDRESS)
        elif text.lower() in LOAD_BALANCER_SPELLINGS:
            spans.extend(AZURE_LOAD_BALANCER)
        elif (found := parse_addresses(text)) is not None:
            spans.extend(found)
        else:
            sets.append(open_tag(text))
    if not spans and not sets:
        raise NsgError(f"rule {rule!r} names no {field}", rule=rule, field=f"{field}AddressPrefix")
    return Side(addresses=union(spans), sets=tuple(sorted(set(sets), key=lambda s: (s.kind, s.key))))


def _refuse_mixed_families(rule: SecurityRule) -> None:
    """ARM refuses such a rule (``ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies``)."""
    listed = (parse_addresses(text.strip()) or () for text in (*rule.sources, *rule.destinations))
    families = {family for spans in listed for family, whole in WHOLE.items() if common(spans, whole)}
    if len(families) > 1:
        raise NsgError(
            f"rule {rule.name!r} mixes IPv4 and IPv6 addresses", rule=rule.name, field="sourceAddressPrefix"
        )


_PORTS: Final = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.ASCII)


def _read_ports(rule: str, field: str, texts: tuple[str, ...]) -> Spans:
    if not texts:
        raise NsgError(f"rule {rule!r} names no {field}", rule=rule, field=field)
    return union(span for text in texts for span in _read_port(rule, field, text.strip()))


def _read_port(rule: str, field: str, text: str) -> Spans:
    if text == "*":
        return EVERY_PORT
    found = _PORTS.fullmatch(text)
    if found:
        first, last = int(found[1]), int(found[2] or found[1])
        if first <= last <= EVERY_PORT[0][1]:
            return ((first, last),)
    raise NsgError(f"rule {rule!r} has the port {text!r} in {field}", rule=rule, field=field)


def _default(direction: Direction, priority: int, name: str, sides: tuple[str, str], access: Access) -> Rule:
    return _read(
        SecurityRule(
            name=name,
            direction=direction,
            access=access,
            priority=priority,
            protocol="*",
            sources=(sides[0],),
            destinations=(sides[1],),
            destination_ports=("*",),
        )
    )


_VNET: Final = ("VirtualNetwork", "VirtualNetwork")
_IN, _OUT = Direction.INBOUND, Direction.OUTBOUND

DEFAULT_RULES: Final = (
    _default(_IN, 65000, "AllowVnetInBound", _VNET, Access.ALLOW),
    _default(_IN, 65001, "AllowAzureLoadBalancerInBound", ("AzureLoadBalancer", "*"), Access.ALLOW),
    _default(_IN, 65500, "DenyAllInBound", ("*", "*"), Access.DENY),
    _default(_OUT, 65000, "AllowVnetOutBound", _VNET, Access.ALLOW),
    _default(_OUT, 65001, "AllowInternetOutBound", ("*", "Internet"), Access.ALLOW),
    _default(_OUT, 65500, "DenyAllOutBound", ("*", "*"), Access.DENY),
)
"""The default rules of every NSG (network security groups overview)."""

NO_GROUP: Final = tuple(
    _default(direction, 0, "no network security group", ("*", "*"), Access.ALLOW) for direction in Direction
)
"""Without an NSG everything passes; the default rules do not apply."""
