"""A rule that makes a sure verdict unknown is told at once; what could not be read waits as ever."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from shared.guardrails.shadow import shadows
from shared.model import (
    Access,
    Aspect,
    Direction,
    EnforcementMode,
    SecurityRule,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.alert_records import AlertRecord
from shared.model.rules import OddRule, OddSecurityRule
from shared.policies import find
from shared.posture.policy import AnyPolicy, bound
from shared.state.store import Store
from tests.builders import NSG, public_server, security_rule, server, subnet
from tests.controller.test_reconcile import FIREWALL, NSG_POLICY, drift, seen_compliant
from tests.fakes import World
from tests.memory import MemoryBlobs
from tests.nsg.builders import asg

WHOLE = "postgres-firewall-allows-whole-internet"
STORAGE = "nsg-blocks-storage-outbound"
PASS = security_rule(
    "within", 150, access=Access.ALLOW, sources=("10.0.1.0/24",), destinations=("10.0.1.0/24",)
)
GOOD = subnet(PASS, security_rule("deny-all", 4000))
TAG = security_rule("shadow", 100, direction=Direction.OUTBOUND, destinations=("AzureCloud",))
ASG = security_rule("shadow", 100, sources=(), source_groups=(asg("web"),))
ODD = OddSecurityRule(
    name="shadow",
    field="protocol",
    why="protocol is 'Gre'",
    may_be=(security_rule("shadow", 100),),
)
ODD_FIREWALL = OddRule(
    name="shadow", field="endIpAddress", why="endIpAddress is absent", start=IPv4Address("0.0.0.0")
)


def with_odd(*odd: OddSecurityRule, there: SubnetSnapshot = GOOD) -> SubnetSnapshot:
    assert there.security_group is not None
    return replace(there, security_group=replace(there.security_group, odd_rules=odd))


def with_rule(rule: SecurityRule) -> SubnetSnapshot:
    return subnet(rule, PASS, security_rule("deny-all", 4000))


def told(world: World, policy: str) -> AlertRecord:
    (alert,) = world.open_alerts(policy)
    return alert


def the_policy(policy_id: str) -> AnyPolicy:
    found = find(policy_id)
    assert found is not None
    return bound(found, {})


SHADOWS: dict[str, tuple[Snapshot, Snapshot, str, str]] = {
    "a security group": (GOOD, with_rule(ASG), NSG_POLICY, "rule 'shadow'"),
    "a tag": (GOOD, with_rule(TAG), STORAGE, "rule 'shadow'"),
    "an odd NSG rule": (GOOD, with_odd(ODD), NSG_POLICY, "rule 'shadow'"),
    "an odd firewall rule": (
        public_server(),
        public_server(odd_rules=(ODD_FIREWALL,)),
        WHOLE,
        "firewall rule 'shadow'",
    ),
}


@pytest.mark.field(
    "brakes",
    "A rule in front that makes a sure verdict unknown is told at the first look, with rule and writer",
    source="docs/adr/0008-what-a-policy-may-assume-of-tags.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("mode", list(EnforcementMode))
@pytest.mark.parametrize(("before", "now", "policy", "rule"), SHADOWS.values(), ids=SHADOWS.keys())
def test_what_somebody_made_unknown_is_told_at_once(
    before: Snapshot, now: Snapshot, policy: str, rule: str, mode: EnforcementMode
) -> None:
    world = World(mode=mode)
    seen_compliant(world, before)
    drift(world, now, seconds=5)
    alert = told(world, policy)
    assert alert.evidence["madeUnknownBy"] == [rule]
    assert alert.evidence["lastWriter"] == "Jane Doe"
    assert alert.reason.endswith(
        f"; it was certain at the last compliant reading, before {rule}; last writer Jane Doe"
    )
    found = find(policy)
    assert found is not None
    assert alert.severity is found.severity
    assert world.azure.writes == []


def test_it_is_one_alert_however_often_it_is_looked_at_and_it_ends_with_the_rule() -> None:
    world = World()
    seen_compliant(world, GOOD)
    drift(world, with_odd(ODD), seconds=5)
    first = len(world.delivered)
    world.look(GOOD.target)
    world.drain(5)
    assert len(world.delivered) == first
    drift(world, GOOD, seconds=5)
    assert world.open_alerts(NSG_POLICY) == []


def test_what_was_never_compliant_waits_as_ever() -> None:
    world = World()
    drift(world, with_odd(ODD), seconds=5)
    assert world.open_alerts(NSG_POLICY) == []


def test_a_read_that_failed_waits_as_ever_and_so_does_one_beside_a_new_rule() -> None:
    unread = {Aspect.FIREWALL_RULES: "throttled"}
    for now in (
        public_server(firewall_rules=None, unread=unread),
        public_server(firewall_rules=None, unread=unread, odd_rules=(ODD_FIREWALL,)),
    ):
        world = World()
        seen_compliant(world, public_server())
        drift(world, now, seconds=5)
        assert world.open_alerts(WHOLE) == []
        assert world.open_alerts(FIREWALL) == []


def test_an_nsg_that_is_being_written_says_nothing_yet() -> None:
    world = World()
    seen_compliant(world, GOOD)
    there = with_odd(ODD)
    assert there.security_group is not None
    drift(world, replace(there, security_group=replace(there.security_group, updating=True)), seconds=5)
    assert world.open_alerts(NSG_POLICY) == []


def test_a_compliant_reading_that_is_lost_tells_nothing_apart() -> None:
    world = World()
    seen_compliant(world, GOOD)
    world.blobs = MemoryBlobs()
    world.store = Store(world.tables, world.blobs, world.queue)
    drift(world, with_odd(ODD), seconds=5)
    assert world.open_alerts(NSG_POLICY) == []


def test_who_wrote_is_not_made_up_where_no_event_told() -> None:
    world = World()
    seen_compliant(world, GOOD)
    world.look(world.azure.put(with_odd(ODD)))
    world.drain(5)
    assert told(world, NSG_POLICY).evidence["lastWriter"] == "nobody whom an event names"


# --- which rule it is ------------------------------------------------------------------------------


def test_among_several_new_rules_the_one_that_does_it_is_named() -> None:
    harmless = security_rule("other", 3000, sources=("192.0.2.1",))
    there = subnet(harmless, PASS, security_rule("deny-all", 4000))
    assert shadows(the_policy(NSG_POLICY), with_odd(ODD, there=there), GOOD) == ("rule 'shadow'",)


def test_a_rule_that_is_gone_is_named_where_it_kept_the_shadow_out() -> None:
    behind = replace(ASG, priority=200)
    found = shadows(the_policy(NSG_POLICY), subnet(behind), subnet(PASS, behind))
    assert found == ("rule 'within'",)


def test_another_nsg_is_named_as_such() -> None:
    held = with_odd(ODD).security_group
    assert held is not None
    swapped = replace(held, id=type(NSG)(f"{NSG}-2"))
    found = shadows(the_policy(NSG_POLICY), replace(GOOD, security_group=swapped), GOOD)
    assert found == ("'postgres-nsg-2', which was not there",)


def test_what_another_read_leaves_open_is_no_shadow() -> None:
    """The servers of the subnet are read apart; nobody wrote a rule."""
    asked = the_policy(NSG_POLICY)
    assert shadows(asked, replace(with_odd(ODD), unread={Aspect.SUBNET_SERVERS: "throttled"}), GOOD) == ()
    assert shadows(asked, GOOD, GOOD) == ()
    assert shadows(asked, with_odd(ODD), with_odd(ODD)) == ()
    assert shadows(asked, with_odd(ODD), server()) == ()
