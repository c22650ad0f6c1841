"""The walk over readings that are made up: what is proved to be in the way, and what is only suspected.

Each story begins with a client in the network of the endpoint, where everything is well.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest

from driftward.diagnose import BadInput, client_named
from driftward.diagnosis.case import Case, Result, Stage, Step
from driftward.diagnosis.walk import POLICIES, walk
from shared.model import (
    Access,
    Aspect,
    ConnectionStatus,
    Direction,
    PrivateEndpointConnection,
    PublicAccess,
    SecurityGroup,
    SecurityRule,
    ServerState,
    SubnetServer,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.parts import (
    DnsZone,
    EndpointDns,
    NetworkDns,
    Peering,
    PrivateDns,
    Route,
    RouteTable,
    SubnetEndpoint,
    VirtualNetwork,
    VirtualNetworkRule,
    ZoneLink,
)
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.policy import bound
from tests.builders import GROUP, NSG, SERVER, endpoint, rule, security_rule, server, single_server
from tests.builders import subnet as delegated_subnet

NETWORKS = f"{GROUP}/providers/Microsoft.Network"
HUB, FAR = (ResourceId(f"{NETWORKS}/virtualNetworks/{name}") for name in ("hub", "far"))
TABLE = ResourceId(f"{NETWORKS}/routeTables/rt")
NAME = "privatelink.postgres.database.azure.com"
ZONE = ResourceId(f"{NETWORKS}/privateDnsZones/{NAME}")
CENTRAL = ResourceId(f"{NETWORKS.replace('/data/', '/central/')}/privateDnsZones/{NAME}")
PE, OTHER_PE = (ResourceId(f"{NETWORKS}/privateEndpoints/{name}") for name in ("orders-endpoint", "second"))
ADDRESS, FAR_ADDRESS = IPv4Address("10.0.2.4"), IPv4Address("10.9.2.4")


def subnet(name: str, prefix: str, network: ResourceId = HUB, **parts: Any) -> SubnetSnapshot:
    """A subnet that is not delegated, in a network of its /16, without NSG and route table."""
    space = ip_network(prefix).supernet(new_prefix=16)
    whole = replace(
        delegated_subnet(),
        id=network.child("subnets", name),
        prefixes=(ip_network(prefix),),
        delegations=(),
        security_group=None,
        private_endpoints=(),
        virtual_network=VirtualNetwork(id=network, prefixes=(space,), learns_routes=False),
    )
    return replace(whole, **parts)


def holding(address: IPv4Address, named: ResourceId = PE, server_id: ResourceId = SERVER) -> SubnetEndpoint:
    return SubnetEndpoint(id=named, server=server_id, addresses=(ip_address(str(address)),))


def guarded(whole: SubnetSnapshot, *rules: SecurityRule) -> SubnetSnapshot:
    group = SecurityGroup(id=NSG, rules=rules, default_rules=(), subnets=(whole.id,))
    return replace(whole, security_group=group)


def routed(whole: SubnetSnapshot, prefix: str, hop: str) -> SubnetSnapshot:
    table = RouteTable(id=TABLE, routes=(Route(name="there", prefix=prefix, next_hop=hop),))
    return replace(whole, route_table_id=TABLE, route_table=table)


def peered(whole: SubnetSnapshot, network: ResourceId) -> SubnetSnapshot:
    assert whole.virtual_network is not None
    return replace(
        whole, virtual_network=replace(whole.virtual_network, peerings=(Peering(network=network),))
    )


CLIENT = subnet("app", "10.0.7.0/24")
FAR_CLIENT = subnet("app", "10.9.7.0/24", FAR)
PLACE = subnet("endpoints", "10.0.2.0/24", private_endpoints=(holding(ADDRESS),))
FAR_PLACE = subnet("endpoints", "10.9.2.0/24", FAR, private_endpoints=(holding(FAR_ADDRESS, OTHER_PE),))
DATABASES = subnet(
    "postgres", "10.0.1.0/24", delegations=("Microsoft.DBforPostgreSQL/flexibleServers",), servers=()
)


def link(network: ResourceId, state: str = "Completed") -> ZoneLink:
    return ZoneLink(name=network.name, network=network, state=state)


def zone(named: ResourceId = ZONE, **parts: Any) -> DnsZone:
    return replace(DnsZone(id=named, exists=True, links=(link(HUB),), record=(ADDRESS,)), **parts)


def endpoint_dns(**parts: Any) -> EndpointDns:
    whole = EndpointDns(
        id=PE,
        addresses=(ADDRESS,),
        network=NetworkDns(id=HUB, dns_servers=()),
        group_zones=(ZONE,),
        group="default",
    )
    return replace(whole, **parts)


def dns(*zones: DnsZone, endpoints: tuple[EndpointDns, ...] = (), **parts: Any) -> PrivateDns:
    read = zones or (zone(),)
    whole = PrivateDns(
        endpoints=endpoints or (endpoint_dns(),), zones=read, found=tuple(one.id for one in read)
    )
    return replace(whole, **parts)


SECOND = PrivateEndpointConnection(
    id=SERVER.child("privateEndpointConnections", "second.1"),
    status=ConnectionStatus.APPROVED,
    endpoint=OTHER_PE,
)
BOUND = {policy.id: bound(policy, {}) for policy in discover() if policy.id in POLICIES}


def case(**parts: Any) -> Case:
    whole = Case(server=server(private_dns=dns()), places=(PLACE,), client=CLIENT, policies=BOUND)
    return replace(whole, **parts)


def in_a_subnet(**parts: Any) -> Case:
    """The same of a server in a delegated subnet."""
    own = ResourceId(f"{NETWORKS}/privateDnsZones/orders.private.postgres.database.azure.com")
    whole = server(
        delegated_subnet=DATABASES.id,
        private_endpoints=(),
        private_dns_zone=own,
        private_dns=PrivateDns(zones=(DnsZone(id=own, exists=True, links=(link(HUB),)),)),
    )
    return case(**{"server": whole, "places": (DATABASES,), **parts})


def results(walked: tuple[Step, ...], stage: Stage) -> set[Result]:
    return {step.result for step in walked if step.stage is stage}


def fault(walked: tuple[Step, ...]) -> Step:
    assert walked[-1].result is Result.FAULT, walked
    return walked[-1]


def no_fault(walked: tuple[Step, ...]) -> None:
    assert Result.FAULT not in {step.result for step in walked}, walked


def deny(direction: Direction = Direction.OUTBOUND, **parts: Any) -> SecurityRule:
    return security_rule("no", 200, direction=direction, **parts)


def allow(direction: Direction = Direction.OUTBOUND, **parts: Any) -> SecurityRule:
    return security_rule("yes", 100, direction=direction, access=Access.ALLOW, **parts)


@pytest.mark.parametrize("whole", [case(), in_a_subnet()])
def test_where_everything_is_well_nothing_is_unknown(whole: Case) -> None:
    walked = walk(whole)
    assert {step.result for step in walked} <= {Result.WELL, Result.NOT_CONCERNED}, walked
    assert list(dict.fromkeys(step.stage for step in walked)) == list(Stage)


# --- the address -----------------------------------------------------------------------------------


def test_nobody_connects_to_a_server_that_is_stopped() -> None:
    stopped = server(state=ServerState.STOPPED, state_text="Stopped", private_dns=dns())
    found = fault(walk(case(server=stopped)))
    assert (found.stage, found.says) == (Stage.ADDRESS, "the server is Stopped")
    assert found.fix[0].startswith("az postgres flexible-server start ")
    lost = replace(stopped, state_text="Inaccessible")
    assert "encryption key" in fault(walk(case(server=lost))).says


def test_a_server_at_work_is_looked_at_further() -> None:
    walked = walk(case(server=server(state=ServerState.BUSY, state_text="Updating", private_dns=dns())))
    assert results(walked, Stage.ADDRESS) == {Result.UNKNOWN, Result.WELL}
    assert results(walked, Stage.DNS) == {Result.WELL}


def test_an_endpoint_that_waits_is_no_fault_where_the_public_path_is_open() -> None:
    waiting = (endpoint(ConnectionStatus.PENDING),)
    public = server(
        private_endpoints=waiting, public_access=PublicAccess.ENABLED, firewall_rules=(rule("x", "8.8.8.8"),)
    )
    no_fault(walk(case(server=public, places=())))
    closed = server(private_endpoints=waiting)
    assert fault(walk(case(server=closed, places=()))).stage is Stage.ADDRESS


def test_addresses_that_were_not_read_are_unknown_and_no_stage_is_left_out() -> None:
    walked = walk(case(server=server(unread={Aspect.PRIVATE_DNS: "refused"}), places=()))
    assert list(dict.fromkeys(step.stage for step in walked)) == list(Stage)
    assert results(walked, Stage.ADDRESS) == results(walked, Stage.NSG) == {Result.UNKNOWN}


@pytest.mark.parametrize(
    ("unread", "says"),
    [
        ("", "the address of private endpoint orders-endpoint is not known"),
        ("refused", "the address of private endpoint orders-endpoint could not be read: refused"),
    ],
)
def test_an_endpoint_without_an_address_says_why_where_that_is_known(unread: str, says: str) -> None:
    silent = endpoint_dns(addresses=None, unread=unread)
    step = walk(case(server=server(private_dns=dns(endpoints=(silent,)))))[0]
    assert (step.result, step.says) == (Result.UNKNOWN, says)


@pytest.mark.parametrize("text", ["10.1.2.3", "192.168.0.9", "100.64.1.1"])
def test_a_private_address_is_no_public_one(text: str) -> None:
    with pytest.raises(BadInput, match="public IPv4"):
        client_named(text)


# --- NSGs ------------------------------------------------------------------------------------------


def test_the_address_of_another_servers_endpoint_in_the_subnet_does_not_matter() -> None:
    elsewhere = IPv4Address("10.0.2.99")
    other = holding(elsewhere, ResourceId(f"{NETWORKS}/privateEndpoints/x"), ResourceId(f"{SERVER}-x"))
    place = replace(PLACE, private_endpoints=(holding(ADDRESS), other))
    client = guarded(CLIENT, deny(destinations=(str(elsewhere),)))
    no_fault(walk(case(places=(place,), client=client)))


def test_a_second_address_family_of_the_client_does_not_matter() -> None:
    both = replace(CLIENT, prefixes=(*CLIENT.prefixes, ip_network("fd00:7::/64")))
    place = guarded(
        replace(PLACE, endpoint_network_policies="Enabled"),
        allow(Direction.INBOUND, sources=("10.0.7.0/24",)),
        deny(Direction.INBOUND),
    )
    no_fault(walk(case(client=both, places=(place,))))


def test_source_ports_count_for_nothing_at_a_private_endpoint() -> None:
    place = guarded(
        replace(PLACE, endpoint_network_policies="NetworkSecurityGroupEnabled"),
        allow(Direction.INBOUND, sources=("10.0.7.0/24",), source_ports=("1024-65535",)),
        deny(Direction.INBOUND),
    )
    no_fault(walk(case(places=(place,))))


def test_a_mode_of_network_policies_that_is_not_known_is_not_called_off() -> None:
    place = guarded(replace(PLACE, endpoint_network_policies="SomethingNew"), deny(Direction.INBOUND))
    assert Result.UNKNOWN in results(walk(case(places=(place,))), Stage.NSG)


def test_an_endpoint_whose_address_is_not_known_is_not_called_well() -> None:
    place = replace(PLACE, private_endpoints=(replace(holding(ADDRESS), addresses=()),))
    walked = walk(case(places=(place,), client=guarded(CLIENT)))
    assert Result.UNKNOWN in results(walked, Stage.NSG)
    assert Result.UNKNOWN in results(walked, Stage.ROUTES)


def test_where_in_its_subnet_a_server_stands_is_not_known() -> None:
    narrow = guarded(
        DATABASES,
        allow(Direction.INBOUND, destinations=("10.0.1.4",)),
        deny(Direction.INBOUND),
    )
    walked = walk(in_a_subnet(places=(narrow,)))
    no_fault(walked)
    assert Result.UNKNOWN in results(walked, Stage.NSG)
    shut = guarded(DATABASES, deny(Direction.INBOUND))
    assert fault(walk(in_a_subnet(places=(shut,)))).fix


def test_the_tag_of_the_network_holds_what_is_peered_and_nothing_is_claimed_otherwise() -> None:
    server_here = server(private_dns=dns(zone(links=(link(HUB), link(FAR)))))
    client = guarded(FAR_CLIENT, allow(destinations=("VirtualNetwork",)), deny())
    apart = walk(case(server=server_here, client=client))
    no_fault(apart)
    assert Result.UNKNOWN in results(apart, Stage.NSG)
    assert results(apart, Stage.ROUTES) == {Result.UNKNOWN}
    together = walk(case(server=server_here, client=peered(client, HUB)))
    assert {step.result for step in together} <= {Result.WELL, Result.NOT_CONCERNED}, together


# --- several endpoints -----------------------------------------------------------------------------


def two(**parts: Any) -> Case:
    """A server with an endpoint in each of two networks, with a zone each."""
    far_zone = zone(CENTRAL, links=(link(FAR),), record=(FAR_ADDRESS,))
    far = endpoint_dns(
        id=OTHER_PE,
        addresses=(FAR_ADDRESS,),
        network=NetworkDns(id=FAR, dns_servers=()),
        group_zones=(CENTRAL,),
    )
    both = server(
        private_endpoints=(endpoint(), SECOND),
        private_dns=dns(zone(), far_zone, endpoints=(endpoint_dns(), far)),
    )
    return case(**{"server": both, "places": (PLACE, FAR_PLACE), **parts})


def test_a_client_is_judged_by_the_endpoint_in_its_own_network() -> None:
    shut = guarded(replace(FAR_PLACE, endpoint_network_policies="Enabled"), deny(Direction.INBOUND))
    walked = walk(two(places=(PLACE, shut)))
    assert {step.result for step in walked} <= {Result.WELL, Result.NOT_CONCERNED}, walked
    near = guarded(replace(PLACE, endpoint_network_policies="Enabled"), deny(Direction.INBOUND))
    assert fault(walk(two(places=(near, FAR_PLACE)))).stage is Stage.NSG


def test_a_fault_at_one_of_two_endpoints_is_not_proved_to_be_in_the_way() -> None:
    third = ResourceId(f"{NETWORKS}/virtualNetworks/third")
    client = subnet("app", "10.8.7.0/24", third)
    shut = guarded(replace(FAR_PLACE, endpoint_network_policies="Enabled"), deny(Direction.INBOUND))
    suspected = walk(two(client=client, places=(PLACE, shut)))
    assert Result.FAULT not in results(suspected, Stage.NSG)
    both = guarded(replace(PLACE, endpoint_network_policies="Enabled"), deny(Direction.INBOUND))
    assert fault(walk(two(client=client, places=(both, shut)))).stage is Stage.NSG
    unread = two(client=client, places=(both, shut), unread=("third: refused",))
    assert Result.FAULT not in results(walk(unread), Stage.NSG)


# --- routes ----------------------------------------------------------------------------------------


def test_a_route_for_a_part_of_the_subnet_is_not_proved_to_be_the_servers() -> None:
    no_fault(walk(in_a_subnet(client=routed(CLIENT, "10.0.1.128/25", "None"))))
    found = fault(walk(in_a_subnet(client=routed(CLIENT, "10.0.1.0/24", "None"))))
    assert found.fix[0].startswith("az network route-table route delete")


def test_answers_that_are_dropped_in_the_servers_subnet_are_a_fault() -> None:
    walked = walk(in_a_subnet(places=(routed(DATABASES, "10.0.7.0/24", "None"),)))
    assert "packets from subnet postgres are dropped" in fault(walked).says


def test_an_appliance_is_not_proved_to_be_in_the_way() -> None:
    entra = SubnetServer(id=SERVER, entra=True)
    tunnelled = routed(replace(DATABASES, servers=(entra,)), "0.0.0.0/0", "VirtualAppliance")
    no_fault(walk(in_a_subnet(places=(tunnelled,))))
    alone = walk(in_a_subnet(places=(tunnelled,), client=None))
    no_fault(alone)
    assert Result.UNKNOWN in results(alone, Stage.ROUTES)


def test_routes_that_lead_nowhere_are_told_with_those_that_are_wanted() -> None:
    entra = SubnetServer(id=SERVER, entra=True)
    lost = routed(replace(DATABASES, servers=(entra,)), "0.0.0.0/0", "None")
    found = fault(walk(in_a_subnet(places=(lost,), client=None)))
    (fix,) = found.fix
    assert fix.startswith("az network route-table route create ")
    assert fix.endswith("--address-prefix AzureActiveDirectory --next-hop-type Internet")


def test_an_endpoints_own_route_goes_before_the_clients_where_network_policies_are_off() -> None:
    client = routed(CLIENT, "10.0.2.0/24", "None")
    assert results(walk(case(client=client)), Stage.ROUTES) == {Result.WELL}
    enforced = replace(PLACE, endpoint_network_policies="RouteTableEnabled")
    assert fault(walk(case(client=client, places=(enforced,)))).stage is Stage.ROUTES
    odd = replace(PLACE, endpoint_network_policies="SomethingNew")
    assert results(walk(case(client=client, places=(odd,))), Stage.ROUTES) == {Result.UNKNOWN}


def test_the_route_table_of_the_endpoints_subnet_is_nobody_elses() -> None:
    place = routed(replace(PLACE, endpoint_network_policies="Enabled"), "10.0.2.0/24", "None")
    no_fault(walk(case(places=(place,))))


# --- names -----------------------------------------------------------------------------------------


def names(**parts: Any) -> tuple[Step, ...]:
    return tuple(step for step in walk(case(**parts)) if step.stage is Stage.DNS)


def test_how_the_endpoints_network_resolves_the_name_does_not_matter_to_a_client_elsewhere() -> None:
    only_far = server(private_dns=dns(zone(links=(link(FAR),))))
    assert [step.result for step in names(server=only_far, client=FAR_CLIENT)] == [Result.WELL]
    assert names(server=only_far)[-1].result is Result.FAULT


def test_a_zone_group_of_another_name_is_no_fault_where_the_clients_zone_has_the_record() -> None:
    other = ResourceId(f"{NETWORKS}/privateDnsZones/private.example.com")
    by_hand = server(private_dns=dns(endpoints=(endpoint_dns(group_zones=(other,)),)))
    assert [step.result for step in names(server=by_hand)] == [Result.WELL]


def test_a_zone_that_was_not_read_may_be_the_one_that_answers() -> None:
    more = server(private_dns=dns(zone(links=()), found=(ZONE, CENTRAL)))
    assert {step.result for step in names(server=more)} <= {Result.UNKNOWN, Result.WELL}
    unasked = server(private_dns=dns(zone(links=()), found=None))
    assert Result.FAULT not in {step.result for step in names(server=unasked)}


def test_links_that_were_not_read_may_hold_the_clients_network() -> None:
    refused = zone(CENTRAL, links=None, record=None, unread="refused")
    half = server(private_dns=dns(zone(links=()), refused))
    no_fault(names(server=half))


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (case(client=replace(CLIENT, virtual_network=None)), "the virtual network could not be read"),
        (case(server=server(unread={Aspect.PRIVATE_DNS: "refused"})), "the private DNS could not be read"),
    ],
)
def test_what_the_clients_network_answers_is_unknown_where_it_could_not_be_read(
    whole: Case, part: str
) -> None:
    last = next(step for step in reversed(walk(whole)) if step.stage is Stage.DNS)
    assert (last.result, part in last.says) == (Result.UNKNOWN, True)


def test_a_link_that_is_begun_is_not_made_a_second_time() -> None:
    begun = server(private_dns=dns(zone(links=(link(HUB, "InProgress"),))))
    last = names(server=begun)[-1]
    assert (last.result, "InProgress" in last.says) == (Result.UNKNOWN, True)


def test_a_linked_zone_without_the_endpoints_record_is_a_fault() -> None:
    empty = server(private_dns=dns(zone(record=())))
    assert names(server=empty)[-1].fix
    foreign = server(
        private_dns=dns(
            zone(CENTRAL, record=(IPv4Address("10.0.2.77"),)), zone(links=()), found=(CENTRAL, ZONE)
        )
    )
    assert names(server=foreign)[-1].result is Result.FAULT


def test_a_record_of_the_other_endpoint_is_not_called_well_nor_a_fault() -> None:
    far = endpoint_dns(id=OTHER_PE, addresses=(FAR_ADDRESS,), network=NetworkDns(id=FAR, dns_servers=()))
    shared = server(
        private_endpoints=(endpoint(), SECOND),
        private_dns=dns(zone(record=(FAR_ADDRESS,)), endpoints=(endpoint_dns(), far)),
    )
    found = names(server=shared, places=(PLACE, FAR_PLACE))
    no_fault(found)
    assert found[-1].result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("servers", "expected"), [(("10.0.0.5",), Result.UNKNOWN), (("168.63.129.16",), Result.WELL)]
)
def test_only_azures_own_resolver_is_known_to_ask_the_zone(
    servers: tuple[str, ...], expected: Result
) -> None:
    assert CLIENT.virtual_network is not None
    client = replace(CLIENT, virtual_network=replace(CLIENT.virtual_network, dns_servers=servers))
    assert names(client=client)[-1].result is expected
    wrong = server(private_dns=dns(zone(record=())))
    proved = Result.FAULT in {step.result for step in names(client=client, server=wrong)}
    assert proved is (expected is Result.WELL)


def test_a_client_in_a_network_that_the_servers_own_zone_is_not_linked_to_gets_no_address() -> None:
    found = fault(walk(in_a_subnet(client=peered(FAR_CLIENT, HUB))))
    assert found.stage is Stage.DNS
    assert "link vnet create" in found.fix[0]


# --- the firewall ----------------------------------------------------------------------------------


def test_virtual_network_rules_that_were_not_read_may_let_somebody_in() -> None:
    single = single_server(firewall_rules=(), virtual_network_rules=None, private_endpoints=())
    assert single.kind is TargetKind.SINGLE_SERVER
    walked = walk(case(server=single, places=(), client=None))
    assert results(walked, Stage.FIREWALL) == {Result.UNKNOWN}


def test_a_subnet_that_a_single_server_admits_comes_in_by_its_rule() -> None:
    admitted = VirtualNetworkRule(name="apps", subnet=ResourceId(str(CLIENT.id).upper()), state="Ready")
    single = single_server(virtual_network_rules=(admitted,), private_endpoints=())
    assert results(walk(case(server=single, places=())), Stage.FIREWALL) == {Result.WELL}
    other = walk(case(server=single, places=(), client=FAR_CLIENT))
    assert results(other, Stage.FIREWALL) == {Result.UNKNOWN}
    assert results(walk(case(server=single, places=(), client=None)), Stage.FIREWALL) == {Result.UNKNOWN}
