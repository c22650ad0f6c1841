"""The policy that finds the Internet let in to PostgreSQL, and the guard against it."""

from __future__ import annotations

import pytest

from shared.alerts.steps import commands_told
from shared.guardrails.prove import prove
from shared.model import Access, ComplianceState, PutSecurityRule, SecurityRule, Severity
from shared.policies import find
from shared.policies.nsg.nsg_exposes_postgres_to_internet import POLICY
from shared.posture.policy import bound, examples
from tests.nsg.builders import allow, deny, group, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
READY = bound(POLICY, {})
OPEN = allow("open", 300, "* > *", "5432")


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ((), COMPLIANT),
        ((OPEN,), NON_COMPLIANT),
        ((allow("open", 300, "Internet > *", "5000-6000"),), NON_COMPLIANT),
        ((allow("open", 300, "0.0.0.0/0 > 10.0.1.7", "6432"),), NON_COMPLIANT),
        ((allow("partner", 300, "203.0.113.0/24 > *", "5432"),), NON_COMPLIANT),
        ((allow("web", 300, "Internet > *", "443"),), COMPLIANT),
        ((allow("elsewhere", 300, "Internet > 10.0.9.0/24", "5432"),), COMPLIANT),
        ((allow("inside", 300, "10.0.0.0/8 > *", "5432"),), COMPLIANT),
        ((allow("inside", 300, "VirtualNetwork > *", "5432"),), COMPLIANT),
        ((OPEN, deny("guard", 200, "Internet > *", "5432")), COMPLIANT),
        ((OPEN, deny("not-a-guard", 200, "VirtualNetwork > *", "5432")), NON_COMPLIANT),
        ((allow("corp", 300, "CorpNetPublic > *", "5432"),), UNKNOWN),
        ((allow("sql", 300, "Sql > *", "5432"),), UNKNOWN),
    ],
)
def test_who_is_let_in(rules: tuple[SecurityRule, ...], state: ComplianceState) -> None:
    finding = READY.evaluate(subnet(group(*rules)))
    assert finding.state is state, finding.reason


def test_the_guard_stands_ahead_of_the_rule_that_opens_and_names_no_other_port_or_subnet() -> None:
    snapshot = subnet(group(OPEN))
    finding = READY.evaluate(snapshot)
    change = READY.plan(finding, snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    rule = edit.rule
    assert (rule.access, rule.priority, rule.sources) == (Access.DENY, 299, ("Internet",))
    assert (rule.destinations, rule.destination_ports) == (("10.0.1.0/24",), ("5432", "6432"))
    assert prove(change, snapshot, READY, [READY]).holds
    assert finding.reason == (
        "inbound tcp/5432 from Internet to 10.0.1.0/24 is allowed by rule 'open' (priority 300)"
    )


def test_the_exposure_is_latent_and_low_while_the_policy_is_about_a_grave_one() -> None:
    finding = READY.evaluate(subnet(group(OPEN)))
    assert (finding.severity, POLICY.severity) == (Severity.LOW, Severity.HIGH)
    assert finding.evidence["exposure"].startswith("latent")
    assert finding.evidence["directions"][0]["exposingRules"] == [{"name": "open", "priority": 300}]
    assert finding.evidence["directions"][0]["portsAllowed"] == [5432]


def test_without_an_nsg_everything_passes_and_nothing_can_be_added() -> None:
    snapshot = subnet(None)
    finding = READY.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    assert READY.plan(finding, snapshot) is None
    assert "no NSG" in finding.evidence["noFixReason"]


@pytest.mark.field(
    "commands",
    "Without an NSG no rule lets anybody in: the finding says so, and its command gives the subnet one.",
    source="https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works",
    date="2026-11-29",
)
@pytest.mark.parametrize("policy", ["nsg-exposes-postgres-to-internet", "nsg-reachable-beyond-clients"])
def test_a_subnet_without_an_nsg_is_told_to_get_one(policy: str) -> None:
    known = find(policy)
    assert known is not None
    bare = subnet(None, servers=())
    found = bound(known, examples(known)).evaluate(bare)
    assert found.reason.endswith("is allowed: the subnet has no NSG")
    (command,) = commands_told(found.evidence)
    assert command.startswith(f"az network vnet subnet update --ids {bare.id} --network-security-group ")
