"""One firewall rule that cannot be read: what is surely wrong stays so, what it could change is Unknown."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from shared.guardrails.prove import prove
from shared.model import (
    ComplianceState,
    DeleteFirewallRule,
    Finding,
    FirewallRule,
    Outcome,
    PutFirewallRule,
    ServerSnapshot,
    Snapshot,
    codec,
)
from shared.model.alert_records import AlertStatus
from shared.model.edits import apply_edit, apply_to
from shared.model.rules import OddRule
from shared.policies.public_reach import (
    postgres_firewall_allows_all_azure,
    postgres_firewall_allows_whole_internet,
    postgres_firewall_covers_whole_internet_in_pieces,
    postgres_firewall_dormant_rules,
    postgres_firewall_range_too_wide,
    postgres_firewall_rules_on_vnet_integrated,
    postgres_public_access_enabled,
)
from shared.posture.policy import AnyPolicy, bound
from shared.posture.traffic import server_traffic
from shared.posture.ways.last_way import stays_public
from shared.posture.ways.reach import Reach, reach, reach_evidence
from tests.builders import ALL_AZURE, OFFICE, SERVER, SUBNET, public_server, rule, server
from tests.fakes import World

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
WHOLE = rule("everybody", "0.0.0.0", "255.255.255.255")
ALLOWS_AZURE = postgres_firewall_allows_all_azure.POLICY
ALLOWS_WHOLE = postgres_firewall_allows_whole_internet.POLICY
PIECES = postgres_firewall_covers_whole_internet_in_pieces.POLICY
DORMANT = postgres_firewall_dormant_rules.POLICY
TOO_WIDE = postgres_firewall_range_too_wide.POLICY
WITHOUT_EFFECT = postgres_firewall_rules_on_vnet_integrated.POLICY
PUBLIC_ACCESS = postgres_public_access_enabled.POLICY


def odd(start: str | None = None, end: str | None = None, name: str = "odd") -> OddRule:
    return OddRule(
        name=name,
        field="endIpAddress",
        why="endIpAddress is absent",
        start=IPv4Address(start) if start else None,
        end=IPv4Address(end) if end else None,
    )


NOTHING, FROM_ZERO, FROM_OFFICE = odd(), odd("0.0.0.0"), odd("198.51.100.9")
REVERSED = odd("198.51.100.9", "198.51.100.1")
ODD = {"nothing": NOTHING, "from zero": FROM_ZERO, "from the office": FROM_OFFICE, "reversed": REVERSED}
BOUND = {
    policy.id: bound(policy, {}) for policy in (ALLOWS_AZURE, ALLOWS_WHOLE, PIECES, TOO_WIDE, PUBLIC_ACCESS)
}


def with_odd(
    *odd_rules: OddRule, rules: tuple[FirewallRule, ...] = (OFFICE,), **parts: Any
) -> ServerSnapshot:
    return public_server(firewall_rules=rules, odd_rules=odd_rules, **parts)


def judged(policy: AnyPolicy, snapshot: ServerSnapshot) -> Finding:
    finding: Finding = bound(policy, {}).evaluate(snapshot)
    return finding


# --- surely wrong, surely right, or to be asked ----------------------------------------------------


@pytest.mark.field(
    "odd-items",
    "A firewall rule for everybody is NonCompliant whatever an odd rule beside it means, and both are named",
    source="https://github.com/Azure/azure-cli/pull/29224",
    date="2026-11-29",
)
@pytest.mark.parametrize("beside", ODD.values(), ids=ODD.keys())
def test_what_is_surely_wrong_stays_so_beside_an_odd_rule(beside: OddRule) -> None:
    halves = (rule("low", "0.0.0.0", "127.255.255.255"), rule("high", "128.0.0.0", "255.255.255.255"))
    surely: dict[str, tuple[FirewallRule, ...]] = {
        ALLOWS_WHOLE.id: (OFFICE, WHOLE),
        ALLOWS_AZURE.id: (ALL_AZURE,),
        PIECES.id: halves,
        TOO_WIDE.id: (rule("provider", "20.0.0.0", "20.63.255.255"),),
    }
    for policy, rules in surely.items():
        alone = BOUND[policy].evaluate(public_server(firewall_rules=rules))
        found = BOUND[policy].evaluate(with_odd(beside, rules=rules))
        assert (found.state, found.fingerprint) == (NON_COMPLIANT, alone.fingerprint)
        assert found.reason.endswith("firewall rule 'odd': endIpAddress is absent")
        assert found.evidence["oddRules"] == [
            {"name": "odd", "field": "endIpAddress", "why": "endIpAddress is absent"}
        ]


@pytest.mark.parametrize(
    ("policy", "beside", "state"),
    [
        (ALLOWS_WHOLE, NOTHING, UNKNOWN),
        (ALLOWS_WHOLE, FROM_ZERO, UNKNOWN),
        (ALLOWS_WHOLE, FROM_OFFICE, COMPLIANT),
        (ALLOWS_WHOLE, REVERSED, COMPLIANT),
        (ALLOWS_WHOLE, odd("255.255.255.255", "0.0.0.0"), UNKNOWN),
        (ALLOWS_AZURE, NOTHING, UNKNOWN),
        (ALLOWS_AZURE, FROM_ZERO, UNKNOWN),
        (ALLOWS_AZURE, FROM_OFFICE, COMPLIANT),
        (ALLOWS_AZURE, REVERSED, COMPLIANT),
        (PIECES, NOTHING, UNKNOWN),
        (PIECES, FROM_OFFICE, COMPLIANT),
        (PIECES, REVERSED, COMPLIANT),
        (TOO_WIDE, NOTHING, UNKNOWN),
        (TOO_WIDE, FROM_OFFICE, UNKNOWN),
        (TOO_WIDE, REVERSED, COMPLIANT),
        (TOO_WIDE, odd("20.9.0.0", "20.1.0.0"), UNKNOWN),
    ],
)
def test_an_odd_rule_makes_unknown_only_what_it_could_decide(
    policy: AnyPolicy, beside: OddRule, state: ComplianceState
) -> None:
    found = judged(policy, with_odd(beside))
    assert found.state is state
    assert "'odd': endIpAddress is absent" in found.reason
    assert bool(found.undecided) is (state is UNKNOWN)


def test_odd_rules_may_cover_the_internet_with_others_and_with_each_other() -> None:
    low = rule("low", "0.0.0.0", "127.255.255.255")
    assert judged(PIECES, with_odd(odd("128.0.0.0"), rules=(low,))).state is UNKNOWN
    assert judged(PIECES, with_odd(odd("128.0.0.0"), odd(end="127.0.0.0", name="two"))).state is UNKNOWN
    many = [odd("198.51.100.9", name=f"odd-{n}") for n in range(9)]
    assert judged(PIECES, with_odd(*many)).state is UNKNOWN  # taken together, to be on the safe side


def test_a_rule_that_sleeps_is_found_beside_an_odd_one_and_an_odd_one_alone_is_not_known() -> None:
    asleep = server(firewall_rules=(OFFICE,), odd_rules=(REVERSED,))
    assert judged(DORMANT, asleep).state is NON_COMPLIANT
    alone = judged(DORMANT, server(firewall_rules=(), odd_rules=(REVERSED,)))
    assert (alone.state, alone.undecided) == (UNKNOWN, ("'odd': endIpAddress is absent",))
    assert judged(ALLOWS_WHOLE, asleep).state is COMPLIANT
    integrated = judged(WITHOUT_EFFECT, public_server(odd_rules=(NOTHING,), delegated_subnet=SUBNET))
    assert (integrated.state, "'odd'" in integrated.reason) == (NON_COMPLIANT, True)


def test_nothing_can_be_said_where_no_rule_was_read() -> None:
    assert judged(ALLOWS_WHOLE, public_server(firewall_rules=None)).undecided == ()


# --- the reach of a server -------------------------------------------------------------------------


def test_an_odd_rule_is_a_way_in_that_is_not_known_and_no_reason_to_think_that_one_remains() -> None:
    snapshot = with_odd(NOTHING, rules=(WHOLE,), private_endpoints=())
    assert reach(with_odd(NOTHING, rules=())) is Reach.PUBLIC_WITH_RULES
    told = "whoever firewall rule 'odd': endIpAddress is absent may admit"
    assert reach_evidence(snapshot)["waysIn"] == ["0.0.0.0-255.255.255.255", told]
    assert not stays_public(replace(snapshot, firewall_rules=()))
    assert told in PUBLIC_ACCESS.assess(with_odd(NOTHING), public_server()).notes


# --- edits and proofs ------------------------------------------------------------------------------


@pytest.mark.field(
    "odd-items",
    "Deleting a rule for everybody is proved although an odd rule beside it stays as it is",
    source="https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/concepts-firewall-rules",
    date="2026-11-29",
)
@pytest.mark.parametrize("beside", ODD.values(), ids=ODD.keys())
def test_the_deletion_of_what_is_surely_wrong_is_proved_beside_an_odd_rule(beside: OddRule) -> None:
    for policy, wrong in ((BOUND[ALLOWS_WHOLE.id], WHOLE), (BOUND[ALLOWS_AZURE.id], ALL_AZURE)):
        snapshot = with_odd(beside, rules=(OFFICE, wrong))
        change = policy.plan(policy.evaluate(snapshot), snapshot)
        assert change is not None
        assert change.edits == (DeleteFirewallRule(server=SERVER, rule=wrong),)
        proof = prove(change, snapshot, policy, BOUND.values())
        assert proof.holds, proof.failures
        assert apply_to(snapshot, change) == with_odd(beside)


def test_what_could_be_wrong_after_a_change_only_by_it_is_not_proved() -> None:
    snapshot = with_odd(rules=(OFFICE, WHOLE))
    policy = BOUND[ALLOWS_WHOLE.id]
    change = policy.plan(policy.evaluate(snapshot), snapshot)
    assert change is not None
    late = replace(policy, evaluate=lambda one: _odder(policy.evaluate(one), one != snapshot))
    assert not prove(change, snapshot, late, []).holds


def _odder(found: Finding, is_after: bool) -> Finding:
    return replace(found, state=UNKNOWN, undecided=("new",)) if is_after else found


def test_a_put_replaces_an_odd_rule_of_its_name_and_keeps_the_others() -> None:
    snapshot = with_odd(odd(name="Office"), NOTHING, rules=())
    after = apply_edit(snapshot, PutFirewallRule(server=SERVER, rule=OFFICE))
    assert after == with_odd(NOTHING)


def test_no_new_rule_takes_the_name_of_an_odd_one() -> None:
    policy = bound(TOO_WIDE, {"corporateRanges": ["20.1.0.0/24"]})
    wide = rule("provider", "20.0.0.0", "20.63.255.255")
    snapshot = with_odd(odd(name="corporate-20-1-0-0"), rules=(wide,))
    put, _ = policy.suggest(policy.evaluate(snapshot), snapshot)
    assert isinstance(put, PutFirewallRule)
    assert put.rule.name != "corporate-20-1-0-0"


def test_public_access_closes_over_an_odd_rule_and_the_proof_says_who_loses_access() -> None:
    snapshot = with_odd(NOTHING, rules=())
    change = PUBLIC_ACCESS.plan(PUBLIC_ACCESS.evaluate(snapshot), snapshot)
    assert change is not None
    proof = prove(change, snapshot, PUBLIC_ACCESS, [PUBLIC_ACCESS])
    assert (proof.holds, "whoever firewall rule 'odd'" in proof.steps[-1].detail) == (True, True)
    closed = apply_to(snapshot, change)
    assert isinstance(closed, ServerSnapshot)
    assert server_traffic(closed).odd == frozenset()


def test_readings_that_were_stored_without_odd_rules_are_still_read() -> None:
    snapshot = public_server()
    document = codec.to_json(snapshot)
    del document["oddRules"], document["oddNetworkRules"]
    assert codec.load(Snapshot, codec.canonical(document)) == snapshot
    odd_one = with_odd(REVERSED)
    assert codec.load(Snapshot, codec.dump(odd_one)) == odd_one


# --- the story -------------------------------------------------------------------------------------


def test_a_rule_for_everybody_is_reverted_although_an_odd_rule_was_there_all_along() -> None:
    world = World()
    world.look(world.azure.put(with_odd(FROM_OFFICE)))
    world.drain()
    world.event(world.azure.put(with_odd(FROM_OFFICE, rules=(OFFICE, WHOLE))))
    world.drain(1)
    assert world.azure.writes == [DeleteFirewallRule(server=SERVER, rule=WHOLE)]


def test_a_drift_is_over_when_only_the_odd_rule_is_left_undecided() -> None:
    world = World()
    world.look(world.azure.put(public_server()))
    world.drain()
    world.event(world.azure.put(with_odd(NOTHING, rules=(OFFICE, WHOLE))))
    world.drain(30)
    assert DeleteFirewallRule(server=SERVER, rule=WHOLE) in world.azure.writes
    (change,) = world.store.changes(policy=ALLOWS_WHOLE.id)
    assert change.outcome is Outcome.REVERTED
    alerts = [alert for alert in world.store.alerts(policy=ALLOWS_WHOLE.id) if alert.fingerprint != "unknown"]
    assert all(alert.status is AlertStatus.RESOLVED for alert in alerts)


def test_the_alert_names_the_odd_rule_and_its_field() -> None:
    world = World()
    world.look(world.azure.put(with_odd(REVERSED, rules=(OFFICE, WHOLE))))
    world.drain()
    (alert,) = world.store.alerts(policy=ALLOWS_WHOLE.id)
    assert "'odd': endIpAddress is absent" in alert.reason
    assert alert.evidence["oddRules"][0]["field"] == "endIpAddress"


# --- rules for addresses that are not public -------------------------------------------------------

PRIVATE = {
    "10/8": ("10.0.0.0", "10.255.255.255"),
    "172.16/12": ("172.16.0.0", "172.31.255.255"),
    "192.168/16": ("192.168.0.0", "192.168.255.255"),
    "100.64/10": ("100.64.0.0", "100.127.255.255"),
    "loopback": ("127.0.0.0", "127.255.255.255"),
    "link-local": ("169.254.0.0", "169.254.255.255"),
    "multicast and reserved": ("224.0.0.0", "255.255.255.255"),
    "this network": ("0.0.0.1", "0.255.255.255"),
}


@pytest.mark.field(
    "odd-items",
    "A firewall rule for private or reserved addresses alone admits nobody: it is said, and is no breach",
    source="https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/concepts-firewall-rules",
    date="2026-11-29",
)
@pytest.mark.parametrize("ends", PRIVATE.values(), ids=PRIVATE.keys())
def test_a_rule_for_addresses_that_are_not_public_admits_nobody(ends: tuple[str, str]) -> None:
    inside = rule("inside", *ends)
    for parameters in ({}, {"corporateRanges": ["198.51.100.0/24"]}):
        found = bound(TOO_WIDE, parameters).evaluate(public_server(firewall_rules=(OFFICE, inside)))
        assert found.state is COMPLIANT
        assert found.reason.endswith(
            f"'inside' ({ends[0]}–{ends[1]}) admits nobody: it holds no public address"
        )
    admitted = public_server(firewall_rules=(OFFICE, inside), private_endpoints=())
    assert reach_evidence(admitted)["waysIn"] == ["198.51.100.0-198.51.100.255"]
    asleep = judged(DORMANT, server(firewall_rules=(inside,)))
    assert (asleep.state, "admits nobody" in asleep.reason) == (COMPLIANT, True)
    assert DORMANT.suggest(judged(DORMANT, server(firewall_rules=(OFFICE, inside))), server()) == ()


@pytest.mark.field(
    "odd-items",
    "Of a firewall rule's range only the public addresses count towards its width",
    source="https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml",
    date="2026-11-29",
)
def test_only_public_addresses_count_towards_the_width_of_a_range() -> None:
    edge = rule("edge", "10.0.0.0", "11.0.255.255")
    assert judged(TOO_WIDE, public_server(firewall_rules=(edge,))).state is COMPLIANT
    over = judged(TOO_WIDE, public_server(firewall_rules=(replace(edge, end=IPv4Address("11.1.0.0")),)))
    assert (over.state, over.evidence["rules"][0]["addresses"]) == (NON_COMPLIANT, 2**16 + 1)


def test_a_rule_that_admits_nobody_is_not_another_way_in() -> None:
    inside = rule("inside", "10.0.0.0", "10.255.255.255")
    assert not stays_public(public_server(firewall_rules=(inside,), private_endpoints=()))
