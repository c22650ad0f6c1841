"""What the policies about clients and the Internet ask of clusters, and of subnets with private endpoints."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from shared.guardrails.prove import prove
from shared.model import (
    Aspect,
    ComplianceState,
    PutSecurityRule,
    SecurityGroup,
    SecurityRule,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.edits import apply_edits, apply_to, normalised
from shared.model.networks import SubnetEndpoint
from shared.model.resource_id import ResourceId
from shared.policies.nsg import (
    nsg_blocks_postgres_clients,
    nsg_blocks_postgres_in_subnet,
    nsg_blocks_storage_outbound,
    nsg_exposes_postgres_to_internet,
    nsg_reachable_beyond_clients,
)
from shared.posture.policy import AnyPolicy, bound
from tests.nsg.builders import SUBNET_ID, allow, deny, group, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
DECLARED = {"clients": ["10.0.2.0/24"]}
EXPOSES = bound(nsg_exposes_postgres_to_internet.POLICY, {})
CLIENTS = bound(nsg_blocks_postgres_clients.POLICY, DECLARED)
BEYOND = bound(nsg_reachable_beyond_clients.POLICY, DECLARED)
SERVER = ResourceId(
    "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/s"
)
NODES = "7432,8432"


# --- elastic clusters ------------------------------------------------------------------------------

OPEN_NODES = allow("nodes", 300, "* > *", NODES)
LET_IN = allow("clients", 200, "10.0.2.0/24 > *", "5432")
CLOSED_NODES = deny("nodes", 300, "* > *", NODES)
NO_OTHERS = deny("others", 310, "* > *", "5432,6432")


def with_cluster(known: bool | None, *rules: SecurityRule) -> SubnetSnapshot:
    return subnet(group(*rules), servers=(SubnetServer(id=SERVER, elastic_cluster=known),))


@pytest.mark.parametrize(
    ("policy", "rules"),
    [(EXPOSES, (OPEN_NODES,)), (CLIENTS, (LET_IN, CLOSED_NODES)), (BEYOND, (NO_OTHERS,))],
    ids=["exposes", "clients", "beyond"],
)
@pytest.mark.parametrize(("known", "state"), [(True, NON_COMPLIANT), (False, COMPLIANT), (None, UNKNOWN)])
def test_the_ports_of_nodes_count_where_a_server_is_a_cluster(
    policy: AnyPolicy, rules: tuple[SecurityRule, ...], known: bool | None, state: ComplianceState
) -> None:
    finding = policy.evaluate(with_cluster(known, *rules))
    assert finding.state is state, finding.reason
    assert ("is an elastic cluster" in finding.reason) is (known is None)


def test_servers_that_were_not_read_are_said_and_not_guessed() -> None:
    refused = {Aspect.SUBNET_SERVERS: "no right"}
    open_nodes = replace(subnet(group(OPEN_NODES), servers=None), unread=refused)
    assert "no right" in EXPOSES.evaluate(open_nodes).reason
    closed = EXPOSES.evaluate(replace(subnet(group(), servers=None), unread=refused))
    assert closed.state is COMPLIANT
    assert "elastic cluster" in closed.evidence["elasticCluster"]


def test_the_guard_of_a_cluster_covers_its_nodes() -> None:
    snapshot = with_cluster(True, allow("all", 300))
    change = EXPOSES.plan(EXPOSES.evaluate(snapshot), snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert edit.rule.destination_ports == ("5432", "6432", "7432", "8432")


def test_nothing_is_planned_that_would_leave_it_unknown() -> None:
    """Whether the nodes' ports matter is not known, and a guard for the others does not answer it."""
    snapshot = with_cluster(None, allow("all", 300))
    finding = EXPOSES.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    assert EXPOSES.plan(finding, snapshot) is None
    assert EXPOSES.suggest(finding, snapshot)


# --- private endpoints -----------------------------------------------------------------------------

ENDPOINT = SubnetEndpoint(id=SUBNET_ID.child("x", "pe"), server=SERVER, addresses=(ip_address("10.0.1.5"),))
OPEN = allow("open", 300, "* > *", "5432")
NO_CLIENTS = deny("no", 300, "10.0.0.0/8 > *", "5432")


def holding(*rules: SecurityRule, mode: str = "Enabled", **parts: Any) -> SubnetSnapshot:
    bare = subnet(group(*rules), delegations=(), servers=())
    return replace(bare, endpoint_network_policies=mode, **{"private_endpoints": (ENDPOINT,), **parts})


@pytest.mark.parametrize(("policy", "rule"), [(EXPOSES, OPEN), (CLIENTS, NO_CLIENTS)])
@pytest.mark.parametrize(
    ("mode", "state", "applies"),
    [
        ("Enabled", NON_COMPLIANT, True),
        ("NetworkSecurityGroupEnabled", NON_COMPLIANT, True),
        ("networksecuritygroupenabled", NON_COMPLIANT, True),
        ("RouteTableEnabled", COMPLIANT, False),
        ("Disabled", COMPLIANT, False),
        ("", COMPLIANT, False),
        ("Later", UNKNOWN, True),
    ],
)
def test_an_nsg_decides_at_an_endpoint_where_network_policies_say_so(
    policy: AnyPolicy, rule: SecurityRule, mode: str, state: ComplianceState, applies: bool
) -> None:
    finding = policy.evaluate(holding(rule, mode=mode))
    assert (finding.state, finding.applies) == (state, applies), finding.reason


NAMELESS = replace(ENDPOINT, id=SUBNET_ID.child("x", "other"), addresses=())
REFUSED = replace(NAMELESS, unread="no right")


@pytest.mark.field(
    "odd-items",
    "What an NSG does at an endpoint whose address is known is judged, whatever is not known of the others",
    source="https://learn.microsoft.com/en-us/azure/private-link/disable-private-endpoint-network-policy",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("other", "said"),
    [
        (NAMELESS, "private endpoint other shows no address"),
        (REFUSED, "the address of private endpoint other could not be read: no right"),
    ],
)
def test_an_endpoint_without_an_address_leaves_the_others_to_be_judged(
    other: SubnetEndpoint, said: str
) -> None:
    both = (ENDPOINT, other)
    for policy, rule in ((EXPOSES, OPEN), (CLIENTS, NO_CLIENTS)):
        found = policy.evaluate(holding(rule, private_endpoints=both))
        assert (found.state, found.reason.endswith(said), found.undecided) == (NON_COMPLIANT, True, (said,))
        alone = policy.evaluate(holding(rule))
        assert found.fingerprint == alone.fingerprint
    fine = EXPOSES.evaluate(holding(private_endpoints=both))
    assert (fine.state, fine.reason.endswith(said), fine.undecided) == (UNKNOWN, True, (said,))


def test_only_the_endpoints_addresses_and_5432_are_asked_about() -> None:
    assert EXPOSES.evaluate(holding(allow("o", 300, "* > 10.0.1.6", "5432"))).state is COMPLIANT
    assert EXPOSES.evaluate(holding(allow("o", 300, "* > *", "6432,7432"))).state is COMPLIANT
    finding = EXPOSES.evaluate(holding(OPEN))
    assert finding.reason.startswith("inbound tcp/5432 from Internet to 10.0.1.5/32 is allowed")
    assert finding.evidence["ports"] == [5432]
    assert finding.evidence["exposure"].startswith("latent")


def test_a_rule_for_some_source_ports_is_one_for_all_of_them_at_an_endpoint() -> None:
    some = allow("some", 300, "* > *", "5432", source_ports="1024-2047")
    guard = deny("guard", 200, "Internet > *", "5432", source_ports="1024-65535")
    assert EXPOSES.evaluate(holding(some)).state is NON_COMPLIANT
    assert EXPOSES.evaluate(holding(OPEN, guard)).state is COMPLIANT


@pytest.mark.parametrize(("policy", "rule"), [(EXPOSES, OPEN), (CLIENTS, NO_CLIENTS)])
def test_the_change_names_the_endpoints_and_is_proved(policy: AnyPolicy, rule: SecurityRule) -> None:
    snapshot = holding(rule)
    change = policy.plan(policy.evaluate(snapshot), snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert (edit.rule.destinations, edit.rule.destination_ports) == (("10.0.1.5/32",), ("5432",))
    proof = prove(change, snapshot, policy, [EXPOSES, CLIENTS])
    assert proof.holds, proof.failures
    after = apply_to(snapshot, change)
    assert policy.evaluate(after).state is COMPLIANT
    assert normalised(apply_edits(after, change.inverse)) == normalised(snapshot)


def test_an_allow_that_was_deleted_at_an_endpoint_is_put_back_as_it_was() -> None:
    lost = allow("clients", 200, "10.0.2.0/24 > 10.0.1.5", "5432", source_ports="1024-65535")
    wall = deny("wall", 300, "* > *", source_ports="1-65535")
    baseline, snapshot = holding(lost, wall), holding(wall)
    assert CLIENTS.restore is not None
    change, *_ = CLIENTS.restore(CLIENTS.evaluate(snapshot), snapshot, baseline)
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert edit.rule == lost
    assert CLIENTS.evaluate(apply_to(snapshot, change)).state is COMPLIANT


@pytest.mark.parametrize(
    ("parts", "state", "applies", "said"),
    [
        ({"private_endpoints": ()}, COMPLIANT, False, "holds no private endpoint"),
        ({"private_endpoints": None}, UNKNOWN, True, "could not be read"),
        (
            {"private_endpoints": (replace(ENDPOINT, addresses=()),)},
            UNKNOWN,
            True,
            "private endpoint pe shows no address",
        ),
        ({"updating": True}, UNKNOWN, True, "look again"),
        ({"security_group": replace(group(OPEN), updating=True)}, UNKNOWN, True, "look again"),
        (
            {"security_group": None, "unread": {Aspect.SECURITY_GROUP: "no right"}},
            UNKNOWN,
            True,
            "the NSG could not be read: no right",
        ),
    ],
)
def test_what_is_missing_at_an_endpoint_is_said(
    parts: dict[str, Any], state: ComplianceState, applies: bool, said: str
) -> None:
    for policy in (EXPOSES, CLIENTS):
        finding = policy.evaluate(holding(OPEN, NO_CLIENTS, **parts))
        assert (finding.state, finding.applies) == (state, applies)
        assert said in finding.reason


def test_without_an_nsg_clients_reach_an_endpoint() -> None:
    none: SecurityGroup | None = None
    assert CLIENTS.evaluate(holding(security_group=none)).state is COMPLIANT


@pytest.mark.parametrize(
    "policy",
    [
        bound(nsg_blocks_postgres_in_subnet.POLICY, {}),
        nsg_blocks_storage_outbound.POLICY,
        BEYOND,
    ],
    ids=lambda policy: policy.id,
)
def test_what_concerns_delegated_subnets_alone_does_not_apply(policy: AnyPolicy) -> None:
    finding = policy.evaluate(holding(deny("all", 200)))
    assert (finding.state, finding.applies) == (COMPLIANT, False)
