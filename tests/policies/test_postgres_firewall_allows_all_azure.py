"""Firewall rules that admit all of Azure: found by their range, deleted alone, dormant while closed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.model import (
    Change,
    ComplianceState,
    DeleteFirewallRule,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.model.edits import apply_to
from shared.policies.public_reach.postgres_firewall_allows_all_azure import POLICY
from shared.posture.policy import Assessment
from shared.posture.traffic import ServerTraffic
from tests.builders import ALL_AZURE, OFFICE, SINGLE, SUBNET, public_server, rule, server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
NAMES = (
    "AllowAllAzureIps",
    "AllowAllAzureServicesAndResourcesWithinAzureIps_2026-11-2_8-0-0",
    "AllowAllWindowsAzureIps",
    "office",
    "x",
)


def zeros(name: str) -> FirewallRule:
    return rule(name, "0.0.0.0")


def opened(*rules: FirewallRule, **parts: Any) -> ServerSnapshot:
    return public_server(firewall_rules=rules, **parts)


def single(snapshot: ServerSnapshot) -> ServerSnapshot:
    return replace(snapshot, kind=TargetKind.SINGLE_SERVER, id=SINGLE, high_availability=None)


def planned(snapshot: ServerSnapshot) -> Change | None:
    return POLICY.plan(POLICY.evaluate(snapshot), snapshot)


# --- what is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["flexible", "single"])
def test_the_rule_is_found_by_its_range_whatever_its_name(name: str, kind: str) -> None:
    snapshot = opened(OFFICE, zeros(name))
    snapshot = snapshot if kind == "flexible" else single(snapshot)
    finding = POLICY.evaluate(snapshot)
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.HIGH)
    assert finding.resource_id == snapshot.id.child("firewallRules", name)
    assert finding.reason == f"firewall rule {name!r} (0.0.0.0–0.0.0.0) admits every Azure address"


def test_the_name_and_the_number_of_rules_do_not_make_another_drift() -> None:
    prints = {
        POLICY.evaluate(opened(*rules)).fingerprint
        for rules in [(zeros("a"),), (zeros("b"),), (zeros("a"), zeros("b")), (zeros("a"), OFFICE)]
    }
    assert len(prints) == 1


@pytest.mark.parametrize(
    "innocent",
    [
        rule("AllowAllAzureIps", "198.51.100.7"),
        rule("AllowAllWindowsAzureIps", "0.0.0.0", "255.255.255.255"),
        rule("almost", "0.0.0.0", "0.0.0.1"),
        rule("one", "0.0.0.1"),
    ],
)
def test_another_range_is_another_matter_whatever_its_name(innocent: FirewallRule) -> None:
    finding = POLICY.evaluate(opened(innocent))
    assert (finding.state, finding.reason) == (COMPLIANT, "no firewall rule admits all of Azure")


@pytest.mark.parametrize("access", PublicAccess)
def test_no_rules_is_compliant_whatever_public_access_is(access: PublicAccess) -> None:
    assert POLICY.evaluate(server(public_access=access, firewall_rules=())).state is COMPLIANT


@pytest.mark.parametrize("rules", [None, (), (ALL_AZURE,)])
def test_rules_have_no_effect_on_a_vnet_integrated_server(rules: tuple[FirewallRule, ...] | None) -> None:
    snapshot = public_server(firewall_rules=rules, delegated_subnet=SUBNET)
    assert POLICY.evaluate(snapshot).state is COMPLIANT
    assert planned(snapshot) is None


@pytest.mark.parametrize("access", PublicAccess)
def test_rules_that_could_not_be_read_are_unknown(access: PublicAccess) -> None:
    snapshot = server(public_access=access, firewall_rules=None)
    finding = POLICY.evaluate(snapshot)
    assert (finding.state, finding.reason) == (UNKNOWN, "the firewall rules could not be read")
    assert (finding.fingerprint, planned(snapshot)) == ("", None)
    assert POLICY.suggest(finding, snapshot) == ()


def test_the_evidence_separates_the_rule_from_the_others() -> None:
    evidence = POLICY.evaluate(opened(OFFICE, ALL_AZURE)).evidence
    assert evidence["rules"] == [
        {"name": ALL_AZURE.name, "startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}
    ]
    assert [other["name"] for other in evidence["otherRules"]] == ["office"]
    assert evidence["dormant"] is False


# --- the change ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flexible", "single"])
def test_the_change_deletes_the_rule_and_only_it(kind: str) -> None:
    snapshot = opened(OFFICE, ALL_AZURE)
    snapshot = snapshot if kind == "flexible" else single(snapshot)
    change = planned(snapshot)
    assert change is not None
    assert change.edits == (DeleteFirewallRule(server=snapshot.id, rule=ALL_AZURE),)
    assert change.inverse == (PutFirewallRule(server=snapshot.id, rule=ALL_AZURE),)
    assert apply_to(snapshot, change) == replace(snapshot, firewall_rules=(OFFICE,))


def test_several_such_rules_are_deleted_together_and_restored_in_reverse() -> None:
    one, two, three = zeros("B"), zeros("a"), zeros("c")
    snapshot = opened(one, OFFICE, two, three)
    change = planned(snapshot)
    assert change is not None
    assert [edit.rule for edit in change.edits if edit.kind == "deleteFirewallRule"] == [two, one, three]
    assert [edit.rule for edit in change.inverse if edit.kind == "putFirewallRule"] == [three, one, two]
    assert change.resource_id == POLICY.evaluate(snapshot).resource_id
    reason = POLICY.evaluate(snapshot).reason
    assert reason == "firewall rule 'a', 'B', 'c' (0.0.0.0–0.0.0.0) admits every Azure address"


def test_only_all_of_azure_is_forbidden() -> None:
    assert POLICY.forbidden(opened(OFFICE, ALL_AZURE)) == ServerTraffic(all_azure=True)
    assert POLICY.forbidden(opened(OFFICE)) == ServerTraffic()
    assert POLICY.forbidden(server(firewall_rules=(ALL_AZURE,))) == ServerTraffic()


# --- dormant, and not known to be in force ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["flexible", "single"])
def test_a_dormant_rule_is_an_alert_of_less_weight_with_nothing_to_paste(kind: str) -> None:
    snapshot = server(firewall_rules=(OFFICE, ALL_AZURE))
    snapshot = snapshot if kind == "flexible" else single(snapshot)
    finding = POLICY.evaluate(snapshot)
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.MEDIUM)
    assert finding.reason.endswith("is dormant: it opens with the next enabling")
    assert finding.evidence["dormant"] is True
    assert POLICY.plan(finding, snapshot) is None
    assert POLICY.suggest(finding, snapshot) == ()
    assert finding.evidence["whatToDo"].startswith("with the next enabling")


def test_a_rule_that_may_be_in_force_is_an_alert_without_a_plan() -> None:
    snapshot = opened(ALL_AZURE, public_access=PublicAccess.UNKNOWN)
    finding = POLICY.evaluate(snapshot)
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.HIGH)
    assert "whether it is in force is unknown" in finding.reason
    assert POLICY.plan(finding, snapshot) is None


def test_unsure_counts_as_in_force_so_that_its_alert_stays_and_dormant_is_another_drift() -> None:
    prints = {
        access: POLICY.evaluate(server(public_access=access, firewall_rules=(ALL_AZURE,))).fingerprint
        for access in PublicAccess
    }
    assert prints[PublicAccess.UNKNOWN] == prints[PublicAccess.ENABLED] != prints[PublicAccess.DISABLED]


# --- who could be cut off --------------------------------------------------------------------------


@pytest.mark.parametrize("baseline", [None, server()])
def test_deleting_is_as_safe_as_the_policy_says(baseline: ServerSnapshot | None) -> None:
    assert POLICY.assess(opened(ALL_AZURE, OFFICE), baseline) == Assessment(safety=Safety.AUTO)
    assert POLICY.may_cut_off


def test_the_alert_is_to_name_who_may_depend_on_the_rule() -> None:
    assert POLICY.shows_dependants
