"""Putting good rules back before the last way in is taken: what the change is, and what is proved of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.prove import prove
from shared.guardrails.way_back import MOST_PUT_BACK, has_good_way, way_back
from shared.model import (
    Change,
    DeleteFirewallRule,
    FirewallRule,
    Proof,
    PublicAccess,
    PutFirewallRule,
    ServerSnapshot,
)
from shared.model.edits import apply_edits, apply_to, normalised
from shared.model.rules import OddRule
from shared.posture.policy import AnyPolicy
from shared.posture.traffic import server_traffic
from shared.posture.ways.last_way import stays_public
from tests.builders import ALL_AZURE, OFFICE, SERVER, public_server, rule, subnet
from tests.guardrails.test_prove import BLOCKED, ENABLED, FIREWALL, PUBLIC, policy

WHOLE_POLICY = policy("postgres-firewall-allows-whole-internet")
WHOLE = rule("everybody", "0.0.0.0", "255.255.255.255")
VPN = rule("vpn", "203.0.113.7")


def public(*rules: FirewallRule, **parts: Any) -> ServerSnapshot:
    return public_server(firewall_rules=rules, **parts)


def begun(there: ServerSnapshot, former: ServerSnapshot, by: AnyPolicy = WHOLE_POLICY) -> Change | None:
    plan = by.plan(by.evaluate(there), there)
    assert plan is not None
    return way_back(plan, there, former, ENABLED)


def proof_of(change: Change | None, there: ServerSnapshot, former: ServerSnapshot | None) -> Proof:
    assert change is not None
    by = WHOLE_POLICY if change.policy == WHOLE_POLICY.id else FIREWALL
    return prove(change, there, by, ENABLED, former)


def test_the_rules_come_first_and_each_edit_has_its_own_inverse() -> None:
    change = begun(public(WHOLE), public(OFFICE, VPN))
    assert change is not None
    put_office, put_vpn = (PutFirewallRule(server=SERVER, rule=one) for one in (OFFICE, VPN))
    assert change.edits == (put_office, put_vpn, DeleteFirewallRule(server=SERVER, rule=WHOLE))
    assert change.inverse == (
        PutFirewallRule(server=SERVER, rule=WHOLE),
        DeleteFirewallRule(server=SERVER, rule=VPN),
        DeleteFirewallRule(server=SERVER, rule=OFFICE),
    )
    assert change.keeps_way_in


def test_what_was_let_in_before_may_come_in_again_and_nobody_else() -> None:
    """All of Azure is no address: whom the rule lets in again did not come in while the hole stood."""
    there, former = public(ALL_AZURE), public(OFFICE)
    change = begun(there, former, FIREWALL)
    assert proof_of(change, there, former).holds
    (failed,) = proof_of(change, there, None).failures
    assert failed.detail == "gains access: 198.51.100.0-198.51.100.255"
    assert not proof_of(change, there, public(VPN)).holds


def test_the_hole_may_not_be_shut_before_the_rule_is_back() -> None:
    there, former = public(WHOLE), public(OFFICE)
    change = begun(there, former)
    assert change is not None
    turned = replace(change, edits=change.edits[::-1], inverse=change.inverse[::-1])
    (failed,) = proof_of(turned, there, former).failures
    assert failed.detail == "nobody would surely come in publicly"


def test_what_is_left_of_it_is_proved_on_what_is_there_then() -> None:
    """The first edit is done; and where it did nothing, the hole is the only way in and stays."""
    there, former = public(WHOLE), public(OFFICE)
    change = begun(there, former)
    assert change is not None
    rest = replace(change, edits=change.edits[1:], inverse=change.inverse[:1])
    assert proof_of(rest, public(OFFICE, WHOLE), former).holds
    assert proof_of(rest, public(OFFICE, WHOLE), None).holds
    assert not proof_of(rest, there, former).holds


def test_nobody_else_loses_access_on_the_way() -> None:
    there = public(WHOLE, VPN)
    change = begun(there, public(OFFICE))
    assert change is not None
    more = DeleteFirewallRule(server=SERVER, rule=VPN)
    greedy = replace(
        change,
        edits=(*change.edits, more),
        inverse=(PutFirewallRule(server=SERVER, rule=VPN), *change.inverse),
    )
    assert proof_of(change, there, public(OFFICE)).holds
    assert proof_of(greedy, there, public(OFFICE)).holds, "the hole let that one in too: it is forbidden"
    azure = public(ALL_AZURE, VPN)
    other = begun(azure, public(OFFICE), FIREWALL)
    assert other is not None
    greedy = replace(other, edits=(*other.edits, more), inverse=greedy.inverse[:1] + other.inverse)
    assert not proof_of(greedy, azure, public(OFFICE)).holds


def test_it_is_a_servers_change() -> None:
    change = Change(policy="x", target=subnet().target, edits=(), inverse=(), keeps_way_in=True)
    proof = prove(change, subnet(), BLOCKED, [])
    assert "a server was expected" in [step.detail for step in proof.failures]


@pytest.mark.parametrize(
    "former",
    [
        public(),
        public(rule("inside", "10.0.0.1")),
        public(OFFICE, public_access=PublicAccess.DISABLED),
        public(OFFICE, public_access=PublicAccess.UNKNOWN),
        public(OFFICE, delegated_subnet=SERVER.child("x", "y")),
        public(WHOLE),
        public(ALL_AZURE),
    ],
)
def test_a_reading_that_let_nobody_in_or_everybody_puts_nothing_back(former: ServerSnapshot) -> None:
    assert begun(public(WHOLE), former) is None


def test_a_rule_whose_name_an_odd_one_has_is_not_put_back() -> None:
    odd = OddRule(name="OFFICE", field="endIpAddress", why="endIpAddress is absent")
    assert begun(public(WHOLE, odd_rules=(odd,)), public(OFFICE)) is None


def test_a_change_of_public_access_has_no_rules_to_begin_with() -> None:
    assert begun(public(WHOLE), public(OFFICE), PUBLIC) is None


def test_those_for_the_most_addresses_are_put_back_where_there_are_many() -> None:
    many = [rule(f"client-{n:02}", f"203.0.113.{n}") for n in range(30)]
    change = begun(public(WHOLE), public(*many, OFFICE))
    assert change is not None
    assert len(change.edits) == MOST_PUT_BACK + 1
    assert change.edits[0] == PutFirewallRule(server=SERVER, rule=OFFICE)


@pytest.mark.parametrize(
    ("server", "good"),
    [
        (public(OFFICE), True),
        (public(), False),
        (public(ALL_AZURE, WHOLE), False),
        (public(rule("inside", "10.0.0.1")), False),
        (public(OFFICE, public_access=PublicAccess.DISABLED), False),
        (public(OFFICE, delegated_subnet=SERVER.child("x", "y")), False),
    ],
)
def test_a_good_way_in_is_a_rule_for_some_people(server: ServerSnapshot, good: bool) -> None:
    assert has_good_way(server) is good


ENDS = st.sampled_from([0, 1, 0x0A000001, 0x0A0000FF, 0xC6336400, 0xC63364FF, 0xCB007107, 0xFFFFFFFF])
NAMES = ("office", "vpn", "partner", "home")


@st.composite
def some_rules(draw: st.DrawFn) -> tuple[FirewallRule, ...]:
    named = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    spans = [sorted((draw(ENDS), draw(ENDS))) for _ in named]
    return tuple(
        FirewallRule(name=name, start=IPv4Address(low), end=IPv4Address(high))
        for name, (low, high) in zip(named, spans, strict=True)
    )


@given(some_rules(), some_rules(), st.sampled_from([(WHOLE_POLICY, WHOLE), (FIREWALL, ALL_AZURE)]))
def test_whatever_is_proved_keeps_a_way_in_widens_nothing_and_can_be_undone(
    now: tuple[FirewallRule, ...], before: tuple[FirewallRule, ...], asked: tuple[AnyPolicy, FirewallRule]
) -> None:
    by, hole = asked
    there, former = public(*now, hole), public(*before)
    plan = by.plan(by.evaluate(there), there)
    assert plan is not None
    change = way_back(plan, there, former, ENABLED)
    if change is None or not prove(change, there, by, ENABLED, former).holds:
        return
    admitted = server_traffic(there), server_traffic(former)
    for sent in range(1, len(change.edits) + 1):
        state = apply_edits(there, change.edits[:sent])
        assert isinstance(state, ServerSnapshot)
        assert stays_public(state)
        assert server_traffic(state).minus(admitted[0]).within(admitted[1])
    after = apply_to(there, change)
    assert by.evaluate(after).nothing_surely_wrong
    assert normalised(apply_edits(after, change.inverse)) == normalised(there)
    assert len(change.inverse) == len(change.edits)
