"""Rules that admit the whole Internet together: halves, many pieces, all but a sliver; and what instead."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import (
    ComplianceState,
    DeleteFirewallRule,
    Finding,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    Reason,
    ServerSnapshot,
    Severity,
)
from shared.model.edits import apply_edit
from shared.policies.public_reach.postgres_firewall_covers_whole_internet_in_pieces import POLICY
from shared.posture.firewall import admitted_by, ranges_of
from shared.posture.policy import bound
from shared.posture.traffic import PUBLIC_ADDRESSES
from tests.builders import ALL_AZURE, OFFICE, SERVER, SUBNET, public_server, rule, server
from tests.fakes import World

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
LOWER = rule("lower", "0.0.0.0", "127.255.255.255")
UPPER = rule("upper", "128.0.0.0", "255.255.255.255")
WHOLE = rule("everything", "0.0.0.0", "255.255.255.255")


def found(snapshot: ServerSnapshot, **parameters: Any) -> Finding:
    finding: Finding = bound(POLICY, parameters).evaluate(snapshot)
    return finding


def opened(*rules: FirewallRule, **parts: Any) -> ServerSnapshot:
    return public_server(firewall_rules=rules, **parts)


def names(finding: Finding) -> list[str]:
    return [shown["name"] for shown in finding.evidence["rules"]]


# --- what covers the Internet ----------------------------------------------------------------------


def test_the_halves_are_the_whole_internet() -> None:
    finding = found(opened(OFFICE, LOWER, UPPER))
    assert (finding.state, finding.severity, finding.resource_id) == (
        NON_COMPLIANT,
        Severity.CRITICAL,
        SERVER,
    )
    assert finding.reason == (
        "together firewall rules 'lower' (0.0.0.0–127.255.255.255), 'upper' (128.0.0.0–255.255.255.255) "
        "admit the whole Internet"
    )
    assert names(finding) == ["lower", "upper"]
    assert [other["name"] for other in finding.evidence["otherRules"]] == ["office"]
    assert finding.evidence["union"] == ["0.0.0.0/0"]
    assert finding.evidence["publicAddressesLeftOut"] == []


COVERS: dict[str, tuple[FirewallRule, ...]] = {
    "overlapping": (rule("a", "0.0.0.0", "200.0.0.0"), rule("b", "90.0.0.0", "255.255.255.255")),
    "quarters": tuple(rule(f"q{n}", f"{n}.0.0.0", f"{n + 63}.255.255.255") for n in (0, 64, 128, 192)),
    "without what cannot come in": (
        rule("a", "1.0.0.0", "9.255.255.255"),
        rule("b", "11.0.0.0", "126.255.255.255"),
        rule("c", "128.0.0.0", "223.255.255.255"),
    ),
    "one rule but for an address": (rule("a", "1.0.0.1", "255.255.255.255"),),
    "one rule but for a /8": (rule("a", "2.0.0.0", "255.255.255.255"),),
}


@pytest.mark.parametrize("rules", COVERS.values(), ids=COVERS.keys())
def test_any_pieces_that_leave_out_at_most_a_sliver_are_found(rules: tuple[FirewallRule, ...]) -> None:
    assert found(opened(*rules)).state is NON_COMPLIANT
    assert found(opened(*reversed(rules), OFFICE)).state is NON_COMPLIANT


MISSES: dict[str, tuple[FirewallRule, ...]] = {
    "no rule": (),
    "one half": (LOWER,),
    "two /8 missing": (rule("a", "3.0.0.0", "255.255.255.255"),),
    "all of Azure beside a half": (LOWER, ALL_AZURE),
    "one rule for everybody, which is another policy's": (WHOLE, LOWER),
    "halves that end before they start": (rule("a", "127.255.255.255", "0.0.0.0"), UPPER),
}


@pytest.mark.parametrize("rules", MISSES.values(), ids=MISSES.keys())
def test_what_leaves_more_than_a_sliver_is_no_whole_internet(rules: tuple[FirewallRule, ...]) -> None:
    finding = found(opened(*rules))
    assert (finding.state, finding.fingerprint) == (COMPLIANT, "")
    assert finding.reason == "the firewall rules together do not cover the whole Internet"


def test_the_sliver_is_configurable() -> None:
    pieces = opened(rule("a", "1.0.0.1", "127.255.255.255"), UPPER)
    assert found(pieces, sliverAddresses=0).state is COMPLIANT
    assert found(pieces, sliverAddresses=1).state is NON_COMPLIANT
    assert found(pieces, sliverAddresses=1).evidence["publicAddressesLeftOut"] == ["1.0.0.0"]


@given(st.lists(st.integers(0, 2**32 - 2), min_size=1, max_size=6, unique=True), st.booleans())
def test_however_the_range_is_cut_the_pieces_cover_it_and_without_one_large_piece_they_do_not(
    cuts: list[int], with_office: bool
) -> None:
    edges = [-1, *sorted(cuts), 2**32 - 1]
    pieces = [
        FirewallRule(name=f"piece-{low}", start=IPv4Address(low + 1), end=IPv4Address(high))
        for low, high in pairwise(edges)
    ]
    rules = (*pieces, OFFICE) if with_office else tuple(pieces)
    alone = any(PUBLIC_ADDRESSES.within(admitted_by([piece])) for piece in pieces)
    assert found(opened(*rules)).state is (COMPLIANT if alone else NON_COMPLIANT)
    largest = max(pieces, key=lambda piece: admitted_by([piece]).common(PUBLIC_ADDRESSES).size)
    without = tuple(one for one in rules if one != largest)
    covers = PUBLIC_ADDRESSES.minus(admitted_by(without)).size <= 2**24
    assert found(opened(*without)).state is (NON_COMPLIANT if covers else COMPLIANT)


def test_what_remains_without_the_contributors_does_not_cover_the_internet() -> None:
    twice = (LOWER, UPPER, replace(LOWER, name="west"), replace(UPPER, name="east"))
    finding = found(opened(*twice, OFFICE))
    assert names(finding) == ["east", "lower", "upper", "west"]
    rest = tuple(one for one in (*twice, OFFICE) if one.name not in names(finding))
    assert found(opened(*rest)).state is COMPLIANT


def test_a_rule_inside_another_does_not_contribute() -> None:
    assert names(found(opened(LOWER, UPPER, OFFICE, rule("guest", "203.0.113.7")))) == ["lower", "upper"]


# --- where it is not judged ------------------------------------------------------------------------


def test_dormant_rules_and_rules_of_a_vnet_integrated_server_admit_nobody() -> None:
    assert found(server(firewall_rules=(LOWER, UPPER))).state is COMPLIANT
    assert found(opened(LOWER, UPPER, delegated_subnet=SUBNET)).state is COMPLIANT


def test_what_was_not_read_is_unknown_and_what_may_be_in_force_is_found() -> None:
    assert found(public_server(firewall_rules=None)).state is UNKNOWN
    unsure = found(opened(LOWER, UPPER, public_access=PublicAccess.UNKNOWN))
    assert unsure.state is NON_COMPLIANT
    assert unsure.fingerprint == found(opened(LOWER, UPPER)).fingerprint
    assert "whether it is in force is unknown" in unsure.reason


# --- what instead ----------------------------------------------------------------------------------


def test_without_corporate_ranges_nothing_is_proposed_and_that_is_said() -> None:
    snapshot = opened(LOWER, UPPER)
    finding = found(snapshot)
    assert finding.evidence["tightestReplacement"] is None
    assert "no corporate ranges are configured" in finding.evidence["replacementNote"]
    assert POLICY.suggest(finding, snapshot) == ()


def test_the_replacement_is_what_lies_inside_the_corporate_ranges_and_is_not_admitted_anyway() -> None:
    snapshot = opened(OFFICE, LOWER, UPPER)
    finding = found(snapshot, corporateRanges=["198.51.100.0/23", "20.1.0.0/28"])
    assert finding.evidence["tightestReplacement"] == [
        {"startIpAddress": "20.1.0.0", "endIpAddress": "20.1.0.15"},
        {"startIpAddress": "198.51.101.0", "endIpAddress": "198.51.101.255"},
    ]


def test_the_commands_let_the_corporate_ranges_in_before_they_delete_and_replace_no_rule() -> None:
    taken = rule("Corporate-20-1-0-0", "203.0.113.9")
    snapshot = opened(LOWER, UPPER, taken)
    edits = POLICY.suggest(found(snapshot, corporateRanges=["20.1.0.0/28"]), snapshot)
    assert edits == (
        PutFirewallRule(server=SERVER, rule=rule("corporate-20-1-0-0-2", "20.1.0.0", "20.1.0.15")),
        DeleteFirewallRule(server=SERVER, rule=LOWER),
        DeleteFirewallRule(server=SERVER, rule=UPPER),
    )
    after = snapshot
    for edit in edits:
        applied = apply_edit(after, edit)
        assert isinstance(applied, ServerSnapshot)
        after = applied
    assert admitted_by(after.firewall_rules or ()) == ranges_of(["20.1.0.0/28", "203.0.113.9"])


def test_a_rule_for_everybody_beside_the_pieces_does_not_make_the_replacement_empty() -> None:
    finding = found(opened(WHOLE, LOWER, UPPER), corporateRanges=["20.1.0.0/28"])
    assert len(finding.evidence["tightestReplacement"]) == 1


# --- the story -------------------------------------------------------------------------------------


def test_a_second_half_alerts_and_nothing_is_written() -> None:
    world = World()
    world.look(world.azure.put(opened(OFFICE, LOWER)))
    world.drain()
    world.event(world.azure.put(opened(OFFICE, LOWER, UPPER)))
    world.drain(60)
    (alert,) = world.store.alerts(policy=POLICY.id)
    assert (alert.decision.reason, alert.severity) == (Reason.NO_PLAN, Severity.CRITICAL)
    assert world.azure.writes == []
