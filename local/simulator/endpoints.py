"""Private endpoints and their network interfaces.

A private endpoint to a server makes an approved connection on that server when its operation ends, and
takes it away when it is deleted; a manual one waits as `Pending`. Its address stands in `customDnsConfigs`
until a DNS zone group takes the names over, and always on its interface, which `$expand=networkInterfaces`
brings along where the switch `expand` says so: the parameter is specified, no recording shows an answer to
it. What must not live here: DNS (`dns.py`), what a server shows.
"""

from __future__ import annotations

import ipaddress
import uuid
from http import HTTPStatus

from local.simulator import dns
from local.simulator.connections import ENDPOINT_LISTS, connect_endpoint, remove_connections
from local.simulator.network import refuse_if_busy
from local.simulator.servers import FLEXIBLE
from local.simulator.shapes import id_for, show_with_etag
from local.simulator.store import Record
from local.simulator.values import (
    Accepted,
    ArmRequest,
    JsonObject,
    JsonValue,
    as_list,
    as_object,
    as_text,
    bad_request,
    dig,
    key,
)
from local.simulator.world import World

ENDPOINT = "Microsoft.Network/privateEndpoints"
INTERFACE = "Microsoft.Network/networkInterfaces"
_LISTS = tuple(zip(ENDPOINT_LISTS, ("Approved", "Pending"), strict=True))
_NOT_STORED = ("id", "name", "type", "etag")
_WORKED_OUT = ("provisioningState", "customDnsConfigs", "networkInterfaces")
_GROUP_ID = "postgresqlServer"


def show_endpoint(world: World, record: Record, _api_version: str = "") -> JsonObject:
    """Without names of its own where a zone group has taken them over, as the service shows it."""
    state = "Succeeded" if world.operations.holding(record.id) is None else "Updating"
    properties: JsonObject = {"provisioningState": state, **record.properties}
    if dns.zone_groups_of(world, record.id):
        properties["customDnsConfigs"] = []
    return show_with_etag(record) | {"properties": properties}


def expand_endpoint(world: World, shown: JsonObject, expanded: str) -> JsonObject:
    """The shown endpoint with whole interfaces where `networkInterfaces` is asked for."""
    if "networkinterfaces" not in expanded.lower():
        return shown
    properties = as_object(shown.get("properties"))
    whole = [_whole_interface(world, as_object(one)) for one in as_list(properties.get("networkInterfaces"))]
    return shown | {"properties": properties | {"networkInterfaces": whole}}


def _whole_interface(world: World, reference: JsonObject) -> JsonValue:
    record = world.store.get(as_text(reference.get("id")))
    return reference if record is None else show_with_etag(record)


def put_endpoint(world: World, request: ArmRequest, kind: str) -> Accepted:
    """201 or 200; raises 400 without a subnet that exists and belongs to no service."""
    _check_subnet(world, as_text(dig(request.body, "properties", "subnet", "id")), request.address.name)
    known = world.store.get(request.address.path)
    if known is not None:
        refuse_if_busy(world, known)
    # A client that sends back what it read must not freeze what the service works out.
    asked = {name: value for name, value in request.properties.items() if name not in _WORKED_OUT}
    endpoint = keep_endpoint(world, id_for(world, request, kind), request.body | {"properties": asked})

    def undo() -> None:
        if known is None:
            _remove(world, endpoint)
        else:
            world.save(known)

    return Accepted(
        status=HTTPStatus.OK if known else HTTPStatus.CREATED,
        existed=known is not None,
        holds=endpoint.id,
        location=as_text(endpoint.body.get("location")),
        finish=lambda: connect(world, endpoint.id),
        undo=undo,
        body=lambda: show_endpoint(world, world.store.get(endpoint.id) or endpoint),
        sends_location=False,
    )


def _check_subnet(world: World, subnet_id: str, name: str) -> None:
    subnet = world.store.get(subnet_id)
    if subnet is None:
        raise bad_request("InvalidResourceReference", f"Resource {subnet_id or '(none)'} was not found.")
    if as_list(subnet.properties.get("delegations")):
        raise bad_request(
            "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated",
            f"Private endpoint {name} cannot be created as subnet {subnet_id} is delegated.",
        )


def keep_endpoint(world: World, endpoint_id: str, body: JsonObject) -> Record:
    """Store an endpoint with what the service adds: states of its connections, interface, address and
    names.
    """
    properties = dict(as_object(body.get("properties")))
    for name, status in _LISTS:
        properties[name] = [
            _connection(endpoint_id, name, as_object(one), status) for one in as_list(properties.get(name))
        ]
    address = _address(world, endpoint_id, properties)
    names = _server_names(properties)
    resolved: list[JsonValue] = [{"fqdn": name, "ipAddresses": [address]} for name in names]
    properties.setdefault("customDnsConfigs", resolved)
    interface = _keep_interface(world, endpoint_id, properties, address)
    properties["networkInterfaces"] = [{"id": interface}]
    kept: JsonObject = {name: value for name, value in body.items() if name not in _NOT_STORED}
    return world.save_new(
        endpoint_id, ENDPOINT, {"location": "canadacentral", **kept, "properties": properties}
    )


def _connection(endpoint_id: str, list_name: str, connection: JsonObject, status: str) -> JsonObject:
    name = as_text(connection.get("name"))
    state: JsonObject = {"status": status, "description": "", "actionsRequired": "None"}
    return {
        "name": name,
        "id": f"{endpoint_id}/{list_name}/{name}",
        "properties": {
            "provisioningState": "Succeeded",
            "privateLinkServiceConnectionState": state,
            **as_object(connection.get("properties")),
        },
    }


def _server_names(properties: JsonObject) -> list[str]:
    return [f"{server.rsplit('/', 1)[-1]}.postgres.database.azure.com" for server, _ in _targets(properties)]


def _targets(properties: JsonObject) -> list[tuple[str, str]]:
    """The servers that an endpoint leads to, with the state of the connection."""
    return [
        (
            as_text(dig(one, "properties", "privateLinkServiceId")),
            as_text(dig(one, "properties", "privateLinkServiceConnectionState", "status")) or status,
        )
        for name, status in _LISTS
        for one in as_list(properties.get(name))
    ]


def _keep_interface(world: World, endpoint_id: str, properties: JsonObject, address: str) -> str:
    """Store the interface of an endpoint; its id, which an endpoint that is written again keeps."""
    interface_id = _interface_id(endpoint_id, properties)
    configuration: JsonObject = {
        "name": "privateEndpointIpConfig",
        "id": f"{interface_id}/ipConfigurations/privateEndpointIpConfig",
        "properties": {
            "provisioningState": "Succeeded",
            "privateIPAddress": address,
            "privateIPAllocationMethod": "Dynamic",
            "privateIPAddressVersion": "IPv4",
            "primary": True,
            "subnet": {"id": dig(properties, "subnet", "id")},
            "privateLinkConnectionProperties": {
                "groupId": _GROUP_ID,
                "requiredMemberName": _GROUP_ID,
                "fqdns": [*_server_names(properties)],
            },
        },
    }
    body: JsonObject = {
        "location": "canadacentral",
        "properties": {
            "provisioningState": "Succeeded",
            "ipConfigurations": [configuration],
            "privateEndpoint": {"id": endpoint_id},
        },
    }
    return world.save_new(interface_id, INTERFACE, body).id


def _interface_id(endpoint_id: str, properties: JsonObject) -> str:
    """As the body names it, or after the endpoint with a suffix that stays the same."""
    [given] = as_list(properties.get("networkInterfaces"))[:1] or [None]
    if as_text(dig(given, "id")):
        return as_text(dig(given, "id"))
    suffix = uuid.uuid5(uuid.NAMESPACE_URL, key(endpoint_id))
    name = as_text(properties.get("customNetworkInterfaceName"))
    scope = endpoint_id.split("/providers/", 1)[0]
    made = name or f"{endpoint_id.rsplit('/', 1)[-1]}.nic.{suffix}"
    return f"{scope}/providers/{INTERFACE}/{made}"


def _address(world: World, endpoint_id: str, properties: JsonObject) -> str:
    """The address that is asked for, that the endpoint has, or the next free one of its subnet.

    The first four of a subnet are Azure's own.
    """
    asked = [
        dig(one, "properties", "privateIPAddress") for one in as_list(properties.get("ipConfigurations"))
    ]
    configured = [
        address
        for one in as_list(properties.get("customDnsConfigs"))
        for address in as_list(dig(one, "ipAddresses"))
    ]
    given = [as_text(one) for one in (*asked, *configured, *_addresses(world, endpoint_id)) if as_text(one)]
    if given:
        return given[0]
    subnet_id = as_text(dig(properties, "subnet", "id"))
    in_subnet = [one for one in world.store.of_type(ENDPOINT, "") if _is_in(one, subnet_id)]
    taken = {as_text(address) for one in in_subnet for address in _addresses(world, one.id)}
    network = _network(world.store.get(subnet_id))
    free = (str(network[host]) for host in range(4, network.num_addresses))
    return next((one for one in free if one not in taken), str(network[-1]))


def _addresses(world: World, endpoint_id: str) -> list[JsonValue]:
    endpoint = world.store.get(endpoint_id)
    references = as_list(endpoint.properties.get("networkInterfaces")) if endpoint else []
    interfaces = [world.store.get(as_text(dig(one, "id"))) for one in references]
    return [
        dig(configuration, "properties", "privateIPAddress")
        for interface in interfaces
        if interface is not None
        for configuration in as_list(interface.properties.get("ipConfigurations"))
    ]


def _is_in(endpoint: Record, subnet_id: str) -> bool:
    return key(as_text(dig(endpoint.properties, "subnet", "id"))) == key(subnet_id)


def _network(subnet: Record | None) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    prefixes = as_list(subnet.properties.get("addressPrefixes")) if subnet else []
    prefix = as_text(subnet.properties.get("addressPrefix")) if subnet else ""
    text = prefix or as_text(prefixes[0] if prefixes else "") or "10.0.0.0/24"
    return ipaddress.ip_network(text, strict=False)


def connect(world: World, endpoint_id: str) -> None:
    """Make the connections of an endpoint on the servers it names; a server that is not there is skipped."""
    endpoint = world.store.get(endpoint_id)
    if endpoint is None:
        return
    world.store.touch(endpoint_id, world.now())
    for server_id, status in _targets(endpoint.properties):
        server = world.store.get(server_id)
        # A connection that the server has cut is not made again by the endpoint's next write.
        if server is None or status == "Disconnected":
            continue
        separator = "." if server.type == FLEXIBLE else "-"
        name = f"{endpoint.name}{separator}{uuid.uuid5(uuid.NAMESPACE_URL, key(endpoint_id))}"
        state: JsonObject = {
            "status": status,
            "description": "Auto-approved" if status == "Approved" else "",
            "actionsRequired": "None",
        }
        properties: JsonObject = {
            "privateEndpoint": {"id": endpoint.id},
            "groupIds": [_GROUP_ID],
            "privateLinkServiceConnectionState": state,
            "provisioningState": "Succeeded" if server.type == FLEXIBLE else "Ready",
        }
        connect_endpoint(world, server, name, properties)


def delete_endpoint(world: World, request: ArmRequest) -> Accepted:
    """With it go its interface, its zone groups with their records, and its connections."""
    endpoint = world.store.get(request.address.path)
    if endpoint is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    refuse_if_busy(world, endpoint)
    return Accepted(
        status=HTTPStatus.ACCEPTED,
        existed=True,
        holds=endpoint.id,
        location=as_text(endpoint.body.get("location")),
        finish=lambda: _remove(world, endpoint),
    )


def _remove(world: World, endpoint: Record) -> None:
    current = world.store.get(endpoint.id) or endpoint
    for group in dns.zone_groups_of(world, endpoint.id):
        dns.remove_records(world, group)
    for one in as_list(current.properties.get("networkInterfaces")):
        world.remove(as_text(dig(one, "id")))
    world.remove(endpoint.id)
    for server_id, _ in _targets(current.properties):
        server = world.store.get(server_id)
        if server is not None:
            remove_connections(world, server, endpoint.id)
