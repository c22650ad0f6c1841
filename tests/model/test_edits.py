"""Edits applied in memory: what each does, that it does nothing else, and what does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import (
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    ServerSnapshot,
    SetPublicAccess,
    Snapshot,
    SubnetSnapshot,
    TargetKind,
    edited_resource,
)
from shared.model.edits import EditDoesNotFit, apply_edit, apply_edits, apply_to, normalised
from shared.model.resource_id import ResourceId
from tests.builders import (
    ALL_AZURE,
    NSG,
    OFFICE,
    SERVER,
    SUBNET,
    public_server,
    rule,
    security_rule,
    server,
    subnet,
)
from tests.strategies import respelled, servers, snapshots, subnets

CLOSE = SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED)
DENY = security_rule("deny-all", 4000)
ALLOW = security_rule("allow", 3999)


def rules_of(snapshot: Snapshot) -> tuple[object, ...]:
    if isinstance(snapshot, ServerSnapshot):
        assert snapshot.firewall_rules is not None
        return snapshot.firewall_rules
    assert snapshot.security_group is not None
    return snapshot.security_group.rules


# --- what each edit does ---------------------------------------------------------------------------


def test_setting_public_access_sets_it_and_nothing_else() -> None:
    before = public_server()
    after = apply_edit(before, CLOSE)
    assert after == replace(before, public_access=PublicAccess.DISABLED, public_access_text="Disabled")


def test_a_firewall_rule_is_added_replaced_by_name_and_deleted() -> None:
    before = public_server(firewall_rules=(OFFICE,))
    guest = rule("guest", "203.0.113.7")
    moved = rule("OFFICE", "203.0.113.8")
    assert rules_of(apply_edit(before, PutFirewallRule(server=SERVER, rule=guest))) == (OFFICE, guest)
    assert rules_of(apply_edit(before, PutFirewallRule(server=SERVER, rule=moved))) == (moved,)
    assert rules_of(apply_edit(before, DeleteFirewallRule(server=SERVER, rule=moved))) == ()


def test_a_security_rule_is_added_replaced_by_name_and_deleted() -> None:
    before = subnet(DENY)
    other = replace(DENY, name="DENY-ALL", priority=100)
    assert rules_of(apply_edit(before, PutSecurityRule(nsg=NSG, rule=ALLOW))) == (DENY, ALLOW)
    assert rules_of(apply_edit(before, PutSecurityRule(nsg=NSG, rule=other))) == (other,)
    assert rules_of(apply_edit(before, DeleteSecurityRule(nsg=NSG, rule=other))) == ()


def test_replacing_a_rule_leaves_it_in_its_place() -> None:
    before = public_server(firewall_rules=(ALL_AZURE, OFFICE))
    edit = PutFirewallRule(server=SERVER, rule=rule(ALL_AZURE.name, "203.0.113.7"))
    assert rules_of(apply_edit(before, edit)) == (edit.rule, OFFICE)


def test_edits_are_applied_in_order() -> None:
    guest, moved = rule("guest", "203.0.113.7"), rule("guest", "203.0.113.8")
    edits: tuple[Edit, ...] = (
        PutFirewallRule(server=SERVER, rule=guest),
        PutFirewallRule(server=SERVER, rule=moved),
        DeleteFirewallRule(server=SERVER, rule=OFFICE),
    )
    before = public_server(firewall_rules=(OFFICE,))
    assert rules_of(apply_edits(before, edits)) == (moved,)
    change = Change(policy="p", target=before.target, edits=edits, inverse=())
    assert apply_to(before, change) == apply_edits(before, edits)
    assert apply_edits(before, ()) is before


def test_an_id_in_another_letter_case_is_the_same_resource() -> None:
    shouted = ResourceId(str(SERVER).upper())
    assert isinstance(after := apply_edit(public_server(), replace(CLOSE, server=shouted)), ServerSnapshot)
    assert after.public_access is PublicAccess.DISABLED
    assert after.id.key == SERVER.key
    assert rules_of(apply_edit(subnet(), PutSecurityRule(nsg=ResourceId(str(NSG).lower()), rule=DENY))) == (
        DENY,
    )


@pytest.mark.parametrize(
    ("edit", "written"),
    [
        (CLOSE, str(SERVER)),
        (PutFirewallRule(server=SERVER, rule=OFFICE), f"{SERVER}/firewallRules/office"),
        (DeleteFirewallRule(server=SERVER, rule=OFFICE), f"{SERVER}/firewallRules/office"),
        (PutSecurityRule(nsg=NSG, rule=DENY), f"{NSG}/securityRules/deny-all"),
        (DeleteSecurityRule(nsg=NSG, rule=DENY), f"{NSG}/securityRules/deny-all"),
    ],
)
def test_an_edit_writes_the_smallest_resource_there_is(edit: Edit, written: str) -> None:
    assert str(edited_resource(edit)) == written


# --- what does not fit -----------------------------------------------------------------------------

OTHER_SERVER, OTHER_NSG = ResourceId(f"{SERVER}-2"), ResourceId(f"{NSG}-2")
MISFITS: list[tuple[Snapshot, Edit, str]] = [
    (public_server(), replace(CLOSE, server=OTHER_SERVER), "setPublicAccess is for"),
    (subnet(), CLOSE, "setPublicAccess is for"),
    (public_server(), PutSecurityRule(nsg=NSG, rule=DENY), "which"),
    (subnet(), PutSecurityRule(nsg=OTHER_NSG, rule=DENY), "does not use"),
    (subnet(security_group=None), PutSecurityRule(nsg=NSG, rule=DENY), "does not use"),
    (subnet(), DeleteSecurityRule(nsg=NSG, rule=DENY), "there is no rule 'deny-all'"),
    (server(firewall_rules=()), DeleteFirewallRule(server=SERVER, rule=OFFICE), "there is no rule 'office'"),
    (server(firewall_rules=None), PutFirewallRule(server=SERVER, rule=OFFICE), "were not read"),
]


@pytest.mark.parametrize(("snapshot", "edit", "said"), MISFITS)
def test_an_edit_that_does_not_fit_is_refused_in_words(snapshot: Snapshot, edit: Edit, said: str) -> None:
    with pytest.raises(EditDoesNotFit, match=said):
        apply_edit(snapshot, edit)


# --- properties ------------------------------------------------------------------------------------


@given(servers(TargetKind.FLEXIBLE_SERVER))
def test_putting_a_new_rule_and_deleting_it_restores_a_server(before: ServerSnapshot) -> None:
    if before.firewall_rules is None:
        return
    fresh = rule("not-there-yet", "203.0.113.7")
    put, delete = (
        PutFirewallRule(server=before.id, rule=fresh),
        DeleteFirewallRule(server=before.id, rule=fresh),
    )
    assert apply_edits(before, (put, delete)) == before


@given(subnets(), st.data())
def test_deleting_a_security_rule_and_putting_it_restores_the_meaning(
    before: SubnetSnapshot, data: st.DataObject
) -> None:
    group = before.security_group
    if group is None or not group.rules:
        return
    taken: SecurityRule = data.draw(st.sampled_from(group.rules))
    edits = (DeleteSecurityRule(nsg=group.id, rule=taken), PutSecurityRule(nsg=group.id, rule=taken))
    assert normalised(apply_edits(before, edits)) == normalised(before)


@given(st.sampled_from(TargetKind).flatmap(snapshots), st.data())
def test_the_normal_form_is_one_for_every_order_of_rules(snapshot: Snapshot, data: st.DataObject) -> None:
    again = normalised(snapshot)
    assert normalised(again) == again
    if isinstance(snapshot, ServerSnapshot):
        rules = data.draw(st.permutations(snapshot.firewall_rules or ()).map(tuple))
        other = replace(snapshot, firewall_rules=None if snapshot.firewall_rules is None else rules)
        assert normalised(other) == again
    elif (group := snapshot.security_group) is not None:
        shuffled = data.draw(st.permutations(group.rules).map(tuple))
        assert normalised(replace(snapshot, security_group=replace(group, rules=shuffled))) == again


@given(servers(TargetKind.SINGLE_SERVER), st.data())
def test_the_normal_form_is_one_for_every_spelling_of_public_access(
    snapshot: ServerSnapshot, data: st.DataObject
) -> None:
    other = data.draw(respelled(snapshot))
    assert isinstance(other, ServerSnapshot)
    same = replace(snapshot, public_access_text=other.public_access_text)
    known = snapshot.public_access is not PublicAccess.UNKNOWN
    assert (normalised(same) == normalised(snapshot)) or not known


def test_the_normal_form_keeps_what_differs_in_meaning() -> None:
    assert normalised(public_server(firewall_rules=())) != normalised(public_server(firewall_rules=None))
    assert normalised(public_server()) != normalised(server(firewall_rules=(OFFICE,)))
    assert normalised(subnet(DENY)) != normalised(subnet(replace(DENY, priority=100)))
    assert normalised(subnet(DENY, id=SUBNET)) == normalised(subnet(DENY))
