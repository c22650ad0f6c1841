"""Whose NSG it is: what needs somebody's consent before rules are written into it for one of its subnets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import (
    Change,
    DeleteSecurityRule,
    PutSecurityRule,
    Safety,
    SecurityGroup,
    SecurityRule,
    SubnetSnapshot,
)
from shared.model.networks import NetworkSubnet, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.policy import Assessment, both
from shared.posture.whose_group import whose_group
from tests.nsg.builders import NSG_ID, OUT, SUBNET_ID, allow, deny, group, subnet

SPOKE = ResourceId("/subscriptions/0a/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/spoke")
WEB = SPOKE.child("subnets", "web")
assert SUBNET_ID.parent is not None
NEIGHBOUR = SUBNET_ID.parent.child("subnets", "apps")
NIC = ResourceId("/subscriptions/0a/resourceGroups/net/providers/Microsoft.Network/networkInterfaces/jump")
OWN = "10.0.1.0/24"
WITHIN = allow("within", 100, f"{OWN} > {OWN}", "5432")
NOT_NAMED = "1 other subnets have the same NSG; the new rules do not name their addresses"


def shared_with(*others: ResourceId, **parts: Any) -> SecurityGroup:
    return replace(group(subnets=(SUBNET_ID, *others)), **parts)


def judged(
    held: SecurityGroup | None, *rules: SecurityRule, baseline: Any = True, **parts: Any
) -> Assessment:
    """Of a change that puts ``rules``; the baseline had the same NSG unless another one is given."""
    there = replace(subnet(held, OWN), **parts)
    puts = tuple(PutSecurityRule(nsg=NSG_ID, rule=rule) for rule in rules or (WITHIN,))
    change = Change(policy="x", target=there.target, edits=puts, inverse=())
    return whose_group(change, there, there if baseline is True else baseline)


def neighbours(*prefixes: str) -> VirtualNetwork:
    held = tuple(map(ip_network, prefixes))
    assert SUBNET_ID.parent is not None
    return VirtualNetwork(id=SUBNET_ID.parent, subnets=(NetworkSubnet(id=NEIGHBOUR, prefixes=held),))


def test_an_nsg_of_the_subnets_own_is_written_without_asking() -> None:
    assert judged(group()) == Assessment()
    assert judged(group(), baseline=None) == Assessment()


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        (subnet(None, OWN), "the subnet had no NSG at the last compliant reading"),
        (
            subnet(replace(group(), id=ResourceId(f"{NSG_ID}-2")), OWN),
            "the subnet had another NSG ('nsg-db-2') at the last compliant reading",
        ),
    ],
)
def test_an_nsg_that_the_baseline_did_not_have_is_asked_about_even_if_nobody_else_has_it(
    baseline: SubnetSnapshot, said: str
) -> None:
    assert judged(group(), baseline=baseline) == Assessment(safety=Safety.APPROVAL, notes=(said,))


def test_the_same_nsg_in_another_spelling_is_the_same() -> None:
    shouted = subnet(replace(group(), id=ResourceId(str(NSG_ID).upper())), OWN)
    assert judged(group(), baseline=shouted).safety is Safety.AUTO


@pytest.mark.parametrize("held", [shared_with(NEIGHBOUR), shared_with(network_interfaces=(NIC,))])
def test_without_a_baseline_an_nsg_that_others_have_is_asked_about(held: SecurityGroup) -> None:
    found = judged(held, baseline=None)
    assert found.safety is Safety.APPROVAL
    assert "no compliant reading shows that the NSG is this subnet's" in found.notes[0]


def test_the_prefixes_of_a_subnet_elsewhere_are_not_known() -> None:
    found = judged(shared_with(WEB))
    told = "the prefixes of subnets 'spoke/web' with the same NSG are not known"
    assert found == Assessment(safety=Safety.APPROVAL, notes=(told,))


def test_the_addresses_of_a_network_interface_are_not_known() -> None:
    found = judged(shared_with(network_interfaces=(NIC,)))
    assert (found.safety, len(found.notes)) == (Safety.APPROVAL, 1)


def test_a_neighbour_cannot_have_the_subnets_own_addresses_and_that_is_said() -> None:
    assert judged(shared_with(NEIGHBOUR)) == Assessment(notes=(NOT_NAMED,))


BEYOND = allow("beyond", 100, f"{OWN} > 10.0.0.0/23", "5432")


@pytest.mark.parametrize(
    ("network", "safety"),
    [
        (None, Safety.APPROVAL),
        (neighbours(), Safety.APPROVAL),
        (neighbours("10.0.0.128/25"), Safety.APPROVAL),
        (neighbours("10.9.0.0/24", "10.0.0.0/30"), Safety.APPROVAL),
        (neighbours("10.0.2.0/24"), Safety.AUTO),
        (neighbours("fd00::/64"), Safety.AUTO),
    ],
)
def test_a_rule_for_more_than_the_subnet_is_compared_with_what_was_read_of_its_neighbours(
    network: VirtualNetwork | None, safety: Safety
) -> None:
    """The prefixes that lie beside the rule's and touch them are not in it."""
    assert judged(shared_with(NEIGHBOUR), BEYOND, virtual_network=network).safety is safety


NAMING = {
    "inbound, by its destination": (deny("x", 100, f"{OWN} > 10.0.2.0/24"), Safety.APPROVAL),
    "outbound, by its source": (deny("x", 100, f"10.0.2.0/24 > {OWN}", direction=OUT), Safety.APPROVAL),
    "inbound, its source alone": (deny("x", 100, f"10.0.2.0/24 > {OWN}"), Safety.AUTO),
    "outbound, its destination alone": (deny("x", 100, f"{OWN} > 10.0.2.0/24", direction=OUT), Safety.AUTO),
    "everybody": (deny("x", 100, f"{OWN} > *"), Safety.APPROVAL),
    "a tag": (allow("x", 100, f"{OWN} > VirtualNetwork"), Safety.APPROVAL),
    "a tag, outbound and far": (allow("x", 100, f"{OWN} > Storage", direction=OUT), Safety.AUTO),
    "a security group": (allow("x", 100, f"{OWN} > ", groups=((), ("db",))), Safety.APPROVAL),
    "both among several": (allow("x", 100, f"* > {OWN},10.0.2.4"), Safety.APPROVAL),
    "IPv6": (allow("x", 100, "fd00:2::/64 > fd00:2::/64"), Safety.APPROVAL),
}


@pytest.mark.parametrize(("rule", "safety"), NAMING.values(), ids=NAMING.keys())
def test_a_rule_names_whose_address_stands_at_the_interface_that_it_filters(
    rule: SecurityRule, safety: Safety
) -> None:
    network = neighbours("10.0.2.0/24", "fd00:2::/64")
    assert judged(shared_with(NEIGHBOUR), rule, virtual_network=network).safety is safety


def test_what_a_change_deletes_is_looked_at_as_what_it_puts() -> None:
    there = replace(subnet(shared_with(NEIGHBOUR), OWN), virtual_network=neighbours("10.0.2.0/24"))
    edit = DeleteSecurityRule(nsg=NSG_ID, rule=deny("x", 100, "* > 10.0.2.0/24"))
    change = Change(policy="x", target=there.target, edits=(edit,), inverse=())
    assert whose_group(change, there, there).safety is Safety.APPROVAL


def test_of_many_subnets_the_first_are_named() -> None:
    many = [SPOKE.child("subnets", f"s{n}") for n in range(9)]
    (told,) = judged(shared_with(*many)).notes
    assert told.startswith("the prefixes of subnets 'spoke/s0', 'spoke/s1', 'spoke/s2' and 6 more with")


@given(st.sampled_from([None, True, subnet(None, OWN)]), st.lists(st.sampled_from([WEB, NEIGHBOUR, NIC])))
def test_whatever_is_said_not_to_be_named_was_checked(baseline: Any, others: list[ResourceId]) -> None:
    found = judged(shared_with(*dict.fromkeys(others)), baseline=baseline)
    said = any("do not name their addresses" in note for note in found.notes)
    assert (found.safety is Safety.AUTO) == (said or found == Assessment())
    assert not said or set(others) == {NEIGHBOUR}


def test_the_more_careful_of_two_grounds_holds() -> None:
    one = Assessment(safety=Safety.MANUAL, notes=("a",))
    other = Assessment(safety=Safety.APPROVAL, last_way_in=True, notes=("b",))
    for found in (both(one, other), both(other, one)):
        assert (found.safety, found.last_way_in, set(found.notes)) == (Safety.MANUAL, True, {"a", "b"})


def test_no_policy_says_by_itself_whom_its_rules_name() -> None:
    for policy in discover():
        notes = policy.assess(subnet(shared_with(WEB), OWN), None).notes if "nsg" in policy.id else ()
        assert not any("do not name" in note for note in notes)
