"""What the last compliant reading makes of a subnet whose NSG keeps nobody out now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, Finding, SecurityGroup, Severity, SubnetSnapshot
from shared.model.networks import SubnetEndpoint
from shared.model.resource_id import ResourceId
from shared.policies.nsg.nsg_exposes_postgres_to_internet import POLICY as EXPOSES
from shared.policies.nsg.nsg_missing_on_postgres_subnet import POLICY as MISSING
from shared.policies.nsg.nsg_reachable_beyond_clients import POLICY as BEYOND
from shared.policies.private_reach.postgres_endpoint_subnet_ignores_network_policies import POLICY as IGNORES
from shared.posture.policy import AnyPolicy, bound, examples
from tests.builders import GROUP, NSG, SUBNET, subnet

THEN = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
PUT_BACK = f"az network vnet subnet update --ids {SUBNET} --network-security-group {NSG}"
COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)


def holding(mode: str, **parts: Any) -> SubnetSnapshot:
    """A subnet with an NSG and a private endpoint of a server."""
    endpoint = SubnetEndpoint(
        id=ResourceId(f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe"),
        addresses=(ip_address("10.0.1.4"),),
    )
    own = {"delegations": (), "private_endpoints": (endpoint,), "endpoint_network_policies": mode}
    return subnet(**{**own, **parts})


def since(policy: AnyPolicy, now: SubnetSnapshot, former: SubnetSnapshot) -> Finding:
    assert policy.since is not None
    found = bound(policy, examples(policy)).evaluate(now)
    told = policy.since(found, now, former, THEN)
    assert (told.state, told.fingerprint) == (found.state, found.fingerprint)
    return told


@pytest.mark.parametrize("policy", [MISSING, EXPOSES, BEYOND], ids=lambda policy: policy.id)
def test_whoever_says_that_there_is_no_nsg_names_the_one_that_was(policy: AnyPolicy) -> None:
    told = since(policy, subnet(security_group=None), subnet())
    stood = "at the last compliant reading, 2026-11-28 09:30:00 UTC, it had the NSG 'postgres-nsg'"
    assert (told.state, stood in told.reason) == (NON_COMPLIANT, True)
    look, command = told.evidence["whatToDo"]
    assert (command, "deleted" in look) == (PUT_BACK, True)
    found = bound(policy, examples(policy)).evaluate(subnet(security_group=None))
    assert told.severity is (Severity.HIGH if policy is MISSING else found.severity)


def test_an_nsg_that_was_swapped_is_not_put_back() -> None:
    other = SecurityGroup(id=ResourceId(f"{NSG}-new"), rules=(), default_rules=(), subnets=(SUBNET,))
    told = since(BEYOND, subnet(security_group=other), subnet())
    assert "it had the NSG" not in told.reason
    assert "formerNsgId" not in told.evidence


@pytest.mark.field(
    "ways",
    "An NSG that is taken off a subnet of private endpoints is High where network policies put it in force.",
    source="https://learn.microsoft.com/en-us/azure/private-link/disable-private-endpoint-network-policy",
    date="2026-11-29",
)
@pytest.mark.parametrize("mode", ["Enabled", "NetworkSecurityGroupEnabled"])
def test_the_nsg_of_endpoints_counts_where_it_was_in_force(mode: str) -> None:
    guarded, bare = holding(mode), holding(mode, security_group=None)
    found = MISSING.evaluate(guarded)
    assert (found.state, found.applies) == (COMPLIANT, True)
    assert MISSING.evaluate(bare).severity is Severity.INFORMATIONAL
    assert since(MISSING, bare, guarded).severity is Severity.HIGH
    assert since(MISSING, bare, holding("Disabled")).severity is Severity.INFORMATIONAL


@pytest.mark.parametrize("mode", ["", "Disabled", "RouteTableEnabled", "Odd"])
def test_an_nsg_that_decides_nothing_at_endpoints_is_no_baseline_and_its_absence_advice(mode: str) -> None:
    found = MISSING.evaluate(holding(mode))
    assert (found.state, found.applies) == (COMPLIANT, False)
    bare = MISSING.evaluate(holding(mode, security_group=None))
    assert (bare.state, bare.severity) == (NON_COMPLIANT, Severity.INFORMATIONAL)
    ending = " --private-endpoint-network-policies NetworkSecurityGroupEnabled"
    assert bare.evidence["whatToDo"].endswith(ending)


def test_an_nsg_that_goes_together_with_the_network_policies_comes_back_with_them() -> None:
    told = since(MISSING, holding("Disabled", security_group=None), holding("Enabled"))
    _, command = told.evidence["whatToDo"]
    assert (told.severity, command) == (
        Severity.HIGH,
        f"{PUT_BACK} --private-endpoint-network-policies Enabled",
    )


def test_an_nsg_of_endpoints_that_cannot_be_read_is_there_all_the_same() -> None:
    refused = {Aspect.SECURITY_GROUP: "refused"}
    assert MISSING.evaluate(holding("Enabled", security_group=None, unread=refused)).state is UNKNOWN


@pytest.mark.field(
    "ways",
    "Network policies that are switched off over an NSG that was in force at private endpoints are High.",
    source="https://learn.microsoft.com/en-us/azure/private-link/disable-private-endpoint-network-policy",
    date="2026-11-29",
)
def test_network_policies_that_are_switched_off_take_the_nsg_away_too() -> None:
    told = since(IGNORES, holding("Disabled"), holding("Enabled"))
    assert (told.severity, "privateEndpointNetworkPolicies was Enabled" in told.reason) == (
        Severity.HIGH,
        True,
    )
    never = (holding("Disabled"), holding("RouteTableEnabled"), holding("Enabled", security_group=None))
    for former in never:
        assert since(IGNORES, holding("Disabled"), former).severity is Severity.INFORMATIONAL


def test_routes_that_are_switched_off_take_no_nsg_away() -> None:
    table = ResourceId(f"{GROUP}/providers/Microsoft.Network/routeTables/rt")
    routed = holding("NetworkSecurityGroupEnabled", route_table_id=table)
    told = since(IGNORES, routed, replace(routed, endpoint_network_policies="Enabled"))
    assert (told.state, told.severity) == (NON_COMPLIANT, Severity.INFORMATIONAL)
