"""What is proposed is what the policies about NSGs ask for: on the NSG at the end none finds anything."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Final

import pytest

from driftward.flows.labels import Features
from driftward.proposal.needs import Needed
from driftward.proposal.proposing import propose
from shared.model import ComplianceState, SecurityGroup, SubnetServer, TargetKind
from shared.policies import discover
from shared.posture.policy import AnyPolicy
from tests import builders
from tests.driftward.proposal.builders import SUBNET, given, incoming, nsg, outgoing, rule, spans

CLIENTS: Final = "10.1.2.0/24"


POLICIES: Final = [
    policy for policy in discover() if policy.id.startswith("nsg-") and TargetKind.SUBNET in policy.targets
]
WIDE: Final = nsg(
    rule("all-in", 100, "* > *"), rule("nothing-out", 200, "* > *", access="Deny", way="Outbound")
)
SERVER: Final = SubnetServer(
    id=builders.SERVER,
    high_availability=True,
    pgbouncer=True,
    entra=True,
    customer_key=True,
    elastic_cluster=False,
    partners=(),
)


def judged(policy: AnyPolicy, group: SecurityGroup) -> ComplianceState:
    subnet = replace(
        builders.subnet(), prefixes=(ip_network(SUBNET),), security_group=group, servers=(SERVER,)
    )
    said = {one.name: one.default for one in policy.parameters}
    if policy.id == "nsg-blocks-postgres-clients":
        said["clients"] = [CLIENTS]
    return policy.evaluate(subnet, **said).state


def proposed_for_all() -> SecurityGroup:
    """What is proposed in place of an NSG that lets everybody in and nothing out."""
    features = Features(entra=True, customer_key=True, pooled=True)
    seen = (incoming("203.0.113.7"), outgoing("104.74.50.201", denied=True))
    needed = Needed(features=features, clients=spans(CLIENTS))
    return propose(given(*seen, group=WIDE, needed=needed)).after


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_no_policy_about_nsgs_finds_anything_in_what_is_proposed(policy: AnyPolicy) -> None:
    assert judged(policy, proposed_for_all()) is ComplianceState.COMPLIANT


def test_they_do_find_what_was_there_before() -> None:
    wrong = {policy.id for policy in POLICIES if judged(policy, WIDE) is ComplianceState.NON_COMPLIANT}
    assert {
        "nsg-blocks-postgres-in-subnet",
        "nsg-blocks-storage-outbound",
        "nsg-blocks-entra-outbound",
        "nsg-blocks-key-vault-outbound",
        "nsg-exposes-postgres-to-internet",
    } <= wrong
