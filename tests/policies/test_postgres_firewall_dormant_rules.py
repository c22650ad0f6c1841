"""Rules that sleep while public access is off: named with what they open again, never written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import (
    ComplianceState,
    PublicAccess,
    Reason,
    ServerSnapshot,
    SetPublicAccess,
    Severity,
    TargetKind,
)
from shared.policies.public_reach.postgres_firewall_dormant_rules import POLICY
from tests.builders import ALL_AZURE, OFFICE, SERVER, SINGLE, SUBNET, public_server, rule, server
from tests.fakes import World

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)


@pytest.mark.parametrize("kind", ["flexible", "single"])
@pytest.mark.parametrize("dormant", [OFFICE, ALL_AZURE, rule("all", "0.0.0.0", "255.255.255.255")])
def test_any_rule_of_a_closed_server_is_dormant(kind: str, dormant: object) -> None:
    closed = server(firewall_rules=(dormant,))
    if kind == "single":
        closed = replace(closed, kind=TargetKind.SINGLE_SERVER, id=SINGLE)
    finding = POLICY.evaluate(closed)
    assert (finding.state, finding.severity, finding.resource_id) == (NON_COMPLIANT, Severity.LOW, closed.id)
    assert finding.reason.endswith("is dormant: it is in force again with the next enabling")
    assert POLICY.plan(finding, closed) is None


def test_the_evidence_says_what_opens_again() -> None:
    halves = (rule("a", "0.0.0.0", "127.255.255.255"), rule("b", "128.0.0.0", "255.255.255.255"))
    evidence = POLICY.evaluate(server(firewall_rules=(*halves, ALL_AZURE))).evidence
    assert evidence["opensAgain"] == ["0.0.0.0-255.255.255.255", "every Azure address"]
    assert evidence["opensWholeInternet"] is True
    assert POLICY.evaluate(server(firewall_rules=(OFFICE,))).evidence["opensWholeInternet"] is False


NOTHING_DORMANT: dict[str, ServerSnapshot] = {
    "no rules": server(),
    "public access is on": public_server(),
    "public access is on, rules unread": public_server(firewall_rules=None),
    "VNet-integrated": server(firewall_rules=(OFFICE,), delegated_subnet=SUBNET),
    "no rules, public access unknown": server(public_access=PublicAccess.UNKNOWN),
}


@pytest.mark.parametrize("snapshot", NOTHING_DORMANT.values(), ids=NOTHING_DORMANT.keys())
def test_nothing_is_dormant_where_nothing_could_open_again(snapshot: ServerSnapshot) -> None:
    finding = POLICY.evaluate(snapshot)
    assert (finding.state, finding.fingerprint) == (COMPLIANT, "")
    assert finding.evidence["opensAgain"] == []


def test_what_is_not_known_is_unknown() -> None:
    assert POLICY.evaluate(server(firewall_rules=None)).state is UNKNOWN
    unsure = POLICY.evaluate(public_server(public_access=PublicAccess.UNKNOWN))
    assert (unsure.state, unsure.fingerprint) == (UNKNOWN, "")


def test_the_deletions_wait_for_the_next_enabling_and_nothing_is_printed_to_be_pasted() -> None:
    closed = server(firewall_rules=(OFFICE, ALL_AZURE))
    finding = POLICY.evaluate(closed)
    assert POLICY.suggest(finding, closed) == ()
    assert finding.evidence["whatToDo"].startswith("with the next enabling")
    assert POLICY.no_command


def test_rules_that_go_dormant_do_not_keep_public_access_from_being_closed_and_are_told() -> None:
    world = World()
    world.look(world.azure.put(server()))
    world.drain()
    world.event(world.azure.put(public_server()))
    world.drain(60)
    assert world.azure.writes == [SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED)]
    (closed,) = world.store.changes()
    (step,) = [step for step in closed.proof.steps if "no other policy" in step.claim]
    assert step.holds
    assert POLICY.id in step.detail
    (alert,) = world.store.alerts(policy=POLICY.id)
    assert (alert.decision.reason, alert.severity) == (Reason.NO_PLAN, Severity.LOW)
