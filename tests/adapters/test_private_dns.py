"""Private DNS read with the real clients: what is asked, how often, and what a refusal leaves unread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.adapters.arm.reading.private_dns import MOST_ENDPOINTS, MOST_ZONES
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model import Aspect, Json, ServerSnapshot, Target, TargetKind
from shared.model.parts import ManagementLock, NetworkDns, PrivateDns, ZoneConfig, ZoneLink
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure, Bench
from tests.adapters.scripted_arm import Reply

SERVER = seeds.flexible_server_id(name="orders")
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
DNS = frozenset({Aspect.SERVER, Aspect.PRIVATE_DNS})
ENDPOINT = seeds.endpoint_id(name="orders-pe")
ZONE, CENTRAL = (
    seeds.zone_id(),
    seeds.zone_id(group="hub", subscription="0c5f7a1e-9d3b-4e62-8f14-2a6b9c8d7e03"),
)
VNET = seeds.vnet_id()
ADDRESS = IPv4Address("10.20.1.4")
ALONE = NetworkDns(id=ResourceId(VNET), dns_servers=(), peers=(), learns_routes=False)
EVERYTHING = frozenset(Aspect) - {Aspect.PLACES}
"""What policies ask for."""
ENTRA: JsonObject = {"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}}
"""With Entra sign-in on, a server's administrators are asked for as well."""


def standing(*, dns_servers: Sequence[str] = (), grouped: bool = True) -> list[JsonObject]:
    """A closed server with an endpoint in a network that is linked to the zone with its record."""
    own = seeds.dns_servers(*dns_servers) if dns_servers else None
    bodies = [
        seeds.flexible_server(name="orders", public_access="Disabled", properties=ENTRA),
        seeds.vnet(subnets=[seeds.subnet(delegated=False)], properties=own),
        seeds.private_endpoint(name="orders-pe", server=SERVER, subnet=seeds.subnet_id()),
        seeds.private_dns_zone(),
        seeds.zone_link(zone=ZONE, vnet=VNET, name="spoke"),
        seeds.a_record(zone=ZONE, name="orders", addresses=[str(ADDRESS)]),
    ]
    return [*bodies, seeds.zone_group(endpoint=ENDPOINT, zones=[ZONE])] if grouped else bodies


def read(azure: Azure, aspects: frozenset[Aspect] = DNS) -> tuple[ServerSnapshot, list[str]]:
    """The reading, and what was asked beyond the server itself: the last steps of the paths."""
    azure.simulator.reset_calls()
    gateway = azure.gateway()
    snapshot = gateway.read(TARGET, aspects)
    assert isinstance(snapshot, ServerSnapshot)
    assert len(azure.simulator.calls()) == len(gateway.calls)
    first, *more = (call.path.rpartition("/providers/")[2].split("/")[1:] for call in gateway.calls)
    assert first[-1] == "orders"
    return snapshot, ["/".join(steps[-2:]) for steps in more]


def dns_of(snapshot: ServerSnapshot) -> PrivateDns:
    assert snapshot.private_dns is not None, snapshot.unread
    return snapshot.private_dns


def spoke(state: str, resolution: str = "Default") -> ZoneLink:
    return ZoneLink(name="spoke", network=ResourceId(VNET), state=state, resolution_policy=resolution)


# --- what is asked ---------------------------------------------------------------------------------


def test_one_endpoint_with_a_zone_group_costs_four_requests(azure: Azure) -> None:
    azure.simulator.seed(standing())
    snapshot, asked = read(azure)
    zone_name = seeds.PRIVATE_LINK_ZONE
    assert asked == [
        "orders-pe/privateDnsZoneGroups",
        "resources",
        f"{zone_name}/virtualNetworkLinks",
        "A/orders",
    ]
    dns = dns_of(snapshot)
    (endpoint,), (zone,) = dns.endpoints, dns.zones
    assert (endpoint.id, endpoint.addresses) == (ResourceId(ENDPOINT), (ADDRESS,))
    assert endpoint.network == ALONE
    assert endpoint.subnet == ResourceId(seeds.subnet_id())
    assert (endpoint.group, endpoint.group_zones) == ("default", (ResourceId(ZONE),))
    assert endpoint.group_configs == (ZoneConfig(name="zone-0", zone=ResourceId(ZONE)),)
    assert (zone.id, zone.exists, zone.record) == (ResourceId(ZONE), True, (ADDRESS,))
    assert zone.links == (spoke("Completed"),)
    assert dns.found == (ResourceId(ZONE),)
    assert not {Aspect.PRIVATE_DNS} & snapshot.unread.keys()


@pytest.mark.field(
    "ways",
    "A link whose names fall back to public DNS says so, and the reading keeps it",
    source="https://learn.microsoft.com/en-us/azure/dns/private-dns-fallback",
    date="2026-11-29",
)
def test_a_link_with_fallback_to_public_dns_is_read_as_such(azure: Azure) -> None:
    link = seeds.zone_link(zone=ZONE, vnet=VNET, name="spoke", resolution="NxDomainRedirect")
    azure.simulator.seed([*standing(), link])
    (zone,) = dns_of(read(azure)[0]).zones
    assert zone.links == (spoke("Completed", "NxDomainRedirect"),)


def test_a_record_kept_by_hand_costs_one_more_for_the_endpoints_address(azure: Azure) -> None:
    azure.simulator.seed(standing(grouped=False))
    snapshot, asked = read(azure)
    assert len(asked) == 5
    assert "privateEndpoints/orders-pe" in asked
    (endpoint,) = dns_of(snapshot).endpoints
    assert (endpoint.group, endpoint.group_zones, endpoint.addresses) == ("", (), (ADDRESS,))
    assert dns_of(snapshot).zones[0].record == (ADDRESS,)


def test_without_any_zone_two_requests_tell(azure: Azure) -> None:
    bodies = standing(grouped=False)
    azure.simulator.seed([one for one in bodies if "privateDnsZones" not in str(one["id"])])
    snapshot, asked = read(azure)
    assert asked == ["orders-pe/privateDnsZoneGroups", "resources"]
    assert (dns_of(snapshot).zones, dns_of(snapshot).found) == ((), ())


def test_a_central_zone_in_another_subscription_is_found_by_its_name(azure: Azure) -> None:
    bodies = [one for one in standing(grouped=False) if "privateDnsZones" not in str(one["id"])]
    central = [
        seeds.private_dns_zone() | {"id": CENTRAL},
        seeds.a_record(zone=CENTRAL, name="orders", addresses=[str(ADDRESS)]),
        seeds.private_dns_zone(name="privatelink.mysql.database.azure.com"),
    ]
    azure.simulator.seed([*bodies, *central])
    snapshot, _ = read(azure)
    (zone,) = dns_of(snapshot).zones
    assert (zone.id, zone.links, zone.record) == (ResourceId(CENTRAL), (), (ADDRESS,))


def test_of_many_zones_of_one_name_two_are_read_and_all_are_told(azure: Azure) -> None:
    more = [seeds.private_dns_zone(group=f"team-{number}") for number in range(3)]
    azure.simulator.seed([*standing(grouped=False), *more])
    snapshot, asked = read(azure)
    assert len(dns_of(snapshot).zones) == MOST_ZONES
    assert len(dns_of(snapshot).found or ()) == 4
    assert len(asked) == 7


def test_the_dns_servers_of_the_endpoints_network_are_told(azure: Azure) -> None:
    azure.simulator.seed(standing(dns_servers=["10.10.0.4", "10.10.0.5"]))
    (endpoint,) = dns_of(read(azure)[0]).endpoints
    assert endpoint.network == replace(ALONE, dns_servers=("10.10.0.4", "10.10.0.5"))


def test_endpoints_that_share_a_zone_share_its_requests_and_only_two_are_looked_at(azure: Azure) -> None:
    names = ["a-pe", "b-pe"]
    more = [seeds.private_endpoint(name=one, server=SERVER, subnet=seeds.subnet_id()) for one in names]
    groups = [seeds.zone_group(endpoint=seeds.endpoint_id(name=one), zones=[ZONE]) for one in names]
    azure.simulator.seed([*standing(), more[0], groups[0]])
    two, asked = read(azure)
    assert len(asked) == 5
    assert len(dns_of(two).endpoints) == MOST_ENDPOINTS
    assert Aspect.PRIVATE_DNS not in two.unread
    azure.simulator.seed([more[1], groups[1]])
    three, asked = read(azure)
    assert len(asked) == 5
    assert len(dns_of(three).endpoints) == MOST_ENDPOINTS
    assert three.unread[Aspect.PRIVATE_DNS] == "1 of 3 approved private endpoints were not looked at"


def test_without_an_approved_endpoint_nothing_is_asked(azure: Azure) -> None:
    pending = seeds.private_endpoint(name="orders-pe", server=SERVER, subnet=seeds.subnet_id(), manual=True)
    network = seeds.vnet(subnets=[seeds.subnet(delegated=False)])
    azure.simulator.seed([seeds.flexible_server(name="orders"), network, pending])
    snapshot, asked = read(azure)
    assert (dns_of(snapshot), asked) == (PrivateDns(), [])


def inside() -> list[JsonObject]:
    """A server in a delegated subnet with its own zone, and a lock on the zone and on its group."""
    own = seeds.zone_id(name="orders.private.postgres.database.azure.com")
    network: JsonObject = {"delegatedSubnetResourceId": seeds.subnet_id(), "privateDnsZoneArmResourceId": own}
    return [
        seeds.vnet(subnets=[seeds.subnet()], properties=seeds.dns_servers("10.10.0.4")),
        seeds.private_dns_zone(name="orders.private.postgres.database.azure.com"),
        seeds.zone_link(zone=own, vnet=VNET, name="spoke", state="InProgress"),
        seeds.lock(scope=own, name="keep"),
        seeds.lock(scope=seeds.group_id(), name="freeze", level="ReadOnly"),
        seeds.flexible_server(name="orders", properties={"network": network, **ENTRA}),
    ]


def test_a_server_in_a_subnet_costs_two_requests_and_its_locks_one(azure: Azure) -> None:
    azure.simulator.seed(inside())
    snapshot, asked = read(azure, DNS | {Aspect.DNS_LOCKS})
    assert [step.rpartition("/")[2] for step in asked] == ["virtualNetworkLinks", "vnet-orders", "locks"]
    (zone,) = dns_of(snapshot).zones
    assert zone.links == (spoke("InProgress"),)
    assert dns_of(snapshot).network == NetworkDns(id=ResourceId(VNET), dns_servers=("10.10.0.4",))
    held = {(lock.name, lock.level, lock.scope.lower()) for lock in snapshot.dns_locks or ()}
    assert held == {
        ("keep", "CanNotDelete", str(zone.id).lower()),
        ("freeze", "ReadOnly", seeds.group_id().lower()),
    }


def test_a_server_without_a_zone_of_its_own_has_no_locks_to_read(azure: Azure) -> None:
    azure.simulator.seed(standing())
    snapshot, asked = read(azure, frozenset({Aspect.SERVER, Aspect.DNS_LOCKS}))
    assert (snapshot.dns_locks, asked) == ((), [])


@pytest.mark.parametrize(
    ("bodies", "requests"), [(standing(), 10), (inside(), 9)], ids=["endpoint", "subnet"]
)
def test_a_server_read_whole_costs_ten_requests_at_most(
    azure: Azure, bodies: list[JsonObject], requests: int
) -> None:
    azure.simulator.seed(bodies)
    snapshot, asked = read(azure, EVERYTHING)
    assert not snapshot.unread
    assert 1 + len(asked) == requests


# --- what is not there, and what is refused --------------------------------------------------------


def test_a_record_or_a_zone_that_is_not_there_is_told_as_such(azure: Azure) -> None:
    azure.simulator.seed(standing())
    azure.simulator.delete(f"{ZONE}/A/orders")
    assert dns_of(read(azure)[0]).zones[0].record == ()
    azure.simulator.delete(f"{ZONE}/virtualNetworkLinks/spoke")
    azure.simulator.delete(ZONE)
    snapshot, asked = read(azure)
    (zone,) = dns_of(snapshot).zones
    assert (zone.exists, zone.links, zone.record) == (False, None, None)
    assert "A/orders" not in asked


READS = "Microsoft.DBforPostgreSQL/flexibleServers/read"
NETWORK = "Microsoft.Network"
ALL_READS = (
    READS,
    f"{NETWORK}/privateEndpoints/read",
    f"{NETWORK}/privateEndpoints/privateDnsZoneGroups/read",
    f"{NETWORK}/virtualNetworks/read",
    f"{NETWORK}/privateDnsZones/read",
    f"{NETWORK}/privateDnsZones/virtualNetworkLinks/read",
    f"{NETWORK}/privateDnsZones/A/read",
    "Microsoft.ResourceGraph/resources/read",
)


def read_without(azure: Azure, action: str, *, grouped: bool = True) -> PrivateDns:
    azure.simulator.seed(standing(grouped=grouped))
    assert LOCAL_IDENTITY.app_id is not None
    azure.simulator.roles({LOCAL_IDENTITY.app_id: [one for one in ALL_READS if one != action]})
    return dns_of(read(azure)[0])


def test_a_zone_group_that_may_not_be_read_leaves_the_endpoint_unread(azure: Azure) -> None:
    action = f"{NETWORK}/privateEndpoints/privateDnsZoneGroups/read"
    (endpoint,) = read_without(azure, action).endpoints
    assert endpoint.group_zones is None
    assert endpoint.unread.startswith(f"our identity may not perform {action} on /")
    assert endpoint.addresses == (ADDRESS,)


def test_links_that_may_not_be_read_leave_the_zone_unread(azure: Azure) -> None:
    action = f"{NETWORK}/privateDnsZones/virtualNetworkLinks/read"
    (zone,) = read_without(azure, action).zones
    assert zone.exists is None
    assert zone.unread.startswith(f"our identity may not perform {action} on /")


def test_a_record_that_may_not_be_read_is_not_absent(azure: Azure) -> None:
    action = f"{NETWORK}/privateDnsZones/A/read"
    (zone,) = read_without(azure, action).zones
    assert (zone.exists, zone.record) == (True, None)
    assert zone.unread.startswith(f"our identity may not perform {action} on /")


def test_a_network_that_may_not_be_seen_has_unknown_dns_servers(azure: Azure) -> None:
    (endpoint,) = read_without(azure, f"{NETWORK}/virtualNetworks/read").endpoints
    assert endpoint.network is not None
    assert endpoint.network.dns_servers is None
    assert endpoint.network.unread


def test_an_endpoint_that_may_not_be_seen_is_in_no_known_network(azure: Azure) -> None:
    (endpoint,) = read_without(azure, f"{NETWORK}/privateEndpoints/read").endpoints
    assert (endpoint.network, endpoint.addresses) == (None, (ADDRESS,))
    assert endpoint.unread


def test_zones_that_may_not_be_seen_are_not_found_and_those_named_are_read(azure: Azure) -> None:
    dns = read_without(azure, f"{NETWORK}/privateDnsZones/read")
    assert dns.found == ()
    assert dns.zones[0].record == (ADDRESS,)


# --- shapes that only the real service sends -------------------------------------------------------


def scripted(bench: Bench, endpoint: Json, *, rows: list[Json] | None = None) -> None:
    """A server with one endpoint without a zone group, and a zone without links and with a record."""
    host = "Orders.postgres.database.azure.com."
    connection = {
        "id": f"{SERVER}/privateEndpointConnections/c",
        "properties": {
            "privateEndpoint": {"id": ENDPOINT.upper()},
            "privateLinkServiceConnectionState": {"status": "approved"},
        },
    }
    server = {
        "id": SERVER,
        "properties": {
            "state": "Ready",
            "fullyQualifiedDomainName": host,
            "network": {"publicNetworkAccess": "Disabled"},
            "privateEndpointConnections": [connection],
        },
    }
    zone_rows = [{"id": ZONE, "type": "Microsoft.Network/privateDnsZones"}]
    shown = rows if rows is not None else zone_rows
    bench.arm.on("GET", SERVER, Reply(body=server))
    bench.arm.on("GET", f"{ENDPOINT}/privateDnsZoneGroups", Reply(body={"value": []}))
    bench.arm.on("GET", ENDPOINT, Reply(body=endpoint))
    bench.arm.on("POST", "/providers/Microsoft.ResourceGraph/resources", Reply(body={"data": shown}))
    bench.arm.on("GET", f"{ZONE}/virtualNetworkLinks", Reply(body={"value": []}))
    records = {"properties": {"aRecords": [{"ipv4Address": "10.20.1.5"}, {"ipv4Address": "10.20.1.4"}]}}
    bench.arm.on("GET", f"{ZONE}/A/orders", Reply(body=records))


def scripted_dns(bench: Bench) -> PrivateDns:
    snapshot = bench.gateway.read(TARGET, DNS)
    assert isinstance(snapshot, ServerSnapshot)
    return dns_of(snapshot)


def configured(*addresses: str) -> list[Json]:
    return [{"properties": {"privateIPAddress": one}} for one in addresses]


INTERFACE = {"properties": {"ipConfigurations": configured("fd00:20::4", "10.20.1.4")}}
UNEXPANDED = {"id": seeds.network_id(kind="networkInterfaces", name="nic")}
CUSTOM = [
    {"fqdn": "other.postgres.database.azure.com", "ipAddresses": ["10.20.1.9"]},
    {"fqdn": "ORDERS.postgres.database.azure.com", "ipAddresses": ["10.20.1.4", "fd00:20::4"]},
]


@pytest.mark.parametrize(
    "properties",
    [
        {"networkInterfaces": [INTERFACE], "customDnsConfigs": []},
        {"networkInterfaces": [UNEXPANDED], "ipConfigurations": configured("10.20.1.4")},
        {"networkInterfaces": [UNEXPANDED], "customDnsConfigs": CUSTOM},
    ],
    ids=["interface", "static", "custom DNS"],
)
def test_the_address_comes_from_the_interface_or_from_what_the_endpoint_shows(
    bench: Bench, properties: dict[str, Json]
) -> None:
    subnet = {"subnet": {"id": seeds.subnet_id()}}
    scripted(bench, {"id": ENDPOINT, "properties": {**properties, **subnet}})
    dns = scripted_dns(bench)
    (endpoint,) = dns.endpoints
    assert endpoint.addresses == (ADDRESS,)
    assert endpoint.network is not None
    assert (endpoint.network.id, endpoint.network.dns_servers) == (ResourceId(VNET), None)
    assert dns.zones[0].record == (ADDRESS, IPv4Address("10.20.1.5"))
    (asked,) = [one for one in bench.arm.asked if one.path.lower() == ENDPOINT.lower()]
    assert "expand=networkInterfaces" in asked.target


def test_a_zone_group_shows_the_address_of_the_servers_own_a_record(bench: Bench) -> None:
    scripted(bench, {"id": ENDPOINT, "properties": {}})
    sets = [
        {"recordType": "AAAA", "recordSetName": "orders", "ipAddresses": ["fd00:20::4"]},
        {"recordType": "A", "recordSetName": "other", "ipAddresses": ["10.20.1.9"]},
        {"recordType": "A", "recordSetName": "Orders", "ipAddresses": ["10.20.1.4", "fd00:20::4"]},
    ]
    elsewhere = {"privateDnsZoneId": seeds.zone_id(name="private.example.com"), "recordSets": sets[1:2]}
    ours = {"privateDnsZoneId": ZONE.upper(), "recordSets": sets}
    entries = [{"properties": elsewhere}, {"name": "Ours", "properties": ours}]
    group = {"name": "Default", "properties": {"privateDnsZoneConfigs": entries}}
    bench.arm.on("GET", f"{ENDPOINT}/privateDnsZoneGroups", Reply(body={"value": [group]}))
    (endpoint,) = scripted_dns(bench).endpoints
    assert (endpoint.addresses, endpoint.group) == ((ADDRESS,), "Default")
    assert endpoint.group_configs == (ZoneConfig(name="Ours", zone=ResourceId(ZONE)),)
    assert endpoint.group_zones == (
        ResourceId(seeds.zone_id(name="private.example.com")),
        ResourceId(ZONE),
    )


def test_what_resource_graph_is_asked_names_the_endpoint_and_the_zone(bench: Bench) -> None:
    scripted(bench, {"id": ENDPOINT, "properties": {}})
    scripted_dns(bench)
    (asked,) = [one for one in bench.arm.asked if one.method == "POST"]
    assert not asked.body.get("subscriptions")
    assert f"name =~ '{seeds.PRIVATE_LINK_ZONE}'" in asked.body["query"]
    assert ENDPOINT.lower() in asked.body["query"].lower()
    assert asked.body["query"].endswith("order by type asc, id asc"), "a page may end before the networks do"


def test_a_question_to_resource_graph_that_is_refused_leaves_zones_unasked(bench: Bench) -> None:
    scripted(bench, {"id": ENDPOINT, "properties": {}})
    refusal = {
        "error": {
            "code": "AuthorizationFailed",
            "message": "does not have authorization to perform action 'x/read' over",
        }
    }
    bench.arm.on("POST", "/providers/Microsoft.ResourceGraph/resources", Reply(status=403, body=refusal))
    dns = scripted_dns(bench)
    assert (dns.found, dns.zones) == (None, ())
    assert dns.endpoints[0].unread == "our identity may not perform x/read"


def test_an_answer_that_is_throttled_is_unknown_and_the_rest_is_read(bench: Bench) -> None:
    scripted(bench, {"id": ENDPOINT, "properties": {}})
    wait = Reply(status=429, body={"error": {"code": "RateLimiting"}}, headers={"Retry-After": "60"})
    bench.arm.on("POST", "/providers/Microsoft.ResourceGraph/resources", wait)
    snapshot = bench.gateway.read(TARGET, DNS)
    assert isinstance(snapshot, ServerSnapshot)
    dns = dns_of(snapshot)
    assert (dns.found, len(dns.endpoints)) == (None, 1)
    assert [trouble.retry_after for trouble in bench.gateway.troubles] == [60]


def test_a_server_without_a_usable_host_name_is_unread(bench: Bench) -> None:
    scripted(bench, {"id": ENDPOINT, "properties": {}})
    connection = {
        "id": f"{SERVER}/privateEndpointConnections/c",
        "properties": {"privateLinkServiceConnectionState": {"status": "Approved"}},
    }
    bench.arm.on(
        "GET",
        SERVER,
        Reply(
            body={"id": SERVER, "properties": {"state": "Ready", "privateEndpointConnections": [connection]}}
        ),
    )
    snapshot = bench.gateway.read(TARGET, DNS)
    assert isinstance(snapshot, ServerSnapshot)
    assert snapshot.private_dns is None
    assert "host name" in snapshot.unread[Aspect.PRIVATE_DNS]


def test_an_approved_connection_that_names_no_endpoint_is_not_looked_at(bench: Bench) -> None:
    connection = {
        "id": f"{SERVER}/privateEndpointConnections/c",
        "properties": {"privateLinkServiceConnectionState": {"status": "Approved"}},
    }
    properties = {
        "state": "Ready",
        "fullyQualifiedDomainName": "orders.postgres.database.azure.com",
        "privateEndpointConnections": [connection],
    }
    bench.arm.on("GET", SERVER, Reply(body={"id": SERVER, "properties": properties}))
    snapshot = bench.gateway.read(TARGET, DNS)
    assert isinstance(snapshot, ServerSnapshot)
    assert dns_of(snapshot).endpoints == ()
    assert snapshot.unread[Aspect.PRIVATE_DNS] == "1 of 1 approved private endpoints were not looked at"
    assert bench.statuses == [("GET", 200)]


def test_locks_of_the_subscription_and_further_pages_are_read(bench: Bench) -> None:
    own = seeds.zone_id(name="orders.private.postgres.database.azure.com")
    network = {"delegatedSubnetResourceId": seeds.subnet_id(), "privateDnsZoneArmResourceId": own}
    bench.arm.on(
        "GET", SERVER, Reply(body={"id": SERVER, "properties": {"state": "Ready", "network": network}})
    )
    locks = f"{own}/providers/Microsoft.Authorization/locks"
    subscription = f"/subscriptions/{seeds.SUBSCRIPTION}"
    pages = [
        {"value": [_lock(subscription, "all")], "nextLink": f"{bench.arm.url}{locks}?api-version=x&page=2"},
        {"value": [_lock(own, "keep")]},
    ]
    bench.arm.on("GET", locks, *(Reply(body=page) for page in pages))
    snapshot = bench.gateway.read(TARGET, frozenset({Aspect.DNS_LOCKS}))
    assert isinstance(snapshot, ServerSnapshot)
    assert snapshot.dns_locks == (
        ManagementLock(name="all", level="ReadOnly", scope=subscription),
        ManagementLock(name="keep", level="ReadOnly", scope=own),
    )


def _lock(scope: str, name: str) -> Json:
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/{name}",
        "properties": {"level": "ReadOnly"},
    }


# --- what a network is joined to -------------------------------------------------------------------


def peering(remote: Json, *, state: str = "Connected", **properties: Json) -> Json:
    named = {"remoteVirtualNetwork": {"id": remote}} if remote else {}
    return {"name": "p", "properties": {**named, "peeringState": state, **properties}}


HUB = seeds.vnet_id(name="hub")


def network_row(**columns: Json) -> Json:
    return {"id": VNET, "type": "microsoft.network/virtualnetworks", "dnsServers": [], **columns}


@pytest.mark.parametrize(
    ("columns", "peers", "learns"),
    [
        ({"peerings": [], "gateway": False}, (), False),
        ({"peerings": [], "gateway": True}, (), True),
        ({"peerings": []}, (), True),
        ({"peerings": [peering(HUB)], "gateway": False}, (ResourceId(HUB),), False),
        ({"peerings": [peering(HUB, useRemoteGateways=True)], "gateway": False}, (ResourceId(HUB),), True),
        ({"peerings": [peering(HUB, state="Initiated")], "gateway": False}, (), False),
        ({"peerings": [peering(HUB, allowVirtualNetworkAccess=False)], "gateway": False}, (), False),
        ({"peerings": [peering(HUB), peering(None)], "gateway": False}, None, None),
        ({"peerings": None, "gateway": False}, None, None),
        ({}, None, None),
    ],
)
def test_the_row_of_a_network_tells_what_it_is_peered_with_and_whether_it_learns_routes(
    bench: Bench, columns: dict[str, Json], peers: tuple[ResourceId, ...] | None, learns: bool | None
) -> None:
    endpoint_row = {"id": ENDPOINT, "type": "microsoft.network/privateendpoints", "subnet": seeds.subnet_id()}
    rows: list[Json] = [endpoint_row, {"id": ZONE, "type": "Microsoft.Network/privateDnsZones"}]
    scripted(bench, {"id": ENDPOINT, "properties": {}}, rows=[*rows, network_row(**columns)])
    (endpoint,) = scripted_dns(bench).endpoints
    assert endpoint.network is not None
    assert (endpoint.network.peers, endpoint.network.learns_routes) == (peers, learns)


def test_the_question_tells_peerings_and_gateways_of_networks(azure: Azure) -> None:
    hub = seeds.vnet(name="hub", prefixes=["10.40.0.0/16"], subnets=[seeds.subnet(name="GatewaySubnet")])
    azure.simulator.seed([*standing(), hub])
    there, back = f"{VNET}/virtualNetworkPeerings/hub", f"{HUB}/virtualNetworkPeerings/spoke"
    azure.simulator.put(there, {"properties": {"remoteVirtualNetwork": {"id": HUB}}})
    azure.simulator.put(back, {"properties": {"remoteVirtualNetwork": {"id": VNET}}})
    (endpoint,) = dns_of(read(azure)[0]).endpoints
    assert endpoint.network == replace(ALONE, peers=(ResourceId(HUB),))
    moved = seeds.private_endpoint(
        name="orders-pe", server=SERVER, subnet=seeds.subnet_id(vnet="hub", name="GatewaySubnet")
    )
    azure.simulator.seed([moved])
    (inside_hub,) = dns_of(read(azure)[0]).endpoints
    assert inside_hub.network == replace(
        ALONE, id=ResourceId(HUB), peers=(ResourceId(VNET),), learns_routes=True
    )
