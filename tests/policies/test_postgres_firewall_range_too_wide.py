"""Ranges that are too wide, or not the owner's: judged by their size and by the configured networks."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import (
    ComplianceState,
    DeleteFirewallRule,
    Finding,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    ServerSnapshot,
    Severity,
)
from shared.policies.public_reach.postgres_firewall_range_too_wide import POLICY
from shared.posture.policy import bound
from tests.builders import ALL_AZURE, OFFICE, SERVER, SUBNET, public_server, rule, server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
PROVIDER = rule("provider", "20.0.0.0", "20.63.255.255")
OFFICE_RANGE = ["198.51.100.0/24"]


def found(*rules: FirewallRule, **parameters: Any) -> Finding:
    finding: Finding = bound(POLICY, parameters).evaluate(public_server(firewall_rules=rules))
    return finding


def names(finding: Finding) -> list[str]:
    return [shown["name"] for shown in finding.evidence["rules"]]


@pytest.mark.parametrize(
    ("end", "state"), [("20.0.255.254", COMPLIANT), ("20.0.255.255", COMPLIANT), ("20.1.0.0", NON_COMPLIANT)]
)
def test_a_rule_holds_at_most_a_16_unless_configured_otherwise(end: str, state: ComplianceState) -> None:
    assert found(rule("x", "20.0.0.0", end)).state is state


def test_a_wide_rule_is_named_with_its_size() -> None:
    finding = found(OFFICE, PROVIDER)
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.MEDIUM)
    assert finding.resource_id == SERVER.child("firewallRules", "provider")
    assert finding.reason == (
        "firewall rule 'provider' (20.0.0.0–20.63.255.255) holds more than 65536 addresses"
    )
    assert finding.evidence["rules"] == [
        {
            "name": "provider",
            "startIpAddress": "20.0.0.0",
            "endIpAddress": "20.63.255.255",
            "addresses": 2**22,
            "outsideCorporateRanges": None,
        }
    ]


def test_the_limit_is_configurable() -> None:
    assert found(OFFICE, maxAddresses=255).state is NON_COMPLIANT
    assert found(OFFICE, maxAddresses=256).state is COMPLIANT


def test_rules_are_compared_with_corporate_ranges_only_where_these_are_configured() -> None:
    guest = rule("guest", "203.0.113.7")
    assert found(OFFICE, guest).state is COMPLIANT
    finding = found(OFFICE, guest, corporateRanges=OFFICE_RANGE)
    assert (finding.state, names(finding)) == (NON_COMPLIANT, ["guest"])
    assert (
        finding.reason
        == "firewall rule 'guest' (203.0.113.7–203.0.113.7) reaches outside the corporate ranges"
    )


def test_a_rule_that_reaches_over_the_edge_of_the_corporate_ranges_is_found_with_what_is_outside() -> None:
    finding = found(rule("office", "198.51.100.0", "198.51.101.3"), corporateRanges=OFFICE_RANGE)
    assert finding.evidence["rules"][0]["outsideCorporateRanges"] == ["198.51.101.0-198.51.101.3"]


def test_corporate_ranges_that_touch_are_one() -> None:
    whole = rule("office", "198.51.100.0", "198.51.101.255")
    assert found(whole, corporateRanges=["198.51.100.0/24", "198.51.101.0/24"]).state is COMPLIANT


@pytest.mark.parametrize("other", [ALL_AZURE, rule("everybody", "0.0.0.0", "255.255.255.255")])
def test_what_other_policies_find_is_not_repeated(other: FirewallRule) -> None:
    assert found(other, corporateRanges=OFFICE_RANGE).state is COMPLIANT


def test_another_range_is_another_drift_and_another_name_is_not() -> None:
    renamed = found(rule("x", "20.0.0.0", "20.63.255.255"))
    assert found(PROVIDER).fingerprint == renamed.fingerprint
    assert found(PROVIDER).fingerprint != found(rule("provider", "20.0.0.0", "20.127.255.255")).fingerprint


def test_rules_that_are_not_in_force_are_not_judged_and_those_that_may_be_are() -> None:
    judge = bound(POLICY, {}).evaluate
    assert judge(server(firewall_rules=(PROVIDER,))).state is COMPLIANT
    assert judge(public_server(firewall_rules=(PROVIDER,), delegated_subnet=SUBNET)).state is COMPLIANT
    assert judge(public_server(firewall_rules=None)).state is UNKNOWN
    unsure = judge(public_server(firewall_rules=(PROVIDER,), public_access=PublicAccess.UNKNOWN))
    assert (unsure.state, unsure.fingerprint) == (NON_COMPLIANT, found(PROVIDER).fingerprint)


# --- what instead ----------------------------------------------------------------------------------


def suggested(snapshot: ServerSnapshot, **parameters: Any) -> tuple[object, ...]:
    policy = bound(POLICY, parameters)
    return policy.suggest(policy.evaluate(snapshot), snapshot)


def test_without_corporate_ranges_nothing_is_suggested() -> None:
    assert suggested(public_server(firewall_rules=(PROVIDER,))) == ()


def test_the_suggestion_is_what_lies_inside_the_corporate_ranges() -> None:
    edits = suggested(
        public_server(firewall_rules=(PROVIDER, OFFICE)), corporateRanges=["20.1.0.0/24", *OFFICE_RANGE]
    )
    assert edits == (
        PutFirewallRule(server=SERVER, rule=rule("corporate-20-1-0-0", "20.1.0.0", "20.1.0.255")),
        DeleteFirewallRule(server=SERVER, rule=PROVIDER),
    )


def test_a_rule_that_is_wholly_outside_is_to_be_deleted() -> None:
    guest = rule("guest", "203.0.113.7")
    edits = suggested(public_server(firewall_rules=(guest, OFFICE)), corporateRanges=OFFICE_RANGE)
    assert edits == (DeleteFirewallRule(server=SERVER, rule=guest),)


def test_a_rule_that_is_wide_but_wholly_the_owners_is_not_replaced_by_itself() -> None:
    assert suggested(public_server(firewall_rules=(PROVIDER,)), corporateRanges=["20.0.0.0/10"]) == ()
