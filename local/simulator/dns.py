"""Private DNS: zones, their links and A records, and the zone groups of private endpoints.

A zone group writes the A records of its endpoint's server into its zones when its operation ends, keeps
telling them as `recordSets`, and takes them away when it goes. Zones, links and records answer at once (200,
201), which their specification allows; their etag is a bare GUID. What must not live here: private endpoints
themselves.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from http import HTTPStatus

from local.simulator.network import refuse_if_busy
from local.simulator.plain import delete_plain
from local.simulator.shapes import find, id_for, parent_of, show_with_etag
from local.simulator.store import Record
from local.simulator.values import (
    Accepted,
    ArmError,
    ArmRequest,
    JsonObject,
    JsonValue,
    as_list,
    as_object,
    as_text,
    bad_request,
    dig,
    key,
    merge,
    parse_address,
)
from local.simulator.world import World

ZONE_GROUP = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
ZONE = "Microsoft.Network/privateDnsZones"
ZONE_LINK = f"{ZONE}/virtualNetworkLinks"
A_RECORD = f"{ZONE}/A"
_NOT_STORED = ("id", "name", "type", "etag")
_TTL_SECONDS = 10
_RESOLUTION = ("Default", "NxDomainRedirect")


def zone_groups_of(world: World, endpoint_id: str) -> list[Record]:
    return world.store.children(endpoint_id, ZONE_GROUP)


def show_zone_group(world: World, record: Record, _api_version: str = "") -> JsonObject:
    """A group with the records that it keeps in each of its zones."""
    busy = world.operations.holding(record.parent) is not None
    configs: list[JsonValue] = [
        _show_config(world, record, as_object(one))
        for one in as_list(record.properties.get("privateDnsZoneConfigs"))
    ]
    properties: JsonObject = {
        "provisioningState": "Updating" if busy else "Succeeded",
        "privateDnsZoneConfigs": configs,
    }
    return show_with_etag(record) | {"properties": properties}


def _show_config(world: World, group: Record, config: JsonObject) -> JsonObject:
    zone_id = as_text(dig(config, "properties", "privateDnsZoneId"))
    zone_name = zone_id.rsplit("/", 1)[-1]
    sets: list[JsonValue] = [
        {
            "recordType": "A",
            "recordSetName": name,
            "fqdn": f"{name}.{zone_name}",
            "provisioningState": "Succeeded",
            "ttl": _TTL_SECONDS,
            "ipAddresses": addresses,
        }
        for name, addresses in _names(world, group).items()
    ]
    name = as_text(config.get("name"))
    return {
        "name": name,
        "id": f"{group.id}/privateDnsZoneConfigs/{name}",
        "properties": {"privateDnsZoneId": zone_id, "recordSets": sets},
    }


def _names(world: World, group: Record) -> dict[str, list[JsonValue]]:
    """The record names of a group's endpoint, with their addresses."""
    endpoint = world.store.get(group.parent)
    configs = as_list(endpoint.properties.get("customDnsConfigs")) if endpoint else []
    return {as_text(dig(one, "fqdn")).split(".", 1)[0]: as_list(dig(one, "ipAddresses")) for one in configs}


def put_zone_group(world: World, request: ArmRequest, kind: str) -> Accepted:
    """Link an endpoint to zones: at the end each zone has the A record of the server."""
    endpoint = parent_of(world, request.address)
    refuse_if_busy(world, endpoint)
    known = world.store.get(request.address.path)
    group = world.save_new(id_for(world, request, kind), kind, {"properties": request.properties})

    def undo() -> None:
        world.remove(group.id)
        if known is not None:
            world.save(known)

    return Accepted(
        status=HTTPStatus.OK if known else HTTPStatus.CREATED,
        existed=known is not None,
        holds=endpoint.id,
        location=as_text(endpoint.body.get("location")),
        finish=lambda: write_records(world, group),
        undo=undo,
        body=lambda: show_zone_group(world, world.store.get(group.id) or group),
        sends_location=False,
    )


def delete_zone_group(world: World, request: ArmRequest) -> Accepted:
    group = world.store.get(request.address.path)
    if group is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    endpoint = parent_of(world, request.address)
    refuse_if_busy(world, endpoint)

    def finish() -> None:
        remove_records(world, group)
        world.remove(group.id)

    return Accepted(
        status=HTTPStatus.ACCEPTED,
        existed=True,
        holds=endpoint.id,
        location=as_text(endpoint.body.get("location")),
        finish=finish,
    )


def write_records(world: World, group: Record, *, only_missing: bool = False) -> None:
    """Write the records of a group into its zones; with `only_missing` what stands there stays."""
    for record_id, addresses in _records_of(world, group):
        if only_missing and world.store.get(record_id) is not None:
            continue
        listed: list[JsonValue] = [{"ipv4Address": one} for one in addresses]
        world.save_new(record_id, A_RECORD, {"properties": {"ttl": _TTL_SECONDS, "aRecords": listed}})


def remove_records(world: World, group: Record) -> None:
    """Take the records of a group out of its zones, if they still hold its addresses."""
    for record_id, addresses in _records_of(world, group):
        record = world.store.get(record_id)
        listed = as_list(record.properties.get("aRecords")) if record else []
        if record is not None and [dig(one, "ipv4Address") for one in listed] == addresses:
            world.remove(record.id)


def _records_of(world: World, group: Record) -> list[tuple[str, list[JsonValue]]]:
    """Id and addresses of each record that a group keeps in a zone that is here."""
    configs = as_list(group.properties.get("privateDnsZoneConfigs"))
    zones = [world.store.get(as_text(dig(one, "properties", "privateDnsZoneId"))) for one in configs]
    return [
        (f"{zone.id}/A/{name}", addresses)
        for zone in zones
        if zone is not None
        for name, addresses in _names(world, group).items()
    ]


def show_zone(world: World, record: Record, _api_version: str = "") -> JsonObject:
    """A zone with its counts."""
    counts: JsonObject = {
        "maxNumberOfRecordSets": 25000,
        "numberOfRecordSets": 1 + len(world.store.children(record.id, A_RECORD)),
        "maxNumberOfVirtualNetworkLinks": 1000,
        "numberOfVirtualNetworkLinks": len(world.store.children(record.id, ZONE_LINK)),
        "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
        "numberOfVirtualNetworkLinksWithRegistration": len(_registering(world, record)),
        "provisioningState": "Succeeded",
    }
    return _show(record) | {"location": "global", "properties": record.properties | counts}


def _registering(world: World, zone: Record) -> list[Record]:
    links = world.store.children(zone.id, ZONE_LINK)
    return [one for one in links if one.properties.get("registrationEnabled") is True]


def show_link(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    added: JsonObject = {
        "virtualNetworkLinkState": "Completed",
        "provisioningState": "Succeeded",
        "resolutionPolicy": _RESOLUTION[0],
    }
    return _show(record) | {
        "location": "global",
        "properties": {"registrationEnabled": False, **added, **record.properties},
    }


def show_a_record(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    zone = record.parent.rsplit("/", 1)[-1]
    spelled = {("ttl" if name == "TTL" else name): value for name, value in record.properties.items()}
    added: JsonObject = {"fqdn": f"{record.name}.{zone}.", "isAutoRegistered": False}
    return _show(record) | {"properties": added | spelled}


def _show(record: Record) -> JsonObject:
    return show_with_etag(record) | {"etag": record.etag.removeprefix('W/"').removesuffix('"')}


def put_zone_part(world: World, request: ArmRequest, kind: str) -> Accepted:
    """A zone, a link or a record, at once."""
    known = world.store.get(request.address.path)
    if kind == ZONE_LINK:
        _refuse_second_zone(world, request)
        _check_resolution(request.address.path, request.properties)
    body: JsonObject = {name: value for name, value in request.body.items() if name not in _NOT_STORED}
    accepted = _save(world, id_for(world, request, kind), kind, body | {"properties": request.properties})
    return replace(
        accepted,
        status=HTTPStatus.OK if known else HTTPStatus.CREATED,
        existed=known is not None,
    )


def _check_resolution(link_id: str, properties: JsonObject) -> None:
    """Raise 400 for a policy that is none, or one of a zone whose names have no public counterpart."""
    found = properties.get("resolutionPolicy", _RESOLUTION[0])
    private_link = parse_address(link_id).parent.rsplit("/", 1)[-1].lower().startswith("privatelink.")
    if found not in (_RESOLUTION if private_link else _RESOLUTION[:1]):
        raise bad_request("BadRequest", f"The resolution policy '{found}' is not valid for this zone.")


def _refuse_second_zone(world: World, request: ArmRequest) -> None:
    """Raise 400 where the network is linked to a zone of this name already, by this zone or another one
    (MicrosoftDocs/azure-aks-docs 212, Azure/ARO-RP 796: `BadRequest`).
    """
    zone = request.address.parent.rsplit("/", 1)[-1]
    network = key(as_text(dig(request.body, "properties", "virtualNetwork", "id")))
    for link in world.store.of_type(ZONE_LINK, ""):
        theirs = link.parent.rsplit("/", 1)[-1]
        linked = key(as_text(dig(link.properties, "virtualNetwork", "id")))
        if key(link.id) != key(request.address.path) and (key(theirs), linked) == (key(zone), network):
            raise bad_request(
                "BadRequest",
                "A virtual network cannot be linked to multiple zones with overlapping namespaces. "
                f"You tried to link virtual network with '{zone}' and '{theirs}' zones.",
            )


def patch_zone_part(world: World, request: ArmRequest) -> Accepted:
    """What the body names is changed, the rest stays."""
    known = find(world, request.address)
    change: JsonObject = {name: value for name, value in request.body.items() if name not in _NOT_STORED}
    if known.type == ZONE_LINK:
        _check_resolution(known.id, request.properties)
    return _save(world, known.id, known.type, merge(known.body, change))


def _save(world: World, resource_id: str, kind: str, body: JsonObject) -> Accepted:
    _check_addresses(as_object(body.get("properties")))
    show = {ZONE: show_zone, ZONE_LINK: show_link, A_RECORD: show_a_record}[kind]

    def finish() -> None:
        world.save_new(resource_id, kind, body)

    def shown() -> JsonObject | None:
        record = world.store.get(resource_id)
        return None if record is None else show(world, record)

    return Accepted(status=HTTPStatus.OK, existed=True, finish=finish, body=shown)


def _check_addresses(properties: JsonObject) -> None:
    for one in as_list(properties.get("aRecords")):
        address = as_text(dig(one, "ipv4Address"))
        try:
            ipaddress.IPv4Address(address)
        except ValueError as error:
            raise bad_request("BadRequest", f"'{address}' is no IPv4 address of an A record.") from error


def delete_zone_part(world: World, request: ArmRequest) -> Accepted:
    """At once; raises 409 for a zone that is still linked to a network."""
    links = world.store.children(request.address.path, ZONE_LINK)
    if links:
        raise ArmError(
            HTTPStatus.CONFLICT,
            "CannotDeleteResource",
            f"Can not delete resource before nested resources are deleted: {links[0].id}.",
        )
    return delete_plain(world, request)
