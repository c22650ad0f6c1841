"""What the policies on firewall rules share: the public Internet as a set, ranges as people write them.

A firewall rule of a PostgreSQL server is a range of IPv4 addresses, and rules add up: what they admit
together is a union of ranges (``AddressSet``). The rule 0.0.0.0–0.0.0.0 stands apart: it admits Azure,
which is no range. Nothing here knows a policy or decides what is wrong with a range. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from shared.model import (
    Aspect,
    Change,
    DeleteFirewallRule,
    Edit,
    FirewallRule,
    Json,
    PublicAccess,
    PutFirewallRule,
    ServerSnapshot,
)
from shared.model.resource_id import free_name
from shared.posture.findings import Judged, compliant, unknown
from shared.posture.odd_rules import odd_evidence
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, Span, span_of
from shared.posture.unread import public_access_said, unread_reason


def admitted_by(rules: Iterable[FirewallRule]) -> AddressSet:
    """The addresses that the ranges of ``rules`` admit together; "all Azure" is no range."""
    ranges = (rule for rule in rules if not rule.allows_all_azure)
    return AddressSet.of(map(ends_of, ranges))


def admits_whole_internet(rule: FirewallRule) -> bool:
    """Whether this one rule admits every public IPv4 address, whatever its name and exact ends."""
    return PUBLIC_ADDRESSES.within(admitted_by([rule]))


def by_name(rules: Iterable[FirewallRule]) -> tuple[FirewallRule, ...]:
    return tuple(sorted(rules, key=lambda rule: rule.name.lower()))


def shown(rule: FirewallRule) -> Mapping[str, str]:
    """A rule as evidence shows it: name and ends, as ARM names them."""
    return {"name": rule.name, "startIpAddress": str(rule.start), "endIpAddress": str(rule.end)}


def rules_evidence(server: ServerSnapshot, found: Collection[FirewallRule]) -> Mapping[str, Json]:
    """For evidence: the rules that a policy is about, the server's others, and the odd ones."""
    others = (rule for rule in server.firewall_rules or () if rule not in found)
    shown_rules = {"rules": [shown(rule) for rule in found], "otherRules": [shown(rule) for rule in others]}
    return {**shown_rules, **odd_evidence(server)}


def range_text(rule: FirewallRule) -> str:
    """``198.51.100.0–198.51.100.255``."""
    return f"{rule.start}–{rule.end}"


def named(rules: Iterable[FirewallRule]) -> str:
    """``'office' (198.51.100.0–198.51.100.255), 'x' (…)``."""
    return ", ".join(f"{rule.name!r} ({range_text(rule)})" for rule in rules)


def ranges_print(rules: Iterable[FirewallRule]) -> str:
    """The ranges without their names: equal for the same drift, however the rules are called."""
    return ",".join(f"{IPv4Address(a)}-{IPv4Address(b)}" for a, b in sorted(set(map(ends_of, rules))))


def ends_of(rule: FirewallRule) -> Span:
    return int(rule.start), int(rule.end)


def not_in_force(server: ServerSnapshot) -> Judged | None:
    """What is said where no rule admits anybody, or none could be read; None where rules may act."""
    if server.vnet_integrated:
        return compliant("the server is VNet-integrated: firewall rules have no effect")
    if server.firewall_rules is None:
        return unknown(unread_reason(server, Aspect.FIREWALL_RULES))
    if server.public_access is PublicAccess.DISABLED:
        return compliant("public network access is disabled: no firewall rule is in force")
    return None


def doubt(server: ServerSnapshot) -> str:
    """The end of a reason where it is not known whether the rules are in force."""
    if server.public_access is not PublicAccess.UNKNOWN:
        return ""
    return f"; whether it is in force is unknown, because {public_access_said(server)}"


def deletion(policy: str, server: ServerSnapshot, rules: Iterable[FirewallRule]) -> Change:
    """The change that deletes the rules; what undoes it puts them back, the last first."""
    gone = tuple(rules)
    return Change(
        policy=policy,
        target=server.target,
        edits=deleting(server, gone),
        inverse=tuple(PutFirewallRule(server=server.id, rule=rule) for rule in reversed(gone)),
    )


def deleting(server: ServerSnapshot, rules: Iterable[FirewallRule]) -> tuple[Edit, ...]:
    return tuple(DeleteFirewallRule(server=server.id, rule=rule) for rule in rules)


def reaching_nobody(rules: Iterable[FirewallRule]) -> tuple[FirewallRule, ...]:
    """The rules whose range holds no public address: a server's public endpoint sees no client from there."""
    ranges = (rule for rule in rules if not rule.allows_all_azure)
    return by_name(rule for rule in ranges if not public_in(rule).spans)


def public_in(rule: FirewallRule) -> AddressSet:
    """The public addresses in a rule's range."""
    return admitted_by([rule]).common(PUBLIC_ADDRESSES)


def without_effect(server: ServerSnapshot) -> str:
    """The end of a reason that names the rules which admit nobody; ``""`` where there are none."""
    idle = reaching_nobody(server.firewall_rules or ())
    return f"; firewall rule {named(idle)} admits nobody: it holds no public address" if idle else ""


# --- what may stand in their place -----------------------------------------------------------------


def tightest(
    leaving: Iterable[FirewallRule], staying: Iterable[FirewallRule], corporate: AddressSet
) -> AddressSet:
    """What of ``leaving`` lies inside the corporate ranges, and that no rule that stays admits anyway.

    Only public addresses: a rule for any other admits nobody.
    """
    corporate = corporate.common(PUBLIC_ADDRESSES)
    return admitted_by(leaving).common(corporate).minus(admitted_by(staying))


def replacing(server: ServerSnapshot, leaving: Iterable[FirewallRule], tight: AddressSet) -> tuple[Edit, ...]:
    """Rules for the addresses of ``tight`` first, so that nobody of them is cut off, then the deletions."""
    taken = {rule.name.lower() for rule in server.firewall_rules or ()}
    taken |= {rule.name.lower() for rule in server.odd_rules}
    fresh = []
    for first, last in tight.spans:
        name = free_name(f"corporate-{str(IPv4Address(first)).replace('.', '-')}", taken)
        taken.add(name)
        fresh.append(FirewallRule(name=name, start=IPv4Address(first), end=IPv4Address(last)))
    return (
        *(PutFirewallRule(server=server.id, rule=rule) for rule in fresh),
        *deleting(server, by_name(leaving)),
    )


# --- parameters ------------------------------------------------------------------------------------


def ranges_of(prefixes: Iterable[str]) -> AddressSet:
    """The addresses of IPv4 prefixes. Raises ``ValueError`` for a text that is none."""
    return AddressSet.of(span_of(IPv4Network(prefix)) for prefix in prefixes)


def wrong_prefixes(prefixes: Json) -> str | None:
    """What is wrong with a parameter that lists IPv4 prefixes; None when nothing is."""
    if not isinstance(prefixes, list) or not all(isinstance(prefix, str) for prefix in prefixes):
        return "a list of IPv4 prefixes such as 198.51.100.0/24"
    try:
        ranges_of(prefixes)
    except ValueError as error:
        return f"a list of IPv4 prefixes: {error}"
    return None


def wrong_count(count: Json, *, most: int = 2**32 - 1) -> str | None:
    """What is wrong with a parameter that counts IPv4 addresses; None when nothing is."""
    whole = isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= most
    return None if whole else f"a whole number of addresses, from 0 to {most}"
