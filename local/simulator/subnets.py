"""What is particular to subnets: their checks, their links to groups, tables, servers and endpoints.

A subnet PUT replaces the whole subnet (recorded: leaving `serviceEndpoints` out removes them). Linking a
group or a route table needs the join action on it. What must not live here: the write itself
(`network.py`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from http import HTTPStatus
from typing import TypeAlias

from local.simulator.access import may
from local.simulator.store import Record
from local.simulator.switches import DelegationOfUsedSubnet
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

Child: TypeAlias = tuple[str, JsonObject]
"""Name and properties."""
Range: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
INTERFACES = "Microsoft.Network/networkInterfaces"
POSTGRES = "Microsoft.DBforPostgreSQL/flexibleServers"
_LINK_NAME = "dbforpostgresqllink"
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


def check(
    world: World, request: ArmRequest, child: Child, others: Sequence[Child], network: JsonObject
) -> None:
    """Raise 400 for prefixes that are unusable, beside others' or outside the network (its properties), and
    for links to what does not exist; 403 for links that the caller may not make.
    """
    _check_prefixes(request, child, others, network)
    properties = child[1]
    for field, kind in _LINKS.items():
        linked = as_text(dig(properties, field, "id"))
        if linked:
            _check_link(world, request, linked, f"{kind}/join/action")


def _check_prefixes(request: ArmRequest, child: Child, others: Sequence[Child], network: JsonObject) -> None:
    name, properties = child
    where = f"virtual network '{_network_name(request)}'"
    mine = _ranges(name, properties)
    if not mine:
        raise bad_request("InvalidRequestFormat", f"Subnet {name} has no address prefix.")
    held = [
        range_
        for other, theirs in others
        if other.lower() != name.lower()
        for range_ in _ranges(other, theirs)
    ]
    if any(one.overlaps(other) for one in mine for other in held):
        message = "is not valid because its IP address range overlaps with that of an existing subnet in"
        raise bad_request("NetcfgSubnetRangesOverlap", f"Subnet '{name}' {message} {where}.")
    space = [
        ipaddress.ip_network(as_text(one)) for one in as_list(dig(network, "addressSpace", "addressPrefixes"))
    ]
    if space and not all(_is_inside(one, space) for one in mine):
        message = "is not valid because its IP address range is outside the IP address range of"
        raise bad_request("NetcfgSubnetRangeOutsideVnet", f"Subnet '{name}' {message} {where}.")


def _network_name(request: ArmRequest) -> str:
    return request.address.segments[1]


def _ranges(name: str, properties: JsonObject) -> list[Range]:
    """The address ranges of a subnet; raises 400 for a prefix that is none."""
    prefixes = [as_text(one) for one in as_list(properties.get("addressPrefixes"))]
    prefixes += [as_text(properties.get("addressPrefix"))] if properties.get("addressPrefix") else []
    return [_range(name, prefix) for prefix in prefixes]


def _range(name: str, prefix: str) -> Range:
    try:
        return ipaddress.ip_network(prefix)
    except ValueError as error:
        message = f"The address prefix {prefix} of subnet {name} has an invalid CIDR notation."
        raise bad_request("InvalidCIDRNotation", message) from error


def _is_inside(one: Range, space: Sequence[Range]) -> bool:
    return any(
        one.version == held.version
        and int(held.network_address) <= int(one.network_address)
        and int(one.broadcast_address) <= int(held.broadcast_address)
        for held in space
    )


# --- what stands in a subnet -----------------------------------------------------------------------


def refuse_if_used(world: World, subnet: Record) -> None:
    """Raise 400 for a subnet that is to go while something has an address in it (Azure/bicep 13267)."""
    users = [*_addresses_in(world, subnet.id), *_links_in(world, subnet.id)]
    if users:
        raise bad_request(
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet.name} is in use by {users[0]} and cannot be deleted. In order to delete the "
            "subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.",
        )


def refuse_other_range(world: World, subnet: Record, properties: JsonObject) -> None:
    """Raise 400 for a subnet that is to lose a range in which something has an address: what stands in it has
    to go first (Azure's article on managing subnets)."""
    kept = _ranges(subnet.name, properties)
    gone = [one for one in _ranges(subnet.name, subnet.properties) if one not in kept]
    if gone and (_addresses_in(world, subnet.id) or _links_in(world, subnet.id)):
        raise bad_request(
            "InUsePrefixCannotBeDeleted",
            f"IpPrefix {gone[0]} on Subnet {subnet.name} has active allocations and cannot be deleted.",
        )


def refuse_without_delegation(world: World, subnet_id: str, properties: JsonObject) -> None:
    """Raise 400 for a subnet whose delegation is to go while a server stands in it
    (MicrosoftDocs/azure-docs 92894), unless the switch lets it."""
    if world.switches.delegation_of_used_subnet is DelegationOfUsedSubnet.REMOVABLE:
        return
    links = _links_in(world, subnet_id)
    named = {
        as_text(dig(one, "properties", "serviceName")).lower()
        for one in as_list(properties.get("delegations"))
    }
    if links and POSTGRES.lower() not in named:
        raise bad_request(
            "SubnetMissingRequiredDelegation",
            f"Subnet {subnet_id} requires any of the following delegation(s) [{POSTGRES}] to reference "
            f"service association link {links[0]}.",
        )


def _links_in(world: World, subnet_id: str) -> list[str]:
    """The service association link that the servers in a subnet share, if there are any."""
    wanted = key(subnet_id)
    inside = (
        key(as_text(dig(server.properties, "network", "delegatedSubnetResourceId"))) == wanted
        for server in world.store.of_type(POSTGRES, "")
    )
    return [f"{subnet_id}/serviceAssociationLinks/{_LINK_NAME}"] if any(inside) else []


def _addresses_in(world: World, subnet_id: str) -> list[str]:
    return [
        as_text(dig(one, "id"))
        for interface in world.store.of_type(INTERFACES, "")
        for one in as_list(interface.properties.get("ipConfigurations"))
        if key(as_text(dig(one, "properties", "subnet", "id"))) == key(subnet_id)
    ]


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
