"""What is particular to subnets: their checks, their links to groups, tables, servers and endpoints.

A subnet PUT replaces the whole subnet (recorded: leaving `serviceEndpoints` out removes them). Linking a
group or a route table needs the join action on it. What must not live here: the write itself
(`network.py`).
"""

from __future__ import annotations

import ipaddress
from http import HTTPStatus

from local.simulator.access import may
from local.simulator.store import Record
from local.simulator.values import (
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
)
from local.simulator.world import World

SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
_DERIVED = ("provisioningState", "privateEndpoints", "ipConfigurations")
_LINKS = {
    "networkSecurityGroup": "Microsoft.Network/networkSecurityGroups",
    "routeTable": "Microsoft.Network/routeTables",
}


def using(world: World, field: str, resource_id: str) -> list[JsonValue]:
    """`[{id}]` of the subnets whose `field` names this resource."""
    wanted = key(resource_id)
    return [
        {"id": subnet.id}
        for subnet in world.store.of_type(SUBNETS, "")
        if key(as_text(dig(subnet.properties, field, "id"))) == wanted
    ]


def without_derived(properties: JsonObject) -> JsonObject:
    return {name: value for name, value in properties.items() if name not in _DERIVED and value is not None}


def extras(world: World, subnet: Record, etag: str) -> JsonObject:
    """What the service adds to a subnet when it shows it."""
    endpoints: list[JsonValue] = [
        {"id": endpoint.id}
        for endpoint in world.store.of_type(ENDPOINTS, "")
        if key(as_text(dig(endpoint.properties, "subnet", "id"))) == key(subnet.id)
    ]
    delegations = as_list(subnet.properties.get("delegations"))
    shown: JsonObject = {
        "delegations": [_delegation(subnet.id, etag, as_object(one)) for one in delegations],
        "privateEndpointNetworkPolicies": subnet.properties.get("privateEndpointNetworkPolicies")
        or "Disabled",
        "privateLinkServiceNetworkPolicies": subnet.properties.get("privateLinkServiceNetworkPolicies")
        or "Enabled",
    }
    served = as_list(subnet.properties.get("serviceEndpoints"))
    if served:
        shown["serviceEndpoints"] = [_service_endpoint(world, subnet, as_object(one)) for one in served]
    return shown | ({"privateEndpoints": endpoints} if endpoints else {})


def _service_endpoint(world: World, subnet: Record, endpoint: JsonObject) -> JsonObject:
    network = world.store.get(subnet.parent)
    location = as_text(network.body.get("location")) if network else ""
    return {"provisioningState": "Succeeded", "locations": [location], **endpoint}


def _delegation(subnet_id: str, etag: str, delegation: JsonObject) -> JsonObject:
    name = as_text(delegation.get("name"))
    return {
        "name": name,
        "id": f"{subnet_id}/delegations/{name}",
        "etag": etag,
        "properties": {
            "provisioningState": "Succeeded",
            "serviceName": dig(delegation, "properties", "serviceName"),
            "actions": ["Microsoft.Network/virtualNetworks/subnets/join/action"],
        },
        "type": f"{SUBNETS}/delegations",
    }


def check(world: World, request: ArmRequest, name: str, properties: JsonObject) -> None:
    """Raise 400 for unusable prefixes or links to what does not exist, 403 for links that the caller may
    not make.
    """
    prefixes = [as_text(one) for one in as_list(properties.get("addressPrefixes"))]
    prefixes += [as_text(properties.get("addressPrefix"))] if properties.get("addressPrefix") else []
    if not prefixes:
        raise bad_request("InvalidRequestFormat", f"Subnet {name} has no address prefix.")
    for prefix in prefixes:
        try:
            ipaddress.ip_network(prefix)
        except ValueError as error:
            message = f"The address prefix {prefix} of subnet {name} has an invalid CIDR notation."
            raise bad_request("InvalidCIDRNotation", message) from error
    for field, kind in _LINKS.items():
        linked = as_text(dig(properties, field, "id"))
        if linked:
            _check_link(world, request, linked, f"{kind}/join/action")


def _check_link(world: World, request: ArmRequest, linked: str, action: str) -> None:
    if world.store.get(linked) is None:
        message = f"Resource {linked} referenced by resource {request.address.path} was not found."
        raise bad_request("InvalidResourceReference", message)
    if not may(world.roles, request.caller, action):
        raise ArmError(
            HTTPStatus.FORBIDDEN,
            "LinkedAuthorizationFailed",
            f"The client '{request.caller.app_id}' with object id '{request.caller.object_id}' has "
            f"permission to perform the write on scope '{request.address.path}'; however, it does not have "
            f"permission to perform action '{action}' on the linked scope(s) '{linked}' or the linked "
            "scope(s) are invalid.",
        )
