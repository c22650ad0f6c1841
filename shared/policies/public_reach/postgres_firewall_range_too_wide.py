"""PostgreSQL firewall rule with a range that is too wide or not your own.

*What it finds.* A firewall rule of a flexible or single server with public access whose range holds more
public addresses than ``maxAddresses``, or reaches outside ``corporateRanges`` where these are configured. The
default of 65536 is a /16: hardly any organisation comes from more addresses than that, so a wider rule
admits strangers for certain (a cloud region, a provider), and a narrower limit is yours to set. Rules
that admit the whole Internet or all of Azure are findings of their own policies and not repeated here. Nobody
comes to a public endpoint from a private or reserved address: such addresses do not count, and a rule that
holds no other, as 10.0.0.0/8, admits nobody; the finding says so.

*Why it matters.* A provider's range admits every customer of that provider: whoever rents an address
there may try passwords.

*What the change does.* None is made: which part of the range is legitimate is the owner's knowledge. The
alert names each rule with its size and what of it is outside the corporate ranges and, where these are
configured, prints the commands that replace it by what lies inside.

*What it may break.* Replacing a rule by hand cuts off every client outside the replacement.

*References.* Firewall rules in Azure Database for PostgreSQL; PSRule for Azure AZR-000151 (which asks for at
most 10 public addresses in all).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from shared.model import Aspect, Edit, Finding, FirewallRule, Kind, ServerSnapshot, Severity
from shared.posture.controls import MCSB, PSRULE, Control
from shared.posture.findings import Facts, Judged, compliant, drifted, finding, is_drift
from shared.posture.firewall import (
    admits_whole_internet,
    admitted_by,
    by_name,
    doubt,
    named,
    not_in_force,
    public_in,
    ranges_of,
    ranges_print,
    replacing,
    rules_evidence,
    shown,
    tightest,
    without_effect,
    wrong_count,
    wrong_prefixes,
)
from shared.posture.firewall_steps import narrowing
from shared.posture.odd_rules import beside_odd, perhaps
from shared.posture.policy import ALL_SERVERS, Parameter, Policy
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, ServerTraffic

ID = "postgres-firewall-range-too-wide"
SEVERITY = Severity.MEDIUM
MOST_ADDRESSES = 2**16
FEW = 10
"""As many as PSRule allows in all."""

_TO_DO = "delete one that has none; with corporateRanges in policies.yaml the addresses are proposed"


def evaluate(server: ServerSnapshot, *, max_addresses: int, corporate_ranges: list[str]) -> Finding:
    corporate = ranges_of(corporate_ranges) if corporate_ranges else None
    found = _too_wide(server, max_addresses, corporate)
    facts = {
        **rules_evidence(server, found),
        "rules": [{**shown(rule), **_extent(rule, corporate_ranges)} for rule in found],
        "maxAddresses": max_addresses,
        "admittedAddresses": admitted_by(server.firewall_rules or ()).size,
        "corporateRanges": corporate_ranges,
    }
    judged = _judge(server, found, max_addresses)
    if judged.is_drift and not corporate_ranges:
        judged = replace(judged, what_to_do=narrowing(server, found, _TO_DO))
    if not_in_force(server) is None:
        could = perhaps(server, lambda rule: _is_too_wide(rule, max_addresses, corporate))
        judged = beside_odd(judged, server, could, "a firewall rule is too wide or not your own")
    return finding(ID, SEVERITY, server, judged, facts)


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """What lies inside the corporate ranges instead, where they are configured and that is less."""
    corporate: list[str] = found.evidence["corporateRanges"]
    if not is_drift(found) or not corporate:
        return ()
    names = {rule["name"] for rule in found.evidence["rules"]}
    leaving = [rule for rule in server.firewall_rules or () if rule.name in names]
    staying = [
        rule
        for rule in server.firewall_rules or ()
        if rule not in leaving and not admits_whole_internet(rule)
    ]
    tight = tightest(leaving, staying, ranges_of(corporate))
    held = admitted_by(leaving).common(PUBLIC_ADDRESSES)
    return replacing(server, leaving, tight) if tight != held else ()


def met(found: Finding) -> Collection[Control]:
    """PSRule counts the addresses that all rules admit together."""
    return (PSRULE.AZR_000151,) if found.evidence.get("admittedAddresses", FEW + 1) <= FEW else ()


def forbidden(server: ServerSnapshot, *, max_addresses: int, corporate_ranges: list[str]) -> ServerTraffic:
    """What the rules that are too wide admit now."""
    if not_in_force(server) is not None:
        return ServerTraffic()
    corporate = ranges_of(corporate_ranges) if corporate_ranges else None
    return ServerTraffic(sources=admitted_by(_too_wide(server, max_addresses, corporate)))


def _too_wide(
    server: ServerSnapshot, max_addresses: int, corporate: AddressSet | None
) -> tuple[FirewallRule, ...]:
    return by_name(
        rule
        for rule in server.firewall_rules or ()
        if not admits_whole_internet(rule) and _is_too_wide(rule, max_addresses, corporate)
    )


def _is_too_wide(rule: FirewallRule, max_addresses: int, corporate: AddressSet | None) -> bool:
    outside = _outside(rule, corporate) if corporate is not None else AddressSet()
    return public_in(rule).size > max_addresses or bool(outside.spans)


def _outside(rule: FirewallRule, corporate: AddressSet) -> AddressSet:
    return public_in(rule).minus(corporate)


def _judge(server: ServerSnapshot, found: tuple[FirewallRule, ...], max_addresses: int) -> Judged:
    if settled := not_in_force(server):
        return settled
    if not found:
        narrow = "no firewall rule is too wide or outside the corporate ranges"
        return compliant(f"{narrow}{without_effect(server)}")
    wide = by_name(rule for rule in found if public_in(rule).size > max_addresses)
    strange = by_name(rule for rule in found if rule not in wide)
    said = [f"firewall rule {named(wide)} holds more than {max_addresses} addresses"] if wide else []
    said += [f"firewall rule {named(strange)} reaches outside the corporate ranges"] if strange else []
    wrong = drifted("; ".join(said) + doubt(server), ranges_print(found))
    return replace(wrong, resource_id=server.id.child("firewallRules", found[0].name))


def _extent(rule: FirewallRule, corporate_ranges: list[str]) -> Facts:
    """How many addresses, and which of them are outside; None where no corporate ranges are configured."""
    outside = _outside(rule, ranges_of(corporate_ranges)).describe() if corporate_ranges else None
    return {"addresses": public_in(rule).size, "outsideCorporateRanges": outside}


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A firewall rule's range is too wide or not your own",
    kind=Kind.TIGHTENING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    controls=(MCSB.NS_2, PSRULE.AZR_000151),
    met=met,
    evaluate=evaluate,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="maxAddresses",
            default=MOST_ADDRESSES,
            description="The most public IPv4 addresses that one rule may hold.",
            check=partial(wrong_count, most=2**32),
        ),
        Parameter(
            name="corporateRanges",
            default=[],
            description="IPv4 prefixes of your own networks; empty: rules are not compared with them.",
            check=wrong_prefixes,
        ),
    ),
    why="Strangers who share a provider or a region with you may open a connection and try passwords.",
)
