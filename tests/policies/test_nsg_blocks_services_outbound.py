"""The policies that find Microsoft Entra ID and Azure Key Vault blocked outbound where servers need them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.guardrails.prove import prove
from shared.model import (
    Aspect,
    ComplianceState,
    PutSecurityRule,
    SecurityRule,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.edits import apply_edits, apply_to
from shared.model.resource_id import ResourceId
from shared.policies.nsg.nsg_blocks_entra_outbound import POLICY as ENTRA
from shared.policies.nsg.nsg_blocks_key_vault_outbound import POLICY as VAULT
from shared.policies.nsg.nsg_blocks_storage_outbound import POLICY as STORAGE
from shared.posture.policy import AnyPolicy
from tests.nsg.builders import OUT, allow, deny, group, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
SERVER = ResourceId(
    "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/s"
)
DENY_OUT = deny("deny-out", 4000, protocol="*", direction=OUT)


def server(**facts: Any) -> SubnetServer:
    return SubnetServer(id=SERVER, **facts)


NEEDING = server(entra=True, customer_key=True)
NOT_NEEDING = server(entra=False, customer_key=False)


def to(destination: str, ports: str = "443") -> SecurityRule:
    return allow("way", 200, f"* > {destination}", ports, direction=OUT)


def held(*rules: SecurityRule, servers: tuple[SubnetServer, ...] | None = (NEEDING,)) -> SubnetSnapshot:
    return subnet(group(*rules), servers=servers)


both = pytest.mark.parametrize(
    ("policy", "tag"), [(ENTRA, "AzureActiveDirectory"), (VAULT, "AzureKeyVault")], ids=["entra", "vault"]
)


@both
def test_what_passes_to_the_service(policy: AnyPolicy, tag: str) -> None:
    expected = {
        (): COMPLIANT,
        (DENY_OUT,): NON_COMPLIANT,
        (DENY_OUT, to(tag)): COMPLIANT,
        (DENY_OUT, to(tag.upper())): COMPLIANT,
        (DENY_OUT, to("Internet")): COMPLIANT,
        (DENY_OUT, to("*")): COMPLIANT,
        (DENY_OUT, to(tag, "80")): NON_COMPLIANT,
        (DENY_OUT, to("Storage")): NON_COMPLIANT,
        (DENY_OUT, to("AzureCloud")): UNKNOWN,
        (DENY_OUT, to("20.190.128.0/18")): UNKNOWN,
        (DENY_OUT, to("VirtualNetwork")): UNKNOWN,
        (deny("no", 200, f"* > {tag}", direction=OUT),): NON_COMPLIANT,
        (deny("no", 200, "* > Internet", protocol="Udp", direction=OUT),): COMPLIANT,
    }
    found = {rules: policy.evaluate(held(*rules)).state for rules in expected}
    assert found == expected


def test_the_region_of_key_vault_is_enough_and_another_is_not() -> None:
    """Entra ID has no regions."""
    assert VAULT.evaluate(held(DENY_OUT, to("AzureKeyVault.WestEurope"))).state is COMPLIANT
    assert VAULT.evaluate(held(DENY_OUT, to("AzureKeyVault.NorthEurope"))).state is NON_COMPLIANT


@both
def test_it_does_not_apply_where_no_server_needs_it(policy: AnyPolicy, tag: str) -> None:
    for servers in ((), (NOT_NEEDING,)):
        finding = policy.evaluate(held(DENY_OUT, servers=servers))
        assert (finding.state, finding.applies) == (COMPLIANT, False)
        assert finding.reason.startswith("no server in the subnet")


@both
def test_one_server_that_needs_it_is_enough(policy: AnyPolicy, tag: str) -> None:
    finding = policy.evaluate(held(DENY_OUT, servers=(NOT_NEEDING, server(), NEEDING)))
    assert finding.state is NON_COMPLIANT
    assert finding.fingerprint == "Outbound/IPv4:443"


@both
@pytest.mark.parametrize("servers", [None, (NOT_NEEDING, server())])
def test_where_it_is_not_known_whether_it_is_needed_a_denial_is_unknown_and_passing_is_not(
    policy: AnyPolicy, tag: str, servers: tuple[SubnetServer, ...] | None
) -> None:
    denied = policy.evaluate(held(DENY_OUT, servers=servers))
    assert (denied.state, denied.fingerprint) == (UNKNOWN, "")
    assert "is unknown" in denied.reason
    assert policy.plan(denied, held(DENY_OUT, servers=servers)) is None
    assert policy.evaluate(held(servers=servers)).state is COMPLIANT


@both
def test_what_may_not_be_read_is_named(policy: AnyPolicy, tag: str) -> None:
    refused = "our identity may not perform Microsoft.DBforPostgreSQL/flexibleServers/read"
    snapshot = replace(held(DENY_OUT, servers=None), unread={Aspect.SUBNET_SERVERS: refused})
    assert refused in policy.evaluate(snapshot).reason


def test_the_rule_for_entra_id_names_its_tag_alone_and_never_the_internet() -> None:
    snapshot = held(DENY_OUT, to("Storage"))
    finding = ENTRA.evaluate(snapshot)
    assert finding.reason == (
        "outbound tcp/443 from 10.0.1.0/24 to AzureActiveDirectory is denied by rule 'deny-out' "
        "(priority 4000)"
    )
    assert finding.evidence["servers"] == [{"id": str(SERVER), "entra": True}]
    change = ENTRA.plan(finding, snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert (edit.rule.sources, edit.rule.destinations) == (("10.0.1.0/24",), ("AzureActiveDirectory",))
    assert (edit.rule.destination_ports, edit.rule.priority) == (("443",), 3999)
    assert prove(change, snapshot, ENTRA, [ENTRA, STORAGE, VAULT]).holds
    assert ENTRA.evaluate(apply_to(snapshot, change)).state is COMPLIANT


def test_one_deny_for_everything_is_answered_service_by_service() -> None:
    snapshot = held(DENY_OUT)
    for policy in (STORAGE, ENTRA):
        change = policy.plan(policy.evaluate(snapshot), snapshot)
        assert change is not None
        assert prove(change, snapshot, policy, [STORAGE, ENTRA]).holds
        after = apply_to(snapshot, change)
        assert isinstance(after, SubnetSnapshot)
        snapshot = after
    assert {policy.evaluate(snapshot).state for policy in (STORAGE, ENTRA)} == {COMPLIANT}
    assert VAULT.evaluate(snapshot).state is NON_COMPLIANT


def test_for_key_vault_a_rule_is_shown_and_none_is_made() -> None:
    snapshot = held(DENY_OUT)
    finding = VAULT.evaluate(snapshot)
    assert VAULT.plan(finding, snapshot) is None
    edits = VAULT.suggest(finding, snapshot)
    assert VAULT.evaluate(apply_edits(snapshot, edits)).state is COMPLIANT
    assert VAULT.suggest(VAULT.evaluate(held()), held()) == ()


@both
@pytest.mark.parametrize(
    ("snapshot", "state", "applies"),
    [
        (subnet(None, servers=(NEEDING,)), COMPLIANT, True),
        (subnet(group(DENY_OUT), delegations=(), servers=(NEEDING,)), COMPLIANT, False),
        (subnet(group(DENY_OUT), updating=True, servers=(NEEDING,)), UNKNOWN, True),
        (subnet(group(DENY_OUT), "fd00:1::/64", servers=(NEEDING,)), UNKNOWN, True),
        (
            replace(subnet(None, servers=(NEEDING,)), unread={Aspect.SECURITY_GROUP: "refused"}),
            UNKNOWN,
            True,
        ),
    ],
)
def test_where_the_rules_do_not_decide(
    policy: AnyPolicy, tag: str, snapshot: SubnetSnapshot, state: ComplianceState, applies: bool
) -> None:
    finding = policy.evaluate(snapshot)
    assert (finding.state, finding.applies) == (state, applies), finding.reason
    assert policy.plan(finding, snapshot) is None
