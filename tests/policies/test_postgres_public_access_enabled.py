"""Public access on a PostgreSQL server: what is found, and when closing it can cut somebody off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.guardrails.prove import prove
from shared.model import (
    Change,
    ComplianceState,
    ConnectionStatus,
    PrivateEndpointConnection,
    PublicAccess,
    Safety,
    ServerSnapshot,
    SetPublicAccess,
    Severity,
)
from shared.model.resource_id import ResourceId
from shared.policies.public_reach.postgres_public_access_enabled import POLICY
from shared.posture.policy import Assessment
from shared.posture.traffic import AddressSet, ServerTraffic
from tests.builders import (
    ALL_AZURE,
    GROUP,
    OFFICE,
    SERVER,
    SUBNET,
    endpoint,
    public_server,
    rule,
    server,
    single_server,
    subnet_rule,
)

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
GUEST = rule("guest", "203.0.113.7")
AUTO = Assessment(safety=Safety.AUTO)


def named(name: str, status: ConnectionStatus = ConnectionStatus.APPROVED) -> PrivateEndpointConnection:
    """A private endpoint connection of its own name."""
    return PrivateEndpointConnection(
        id=SERVER.child("privateEndpointConnections", name),
        status=status,
        endpoint=ResourceId(f"{GROUP}/providers/Microsoft.Network/privateEndpoints/{name}"),
    )


def planned(snapshot: ServerSnapshot) -> Change | None:
    return POLICY.plan(POLICY.evaluate(snapshot), snapshot)


# --- what is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", [public_server(), single_server()], ids=["flexible", "single"])
def test_public_access_is_found_on_both_kinds_of_server(opened: ServerSnapshot) -> None:
    finding = POLICY.evaluate(opened)
    assert finding.state is NON_COMPLIANT
    assert finding.severity is Severity.HIGH
    assert finding.resource_id == opened.id
    assert finding.fingerprint == "publicNetworkAccess=Enabled"
    assert finding.reason == "public network access is enabled: public with rules"


@pytest.mark.parametrize("closed", [server(), replace(single_server(), public_access=PublicAccess.DISABLED)])
def test_a_closed_server_is_compliant_whatever_rules_it_has(closed: ServerSnapshot) -> None:
    finding = POLICY.evaluate(replace(closed, firewall_rules=(OFFICE, ALL_AZURE)))
    assert (finding.state, finding.fingerprint) == (COMPLIANT, "")


@pytest.mark.parametrize("access", PublicAccess)
def test_a_vnet_integrated_server_is_compliant_whatever_the_field_says(access: PublicAccess) -> None:
    finding = POLICY.evaluate(server(public_access=access, delegated_subnet=SUBNET))
    assert finding.state is COMPLIANT
    assert "VNet-integrated" in finding.reason
    assert finding.evidence["delegatedSubnetResourceId"] == str(SUBNET)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "publicNetworkAccess is absent"),
        ("SecuredByPerimeter", "publicNetworkAccess is 'SecuredByPerimeter'"),
    ],
)
def test_a_missing_or_unknown_value_is_unknown_and_nothing_is_planned(text: str | None, reason: str) -> None:
    unsure = replace(public_server(public_access=PublicAccess.UNKNOWN), public_access_text=text)
    finding = POLICY.evaluate(unsure)
    assert (finding.state, finding.reason, finding.fingerprint) == (UNKNOWN, reason, "")
    assert planned(unsure) is None


def test_the_evidence_says_who_would_lose_and_who_would_keep_access() -> None:
    pending = named("pending", ConnectionStatus.PENDING)
    opened = public_server(firewall_rules=(OFFICE, ALL_AZURE), private_endpoints=(endpoint(), pending))
    evidence = POLICY.evaluate(opened).evidence
    assert evidence["losesAccess"] == {
        "firewallRules": [
            {"name": "office", "startIpAddress": "198.51.100.0", "endIpAddress": "198.51.100.255"},
            {"name": ALL_AZURE.name, "startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"},
        ],
        "virtualNetworkRules": [],
        "sources": ["198.51.100.0-198.51.100.255"],
        "allAzure": True,
    }
    assert evidence["keepsAccess"] == {"privateEndpoints": [str(endpoint().endpoint)]}


def test_the_subnets_of_virtual_network_rules_lose_access_too() -> None:
    opened = single_server(virtual_network_rules=(subnet_rule(),))
    finding = POLICY.evaluate(opened)
    assert finding.evidence["losesAccess"]["virtualNetworkRules"] == [
        {"name": "apps", "virtualNetworkSubnetId": str(SUBNET)}
    ]
    forbidden = POLICY.forbidden(opened)
    assert isinstance(forbidden, ServerTraffic)
    assert forbidden.subnets == frozenset({SUBNET.key})
    change = POLICY.plan(finding, opened)
    assert change is not None
    assert prove(change, opened, POLICY, [POLICY]).holds


def test_an_endpoint_of_another_subscription_is_named_by_its_connection() -> None:
    nameless = replace(endpoint(), endpoint=None)
    evidence = POLICY.evaluate(public_server(private_endpoints=(nameless,))).evidence
    assert evidence["keepsAccess"] == {"privateEndpoints": [str(nameless.id)]}


# --- the change ------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", [public_server(), single_server()], ids=["flexible", "single"])
def test_the_change_closes_public_access_and_touches_no_rule(opened: ServerSnapshot) -> None:
    change = planned(opened)
    assert change is not None
    assert change.edits == (SetPublicAccess(server=opened.id, access=PublicAccess.DISABLED),)
    assert change.inverse == (SetPublicAccess(server=opened.id, access=PublicAccess.ENABLED),)


def test_a_compliant_server_gets_no_change() -> None:
    assert planned(server()) is None


def test_the_whole_public_path_is_forbidden_and_no_endpoint_is() -> None:
    office = AddressSet.of([(int(OFFICE.start), int(OFFICE.end))])
    assert POLICY.forbidden(public_server(firewall_rules=(OFFICE, ALL_AZURE))) == ServerTraffic(
        sources=office, all_azure=True
    )
    assert POLICY.forbidden(server(firewall_rules=(OFFICE,))) == ServerTraffic()


# --- who could be cut off --------------------------------------------------------------------------

BASELINE = server(firewall_rules=())
SURE: dict[str, tuple[ServerSnapshot, ServerSnapshot | None]] = {
    "no rules, and the endpoint was there": (public_server(firewall_rules=()), BASELINE),
    "only rules that were added since": (public_server(firewall_rules=(GUEST, ALL_AZURE)), BASELINE),
    "an older rule is gone and a new one came": (
        public_server(firewall_rules=(GUEST,)),
        server(firewall_rules=(OFFICE,)),
    ),
    "one of two endpoints was there": (
        public_server(firewall_rules=(), private_endpoints=(named("new"), endpoint())),
        BASELINE,
    ),
    "the endpoint's id is spelled differently": (
        public_server(
            firewall_rules=(),
            private_endpoints=(replace(endpoint(), id=ResourceId(str(endpoint().id).upper())),),
        ),
        BASELINE,
    ),
    "no earlier reading, no rules": (public_server(firewall_rules=()), None),
    "the baseline's rules are unknown, and there are none now": (
        public_server(firewall_rules=()),
        server(firewall_rules=None),
    ),
    "a single server": (
        single_server(firewall_rules=(GUEST,)),
        single_server(firewall_rules=(), public_access=PublicAccess.DISABLED),
    ),
    "a virtual network rule that was added since": (
        single_server(firewall_rules=(), virtual_network_rules=(subnet_rule(),)),
        single_server(firewall_rules=(), public_access=PublicAccess.DISABLED),
    ),
}


@pytest.mark.parametrize(("opened", "baseline"), SURE.values(), ids=SURE.keys())
def test_closing_is_automatic_when_nobody_can_be_cut_off(
    opened: ServerSnapshot, baseline: ServerSnapshot | None
) -> None:
    assert POLICY.assess(opened, baseline) == AUTO


OLD_RULES = "firewall rules that were not added since the drift: office"
OLD_SUBNETS = "virtual network rules that were not added since the drift: apps"
NEW_ENDPOINT = "no approved private endpoint was already there at the last compliant reading"
UNSURE: dict[str, tuple[ServerSnapshot, ServerSnapshot | None, tuple[str, ...]]] = {
    "a rule was there before": (public_server(), server(firewall_rules=(OFFICE,)), (OLD_RULES,)),
    "a rule was there under another name": (
        public_server(),
        server(firewall_rules=(replace(OFFICE, name="hq"),)),
        (OLD_RULES,),
    ),
    "a rule was there with another range": (
        public_server(firewall_rules=(replace(OFFICE, name="Office", end=GUEST.end),)),
        server(firewall_rules=(OFFICE,)),
        (OLD_RULES.replace("office", "Office"),),
    ),
    "older and newer rules": (
        public_server(firewall_rules=(GUEST, OFFICE)),
        server(firewall_rules=(OFFICE,)),
        (OLD_RULES,),
    ),
    "the baseline's rules are unknown": (public_server(), server(firewall_rules=None), (OLD_RULES,)),
    "no earlier reading, and there are rules": (public_server(), None, (OLD_RULES,)),
    "the endpoint is new": (
        public_server(firewall_rules=(), private_endpoints=(named("new"),)),
        BASELINE,
        (NEW_ENDPOINT,),
    ),
    "the endpoint was only pending": (
        public_server(firewall_rules=()),
        server(firewall_rules=(), private_endpoints=(endpoint(ConnectionStatus.PENDING),)),
        (NEW_ENDPOINT,),
    ),
    "the baseline's endpoints are unknown": (
        public_server(firewall_rules=()),
        server(firewall_rules=(), private_endpoints=None),
        (NEW_ENDPOINT,),
    ),
    "both": (
        public_server(private_endpoints=(named("new"),)),
        server(firewall_rules=(OFFICE,), private_endpoints=()),
        (NEW_ENDPOINT, OLD_RULES),
    ),
    "the rules could not be read": (
        public_server(firewall_rules=None),
        BASELINE,
        ("the firewall rules could not be read",),
    ),
    "a subnet was admitted before": (
        single_server(firewall_rules=(), virtual_network_rules=(subnet_rule(),)),
        single_server(virtual_network_rules=(subnet_rule("older-name"),)),
        (OLD_SUBNETS,),
    ),
    "a virtual network rule was there for another subnet": (
        single_server(firewall_rules=(), virtual_network_rules=(subnet_rule(),)),
        single_server(
            virtual_network_rules=(replace(subnet_rule("Apps"), subnet=ResourceId(f"{SUBNET}-2")),)
        ),
        (OLD_SUBNETS,),
    ),
    "no earlier reading, and a subnet is admitted": (
        single_server(firewall_rules=(), virtual_network_rules=(subnet_rule(),)),
        None,
        (OLD_SUBNETS,),
    ),
    "the baseline's virtual network rules are unknown": (
        single_server(firewall_rules=(), virtual_network_rules=(subnet_rule(),)),
        single_server(virtual_network_rules=None),
        (OLD_SUBNETS,),
    ),
    "the virtual network rules could not be read": (
        single_server(firewall_rules=(), virtual_network_rules=None),
        single_server(firewall_rules=()),
        ("the virtual network rules could not be read",),
    ),
}


@pytest.mark.parametrize(("opened", "baseline", "notes"), UNSURE.values(), ids=UNSURE.keys())
def test_closing_needs_approval_when_somebody_may_be_cut_off_and_says_why(
    opened: ServerSnapshot, baseline: ServerSnapshot | None, notes: tuple[str, ...]
) -> None:
    assert POLICY.assess(opened, baseline) == Assessment(safety=Safety.APPROVAL, notes=notes)
