"""The policy that finds the Internet let in to PostgreSQL, and the guard against it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from shared.alerts.steps import commands_told
from shared.guardrails.prove import prove
from shared.model import (
    Access,
    Change,
    ComplianceState,
    Json,
    PutSecurityRule,
    SecurityRule,
    Severity,
    SubnetSnapshot,
)
from shared.model.edits import apply_to
from shared.model.networks import Peering
from shared.model.resource_id import ResourceId
from shared.nsg import changed
from shared.policies import find
from shared.policies.nsg import nsg_blocks_postgres_clients
from shared.policies.nsg.nsg_exposes_postgres_to_internet import POLICY
from shared.posture.policy import AnyPolicy, bound, examples
from shared.posture.subnet_questions import virtual_network
from tests.nsg.builders import NSG_ID, allow, deny, group, in_network, networks, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
READY = bound(POLICY, {})
OPEN = allow("open", 300, "* > *", "5432")
OWN = ip_network("145.10.0.0/16")


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ((), COMPLIANT),
        ((OPEN,), NON_COMPLIANT),
        ((allow("open", 300, "Internet > *", "5000-6000"),), NON_COMPLIANT),
        ((allow("open", 300, "0.0.0.0/0 > 10.0.1.7", "6432"),), NON_COMPLIANT),
        ((allow("partner", 300, "203.0.113.0/24 > *", "5432"),), NON_COMPLIANT),
        ((allow("own", 300, "145.10.2.0/24 > *", "5432"),), COMPLIANT),
        ((allow("peered", 300, "146.1.0.0/16 > *", "5432"),), COMPLIANT),
        ((allow("own and more", 300, "145.10.0.0/15 > *", "5432"),), NON_COMPLIANT),
        ((allow("probes", 300, "168.63.129.16 > *", "5432"),), COMPLIANT),
        ((allow("web", 300, "Internet > *", "443"),), COMPLIANT),
        ((allow("elsewhere", 300, "Internet > 10.0.9.0/24", "5432"),), COMPLIANT),
        ((allow("inside", 300, "10.0.0.0/8 > *", "5432"),), COMPLIANT),
        ((allow("inside", 300, "VirtualNetwork > *", "5432"),), COMPLIANT),
        ((OPEN, deny("guard", 200, "Internet > *", "5432")), COMPLIANT),
        ((OPEN, deny("not-a-guard", 200, "VirtualNetwork > *", "5432")), NON_COMPLIANT),
        ((allow("corp", 300, "CorpNetPublic > *", "5432"),), UNKNOWN),
        ((allow("sql", 300, "Sql > *", "5432"),), UNKNOWN),
    ],
)
@pytest.mark.field(
    "ways",
    "Public addresses of the network's own space and of peered networks are not the Internet.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_who_is_let_in(rules: tuple[SecurityRule, ...], state: ComplianceState) -> None:
    finding = READY.evaluate(with_public_space(*rules))
    assert finding.state is state, finding.reason


def with_public_space(*rules: SecurityRule) -> SubnetSnapshot:
    """In a network with public addresses of its own, and peered with such a one."""
    return in_network(subnet(group(*rules)), "10.0.0.0/16", "145.10.0.0/16", peers=["146.1.0.0/16"])


def guard_of(policy: AnyPolicy, snapshot: SubnetSnapshot) -> tuple[Change, SecurityRule]:
    change = policy.plan(policy.evaluate(snapshot), snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    return change, edit.rule


@pytest.mark.field(
    "ways",
    "A guard against the Internet leaves a network's own public space alone, and its proof knows that.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_the_guard_leaves_the_networks_own_public_space_alone() -> None:
    snapshot = with_public_space(OPEN)
    change, rule = guard_of(READY, snapshot)
    assert (rule.access, rule.sources) == (Access.DENY, ("Internet",))
    proof = prove(change, snapshot, READY, [READY])
    assert proof.holds, proof.failures
    after = apply_to(snapshot, change)
    assert isinstance(after, SubnetSnapshot)
    told = changed(snapshot.security_group, after.security_group, virtual_network(snapshot))
    touched = [net for part in told.parts for net in part.traffic.sources]
    assert touched
    assert not any(net.overlaps(OWN) for net in touched if net.version == OWN.version)
    listed = replace(rule, sources=("145.0.0.0/8",))
    wider = replace(change, edits=(PutSecurityRule(nsg=NSG_ID, rule=listed),))
    assert not prove(wider, snapshot, READY, [READY]).holds


# --- a network that was not read -------------------------------------------------------------------


@pytest.mark.field(
    "ways",
    "While the network is not read, public prefixes that a rule lists may be its own: Unknown; Internet, * "
    "and more than a network has are found all the same.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("sources", "state"),
    [
        ("145.10.2.0/24", UNKNOWN),
        ("145.10.2.0/24,203.0.113.0/24,64.0.0.0/2", UNKNOWN),
        ("Internet", NON_COMPLIANT),
        ("*", NON_COMPLIANT),
        ("0.0.0.0/0", NON_COMPLIANT),
        ("0.0.0.0/1", NON_COMPLIANT),
        ("0.0.0.0/2,64.0.0.0/2", NON_COMPLIANT),
        ("11.0.0.0-99.255.255.255", NON_COMPLIANT),
    ],
)
def test_what_a_rule_lists_may_be_the_space_of_a_network_that_was_not_read(
    sources: str, state: ComplianceState
) -> None:
    snapshot = subnet(group(allow("some", 300, f"{sources} > *", "5432")))
    found = READY.evaluate(snapshot)
    assert found.state is state, found.reason
    assert ("the virtual network could not be read" in found.reason) is (state is UNKNOWN)
    assert (READY.plan(found, snapshot) is None) is (state is UNKNOWN)
    assert READY.evaluate(in_network(snapshot, "10.0.0.0/16")).state is NON_COMPLIANT


@pytest.mark.parametrize(("space", "odd"), [((), False), (("10.7.0.0/16",), True)], ids=["silent", "odd"])
def test_what_a_rule_lists_may_be_the_space_of_a_peer_that_does_not_show_it(
    space: tuple[str, ...], odd: bool
) -> None:
    snapshot = in_network(subnet(group(allow("some", 300, "145.10.2.0/24 > *", "5432"))), "10.0.0.0/16")
    assert READY.evaluate(snapshot).state is NON_COMPLIANT
    network = snapshot.virtual_network
    assert network is not None
    far = Peering(network=ResourceId(f"{network.id}-far"), prefixes=networks(*space))
    beside = replace(snapshot, virtual_network=replace(network, peerings=(far,), odd_peerings=odd))
    found = READY.evaluate(beside)
    assert (found.state, READY.plan(found, beside)) == (UNKNOWN, None)
    assert "does not show what it joins" in found.reason


def test_beside_a_rule_for_everybody_a_listed_prefix_is_not_called_exposed() -> None:
    listed = allow("listed", 200, "145.10.2.0/24 > *", "5432")
    snapshot = subnet(group(listed, OPEN))
    found = READY.evaluate(snapshot)
    assert found.reason.endswith("is allowed by rule 'open' (priority 300)")
    change, rule = guard_of(READY, snapshot)
    assert rule.sources == ("Internet",)
    assert prove(change, snapshot, READY, [READY]).holds


# --- declared clients ------------------------------------------------------------------------------

DECLARED: Json = {"clients": ["203.0.113.0/24", "10.9.0.0/24"]}
KNOWING = bound(POLICY, DECLARED)
CLIENTS = bound(nsg_blocks_postgres_clients.POLICY, DECLARED)


@pytest.mark.field(
    "ways",
    "What is let in for declared clients with public addresses is no exposure, whoever made the rule.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_the_rule_that_lets_declared_clients_in_is_no_exposure() -> None:
    snapshot = with_public_space(deny("wall", 400))
    change = CLIENTS.plan(CLIENTS.evaluate(snapshot), snapshot)
    assert change is not None
    proof = prove(change, snapshot, CLIENTS, [KNOWING, CLIENTS])
    assert proof.holds, proof.failures
    assert all(
        "driftward-clients" in edit.rule.name for edit in change.edits if isinstance(edit, PutSecurityRule)
    )
    after = apply_to(snapshot, change)
    assert KNOWING.evaluate(after).state is COMPLIANT
    assert READY.evaluate(after).state is NON_COMPLIANT, "the name of a rule declares nobody"


def test_a_guard_beside_declared_clients_lists_all_of_the_internet_but_them() -> None:
    lets_in = allow("clients", 200, "203.0.113.0/24 > *", "5432")
    for rules in ((OPEN,), (lets_in, OPEN)):
        snapshot = with_public_space(*rules)
        before = CLIENTS.evaluate(snapshot)
        change, rule = guard_of(KNOWING, snapshot)
        kept_out = [ip_network(text) for text in rule.sources]
        assert not any(net.overlaps(ip_network("203.0.113.0/24")) or net.overlaps(OWN) for net in kept_out)
        assert rule.priority == 299
        proof = prove(change, snapshot, KNOWING, [KNOWING, CLIENTS])
        assert proof.holds, proof.failures
        assert CLIENTS.evaluate(apply_to(snapshot, change)).state is before.state


def test_where_the_network_was_not_read_a_guard_that_lists_prefixes_lists_none_that_may_be_its_own() -> None:
    snapshot = subnet(group(allow("own", 200, "145.10.2.0/24 > *", "5432"), OPEN))
    found = KNOWING.evaluate(snapshot)
    assert found.state is NON_COMPLIANT
    assert KNOWING.plan(found, snapshot) is None
    (edit,) = KNOWING.suggest(found, snapshot)
    assert isinstance(edit, PutSecurityRule)
    assert not any(ip_network(text).overlaps(ip_network("145.10.2.0/24")) for text in edit.rule.sources)


def test_the_guard_stands_ahead_of_the_rule_that_opens_and_names_no_other_port_or_subnet() -> None:
    snapshot = subnet(group(OPEN))
    finding = READY.evaluate(snapshot)
    change = READY.plan(finding, snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    rule = edit.rule
    assert (rule.access, rule.priority, rule.sources) == (Access.DENY, 299, ("Internet",))
    assert (rule.destinations, rule.destination_ports) == (("10.0.1.0/24",), ("5432", "6432"))
    assert prove(change, snapshot, READY, [READY]).holds
    assert finding.reason == (
        "inbound tcp/5432 from Internet to 10.0.1.0/24 is allowed by rule 'open' (priority 300)"
    )


def test_the_exposure_is_latent_and_low_while_the_policy_is_about_a_grave_one() -> None:
    finding = READY.evaluate(subnet(group(OPEN)))
    assert (finding.severity, POLICY.severity) == (Severity.LOW, Severity.HIGH)
    assert finding.evidence["exposure"].startswith("latent")
    assert finding.evidence["directions"][0]["exposingRules"] == [{"name": "open", "priority": 300}]
    assert finding.evidence["directions"][0]["portsAllowed"] == [5432]


def test_without_an_nsg_everything_passes_and_nothing_can_be_added() -> None:
    snapshot = subnet(None)
    finding = READY.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    assert READY.plan(finding, snapshot) is None
    assert "no NSG" in finding.evidence["noFixReason"]


@pytest.mark.field(
    "commands",
    "Without an NSG no rule lets anybody in: the finding says so, and its command gives the subnet one.",
    source="https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works",
    date="2026-11-29",
)
@pytest.mark.parametrize("policy", ["nsg-exposes-postgres-to-internet", "nsg-reachable-beyond-clients"])
def test_a_subnet_without_an_nsg_is_told_to_get_one(policy: str) -> None:
    known = find(policy)
    assert known is not None
    bare = subnet(None, servers=())
    found = bound(known, examples(known)).evaluate(bare)
    assert found.reason.endswith("is allowed: the subnet has no NSG")
    (command,) = commands_told(found.evidence)
    assert command.startswith(f"az network vnet subnet update --ids {bare.id} --network-security-group ")
