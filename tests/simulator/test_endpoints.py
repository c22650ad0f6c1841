"""Private endpoints, their connections on servers, and private DNS."""

from __future__ import annotations

import pytest
from azure.mgmt.postgresqlflexibleservers.models import Server
from azure.mgmt.privatedns.models import (
    PrivateZone,
    SubResource,
    VirtualNetworkLink,
    VirtualNetworkLinkProperties,
)

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, dig
from tests.simulator.conftest import Sdk

SERVER = seeds.flexible_server_id()
ENDPOINT = seeds.endpoint_id(name="pe-orders")
SUBNET = seeds.subnet_id(name="apps")
NETWORK = seeds.vnet(subnets=[seeds.subnet(name="apps", prefix="10.20.2.0/24", delegated=False)])
ZONE = str(seeds.private_dns_zone()["id"])


def statuses(server: Server) -> list[str | None]:
    assert server.properties is not None
    return [
        one.properties.private_link_service_connection_state.status
        for one in server.properties.private_endpoint_connections or []
        if one.properties is not None
    ]


def test_a_private_endpoint_makes_an_approved_connection_that_goes_with_it(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server(), NETWORK])
    made = client.put(ENDPOINT, seeds.private_endpoint(name="pe-orders", server=SERVER, subnet=SUBNET))
    assert dig(made, "properties", "provisioningState") == "Succeeded"
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == ["Approved"]
    [connection] = sdk.flexible.private_endpoint_connections.list_by_server(seeds.GROUP, seeds.SERVER)
    assert connection.name is not None
    assert connection.name.startswith("pe-orders.")
    sdk.network.private_endpoints.begin_delete(seeds.GROUP, "pe-orders").result()
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == []


def test_a_seeded_endpoint_has_its_connection_too_whatever_the_order(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed(
        [seeds.private_endpoint(name="pe", server=SERVER, subnet=SUBNET), NETWORK, seeds.flexible_server()]
    )
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == ["Approved"]


def test_a_connection_can_be_rejected_and_deleted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(
        [seeds.flexible_server(), NETWORK, seeds.private_endpoint(name="pe", server=SERVER, subnet=SUBNET)]
    )
    [connection] = client.list_all(f"{SERVER}/privateEndpointConnections")
    rejected: JsonObject = {"privateLinkServiceConnectionState": {"status": "Rejected", "description": "No."}}
    client.put(str(connection["id"]), {"properties": rejected})
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == ["Rejected"]
    client.delete(str(connection["id"]))
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == []


def test_a_connection_takes_no_other_status(client: SimulatorClient) -> None:
    client.seed(
        [seeds.flexible_server(), NETWORK, seeds.private_endpoint(name="pe", server=SERVER, subnet=SUBNET)]
    )
    [connection] = client.list_all(f"{SERVER}/privateEndpointConnections")
    body: JsonObject = {"properties": {"privateLinkServiceConnectionState": {"status": "Perhaps"}}}
    with pytest.raises(ArmCallFailed) as refused:
        client.put(str(connection["id"]), body)
    assert refused.value.status == 400


def test_the_endpoints_of_a_subnet_are_listed_by_it(client: SimulatorClient) -> None:
    client.seed(
        [seeds.flexible_server(), NETWORK, seeds.private_endpoint(name="pe", server=SERVER, subnet=SUBNET)]
    )
    listed = as_list(dig(client.get(SUBNET), "properties", "privateEndpoints"))
    assert [as_object(one)["id"] for one in listed] == [seeds.endpoint_id(name="pe")]


def test_an_endpoint_to_a_single_server_connects_it(client: SimulatorClient, sdk: Sdk) -> None:
    server = seeds.single_server_id(name="legacy")
    client.seed([seeds.single_server(name="legacy"), NETWORK])
    client.put(ENDPOINT, seeds.private_endpoint(name="pe-orders", server=server, subnet=SUBNET))
    [connection] = sdk.single.servers.get(seeds.GROUP, "legacy").private_endpoint_connections or []
    assert connection.properties is not None
    assert connection.properties.private_link_service_connection_state is not None
    assert connection.properties.private_link_service_connection_state.status == "Approved"


def test_a_zone_group_writes_the_servers_record_into_the_zone(client: SimulatorClient, sdk: Sdk) -> None:
    endpoint = seeds.private_endpoint(name="pe-orders", server=SERVER, subnet=SUBNET)
    client.seed([seeds.flexible_server(), NETWORK, seeds.private_dns_zone(), endpoint])
    config: JsonObject = {"name": "postgres", "properties": {"privateDnsZoneId": ZONE}}
    client.put(
        f"{ENDPOINT}/privateDnsZoneGroups/default", {"properties": {"privateDnsZoneConfigs": [config]}}
    )
    zone_name = ZONE.rsplit("/", 1)[-1]
    [record] = sdk.dns.record_sets.list_by_type(seeds.GROUP, zone_name, "A")
    assert record.name == seeds.SERVER
    assert record.properties is not None
    assert [one.ipv4_address for one in record.properties.a_records or []] == ["10.20.2.4"]
    assert record.properties.fqdn == f"{seeds.SERVER}.{zone_name}."


def test_zones_and_links_are_written_and_counted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([NETWORK])
    sdk.dns.private_zones.begin_create_or_update(
        seeds.GROUP, "example.org", PrivateZone(location="global")
    ).result()
    link = VirtualNetworkLink(
        location="global",
        properties=VirtualNetworkLinkProperties(virtual_network=SubResource(id=seeds.vnet_id())),
    )
    sdk.dns.virtual_network_links.begin_create_or_update(seeds.GROUP, "example.org", "link", link).result()
    zone = sdk.dns.private_zones.get(seeds.GROUP, "example.org")
    assert zone.properties is not None
    assert zone.properties.number_of_virtual_network_links == 1
    [shown] = sdk.dns.virtual_network_links.list(seeds.GROUP, "example.org")
    assert shown.properties is not None
    assert shown.properties.virtual_network_link_state == "Completed"
    assert [one.name for one in sdk.dns.private_zones.list()] == ["example.org"]
