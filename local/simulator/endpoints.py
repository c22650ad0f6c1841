"""Private endpoints, their DNS zone groups, and private DNS zones.

A private endpoint to a server makes an approved connection on that server when its operation ends, and
takes it away when it is deleted; a manual one waits as `Pending`. A zone group writes the A record.
Zones, links and records answer at once (200, 201), which their specification allows. What must not live
here: what a server shows.
"""

from __future__ import annotations

import ipaddress
import uuid
from dataclasses import replace
from http import HTTPStatus

from local.simulator.network import refuse_if_busy
from local.simulator.server_children import connect_endpoint
from local.simulator.servers import CONNECTIONS, FLEXIBLE
from local.simulator.shapes import id_for, parent_of, show_with_etag
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
ZONE_GROUP = f"{ENDPOINT}/privateDnsZoneGroups"
ZONE = "Microsoft.Network/privateDnsZones"
ZONE_LINK = f"{ZONE}/virtualNetworkLinks"
A_RECORD = f"{ZONE}/A"
_LISTS = (("privateLinkServiceConnections", "Approved"), ("manualPrivateLinkServiceConnections", "Pending"))
_NOT_STORED = ("id", "name", "type", "etag")


def show_endpoint(world: World, record: Record, _api_version: str = "") -> JsonObject:
    state = "Succeeded" if world.operations.holding(record.id) is None else "Updating"
    properties: JsonObject = {"provisioningState": state, **record.properties}
    return show_with_etag(record) | {"properties": properties}


def put_endpoint(world: World, request: ArmRequest, kind: str) -> Accepted:
    """201 or 200; raises 400 without a subnet that exists."""
    subnet = as_text(dig(request.body, "properties", "subnet", "id"))
    if world.store.get(subnet) is None:
        raise bad_request("InvalidResourceReference", f"Resource {subnet or '(none)'} was not found.")
    known = world.store.get(request.address.path)
    if known is not None:
        refuse_if_busy(world, known)
    endpoint = keep_endpoint(world, id_for(world, request, kind), request.body)

    def undo() -> None:
        world.remove(endpoint.id)
        if known is not None:
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


def keep_endpoint(world: World, endpoint_id: str, body: JsonObject) -> Record:
    """Store an endpoint with what the service adds: states of its connections, interface, address and
    names.
    """
    properties = dict(as_object(body.get("properties")))
    for name, status in _LISTS:
        properties[name] = [
            _connection(endpoint_id, name, as_object(one), status) for one in as_list(properties.get(name))
        ]
    address = _address(world, as_text(dig(properties, "subnet", "id")))
    nic = f"{endpoint_id.rsplit('/', 1)[-1]}.nic.{uuid.uuid5(uuid.NAMESPACE_URL, key(endpoint_id))}"
    scope = endpoint_id.split("/providers/", 1)[0]
    properties.setdefault(
        "networkInterfaces", [{"id": f"{scope}/providers/Microsoft.Network/networkInterfaces/{nic}"}]
    )
    names: list[JsonValue] = [{"fqdn": name, "ipAddresses": [address]} for name in _server_names(properties)]
    properties.setdefault("customDnsConfigs", names)
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


def _address(world: World, subnet_id: str) -> str:
    """The next address of the subnet that no endpoint has; the first four are Azure's own."""
    subnet = world.store.get(subnet_id)
    prefixes = as_list(subnet.properties.get("addressPrefixes")) if subnet else []
    prefix = as_text(subnet.properties.get("addressPrefix")) if subnet else ""
    network = ipaddress.ip_network(
        prefix or as_text(prefixes[0] if prefixes else "") or "10.0.0.0/24", strict=False
    )
    taken = [one for one in world.store.of_type(ENDPOINT, "") if _in_subnet(one, subnet_id)]
    return str(network[min(4 + len(taken), network.num_addresses - 1)])


def _in_subnet(endpoint: Record, subnet_id: str) -> bool:
    return key(as_text(dig(endpoint.properties, "subnet", "id"))) == key(subnet_id)


def connect(world: World, endpoint_id: str) -> None:
    """Make the connections of an endpoint on the servers it names; a server that is not there is skipped."""
    endpoint = world.store.get(endpoint_id)
    if endpoint is None:
        return
    world.store.touch(endpoint_id, world.now())
    for server_id, status in _targets(endpoint.properties):
        server = world.store.get(server_id)
        if server is None:
            continue
        separator = "." if server.type == FLEXIBLE else "-"
        name = f"{endpoint.name}{separator}{uuid.uuid5(uuid.NAMESPACE_URL, key(endpoint_id))}"
        state: JsonObject = {"status": status, "description": "Auto-approved", "actionsRequired": "None"}
        properties: JsonObject = {
            "privateEndpoint": {"id": endpoint.id},
            "groupIds": ["postgresqlServer"],
            "privateLinkServiceConnectionState": state,
            "provisioningState": "Succeeded" if server.type == FLEXIBLE else "Ready",
        }
        connect_endpoint(world, server, name, properties)


def delete_endpoint(world: World, request: ArmRequest) -> Accepted:
    endpoint = world.store.get(request.address.path)
    if endpoint is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    refuse_if_busy(world, endpoint)

    def finish() -> None:
        world.remove(endpoint.id)
        _disconnect(world, endpoint)

    return Accepted(
        status=HTTPStatus.ACCEPTED,
        existed=True,
        holds=endpoint.id,
        location=as_text(endpoint.body.get("location")),
        finish=finish,
    )


def _disconnect(world: World, endpoint: Record) -> None:
    for server_id, _ in _targets(endpoint.properties):
        server = world.store.get(server_id)
        for one in world.store.children(server_id, f"{server.type}/{CONNECTIONS}") if server else []:
            if key(as_text(dig(one.properties, "privateEndpoint", "id"))) == key(endpoint.id):
                world.remove(one.id)


def put_zone_group(world: World, request: ArmRequest, kind: str) -> Accepted:
    """Link an endpoint to zones: at the end each zone has the A record of the server."""
    endpoint = parent_of(world, request.address)
    known = world.store.get(request.address.path)
    body: JsonObject = {"properties": {"provisioningState": "Succeeded", **request.properties}}
    group = world.save_new(id_for(world, request, kind), kind, body)
    return Accepted(
        status=HTTPStatus.OK if known else HTTPStatus.CREATED,
        existed=known is not None,
        holds=endpoint.id,
        location=as_text(endpoint.body.get("location")),
        finish=lambda: _write_records(world, group, endpoint),
        undo=lambda: world.remove(group.id),
        body=lambda: show_with_etag(group),
        sends_location=False,
    )


def _write_records(world: World, group: Record, endpoint: Record) -> None:
    for config in as_list(group.properties.get("privateDnsZoneConfigs")):
        zone = world.store.get(as_text(dig(config, "properties", "privateDnsZoneId")))
        for dns in as_list(endpoint.properties.get("customDnsConfigs")) if zone else []:
            name = as_text(dig(dns, "fqdn")).split(".", 1)[0]
            records: list[JsonValue] = [{"ipv4Address": one} for one in as_list(dig(dns, "ipAddresses"))]
            body: JsonObject = {"properties": {"ttl": 10, "aRecords": records}}
            world.save_new(f"{zone.id if zone else ''}/A/{name}", A_RECORD, body)


def show_zone(world: World, record: Record, _api_version: str = "") -> JsonObject:
    """A zone with its counts; its etag is a bare GUID, as the service has it."""
    counts: JsonObject = {
        "maxNumberOfRecordSets": 25000,
        "numberOfRecordSets": 1 + len(world.store.children(record.id, A_RECORD)),
        "maxNumberOfVirtualNetworkLinks": 1000,
        "numberOfVirtualNetworkLinks": len(world.store.children(record.id, ZONE_LINK)),
        "provisioningState": "Succeeded",
    }
    return _show_dns(record) | {"location": "global", "properties": record.properties | counts}


def show_link(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    added: JsonObject = {"virtualNetworkLinkState": "Completed", "provisioningState": "Succeeded"}
    return _show_dns(record) | {
        "location": "global",
        "properties": {"registrationEnabled": False, **added, **record.properties},
    }


def show_a_record(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    zone = record.parent.rsplit("/", 1)[-1]
    spelled = {("ttl" if name == "TTL" else name): value for name, value in record.properties.items()}
    added: JsonObject = {"fqdn": f"{record.name}.{zone}.", "isAutoRegistered": False}
    return _show_dns(record) | {"properties": added | spelled}


def _show_dns(record: Record) -> JsonObject:
    return show_with_etag(record) | {"etag": record.etag.removeprefix('W/"').removesuffix('"')}


def put_dns(world: World, request: ArmRequest, kind: str) -> Accepted:
    """A zone, a link or a record, at once."""
    known = world.store.get(request.address.path)
    resource_id = id_for(world, request, kind)
    body: JsonObject = {name: value for name, value in request.body.items() if name not in _NOT_STORED}
    show = {ZONE: show_zone, ZONE_LINK: show_link, A_RECORD: show_a_record}[kind]

    def finish() -> None:
        world.save_new(resource_id, kind, body | {"properties": request.properties})

    def shown() -> JsonObject | None:
        record = world.store.get(resource_id)
        return None if record is None else show(world, record)

    accepted = Accepted(status=HTTPStatus.CREATED, existed=known is not None, finish=finish, body=shown)
    return accepted if known is None else replace(accepted, status=HTTPStatus.OK)
