"""Verdicts over readings that are made up, as `driftward diagnose` asks for them: what is proved to be in the
way, what is only suspected, and what would mend it.

Each story begins with a client in the network of the endpoint, where everything is well.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest

from driftward.diagnosis.asking import texts_of
from driftward.diagnosis.words import Result, in_order, in_the_way
from shared.model import (
    Access,
    Aspect,
    ConnectionStatus,
    Direction,
    PrivateEndpointConnection,
    PublicAccess,
    SecurityRule,
    ServerState,
    SubnetSnapshot,
)
from shared.model.networks import Peering, Route, RouteTable, SubnetEndpoint, VirtualNetwork
from shared.model.parts import DnsZone, NetworkDns, PrivateDns, VirtualNetworkRule
from shared.model.resource_id import ResourceId
from shared.posture.repairs import repairs
from shared.posture.ways.answers import Fact, Stage, State, Verdict
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import (
    AnyAzure,
    Client,
    Declared,
    NetworkClient,
    OnPremises,
    PublicClient,
    SubnetClient,
    World,
)
from tests.builders import SERVER, endpoint, rule, security_rule, server, single_server
from tests.builders import subnet as delegated_subnet
from tests.posture.ways.builders import (
    ADDRESS,
    CENTRAL,
    FAR,
    HUB,
    NAME,
    NETWORKS,
    PE,
    TABLE,
    ZONE,
    dns,
    endpoint_dns,
    guarded,
    link,
    zone,
)

OTHER_PE = ResourceId(f"{NETWORKS}/privateEndpoints/second")
FAR_ADDRESS = IPv4Address("10.9.2.4")


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
        virtual_network=VirtualNetwork(id=network, prefixes=(space,), learns_routes=False, admin_rules=()),
    )
    return replace(whole, **parts)


def holding(address: IPv4Address, named: ResourceId = PE, server_id: ResourceId = SERVER) -> SubnetEndpoint:
    return SubnetEndpoint(id=named, server=server_id, addresses=(ip_address(str(address)),))


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


SECOND = PrivateEndpointConnection(
    id=SERVER.child("privateEndpointConnections", "second.1"),
    status=ConnectionStatus.APPROVED,
    endpoint=OTHER_PE,
)


def world(whole: Any = None, *places: SubnetSnapshot, **parts: Any) -> World:
    """A server with private endpoints in ``places``."""
    read = whole if whole is not None else server(private_dns=dns())
    return World(server=replace(read, places=places or (PLACE,)), **parts)


def in_a_subnet(*places: SubnetSnapshot, **parts: Any) -> World:
    """The same of a server in a delegated subnet."""
    own = ResourceId(f"{NETWORKS}/privateDnsZones/orders.private.postgres.database.azure.com")
    read = PrivateDns(zones=(DnsZone(id=own, exists=True, links=(link(HUB),)),))
    kept = {"private_endpoints": (), "private_dns_zone": own, "private_dns": read, **parts}
    return world(server(delegated_subnet=DATABASES.id, **kept), *(places or (DATABASES,)))


def asked(whole: World | None = None, client: SubnetSnapshot | Client = CLIENT) -> Verdict:
    who = SubnetClient(subnet=client) if isinstance(client, SubnetSnapshot) else client
    return verdict(whole or world(), who)


def facts(found: Verdict, stage: Stage) -> list[Fact]:
    return [fact for way in found.ways for fact in way.facts if fact.stage is stage]


def states(found: Verdict, stage: Stage) -> set[State]:
    return {fact.state for fact in facts(found, stage)}


def fault(found: Verdict) -> Fact:
    """The one fact that is proved to be in the way."""
    assert found.state is State.BLOCKED, found
    (fact,) = in_the_way(found)
    return fact


def told(whole: World, client: SubnetSnapshot | Client = CLIENT) -> list[str]:
    """What mends it."""
    return [text for step in repairs(whole, asked(whole, client)) for text in texts_of(step)]


def deny(direction: Direction = Direction.OUTBOUND, **parts: Any) -> SecurityRule:
    return security_rule("no", 200, direction=direction, **parts)


def allow(direction: Direction = Direction.OUTBOUND, **parts: Any) -> SecurityRule:
    return security_rule("yes", 100, direction=direction, access=Access.ALLOW, **parts)


@pytest.mark.parametrize("whole", [world(), in_a_subnet()])
def test_where_everything_is_well_nothing_is_unknown(whole: World) -> None:
    found = asked(whole)
    assert {fact.state for way in found.ways for fact in way.facts} == {State.STANDS}, found
    assert found.state is State.STANDS


# --- the address -----------------------------------------------------------------------------------


def test_nobody_connects_to_a_server_that_is_stopped() -> None:
    stopped = world(server(state=ServerState.STOPPED, state_text="Stopped", private_dns=dns()))
    assert fault(asked(stopped)).stage is Stage.ADDRESS
    assert told(stopped)[0].startswith("az postgres flexible-server start ")


def test_a_server_at_work_may_refuse_for_a_while() -> None:
    found = asked(world(server(state=ServerState.BUSY, state_text="Updating", private_dns=dns())))
    assert found.state is State.UNKNOWN
    assert states(found, Stage.DNS) == {State.STANDS}


def test_an_endpoint_that_waits_is_no_fault_where_the_public_path_is_open() -> None:
    waiting = (endpoint(ConnectionStatus.PENDING),)
    public = server(
        private_endpoints=waiting,
        public_access=PublicAccess.ENABLED,
        firewall_rules=(rule("x", "8.8.8.8"),),
        private_dns=PrivateDns(found=()),
    )
    by = SubnetClient(subnet=CLIENT, nat=(IPv4Address("8.8.8.8"),))
    assert asked(world(public), by).state is State.STANDS
    closed = world(server(private_endpoints=waiting, private_dns=PrivateDns(found=())))
    assert asked(closed).state is State.BLOCKED
    assert any("private-endpoint-connection approve" in text for text in told(closed))


def test_addresses_that_were_not_read_are_unknown() -> None:
    blind = server(private_dns=None, places=None, unread={Aspect.PRIVATE_DNS: "refused"})
    found = asked(World(server=blind))
    assert found.state is State.UNKNOWN
    assert found.settles


@pytest.mark.field(
    "ways",
    "An endpoint that shows no address is said to have none that Azure shows; no reason is made up.",
    source="https://learn.microsoft.com/azure/private-link/private-endpoint-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("unread", "says"),
    [
        ("", "private endpoint orders-endpoint has no address that Azure shows"),
        ("refused", "the address of private endpoint orders-endpoint could not be read: refused"),
    ],
)
def test_an_endpoint_without_an_address_says_why_where_that_is_known(unread: str, says: str) -> None:
    silent = endpoint_dns(addresses=None, unread=unread)
    whole = world(server(private_dns=dns(zone(record=None), endpoints=(silent,))))
    way = asked(whole).ways[0]
    assert way.answer.endpoint == PE
    line = next(in_order(whole.server, way))
    assert (line.stage, line.says, line.result) == (Stage.ADDRESS, says, Result.UNKNOWN)


# --- NSGs ------------------------------------------------------------------------------------------


def test_the_address_of_another_servers_endpoint_in_the_subnet_does_not_matter() -> None:
    elsewhere = IPv4Address("10.0.2.99")
    other = holding(elsewhere, ResourceId(f"{NETWORKS}/privateEndpoints/x"), ResourceId(f"{SERVER}-x"))
    place = replace(PLACE, private_endpoints=(holding(ADDRESS), other))
    client = guarded(CLIENT, allow(destinations=(f"{ADDRESS}",)), deny(destinations=(f"{elsewhere}",)))
    assert asked(world(None, place), client).state is State.STANDS


def test_a_second_address_family_of_the_client_does_not_matter() -> None:
    both = replace(CLIENT, prefixes=(*CLIENT.prefixes, ip_network("fd00:7::/64")))
    place = guarded(
        replace(PLACE, endpoint_network_policies="Enabled"),
        allow(Direction.INBOUND, sources=("10.0.7.0/24",)),
        deny(Direction.INBOUND),
    )
    assert asked(world(None, place), both).state is State.STANDS


def test_source_ports_count_for_nothing_at_a_private_endpoint() -> None:
    place = guarded(
        replace(PLACE, endpoint_network_policies="NetworkSecurityGroupEnabled"),
        allow(Direction.INBOUND, sources=("10.0.7.0/24",), source_ports=("1024-65535",)),
        deny(Direction.INBOUND),
    )
    assert asked(world(None, place)).state is State.STANDS


def test_a_mode_of_network_policies_that_is_not_known_is_not_called_off() -> None:
    place = guarded(replace(PLACE, endpoint_network_policies="SomethingNew"), deny(Direction.INBOUND))
    assert asked(world(None, place)).state is State.UNKNOWN


def test_where_in_its_subnet_a_server_stands_is_not_known() -> None:
    narrow = guarded(DATABASES, allow(Direction.INBOUND, destinations=("10.0.1.4",)), deny(Direction.INBOUND))
    assert asked(in_a_subnet(narrow)).state is State.UNKNOWN
    shut = in_a_subnet(guarded(DATABASES, deny(Direction.INBOUND)))
    assert fault(asked(shut)).stage is Stage.NSG
    assert told(shut)[0].startswith("az network nsg rule create ")


def test_the_tag_of_the_network_holds_what_is_peered() -> None:
    linked = server(private_dns=dns(zone(links=(link(HUB), link(FAR)))))
    client = guarded(FAR_CLIENT, allow(destinations=("VirtualNetwork",)), deny())
    assert fault(asked(world(linked), client)).stage in {Stage.ROUTES, Stage.NSG}
    together = world(linked, peered(PLACE, FAR))
    assert asked(together, peered(client, HUB)).state is State.STANDS


# --- several endpoints -----------------------------------------------------------------------------


def two(*places: SubnetSnapshot) -> World:
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
    return world(both, *(places or (PLACE, FAR_PLACE)))


SHUT, FAR_SHUT = (
    guarded(replace(place, endpoint_network_policies="Enabled"), deny(Direction.INBOUND))
    for place in (PLACE, FAR_PLACE)
)


def test_a_client_is_judged_by_the_endpoint_that_its_own_network_answers_with() -> None:
    assert asked(two(PLACE, FAR_SHUT)).state is State.STANDS
    assert fault(asked(two(SHUT, FAR_PLACE))).stage is Stage.NSG


def test_a_fault_at_one_of_two_addresses_of_the_record_is_not_proved_to_be_in_the_way() -> None:
    def sharing(*places: SubnetSnapshot) -> World:
        whole = two(*(peered(place, FAR if place.id.parent == HUB else HUB) for place in places))
        one = zone(record=(ADDRESS, FAR_ADDRESS), links=(link(HUB), link(FAR)))
        held = whole.server.private_dns
        assert held is not None
        read = replace(held, zones=(one,), found=(one.id,))
        return replace(whole, server=replace(whole.server, private_dns=read))

    client = peered(CLIENT, FAR)
    assert asked(sharing(PLACE, FAR_PLACE), client).state is State.STANDS
    assert asked(sharing(PLACE, FAR_SHUT), client).state is State.UNKNOWN
    assert asked(sharing(SHUT, FAR_SHUT), client).state is State.BLOCKED


# --- routes ----------------------------------------------------------------------------------------


def test_a_route_for_a_part_of_the_subnet_is_not_proved_to_be_the_servers() -> None:
    assert asked(in_a_subnet(), routed(CLIENT, "10.0.1.128/25", "None")).state is State.UNKNOWN
    lost = routed(CLIENT, "10.0.1.0/24", "None")
    assert fault(asked(in_a_subnet(), lost)).stage is Stage.ROUTES
    assert told(in_a_subnet(), lost)[0].startswith("az network route-table route delete ")


def test_answers_that_are_dropped_in_the_servers_subnet_are_a_fault() -> None:
    found = asked(in_a_subnet(routed(DATABASES, "10.0.7.0/24", "None")))
    assert "packets from subnet postgres are lost" in fault(found).says


def test_an_appliance_is_not_proved_to_be_in_the_way() -> None:
    tunnelled = routed(DATABASES, "10.0.7.0/24", "VirtualAppliance")
    assert asked(in_a_subnet(tunnelled)).state is State.UNKNOWN


def test_an_endpoints_own_route_goes_before_the_clients_where_network_policies_are_off() -> None:
    client = routed(CLIENT, "10.0.2.0/24", "None")
    assert asked(world(), client).state is State.STANDS
    enforced = replace(PLACE, endpoint_network_policies="RouteTableEnabled")
    assert fault(asked(world(None, enforced), client)).stage is Stage.ROUTES
    odd = replace(PLACE, endpoint_network_policies="SomethingNew")
    assert asked(world(None, odd), client).state is State.UNKNOWN


def test_the_route_table_of_the_endpoints_subnet_is_nobody_elses() -> None:
    place = routed(replace(PLACE, endpoint_network_policies="Enabled"), "10.0.2.0/24", "None")
    assert asked(world(None, place)).state is State.STANDS


# --- names -----------------------------------------------------------------------------------------


def test_how_the_endpoints_network_resolves_the_name_does_not_matter_to_a_client_elsewhere() -> None:
    only_far = world(server(private_dns=dns(zone(links=(link(FAR),)))), peered(PLACE, FAR))
    assert asked(only_far, peered(FAR_CLIENT, HUB)).state is State.STANDS
    assert fault(asked(only_far)).stage is Stage.FIREWALL, "unlinked, the name is public, which is closed"


def test_a_zone_group_of_another_name_is_no_fault_where_the_clients_zone_has_the_record() -> None:
    other = ResourceId(f"{NETWORKS}/privateDnsZones/private.example.com")
    by_hand = server(private_dns=dns(endpoints=(endpoint_dns(group_zones=(other,)),)))
    assert asked(world(by_hand)).state is State.STANDS


def test_a_zone_that_was_not_read_may_be_the_one_that_answers() -> None:
    for found in ((ZONE, CENTRAL), None):
        more = world(server(private_dns=dns(zone(links=()), found=found)))
        assert asked(more).state is State.UNKNOWN


def test_links_that_were_not_read_may_hold_the_clients_network() -> None:
    refused = zone(CENTRAL, links=None, record=None, unread="refused")
    assert asked(world(server(private_dns=dns(zone(links=()), refused)))).state is State.UNKNOWN


def test_what_the_clients_network_answers_is_unknown_where_it_could_not_be_read() -> None:
    blind = replace(CLIENT, id=FAR.child("subnets", "app"), virtual_network=None)
    found = asked(world(None, peered(PLACE, FAR)), blind)
    assert (found.state, "network far" in found.settles[0]) == (State.UNKNOWN, True)


def test_a_link_that_is_begun_is_not_made_a_second_time() -> None:
    begun = world(server(private_dns=dns(zone(links=(link(HUB, "InProgress"),)))))
    found = asked(begun)
    assert (found.state, "InProgress" in found.settles[0]) == (State.UNKNOWN, True)
    assert told(begun) == []


def test_a_linked_zone_without_the_endpoints_record_is_a_fault() -> None:
    empty = world(server(private_dns=dns(zone(record=()))))
    assert fault(asked(empty)).stage is Stage.DNS
    assert all(str(PE.name) in text or "record-set" in text for text in told(empty)), told(empty)
    foreign = zone(CENTRAL, record=(IPv4Address("10.0.2.77"),))
    wrong = world(server(private_dns=dns(foreign, zone(links=()), found=(CENTRAL, ZONE))))
    assert fault(asked(wrong)).stage in {Stage.DNS, Stage.ADDRESS}


@pytest.mark.parametrize(
    ("servers", "expected"), [(("10.0.0.5",), State.UNKNOWN), (("168.63.129.16",), State.STANDS)]
)
def test_only_azures_own_resolver_is_known_to_ask_the_zone(servers: tuple[str, ...], expected: State) -> None:
    assert CLIENT.virtual_network is not None
    client = replace(CLIENT, virtual_network=replace(CLIENT.virtual_network, dns_servers=servers))
    assert asked(client=client).state is expected
    wrong = asked(world(server(private_dns=dns(zone(record=())))), client)
    assert wrong.state is (State.BLOCKED if expected is State.STANDS else State.UNKNOWN)


def test_a_client_in_a_network_that_the_servers_own_zone_is_not_linked_to_gets_no_address() -> None:
    whole, client = in_a_subnet(peered(DATABASES, FAR)), peered(FAR_CLIENT, HUB)
    assert fault(asked(whole, client)).stage is Stage.DNS
    (command,) = told(whole, client)
    assert "link vnet create" in command
    assert "virtualNetworks/far" in command


# --- the firewall ----------------------------------------------------------------------------------


def test_virtual_network_rules_that_were_not_read_may_let_somebody_in() -> None:
    single = single_server(firewall_rules=(), virtual_network_rules=None, private_endpoints=())
    assert asked(World(server=single)).state is State.UNKNOWN


# --- a client in another network -------------------------------------------------------------------

NAT, OTHER_NAT = IPv4Address("203.0.113.7"), IPv4Address("203.0.113.9")
PUBLIC: dict[str, Any] = {
    "public_access": PublicAccess.ENABLED,
    "firewall_rules": (rule("nat", str(NAT)),),
    "private_dns": dns(),
}
"""Public access is on, with a rule for a NAT address; endpoint and zone are in the hub."""
BOTH_WAYS = world(server(**PUBLIC))


def gatewayed(whole: SubnetSnapshot) -> SubnetSnapshot:
    """With a gateway that may have learned routes."""
    assert whole.virtual_network is not None
    return replace(whole, virtual_network=replace(whole.virtual_network, learns_routes=True))


def leaving(client: SubnetSnapshot, *nat: IPv4Address) -> SubnetClient:
    return SubnetClient(subnet=client, nat=nat)


@pytest.mark.field(
    "ways",
    "In a network that no zone is linked to, the name is public, and a rule for its NAT address admits.",
    source="https://learn.microsoft.com/azure/private-link/private-endpoint-dns",
    date="2026-11-29",
)
def test_a_client_whose_network_is_not_linked_takes_the_public_path() -> None:
    assert asked(BOTH_WAYS, leaving(FAR_CLIENT, NAT)).state is State.STANDS
    unsaid = asked(BOTH_WAYS, leaving(FAR_CLIENT))
    assert unsaid.state is State.UNKNOWN
    assert unsaid.settles == ("the public address by which the client leaves",)
    assert told(BOTH_WAYS, leaving(FAR_CLIENT)) == []


@pytest.mark.field(
    "ways",
    "A network from which no route leads to the endpoint is never advised to be linked to its zone.",
    source="https://learn.microsoft.com/azure/private-link/private-endpoint-overview",
    date="2026-11-29",
)
def test_what_mends_a_client_without_a_route_is_the_narrowest_rule_and_no_link() -> None:
    (command,) = told(BOTH_WAYS, leaving(FAR_CLIENT, OTHER_NAT))
    assert "firewall-rule create" in command
    assert command.endswith("--start-ip-address 203.0.113.9 --end-ip-address 203.0.113.9")
    assert told(world(server(**PUBLIC), gatewayed(PLACE)), leaving(gatewayed(FAR_CLIENT), OTHER_NAT)) == [
        command
    ]
    closed = world(server(private_dns=dns()))
    advice = told(closed, leaving(FAR_CLIENT))
    assert not any(text.startswith("az ") for text in advice), advice
    assert any("no route" in text for text in advice), advice
    assert any("peer the two networks" in text for text in advice), advice


@pytest.mark.field(
    "ways",
    "A peered client whose network is not linked is mended by a link, not by a rule for its address.",
    source="https://learn.microsoft.com/azure/private-link/private-endpoint-dns-integration",
    date="2026-11-29",
)
def test_what_mends_a_peered_client_is_a_link_and_not_an_open_door() -> None:
    whole = replace(BOTH_WAYS, server=replace(BOTH_WAYS.server, places=(peered(PLACE, FAR),)))
    client = peered(FAR_CLIENT, HUB)
    assert asked(whole, leaving(client, NAT)).state is State.STANDS
    warned, command = told(whole, leaving(client, OTHER_NAT))
    assert "off the public path" in warned
    assert "link vnet create" in command
    assert f"--virtual-network {FAR}" in command
    assert f"--zone-name {NAME}" in command


@pytest.mark.field(
    "ways",
    "A deny of private addresses in the client's NSG is in the way of a private answer, not of a public one.",
    source="https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works",
    date="2026-11-29",
)
def test_a_client_whose_own_nsg_denies_the_way_of_its_name_is_blocked_there_alone() -> None:
    """Unlinked, a deny of private addresses is not in its way; peered and linked it is."""
    client = guarded(FAR_CLIENT, deny(destinations=("10.0.0.0/8",)), allow_all())
    assert asked(BOTH_WAYS, leaving(client, NAT)).state is State.STANDS
    linked = world(server(**{**PUBLIC, "private_dns": dns(zone(links=(link(FAR),)))}), peered(PLACE, FAR))
    found = asked(linked, leaving(peered(client, HUB), NAT))
    assert fault(found).stage is Stage.NSG
    (command,) = told(linked, leaving(peered(client, HUB), NAT))
    assert command.startswith("az network nsg rule create ")


def allow_all() -> SecurityRule:
    return security_rule("rest", 300, direction=Direction.OUTBOUND, access=Access.ALLOW)


@pytest.mark.field(
    "ways",
    "A route for private addresses to None is in the way of a private answer, not of a public one.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
def test_a_route_that_loses_private_addresses_is_not_in_the_way_of_a_public_name() -> None:
    client = routed(FAR_CLIENT, "10.0.0.0/8", "None")
    assert asked(BOTH_WAYS, leaving(client, NAT)).state is State.STANDS
    enforced = peered(replace(PLACE, endpoint_network_policies="Enabled"), FAR)
    linked = world(server(**{**PUBLIC, "private_dns": dns(zone(links=(link(FAR),)))}), enforced)
    narrow = routed(peered(FAR_CLIENT, HUB), "10.0.0.0/16", "None")
    assert fault(asked(linked, leaving(narrow, NAT))).stage is Stage.ROUTES
    warned, command = told(linked, leaving(narrow, NAT))
    assert "loses packets to all of 10.0.0.0/16" in warned
    assert command.startswith("az network route-table route delete ")


@pytest.mark.field(
    "ways",
    "A linked zone without the record lets the name go on to the public endpoint where the link falls back.",
    source="https://learn.microsoft.com/azure/dns/private-dns-fallback",
    date="2026-11-29",
)
def test_a_link_that_falls_back_to_the_internet_makes_the_name_public() -> None:
    for policy, expected in (("NxDomainRedirect", State.STANDS), ("Default", State.BLOCKED)):
        falls = replace(link(FAR), resolution_policy=policy)
        held = dns(zone(links=(falls,), record=()))
        whole = world(server(**{**PUBLIC, "private_dns": held}))
        assert asked(whole, leaving(FAR_CLIENT, NAT)).state is expected, policy


@pytest.mark.field(
    "ways",
    "A single server's virtual network rule admits the subnet that it names, by its service endpoint.",
    source="https://learn.microsoft.com/azure/postgresql/single-server/concepts-data-access-and-security-vnet",
    date="2026-11-29",
)
def test_a_subnet_that_a_single_server_admits_comes_in_by_its_rule() -> None:
    admitted = VirtualNetworkRule(name="apps", subnet=ResourceId(str(CLIENT.id).upper()), state="Ready")
    single = World(server=single_server(virtual_network_rules=(admitted,), private_endpoints=()))
    serviced = replace(CLIENT, service_endpoints=("Microsoft.Sql",))
    assert asked(single, serviced).state is State.STANDS
    assert asked(single, replace(FAR_CLIENT, service_endpoints=())).state is State.UNKNOWN


# --- zones of others -------------------------------------------------------------------------------


@pytest.mark.field(
    "ways",
    "A zone of another team that is linked elsewhere answers nothing here, and nothing is written into it.",
    source="https://learn.microsoft.com/azure/private-link/private-endpoint-dns",
    date="2026-11-29",
)
def test_a_zone_of_others_that_is_linked_elsewhere_is_neither_an_answer_nor_written() -> None:
    theirs = zone(CENTRAL, links=(link(FAR),), record=())
    ungrouped = endpoint_dns(group_zones=(), group="")
    whole = world(server(private_dns=dns(theirs, endpoints=(ungrouped,))))
    assert fault(asked(whole)).stage is Stage.FIREWALL, "the name is public, which is closed"
    commands = told(whole)
    assert [text.split(" --")[0] for text in commands] == [
        "az network private-dns zone create",
        "az network private-endpoint dns-zone-group create",
        "az network private-dns link vnet create",
    ]
    assert not any("/central/" in text or "group central" in text for text in commands), commands
    named = replace(whole, declared=Declared(zone=CENTRAL))
    assert any("resource-group central" in text for text in told(named)), told(named)


# --- who else --------------------------------------------------------------------------------------


def test_nothing_leads_from_on_premises_to_a_network_without_a_gateway() -> None:
    client = OnPremises(prefixes=(ip_network("192.168.0.0/16"),))
    assert asked(world(), client).state is State.BLOCKED
    assert asked(world(None, gatewayed(PLACE)), client).state is State.UNKNOWN
    admitted = replace(client, nat=(NAT,))
    assert asked(BOTH_WAYS, admitted).state is State.UNKNOWN, "what answers there is not visible"


def test_of_the_networks_linked_only_the_private_ways_are_asked() -> None:
    assert asked(world(), NetworkClient(network=HUB)).state is State.STANDS
    shut = world(None, SHUT)
    assert fault(asked(shut, NetworkClient(network=HUB))).stage is Stage.NSG


def test_a_public_address_is_admitted_by_a_rule_or_told_which_rule_would() -> None:
    assert asked(BOTH_WAYS, PublicClient(address=NAT)).state is State.STANDS
    other = PublicClient(address=OTHER_NAT)
    assert fault(asked(BOTH_WAYS, other)).stage is Stage.FIREWALL
    (command,) = told(BOTH_WAYS, other)
    assert "--start-ip-address 203.0.113.9" in command
    assert fault(asked(world(), other)).says == "public network access is disabled"
    assert not any(text.startswith("az ") for text in told(world(), other))
    assert asked(BOTH_WAYS, AnyAzure()).state is State.UNKNOWN, "one of Azure's may have the address"
    assert fault(asked(world(), AnyAzure())).stage is Stage.FIREWALL


def test_of_several_answers_that_are_all_blocked_the_way_that_is_mended_has_to_be_the_one_taken() -> None:
    assert CLIENT.virtual_network is not None
    own_dns = replace(CLIENT.virtual_network, dns_servers=("10.0.0.5",))
    client = guarded(replace(CLIENT, virtual_network=own_dns), deny(destinations=("10.0.0.0/8",)))
    assert asked(client=client).state is State.BLOCKED
    command, sentence = told(world(), client)
    assert command.startswith("az network nsg rule create ")
    assert str(ADDRESS) in sentence
