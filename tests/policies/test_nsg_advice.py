"""The policies about an NSG that change nothing: no NSG, security groups, no final deny, beyond clients."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from shared.model import (
    Access,
    Aspect,
    ComplianceState,
    Direction,
    PutSecurityRule,
    Safety,
    SecurityRule,
    Severity,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.edits import apply_edits
from shared.model.networks import ReplicaPartner
from shared.model.resource_id import ResourceId
from shared.nsg import (
    PUBLIC_ADDRESSES,
    WHOLE,
    Family,
    Outcome,
    changed,
    common,
    minus,
    networks_of,
    spans_of,
)
from shared.policies.nsg import (
    nsg_blocks_entra_outbound,
    nsg_blocks_key_vault_outbound,
    nsg_blocks_postgres_clients,
    nsg_blocks_postgres_in_subnet,
    nsg_blocks_postgres_replicas,
    nsg_blocks_storage_outbound,
    nsg_missing_on_postgres_subnet,
    nsg_names_application_security_groups,
    nsg_reachable_beyond_clients,
    nsg_without_final_deny,
)
from shared.posture.policy import bound
from shared.posture.side_by_side import beside
from tests.nsg.builders import OUT, SUBNET_ID, allow, deny, group, in_network, networks
from tests.nsg.builders import in_a_network as subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
CLIENTS = {"clients": ["10.0.2.0/24"]}
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
        assert finding.severity is Severity.INFORMATIONAL or policy is NAMES_GROUPS


def test_a_delegated_subnet_without_an_nsg_is_found_and_another_is_not() -> None:
    finding = MISSING.evaluate(subnet(None))
    assert (finding.state, finding.fingerprint) == (NON_COMPLIANT, "no NSG")
    assert finding.resource_id == subnet(None).id
    another = replace(subnet(None, delegations=()), private_endpoints=())
    assert (MISSING.evaluate(another).state, MISSING.evaluate(another).applies) == (COMPLIANT, False)
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
        ((deny("in", 300, protocol="Gre"), DENY_OUT), UNKNOWN, []),
        ((deny("in", 300, protocol="Gre"),), NON_COMPLIANT, ["Outbound"]),
        ((deny("two ports", 300, ports="5432,6432"), DENY_OUT), COMPLIANT, []),
    ],
)
def test_the_default_rules_have_the_last_word_where_no_rule_denies_the_rest(
    rules: tuple[SecurityRule, ...], state: ComplianceState, directions: list[str]
) -> None:
    finding = FINAL.evaluate(subnet(group(*rules)))
    assert finding.state is state, finding.reason
    assert finding.evidence.get("directions") == directions


@pytest.mark.field(
    "ways",
    "Out to the public space of its own network a subnet does not reach the Internet.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_the_space_of_the_network_is_no_internet_that_the_servers_reach() -> None:
    own = spans_of(networks("145.10.0.0/16"))
    rest = ",".join(map(str, networks_of(minus(common(PUBLIC_ADDRESSES, WHOLE[Family.IPV4]), own))))
    rest_denied = deny("rest", 300, f"* > {rest}", protocol="*", direction=OUT)
    snapshot = subnet(group(DENY_IN, rest_denied))
    assert FINAL.evaluate(snapshot).state is NON_COMPLIANT
    assert FINAL.evaluate(in_network(snapshot, "10.0.0.0/16", "145.10.0.0/16")).state is COMPLIANT
    assert FINAL.evaluate(in_network(snapshot, "10.0.0.0/16", peers=["145.10.0.0/16"])).state is COMPLIANT


@pytest.mark.parametrize(("cluster", "state"), [(True, NON_COMPLIANT), (False, COMPLIANT), (None, UNKNOWN)])
def test_the_ports_of_a_cluster_need_a_final_deny_too(cluster: bool | None, state: ComplianceState) -> None:
    ports = deny("two-ports", 300, ports="5432,6432")
    finding = FINAL.evaluate(subnet(group(ports, DENY_OUT), servers=(server(elastic_cluster=cluster),)))
    assert finding.state is state, finding.reason


# --- the lock-down ---------------------------------------------------------------------------------

SERVERS = "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers"
PARTNER = ReplicaPartner(
    server=ResourceId(f"{SERVERS}/replica"),
    location="North Europe",
    subnet=ResourceId(str(SUBNET_ID).replace("/hub/", "/far/")),
    prefixes=networks("10.60.1.0/24"),
)
PLAIN: dict[str, Any] = {
    "high_availability": False,
    "pgbouncer": False,
    "entra": False,
    "customer_key": False,
    "elastic_cluster": False,
    "partners": (),
}
EVERYTHING: dict[str, Any] = {**dict.fromkeys(PLAIN, True), "partners": (PARTNER,)}
UNREAD: dict[str, Any] = {**dict.fromkeys(PLAIN), "partners": ()}


def server(**facts: Any) -> SubnetServer:
    return SubnetServer(id=ResourceId(f"{SERVERS}/primary"), **{**PLAIN, **facts})


def shown(snapshot: SubnetSnapshot) -> list[SecurityRule]:
    edits = FINAL.suggest(FINAL.evaluate(snapshot), snapshot)
    return [edit.rule for edit in edits if isinstance(edit, PutSecurityRule)]


def locked_down(snapshot: SubnetSnapshot) -> SubnetSnapshot:
    edits = FINAL.suggest(FINAL.evaluate(snapshot), snapshot)
    assert edits
    after = apply_edits(snapshot, edits)
    assert isinstance(after, SubnetSnapshot)
    return after


def cut(snapshot: SubnetSnapshot) -> list[str]:
    """The policies about cut connections that do not find the subnet compliant."""
    facts = snapshot.servers or ()
    cluster = [7432, 8432] if any(one.elastic_cluster is not False for one in facts) else []
    pooled = [6432] if any(one.pgbouncer is not False for one in facts) else []
    policies = (
        bound(nsg_blocks_postgres_in_subnet.POLICY, {"ports": [5432, 6432, *cluster]}),
        bound(nsg_blocks_postgres_clients.POLICY, {**CLIENTS, "ports": [5432, *pooled]}),
        nsg_blocks_storage_outbound.POLICY,
        nsg_blocks_entra_outbound.POLICY,
        nsg_blocks_key_vault_outbound.POLICY,
        nsg_blocks_postgres_replicas.POLICY,
    )
    return [policy.id for policy in policies if policy.evaluate(snapshot).state is not COMPLIANT]


def needing(*rules: SecurityRule, facts: dict[str, Any]) -> SubnetSnapshot:
    return subnet(group(*rules), servers=(server(**facts),))


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
        needing(facts=PLAIN),
        needing(facts=EVERYTHING),
        needing(facts=UNREAD),
        needing(deny("vaults", 200, "* > AzureKeyVault", direction=OUT), facts=EVERYTHING),
        needing(deny("far", 200, "10.60.0.0/16 > *"), facts=EVERYTHING),
        *(needing(facts={name: EVERYTHING[name]}) for name in EVERYTHING),
    ],
)
def test_under_the_lock_down_nothing_is_left_to_the_defaults_and_no_policy_finds_a_connection_cut(
    snapshot: SubnetSnapshot,
) -> None:
    open_before = FINAL.evaluate(snapshot).evidence["directions"]
    after = locked_down(snapshot)
    left = FINAL.evaluate(after)
    assert left.state is COMPLIANT, left.reason
    closed_before = {Direction.INBOUND, Direction.OUTBOUND} - set(map(Direction, open_before))
    assert bool(cut(after)) is bool(closed_before), cut(after)


@pytest.mark.parametrize("facts", [PLAIN, EVERYTHING], ids=["plain servers", "servers that need everything"])
def test_every_allow_of_the_lock_down_is_there_for_a_policy_that_would_miss_it(facts: dict[str, Any]) -> None:
    before = needing(facts=facts)
    after = locked_down(before)
    assert cut(after) == []
    assert after.security_group is not None
    for rule in shown(before):
        rest = tuple(other for other in after.security_group.rules if other != rule)
        without = replace(after, security_group=replace(after.security_group, rules=rest))
        noticed = cut(without) if rule.access is Access.ALLOW else FINAL.evaluate(without).fingerprint
        assert noticed, f"{rule.name} is not needed"


@pytest.mark.parametrize(
    ("facts", "more"),
    [
        (PLAIN, []),
        ({"entra": True}, ["AzureActiveDirectory"]),
        ({"customer_key": True}, ["AzureKeyVault", "AzureActiveDirectory"]),
        ({"entra": None, "customer_key": None}, ["AzureActiveDirectory", "AzureKeyVault"]),
        ({"partners": (PARTNER,)}, ["10.60.1.0/24"]),
    ],
    ids=["plain", "Entra sign-in", "customer keys", "unread", "a replica"],
)
def test_the_servers_of_the_subnet_say_what_is_let_out(facts: dict[str, Any], more: list[str]) -> None:
    allowed = [r for r in shown(needing(facts=facts)) if (r.direction, r.access) == (OUT, Access.ALLOW)]
    names = {text for rule in allowed for text in rule.destinations}
    assert names == {"10.0.1.0/24", "Storage", *more}


@pytest.mark.parametrize(
    ("facts", "ports"),
    [
        (PLAIN, ["5432"]),
        ({"pgbouncer": True}, ["5432", "6432"]),
        ({"high_availability": True, "pgbouncer": None}, ["5432", "6432"]),
        ({"pgbouncer": None}, ["5432", "6432"]),
        ({"elastic_cluster": True}, ["5432", "7432", "8432"]),
    ],
)
def test_the_servers_of_the_subnet_say_which_ports_are_let_in(
    facts: dict[str, Any], ports: list[str]
) -> None:
    policy = bound(nsg_without_final_deny.POLICY, {**CLIENTS, "ports": [5432]})
    snapshot = needing(facts=facts)
    edits = policy.suggest(policy.evaluate(snapshot), snapshot)
    rules = [edit.rule for edit in edits if isinstance(edit, PutSecurityRule)]
    from_clients = [rule for rule in rules if rule.sources == ("10.0.2.0/24",)]
    assert [list(rule.destination_ports) for rule in from_clients] == [ports]


def test_a_rule_of_the_lock_down_names_one_tag_or_prefixes_of_one_family_at_a_priority_of_its_own() -> None:
    both = replace(PARTNER, prefixes=networks("10.60.1.0/24", "fd00:60::/64"))
    servers = (server(**{**EVERYTHING, "partners": (both,)}),)
    rules = shown(subnet(group(), "10.0.1.0/24", "fd00:1::/64", servers=servers))
    assert len({(rule.direction, rule.priority) for rule in rules}) == len(rules)
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        for side in (rule.sources, rule.destinations):
            tags = [text for text in side if "/" not in text and text != "*"]
            assert not tags or len(side) == 1, rule
        families = {":" in text for text in (*rule.sources, *rule.destinations) if "/" in text}
        assert len(families) == 1, rule


@pytest.mark.parametrize(
    ("servers", "unread", "said"),
    [
        (None, {Aspect.SUBNET_SERVERS: "no right"}, "the servers in the subnet could not be read: no right"),
        (
            (server(partners=None),),
            {Aspect.SUBNET_REPLICAS: "no right"},
            "the replicas of the servers in the subnet could not be read: no right",
        ),
        ((server(partners=(replace(PARTNER, prefixes=()),)),), {}, "the subnet or the region of replica"),
    ],
)
def test_no_lock_down_is_shown_where_the_network_of_a_replica_is_not_known(
    servers: tuple[SubnetServer, ...] | None, unread: dict[Aspect, str], said: str
) -> None:
    snapshot = replace(subnet(group(), servers=servers), unread=unread)
    finding = FINAL.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    assert FINAL.suggest(finding, snapshot) == ()
    for told in finding.evidence["lockDown"]:
        assert told["provedFor"] == []
        assert f"what replication needs is not known: {said}" in told["noRulesReason"]


def test_the_evidence_says_for_what_the_rules_are_proved() -> None:
    told = FINAL.evaluate(needing(facts=EVERYTHING)).evidence["lockDown"]
    within = "tcp/5432,6432,7432,8432 within the subnet"
    assert told == [
        {
            "direction": "Inbound",
            "provedFor": [within, "the declared clients", "replication with other subnets"],
            "noRulesReason": None,
        },
        {
            "direction": "Outbound",
            "provedFor": [
                within,
                "replication with other subnets",
                "tcp/443 to Storage.northeurope",
                "tcp/443 to Storage.westeurope",
                "tcp/443 to AzureActiveDirectory",
                "tcp/443 to AzureKeyVault.westeurope",
            ],
            "noRulesReason": None,
        },
    ]


@pytest.mark.parametrize("facts", [PLAIN, EVERYTHING], ids=["plain servers", "servers that need everything"])
def test_the_lock_down_of_declared_clients_leaves_nobody_beyond_them(facts: dict[str, Any]) -> None:
    finding = BEYOND.evaluate(locked_down(needing(facts=facts)))
    assert finding.state is COMPLIANT, finding.reason


def test_the_rules_of_the_lock_down_are_few_and_the_denies_stand_last() -> None:
    rules = shown(needing(facts={**PLAIN, "entra": True}))
    assert [(r.direction, r.access, r.priority, r.sources, r.destinations) for r in rules] == [
        ("Inbound", "Allow", 4095, ("10.0.1.0/24",), ("10.0.1.0/24",)),
        ("Inbound", "Allow", 4094, ("10.0.2.0/24",), ("10.0.1.0/24",)),
        ("Inbound", "Deny", 4096, ("*",), ("10.0.1.0/24",)),
        ("Outbound", "Allow", 4095, ("10.0.1.0/24",), ("10.0.1.0/24",)),
        ("Outbound", "Allow", 4094, ("10.0.1.0/24",), ("Storage",)),
        ("Outbound", "Allow", 4093, ("10.0.1.0/24",), ("AzureActiveDirectory",)),
        ("Outbound", "Deny", 4096, ("10.0.1.0/24",), ("*",)),
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


def test_subnets_that_share_an_nsg_are_locked_down_one_beside_the_other() -> None:
    """Also two of one name: their networks tell them apart, and neither is taken for the other's."""
    long_name = "the-databases-of-the-department-for-everything-that-has-a-very-long-name-indeed"
    ids = [
        ResourceId(str(SUBNET_ID).replace("/hub/", f"/{net}/").replace("/db", f"/{long_name}"))
        for net in "ab"
    ]
    shared = group(subnets=tuple(ids))
    first, second = (
        replace(subnet(shared, prefix), id=one)
        for one, prefix in zip(ids, ("10.0.1.0/24", "10.0.9.0/24"), strict=True)
    )
    for_first = FINAL.suggest(FINAL.evaluate(first), first)
    for_second = FINAL.suggest(FINAL.evaluate(second), beside(second, for_first))
    for edits in ((*for_first, *for_second), (*for_second, *for_first)):
        rules = [edit.rule for edit in edits if isinstance(edit, PutSecurityRule)]
        assert len({rule.name.lower() for rule in rules}) == len(rules) == 12
        assert len({(rule.direction, rule.priority) for rule in rules}) == len(rules)
        assert all(len(rule.name) <= 80 and 100 <= rule.priority <= 4096 for rule in rules)
        for snapshot in (first, second):
            after = apply_edits(snapshot, edits)
            assert isinstance(after, SubnetSnapshot)
            assert FINAL.evaluate(after).state is COMPLIANT
            assert cut(after) == []


def test_a_subnet_is_locked_down_where_another_that_shares_its_nsg_was_before() -> None:
    other = ResourceId(f"{SUBNET_ID}-2")
    first = subnet(group(subnets=(SUBNET_ID, other)))
    locked = locked_down(first)
    second = replace(locked, id=other, prefixes=networks("10.0.9.0/24"))
    assert FINAL.evaluate(locked_down(second)).state is COMPLIANT
    assert cut(locked_down(second)) == []


def test_where_a_rule_stands_last_already_no_lock_down_is_shown() -> None:
    snapshot = subnet(group(allow("last", 4096, direction=OUT, ports="123"), DENY_IN))
    finding = FINAL.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    assert FINAL.suggest(finding, snapshot) == ()
    assert "no room for a final deny" in finding.evidence["lockDown"][0]["noRulesReason"]


def test_without_a_priority_for_what_must_pass_no_rules_are_shown_and_the_evidence_says_what_to_do() -> None:
    wall = deny("wall", 100, "* > *", "5432", direction=OUT)
    snapshot = subnet(group(wall, DENY_IN))
    finding = FINAL.evaluate(snapshot)
    assert FINAL.suggest(finding, snapshot) == ()
    assert "move 'wall' from 100 to 101" in finding.evidence["lockDown"][0]["noRulesReason"]


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


def test_the_rules_shown_do_not_keep_out_a_replica() -> None:
    snapshot = needing(facts=EVERYTHING)
    after = apply_edits(snapshot, BEYOND.suggest(BEYOND.evaluate(snapshot), snapshot))
    assert BEYOND.evaluate(after).state is COMPLIANT
    assert nsg_blocks_postgres_replicas.POLICY.evaluate(after).state is COMPLIANT


def test_no_rules_are_shown_where_it_is_not_known_with_whom_servers_replicate() -> None:
    snapshot = needing(facts={"partners": None})
    finding = BEYOND.evaluate(snapshot)
    assert finding.state is NON_COMPLIANT
    assert "not every server" in finding.evidence["replicasUnknown"]
    assert BEYOND.suggest(finding, snapshot) == ()


def test_without_declared_clients_there_is_nothing_to_say() -> None:
    finding = bound(nsg_reachable_beyond_clients.POLICY, {}).evaluate(subnet(group()))
    assert (finding.state, finding.applies) == (COMPLIANT, False)
