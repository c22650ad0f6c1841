"""PostgreSQL firewall rules that admit the whole Internet together.

*What it finds.* Firewall rules of a flexible or single server with public access, none of which admits
everybody by itself, whose ranges together cover the whole Internet: the halves 0.0.0.0–127.255.255.255
and 128.0.0.0–255.255.255.255, or any other pieces, overlapping or not. *The whole Internet* means
exactly: every IPv4 address outside 0.0.0.0/8, RFC 1918 (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), RFC 6598
(100.64.0.0/10), loopback (127.0.0.0/8), link-local (169.254.0.0/16), multicast (224.0.0.0/4) and reserved
(240.0.0.0/4) addresses. A sliver of it may be missing (``sliverAddresses``): whoever leaves out one address
has still opened the server to everybody. One rule that misses no more than the sliver is found here too;
one that misses nothing is ``postgres-firewall-allows-whole-internet``.

*Why it matters.* It is the same hole as 0.0.0.0–255.255.255.255, in a form that checks of single rules
do not see.

*What the change does.* None is made: the pieces hold legitimate clients too, and nobody but the owner
knows which. The alert names the contributing rules, their union as prefixes and the tightest
replacement: what remains of them inside ``corporateRanges``, with the commands for it where such ranges are
configured. Contributing rules are taken largest first until the Internet is covered, and again
from what is left, so that without them the rest does not cover it.

*What it may break.* Replacing the rules by hand cuts off every client outside the replacement.

*References.* Firewall rules in Azure Database for PostgreSQL; IANA IPv4 special-purpose address registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address

from shared.model import Aspect, Edit, Finding, FirewallRule, Kind, ServerSnapshot, Severity
from shared.posture.controls import CHECKOV, MCSB
from shared.posture.findings import Facts, Judged, compliant, drifted, finding, is_drift
from shared.posture.firewall import (
    admits_whole_internet,
    admitted_by,
    by_name,
    doubt,
    ends_of,
    named,
    not_in_force,
    ranges_of,
    replacing,
    rules_evidence,
    tightest,
    wrong_count,
    wrong_prefixes,
)
from shared.posture.firewall_steps import narrowing
from shared.posture.odd_rules import beside_odd, worlds
from shared.posture.policy import ALL_SERVERS, Parameter, Policy
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, ServerTraffic

ID = "postgres-firewall-covers-whole-internet-in-pieces"
SEVERITY = Severity.CRITICAL
SLIVER = 2**24
"""A /8, less than half a percent of the Internet: no network that anybody would shut out is larger."""
LARGEST_SLIVER = 2**28

_TO_DO = "delete one that has none; with corporateRanges in policies.yaml the addresses are proposed"


def evaluate(server: ServerSnapshot, *, corporate_ranges: list[str], sliver_addresses: int) -> Finding:
    found = _contributors(server.firewall_rules or (), sliver_addresses)
    judged = _judge(server, found, sliver_addresses)
    if judged.is_drift and not corporate_ranges:
        judged = replace(judged, what_to_do=narrowing(server, found, _TO_DO))
    return finding(ID, SEVERITY, server, judged, _facts(server, found, corporate_ranges))


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """The tightest replacement, where corporate ranges are configured."""
    replacement = found.evidence["tightestReplacement"]
    if not is_drift(found) or replacement is None:
        return ()
    names = {rule["name"] for rule in found.evidence["rules"]}
    tight = AddressSet.of(
        (int(IPv4Address(one["startIpAddress"])), int(IPv4Address(one["endIpAddress"])))
        for one in replacement
    )
    return replacing(server, [rule for rule in server.firewall_rules or () if rule.name in names], tight)


def forbidden(
    server: ServerSnapshot,
    *,
    corporate_ranges: list[str],  # noqa: ARG001 - bound alike for all of a policy's functions
    sliver_addresses: int,
) -> ServerTraffic:
    """What the contributing rules admit now."""
    if not_in_force(server) is not None:
        return ServerTraffic()
    return ServerTraffic(sources=admitted_by(_contributors(server.firewall_rules or (), sliver_addresses)))


def _contributors(rules: Iterable[FirewallRule], sliver: int) -> tuple[FirewallRule, ...]:
    """Rules without which the rest does not cover the Internet; () when all together do not."""
    pieces = [rule for rule in rules if not (rule.allows_all_azure or admits_whole_internet(rule))]
    found: list[FirewallRule] = []
    while layer := _layer([rule for rule in pieces if rule not in found], sliver):
        found += layer
    return by_name(found)


def _layer(rules: Sequence[FirewallRule], sliver: int) -> list[FirewallRule]:
    """Rules that cover the Internet but for the sliver, the largest first; [] when there are none such."""
    left, layer = PUBLIC_ADDRESSES, []
    for rule in sorted(rules, key=_largest_first):
        narrower = left.minus(admitted_by([rule]))
        if narrower != left:
            layer.append(rule)
        left = narrower
        if left.size <= sliver:
            return layer
    return []


def _largest_first(rule: FirewallRule) -> tuple[int, int, str]:
    start, end = ends_of(rule)
    return start - end, start, rule.name.lower()


def _judge(server: ServerSnapshot, found: tuple[FirewallRule, ...], sliver: int) -> Judged:
    if settled := not_in_force(server):
        return settled
    could = server.odd_rules if _may_cover(server, sliver) else ()
    asked = "the firewall rules together admit the whole Internet"
    return beside_odd(_of_readable(server, found), server, could, asked)


def _may_cover(server: ServerSnapshot, sliver: int) -> bool:
    """Whether the rules cover the Internet together in something that the odd ones may mean."""
    pieces = [rule for rule in server.firewall_rules or () if not admits_whole_internet(rule)]
    unions = (admitted_by([*pieces, *world]) for world in worlds(server))
    return bool(server.odd_rules) and any(PUBLIC_ADDRESSES.minus(one).size <= sliver for one in unions)


def _of_readable(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> Judged:
    if not found:
        return compliant("the firewall rules together do not cover the whole Internet")
    reason = f"together firewall rules {named(found)} admit the whole Internet{doubt(server)}"
    return drifted(reason, "several rules, whole internet")


def _facts(server: ServerSnapshot, found: tuple[FirewallRule, ...], corporate_ranges: list[str]) -> Facts:
    others = [rule for rule in server.firewall_rules or () if rule not in found]
    union = admitted_by(found)
    return {
        **rules_evidence(server, found),
        "union": [str(prefix) for prefix in union.prefixes()],
        "publicAddressesLeftOut": PUBLIC_ADDRESSES.minus(union).describe() if found else None,
        **_replacement(found, others, corporate_ranges),
    }


def _replacement(
    found: tuple[FirewallRule, ...], others: Sequence[FirewallRule], corporate_ranges: list[str]
) -> Facts:
    """A rule for the whole Internet has to go as well, so what it admits does not count as admitted."""
    if not corporate_ranges:
        note = "no corporate ranges are configured (parameter corporateRanges), so none can be named"
        return {"tightestReplacement": None, "replacementNote": note}
    staying = [rule for rule in others if not admits_whole_internet(rule)]
    tight = tightest(found, staying, ranges_of(corporate_ranges))
    return {
        "tightestReplacement": [
            {"startIpAddress": str(IPv4Address(first)), "endIpAddress": str(IPv4Address(last))}
            for first, last in tight.spans
        ],
        "replacementNote": f"what remains inside the corporate ranges {', '.join(corporate_ranges)}",
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Firewall rules admit the whole Internet in pieces",
    kind=Kind.TIGHTENING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    controls=(MCSB.NS_1, MCSB.NS_2, CHECKOV.CKV2_AZURE_26),
    evaluate=evaluate,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="corporateRanges",
            default=[],
            description="IPv4 prefixes of your own networks; the replacement is what lies inside them.",
            check=wrong_prefixes,
        ),
        Parameter(
            name="sliverAddresses",
            default=SLIVER,
            description="How many public addresses may be missing from the whole Internet.",
            check=partial(wrong_count, most=LARGEST_SLIVER),
        ),
    ),
    why="Everybody on the Internet may open a connection to this database and try passwords.",
)
