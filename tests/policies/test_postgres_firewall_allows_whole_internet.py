"""One rule for the whole Internet: found by its range, deleted alone and at once, never as last way in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.controller.rollback import roll_back
from shared.model import (
    Change,
    ComplianceState,
    DeleteFirewallRule,
    EnforcementMode,
    FirewallRule,
    Outcome,
    PublicAccess,
    PutFirewallRule,
    Reason,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.model.edits import apply_to
from shared.policies.public_reach.postgres_firewall_allows_whole_internet import POLICY
from shared.posture.policy import Assessment
from shared.posture.traffic import EVERY_ADDRESS, ServerTraffic
from tests.builders import ALL_AZURE, OFFICE, SERVER, SINGLE, SUBNET, public_server, rule, server
from tests.controller.test_rollback import request_for
from tests.fakes import World

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
WHOLE = rule("AllowAll_2026-11-2_8-0-0", "0.0.0.0", "255.255.255.255")


def opened(*rules: FirewallRule, **parts: Any) -> ServerSnapshot:
    return public_server(firewall_rules=rules, **parts)


def single(snapshot: ServerSnapshot) -> ServerSnapshot:
    return replace(snapshot, kind=TargetKind.SINGLE_SERVER, id=SINGLE, high_availability=None)


def planned(snapshot: ServerSnapshot) -> Change | None:
    return POLICY.plan(POLICY.evaluate(snapshot), snapshot)


# --- what is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AllowAll_2026-11-2_8-0-0", "office", "AllowAllAzureIps", "x"])
@pytest.mark.parametrize("kind", ["flexible", "single"])
def test_the_rule_is_found_by_its_range_whatever_its_name(name: str, kind: str) -> None:
    snapshot = opened(OFFICE, replace(WHOLE, name=name))
    snapshot = snapshot if kind == "flexible" else single(snapshot)
    finding = POLICY.evaluate(snapshot)
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.CRITICAL)
    assert finding.resource_id == snapshot.id.child("firewallRules", name)
    assert finding.reason == f"firewall rule {name!r} (0.0.0.0–255.255.255.255) admits the whole Internet"


def test_a_range_that_leaves_out_only_what_cannot_come_in_is_the_whole_internet_too() -> None:
    assert POLICY.evaluate(opened(rule("trimmed", "1.0.0.0", "223.255.255.255"))).state is NON_COMPLIANT


@pytest.mark.parametrize(
    "innocent",
    [
        ALL_AZURE,
        rule("AllowAll_2026-11-2_8-0-0", "198.51.100.7"),
        rule("half", "0.0.0.0", "127.255.255.255"),
        rule("almost", "1.0.0.1", "255.255.255.255"),
    ],
)
def test_another_range_is_another_matter_whatever_its_name(innocent: FirewallRule) -> None:
    finding = POLICY.evaluate(opened(innocent))
    assert (finding.state, finding.reason) == (COMPLIANT, "no single firewall rule admits the whole Internet")


def test_the_halves_together_are_another_policys_finding() -> None:
    halves = (rule("a", "0.0.0.0", "127.255.255.255"), rule("b", "128.0.0.0", "255.255.255.255"))
    assert POLICY.evaluate(opened(*halves)).state is COMPLIANT


@pytest.mark.parametrize("rules", [(WHOLE,), (OFFICE, WHOLE)])
def test_a_dormant_rule_is_no_finding_here(rules: tuple[FirewallRule, ...]) -> None:
    finding = POLICY.evaluate(server(firewall_rules=rules))
    assert finding.state is COMPLIANT
    assert finding.reason == "public network access is disabled: no firewall rule is in force"


@pytest.mark.parametrize("rules", [None, (), (WHOLE,)])
def test_rules_have_no_effect_on_a_vnet_integrated_server(rules: tuple[FirewallRule, ...] | None) -> None:
    snapshot = public_server(firewall_rules=rules, delegated_subnet=SUBNET)
    assert (POLICY.evaluate(snapshot).state, planned(snapshot)) == (COMPLIANT, None)


@pytest.mark.parametrize("access", PublicAccess)
def test_rules_that_could_not_be_read_are_unknown(access: PublicAccess) -> None:
    snapshot = server(public_access=access, firewall_rules=None)
    finding = POLICY.evaluate(snapshot)
    assert (finding.state, finding.fingerprint, planned(snapshot)) == (UNKNOWN, "", None)
    assert POLICY.suggest(finding, snapshot) == ()


def test_a_rule_that_may_be_in_force_is_the_same_alert_without_a_plan() -> None:
    unsure = opened(WHOLE, public_access=PublicAccess.UNKNOWN)
    finding = POLICY.evaluate(unsure)
    assert finding.state is NON_COMPLIANT
    assert "whether it is in force is unknown" in finding.reason
    assert finding.fingerprint == POLICY.evaluate(opened(WHOLE)).fingerprint
    assert POLICY.plan(finding, unsure) is None
    assert POLICY.suggest(finding, unsure) == (DeleteFirewallRule(server=SERVER, rule=WHOLE),)


def test_the_evidence_separates_the_rule_from_the_others() -> None:
    evidence = POLICY.evaluate(opened(OFFICE, WHOLE)).evidence
    assert [found["name"] for found in evidence["rules"]] == [WHOLE.name]
    assert [other["name"] for other in evidence["otherRules"]] == ["office"]


# --- the change ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flexible", "single"])
def test_the_change_deletes_the_rule_and_only_it(kind: str) -> None:
    snapshot = opened(OFFICE, WHOLE, ALL_AZURE)
    snapshot = snapshot if kind == "flexible" else single(snapshot)
    change = planned(snapshot)
    assert change is not None
    assert change.edits == (DeleteFirewallRule(server=snapshot.id, rule=WHOLE),)
    assert change.inverse == (PutFirewallRule(server=snapshot.id, rule=WHOLE),)
    assert apply_to(snapshot, change) == replace(snapshot, firewall_rules=(OFFICE, ALL_AZURE))


def test_several_such_rules_are_deleted_together_and_restored_in_reverse() -> None:
    again = rule("a", "0.0.0.1", "255.255.255.255")
    change = planned(opened(WHOLE, OFFICE, again))
    assert change is not None
    assert [edit.rule for edit in change.edits if edit.kind == "deleteFirewallRule"] == [again, WHOLE]
    assert [edit.rule for edit in change.inverse if edit.kind == "putFirewallRule"] == [WHOLE, again]


def test_only_what_such_a_rule_admits_now_is_forbidden() -> None:
    assert POLICY.forbidden(opened(OFFICE, WHOLE)) == ServerTraffic(sources=EVERY_ADDRESS)
    assert POLICY.forbidden(opened(OFFICE, ALL_AZURE)) == ServerTraffic()
    assert POLICY.forbidden(server(firewall_rules=(WHOLE,), private_endpoints=())) == ServerTraffic()


# --- who could be cut off --------------------------------------------------------------------------


def test_deleting_is_as_safe_as_the_policy_says() -> None:
    assert POLICY.assess(opened(WHOLE), server()) == Assessment(safety=Safety.AUTO)
    assert POLICY.may_cut_off


# --- the story -------------------------------------------------------------------------------------


def seen(world: World, snapshot: ServerSnapshot) -> None:
    world.look(world.azure.put(snapshot))
    world.drain()


def test_the_rule_is_deleted_at_once_while_others_wait_for_quiet() -> None:
    world = World(settle_seconds=60)
    seen(world, public_server())
    world.event(world.azure.put(opened(OFFICE, WHOLE, ALL_AZURE)))
    world.drain(1)
    assert world.azure.writes == [DeleteFirewallRule(server=SERVER, rule=WHOLE)]


@pytest.mark.parametrize("mode", list(EnforcementMode))
def test_an_inherited_rule_is_an_alert_and_stays(mode: EnforcementMode) -> None:
    world = World(mode=mode)
    seen(world, opened(OFFICE, WHOLE))
    (alert,) = world.store.alerts(policy=POLICY.id)
    assert (alert.decision.reason, alert.severity) == (Reason.INHERITED, Severity.CRITICAL)
    assert world.azure.writes == []


def test_a_rollback_puts_the_rule_back_and_exempts_it_for_a_while() -> None:
    world = World()
    seen(world, public_server())
    world.event(world.azure.put(opened(OFFICE, WHOLE)))
    world.drain(60)
    (change,) = world.store.changes(policy=POLICY.id)
    assert change.outcome is Outcome.REVERTED
    assert world.azure.snapshots[SERVER.key] == opened(OFFICE)
    roll_back(request_for(change), world.deps())
    world.drain(60)
    assert world.azure.snapshots[SERVER.key] == opened(OFFICE, WHOLE)


# --- a rule that was widened -----------------------------------------------------------------------

WIDENED = replace(WHOLE, name="OFFICE")


def restored(snapshot: ServerSnapshot, baseline: ServerSnapshot) -> list[object]:
    assert POLICY.restore is not None
    changes = POLICY.restore(POLICY.evaluate(snapshot), snapshot, baseline)
    return [edit for change in changes for edit in change.edits]


def test_a_rule_that_was_widened_gets_its_former_range_back_and_a_new_one_goes() -> None:
    edits = restored(opened(WIDENED, WHOLE), opened(OFFICE))
    assert edits == [
        DeleteFirewallRule(server=SERVER, rule=WHOLE),
        PutFirewallRule(server=SERVER, rule=OFFICE),
    ]


@pytest.mark.parametrize(
    "former", [(), (replace(ALL_AZURE, name="office"),), (replace(WHOLE, name="office"),)]
)
def test_nothing_is_put_back_that_was_not_there_or_was_no_better(former: tuple[FirewallRule, ...]) -> None:
    assert restored(opened(WIDENED), opened(*former)) == []


def test_a_widened_rule_that_is_the_only_way_in_is_narrowed_and_not_an_alert() -> None:
    world = World()
    world.look(world.azure.put(opened(OFFICE)))
    world.drain()
    world.event(world.azure.put(opened(WIDENED)))
    world.drain(60)
    assert world.azure.writes == [PutFirewallRule(server=SERVER, rule=OFFICE)]
    assert world.store.alerts(policy=POLICY.id) == []
