"""Planned networks as ARM will show them: subnets, NSGs, route tables, peerings.

Rules and subnets may stand within their NSG or network or be resources of their own, and what belongs to a
subnet is often given by an association: all of them come together here. Source: azurerm 4 and 5,
documentation of each resource. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from driftward.scanning.documents.holdings import NETWORKS
from driftward.scanning.documents.joining import Body
from driftward.scanning.documents.terraform.identity import (
    NETWORK,
    SECURITY_GROUP,
    Identities,
)
from driftward.scanning.documents.terraform.plan import Resource
from driftward.scanning.documents.terraform.servers import id_text
from driftward.scanning.documents.terraform.values import block, blocks, hidden, items, without_nothing
from shared.model import Json
from shared.model.resource_id import ResourceId

_RULE: Final = (
    *("protocol", "access", "priority", "direction", "description"),
    *("source_port_range", "source_port_ranges", "destination_port_range", "destination_port_ranges"),
    *("source_address_prefix", "source_address_prefixes"),
    *("destination_address_prefix", "destination_address_prefixes"),
)
_GROUPS: Final = {
    "source_application_security_group_ids": "sourceApplicationSecurityGroups",
    "destination_application_security_group_ids": "destinationApplicationSecurityGroups",
}
_WRITE_ONLY: Final = "(write-only: {})"


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def body(
    named: ResourceId, kind: str, properties: Mapping[str, Json], location: Json = None
) -> dict[str, Json]:
    """A resource as ARM shows one that was written."""
    kept = without_nothing(properties) | {"provisioningState": "Succeeded"}
    own = {"id": str(named), "name": named.name, "type": kind, "location": location, "properties": kept}
    return without_nothing(own)


# --- NSGs and routes -------------------------------------------------------------------------------


def security_group(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    inline = resource.values.get("security_rule")
    held = [_rule(one) for one in inline] if isinstance(inline, list) else inline
    kept = body(named, "Microsoft.Network/networkSecurityGroups", {}, resource.values.get("location"))
    yield {**kept, "properties": {**kept["properties"], "securityRules": [] if held is None else held}}


def security_rule(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    yield {"id": str(named), **_rule({**resource.values, "name": named.name})}


def _rule(found: Json) -> Json:
    """One security rule; what is not known in it stays words, and so the rule is odd."""
    if not isinstance(found, Mapping):
        return found
    plain = {camel(one): found.get(one) for one in _RULE}
    groups = {arm: _ids(found.get(ours)) for ours, arm in _GROUPS.items()}
    return {"name": found.get("name"), "properties": without_nothing({**plain, **groups})}


def _ids(found: Json) -> Json:
    return [{"id": one} for one in found] if isinstance(found, list) else found


def route_table(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    values = resource.values
    inline = values.get("route")
    routes = [_route(one) for one in inline] if isinstance(inline, list) else inline
    kept = {"routes": routes, "disableBgpRoutePropagation": _propagation(values)}
    yield body(named, "Microsoft.Network/routeTables", kept, values.get("location"))


def route(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    yield {"id": str(named), **_route({**resource.values, "name": named.name})}


def _propagation(values: Mapping[str, Json]) -> Json:
    """azurerm 4 turned the switch round (its upgrade guide)."""
    on = values.get("bgp_route_propagation_enabled")
    return not on if isinstance(on, bool) else values.get("disable_bgp_route_propagation", on)


def _route(found: Json) -> Json:
    if not isinstance(found, Mapping):
        return found
    kept: dict[str, Json] = {
        "addressPrefix": found.get("address_prefix"),
        "nextHopType": found.get("next_hop_type"),
        "nextHopIpAddress": found.get("next_hop_in_ip_address"),
    }
    return {"name": found.get("name"), "properties": without_nothing(kept)}


# --- subnets and networks --------------------------------------------------------------------------


def subnet(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    yield _subnet(resource.values, named)


def _subnet(values: Mapping[str, Json], named: ResourceId) -> Body:
    """A subnet, alone or within its network."""
    kept: dict[str, Json] = {
        "addressPrefixes": values.get("address_prefixes"),
        "addressPrefix": values.get("address_prefix"),
        "delegations": _delegations(values),
        "serviceEndpoints": [*_service_endpoints(values)],
        "privateEndpointNetworkPolicies": values.get("private_endpoint_network_policies"),
        "defaultOutboundAccess": values.get("default_outbound_access_enabled"),
        "networkSecurityGroup": _named(values, "security_group", "network_security_group_id_wo"),
        "routeTable": _named(values, "route_table_id", "route_table_id_wo"),
    }
    return body(named, "Microsoft.Network/virtualNetworks/subnets", kept)


def before(shown: Mapping[str, Json] | None) -> dict[str, Json]:
    """The NSG and the routes of a subnet that was there before, as its network shows it; else not known."""
    if shown is None:
        told = {"id": "(what a subnet had before the plan is not in it)"}
        return {"networkSecurityGroup": told, "routeTable": told}
    found = {
        "networkSecurityGroup": shown.get("security_group"),
        "routeTable": shown.get("route_table_id"),
    }
    return {field: {"id": one} for field, one in found.items() if one}


def with_added(subnet: Json, name: str, adds: Mapping[str, Json]) -> Json:
    """A subnet within its network with what associations add, where it is the one of a name."""
    if not isinstance(subnet, Mapping) or str(subnet.get("name")).lower() != name:
        return subnet
    return {**subnet, "properties": {**subnet["properties"], **adds}}


def subnets_in(bodies: Mapping[str, Body], network: ResourceId | None) -> list[str]:
    """The keys of the subnets of one network, or of all, alone and within their networks."""
    alone = [key for key in bodies if ResourceId(key).type == f"{NETWORKS}/subnets"]
    within = [
        f"{key}/subnets/{one.get('name')}".lower()
        for key, body in bodies.items()
        if ResourceId(key).type == NETWORKS
        for one in blocks(body["properties"], "subnets")
    ]
    return [one for one in (*alone, *within) if network is None or one.startswith(f"{network.key}/")]


def _named(values: Mapping[str, Json], argument: str, write_only: str) -> Json:
    """What a subnet names by an id; a write-only argument is never in a plan, only its version."""
    if values.get(f"{write_only}_version") is not None:
        return {"id": _WRITE_ONLY.format(write_only)}
    found = values.get(argument)
    return {"id": found} if found else None


def _delegations(values: Mapping[str, Json]) -> list[Json]:
    """One that does not say to which service where they are not known."""
    told = hidden(values, "delegation")
    return [_delegation(one) for one in blocks(values, "delegation")] if told is None else [{"name": told}]


def _delegation(values: Mapping[str, Json]) -> dict[str, Json]:
    service = block(values, "service_delegation").get("name")
    return {"name": values.get("name"), "properties": {"serviceName": service}}


def _service_endpoints(values: Mapping[str, Json]) -> Iterable[Json]:
    """A list of names up to azurerm 4, blocks from 5 on."""
    for name in items(values.get("service_endpoints")):
        yield {"service": name}
    for one in blocks(values, "service_endpoint"):
        yield {"service": one.get("service")}


def network(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    values = resource.values
    inline = blocks(values, "subnet")
    kept: dict[str, Json] = {
        "addressSpace": {"addressPrefixes": values.get("address_space")},
        "dhcpOptions": {"dnsServers": values.get("dns_servers") or []},
        "subnets": [_subnet(one, named.child("subnets", str(one.get("name")))) for one in inline],
    }
    yield body(named, "Microsoft.Network/virtualNetworks", kept, values.get("location"))


def peering(resource: Resource, named: ResourceId, identities: Identities) -> Iterator[Body]:
    values = resource.values
    kept: dict[str, Json] = {
        "remoteVirtualNetwork": {"id": id_text(resource, identities, "remote_virtual_network_id", NETWORK)},
        "allowVirtualNetworkAccess": values.get("allow_virtual_network_access"),
        "useRemoteGateways": values.get("use_remote_gateways"),
        "peerCompleteVnets": values.get("peer_complete_virtual_networks_enabled"),
    }
    yield {"id": str(named), "name": named.name, "properties": without_nothing(kept)}


JOINED: Final[Mapping[str, tuple[str, str, str]]] = {
    "azurerm_subnet_network_security_group_association": (
        "networkSecurityGroup",
        "network_security_group_id",
        SECURITY_GROUP,
    ),
    "azurerm_subnet_route_table_association": ("routeTable", "route_table_id", "azurerm_route_table"),
    "azurerm_subnet_nat_gateway_association": ("natGateway", "nat_gateway_id", "azurerm_nat_gateway"),
}
"""What an association adds to a subnet: ARM's field, the argument, and whose id that is."""
