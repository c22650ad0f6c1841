"""A rollback exempts the edits that it undid and nothing else, and every other drift is judged as ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.controller.rollback import RollbackRequest, roll_back
from shared.guardrails.rolled_back import leaving_alone, standing_edits
from shared.model import (
    Access,
    Actor,
    Change,
    ComplianceState,
    DeleteFirewallRule,
    DeleteSecurityRule,
    EnforcementMode,
    Outcome,
    Proof,
    ProofStep,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SetParameter,
    SetPublicAccess,
)
from shared.model.codec import dump, load
from shared.model.memory import Exemption, TargetRecord
from shared.policies import find
from shared.posture.policy import bound
from tests.builders import (
    ALL_AZURE,
    NSG,
    OFFICE,
    PARAMETERS,
    SERVER,
    public_server,
    rule,
    security_rule,
    server,
    subnet,
)
from tests.controller.test_reconcile import drift, seen_compliant, there
from tests.fakes import START, World

INTERNET = "postgres-firewall-allows-whole-internet"
A = rule("a", "1.0.0.0", "223.255.255.255")
B = rule("b", "0.0.0.0", "255.255.255.255")
JANE = Actor(name="Jane Doe", object_id="jane-object")


def rolled_back(policy: str = INTERNET, *wide: Any) -> World:
    """Rule a was deleted by us, and put back for four hours."""
    world = World()
    seen_compliant(world, public_server())
    drift(world, public_server(firewall_rules=(OFFICE, *(wide or (A,)))))
    change = world.store.changes(policy=policy)[0]
    request = RollbackRequest(
        change_id=change.id, actor=JANE, reason="until noon", expires_at=START + timedelta(hours=4)
    )
    roll_back(request, world.deps())
    world.drain(30)
    assert there(world) == public_server(firewall_rules=(OFFICE, *(wide or (A,))))
    world.azure.writes.clear()
    return world


def test_what_was_put_back_is_left_alone() -> None:
    world = rolled_back()
    world.event(public_server().target)
    (result, *_) = world.drain(30)
    assert world.azure.writes == []
    found = {finding.policy: finding.state for finding in result.findings}
    assert found[INTERNET] is ComplianceState.EXEMPT


@pytest.mark.field(
    "brakes",
    "A rollback exempts the rule that it put back: another hole of the same kind is reverted, and it alone",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_another_rule_of_the_same_kind_is_deleted_and_the_one_that_was_put_back_stays() -> None:
    world = rolled_back()
    drift(world, public_server(firewall_rules=(OFFICE, A, B)))
    assert world.azure.writes == [DeleteFirewallRule(server=SERVER, rule=B)]
    assert there(world) == public_server(firewall_rules=(OFFICE, A))
    newest = world.store.changes(policy=INTERNET)[0]
    assert newest.outcome is Outcome.REVERTED
    assert [step.claim for step in newest.proof.steps][-1] == "what was rolled back is left alone"
    world.event(public_server().target)
    world.drain(30)
    assert len(world.azure.writes) == 1


def test_a_rule_of_the_same_name_that_is_wider_is_not_what_was_put_back() -> None:
    world = rolled_back()
    wider = rule("a", "0.0.0.1", "223.255.255.255")
    drift(world, public_server(firewall_rules=(OFFICE, wider)))
    assert world.azure.writes == [DeleteFirewallRule(server=SERVER, rule=wider)]


def test_a_rule_that_became_narrower_is_still_what_was_put_back() -> None:
    world = rolled_back()
    drift(world, public_server(firewall_rules=(OFFICE, rule("a", "1.0.0.0", "223.255.255.0"))))
    assert world.azure.writes == []


def test_every_azure_address_is_no_narrower_range() -> None:
    exempt = Change(
        policy=INTERNET,
        target=server().target,
        edits=(DeleteFirewallRule(server=SERVER, rule=rule("a", "0.0.0.0", "255.255.255.255")),),
        inverse=(PutFirewallRule(server=SERVER, rule=rule("a", "0.0.0.0", "255.255.255.255")),),
    )
    azure = public_server(firewall_rules=(replace(ALL_AZURE, name="A"),))
    assert standing_edits(azure, [exempt]) == ()
    narrow = public_server(firewall_rules=(rule("A", "10.0.0.0", "10.0.0.9"),))
    assert standing_edits(narrow, [exempt]) == exempt.edits
    assert standing_edits(public_server(firewall_rules=None), [exempt]) == ()
    assert standing_edits(subnet(), [exempt]) == ()


def test_an_exemption_of_an_older_record_exempts_from_the_whole_policy_until_it_ends() -> None:
    world = World()
    seen_compliant(world, public_server())
    target = public_server().target
    record = world.store.recall(target, START)
    old = Exemption(
        policy=INTERNET, reason="before the upgrade", approver="jane", expires_at=START + timedelta(hours=1)
    )
    world.store.save(replace(record, exemptions=(old,)))
    drift(world, public_server(firewall_rules=(OFFICE, A, B)))
    assert world.azure.writes == []
    world.clock.advance(3600)
    drift(world, public_server(firewall_rules=(OFFICE, A, B)))
    assert {edit.rule.name for edit in world.azure.writes if isinstance(edit, DeleteFirewallRule)} == {
        "a",
        "b",
    }


def test_an_exposure_beside_what_was_put_back_runs_its_clock_and_what_was_put_back_does_not() -> None:
    world = rolled_back()
    world.event(public_server().target)
    world.drain(5)
    memory = world.store.recall(public_server().target, START).memories[INTERNET]
    assert not memory.exposure.is_open
    world.mode = EnforcementMode.AUDIT
    drift(world, public_server(firewall_rules=(OFFICE, A, B)), seconds=2)
    memory = world.store.recall(public_server().target, START).memories[INTERNET]
    assert memory.exposure.is_open


# --- rules of an NSG -------------------------------------------------------------------------------


ALLOW = replace(security_rule("x", 300), access=Access.ALLOW)


def nsg_change(edit: Any, undo: Any) -> Change:
    return Change(policy="p", target=subnet().target, edits=(edit,), inverse=(undo,))


def test_what_stands_of_a_rolled_back_security_rule() -> None:
    put, delete = PutSecurityRule(nsg=NSG, rule=ALLOW), DeleteSecurityRule(nsg=NSG, rule=ALLOW)
    added, deleted = nsg_change(put, delete), nsg_change(delete, put)
    assert standing_edits(subnet(), [added]) == (put,), "it was taken away again"
    assert standing_edits(subnet(ALLOW), [added]) == ()
    assert standing_edits(subnet(replace(ALLOW, name="other")), [added]) == (), "its place is taken"
    assert standing_edits(subnet(replace(ALLOW, etag="new")), [deleted]) == (delete,)
    assert standing_edits(subnet(replace(ALLOW, sources=("*",), priority=299)), [deleted]) == ()
    assert standing_edits(subnet(), [deleted]) == ()


def test_what_stands_of_settings() -> None:
    shut = Change(
        policy="p",
        target=server().target,
        edits=(
            SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED),
            SetParameter(server=SERVER, name="log_duration", value="on"),
        ),
        inverse=(
            SetParameter(server=SERVER, name="log_duration", value="off"),
            SetPublicAccess(server=SERVER, access=PublicAccess.ENABLED),
        ),
    )
    assert standing_edits(public_server(parameters=PARAMETERS), [shut]) == shut.edits[:1]
    assert standing_edits(server(), [shut]) == ()


def test_a_change_that_would_touch_what_was_rolled_back_is_not_proved() -> None:
    found = find(INTERNET)
    assert found is not None
    found = bound(found, {})
    proof = Proof(steps=(ProofStep(claim="as if it were made", holds=True),))
    delete_a = Change(
        policy=INTERNET,
        target=server().target,
        edits=(DeleteFirewallRule(server=SERVER, rule=A),),
        inverse=(PutFirewallRule(server=SERVER, rule=A),),
    )
    there_now = public_server(firewall_rules=(OFFICE, A))
    alone = standing_edits(there_now, [delete_a])
    again = leaving_alone(proof, delete_a, there_now, alone, (found, ()))
    assert again.failures[-1].detail == "writes a, which was rolled back"
    shut = replace(
        delete_a,
        policy="postgres-public-access-enabled",
        edits=(SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED),),
        inverse=(SetPublicAccess(server=SERVER, access=PublicAccess.ENABLED),),
    )
    closing = find("postgres-public-access-enabled")
    assert closing is not None
    cut_off = leaving_alone(proof, shut, there_now, alone, (bound(closing, {}), ()))
    assert "cuts off whom the rollback lets in: 1.0.0.0-" in cut_off.failures[-1].detail


def test_memory_without_the_change_is_still_read() -> None:
    record = TargetRecord(
        target=server().target,
        first_seen=START,
        exemptions=(Exemption(policy=INTERNET, reason="r", approver="a", expires_at=START),),
    )
    assert load(TargetRecord, dump(record).replace('"rolledBack":null,', "")) == record
