"""Lists of Azure's answers with an item that means nothing to us: the others are read, and it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject, JsonValue
from shared.adapters.arm.wire import dns, networks, security_groups, servers, subnets
from shared.model import Aspect, ServerSnapshot, SubnetSnapshot, Target, TargetKind
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Bench
from tests.adapters.scripted_arm import Reply

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
FLEXIBLE = seeds.flexible_server_id()
SERVER = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(FLEXIBLE))
OLD = Target(kind=TargetKind.SINGLE_SERVER, id=ResourceId(seeds.single_server_id()))
SUBNET = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
OURS: JsonValue = {"properties": {"serviceName": seeds.POSTGRES_DELEGATION}}
ODD: list[JsonValue] = [None, 5, "x", {}]


def answering(bench: Bench, path: str, items: list[JsonValue]) -> None:
    bench.arm.on("GET", path, Reply(body={"value": items}))


@pytest.mark.field(
    "odd-items",
    "An item of a list that is no object is one odd item: it ends no reading, and the others are read",
    source="https://learn.microsoft.com/en-us/rest/api/postgresql/firewall-rules/list-by-server",
    date="2026-11-29",
)
def test_an_item_that_is_no_object_ends_no_reading(bench: Bench) -> None:
    bench.arm.on("GET", FLEXIBLE, Reply(body=seeds.flexible_server()))
    rule = seeds.firewall_rule(server=FLEXIBLE, name="office", start="198.51.100.7") | {"name": "office"}
    switch: JsonObject = {"name": "log_duration", "properties": {"value": "on"}}
    answering(bench, f"{FLEXIBLE}/firewallRules", [*ODD, rule])
    answering(bench, f"{FLEXIBLE}/configurations", [*ODD, switch])
    answering(bench, f"{FLEXIBLE}/administrators", [*ODD])
    aspects = {Aspect.FIREWALL_RULES, Aspect.PARAMETERS, Aspect.ADMINISTRATORS}
    found = bench.gateway.read(SERVER, frozenset({Aspect.SERVER, *aspects}))
    assert isinstance(found, ServerSnapshot)
    assert found.unread == {}
    assert [one.name for one in found.firewall_rules or ()] == ["office"]
    assert len(found.odd_rules) == 4
    assert [one.name for one in found.parameters or () if not one.odd] == ["log_duration"]
    assert len(found.administrators or ()) == 4


@pytest.mark.parametrize("value", [None, 5, {"a": 1}])
@pytest.mark.parametrize("target", [SERVER, OLD], ids=lambda target: target.kind)
def test_a_list_that_is_none_makes_its_part_unread_and_no_other(
    bench: Bench, target: Target, value: JsonValue
) -> None:
    body = seeds.flexible_server() if target is SERVER else seeds.single_server()
    bench.arm.on("GET", str(target.id), Reply(body=body))
    bench.arm.on("GET", f"{target.id}/firewallRules", Reply(body={"value": value}))
    answering(bench, f"{target.id}/configurations", [None])
    found = bench.gateway.read(target, frozenset({Aspect.FIREWALL_RULES, Aspect.PARAMETERS}))
    assert isinstance(found, ServerSnapshot)
    assert set(found.unread) == {Aspect.FIREWALL_RULES}
    assert [one.odd for one in found.parameters or ()] == ["value is absent"]


@pytest.mark.parametrize("page", [[], "x", 5])
@pytest.mark.parametrize("target", [SERVER, OLD], ids=lambda target: target.kind)
def test_a_page_that_is_no_object_makes_its_part_unread_and_no_other(
    bench: Bench, target: Target, page: JsonValue
) -> None:
    body = seeds.flexible_server() if target is SERVER else seeds.single_server()
    bench.arm.on("GET", str(target.id), Reply(body=body))
    bench.arm.on("GET", f"{target.id}/firewallRules", Reply(body=page))
    answering(bench, f"{target.id}/configurations", [None])
    found = bench.gateway.read(target, frozenset({Aspect.FIREWALL_RULES, Aspect.PARAMETERS}))
    assert isinstance(found, ServerSnapshot)
    assert set(found.unread) == {Aspect.FIREWALL_RULES}
    assert [one.odd for one in found.parameters or ()] == ["value is absent"]


@pytest.mark.parametrize("field", ["privateEndpointConnections", "version", "sourceServerResourceId"])
@pytest.mark.parametrize("odd", [5, "x☃", [None], {"a": 1}, "9" * 5000])
def test_an_odd_field_of_a_server_ends_no_reading(field: str, odd: JsonValue) -> None:
    body = seeds.flexible_server(properties={field: odd})
    assert servers.flexible_server(body, (), NOW).id == SERVER.id


# --- private DNS -----------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [5, True, "x", [5, None], {"a": 1}])
def test_what_is_no_list_in_private_dns_is_one_odd_item(odd: JsonValue) -> None:
    record, rest = dns.zone_record({"properties": {"aRecords": odd}})
    assert (record, bool(rest)) == ((), True)
    assert (
        dns.own_addresses({"networkInterfaces": odd, "ipConfigurations": odd, "customDnsConfigs": odd}, "x")
        == ()
    )
    assert dns.dns_servers(odd) != ()


def test_a_dns_server_that_is_odd_is_not_azures_own() -> None:
    assert dns.dns_servers([None]) == ("None",)
    assert dns.dns_servers([""]) == dns.dns_servers(None) == ()


# --- networks --------------------------------------------------------------------------------------


def network_body(**properties: JsonValue) -> JsonObject:
    kept: JsonObject = {"addressSpace": {"addressPrefixes": ["10.20.0.0/16"]}, **properties}
    return {"id": seeds.vnet_id(), "name": seeds.VNET, "properties": kept}


def leading(**properties: JsonValue) -> JsonObject:
    """A peering that works, with these properties."""
    added: JsonObject = dict(properties)
    return seeds.peering(name="hub", remote=seeds.vnet_id(name="hub"), properties=added)


@pytest.mark.field(
    "odd-items",
    "An odd prefix of a peer or of another subnet does not blind the network: the other prefixes stay",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/virtual-networks/get",
    date="2026-11-29",
)
@pytest.mark.parametrize("odd", [5, None, "10.30.0.0/160", "x☃", {"a": 1}])
def test_an_odd_prefix_of_a_peer_or_of_a_subnet_leaves_the_others(odd: JsonValue) -> None:
    space: JsonObject = {"addressPrefixes": [odd, "10.30.0.0/16"]}
    inner: JsonObject = {"addressPrefix": odd, "addressPrefixes": [odd, "10.20.7.0/24"]}
    named: JsonObject = {"id": seeds.subnet_id(name="app"), "properties": inner}
    body = network_body(virtualNetworkPeerings=[leading(remoteAddressSpace=space)], subnets=[named])
    found = networks.virtual_network(body)
    assert [one.prefixes for one in found.peerings] == [(ip_network("10.30.0.0/16"),)]
    assert [one.prefixes for one in found.subnets] == [(ip_network("10.20.7.0/24"),)]
    assert found.prefixes == (ip_network("10.20.0.0/16"),)


@pytest.mark.parametrize("odd", [*ODD, {"id": 5}, {"id": "x", "properties": 5}, {"properties": None}])
def test_an_odd_peering_or_subnet_of_a_network_leaves_the_others(odd: JsonValue) -> None:
    named: JsonObject = {"id": seeds.subnet_id(name="app"), "properties": 5}
    body = network_body(virtualNetworkPeerings=[odd, leading()], subnets=[odd, named])
    found = networks.virtual_network(body)
    assert [one.name for one in found.peers] == ["hub"]
    assert [(one.id.name, one.prefixes) for one in found.subnets] == [("app", ())]


@pytest.mark.parametrize("odd", ["/subscriptions/s", f"{seeds.vnet_id()}/subnets/app", 5, None])
def test_a_peering_or_a_link_to_what_is_no_network_leads_nobody_knows_whither(odd: JsonValue) -> None:
    peering: JsonObject = {"properties": {"peeringState": "Connected", "remoteVirtualNetwork": {"id": odd}}}
    found = networks.virtual_network(network_body(virtualNetworkPeerings=[peering, leading()]))
    assert ([one.name for one in found.peers], found.odd_peerings) == (["hub"], True)
    assert dns.zone_link({"name": "to", "properties": {"virtualNetwork": {"id": odd}}}).network is None


def test_a_peering_that_does_not_say_what_it_took_over_leads_to_the_space_there_is() -> None:
    space: JsonObject = {"addressPrefixes": ["10.30.0.0/16"]}
    older: JsonObject = {"addressPrefixes": ["10.30.0.0/24"]}
    both = leading(remoteVirtualNetworkAddressSpace=space, remoteAddressSpace=older)
    bodies = [network_body(virtualNetworkPeerings=[leading(remoteVirtualNetworkAddressSpace=space)])]
    bodies.append(network_body(virtualNetworkPeerings=[both]))
    shown = [networks.virtual_network(body).peerings[0].prefixes for body in bodies]
    assert shown == [(ip_network("10.30.0.0/16"),), (ip_network("10.30.0.0/24"),)]


def test_an_odd_dns_server_of_a_network_is_not_azures_own() -> None:
    found = networks.virtual_network(network_body(dhcpOptions={"dnsServers": [5]}))
    assert found.dns_servers == ("5",)


# --- subnets ---------------------------------------------------------------------------------------


def subnet_body(**properties: JsonValue) -> JsonObject:
    kept: JsonObject = {"addressPrefix": "10.20.1.0/24", **properties}
    return {"id": seeds.subnet_id(), "name": seeds.SUBNET, "properties": kept}


@pytest.mark.field(
    "odd-items",
    "A subnet with an odd prefix is read: what is readable of its prefixes stays, and the odd one is told",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/subnets/get",
    date="2026-11-29",
)
@pytest.mark.parametrize("odd", [5, "10.20.2.0/240", "x☃", {"a": 1}])
def test_an_odd_prefix_leaves_the_other_ones(odd: JsonValue) -> None:
    found = subnets.subnet(subnet_body(addressPrefixes=["10.20.1.0/24", odd, "10.20.3.0/24"]), NOW)
    assert found.prefixes == (ip_network("10.20.1.0/24"), ip_network("10.20.3.0/24"))
    assert str(odd)[:5] in found.odd_fields["addressPrefix"]


def test_absent_fields_of_a_subnet_are_not_odd() -> None:
    assert subnets.subnet(subnet_body(addressPrefixes=[], networkSecurityGroup=None), NOW).odd_fields == {}
    assert (
        subnets.subnet(subnet_body(privateEndpointNetworkPolicies=None), NOW).endpoint_network_policies == ""
    )
    assert (
        subnets.subnet(subnet_body(privateEndpointNetworkPolicies=[1]), NOW).endpoint_network_policies
        == "[1]"
    )


@pytest.mark.field(
    "odd-items",
    "An NSG or a route table that a subnet names by nothing that is an id is there, and unread",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/subnets/get",
    date="2026-11-29",
)
@pytest.mark.parametrize("odd", ["x", {}, {"id": 5}, {"id": "nsg"}, 7])
def test_a_group_and_a_table_without_an_id_are_unread_and_not_absent(bench: Bench, odd: JsonValue) -> None:
    body = subnet_body(delegations=[OURS], networkSecurityGroup=odd, routeTable=odd)
    bench.arm.on("GET", seeds.subnet_id(), Reply(body=body))
    found = bench.gateway.read(SUBNET, frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.ROUTES}))
    assert isinstance(found, SubnetSnapshot)
    assert set(found.unread) == {Aspect.SECURITY_GROUP, Aspect.ROUTES}


def test_a_delegation_that_names_no_service_is_told_unless_another_one_is_postgresqls() -> None:
    assert "delegations" in subnets.subnet(subnet_body(delegations=[{"name": "x"}]), NOW).odd_fields
    assert "delegations" in subnets.subnet(subnet_body(delegations=5), NOW).odd_fields
    assert subnets.subnet(subnet_body(delegations=[{"name": "x"}, OURS]), NOW).odd_fields == {}


def test_a_private_endpoint_without_an_id_is_known_by_its_place() -> None:
    held = subnet_body(privateEndpoints=[{"id": seeds.endpoint_id(name="pe")}, {"id": 5}, None])
    assert [one.name for one in networks.odd_endpoints(held)] == ["endpoint-2", "endpoint-3"]
    assert networks.odd_endpoints(subnet_body()) == {}


def test_a_replica_without_an_id_is_a_partner_that_is_not_known() -> None:
    found = subnets.replica_of(SERVER.id, {"name": "copy", "id": 5}, 1)
    assert (found.server.name, found.unread) == ("copy", "id is 5, which is no id")
    assert subnets.replica_of(SERVER.id, None, 2).server.name == "replica-2"


# --- NSGs ------------------------------------------------------------------------------------------


@pytest.mark.field(
    "odd-items",
    "An item among the rules of an NSG that is no object is a rule of which nothing can be read",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/network-security-groups/get",
    date="2026-11-29",
)
@pytest.mark.parametrize("odd", [None, 5, "x☃", [], {}])
def test_a_rule_that_is_no_object_is_an_odd_rule(odd: JsonValue) -> None:
    rules: JsonObject = {
        "securityRules": [seeds.security_rule(name="deny", priority=200), odd],
        "defaultSecurityRules": [odd],
    }
    found = security_groups.security_group({"id": seeds.nsg_id(), "properties": rules})
    assert ([one.name for one in found.rules], len(found.odd_rules)) == (["deny"], 1)
    assert {(one.direction, one.access) for one in found.odd_rules[0].may_be} == {
        (direction, access) for direction in ("Inbound", "Outbound") for access in ("Allow", "Deny")
    }
    assert found.default_rules == ()


@pytest.mark.parametrize("properties", [None, "x☃", 5])
def test_an_nsg_without_its_fields_has_no_known_rules(properties: JsonValue) -> None:
    with pytest.raises(Permanent, match="securityRules is missing"):
        security_groups.security_group({"id": seeds.nsg_id(), "name": "nsg", "properties": properties})


# --- Resource Graph --------------------------------------------------------------------------------


@pytest.mark.field(
    "odd-items",
    "A row of Resource Graph without an id hides no network and no endpoint of a sweep; it is told last",
    source="https://learn.microsoft.com/en-us/azure/governance/resource-graph/concepts/work-with-data",
    date="2026-11-29",
)
def test_a_row_without_an_id_hides_no_other_of_a_sweep(bench: Bench) -> None:
    endpoint = seeds.private_endpoint(name="pe", server=FLEXIBLE, subnet=seeds.subnet_id())
    network = seeds.vnet(subnets=[seeds.subnet() | {"id": seeds.subnet_id()}, seeds.subnet() | {"id": 5}])
    rows: list[list[JsonValue]] = [[], [{"id": 5}, endpoint], [{"id": None}, None, network]]
    bench.arm.on("POST", GRAPH, *(Reply(body={"data": one}) for one in rows))
    pages = bench.gateway.enumerate(ResourceId(seeds.group_id()))
    found = [next(pages) for _ in range(3)]
    with pytest.raises(Permanent, match="id cannot be used"):
        next(pages)
    assert [target for page in found for target in page.targets] == [SUBNET]


def test_a_server_row_without_an_id_leaves_it_open_what_stands_in_the_subnet(bench: Bench) -> None:
    bench.arm.on("GET", seeds.subnet_id(), Reply(body=subnet_body()))
    bench.arm.on("POST", GRAPH, Reply(body={"data": [{"id": 5}, {"id": FLEXIBLE}]}))
    bench.arm.on("GET", FLEXIBLE, Reply(body=seeds.flexible_server(delegated_subnet=seeds.subnet_id())))
    found = bench.gateway.read(SUBNET, frozenset({Aspect.SUBNET, Aspect.SUBNET_SERVERS}))
    assert isinstance(found, SubnetSnapshot)
    assert [one.id for one in found.servers or ()] == [SERVER.id]
    assert "id cannot be used" in found.unread[Aspect.SUBNET_SERVERS]


def test_rows_that_are_no_list_are_no_empty_answer(bench: Bench) -> None:
    bench.arm.on("POST", GRAPH, Reply(body={"data": 5}))
    with pytest.raises(Permanent, match="no list"):
        list(bench.gateway.enumerate(ResourceId(seeds.group_id())))
