"""What the policy would put back of the last compliant reading, and what it leaves to its plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import (
    Access,
    Change,
    DeleteSecurityRule,
    PutSecurityRule,
    SecurityGroup,
    SecurityRule,
    SubnetSnapshot,
)
from shared.model.edits import apply_edits, apply_to
from shared.model.resource_id import ResourceId
from shared.nsg import changed
from shared.policies.nsg import nsg_blocks_postgres_in_subnet as module
from shared.posture.policy import bound
from shared.posture.subnet_restoring import MOST_RESTORED
from tests.nsg.builders import NSG_ID, OUT, allow, deny, group, subnet

POLICY = bound(module.POLICY, {})
WITHIN = replace(
    allow("within", 150, "10.0.1.0/24 > 10.0.1.0/24", "5432,6432"), description="primary and standby"
)
WITHIN_OUT = replace(WITHIN, name="within-out", direction=OUT)
DENY_IN = deny("deny-all", 200, protocol="*")
DENY_OUT = deny("deny-all-out", 200, protocol="*", direction=OUT)
BEFORE = group(WITHIN, DENY_IN)


def former(now: SecurityGroup, before: SecurityGroup | None = BEFORE) -> tuple[Change, ...]:
    assert POLICY.restore is not None
    snapshot = subnet(now)
    return POLICY.restore(POLICY.evaluate(snapshot), snapshot, subnet(before))


def rules_of(change: Change) -> list[SecurityRule]:
    return [edit.rule for edit in change.edits if isinstance(edit, PutSecurityRule)]


def test_a_deleted_rule_is_put_back_with_its_name_priority_and_description() -> None:
    (change,) = former(group(DENY_IN), group(replace(WITHIN, etag='W/"1"'), DENY_IN))
    assert change.edits == (PutSecurityRule(nsg=NSG_ID, rule=WITHIN),)
    assert change.inverse == (DeleteSecurityRule(nsg=NSG_ID, rule=WITHIN),)
    assert POLICY.evaluate(apply_to(subnet(group(DENY_IN)), change)).state == "Compliant"


EDITED = {
    "turned into a deny": replace(WITHIN, access=Access.DENY),
    "moved behind the deny": replace(WITHIN, priority=300),
    "narrowed": replace(WITHIN, destination_ports=("6432",), description="for PgBouncer", etag='W/"2"'),
    "spelled otherwise and moved": replace(WITHIN, name="WITHIN", priority=300),
}


@pytest.mark.parametrize("edited", EDITED.values(), ids=EDITED.keys())
def test_an_edited_rule_is_replaced_and_the_inverse_brings_the_edit_back(edited: SecurityRule) -> None:
    now = group(edited, DENY_IN)
    (change,) = former(now)
    after = apply_to(subnet(now), change)
    assert after == subnet(BEFORE)
    assert apply_edits(after, change.inverse) == subnet(now)


def test_the_box_is_the_question_and_not_what_the_rule_let_pass() -> None:
    wide = replace(WITHIN, sources=("10.0.0.0/8",), destination_ports=("*",))
    (change,) = former(group(DENY_IN), group(wide, DENY_IN))
    (planned,) = [POLICY.plan(POLICY.evaluate(subnet(group(DENY_IN))), subnet(group(DENY_IN)))]
    assert planned is not None
    assert change.box == planned.box
    assert rules_of(change) == [wide]


def test_each_rule_is_tried_alone_before_all_of_them_together() -> None:
    changes = former(group(DENY_OUT, DENY_IN), group(WITHIN_OUT, WITHIN, DENY_IN, DENY_OUT))
    assert [rules_of(change) for change in changes] == [[WITHIN], [WITHIN_OUT], [WITHIN, WITHIN_OUT]]
    both = apply_to(subnet(group(DENY_OUT, DENY_IN)), changes[-1])
    assert POLICY.evaluate(both).state == "Compliant"


def test_only_rules_that_let_packets_of_a_blocked_direction_pass_are_put_back() -> None:
    shadowed = allow("shadowed", 160, "10.0.1.0/24 > 10.0.1.0/24", "5432")
    elsewhere = allow("elsewhere", 140, "10.0.2.0/24 > 10.0.1.0/24", "5432")
    changes = former(group(DENY_IN), group(WITHIN, WITHIN_OUT, shadowed, elsewhere, DENY_IN))
    assert [rules_of(change) for change in changes] == [[WITHIN]]


NOT_RESTORED: dict[str, tuple[SecurityGroup, SecurityGroup | None]] = {
    "nothing is gone, a deny was added": (group(WITHIN, deny("new", 120), DENY_IN), BEFORE),
    "only the description differs": (
        group(replace(WITHIN, description=""), deny("new", 120), DENY_IN),
        BEFORE,
    ),
    "the rule has another name now": (
        group(replace(WITHIN, name="renamed"), deny("new", 120), DENY_IN),
        BEFORE,
    ),
    "another rule has the priority now": (group(deny("taken", 150), DENY_IN), BEFORE),
    "the name stands for another direction now": (group(replace(WITHIN, direction=OUT), DENY_IN), BEFORE),
    "there was another NSG": (group(DENY_IN), replace(BEFORE, id=ResourceId(f"{NSG_ID}-2"))),
    "there was no NSG": (group(DENY_IN), None),
    "what was read then cannot be read": (group(DENY_IN), group(WITHIN, deny("twin", 150))),
    "nothing is wrong": (group(), BEFORE),
}


@pytest.mark.parametrize(("now", "before"), NOT_RESTORED.values(), ids=NOT_RESTORED.keys())
def test_otherwise_nothing_is_restored(now: SecurityGroup, before: SecurityGroup | None) -> None:
    assert former(now, before) == ()


def test_the_priority_of_a_rule_in_the_other_direction_takes_no_room() -> None:
    (change,) = former(group(deny("outbound", 150, "10.9.0.0/16 > *", direction=OUT), DENY_IN))
    assert rules_of(change) == [WITHIN]


def test_where_many_rules_are_gone_the_plan_is_the_smaller_change() -> None:
    def ports(count: int) -> list[SecurityRule]:
        ends = "10.0.1.0/24 > 10.0.1.0/24"
        return [allow(f"port-{n}", 100 + n, ends, str(5000 + n)) for n in range(count)]

    policy = bound(module.POLICY, {"ports": [5000 + n for n in range(9)]})
    assert policy.restore is not None
    snapshot = subnet(group(DENY_IN))
    finding = policy.evaluate(snapshot)
    few, many = (subnet(group(*ports(n), DENY_IN)) for n in (MOST_RESTORED, MOST_RESTORED + 1))
    assert len(policy.restore(finding, snapshot, few)) == MOST_RESTORED + 1
    assert policy.restore(finding, snapshot, many) == ()


def test_what_is_put_back_is_what_was_there_packet_by_packet() -> None:
    (change,) = former(group(DENY_IN))
    after = apply_to(subnet(group(DENY_IN)), change)
    assert isinstance(after, SubnetSnapshot)
    assert not changed(after.security_group, BEFORE).parts
