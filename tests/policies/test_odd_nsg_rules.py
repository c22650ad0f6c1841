"""One NSG rule that cannot be read: policies judge what the others decide, and name the odd one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.guardrails.prove import prove
from shared.model import ComplianceState, Finding, PutSecurityRule, SecurityRule, SubnetSnapshot
from shared.model.edits import apply_to
from shared.model.rules import OddSecurityRule
from shared.nsg.rules.odd_rules import tolerated
from shared.policies.nsg import (
    nsg_blocks_postgres_in_subnet,
    nsg_exposes_postgres_to_internet,
    nsg_without_final_deny,
)
from shared.posture.policy import AnyPolicy, bound
from tests.nsg.builders import allow, deny, group, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
IN_SUBNET = bound(nsg_blocks_postgres_in_subnet.POLICY, {})
EXPOSED = bound(nsg_exposes_postgres_to_internet.POLICY, {})
NO_DENY = bound(nsg_without_final_deny.POLICY, {})
DENY_ALL = deny("deny-all", 200, protocol="*")
OPEN = allow("open", 200, "Internet > *", "5432")


def odd(priority: int, rule: SecurityRule = DENY_ALL) -> SecurityRule:
    return replace(rule, name="odd", priority=priority, protocol="Gre")


ELSEWHERE = deny("odd", 300, "203.0.113.0/24 > *", "x")


def judged(policy: AnyPolicy, *rules: SecurityRule) -> Finding:
    finding: Finding = policy.evaluate(subnet(group(*rules)))
    return finding


@pytest.mark.field(
    "odd-items",
    "What an NSG surely denies or exposes is NonCompliant beside a rule that cannot be read, which is named",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-groups-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("policy", "rules", "state"),
    [
        (IN_SUBNET, (DENY_ALL, odd(300)), NON_COMPLIANT),
        (IN_SUBNET, (DENY_ALL, odd(100)), NON_COMPLIANT),
        (IN_SUBNET, (DENY_ALL, odd(100, allow("x", 1))), UNKNOWN),
        (IN_SUBNET, (odd(300),), UNKNOWN),
        (IN_SUBNET, (ELSEWHERE,), COMPLIANT),
        (IN_SUBNET, (allow("let", 100, "10.0.1.0/24 > 10.0.1.0/24"), odd(300)), COMPLIANT),
        (EXPOSED, (OPEN, odd(300)), NON_COMPLIANT),
        (EXPOSED, (OPEN, odd(100)), UNKNOWN),
        (EXPOSED, (OPEN, odd(100, allow("x", 1))), NON_COMPLIANT),
        (EXPOSED, (DENY_ALL, odd(300, allow("x", 1))), COMPLIANT),
        (EXPOSED, (odd(300, allow("x", 1)),), UNKNOWN),
    ],
)
def test_an_odd_rule_makes_unknown_only_what_it_could_decide(
    policy: AnyPolicy, rules: tuple[SecurityRule, ...], state: ComplianceState
) -> None:
    found = judged(policy, *rules)
    assert found.state is state, found.reason
    assert "rule 'odd' has the" in found.reason
    assert [one["name"] for one in found.evidence["oddRules"]] == ["odd"]


def test_the_fingerprint_of_a_drift_is_the_same_with_and_without_an_odd_rule() -> None:
    assert judged(IN_SUBNET, DENY_ALL, odd(300)).fingerprint == judged(IN_SUBNET, DENY_ALL).fingerprint


def test_a_change_beside_an_odd_rule_is_proved_and_leaves_it_as_it_is() -> None:
    snapshot = subnet(group(DENY_ALL, odd(300)))
    change = IN_SUBNET.plan(IN_SUBNET.evaluate(snapshot), snapshot)
    assert change is not None
    proof = prove(change, snapshot, IN_SUBNET, [IN_SUBNET, EXPOSED])
    assert proof.holds, proof.failures
    after = apply_to(snapshot, change)
    assert isinstance(after, SubnetSnapshot)
    assert after.security_group is not None
    assert odd(300) in after.security_group.rules


def test_a_change_that_would_make_a_rule_odd_is_not_proved() -> None:
    snapshot = subnet(group(DENY_ALL))
    change = IN_SUBNET.plan(IN_SUBNET.evaluate(snapshot), snapshot)
    assert change is not None
    (put,) = change.edits
    assert isinstance(put, PutSecurityRule)
    twin = replace(change, edits=(replace(put, rule=replace(put.rule, priority=200)),))
    assert not prove(twin, snapshot, IN_SUBNET, []).holds


def test_no_new_rule_takes_the_priority_or_the_name_of_an_odd_one() -> None:
    why = "rule 'odd': access is missing"
    gone = OddSecurityRule(name="odd", field="access", why=why, may_be=(replace(DENY_ALL, priority=199),))
    snapshot = subnet(replace(group(DENY_ALL), odd_rules=(gone,)))
    suggested = IN_SUBNET.suggest(IN_SUBNET.evaluate(snapshot), snapshot)
    assert {edit.rule.priority for edit in suggested if isinstance(edit, PutSecurityRule)} == {198}


def test_a_policy_that_asks_the_default_rules_answers_beside_an_odd_rule() -> None:
    assert judged(NO_DENY, odd(300)).state in (NON_COMPLIANT, UNKNOWN)
    assert tolerated(None) is None


def test_nothing_is_written_while_two_rules_share_a_priority_but_what_is_surely_wrong_is_told() -> None:
    snapshot = subnet(group(DENY_ALL, deny("twin", 200, protocol="*")))
    found = IN_SUBNET.evaluate(snapshot)
    assert (found.state, "share priority 200" in found.reason) == (NON_COMPLIANT, True)
    assert IN_SUBNET.plan(found, snapshot) is None
