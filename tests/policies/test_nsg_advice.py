"""The policies about an NSG that change nothing: no NSG, security groups, no final deny, beyond clients."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from shared.edits import apply_edits
from shared.model import (
    Access,
    ComplianceState,
    Direction,
    PutSecurityRule,
    Safety,
    SecurityRule,
    Severity,
    SubnetSnapshot,
)
from shared.nsg import Outcome, State, Tags, changed, parse, spans_of
from shared.nsg import decide as decide_program
from shared.policies import (
    nsg_blocks_postgres_clients,
    nsg_blocks_postgres_in_subnet,
    nsg_blocks_storage_outbound,
    nsg_missing_on_postgres_subnet,
    nsg_names_application_security_groups,
    nsg_reachable_beyond_clients,
    nsg_without_final_deny,
)
from shared.policies.nsg_without_final_deny import contracts
from shared.policy import bound
from tests.nsg.builders import OUT, allow, deny, group, subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
CLIENTS = {"clients": ["10.0.2.0/24"]}
PORTS = [5432, 6432]
MISSING = nsg_missing_on_postgres_subnet.POLICY
NAMES_GROUPS = nsg_names_application_security_groups.POLICY
FINAL = bound(nsg_without_final_deny.POLICY, CLIENTS)
BEYOND = bound(nsg_reachable_beyond_clients.POLICY, CLIENTS)

DENY_IN, DENY_OUT = deny("in", 4000, protocol="*"), deny("out", 4000, protocol="*", direction=OUT)


def test_all_of_them_are_for_people_and_change_nothing() -> None:
    for policy in (MISSING, NAMES_GROUPS, FINAL, BEYOND):
        assert policy.safety is Safety.MANUAL
        finding = policy.evaluate(subnet(None))
        assert policy.plan(finding, subnet(None)) is None
        assert policy.severity is Severity.INFORMATIONAL or policy is NAMES_GROUPS


def test_a_delegated_subnet_without_an_nsg_is_found_and_another_is_not() -> None:
    finding = MISSING.evaluate(subnet(None))
    assert (finding.state, finding.fingerprint) == (NON_COMPLIANT, "no NSG")
    assert finding.resource_id == subnet(None).id
    assert MISSING.evaluate(subnet(None, delegations=())).state is COMPLIANT
    assert MISSING.evaluate(subnet(group())).state is COMPLIANT


def test_a_rule_with_a_security_group_on_either_side_is_found_and_named() -> None:
    web = allow("web", 200, " > *", groups=(["web"], []))
    db = allow("db", 210, "* > ", groups=([], ["db"]))
    finding = NAMES_GROUPS.evaluate(subnet(group(db, web, DENY_IN)))
    assert finding.state is NON_COMPLIANT
    assert finding.reason.startswith("rule 'web' (inbound) and rule 'db' (inbound) names")
    assert [rule["name"] for rule in finding.evidence["rules"]] == ["web", "db"]
    assert NAMES_GROUPS.evaluate(subnet(group(DENY_IN))).state is COMPLIANT
    assert NAMES_GROUPS.evaluate(subnet(None)).state is COMPLIANT


# --- no final deny ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "state", "directions"),
    [
        ((), NON_COMPLIANT, ["Inbound", "Outbound"]),
        ((DENY_IN,), NON_COMPLIANT, ["Outbound"]),
        ((DENY_OUT,), NON_COMPLIANT, ["Inbound"]),
        ((DENY_IN, DENY_OUT), COMPLIANT, []),
        ((deny("in", 300, "VirtualNetwork > *"), DENY_OUT), COMPLIANT, []),
        ((DENY_IN, deny("out", 300, "* > Internet", protocol="*", direction=OUT)), COMPLIANT, []),
        ((DENY_IN, deny("tcp", 300, "* > Internet", direction=OUT)), NON_COMPLIANT, ["Outbound"]),
        ((allow("all", 300, "* > *"), DENY_OUT), COMPLIANT, []),
        ((deny("in", 300, "10.0.0.0/8 > *"), DENY_OUT), NON_COMPLIANT, ["Inbound"]),
        ((deny("in", 300, "CorpNet > *"), DENY_OUT), UNKNOWN, []),
        ((deny("in", 300, protocol="Gre"), DENY_OUT), UNKNOWN, None),
    ],
)
def test_the_default_rules_have_the_last_word_where_no_rule_denies_the_rest(
    rules: tuple[SecurityRule, ...], state: ComplianceState, directions: list[str] | None
) -> None:
    finding = FINAL.evaluate(subnet(group(*rules)))
    assert finding.state is state, finding.reason
    assert finding.evidence.get("directions") == directions


def locked_down(snapshot: SubnetSnapshot) -> SubnetSnapshot:
    edits = FINAL.suggest(FINAL.evaluate(snapshot), snapshot)
    assert edits
    after = apply_edits(snapshot, edits)
    assert isinstance(after, SubnetSnapshot)
    return after


@pytest.mark.parametrize(
    "snapshot",
    [
        subnet(group()),
        subnet(group(), "10.0.1.0/24", "fd00:1::/64"),
        subnet(group(DENY_IN)),
        subnet(group(DENY_OUT)),
        subnet(
            group(deny("no-sql", 200, "* > Sql", direction=OUT), allow("admin", 110, "10.9.0.4 > *", "22"))
        ),
    ],
    ids=["empty", "two families", "inbound is closed", "outbound is closed", "with other rules"],
)
def test_the_lock_down_settles_the_finding_and_every_contract_surely_holds(snapshot: SubnetSnapshot) -> None:
    open_before = FINAL.evaluate(snapshot).evidence["directions"]
    after = locked_down(snapshot)
    assert FINAL.evaluate(after).state is COMPLIANT
    program = parse(after.security_group, Tags(vnet=spans_of(after.prefixes)))
    for direction in map(Direction, open_before):
        asked = list(contracts(after, direction, CLIENTS["clients"], PORTS))
        assert len(asked) >= 2
        for question in asked:
            assert decide_program(program, question).state is State.ALLOWED, question


def test_the_whole_lock_down_leaves_nothing_for_the_other_policies() -> None:
    after = locked_down(subnet(group()))
    for policy in (
        bound(nsg_blocks_postgres_in_subnet.POLICY, {}),
        bound(nsg_blocks_postgres_clients.POLICY, CLIENTS),
        nsg_blocks_storage_outbound.POLICY,
        BEYOND,
    ):
        finding = policy.evaluate(after)
        assert finding.state is COMPLIANT, finding.reason


def test_the_rules_of_the_lock_down_are_few_and_the_denies_stand_last() -> None:
    snapshot = subnet(group())
    edits = FINAL.suggest(FINAL.evaluate(snapshot), snapshot)
    rules = [edit.rule for edit in edits if isinstance(edit, PutSecurityRule)]
    assert [(r.direction, r.access, r.priority, r.sources, r.destinations) for r in rules] == [
        ("Inbound", "Deny", 4096, ("*",), ("10.0.1.0/24",)),
        ("Inbound", "Allow", 4095, ("10.0.1.0/24",), ("10.0.1.0/24",)),
        ("Inbound", "Allow", 4094, ("10.0.2.0/24",), ("10.0.1.0/24",)),
        ("Outbound", "Deny", 4096, ("10.0.1.0/24",), ("*",)),
        ("Outbound", "Allow", 4095, ("10.0.1.0/24",), ("10.0.1.0/24",)),
        ("Outbound", "Allow", 4094, ("10.0.1.0/24",), ("Storage",)),
        ("Outbound", "Allow", 4093, ("10.0.1.0/24",), ("AzureActiveDirectory",)),
    ]


def test_the_lock_down_denies_nothing_that_a_custom_rule_allows() -> None:
    admin = allow("admin", 110, "10.9.0.4 > 10.0.1.0/24", "22")
    snapshot = subnet(group(admin))
    after = locked_down(snapshot)
    found = changed(snapshot.security_group, after.security_group, snapshot.prefixes)
    lost = [part.traffic for part in found.parts if part.after is not Outcome.ALLOWED]
    tcp22 = [box for box in lost if box.direction is Direction.INBOUND and box.protocol in {"Tcp", "*"}]
    assert tcp22
    address = ip_address("10.9.0.4")
    for box in tcp22:
        through = any(address in network for network in box.sources)
        assert not (through and any(low <= 22 <= high for low, high in box.ports)), box


def test_inbound_rules_are_shown_only_where_clients_are_declared() -> None:
    nobody = bound(nsg_without_final_deny.POLICY, {})
    snapshot = subnet(group())
    edits = nobody.suggest(nobody.evaluate(snapshot), snapshot)
    assert {e.rule.direction for e in edits if isinstance(e, PutSecurityRule)} == {Direction.OUTBOUND}


def test_where_a_rule_stands_last_already_no_lock_down_is_shown() -> None:
    snapshot = subnet(group(allow("last", 4096, direction=OUT, ports="123"), DENY_IN))
    finding = FINAL.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    assert FINAL.suggest(finding, snapshot) == ()


# --- beyond the declared clients -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ((), NON_COMPLIANT),
        ((DENY_IN,), COMPLIANT),
        ((allow("app", 100, "10.0.2.0/24 > *", "5432"), DENY_IN), COMPLIANT),
        ((allow("part", 100, "10.0.2.64/26 > *", "5432"), DENY_IN), COMPLIANT),
        ((allow("within", 100, "10.0.1.0/24 > *", "5432"), DENY_IN), COMPLIANT),
        ((allow("wide", 100, "10.0.0.0/16 > *", "5432"), DENY_IN), NON_COMPLIANT),
        ((allow("network", 100, "VirtualNetwork > *", "5432"), DENY_IN), NON_COMPLIANT),
        ((allow("ssh", 100, "10.0.9.0/24 > *", "22"), DENY_IN), COMPLIANT),
        ((deny("network", 100, "VirtualNetwork > *"),), COMPLIANT),
        ((deny("internet", 100, "Internet > *"),), NON_COMPLIANT),
        ((allow("corp", 100, "CorpNet > *"), DENY_IN), UNKNOWN),
    ],
)
def test_who_else_of_the_virtual_network_is_let_in(
    rules: tuple[SecurityRule, ...], state: ComplianceState
) -> None:
    finding = BEYOND.evaluate(subnet(group(*rules)))
    assert finding.state is state, finding.reason


def test_the_rules_shown_keep_out_all_but_the_clients_and_the_subnet() -> None:
    snapshot = subnet(group())
    finding = BEYOND.evaluate(snapshot)
    assert finding.reason == (
        "inbound tcp/5432,6432 from VirtualNetwork beyond the declared clients to 10.0.1.0/24 "
        "is allowed by rule 'AllowVnetInBound' (priority 65000)"
    )
    edits = BEYOND.suggest(finding, snapshot)
    rules = [edit.rule for edit in edits if isinstance(edit, PutSecurityRule)]
    assert {rule.access for rule in rules} == {Access.DENY}
    after = apply_edits(snapshot, edits)
    assert BEYOND.evaluate(after).state is COMPLIANT
    assert bound(nsg_blocks_postgres_in_subnet.POLICY, {}).evaluate(after).state is COMPLIANT


def test_without_declared_clients_there_is_nothing_to_say() -> None:
    finding = bound(nsg_reachable_beyond_clients.POLICY, {}).evaluate(subnet(group()))
    assert (finding.state, finding.applies) == (COMPLIANT, False)
