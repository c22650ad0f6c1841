"""Locks on the network of PostgreSQL servers and private endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, Finding, Severity, SubnetSnapshot
from shared.model.networks import SubnetEndpoint
from shared.model.parts import ManagementLock
from shared.model.resource_id import ResourceId
from shared.policies.network.postgres_network_locked import POLICY
from tests.builders import SUBNET, subnet

NETWORK = str(SUBNET.parent)
GROUP = NETWORK.split("/providers/")[0]
SUBSCRIPTION = GROUP.split("/resourceGroups/")[0]
ENDPOINT = ResourceId(f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe-orders")
COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)


def lock(scope: str, level: str = "CanNotDelete", name: str = "keep") -> ManagementLock:
    return ManagementLock(name=name, level=level, scope=scope)


def locked(*locks: ManagementLock) -> Finding:
    return POLICY.evaluate(subnet(network_locks=locks))


def holding_endpoints(*endpoints: SubnetEndpoint, **parts: Any) -> SubnetSnapshot:
    return subnet(delegations=(), private_endpoints=endpoints, **parts)


@pytest.mark.parametrize("level", ["CanNotDelete", "ReadOnly", "readonly"])
@pytest.mark.parametrize(
    "scope",
    [str(SUBNET), NETWORK, NETWORK.upper(), GROUP, SUBSCRIPTION],
    ids=["subnet", "network", "shouted", "group", "subscription"],
)
@pytest.mark.field(
    "ways",
    "A ReadOnly or CanNotDelete lock that holds for the network or subnet of PostgreSQL servers is found.",
    source="https://github.com/MicrosoftDocs/azure-docs/blob/0c99a4598dde80ce755ed606e1a2e311c4870f73/"
    "articles/postgresql/flexible-server/how-to-manage-virtual-network-portal.md",
    date="2026-11-29",
)
def test_a_lock_on_the_subnet_or_on_what_it_lies_in_is_found(scope: str, level: str) -> None:
    finding = locked(lock(scope, level))
    assert (finding.state, f"lock keep ({level}) on {scope}" in finding.reason) == (NON_COMPLIANT, True)
    lock_id = f"{scope}/providers/Microsoft.Authorization/locks/keep"
    assert finding.evidence["whatToDo"] == [f"az lock delete --ids {lock_id}"]
    assert finding.evidence["locks"] == [{"name": "keep", "level": level, "scope": scope}]


def test_a_lock_that_refuses_deletions_alone_is_the_lesser_one() -> None:
    lesser, worse = lock(NETWORK), lock(GROUP, "ReadOnly", "freeze")
    assert locked(lesser).severity is Severity.LOW
    assert "can be deleted" in locked(lesser).reason
    for held in ((worse,), (lesser, worse)):
        assert (locked(*held).severity, "can be changed" in locked(*held).reason) == (Severity.MEDIUM, True)
    assert len(locked(lesser, worse).evidence["whatToDo"]) == 2


def test_locks_on_neighbours_do_not_matter_and_an_unknown_level_is_unknown() -> None:
    neighbours = (lock(f"{SUBNET}-2"), lock(f"{NETWORK}/subnets/apps"), lock(f"{NETWORK}-2"))
    assert locked(*neighbours).state is COMPLIANT
    assert locked().state is COMPLIANT
    assert locked(lock(GROUP, "NotSpecified")).state is UNKNOWN
    beside = locked(lock(GROUP, "NotSpecified"), lock(NETWORK))
    assert (beside.state, len(beside.evidence["whatToDo"])) == (NON_COMPLIANT, 1)


def test_locks_that_could_not_be_read_are_unknown_with_the_missing_action() -> None:
    refused = "our identity may not perform Microsoft.Authorization/locks/read"
    finding = POLICY.evaluate(subnet(unread={Aspect.NETWORK_LOCKS: refused}))
    assert (finding.state, finding.reason) == (
        UNKNOWN,
        f"the locks on the virtual network could not be read: {refused}",
    )


@pytest.mark.field(
    "ways",
    "A lock on the network of a PostgreSQL server's private endpoint is found as well.",
    source="https://github.com/MicrosoftDocs/azure-docs/blob/48fe86ce3f8b25d7284bf49363b4834caf746755/"
    "articles/postgresql/flexible-server/how-to-manage-virtual-network-private-endpoint-portal.md",
    date="2026-11-29",
)
def test_a_subnet_with_endpoints_of_postgres_is_judged_and_another_ones_is_not() -> None:
    held = {"network_locks": (lock(NETWORK),)}
    assert POLICY.evaluate(holding_endpoints(SubnetEndpoint(id=ENDPOINT), **held)).state is NON_COMPLIANT
    nobodys = POLICY.evaluate(holding_endpoints(**held))
    assert (nobodys.state, nobodys.applies) == (COMPLIANT, False)
    unasked = POLICY.evaluate(subnet(delegations=(), unread={Aspect.SUBNET_ENDPOINTS: "refused"}))
    assert unasked.state is UNKNOWN


def test_one_lock_more_is_another_drift_and_order_means_nothing() -> None:
    one, two = lock(GROUP), lock(NETWORK, "ReadOnly", "freeze")
    assert locked(two, one).fingerprint == locked(one, two).fingerprint != locked(one).fingerprint


@pytest.mark.parametrize("level", ["ReadOnly", "CanNotDelete"])
def test_a_lock_without_an_id_may_be_anywhere_and_no_command_takes_it_away(level: str) -> None:
    found = locked(lock("", level, ""))
    assert (found.state, "whatToDo" in found.evidence) == (UNKNOWN, False)
    beside = locked(lock("", "ReadOnly", ""), lock(str(SUBNET), "CanNotDelete"))
    assert (beside.state, beside.severity) == (NON_COMPLIANT, Severity.LOW)
    assert len(beside.evidence["whatToDo"]) == 1
