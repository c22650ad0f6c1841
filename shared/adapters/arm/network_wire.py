"""Network resources beside a subnet and its NSG: from ARM's JSON to the project's values, pure.

Route tables, virtual networks, private endpoints and their interfaces, and flexible servers as far as
their subnet is concerned. Tolerance and refusals are those of ``wire``, whose helpers read the JSON here.
What must not live here: requests, and what any of it means for a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from shared.adapters.arm import wire
from shared.model import IPNetwork, Json, SubnetServer
from shared.model.errors import Permanent
from shared.model.parts import ReplicaPartner, Route, RouteTable, SubnetEndpoint, VirtualNetwork
from shared.model.resource_id import ResourceId, parse_resource_id

_SERVER_TYPES: Final = frozenset(
    {"microsoft.dbforpostgresql/flexibleservers", "microsoft.dbforpostgresql/servers"}
)
_CONNECTIONS: Final = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
_BRINGS_ROUTES: Final = frozenset({"gatewaysubnet", "routeserversubnet"})
"""Azure demands these names of the subnets that a gateway and a route server stand in."""


def route_table(body: Json) -> RouteTable:
    """A route table from its GET, routes in ARM's order and spelling."""
    disabled = wire.get(body, "properties", "disableBgpRoutePropagation")
    return RouteTable(
        id=wire.required_id(body),
        routes=tuple(_route(item) for item in _objects(body, "routes")),
        gateway_propagation=not disabled if isinstance(disabled, bool) else None,
    )


def _route(body: Json) -> Route:
    return Route(
        name=wire.text(body, "name"),
        prefix=wire.text(body, "properties", "addressPrefix"),
        next_hop=wire.text(body, "properties", "nextHopType"),
        address=wire.text(body, "properties", "nextHopIpAddress"),
    )


def virtual_network(body: Json) -> VirtualNetwork:
    """A virtual network from its GET. Raises ``Permanent`` for a prefix of its space that is none."""
    return VirtualNetwork(
        id=wire.required_id(body),
        prefixes=_networks(body, wire.get(body, "properties", "addressSpace", "addressPrefixes")),
        dns_servers=tuple(_texts(wire.get(body, "properties", "dhcpOptions", "dnsServers"))),
        peers=tuple(_peers(body)),
        learns_routes=_learns_routes(body),
    )


def _peers(body: Json) -> Iterator[ResourceId]:
    """A peering works once both ends have it (Connected); one without access only serves a gateway."""
    for one in _objects(body, "virtualNetworkPeerings"):
        remote = parse_resource_id(wire.get(one, "properties", "remoteVirtualNetwork", "id"))
        connected = wire.text(one, "properties", "peeringState").lower() == "connected"
        accessible = wire.get(one, "properties", "allowVirtualNetworkAccess") is not False
        if remote is not None and connected and accessible:
            yield remote


def _learns_routes(body: Json) -> bool:
    """By a gateway or a route server of its own, or by a peering that uses the peer's gateway."""
    names = {wire.text(subnet, "name").lower() for subnet in _objects(body, "subnets")}
    peerings = _objects(body, "virtualNetworkPeerings")
    uses_a_peers = any(wire.get(one, "properties", "useRemoteGateways") is True for one in peerings)
    return bool(names & _BRINGS_ROUTES) or uses_a_peers


# --- private endpoints -----------------------------------------------------------------------------


def endpoint_ids(subnet: Json) -> tuple[ResourceId, ...]:
    """The private endpoints that a subnet's body names, whatever they lead to."""
    found = (parse_resource_id(wire.get(item, "id")) for item in _objects(subnet, "privateEndpoints"))
    return tuple(one for one in found if one is not None)


def subnet_endpoint(body: Json) -> SubnetEndpoint | None:
    """A private endpoint that leads to a PostgreSQL server; None where it leads elsewhere.

    Its addresses stand in ``customDnsConfigs`` unless a DNS zone group took those over, and in
    ``ipConfigurations`` where they are static; else only its interface knows them (``interface_id``).
    """
    connections = [item for name in _CONNECTIONS for item in _objects(body, name)]
    named = (parse_resource_id(wire.get(one, "properties", "privateLinkServiceId")) for one in connections)
    server = next((one for one in named if one is not None and one.type in _SERVER_TYPES), None)
    if server is None:
        return None
    listed = [
        text for item in _objects(body, "customDnsConfigs") for text in _texts(wire.get(item, "ipAddresses"))
    ]
    static = [
        wire.text(item, "properties", "privateIPAddress") for item in _objects(body, "ipConfigurations")
    ]
    return SubnetEndpoint(id=wire.required_id(body), server=server, addresses=_addresses([*listed, *static]))


def interface_id(endpoint: Json) -> ResourceId | None:
    """The network interface of a private endpoint; it has one."""
    found = (parse_resource_id(wire.get(one, "id")) for one in _objects(endpoint, "networkInterfaces"))
    return next((one for one in found if one is not None), None)


def interface_addresses(body: Json) -> tuple[IPv4Address | IPv6Address, ...]:
    """The private addresses of a network interface."""
    configurations = _objects(body, "ipConfigurations")
    return _addresses(wire.text(one, "properties", "privateIPAddress") for one in configurations)


# --- servers of a subnet ---------------------------------------------------------------------------


def subnet_server(body: Json) -> SubnetServer:
    """A flexible server from its GET, as far as its subnet's NSG and routes matter to it."""
    return SubnetServer(
        id=wire.required_id(body),
        high_availability=wire.high_availability(body),
        entra=wire.entra_sign_in(body),
        customer_key=wire.customer_key(body),
        elastic_cluster=wire.elastic_cluster(body),
        replication=wire.replication(body),
    )


def delegated_subnet(body: Json) -> ResourceId | None:
    """The subnet that a flexible server stands in, from its GET; None for one that is in none."""
    return parse_resource_id(wire.get(body, "properties", "network", "delegatedSubnetResourceId"))


def replica_partner(body: Json) -> ReplicaPartner:
    """The other server of a replication from its GET; the prefixes of its subnet are not in it."""
    return ReplicaPartner(
        server=wire.required_id(body),
        location=wire.text(body, "location"),
        subnet=delegated_subnet(body),
    )


# --- reading JSON ----------------------------------------------------------------------------------


def _objects(body: Json, name: str) -> Iterator[Json]:
    found = wire.get(body, "properties", name)
    return (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())


def _texts(found: Json) -> list[str]:
    return [item.strip() for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _networks(body: Json, found: Json) -> tuple[IPNetwork, ...]:
    try:
        return tuple(ip_network(prefix, strict=False) for prefix in _texts(found))
    except ValueError as error:
        called = wire.text(body, "name")
        raise Permanent(f"virtual network {called!r}: {error}", code="MalformedAnswer") from error


def _addresses(texts: Iterable[str]) -> tuple[IPv4Address | IPv6Address, ...]:
    """Each address once; raises ``Permanent`` for a text that is none."""
    try:
        return tuple(dict.fromkeys(ip_address(text) for text in texts if text))
    except ValueError as error:
        raise Permanent(f"a private endpoint's address: {error}", code="MalformedAnswer") from error
