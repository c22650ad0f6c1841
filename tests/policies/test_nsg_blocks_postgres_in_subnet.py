"""The policy that finds PostgreSQL blocked inside its own subnet: findings, changes and their laws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from shared.model import (
    Change,
    ComplianceState,
    Finding,
    Kind,
    PutSecurityRule,
    Safety,
    SecurityGroup,
    SecurityRule,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.edits import apply_edits, apply_to
from shared.nsg import changed, outside
from shared.policies.nsg import nsg_blocks_postgres_in_subnet as module
from shared.posture.policy import Assessment, bound
from shared.posture.traffic import SubnetTraffic
from tests.nsg.builders import (
    DELEGATION,
    NSG_ID,
    OUT,
    SUBNET_ID,
    allow,
    deny,
    group,
    subnet,
)
from tests.nsg.strategies import groups

POLICY = bound(module.POLICY, {})
APP = allow("AllowApp", 100, "10.0.2.0/24 > 10.0.1.0/24", "5432")
DENY_ALL = deny("deny-all", 200, protocol="*")
COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)


def found(snapshot: SubnetSnapshot) -> Finding:
    return POLICY.evaluate(snapshot)


def planned(snapshot: SubnetSnapshot) -> Change | None:
    return POLICY.plan(found(snapshot), snapshot)


def must_pass(snapshot: SubnetSnapshot) -> SubnetTraffic:
    traffic = POLICY.forbidden(snapshot)
    assert isinstance(traffic, SubnetTraffic)
    return traffic


def put_rules(change: Change | None) -> list[SecurityRule]:
    assert change is not None
    return [edit.rule for edit in change.edits if isinstance(edit, PutSecurityRule)]


def first_direction(finding: Finding) -> Mapping[str, Any]:
    directions: list[Mapping[str, Any]] = finding.evidence["directions"]
    return directions[0]


def test_a_deny_all_behind_the_apps_allow_is_found_and_named() -> None:
    finding = found(subnet(group(APP, DENY_ALL)))
    assert finding.state is NON_COMPLIANT
    assert finding.reason == (
        "inbound tcp/5432,6432 from 10.0.1.0/24 to itself is denied by rule 'deny-all' (priority 200)"
    )
    assert finding.resource_id == NSG_ID
    assert finding.fingerprint == "Inbound/IPv4:5432,6432"


def test_the_evidence_shows_a_packet_and_the_rules_and_is_json() -> None:
    finding = found(subnet(group(APP, DENY_ALL, subnets=(SUBNET_ID, SUBNET_ID.child("x", "y")))))
    evidence = json.loads(json.dumps(finding.evidence))
    assert evidence["directions"][0] == {
        "direction": "Inbound",
        "family": "IPv4",
        "verdict": "denied",
        "portsDenied": [5432, 6432],
        "blockingRules": [{"name": "deny-all", "priority": 200}],
        "witness": {
            "protocol": "Tcp",
            "source": "10.0.1.4",
            "sourcePort": 49152,
            "destination": "10.0.1.5",
            "destinationPort": 5432,
            "rule": "deny-all",
        },
        "dependsOn": [],
    }
    assert evidence["directions"][1]["verdict"] == "allowed"
    assert evidence["nsgId"] == str(NSG_ID)
    assert evidence["sharedWith"] == [f"{SUBNET_ID}/x/y"]
    assert evidence["noFixReason"] is None


def test_a_deny_of_one_port_says_that_port_and_a_partial_one_says_partly() -> None:
    one = found(subnet(group(deny("no", 300, ports="6432", direction=OUT))))
    assert one.reason == (
        "outbound tcp/6432 from 10.0.1.0/24 to itself is denied by rule 'no' (priority 300)"
    )
    part = found(subnet(group(deny("no", 300, "10.0.1.7 > *", "5432"))))
    assert "is partly denied by rule 'no'" in part.reason


@pytest.mark.parametrize(
    ("snapshot", "state", "said"),
    [
        (
            subnet(group(APP)),
            COMPLIANT,
            "tcp/5432,6432 from 10.0.1.0/24 to itself passes inbound and outbound",
        ),
        (subnet(None), COMPLIANT, "has no NSG"),
        (subnet(group(DENY_ALL), delegations=()), COMPLIANT, "not delegated"),
        (subnet(group(DENY_ALL), delegations=("Microsoft.Web/serverFarms",)), COMPLIANT, "not delegated"),
        (subnet(group(DENY_ALL), delegations=(DELEGATION.upper(),)), NON_COMPLIANT, "deny-all"),
        (subnet(group(DENY_ALL), updating=True), UNKNOWN, "look again"),
        (subnet(group(DENY_ALL), updating=True, delegations=()), UNKNOWN, "look again"),
        (subnet(replace(group(APP), updating=True)), UNKNOWN, "look again"),
        (replace(subnet(group(DENY_ALL)), prefixes=()), UNKNOWN, "prefixes"),
        (subnet(group(deny("no", 200, "CorpNetSaw > *"))), UNKNOWN, "depends on what 'CorpNetSaw' holds"),
        (subnet(group(deny("no", 200, " > *", groups=(["web"], [])))), UNKNOWN, "'web'"),
        (subnet(group(deny("no", 200, protocol="Gre"))), UNKNOWN, "unknown protocol 'Gre'"),
        (subnet(group(DENY_ALL, allow("twin", 200))), UNKNOWN, "share priority 200"),
        (subnet(group(deny("no", 200, "Storage.WestEurope > *"))), COMPLIANT, "passes"),
        (subnet(group(deny("no", 200, protocol="Icmp"))), COMPLIANT, "passes"),
        (subnet(group(deny("no", 200, "Internet > *"))), COMPLIANT, "passes"),
    ],
)
def test_states_and_their_reasons(snapshot: SubnetSnapshot, state: ComplianceState, said: str) -> None:
    finding = found(snapshot)
    assert finding.state is state
    assert said in finding.reason
    assert bool(finding.fingerprint) is (state is NON_COMPLIANT)


def test_a_sure_denial_outweighs_what_is_open() -> None:
    assert (
        found(subnet(group(deny("a", 200, "CorpNet > *", "5432"), deny("b", 300, ports="6432")))).state
        is NON_COMPLIANT
    )


def test_the_change_adds_one_rule_for_the_blocked_direction_alone() -> None:
    snapshot = subnet(group(APP, DENY_ALL))
    change = planned(snapshot)
    (rule,) = put_rules(change)
    assert (rule.name, rule.priority, rule.direction) == (
        "driftward-postgres-db-inbound-ipv4",
        199,
        "Inbound",
    )
    assert rule.sources == rule.destinations == ("10.0.1.0/24",)
    assert rule.destination_ports == ("5432", "6432")
    assert change is not None
    assert [box.direction for box in change.box] == ["Inbound"]


def test_both_directions_and_families_are_let_through_by_a_rule_each() -> None:
    both = group(DENY_ALL, deny("deny-out", 4096, protocol="*", direction=OUT))
    change = planned(subnet(both, "10.0.1.0/24", "fd00:1::/64"))
    assert [(r.direction, r.priority, r.sources) for r in put_rules(change)] == [
        ("Inbound", 199, ("10.0.1.0/24",)),
        ("Inbound", 198, ("fd00:1::/64",)),
        ("Outbound", 4095, ("10.0.1.0/24",)),
        ("Outbound", 4094, ("fd00:1::/64",)),
    ]


def test_without_room_there_is_no_plan_and_the_evidence_says_what_to_renumber() -> None:
    snapshot = subnet(group(deny("wall", 100)))
    finding = found(snapshot)
    assert finding.state is NON_COMPLIANT
    assert "move 'wall' from 100 to 101" in finding.evidence["noFixReason"]
    assert POLICY.plan(finding, snapshot) is None


def test_a_denial_beside_an_open_question_is_suggested_but_not_planned() -> None:
    snapshot = subnet(group(DENY_ALL, deny("maybe", 300, "CorpNet > *", direction=OUT)))
    finding = found(snapshot)
    assert finding.state is NON_COMPLIANT
    assert POLICY.plan(finding, snapshot) is None
    assert "outbound tcp/5432,6432" in finding.evidence["noFixReason"]
    assert "'CorpNet'" in finding.evidence["noFixReason"]
    assert [edit.kind for edit in POLICY.suggest(finding, snapshot)] == ["putSecurityRule"]


def test_where_there_is_a_plan_the_suggestion_is_the_same_and_where_nothing_is_wrong_there_is_none() -> None:
    snapshot = subnet(group(APP, DENY_ALL))
    change = planned(snapshot)
    assert change is not None
    assert POLICY.suggest(found(snapshot), snapshot) == change.edits
    assert not POLICY.suggest(found(subnet(group())), subnet(group()))
    assert not POLICY.suggest(found(subnet(group(deny("wall", 100)))), subnet(group(deny("wall", 100))))


def test_renaming_and_moving_the_deny_leaves_the_fingerprint() -> None:
    one = found(subnet(group(APP, DENY_ALL)))
    other = found(subnet(group(replace(DENY_ALL, name="block", priority=3000), APP)))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    ("servers", "needed"),
    [
        (None, "unknown"),
        ((), "recommended"),
        ((SubnetServer(id=SUBNET_ID, high_availability=True, pgbouncer=None),), "required"),
        ((SubnetServer(id=SUBNET_ID, high_availability=False, pgbouncer=True),), "required"),
        ((SubnetServer(id=SUBNET_ID, high_availability=False, pgbouncer=False),), "recommended"),
        ((SubnetServer(id=SUBNET_ID, high_availability=False),), "unknown"),
    ],
)
def test_the_evidence_says_whether_6432_matters(
    servers: tuple[SubnetServer, ...] | None, needed: str
) -> None:
    matters = found(subnet(group(DENY_ALL), servers=servers)).evidence["whether6432Matters"]
    assert matters["port6432"] == needed
    assert "5432 is always required" in matters["rule"]


def test_the_ports_are_a_parameter_and_are_checked() -> None:
    only = bound(module.POLICY, {"ports": [5432]})
    assert only.evaluate(subnet(group(deny("no", 200, ports="6432")))).state is COMPLIANT
    (parameter,) = module.POLICY.parameters
    assert parameter.check(parameter.default) is None
    for wrong in ([], [0], [70000], ["5432"], [True], 5432, None, [5432.0]):
        assert parameter.check(wrong)


def test_whose_the_nsg_is_is_asked_of_every_change_alike_and_not_by_the_policy() -> None:
    shared_with = group(DENY_ALL, subnets=(SUBNET_ID, SUBNET_ID.child("x", "y")))
    assert POLICY.assess(subnet(shared_with), subnet(None)) == Assessment(safety=Safety.AUTO)


def test_what_must_pass_is_the_subnet_to_itself_in_both_directions() -> None:
    traffic = must_pass(subnet(group(), "10.0.1.0/24", "fd00:1::/64"))
    assert [(box.direction, str(box.sources[0])) for box in traffic.boxes] == [
        ("Inbound", "10.0.1.0/24"),
        ("Inbound", "fd00:1::/64"),
        ("Outbound", "10.0.1.0/24"),
        ("Outbound", "fd00:1::/64"),
    ]
    assert not must_pass(subnet(group(), delegations=())).boxes


def test_the_metadata_says_what_the_policy_is() -> None:
    assert (module.POLICY.id, module.POLICY.kind) == ("nsg-blocks-postgres-in-subnet", Kind.CONNECTIVITY)
    for heading in (
        "What it finds",
        "Why it matters",
        "What the change does",
        "What it may break",
        "References",
    ):
        assert f"*{heading}.*" in (module.__doc__ or "")


# --- laws over generated NSGs ------------------------------------------------------------------------


def drawn(nsg: SecurityGroup) -> SubnetSnapshot:
    """A subnet inside the universe that the generated rules speak of."""
    return subnet(nsg, "10.0.0.0/30", "fd00::/127")


@settings(deadline=None)
@given(groups())
def test_laws_of_a_change(nsg: SecurityGroup) -> None:
    before = drawn(nsg)
    change = planned(before)
    event("has a plan" if change is not None else "has none")
    if change is None:
        return
    after = apply_to(before, change)
    assert isinstance(after, SubnetSnapshot)
    # converges, idempotent
    assert found(after).state is COMPLIANT
    assert planned(after) is None
    # never widens beyond its box, takes nothing
    difference = changed(before.security_group, after.security_group, before.prefixes)
    assert not difference.newly_denied
    assert not difference.newly_open
    assert not outside(difference.newly_allowed, change.box)
    assert not outside(change.box, must_pass(before).boxes)
    # frame, inverse
    assert after.security_group is not None
    assert after.security_group.rules[: len(nsg.rules)] == nsg.rules
    assert replace(after, security_group=nsg) == before
    assert apply_edits(after, change.inverse) == before


@settings(deadline=None)
@given(groups())
def test_unknown_and_compliant_readings_are_never_changed(nsg: SecurityGroup) -> None:
    finding = found(drawn(nsg))
    assume(finding.state is not NON_COMPLIANT)
    assert POLICY.plan(finding, drawn(nsg)) is None


@settings(deadline=None)
@given(groups(), st.randoms(use_true_random=False))
def test_order_and_letter_case_do_not_matter(nsg: SecurityGroup, random: Any) -> None:
    rules = [
        replace(
            rule,
            protocol=rule.protocol.swapcase(),
            sources=tuple(text.swapcase() for text in reversed(rule.sources)),
            destinations=tuple(text.swapcase() for text in reversed(rule.destinations)),
            destination_ports=rule.destination_ports[::-1],
        )
        for rule in nsg.rules
    ]
    random.shuffle(rules)
    one, other = found(drawn(nsg)), found(drawn(replace(nsg, rules=tuple(rules))))
    assert (one.state, one.fingerprint) == (other.state, other.fingerprint)
    if one.state is NON_COMPLIANT:
        assert one.reason == other.reason
        assert first_direction(one)["blockingRules"] == first_direction(other)["blockingRules"]
