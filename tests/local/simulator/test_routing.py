"""Route tables, peerings, and what a subnet and its network say besides security groups."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.network.models import Route, RoutePropertiesFormat

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, dig
from tests.local.simulator.conftest import Sdk, Webhook
from tests.local.simulator.test_events import listen, operations

GROUP = seeds.GROUP
TABLE = seeds.route_table_id(name="rt-data")
SERVER = seeds.flexible_server_id()
HUB = seeds.vnet_id(name="vnet-hub")
NETWORK = "Microsoft.Network"


def hop(prefix: str, kind: str, address: str | None = None) -> Route:
    return Route(
        properties=RoutePropertiesFormat(
            address_prefix=prefix, next_hop_type=kind, next_hop_ip_address=address
        )
    )


def test_a_route_table_shows_its_routes_its_subnets_and_gateway_propagation(
    client: SimulatorClient, sdk: Sdk
) -> None:
    default = seeds.route(name="default", prefix="0.0.0.0/0", address="10.20.250.4")
    client.seed(
        [
            seeds.route_table(name="rt-data", routes=[default], gateway_routes=False),
            seeds.vnet(subnets=[seeds.subnet(route_table=TABLE)]),
        ]
    )
    table = sdk.network.route_tables.get(GROUP, "rt-data").properties
    assert table is not None
    assert table.disable_bgp_route_propagation is True
    assert [one.id for one in table.subnets or []] == [seeds.subnet_id()]
    [route] = table.routes or []
    assert route.properties is not None
    assert (route.properties.address_prefix, route.properties.next_hop_type) == (
        "0.0.0.0/0",
        "VirtualAppliance",
    )
    assert route.properties.next_hop_ip_address == "10.20.250.4"


@pytest.mark.parametrize(("switch", "prefixes"), [("honoured", ["10.20.1.0/24"]), ("ignored", [None])])
def test_a_route_table_brings_its_subnets_along_where_asked_and_where_the_switch_says_so(
    client: SimulatorClient, sdk: Sdk, switch: str, prefixes: list[str | None]
) -> None:
    client.seed([seeds.route_table(name="rt-data"), seeds.vnet(subnets=[seeds.subnet(route_table=TABLE)])])
    client.switches(expand=switch)
    table = sdk.network.route_tables.get(GROUP, "rt-data", expand="subnets").properties
    assert table is not None
    assert [one.id for one in table.subnets or []] == [seeds.subnet_id()]
    assert [
        one.properties.address_prefix if one.properties else None for one in table.subnets or []
    ] == prefixes


def test_a_route_is_written_replaced_and_deleted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.route_table(name="rt-data")])
    routes = sdk.network.routes
    routes.begin_create_or_update(GROUP, "rt-data", "own", hop("10.20.0.0/16", "VnetLocal")).result()
    routes.begin_create_or_update(GROUP, "rt-data", "own", hop("10.20.1.0/24", "VnetLocal")).result()
    [route] = routes.list(GROUP, "rt-data")
    assert route.properties is not None
    assert route.properties.address_prefix == "10.20.1.0/24"
    routes.begin_delete(GROUP, "rt-data", "own").result()
    assert list(routes.list(GROUP, "rt-data")) == []


@pytest.mark.parametrize(
    "route",
    [
        hop("0.0.0.0/0", "Somewhere"),
        hop("", "Internet"),
        hop("0.0.0.0/0", "VirtualAppliance"),
        hop("0.0.0.0/0", "Internet", "10.0.0.4"),
    ],
)
def test_an_unusable_route_is_refused(client: SimulatorClient, sdk: Sdk, route: Route) -> None:
    client.seed([seeds.route_table(name="rt-data")])
    with pytest.raises(HttpResponseError) as refused:
        sdk.network.routes.begin_create_or_update(GROUP, "rt-data", "r", route)
    assert refused.value.status_code == 400


def test_tables_routes_and_peerings_are_told(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.vnet(), seeds.vnet(name="vnet-hub", prefixes=["10.30.0.0/16"])])
    listen(client, webhook)
    client.put(TABLE, {"location": seeds.LOCATION, "properties": {"routes": []}})
    client.put(f"{TABLE}/routes/own", {"properties": own_space()})
    client.delete(f"{TABLE}/routes/own")
    client.put(f"{seeds.vnet_id()}/virtualNetworkPeerings/hub", {"properties": to(HUB)})
    assert operations(client, webhook) == [
        f"{NETWORK}/routeTables/write",
        f"{NETWORK}/routeTables/routes/write",
        f"{NETWORK}/routeTables/routes/delete",
        f"{NETWORK}/virtualNetworks/virtualNetworkPeerings/write",
    ]


def own_space() -> JsonObject:
    return as_object(seeds.route(name="own", prefix="10.20.1.0/24", next_hop="VnetLocal")["properties"])


def to(remote: str) -> JsonObject:
    return {"remoteVirtualNetwork": {"id": remote}, "allowVirtualNetworkAccess": True}


def test_a_network_says_its_resolvers_its_space_and_its_peerings(client: SimulatorClient, sdk: Sdk) -> None:
    extra = seeds.dns_servers("10.30.0.4", "10.30.0.5") | {
        "virtualNetworkPeerings": [seeds.peering(name="hub", remote=HUB, gateway=True)]
    }
    client.seed([seeds.vnet(prefixes=["10.20.0.0/16", "10.21.0.0/16"], properties=extra)])
    network = sdk.network.virtual_networks.get(GROUP, seeds.VNET).properties
    assert network is not None
    assert network.dhcp_options is not None
    assert network.dhcp_options.dns_servers == ["10.30.0.4", "10.30.0.5"]
    assert network.address_space is not None
    assert network.address_space.address_prefixes == ["10.20.0.0/16", "10.21.0.0/16"]
    [peering] = network.virtual_network_peerings or []
    assert peering.properties is not None
    assert (peering.properties.peering_state, peering.properties.use_remote_gateways) == ("Connected", True)


def test_a_peering_is_connected_once_both_sides_have_it_and_cut_when_one_goes(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.vnet(), seeds.vnet(name="vnet-hub", prefixes=["10.30.0.0/16"])])
    client.put(f"{seeds.vnet_id()}/virtualNetworkPeerings/hub", {"properties": to(HUB)})
    assert states(sdk, seeds.VNET) == ["Initiated"]
    client.put(f"{HUB}/virtualNetworkPeerings/orders", {"properties": to(seeds.vnet_id())})
    assert states(sdk, seeds.VNET) == states(sdk, "vnet-hub") == ["Connected"]
    sdk.network.virtual_network_peerings.begin_delete(GROUP, "vnet-hub", "orders").result()
    assert states(sdk, seeds.VNET) == ["Disconnected"]
    assert states(sdk, "vnet-hub") == []
    assert client.arm("DELETE", f"{HUB}/virtualNetworkPeerings/orders")[0] == 204
    assert client.arm("GET", f"{HUB}/virtualNetworkPeerings/orders")[0] == 404


def states(sdk: Sdk, network: str) -> list[str | None]:
    peerings = sdk.network.virtual_network_peerings.list(GROUP, network)
    return [one.properties.peering_state for one in peerings if one.properties is not None]


def test_a_peering_shows_the_space_that_it_leads_to(client: SimulatorClient, sdk: Sdk) -> None:
    hub = seeds.vnet(name="vnet-hub", prefixes=["10.30.0.0/16"])
    client.seed(seeds.peered(seeds.vnet(), hub))
    client.amend(HUB, {"properties": {"addressSpace": {"addressPrefixes": ["10.31.0.0/16"]}}})
    [inline] = sdk.network.virtual_networks.get(GROUP, seeds.VNET).virtual_network_peerings or []
    [listed] = sdk.network.virtual_network_peerings.list(GROUP, seeds.VNET)
    for shown in (inline, listed):
        assert shown.peering_state == "Connected"
        assert shown.remote_address_space.address_prefixes == ["10.31.0.0/16"]
        assert shown.remote_virtual_network_address_space.address_prefixes == ["10.31.0.0/16"]
    assert states(sdk, "vnet-hub") == ["Connected"]


def test_a_peering_that_was_not_synchronized_keeps_what_it_took_over(
    client: SimulatorClient, sdk: Sdk
) -> None:
    older: JsonObject = {"remoteAddressSpace": {"addressPrefixes": ["10.30.0.0/24"]}}
    to_hub = seeds.peering(name="hub", remote=HUB, properties=older)
    client.seed(
        [
            seeds.vnet(properties={"virtualNetworkPeerings": [to_hub]}),
            seeds.vnet(name="vnet-hub", prefixes=["10.30.0.0/16"]),
        ]
    )
    [shown] = sdk.network.virtual_network_peerings.list(GROUP, seeds.VNET)
    assert shown.remote_address_space.address_prefixes == ["10.30.0.0/24"]
    assert shown.remote_virtual_network_address_space.address_prefixes == ["10.30.0.0/16"]


def test_a_peering_without_its_other_end_is_refused(client: SimulatorClient) -> None:
    client.seed([seeds.vnet()])
    with pytest.raises(ArmCallFailed) as refused:
        client.put(f"{seeds.vnet_id()}/virtualNetworkPeerings/hub", {"properties": {}})
    assert refused.value.status == 400


def test_a_subnet_says_its_service_endpoints_table_policies_and_private_endpoints(
    client: SimulatorClient, sdk: Sdk
) -> None:
    extra = seeds.service_endpoints("Microsoft.Storage") | {"privateEndpointNetworkPolicies": "Enabled"}
    subnet = seeds.subnet(name="apps", delegated=False, route_table=TABLE, properties=extra)
    endpoint = seeds.private_endpoint(name="pe", server=SERVER, subnet=seeds.subnet_id(name="apps"))
    client.seed(
        [seeds.route_table(name="rt-data"), seeds.vnet(subnets=[subnet]), seeds.flexible_server(), endpoint]
    )
    shown = sdk.network.subnets.get(GROUP, seeds.VNET, "apps").properties
    assert shown is not None
    [storage] = shown.service_endpoints or []
    assert (storage.service, storage.provisioning_state, storage.locations) == (
        "Microsoft.Storage",
        "Succeeded",
        [seeds.LOCATION],
    )
    assert shown.route_table is not None
    assert shown.route_table.id == TABLE
    assert shown.private_endpoint_network_policies == "Enabled"
    assert [one.id for one in shown.private_endpoints or []] == [endpoint["id"]]
    inline = [as_object(one) for one in as_list(dig(client.get(seeds.vnet_id()), "properties", "subnets"))]
    assert [dig(one, "properties", "privateEndpoints") for one in inline] == [[{"id": endpoint["id"]}]]


def test_an_endpoint_that_goes_is_no_longer_listed_by_its_subnet(client: SimulatorClient, sdk: Sdk) -> None:
    apps = seeds.subnet_id(name="apps")
    endpoint = seeds.private_endpoint(name="pe", server=SERVER, subnet=apps)
    client.seed(
        [
            seeds.vnet(subnets=[seeds.subnet(name="apps", delegated=False)]),
            seeds.flexible_server(),
            endpoint,
        ]
    )
    client.delete(str(endpoint["id"]))
    shown = sdk.network.subnets.get(GROUP, seeds.VNET, "apps").properties
    assert shown is not None
    assert shown.private_endpoints is None
