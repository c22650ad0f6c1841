"""Who may attach an NSG to a subnet does not thereby get rules written into it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from shared.model import (
    Access,
    Direction,
    EnforcementMode,
    PutSecurityRule,
    Reason,
    SecurityGroup,
    SecurityRule,
    SubnetSnapshot,
)
from shared.model.alert_records import AlertRecord
from shared.model.resource_id import ResourceId
from shared.model.values import IPNetwork
from tests.builders import GROUP, NSG, SUBNET, security_rule, subnet
from tests.controller.test_reconcile import NSG_POLICY, drift, seen_compliant
from tests.fakes import World

NETWORKS = f"{GROUP}/providers/Microsoft.Network/virtualNetworks"
HERS = ResourceId(f"{NETWORKS}/hers/subnets/postgres")
THEIRS = ResourceId(f"{NETWORKS}/theirs/subnets/databases")
NEIGHBOUR = ResourceId(f"{NETWORKS}/hub/subnets/apps")
NIC = ResourceId(f"{GROUP}/providers/Microsoft.Network/networkInterfaces/jump")
WIDE = ip_network("10.0.0.0/9")
DENY_ALL = security_rule("deny-all", 4000)
DENY_OUT = security_rule("deny-out", 4000, direction=Direction.OUTBOUND)
OWN_GROUP = SecurityGroup(id=ResourceId(f"{NSG}-hers"), rules=(), default_rules=(), subnets=(HERS,))


def theirs(*rules: SecurityRule, **parts: Any) -> SecurityGroup:
    """Another team's NSG, with rules that keep PostgreSQL out."""
    held = rules or (DENY_ALL,)
    return replace(subnet(*held).security_group or OWN_GROUP, **{"subnets": (THEIRS, HERS), **parts})


def hers(group: SecurityGroup | None, *prefixes: IPNetwork) -> SubnetSnapshot:
    return subnet(id=HERS, prefixes=prefixes or (WIDE,), security_group=group)


def attached(group: SecurityGroup, before: SecurityGroup | None = OWN_GROUP, **world: Any) -> World:
    """Her subnet was compliant with ``before``, and then she attaches ``group``."""
    found = World(**world)
    seen_compliant(found, hers(before))
    drift(found, hers(group))
    return found


def asked(world: World, policy: str = NSG_POLICY) -> AlertRecord:
    """The alert that asks for approval; nothing was written."""
    assert world.azure.writes == []
    (alert,) = world.open_alerts(policy)
    assert alert.decision.reason is Reason.APPROVAL_REQUIRED
    return alert


@pytest.mark.field(
    "brakes",
    "An NSG that the subnet did not have at its last compliant reading is written to after approval only",
    source="https://learn.microsoft.com/en-us/azure/role-based-access-control/permissions/networking",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("before", "others", "rules"),
    [
        (OWN_GROUP, (THEIRS, HERS), (DENY_ALL,)),
        (OWN_GROUP, (HERS,), (DENY_OUT,)),
        (None, (THEIRS, HERS), (DENY_OUT,)),
        (None, (HERS,), (DENY_ALL, DENY_OUT)),
    ],
    ids=["shared", "lone", "shared, none before", "lone, none before"],
)
def test_nothing_is_written_into_an_nsg_that_somebody_has_just_attached(
    before: SecurityGroup | None, others: tuple[ResourceId, ...], rules: tuple[SecurityRule, ...]
) -> None:
    world = attached(theirs(*rules, subnets=others), before)
    assert "at the last compliant reading" in asked(world).decision.detail


def test_audit_reports_the_same_question() -> None:
    asked(attached(theirs(), mode=EnforcementMode.AUDIT))


@pytest.mark.parametrize("mode", list(EnforcementMode))
def test_a_subnet_that_is_new_and_adopted_gets_nothing_written_into_an_nsg_of_others(
    mode: EnforcementMode,
) -> None:
    world = World(mode=mode)
    world.look(world.azure.put(hers(theirs())), adopt=True)
    world.drain(60)
    assert "others have it too" in asked(world).decision.detail


def test_a_subnet_that_is_new_and_adopted_may_have_its_own_nsg_mended() -> None:
    world = World()
    world.look(world.azure.put(hers(theirs(subnets=(HERS,)))), adopt=True)
    world.drain(60)
    assert len(world.azure.writes) == 1


@pytest.mark.field(
    "brakes",
    "Rules are written without asking into an NSG that others have only where they surely name nobody else",
    source="docs/policies/nsg.md",
    date="2026-11-29",
)
def test_a_rule_that_their_owners_took_away_is_not_put_back_for_her() -> None:
    """She attached it while it let PostgreSQL pass; the restoring change is asked about like the plan."""
    pass_all = security_rule(
        "pass", 100, access=Access.ALLOW, sources=(str(WIDE),), destinations=(str(WIDE),)
    )
    world = World()
    seen_compliant(world, hers(theirs(pass_all, DENY_ALL)))
    drift(world, hers(theirs(DENY_ALL)))
    assert "'theirs/databases' with the same NSG are not known" in asked(world).decision.detail


def test_ipv6_is_no_way_around() -> None:
    world = World()
    prefix = ip_network("fd00:1::/32", strict=False)
    seen_compliant(world, hers(theirs(security_rule("none", 4000, sources=("192.0.2.1",))), prefix))
    drift(world, hers(theirs(), prefix))
    asked(world)


def test_a_network_interface_that_has_the_nsg_is_somebody_too() -> None:
    world = World()
    quiet = theirs(security_rule("none", 4000, sources=("192.0.2.1",)), subnets=(HERS,))
    seen_compliant(world, hers(replace(quiet, network_interfaces=(NIC,))))
    drift(world, hers(theirs(subnets=(HERS,), network_interfaces=(NIC,))))
    assert "network interfaces" in asked(world).decision.detail


def test_neighbours_in_one_network_go_on_sharing_an_nsg_without_asking() -> None:
    world = World()
    both = (SUBNET, NEIGHBOUR)
    seen_compliant(
        world, subnet(security_group=theirs(security_rule("no", 9, sources=("192.0.2.1",)), subnets=both))
    )
    drift(world, subnet(security_group=theirs(subnets=both)))
    (edit,) = world.azure.writes
    assert isinstance(edit, PutSecurityRule)
    assert edit.rule.destinations == ("10.0.1.0/24",)


def test_a_scope_that_opted_in_to_reverts_without_approval_has_opted_in_to_these() -> None:
    file = "version: 1\npolicies: {nsg-blocks-postgres-in-subnet: {withoutApproval: true}}\n"
    assert attached(theirs(), policies_file=file).azure.writes


def test_who_approves_has_read_whose_it_is_and_gets_it_written() -> None:
    world = attached(theirs())
    alert = asked(world)
    assert "'postgres-nsg-hers'" in alert.decision.detail
    world.approve(alert)
    world.look(hers(None).target)
    world.drain(60)
    assert [type(edit) for edit in world.azure.writes] == [PutSecurityRule]
