"""The policy that finds declared clients of PostgreSQL blocked."""

from __future__ import annotations

import pytest

from shared.guardrails.prove import prove
from shared.model import ComplianceState, Json, PutSecurityRule, Safety
from shared.policies.nsg.nsg_blocks_postgres_clients import POLICY
from shared.posture.policy import bound
from tests.nsg.builders import allow, deny, group, in_network, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
DECLARED = bound(POLICY, {"clients": ["10.0.2.0/24", "fd00:2::/64"]})
DENY_ALL = deny("deny-all", 200, protocol="*")


def test_without_declared_clients_there_is_nothing_to_say_and_no_baseline() -> None:
    finding = bound(POLICY, {}).evaluate(subnet(group(DENY_ALL)))
    assert (finding.state, finding.applies) == (COMPLIANT, False)


def test_a_blocked_client_is_named_with_the_rule_and_let_in_by_one_of_its_own() -> None:
    snapshot = subnet(group(DENY_ALL))
    finding = DECLARED.evaluate(snapshot)
    assert finding.reason == (
        "inbound tcp/5432 from 10.0.2.0/24 to 10.0.1.0/24 is denied by rule 'deny-all' (priority 200)"
    )
    change = DECLARED.plan(finding, snapshot)
    assert change is not None
    (edit,) = change.edits
    assert isinstance(edit, PutSecurityRule)
    assert (edit.rule.sources, edit.rule.destinations) == (("10.0.2.0/24",), ("10.0.1.0/24",))
    assert (edit.rule.destination_ports, edit.rule.priority) == (("5432",), 199)
    assert prove(change, snapshot, DECLARED, [DECLARED]).holds
    assert DECLARED.suggest(finding, snapshot) == change.edits
    assert POLICY.safety is Safety.APPROVAL


def test_each_family_gets_its_rule() -> None:
    snapshot = subnet(group(DENY_ALL), "10.0.1.0/24", "fd00:1::/64")
    change = DECLARED.plan(DECLARED.evaluate(snapshot), snapshot)
    assert change is not None
    assert [e.rule.sources for e in change.edits if isinstance(e, PutSecurityRule)] == [
        ("10.0.2.0/24",),
        ("fd00:2::/64",),
    ]


def test_part_of_a_clients_network_is_partly_denied() -> None:
    finding = DECLARED.evaluate(subnet(group(deny("no", 150, "10.0.2.64/26 > *", "5432"))))
    assert finding.state is UNKNOWN or "partly" in finding.reason


@pytest.mark.parametrize(
    ("clients", "state"),
    [
        (["10.0.2.0/24"], COMPLIANT),
        (["10.0.3.0/24"], NON_COMPLIANT),
        (["10.0.2.0/24", "10.0.3.0/24"], NON_COMPLIANT),
        (["fd00:2::/64"], UNKNOWN),
    ],
)
def test_every_declared_prefix_must_pass(clients: list[str], state: ComplianceState) -> None:
    snapshot = subnet(group(allow("app", 100, "10.0.2.0/24 > *", "5432"), DENY_ALL))
    assert bound(POLICY, {"clients": clients}).evaluate(snapshot).state is state


@pytest.mark.field(
    "ways",
    "Clients declared in the server's network or in one peered with it are let in by the default rules.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("client", "state"),
    [
        ("10.0.2.0/24", COMPLIANT),
        ("10.1.2.0/24", COMPLIANT),
        ("145.10.2.0/24", COMPLIANT),
        ("10.9.0.0/24", UNKNOWN),
        ("10.0.0.0/15", COMPLIANT),
        ("10.0.0.0/14", UNKNOWN),
    ],
    ids=["own", "peered", "own and public", "elsewhere", "own and peered", "more than both"],
)
def test_the_virtual_network_holds_the_space_that_was_read_and_whether_more_is_not_known(
    client: str, state: ComplianceState
) -> None:
    snapshot = in_network(subnet(group()), "10.0.0.0/16", "145.10.0.0/16", peers=["10.1.0.0/16"])
    finding = bound(POLICY, {"clients": [client]}).evaluate(snapshot)
    assert (finding.state, "'VirtualNetwork'" in finding.reason) == (state, state is UNKNOWN), finding.reason


def test_whether_a_client_lies_in_a_network_that_was_not_read_is_not_known() -> None:
    finding = DECLARED.evaluate(subnet(group()))
    assert finding.state is UNKNOWN
    assert "'VirtualNetwork'" in finding.reason


def test_a_deny_for_the_virtual_network_surely_blocks_a_client_in_it() -> None:
    snapshot = in_network(subnet(group(deny("no", 200, "VirtualNetwork > *"))), "10.0.0.0/16")
    finding = DECLARED.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    change = DECLARED.plan(finding, snapshot)
    assert change is not None
    assert prove(change, snapshot, DECLARED, [DECLARED]).holds


@pytest.mark.parametrize("wrong", [None, "10.0.0.0/8", [1], ["app"], ["10.0.0.1/8"]])
def test_clients_that_are_no_prefixes_are_refused(wrong: Json) -> None:
    clients = next(p for p in POLICY.parameters if p.name == "clients")
    assert clients.check(wrong)
