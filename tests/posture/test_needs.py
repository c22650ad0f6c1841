"""What the servers of a subnet need: the one list, and what routes and NSG do with each of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.alerts.steps import texts_told
from shared.guardrails.prove import prove
from shared.model import (
    Aspect,
    ComplianceState,
    Finding,
    PutSecurityRule,
    Severity,
    SubnetServer,
    SubnetSnapshot,
)
from shared.model.networks import Peering, ReplicaPartner, Route, RouteTable
from shared.model.resource_id import ResourceId
from shared.policies.nsg import (
    nsg_blocks_entra_outbound,
    nsg_blocks_key_vault_outbound,
    nsg_blocks_postgres_clients,
    nsg_blocks_postgres_replicas,
    nsg_blocks_storage_outbound,
    nsg_without_final_deny,
)
from shared.posture.need_routes import ToNetworks, routed
from shared.posture.need_verdicts import judge
from shared.posture.needs import DNS_DEPENDS, Need, needs
from shared.posture.policy import bound
from shared.posture.subnet_questions import About
from tests.nsg.builders import OUT, SUBNET_ID, allow, deny, group, in_a_network, networks

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
ABOUT = About(policy="diagnose", severity=Severity.HIGH)
STORAGE = nsg_blocks_storage_outbound.POLICY
VAULT = nsg_blocks_key_vault_outbound.POLICY
REPLICAS = nsg_blocks_postgres_replicas.POLICY
CLIENTS = bound(nsg_blocks_postgres_clients.POLICY, {"clients": ["10.20.8.0/24"]})
TABLE = ResourceId(str(SUBNET_ID).rpartition("/virtualNetworks/")[0] + "/routeTables/rt")
SERVERS = "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers"
PARTNER = ReplicaPartner(
    server=ResourceId(f"{SERVERS}/replica"),
    location="North Europe",
    subnet=ResourceId(str(SUBNET_ID).replace("/hub/", "/far/")),
    prefixes=networks("10.60.1.0/24"),
)
DENY_OUT = deny("deny-out", 4000, protocol="*", direction=OUT)
NOWHERE = ("nowhere", "0.0.0.0/0", "None")
THROUGH = ("through", "0.0.0.0/0", "VirtualAppliance")


def server(**facts: Any) -> SubnetServer:
    known = {"entra": False, "customer_key": False, "elastic_cluster": False, "partners": ()}
    return SubnetServer(id=ResourceId(f"{SERVERS}/primary"), **{**known, **facts})


def with_routes(
    *routes: tuple[str, str, str], rules: tuple[Any, ...] | None = (), learns: bool = False, **parts: Any
) -> SubnetSnapshot:
    """A subnet whose route table has these: name, prefix, hop."""
    listed = tuple(Route(name=name, prefix=prefix, next_hop=hop) for name, prefix, hop in routes)
    alone = in_a_network(None if rules is None else group(*rules), servers=(server(),))
    table = RouteTable(id=TABLE, routes=listed, gateway_propagation=learns)
    known = {"route_table_id": TABLE, "route_table": table, "service_endpoints": (), **parts}
    return replace(alone, **known)


def peered(subnet: SubnetSnapshot, *prefixes: str) -> SubnetSnapshot:
    network = subnet.virtual_network
    assert network is not None
    far = Peering(network=ResourceId(str(network.id).replace("hub", "far")), prefixes=networks(*prefixes))
    return replace(subnet, virtual_network=replace(network, peerings=(far,)))


def named(subnet: SubnetSnapshot, name: str) -> Need:
    return next(one for one in needs(ABOUT, subnet, ["10.20.8.0/24"], [5432]) if one.name.startswith(name))


def commands(found: Finding) -> tuple[str, ...]:
    return texts_told(found.evidence)


# --- Storage ---------------------------------------------------------------------------------------


@pytest.mark.field(
    "ways",
    "A route for 0.0.0.0/0 to None without a service endpoint for Storage is the finding of the policy about "
    "Storage, on the route table, with the route that mends it; and no plan.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
def test_a_route_to_nowhere_loses_storage() -> None:
    subnet = with_routes(NOWHERE)
    found = STORAGE.evaluate(subnet)
    assert (found.state, found.resource_id) == (NON_COMPLIANT, TABLE)
    assert found.reason == (
        "lost by route table 'rt': tcp/443 to Storage.westeurope: route 'nowhere' (0.0.0.0/0) leads to None"
    )
    assert STORAGE.plan(found, subnet) is None
    assert STORAGE.suggest(found, subnet) == ()
    (first,) = commands(found)
    assert first.startswith("az network route-table route create ")
    assert first.endswith("--address-prefix Storage --next-hop-type Internet")
    assert STORAGE.evaluate(with_routes(NOWHERE, ("mended", "Storage", "Internet"))).state is COMPLIANT
    assert found.evidence["caveats"] == [
        "admin rules of Azure Virtual Network Manager run before the NSG and are not evaluated"
    ]


@pytest.mark.field(
    "ways",
    "With a service endpoint for Storage no route table takes Storage away: its routes cannot be overridden.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize("endpoint", ["Microsoft.Storage", "microsoft.storage.GLOBAL"])
@pytest.mark.parametrize("route", [NOWHERE, THROUGH, ("tag", "Storage", "None")])
def test_a_service_endpoint_goes_before_every_route(endpoint: str, route: tuple[str, str, str]) -> None:
    assert STORAGE.evaluate(with_routes(route, service_endpoints=(endpoint,))).state is COMPLIANT


@pytest.mark.field(
    "ways",
    "Whether an appliance or a gateway on the way lets Storage pass is not known: Unknown with the reason, "
    "and what the NSG denies is mended beside it.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize("hop", ["VirtualAppliance", "VirtualNetworkGateway"])
def test_an_appliance_on_the_way_is_a_doubt_and_takes_no_plan_away(hop: str) -> None:
    route = ("through", "0.0.0.0/0", hop)
    found = STORAGE.evaluate(with_routes(route))
    assert found.state is UNKNOWN
    assert "whether tcp/443 to Storage.westeurope passes is not known" in found.reason
    assert found.undecided == (found.reason,)
    denied = with_routes(route, rules=(DENY_OUT,))
    drift = STORAGE.evaluate(denied)
    assert (drift.state, drift.resource_id) == (NON_COMPLIANT, group().id)
    change = STORAGE.plan(drift, denied)
    assert change is not None
    assert prove(change, denied, STORAGE, [STORAGE]).holds


def test_what_the_nsg_denies_and_a_route_loses_is_one_finding_with_both_reasons() -> None:
    subnet = with_routes(NOWHERE, rules=(DENY_OUT,))
    found = STORAGE.evaluate(subnet)
    assert "denied by rule 'deny-out'" in found.reason
    assert "lost by route table 'rt'" in found.reason
    assert (found.state, found.resource_id) == (NON_COMPLIANT, group().id)
    assert found.fingerprint == "Outbound/IPv4:443; tcp/443 to Storage.westeurope: lost by routes"
    assert STORAGE.plan(found, subnet) is None, "no rule is enough"
    (edit,) = STORAGE.suggest(found, subnet)
    assert isinstance(edit, PutSecurityRule)
    assert edit.rule.destinations == ("Storage",)
    assert any("route-table route create" in command for command in commands(found))


def test_without_an_nsg_a_route_loses_storage_all_the_same() -> None:
    found = STORAGE.evaluate(with_routes(NOWHERE, rules=None))
    assert (found.state, found.resource_id) == (NON_COMPLIANT, TABLE)


@pytest.mark.parametrize(
    ("routes", "state"),
    [
        ([], COMPLIANT),
        ([("all", "0.0.0.0/0", "Internet")], COMPLIANT),
        ([NOWHERE, ("tag", "Storage", "Internet")], COMPLIANT),
        ([NOWHERE, ("tag", "Storage.WestEurope", "Internet")], COMPLIANT),
        ([NOWHERE, ("tag", "Storage.NorthEurope", "Internet")], NON_COMPLIANT),
        ([("tag", "Storage", "Internet"), ("region", "Storage.WestEurope", "None")], NON_COMPLIANT),
        ([("tag", "Storage", "None")], NON_COMPLIANT),
        ([("far", "Storage.NorthEurope", "None")], COMPLIANT),
        ([("part", "52.239.0.0/16", "None")], UNKNOWN),
        ([("one", "0.0.0.0/1", "None"), ("two", "128.0.0.0/1", "None")], NON_COMPLIANT),
        ([NOWHERE, ("cloud", "AzureCloud.westeurope", "Internet")], UNKNOWN),
        ([("odd", "", "None")], UNKNOWN),
        ([("odd", "", "Internet")], COMPLIANT),
        ([NOWHERE, ("odd", "", "None")], NON_COMPLIANT),
        ([NOWHERE, ("odd", "", "Internet")], UNKNOWN),
        ([("private", "10.0.0.0/8", "None")], COMPLIANT),
        ([("strange", "0.0.0.0/0", "SomethingNew")], UNKNOWN),
    ],
)
def test_what_routes_do_with_storage(routes: list[tuple[str, str, str]], state: ComplianceState) -> None:
    found = STORAGE.evaluate(with_routes(*routes))
    assert found.state is state, found.reason


def test_a_route_that_prefixes_make_is_mended_by_the_service_endpoint() -> None:
    found = STORAGE.evaluate(with_routes(("one", "0.0.0.0/1", "None"), ("two", "128.0.0.0/1", "None")))
    (command,) = commands(found)
    assert command.endswith("--service-endpoints Microsoft.Storage")


@pytest.mark.field(
    "ways",
    "That a gateway may have learned a default route is told and is no finding; but it may save what a "
    "default route to None would lose, so that is Unknown then.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
def test_what_a_gateway_may_have_learned_is_a_caveat_and_saves_from_certainty() -> None:
    hub = in_a_network(group()).virtual_network
    assert hub is not None
    hybrid = replace(hub, learns_routes=True)
    without_table = replace(in_a_network(group()), virtual_network=hybrid)
    found = STORAGE.evaluate(without_table)
    assert found.state is COMPLIANT
    assert any("a gateway learned" in caveat for caveat in found.evidence["caveats"])
    assert STORAGE.evaluate(with_routes(NOWHERE, learns=True, virtual_network=hybrid)).state is UNKNOWN
    assert STORAGE.evaluate(with_routes(NOWHERE, virtual_network=hybrid)).state is NON_COMPLIANT


def test_routes_that_were_not_read_are_unknown_and_a_subnet_without_a_table_needs_none() -> None:
    refused = {Aspect.ROUTES: "no right"}
    found = STORAGE.evaluate(with_routes(NOWHERE, route_table=None, unread=refused))
    assert (found.state, "the route table could not be read: no right" in found.reason) == (UNKNOWN, True)
    assert STORAGE.evaluate(in_a_network(group())).state is COMPLIANT
    assert STORAGE.evaluate(with_routes(NOWHERE, service_endpoints=None)).state is UNKNOWN


# --- Key Vault, Entra ID ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "endpoints", "state"),
    [
        (True, (), NON_COMPLIANT),
        (True, ("Microsoft.KeyVault",), COMPLIANT),
        (False, (), COMPLIANT),
        (None, (), UNKNOWN),
    ],
)
def test_a_route_to_nowhere_loses_the_key_of_whoever_has_one(
    key: bool | None, endpoints: tuple[str, ...], state: ComplianceState
) -> None:
    subnet = with_routes(NOWHERE, servers=(server(customer_key=key),), service_endpoints=endpoints)
    assert VAULT.evaluate(subnet).state is state


def test_the_way_to_entra_id_is_told_by_one_policy() -> None:
    """It is that about routes; what servers need has it all the same."""
    subnet = with_routes(NOWHERE, servers=(server(entra=True),))
    assert nsg_blocks_entra_outbound.POLICY.evaluate(subnet).state is COMPLIANT
    assert judge(named(subnet, "tcp/443 to AzureActiveDirectory"), subnet).state is NON_COMPLIANT


# --- replicas --------------------------------------------------------------------------------------


def replicating(*routes: tuple[str, str, str], **parts: Any) -> SubnetSnapshot:
    known = {"servers": (server(partners=(PARTNER,)),), "service_endpoints": ("Microsoft.Storage.Global",)}
    return with_routes(*routes, **{**known, **parts})


@pytest.mark.field(
    "ways",
    "A route that takes a replica's prefix to None cuts it off; whether an appliance lets the pair through "
    "is Unknown, with the reason.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("route", "state"),
    [
        (("hole", "10.60.1.0/24", "None"), NON_COMPLIANT),
        (("hole", "10.60.1.0/25", "None"), NON_COMPLIANT),
        (("wide", "10.60.0.0/16", "None"), NON_COMPLIANT),
        (NOWHERE, NON_COMPLIANT),
        (("out", "10.60.1.0/24", "Internet"), NON_COMPLIANT),
        (("hub", "10.60.1.0/24", "VirtualAppliance"), UNKNOWN),
        (("vpn", "10.60.0.0/16", "VirtualNetworkGateway"), UNKNOWN),
        (("other", "10.61.0.0/16", "None"), COMPLIANT),
        (("new", "10.60.0.0/16", "SomethingNew"), UNKNOWN),
    ],
)
def test_what_a_route_does_with_a_replica(route: tuple[str, str, str], state: ComplianceState) -> None:
    found = REPLICAS.evaluate(replicating(route))
    assert found.state is state, found.reason
    assert found.resource_id == (TABLE if state is NON_COMPLIANT else SUBNET_ID)


def test_a_peering_goes_before_a_wider_route() -> None:
    assert REPLICAS.evaluate(peered(replicating(NOWHERE), "10.60.0.0/16")).state is COMPLIANT
    narrower = ("hole", "10.60.0.0/16", "None")
    assert REPLICAS.evaluate(peered(replicating(narrower), "10.60.0.0/16")).state is NON_COMPLIANT


def test_a_wider_route_to_nowhere_is_a_doubt_where_a_gateway_may_have_learned_a_better_one() -> None:
    subnet = replicating(("wide", "10.0.0.0/8", "None"), learns=True)
    hub = subnet.virtual_network
    assert hub is not None
    hybrid = replace(subnet, virtual_network=replace(hub, learns_routes=True))
    found = REPLICAS.evaluate(hybrid)
    assert (found.state, "unless a route that a gateway learned goes before" in found.reason) == (
        UNKNOWN,
        True,
    )
    exact = replicating(("hole", "10.60.1.0/24", "None"), learns=True, virtual_network=hybrid.virtual_network)
    assert REPLICAS.evaluate(exact).state is UNKNOWN, "what was learned may be more specific still"
    assert REPLICAS.evaluate(peered(exact, "10.60.0.0/16")).state is NON_COMPLIANT
    unread = replace(subnet, virtual_network=None)
    assert REPLICAS.evaluate(unread).state is UNKNOWN


def test_the_route_that_decides_on_the_replica_alone_is_taken_away() -> None:
    (command,) = commands(REPLICAS.evaluate(replicating(("hole", "10.60.1.0/24", "None"))))
    assert command.startswith("az network route-table route delete ")
    assert command.endswith("--route-table-name rt --name hole")
    (said,) = commands(REPLICAS.evaluate(replicating(("wide", "10.60.0.0/16", "None"))))
    assert said.endswith(
        "hold 10.60.1.0/24 no more: put narrower routes in its place, or delete it if unneeded."
    )


def test_storage_of_the_other_region_may_be_served_by_an_endpoint_of_this_one() -> None:
    """``Microsoft.Storage`` serves the region of the network and the one paired with it."""
    subnet = peered(replicating(NOWHERE, service_endpoints=("Microsoft.Storage",)), "10.60.0.0/16")
    found = REPLICAS.evaluate(subnet)
    assert found.state is UNKNOWN
    assert "tcp/443 to Storage.northeurope" in found.reason
    assert "unless a service endpoint of the subnet leads there" in found.reason


def test_rules_for_a_replica_that_a_route_loses_are_shown_and_not_written() -> None:
    subnet = replicating(("hole", "10.60.1.0/24", "None"), rules=(DENY_OUT,))
    found = REPLICAS.evaluate(subnet)
    assert REPLICAS.plan(found, subnet) is None
    assert [edit.kind for edit in REPLICAS.suggest(found, subnet)] == ["putSecurityRule"] * 2


# --- clients ---------------------------------------------------------------------------------------


@pytest.mark.field(
    "ways",
    "Answers to declared clients that a route takes nowhere are lost, which is a finding; through an "
    "appliance is ordinary, and told in the evidence.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("route", "state"),
    [
        (("hole", "10.20.8.0/24", "None"), NON_COMPLIANT),
        (("part", "10.20.8.128/25", "None"), NON_COMPLIANT),
        (("out", "10.20.0.0/16", "Internet"), NON_COMPLIANT),
        (("hub", "10.20.0.0/16", "VirtualAppliance"), COMPLIANT),
        (THROUGH, COMPLIANT),
        (("other", "10.21.0.0/16", "None"), COMPLIANT),
        (("odd", "", "None"), UNKNOWN),
    ],
)
def test_what_a_route_does_with_the_answers_to_clients(
    route: tuple[str, str, str], state: ComplianceState
) -> None:
    admitted = allow("in", 200, "10.20.8.0/24 > *", "5432")
    subnet = with_routes(route, rules=(admitted,))
    found = CLIENTS.evaluate(subnet)
    assert found.state is state, found.reason
    assert CLIENTS.suggest(found, subnet) == ()
    if route[2] == "VirtualAppliance":
        assert [one["name"] for one in found.evidence["mayTake"]] == [route[0]]


def test_a_lost_answer_is_no_advice_and_without_clients_nothing_is_asked() -> None:
    only_6432 = deny("no-pool", 100, "10.20.8.0/24 > *", "6432")
    both = bound(nsg_blocks_postgres_clients.POLICY, {"clients": ["10.20.8.0/24"], "ports": [5432, 6432]})
    admitted = allow("in", 200, "10.20.8.0/24 > *", "5432,6432")
    nobody_pools = (server(pgbouncer=False),)
    lost = with_routes(("hole", "10.20.8.0/24", "None"), rules=(only_6432, admitted), servers=nobody_pools)
    assert both.evaluate(lost).severity is Severity.HIGH
    assert both.evaluate(with_routes(rules=(only_6432, admitted), servers=nobody_pools)).severity is (
        Severity.INFORMATIONAL
    )
    nobody = bound(nsg_blocks_postgres_clients.POLICY, {})
    assert nobody.evaluate(with_routes(("odd", "", "None"))).state is COMPLIANT


# --- DNS, and the whole list -----------------------------------------------------------------------


def asking(*dns: str, rules: tuple[Any, ...] = ()) -> SubnetSnapshot:
    return in_a_network(group(*rules), servers=(server(high_availability=False, pgbouncer=False),), dns=dns)


@pytest.mark.field(
    "ways",
    "Where the network names DNS servers of its own the lock-down lets DNS to them pass, UDP and TCP, and "
    "says that it depends: no article says whether the service asks them.",
    source="shared/posture/needs.py, DNS_DEPENDS: what was looked through",
    date="2026-11-29",
)
def test_the_lock_down_lets_dns_to_the_networks_own_servers_pass() -> None:
    policy = bound(nsg_without_final_deny.POLICY, {})
    subnet = asking("10.0.0.5", "168.63.129.16", "192.0.2.53")
    found = policy.evaluate(subnet)
    rules = [edit.rule for edit in policy.suggest(found, subnet) if isinstance(edit, PutSecurityRule)]
    dns = [rule for rule in rules if rule.destination_ports == ("53",)]
    asked = ("10.0.0.5/32", "192.0.2.53/32")
    assert {(rule.protocol.lower(), rule.destinations) for rule in dns} == {("udp", asked), ("tcp", asked)}
    deny_all = next(rule for rule in rules if "final-deny" in rule.name and rule.direction is OUT)
    assert dns, rules
    assert all(rule.priority < deny_all.priority for rule in dns)
    (out,) = (one for one in found.evidence["lockDown"] if one["direction"] == "Outbound")
    assert "DNS to 10.0.0.5, 192.0.2.53" in out["provedFor"]
    assert out["depends"] == [f"DNS to 10.0.0.5, 192.0.2.53: {DNS_DEPENDS}"]


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (None, "the virtual network could not be read"),
        (("10.0.0.5", "dns.example.com"), "DNS server 'dns.example.com' of the network is no address"),
    ],
)
def test_whom_names_are_asked_of_is_known_or_nothing_is_locked_outbound(
    network: tuple[str, ...] | None, said: str
) -> None:
    policy = bound(nsg_without_final_deny.POLICY, {})
    subnet = asking(*(network or ()))
    found = policy.evaluate(subnet if network else replace(subnet, virtual_network=None))
    (out,) = (one for one in found.evidence["lockDown"] if one["direction"] == "Outbound")
    assert said in out["noRulesReason"]


def test_dns_is_never_proved_to_be_cut_and_never_left_out() -> None:
    assert judge(named(asking("10.0.0.5"), "DNS"), asking("10.0.0.5")).state is COMPLIANT
    denied = asking("10.0.0.5", rules=(DENY_OUT,))
    found = judge(named(denied, "DNS"), denied)
    assert found.state is UNKNOWN
    assert "udp/53" in found.reason
    assert found.reason.endswith(DNS_DEPENDS)
    assert not [one for one in needs(ABOUT, asking(), [], [5432]) if one.name.startswith("DNS")]


def test_the_list_has_what_servers_may_need_and_leaves_out_what_none_does() -> None:
    plain = asking()
    assert [one.name for one in needs(ABOUT, plain, [], [5432])] == [
        "tcp/5432 within the subnet",
        "tcp/443 to Storage.westeurope",
    ]
    unread = replace(plain, servers=None)
    assert [one.name for one in needs(ABOUT, unread, ["10.20.8.0/24"], [5432])] == [
        "tcp/5432,6432,7432,8432 within the subnet",
        "the declared clients",
        "tcp/443 to Storage.westeurope",
        "tcp/443 to AzureActiveDirectory",
        "tcp/443 to AzureKeyVault.westeurope",
    ]
    whole = replicating(servers=(server(partners=(PARTNER,), customer_key=True),))
    assert [one.name for one in needs(ABOUT, whole, [], [5432])][-4:] == [
        "tcp/443 to Storage.northeurope",
        "tcp/443 to Storage.westeurope",
        "tcp/443 to AzureActiveDirectory",
        "tcp/443 to AzureKeyVault.westeurope",
    ]


def test_every_need_is_judged_of_a_subnet_that_lets_all_pass_and_of_one_that_loses_all() -> None:
    servers = (server(partners=(PARTNER,), customer_key=True, entra=True),)
    free = peered(with_routes(servers=servers), "10.60.0.0/16", "10.20.0.0/16")
    shut = with_routes(NOWHERE, ("own", "10.0.1.0/24", "None"), servers=servers)
    for subnet, state in ((free, COMPLIANT), (shut, NON_COMPLIANT)):
        listed = needs(ABOUT, subnet, ["10.20.8.0/24"], [5432])
        judged = {one.name: judge(one, subnet).state for one in listed}
        if subnet is free:
            judged.pop("the declared clients")
        assert set(judged.values()) == {state}, judged


def test_nothing_is_said_of_the_routes_of_a_subnet_that_is_not_asked() -> None:
    for apart in (with_routes(NOWHERE, updating=True), with_routes(NOWHERE, delegations=())):
        assert STORAGE.evaluate(apart).state is not NON_COMPLIANT


def test_the_way_within_the_subnet_is_that_of_the_policy_about_routes() -> None:
    subnet = with_routes(("own", "10.0.1.0/24", "VirtualAppliance"))
    found = routed(subnet, ToNetworks(prefixes=subnet.prefixes))
    assert [one.step.name for one in found.astray] == ["own"]
    need = named(subnet, "tcp/5432")
    assert judge(need, subnet).state is UNKNOWN


# --- what is not known of a peering, and which family a packet has ---------------------------------


@pytest.mark.field(
    "ways",
    "A wide route to None loses no peer's prefix for sure where a peering does not show what it joins, or "
    "joins some subnets only.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-network-peering-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("prefixes", "parts", "odd", "state"),
    [
        ((), {}, False, UNKNOWN),
        (("10.60.0.0/16",), {"whole": False}, False, UNKNOWN),
        (("10.99.0.0/16",), {}, True, UNKNOWN),
        (("10.99.0.0/16",), {"whole": False}, False, NON_COMPLIANT),
        (("10.99.0.0/16",), {}, False, NON_COMPLIANT),
        (("10.60.0.0/16",), {}, True, COMPLIANT),
    ],
    ids=["no space shown", "some subnets", "one odd", "some subnets elsewhere", "elsewhere", "shown"],
)
def test_a_peering_that_may_lead_there_keeps_a_wider_route_from_certainty(
    prefixes: tuple[str, ...], parts: dict[str, Any], odd: bool, state: ComplianceState
) -> None:
    def around(*routes: tuple[str, str, str]) -> SubnetSnapshot:
        subnet = peered(replicating(*routes), *prefixes)
        network = subnet.virtual_network
        assert network is not None
        far = replace(network.peerings[0], **parts)
        return replace(subnet, virtual_network=replace(network, peerings=(far,), odd_peerings=odd))

    near = bound(nsg_blocks_postgres_clients.POLICY, {"clients": ["10.60.8.0/24"]})
    for policy in (REPLICAS, near):
        found = policy.evaluate(around(NOWHERE))
        assert found.state is state, found.reason
        assert ("unless a peering leads there" in found.reason) is (state is UNKNOWN)
    assert REPLICAS.evaluate(around(NOWHERE, ("one", "10.60.1.4/32", "None"))).state is NON_COMPLIANT


def test_packets_of_a_family_that_the_subnet_lacks_are_lost_by_no_route() -> None:
    six = with_routes(NOWHERE, ("six", "::/0", "None"), prefixes=networks("fd00:1::/64"), rules=None)
    assert [policy.evaluate(six).state for policy in (STORAGE, VAULT)] == [COMPLIANT] * 2
    mixed = bound(nsg_blocks_postgres_clients.POLICY, {"clients": ["10.0.8.0/24", "fd00:9::/64"]})
    assert mixed.evaluate(with_routes(("six", "::/0", "None"))).state is COMPLIANT


def test_a_route_without_a_name_loses_packets_like_any_other() -> None:
    assert REPLICAS.evaluate(replicating(("", "10.60.1.0/24", "None"))).state is NON_COMPLIANT


def test_one_policy_alone_tells_of_a_route() -> None:
    """Storage of the own region, the subnet itself: both have a policy of their own."""
    here = peered(replicating(("s", "Storage.WestEurope", "None"), service_endpoints=()), "10.60.0.0/16")
    assert (STORAGE.evaluate(here).state, REPLICAS.evaluate(here).state) == (NON_COMPLIANT, COMPLIANT)
    wide = bound(nsg_blocks_postgres_clients.POLICY, {"clients": ["10.0.0.0/16"]})
    assert wide.evaluate(with_routes(("own", "10.0.1.0/24", "None"))).state is COMPLIANT


def test_the_service_endpoint_that_is_proposed_serves_the_region_and_is_called_as_azure_calls_it() -> None:
    """Storage of another region has one of its own, beside which Azure has none for this region."""
    listing = [("a", "0.0.0.0/1", "None"), ("b", "128.0.0.0/1", "None")]
    there = peered(replicating(*listing, service_endpoints=()), "10.60.0.0/16")
    keyed = with_routes(*listing, servers=(server(customer_key=True),))
    assert [
        [command.rpartition(" ")[2] for command in commands(policy.evaluate(subnet))]
        for policy, subnet in ((STORAGE, there), (REPLICAS, there), (VAULT, keyed))
    ] == [["Microsoft.Storage"], ["Microsoft.Storage.Global"], ["Microsoft.KeyVault"]]


def test_what_is_lost_besides_makes_no_other_drift_of_what_a_route_loses() -> None:
    wide = bound(nsg_blocks_postgres_clients.POLICY, {"clients": ["10.20.8.0/24", "10.60.8.0/24"]})
    one = with_routes(("a", "10.20.0.0/16", "None"))
    both = with_routes(("b", "10.0.0.0/8", "None"))
    assert {wide.evaluate(subnet).fingerprint for subnet in (one, both)} == {
        "the declared clients: lost by routes"
    }


def test_without_an_nsg_a_replica_that_was_not_read_may_be_lost_by_the_routes() -> None:
    alone = replicating(NOWHERE, rules=None, servers=(server(partners=None),))
    assert REPLICAS.evaluate(alone).state is UNKNOWN
    assert REPLICAS.evaluate(replace(alone, route_table_id=None, route_table=None)).state is COMPLIANT


def test_of_a_replica_that_two_servers_name_the_reading_that_did_not_fail_counts() -> None:
    failed = replace(PARTNER, location="", subnet=None, prefixes=(), unread="timed out")
    for partners in ((PARTNER, failed), (failed, PARTNER)):
        assert REPLICAS.evaluate(replicating(servers=(server(partners=partners),))).state is COMPLIANT
