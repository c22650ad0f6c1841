"""Reading a subnet with the real clients against the simulator: which parts, in how many requests."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject, JsonValue
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model import Aspect, SubnetSnapshot, Target, TargetKind
from shared.model.errors import Permanent
from shared.model.networks import NetworkSubnet, Peering, Route
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure, Bench
from tests.adapters.scripted_arm import Reply

SUBNET = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
TABLE = seeds.network_id(kind="routeTables", name="rt")
ALL = frozenset(Aspect) - {Aspect.ANY_SUBNET}
FLEXIBLE_TYPE = "microsoft.dbforpostgresql/flexibleservers"
BASIC = frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS})
ASKING = "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action"
ACTIONS = frozenset(
    {
        "Microsoft.ResourceGraph/resources/read",
        ASKING,
        "Microsoft.Authorization/locks/read",
        *(
            f"Microsoft.Network/{name}/read"
            for name in ("virtualNetworks", "virtualNetworks/subnets", "networkSecurityGroups", "routeTables")
        ),
        *(
            f"Microsoft.DBforPostgreSQL/flexibleServers{name}/read"
            for name in ("", "/configurations", "/replicas")
        ),
    }
)
"""What reading a delegated subnet whole needs."""
HIGHLY_AVAILABLE: JsonObject = {"highAvailability": {"mode": "ZoneRedundant"}}


def seeded(azure: Azure, *bodies: JsonObject, inner: JsonObject | None = None) -> None:
    """A network with one subnet, delegated and with an NSG unless ``inner`` says otherwise."""
    rule = seeds.security_rule(name="deny-all", priority=200)
    subnet = inner or seeds.subnet(nsg=seeds.nsg_id())
    azure.simulator.seed([seeds.nsg(rules=[rule]), seeds.vnet(subnets=[subnet]), *bodies])


def in_it(name: str, properties: JsonObject | None = None) -> JsonObject:
    """A server that stands in the subnet; highly available, so that PgBouncer is not asked for."""
    kept = HIGHLY_AVAILABLE if properties is None else properties
    return seeds.flexible_server(name=name, delegated_subnet=seeds.subnet_id(), properties=kept)


def endpoint_subnet() -> JsonObject:
    return seeds.subnet(delegated=False, nsg=seeds.nsg_id())


def read(azure: Azure, aspects: frozenset[Aspect] = BASIC) -> tuple[SubnetSnapshot, list[str]]:
    """The reading and what it asked for: the last words of each path."""
    gateway = azure.gateway()
    snapshot = gateway.read(SUBNET, aspects)
    assert isinstance(snapshot, SubnetSnapshot)
    return snapshot, [call.path.rsplit("/", 2)[-2 if call.method == "GET" else -1] for call in gateway.calls]


# --- what is its own -------------------------------------------------------------------------------


def test_a_subnet_is_read_with_its_group_and_its_servers(azure: Azure) -> None:
    seeded(azure, in_it("pg-0"))
    snapshot, asked = read(azure)
    assert snapshot.prefixes == (ip_network("10.20.1.0/24"),)
    assert snapshot.location == seeds.LOCATION
    assert snapshot.security_group is not None
    assert [rule.name for rule in snapshot.security_group.rules] == ["deny-all"]
    assert len(snapshot.security_group.default_rules) == 6
    assert snapshot.security_group.subnets == (SUBNET.id,)
    assert all(rule.etag for rule in snapshot.security_group.rules)
    assert asked == ["subnets", "resources", "flexibleServers", "networkSecurityGroups"]
    assert snapshot.unread == {}


def test_what_the_subnet_says_itself_costs_nothing_more(azure: Azure) -> None:
    inner = seeds.subnet(route_table=TABLE)
    own: JsonObject = {
        "serviceEndpoints": [{"service": "Microsoft.Storage", "locations": ["canadacentral"]}],
        "privateEndpointNetworkPolicies": "NetworkSecurityGroupEnabled",
    }
    properties = inner["properties"]
    assert isinstance(properties, dict)
    seeded(azure, seeds.route_table(name="rt"), inner={**inner, "properties": {**properties, **own}})
    snapshot, asked = read(azure, frozenset({Aspect.SUBNET}))
    assert asked == ["subnets"]
    assert snapshot.service_endpoints == ("Microsoft.Storage",)
    assert snapshot.endpoint_network_policies == "NetworkSecurityGroupEnabled"
    assert snapshot.route_table_id == ResourceId(TABLE)
    assert (snapshot.route_table, snapshot.private_endpoints, snapshot.servers) == (None, None, None)


def test_a_subnet_of_another_service_costs_one_read(azure: Azure) -> None:
    web: JsonObject = {
        "name": seeds.SUBNET,
        "properties": {
            "addressPrefix": "10.20.1.0/24",
            "networkSecurityGroup": {"id": seeds.nsg_id()},
            "delegations": [{"name": "web", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}],
        },
    }
    seeded(azure, inner=web)
    snapshot, asked = read(azure, ALL)
    assert asked == ["subnets"]
    assert (snapshot.security_group, snapshot.servers, snapshot.private_endpoints) == (None, (), ())


def test_a_group_that_vanished_meanwhile_does_not_make_the_subnet_gone(azure: Azure) -> None:
    seeded(azure)
    azure.simulator.fault({"status": 404, "code": "ResourceNotFound"}, path_contains="networkSecurityGroups")
    gateway = azure.gateway()
    snapshot = gateway.read(SUBNET, ALL)
    assert "changed while it was read" in snapshot.unread[Aspect.SECURITY_GROUP]
    assert [trouble.retry_after for trouble in gateway.troubles] == [5]


@pytest.mark.parametrize(
    ("aspect", "action"),
    [
        (Aspect.SECURITY_GROUP, "Microsoft.Network/networkSecurityGroups/read"),
        (Aspect.ROUTES, "Microsoft.Network/routeTables/read"),
        (Aspect.ADMIN_RULES, ASKING),
        (Aspect.NETWORK_LOCKS, "Microsoft.Authorization/locks/read"),
        (Aspect.SUBNET_REPLICAS, "Microsoft.DBforPostgreSQL/flexibleServers/replicas/read"),
    ],
)
def test_a_part_that_may_not_be_read_is_unread_and_the_missing_action_is_named(
    azure: Azure, aspect: Aspect, action: str
) -> None:
    inner = seeds.subnet(nsg=seeds.nsg_id(), route_table=TABLE)
    seeded(azure, seeds.route_table(name="rt"), in_it("pg"), inner=inner)
    azure.simulator.roles({LOCAL_IDENTITY.app_id or "": sorted(ACTIONS - {action})})
    snapshot, _ = read(azure, ALL)
    assert set(snapshot.unread) == {aspect}
    assert snapshot.unread[aspect].startswith(f"our identity may not perform {action} on /")


# --- the network around it -------------------------------------------------------------------------


def test_without_the_network_its_admin_rules_are_unread_too(azure: Azure) -> None:
    seeded(azure, in_it("pg"))
    action = "Microsoft.Network/virtualNetworks/read"
    azure.simulator.roles({LOCAL_IDENTITY.app_id or "": sorted(ACTIONS - {action})})
    snapshot, _ = read(azure, ALL)
    refused = f"our identity may not perform {action} on {SUBNET.id.parent}"
    assert snapshot.unread == {Aspect.VIRTUAL_NETWORK: refused, Aspect.ADMIN_RULES: refused}


def test_routes_are_read_in_their_own_words(azure: Azure) -> None:
    routes: list[JsonObject] = [
        {
            "name": "everything",
            "properties": {
                "addressPrefix": "0.0.0.0/0",
                "nextHopType": "VirtualAppliance",
                "nextHopIpAddress": "10.20.0.4",
            },
        },
        {
            "name": "entra",
            "properties": {"addressPrefix": "AzureActiveDirectory", "nextHopType": "Internet"},
        },
    ]
    inner = seeds.subnet(route_table=TABLE)
    seeded(azure, seeds.route_table(name="rt", routes=routes), inner=inner)
    snapshot, asked = read(azure, frozenset({Aspect.SUBNET, Aspect.ROUTES}))
    assert asked == ["subnets", "routeTables"]
    table = snapshot.route_table
    assert table is not None
    assert (table.id, table.gateway_propagation) == (ResourceId(TABLE), True)
    assert table.routes == (
        Route(name="everything", prefix="0.0.0.0/0", next_hop="VirtualAppliance", address="10.20.0.4"),
        Route(name="entra", prefix="AzureActiveDirectory", next_hop="Internet"),
    )


def network(*subnets: JsonObject, peerings: Sequence[JsonObject] = ()) -> JsonObject:
    body = seeds.vnet(prefixes=["10.20.0.0/16", "10.21.0.0/16"], subnets=[seeds.subnet(), *subnets])
    properties = body["properties"]
    assert isinstance(properties, dict)
    own: JsonObject = {
        "dhcpOptions": {"dnsServers": ["10.20.0.53"]},
        "virtualNetworkPeerings": list(peerings),
    }
    return {**body, "properties": {**properties, **own}}


@pytest.mark.parametrize(
    ("body", "learns"),
    [
        (network(), False),
        (network(seeds.subnet(name="GatewaySubnet", prefix="10.20.9.0/27", delegated=False)), True),
        (network(seeds.subnet(name="RouteServerSubnet", prefix="10.20.9.0/27", delegated=False)), True),
        (network(peerings=[{"name": "hub", "properties": {"useRemoteGateways": True}}]), True),
        (network(peerings=[{"name": "spoke", "properties": {"useRemoteGateways": False}}]), False),
    ],
)
def test_a_network_shows_its_space_its_dns_and_whether_routes_may_be_learned(
    azure: Azure, body: JsonObject, learns: bool
) -> None:
    azure.simulator.seed([body])
    snapshot, asked = read(azure, frozenset({Aspect.SUBNET, Aspect.VIRTUAL_NETWORK}))
    found = snapshot.virtual_network
    assert found is not None
    assert found.prefixes == (ip_network("10.20.0.0/16"), ip_network("10.21.0.0/16"))
    assert (found.dns_servers, found.learns_routes) == (("10.20.0.53",), learns)
    assert snapshot.location == seeds.LOCATION
    assert len(asked) == 2


def test_the_networks_that_a_network_is_peered_with_are_those_that_packets_reach(azure: Azure) -> None:
    names = ("spoke", "begun", "closed")
    remotes = {name: seeds.vnet_id(name=name) for name in names}
    begun = seeds.peering(name="begun", remote=remotes["begun"], state="Initiated")
    closed: JsonObject = {
        "name": "closed",
        "properties": {
            "remoteVirtualNetwork": {"id": remotes["closed"]},
            "peeringState": "Connected",
            "allowVirtualNetworkAccess": False,
        },
    }
    azure.simulator.seed(
        [
            *(seeds.vnet(name=name) for name in names),
            network(peerings=[seeds.peering(name="spoke", remote=remotes["spoke"]), begun, closed]),
        ]
    )
    snapshot, _ = read(azure, frozenset({Aspect.SUBNET, Aspect.VIRTUAL_NETWORK}))
    assert snapshot.virtual_network is not None
    assert [str(one) for one in snapshot.virtual_network.peers] == [remotes["spoke"]]


@pytest.mark.field(
    "ways",
    "A network shows its subnets, and of each peering the address space that it leads to",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/virtual-networks/get",
    date="2026-11-29",
)
def test_a_network_shows_its_subnets_and_where_its_peerings_lead(azure: Azure) -> None:
    inside = seeds.vnet(
        subnets=[seeds.subnet(), seeds.subnet(name="app", prefix="10.20.7.0/24", delegated=False)]
    )
    hub = seeds.vnet(name="hub", prefixes=["10.30.0.0/16", "fd00:30::/48"])
    azure.simulator.seed(seeds.peered(inside, hub))
    found = read(azure, frozenset({Aspect.SUBNET, Aspect.VIRTUAL_NETWORK}))[0].virtual_network
    assert found is not None
    assert found.subnets == (
        NetworkSubnet(id=SUBNET.id, prefixes=(ip_network("10.20.1.0/24"),)),
        NetworkSubnet(id=ResourceId(seeds.subnet_id(name="app")), prefixes=(ip_network("10.20.7.0/24"),)),
    )
    space = (ip_network("10.30.0.0/16"), ip_network("fd00:30::/48"))
    assert found.peerings == (Peering(network=ResourceId(seeds.vnet_id(name="hub")), prefixes=space),)


def test_the_locks_around_a_subnet_and_on_it_cost_one_request(azure: Azure) -> None:
    scopes = (str(SUBNET.id), seeds.vnet_id(), seeds.group_id(), seeds.subnet_id(name="apps"))
    locks = [seeds.lock(scope=scope, name=f"lock-{at}") for at, scope in enumerate(scopes)]
    seeded(azure, *locks, seeds.lock(scope=seeds.vnet_id(name="other"), name="elsewhere"))
    snapshot, asked = read(azure, frozenset({Aspect.SUBNET, Aspect.NETWORK_LOCKS}))
    assert asked == ["subnets", "Microsoft.Authorization"]
    found = {(lock.name, lock.level, lock.scope) for lock in snapshot.network_locks or ()}
    assert found == {(f"lock-{at}", "CanNotDelete", scope) for at, scope in enumerate(scopes)}


@pytest.mark.parametrize(
    ("parts", "shut_in"),
    [
        ({}, False),
        ({"defaultOutboundAccess": True}, False),
        ({"defaultOutboundAccess": False}, True),
        ({"defaultOutboundAccess": False, "natGateway": {"id": f"{seeds.vnet_id()}-nat"}}, False),
    ],
)
def test_a_private_subnet_without_a_nat_gateway_is_shut_in(
    azure: Azure, parts: JsonObject, *, shut_in: bool
) -> None:
    azure.simulator.seed([seeds.vnet(subnets=[seeds.subnet(properties=parts)])])
    snapshot, _ = read(azure, frozenset({Aspect.SUBNET}))
    assert snapshot.shut_in is shut_in


# --- private endpoints -----------------------------------------------------------------------------


def leading_to(server: str, name: str = "pe") -> JsonObject:
    return seeds.private_endpoint(name=name, server=server, subnet=seeds.subnet_id())


def test_a_subnet_with_an_endpoint_of_postgresql_is_read_like_a_delegated_one(azure: Azure) -> None:
    server = seeds.flexible_server_id()
    storage = f"{seeds.group_id()}/providers/Microsoft.Storage/storageAccounts/st"
    others = (leading_to(server), leading_to(storage, "pe-storage"))
    seeded(azure, seeds.flexible_server(), *others, inner=endpoint_subnet())
    snapshot, asked = read(azure, BASIC | {Aspect.SUBNET_ENDPOINTS})
    (endpoint,) = snapshot.private_endpoints or ()
    assert endpoint.id == ResourceId(seeds.endpoint_id(name="pe"))
    assert endpoint.server == ResourceId(server)
    assert endpoint.addresses == (ip_address("10.20.1.4"),)
    assert snapshot.security_group is not None
    assert snapshot.servers == ()
    assert asked == ["subnets", "privateEndpoints", "privateEndpoints", "networkSecurityGroups"]


def test_a_subnet_whose_endpoints_lead_elsewhere_is_none_of_postgresqls(azure: Azure) -> None:
    storage = f"{seeds.group_id()}/providers/Microsoft.Storage/storageAccounts/st"
    seeded(azure, leading_to(storage), inner=endpoint_subnet())
    snapshot, asked = read(azure, ALL)
    assert (snapshot.private_endpoints, snapshot.security_group) == ((), None)
    assert asked == ["subnets", "privateEndpoints"]


def test_of_many_endpoints_those_known_to_lead_elsewhere_are_not_asked_for(azure: Azure) -> None:
    storage = f"{seeds.group_id()}/providers/Microsoft.Storage/storageAccounts/st"
    elsewhere = (leading_to(storage, f"pe-{n:02}") for n in range(12))
    seeded(azure, *elsewhere, leading_to(seeds.flexible_server_id(), "pe-db"), inner=endpoint_subnet())
    snapshot, asked = read(azure, frozenset({Aspect.SUBNET, Aspect.SUBNET_ENDPOINTS}))
    assert [one.id.name for one in snapshot.private_endpoints or ()] == ["pe-db"]
    assert asked == ["subnets", "resources", "privateEndpoints"]


def test_endpoints_that_may_not_be_read_are_unread(azure: Azure) -> None:
    seeded(azure, leading_to(seeds.flexible_server_id()), inner=endpoint_subnet())
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains="privateEndpoints")
    snapshot, _ = read(azure, ALL)
    assert snapshot.private_endpoints is None
    assert set(snapshot.unread) == {Aspect.SUBNET_ENDPOINTS}


@pytest.mark.field(
    "odd-items",
    "An endpoint or a server in the subnet that may not be read leaves the others known",
    source="https://learn.microsoft.com/en-us/azure/role-based-access-control/troubleshooting",
    date="2026-11-29",
)
def test_one_endpoint_that_may_not_be_read_is_known_by_its_id_beside_the_others(azure: Azure) -> None:
    both = (
        leading_to(seeds.flexible_server_id(), "pe-db"),
        leading_to(seeds.flexible_server_id(), "pe-shut"),
    )
    seeded(azure, *both, inner=endpoint_subnet())
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains="pe-shut")
    snapshot, _ = read(azure, ALL)
    found = {one.id.name: one for one in snapshot.private_endpoints or ()}
    assert (bool(found["pe-db"].addresses), found["pe-db"].unread) == (True, "")
    assert (found["pe-shut"].server, bool(found["pe-shut"].unread)) == (None, True)
    assert snapshot.security_group is not None


def test_one_server_that_may_not_be_read_is_listed_with_the_others(azure: Azure) -> None:
    seeded(azure, in_it("pg-0"), in_it("pg-1"))
    azure.simulator.fault(
        {"status": 403, "code": "AuthorizationFailed"}, path_contains="flexibleServers/pg-0"
    )
    snapshot, _ = read(azure)
    assert [(one.id.name, one.high_availability) for one in snapshot.servers or ()] == [
        ("pg-0", None),
        ("pg-1", True),
    ]
    assert snapshot.unread[Aspect.SUBNET_SERVERS].startswith("pg-0: ")


def test_an_endpoint_whose_names_a_zone_group_took_over_shows_its_address_on_its_interface(
    bench: Bench,
) -> None:
    """``customDnsConfigs`` is empty then (private endpoints with a DNS zone group)."""
    interface = seeds.network_id(kind="networkInterfaces", name="pe.nic")
    endpoint: JsonObject = {
        **leading_to(seeds.flexible_server_id()),
        "name": "pe",
    }
    properties = endpoint["properties"]
    assert isinstance(properties, dict)
    properties |= {"customDnsConfigs": [], "networkInterfaces": [{"id": interface}]}
    configuration: JsonObject = {"properties": {"privateIPAddress": "10.20.1.7"}}
    bench.arm.on(
        "GET",
        seeds.subnet_id(),
        Reply(
            body={
                "id": seeds.subnet_id(),
                "properties": {"addressPrefix": "10.20.1.0/24", "privateEndpoints": [{"id": endpoint["id"]}]},
            }
        ),
    )
    bench.arm.on("GET", seeds.endpoint_id(name="pe"), Reply(body=endpoint))
    bench.arm.on(
        "GET", interface, Reply(body={"id": interface, "properties": {"ipConfigurations": [configuration]}})
    )
    snapshot = bench.gateway.read(SUBNET, frozenset({Aspect.SUBNET, Aspect.SUBNET_ENDPOINTS}))
    assert isinstance(snapshot, SubnetSnapshot)
    (found,) = snapshot.private_endpoints or ()
    assert found.addresses == (ip_address("10.20.1.7"),)
    assert len(bench.gateway.calls) == 3


# --- servers ---------------------------------------------------------------------------------------


def test_what_verdicts_rest_on_is_asked_of_arm(azure: Azure) -> None:
    properties: JsonObject = {
        "highAvailability": {"mode": "Disabled"},
        "authConfig": {"activeDirectoryAuth": "Enabled"},
        "dataEncryption": {"type": "AzureKeyVault"},
        "cluster": {"clusterSize": 2},
    }
    seeded(azure, in_it("pg-0", properties))
    azure.simulator.patch(
        f"{seeds.flexible_server_id(name='pg-0')}/configurations/pgbouncer.enabled",
        {"properties": {"value": "true", "source": "user-override"}},
    )
    snapshot, asked = read(azure)
    (server,) = snapshot.servers or ()
    assert (server.high_availability, server.pgbouncer) == (False, True)
    assert (server.entra, server.customer_key, server.elastic_cluster) == (True, True, True)
    assert asked.count("configurations") == 1


def test_pgbouncer_is_not_asked_for_where_high_availability_says_enough(azure: Azure) -> None:
    seeded(azure, in_it("pg-0"))
    snapshot, asked = read(azure)
    (server,) = snapshot.servers or ()
    assert (server.high_availability, server.pgbouncer) == (True, None)
    assert "configurations" not in asked


def test_of_more_than_ten_servers_the_rest_are_only_named(azure: Azure) -> None:
    seeded(azure, *(in_it(f"pg-{n:02}") for n in range(12)))
    snapshot, asked = read(azure)
    assert [one.high_availability for one in snapshot.servers or ()] == [True] * 10 + [None] * 2
    assert asked.count("flexibleServers") == 10


def test_a_server_of_another_subscription_is_seen_in_a_subnet_that_both_share(azure: Azure) -> None:
    far = str(in_it("pg-0")["id"]).replace(seeds.SUBSCRIPTION, "33333333-3333-3333-3333-333333333333")
    seeded(azure, {**in_it("pg-0"), "id": far})
    snapshot, _ = read(azure)
    assert [str(one.id) for one in snapshot.servers or ()] == [far]


def test_a_server_that_resource_graph_still_shows_is_not_there(azure: Azure) -> None:
    seeded(azure, in_it("pg-0"), in_it("pg-1"))
    azure.simulator.fault({"status": 404, "code": "ResourceNotFound"}, path_contains="pg-0")
    snapshot, _ = read(azure)
    assert [one.id.name for one in snapshot.servers or ()] == ["pg-1"]


def test_a_server_that_has_left_the_subnet_is_not_there_whatever_resource_graph_shows(bench: Bench) -> None:
    moved = seeds.flexible_server(name="pg-0")
    stays = seeds.flexible_server(name="pg-1", delegated_subnet=seeds.subnet_id().upper())
    bench.arm.on("GET", seeds.subnet_id(), Reply(body={**seeds.subnet(), "id": seeds.subnet_id()}))
    rows: JsonValue = [{"id": one["id"]} for one in (moved, stays)]
    graph = "/providers/Microsoft.ResourceGraph/resources"
    bench.arm.on("POST", graph, Reply(body={"data": rows, "resultTruncated": "false"}))
    for one in (moved, stays):
        bench.arm.on("GET", str(one["id"]), Reply(body=one))
        setting = f"{one['id']}/configurations/pgbouncer.enabled"
        bench.arm.on("GET", setting, Reply(body={"properties": {"value": "false"}}))
    snapshot = bench.gateway.read(SUBNET, frozenset({Aspect.SUBNET, Aspect.SUBNET_SERVERS}))
    assert isinstance(snapshot, SubnetSnapshot)
    assert [one.id.name for one in snapshot.servers or ()] == ["pg-1"]


@pytest.mark.field(
    "odd-items",
    "A row of Resource Graph that names no server is told after all the others were asked for",
    source="https://learn.microsoft.com/en-us/azure/governance/resource-graph/concepts/work-with-data",
    date="2026-11-29",
)
def test_a_row_that_names_no_server_hides_no_other(bench: Bench) -> None:
    good = seeds.flexible_server(name="pg-1")
    rows: JsonValue = [{"type": "odd", "id": good["id"]}, {"id": good["id"], "type": FLEXIBLE_TYPE}]
    graph = "/providers/Microsoft.ResourceGraph/resources"
    bench.arm.on("POST", graph, Reply(body={"data": rows, "resultTruncated": "false"}))
    pages = bench.gateway.enumerate(ResourceId(str(good["id"]).split("/providers")[0]))
    found = [next(pages) for _ in range(2)]
    with pytest.raises(Permanent, match="unexpected type: 'odd'"):
        next(pages)
    assert [target.id.name for page in found for target in page.targets] == ["pg-1"]


def test_pgbouncer_that_cannot_be_read_is_unknown(azure: Azure) -> None:
    seeded(azure, in_it("pg-0", {}))
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains="pgbouncer.enabled")
    snapshot, _ = read(azure)
    assert [one.pgbouncer for one in snapshot.servers or ()] == [None]
    assert snapshot.unread == {}


@pytest.mark.parametrize("path", ["resourcegraph", "flexibleServers/pg-0"])
def test_servers_that_cannot_be_read_are_unread(azure: Azure, path: str) -> None:
    seeded(azure, in_it("pg-0"))
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains=path)
    snapshot, _ = read(azure)
    assert snapshot.servers is None
    assert set(snapshot.unread) == {Aspect.SUBNET_SERVERS}
    assert snapshot.security_group is not None


def test_servers_that_cannot_be_listed_for_a_while_are_unread(azure: Azure) -> None:
    seeded(azure)
    then: JsonObject = {
        "status": 429,
        "code": "RateLimiting",
        "headers": {"x-ms-user-quota-resets-after": "00:00:09"},
    }
    azure.simulator.fault(then, path_contains="resourcegraph", times=9)
    gateway = azure.gateway()
    snapshot = gateway.read(SUBNET, ALL)
    assert isinstance(snapshot, SubnetSnapshot)
    assert (snapshot.servers, snapshot.security_group is not None) == (None, True)
    assert [trouble.retry_after for trouble in gateway.troubles] == [9.0]


def test_servers_in_a_subnet_without_the_delegation_are_found(azure: Azure) -> None:
    seeded(azure, in_it("pg-0"), inner=seeds.subnet(delegated=False))
    snapshot, asked = read(azure)
    assert [one.id.name for one in snapshot.servers or ()] == ["pg-0"]
    assert "networkSecurityGroups" not in asked


# --- replicas --------------------------------------------------------------------------------------

FAR = seeds.subnet_id(vnet="vnet-far", name="db")
REPLICAS = BASIC | {Aspect.SUBNET_REPLICAS}


def far_away(azure: Azure) -> None:
    """A primary in the subnet and its replica in another network."""
    seeded(
        azure,
        in_it("primary"),
        seeds.vnet(
            name="vnet-far",
            prefixes=["10.30.0.0/16"],
            subnets=[seeds.subnet(name="db", prefix="10.30.1.0/24")],
        ),
        {
            **seeds.flexible_server(
                name="replica",
                delegated_subnet=FAR,
                properties={
                    "sourceServerResourceId": seeds.flexible_server_id(name="primary"),
                    "replicationRole": "GeoAsyncReplica",
                },
            ),
            "location": "canadaeast",
        },
    )


def test_a_primary_is_read_with_its_replicas_and_their_subnets(azure: Azure) -> None:
    far_away(azure)
    snapshot, asked = read(azure, REPLICAS)
    (primary,) = snapshot.servers or ()
    (partner,) = primary.partners or ()
    assert partner.server == ResourceId(seeds.flexible_server_id(name="replica"))
    assert (partner.location, partner.subnet) == ("Canada East", ResourceId(FAR))
    assert partner.prefixes == (ip_network("10.30.1.0/24"),)
    assert asked.count("subnets") == 2


def test_a_replica_is_read_with_its_source(azure: Azure) -> None:
    far_away(azure)
    gateway = azure.gateway()
    snapshot = gateway.read(Target(kind=TargetKind.SUBNET, id=ResourceId(FAR)), REPLICAS)
    assert isinstance(snapshot, SubnetSnapshot)
    (replica,) = snapshot.servers or ()
    (partner,) = replica.partners or ()
    assert partner.server == ResourceId(seeds.flexible_server_id(name="primary"))
    assert (partner.subnet, partner.prefixes) == (SUBNET.id, (ip_network("10.20.1.0/24"),))


def test_a_partner_whose_subnet_may_not_be_read_loses_no_other_partner(azure: Azure) -> None:
    far_away(azure)
    closed = seeds.subnet_id(vnet="vnet-closed", name="db")
    azure.simulator.seed(
        [
            seeds.vnet(
                name="vnet-closed",
                prefixes=["10.40.0.0/16"],
                subnets=[seeds.subnet(name="db", prefix="10.40.1.0/24")],
            ),
            *(
                seeds.flexible_server(
                    name=name,
                    delegated_subnet=closed,
                    properties={
                        "sourceServerResourceId": seeds.flexible_server_id(name="primary"),
                        "replicationRole": "AsyncReplica",
                    },
                )
                for name in ("closed-1", "closed-2")
            ),
        ]
    )
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains="vnet-closed")
    snapshot, asked = read(azure, REPLICAS)
    (primary,) = snapshot.servers or ()
    read_of = {one.server.name: (one.prefixes, bool(one.unread)) for one in primary.partners or ()}
    assert read_of == {
        "replica": ((ip_network("10.30.1.0/24"),), False),
        "closed-1": ((), True),
        "closed-2": ((), True),
    }
    assert snapshot.unread == {}
    assert asked.count("subnets") == 3, "what was refused once is not asked for again"


def test_a_source_that_may_not_be_read_is_known_by_its_id_alone(azure: Azure) -> None:
    far_away(azure)
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains="/primary")
    snapshot = azure.gateway().read(Target(kind=TargetKind.SUBNET, id=ResourceId(FAR)), REPLICAS)
    assert isinstance(snapshot, SubnetSnapshot)
    (replica,) = snapshot.servers or ()
    (partner,) = replica.partners or ()
    assert partner.server == ResourceId(seeds.flexible_server_id(name="primary"))
    assert (partner.subnet, partner.location, bool(partner.unread)) == (None, "", True)
    assert snapshot.unread == {}


def test_replicas_of_one_server_that_may_not_be_listed_lose_those_of_no_other(azure: Azure) -> None:
    far_away(azure)
    azure.simulator.seed([in_it("another")])
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, path_contains="/another/replicas")
    snapshot, _ = read(azure, REPLICAS)
    partners = {
        one.id.name: None if one.partners is None else len(one.partners) for one in snapshot.servers or ()
    }
    assert partners == {"another": None, "primary": 1}
    assert set(snapshot.unread) == {Aspect.SUBNET_REPLICAS}


def test_partners_are_not_asked_for_unless_somebody_wants_them(azure: Azure) -> None:
    far_away(azure)
    snapshot, asked = read(azure)
    assert [server.partners for server in snapshot.servers or ()] == [None]
    assert asked.count("flexibleServers") == 1


def test_the_sweep_lists_a_subnet_that_lost_its_delegation_while_a_server_stands_in_it(azure: Azure) -> None:
    seeded(azure, in_it("pg-0"), inner=seeds.subnet(delegated=False))
    pages = azure.gateway().enumerate(ResourceId(f"/subscriptions/{seeds.SUBSCRIPTION}"))
    assert SUBNET in [target for page in pages for target in page.targets]
