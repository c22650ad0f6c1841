"""Planned private endpoints and private DNS zones as ARM will show them.

Source: azurerm 4 and 5, documentation of each resource: what belongs to a zone names it by its id from 5 on,
before by its name. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from driftward.scanning.documents.joining import Body
from driftward.scanning.documents.terraform import networks
from driftward.scanning.documents.terraform.identity import AZAPI, NETWORK, SERVER, SUBNET, ZONE, Identities
from driftward.scanning.documents.terraform.plan import Resource
from driftward.scanning.documents.terraform.servers import id_text
from driftward.scanning.documents.terraform.values import block, blocks, hidden, without_nothing
from shared.model import Json
from shared.model.resource_id import ResourceId


def endpoint(resource: Resource, named: ResourceId, identities: Identities) -> Iterator[Body]:
    """The endpoint and its zone group."""
    values = resource.values
    connection = block(values, "private_service_connection")
    kept: dict[str, Json] = {
        "privateLinkServiceId": _target(resource, identities),
        "groupIds": connection.get("subresource_names"),
    }
    manual = connection.get("is_manual_connection") is True
    field = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    properties: dict[str, Json] = {
        "subnet": {"id": id_text(resource, identities, "subnet_id", SUBNET)},
        field: [{"name": connection.get("name"), "properties": without_nothing(kept)}],
        "ipConfigurations": [_address(one) for one in blocks(values, "ip_configuration")],
    }
    yield networks.body(named, "Microsoft.Network/privateEndpoints", properties, values.get("location"))
    yield from _zone_groups(resource, named, identities)


def _target(resource: Resource, identities: Identities) -> Json:
    """The id of what an endpoint leads to; of what is no server, an id that is none of a server's either."""
    path = ("private_service_connection", 0, "private_connection_resource_id")
    target = identities.named(resource, path, {SERVER})
    if target is not None:
        return str(target)
    elsewhere = identities.references.meant(resource, path, None)
    if elsewhere and not any(one.type in {SERVER, AZAPI} for one in elsewhere):
        return str(identities.of(elsewhere[0]))
    held = block(resource.values, "private_service_connection")
    if held.get("private_connection_resource_alias"):  # only Private Link services have one
        return str(identities.elsewhere("Microsoft.Network/privateLinkServices", "alias"))
    return held.get("private_connection_resource_id")


def _address(values: Mapping[str, Json]) -> dict[str, Json]:
    kept = {"privateIPAddress": values.get("private_ip_address"), "memberName": values.get("member_name")}
    return {"name": values.get("name"), "properties": without_nothing(kept)}


def _zone_groups(resource: Resource, named: ResourceId, identities: Identities) -> Iterator[Body]:
    """The endpoint's zone group, with the zones that it names or will name."""
    held = block(resource.values, "private_dns_zone_group")
    if held:
        zones = dict.fromkeys(_zones(resource, held.get("private_dns_zone_ids"), identities))
        configs = [_config(number, zone) for number, zone in enumerate(zones, start=1)]
        place = named.child("privateDnsZoneGroups", str(held.get("name")))
        yield {"id": str(place), "name": place.name, "properties": {"privateDnsZoneConfigs": configs}}


def are_zones_unknown(resource: Resource, identities: Identities) -> bool:
    """Whether nobody can say which zones an endpoint's group names."""
    if hidden(resource.values, "private_dns_zone_group") is not None:
        return True
    held = block(resource.values, "private_dns_zone_group")
    zones = _zones(resource, held.get("private_dns_zone_ids"), identities) if held else []
    return not all(one.startswith("/") for one in zones)


def _zones(resource: Resource, given: Json, identities: Identities) -> list[str]:
    listed = given if isinstance(given, list) else [given]
    known = [one for one in listed if isinstance(one, str) and one.startswith("/")]
    if len(known) == len(listed):
        return known
    path = ("private_dns_zone_group", 0, "private_dns_zone_ids")
    meant = [str(identities.of(one)) for one in identities.references.meant(resource, path, {ZONE, AZAPI})]
    return [*known, *meant] or [str(one) for one in listed]


def _config(number: int, zone: str) -> dict[str, Json]:
    name = zone.rpartition("/")[2].replace(".", "-") or f"zone-{number}"
    return {"name": name, "properties": {"privateDnsZoneId": zone}}


# --- zones -----------------------------------------------------------------------------------------


def zone(_: Resource, named: ResourceId, __: Identities) -> Iterator[Body]:
    yield networks.body(named, "Microsoft.Network/privateDnsZones", {}, "global")


def zone_link(resource: Resource, named: ResourceId, identities: Identities) -> Iterator[Body]:
    """As it will be: a link is Completed once it was made."""
    kept: dict[str, Json] = {
        "virtualNetwork": {"id": id_text(resource, identities, "virtual_network_id", NETWORK)},
        "virtualNetworkLinkState": "Completed",
        "registrationEnabled": resource.values.get("registration_enabled"),
        "resolutionPolicy": resource.values.get("resolution_policy"),
    }
    yield {"id": str(named), "name": named.name, "properties": without_nothing(kept)}


def record(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    held = resource.values.get("records")
    addresses = [{"ipv4Address": one} for one in held] if isinstance(held, list) else held
    yield {"id": str(named), "name": named.name, "properties": {"aRecords": addresses}}
