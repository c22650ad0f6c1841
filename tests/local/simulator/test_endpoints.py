"""Private endpoints, their interfaces, and their connections on servers."""

from __future__ import annotations

import pytest
from azure.mgmt.postgresqlflexibleservers.models import Server

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, JsonValue, as_list, as_object, dig
from tests.local.simulator.conftest import Sdk

SERVER = seeds.flexible_server_id()
ENDPOINT = seeds.endpoint_id(name="pe-orders")
SUBNET = seeds.subnet_id(name="apps")
NETWORK = seeds.vnet(subnets=[seeds.subnet(name="apps", prefix="10.20.2.0/24", delegated=False)])
ENDPOINT_BODY = seeds.private_endpoint(name="pe-orders", server=SERVER, subnet=SUBNET)


def statuses(server: Server) -> list[str | None]:
    assert server.properties is not None
    return [
        one.properties.private_link_service_connection_state.status
        for one in server.properties.private_endpoint_connections or []
        if one.properties is not None
    ]


def state_at_endpoint(sdk: Sdk, *, manual: bool = False) -> str | None:
    """What the endpoint itself says of its connection."""
    endpoint = sdk.network.private_endpoints.get(seeds.GROUP, "pe-orders")
    assert endpoint.properties is not None
    facts = endpoint.properties
    listed = (
        facts.manual_private_link_service_connections if manual else facts.private_link_service_connections
    )
    [connection] = listed or []
    assert connection.properties is not None
    assert connection.properties.private_link_service_connection_state is not None
    return connection.properties.private_link_service_connection_state.status


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


def test_a_manual_endpoint_waits_until_the_server_approves_it(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server(), NETWORK])
    client.put(ENDPOINT, seeds.private_endpoint(name="pe-orders", server=SERVER, subnet=SUBNET, manual=True))
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == ["Pending"]
    assert state_at_endpoint(sdk, manual=True) == "Pending"
    [connection] = client.list_all(f"{SERVER}/privateEndpointConnections")
    approved: JsonObject = {
        "privateLinkServiceConnectionState": {"status": "Approved", "description": "Yes."}
    }
    client.put(str(connection["id"]), {"properties": approved})
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == ["Approved"]
    assert state_at_endpoint(sdk, manual=True) == "Approved"


def test_a_rejection_shows_at_both_ends_and_outlives_a_write_of_the_endpoint(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server(), NETWORK, ENDPOINT_BODY])
    [connection] = client.list_all(f"{SERVER}/privateEndpointConnections")
    rejected: JsonObject = {"privateLinkServiceConnectionState": {"status": "Rejected", "description": "No."}}
    client.put(str(connection["id"]), {"properties": rejected})
    assert state_at_endpoint(sdk) == "Rejected"
    client.put(ENDPOINT, ENDPOINT_BODY)
    assert state_at_endpoint(sdk) == "Rejected"
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == ["Rejected"]


def test_an_endpoint_whose_connection_the_server_removed_is_disconnected(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server(), NETWORK, ENDPOINT_BODY])
    [connection] = client.list_all(f"{SERVER}/privateEndpointConnections")
    client.delete(str(connection["id"]))
    assert state_at_endpoint(sdk) == "Disconnected"
    assert statuses(sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)) == []


def test_an_endpoint_is_disconnected_when_its_server_is_deleted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server(), NETWORK, ENDPOINT_BODY])
    client.delete(SERVER)
    assert state_at_endpoint(sdk) == "Disconnected"


def test_the_interface_of_an_endpoint_has_its_address_and_goes_with_it(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server(), NETWORK, ENDPOINT_BODY])
    endpoint = sdk.network.private_endpoints.get(seeds.GROUP, "pe-orders")
    assert endpoint.properties is not None
    [reference] = endpoint.properties.network_interfaces or []
    assert reference.id is not None
    assert reference.properties is None
    interface = sdk.network.network_interfaces.get(seeds.GROUP, reference.id.rsplit("/", 1)[-1])
    assert interface.properties is not None
    [configuration] = interface.properties.ip_configurations or []
    assert configuration.properties is not None
    assert configuration.properties.private_ip_address == "10.20.2.4"
    assert configuration.properties.private_link_connection_properties is not None
    assert configuration.properties.private_link_connection_properties.fqdns == [
        f"{seeds.SERVER}.postgres.database.azure.com"
    ]
    client.delete(ENDPOINT)
    assert client.arm("GET", reference.id)[0] == 404


def test_an_endpoint_brings_its_interface_along_where_asked(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server(), NETWORK, ENDPOINT_BODY])
    endpoint = sdk.network.private_endpoints.get(seeds.GROUP, "pe-orders", expand="networkInterfaces")
    assert endpoint.properties is not None
    [interface] = endpoint.properties.network_interfaces or []
    assert interface.properties is not None
    [configuration] = interface.properties.ip_configurations or []
    assert configuration.properties is not None
    assert configuration.properties.private_ip_address == "10.20.2.4"


def test_an_endpoint_keeps_its_address_when_it_is_written_again_and_no_other_gets_it(
    client: SimulatorClient,
) -> None:
    client.seed([seeds.flexible_server(), NETWORK, ENDPOINT_BODY])
    shown = client.put(ENDPOINT, client.get(ENDPOINT))
    assert addresses(shown) == ["10.20.2.4"]
    second = seeds.private_endpoint(name="pe-2", server=SERVER, subnet=SUBNET)
    assert addresses(client.put(seeds.endpoint_id(name="pe-2"), second)) == ["10.20.2.5"]
    client.delete(ENDPOINT)
    third = seeds.private_endpoint(name="pe-3", server=SERVER, subnet=SUBNET)
    assert addresses(client.put(seeds.endpoint_id(name="pe-3"), third)) == ["10.20.2.4"]


def test_a_static_address_is_kept(client: SimulatorClient) -> None:
    fixed = seeds.private_endpoint(name="pe", server=SERVER, subnet=SUBNET, address="10.20.2.77")
    client.seed([seeds.flexible_server(), NETWORK, fixed])
    assert addresses(client.get(seeds.endpoint_id(name="pe"))) == ["10.20.2.77"]


def addresses(endpoint: JsonObject) -> list[JsonValue]:
    return [
        address
        for one in as_list(dig(endpoint, "properties", "customDnsConfigs"))
        for address in as_list(dig(one, "ipAddresses"))
    ]
