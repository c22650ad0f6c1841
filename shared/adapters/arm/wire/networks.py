"""What lies around a subnet and its NSG, from its GET: pure, no I/O.

Route tables, virtual networks, private endpoints and their interfaces. Tolerance and refusals are those of
``fields``. What must not live here: requests, and what any of it means for a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

from shared.adapters.arm.wire.dns import dns_servers
from shared.adapters.arm.wire.fields import get, listed, network_id, objects, required_id, text, texts, wrong
from shared.model import IPNetwork, Json
from shared.model.addresses import ipv4
from shared.model.errors import Permanent
from shared.model.networks import NetworkSubnet, Peering, Route, RouteTable, SubnetEndpoint, VirtualNetwork
from shared.model.resource_id import ResourceId, parse_resource_id

_SERVER_TYPES: Final = frozenset(
    {"microsoft.dbforpostgresql/flexibleservers", "microsoft.dbforpostgresql/servers"}
)
_CONNECTIONS: Final = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
BRINGS_ROUTES: Final = frozenset({"gatewaysubnet", "routeserversubnet"})
"""Azure demands these names of the subnets that a gateway and a route server stand in."""


def route_table(body: Json) -> RouteTable:
    """A route table from its GET, routes in ARM's order and spelling."""
    disabled = get(body, "properties", "disableBgpRoutePropagation")
    return RouteTable(
        id=required_id(body),
        routes=tuple(_route(item) for item in objects(body, "routes")),
        gateway_propagation=not disabled if isinstance(disabled, bool) else None,
    )


def _route(body: Json) -> Route:
    return Route(
        name=text(body, "name"),
        prefix=text(body, "properties", "addressPrefix"),
        next_hop=text(body, "properties", "nextHopType"),
        address=text(body, "properties", "nextHopIpAddress"),
    )


def virtual_network(body: Json) -> VirtualNetwork:
    """A virtual network from its GET. Raises ``Permanent`` for a prefix of its space that is none."""
    return VirtualNetwork(
        id=required_id(body),
        prefixes=_networks(body, get(body, "properties", "addressSpace", "addressPrefixes")),
        dns_servers=dns_servers(get(body, "properties", "dhcpOptions", "dnsServers")),
        peerings=tuple(_peerings(body)),
        odd_peerings=odd_peerings(body),
        learns_routes=_learns_routes(body),
        subnets=tuple(_subnets(body)),
    )


def _peerings(body: Json) -> Iterator[Peering]:
    """A peering works once both ends have it (Connected); one without access only serves a gateway.

    ``remoteVirtualNetworkAddressSpace`` is the other network's space as it is now, ``remoteAddressSpace``
    what the peering has taken over of it: what is routed.
    """
    for one in objects(body, "virtualNetworkPeerings"):
        remote = network_id(get(one, "properties", "remoteVirtualNetwork", "id"))
        connected = text(one, "properties", "peeringState").lower() == "connected"
        accessible = get(one, "properties", "allowVirtualNetworkAccess") is not False
        if remote is not None and connected and accessible:
            yield Peering(
                network=remote,
                prefixes=_space(one, "remote") or _space(one, "remoteVirtualNetwork"),
                whole=get(one, "properties", "peerCompleteVnets") is not False,
            )


def _space(peering: Json, whose: str) -> tuple[IPNetwork, ...]:
    return _readable(get(peering, "properties", f"{whose}AddressSpace", "addressPrefixes"))


def peers(body: Json) -> tuple[ResourceId, ...]:
    """The networks that a network is peered with, from its GET."""
    return tuple(sorted(peering.network for peering in _peerings(body)))


def odd_peerings(body: Json) -> bool:
    """Whether one does not say which network it leads to."""
    peerings = objects(body, "virtualNetworkPeerings")
    return any(network_id(get(one, "properties", "remoteVirtualNetwork", "id")) is None for one in peerings)


def uses_a_peers_gateway(body: Json) -> bool:
    peerings = objects(body, "virtualNetworkPeerings")
    return any(get(one, "properties", "useRemoteGateways") is True for one in peerings)


def _subnets(body: Json) -> Iterator[NetworkSubnet]:
    """The subnets that the network names by an id; one prefix or several, as with the subnet itself."""
    for one in objects(body, "subnets"):
        named, held = parse_resource_id(get(one, "id")), get(one, "properties") or {}
        if named is not None:
            listed = [get(held, "addressPrefix"), *texts(get(held, "addressPrefixes"))]
            yield NetworkSubnet(id=named, prefixes=_readable(listed))


def _readable(found: Json) -> tuple[IPNetwork, ...]:
    """The prefixes among the texts: one that is none is another network's affair, or another subnet's."""
    known = (_network(one) for one in texts(found))
    return tuple(one for one in known if one is not None)


def _network(found: str) -> IPNetwork | None:
    try:
        return ip_network(found, strict=False)
    except ValueError:
        return None


def _learns_routes(body: Json) -> bool:
    """By a gateway or a route server of its own, or by a peering that uses the peer's gateway."""
    names = {text(subnet, "name").lower() for subnet in objects(body, "subnets")}
    return bool(names & BRINGS_ROUTES) or uses_a_peers_gateway(body)


def _networks(body: Json, found: Json) -> tuple[IPNetwork, ...]:
    try:
        return tuple(ip_network(prefix, strict=False) for prefix in texts(found))
    except ValueError as error:
        called = text(body, "name")
        raise Permanent(f"virtual network {called!r}: {error}", code="MalformedAnswer") from error


# --- private endpoints -----------------------------------------------------------------------------


def endpoint_ids(subnet: Json) -> tuple[ResourceId, ...]:
    """The private endpoints that a subnet's body names, whatever they lead to."""
    found = (parse_resource_id(get(item, "id")) for item in objects(subnet, "privateEndpoints"))
    return tuple(one for one in found if one is not None)


def odd_endpoints(subnet: Json) -> dict[ResourceId, str]:
    """Those that it names by nothing that is an id: where each would stand, and what is wrong with it."""
    held = enumerate(listed(get(subnet, "properties", "privateEndpoints")), start=1)
    ids = ((number, get(one, "id")) for number, one in held)
    nameless = [(number, found) for number, found in ids if parse_resource_id(found) is None]
    place = required_id(subnet)
    return {
        place.child("privateEndpoints", f"endpoint-{number}"): wrong(found, "id", "no id")
        for number, found in nameless
    }


def subnet_endpoint(body: Json) -> SubnetEndpoint | None:
    """A private endpoint that leads to a PostgreSQL server; None where it leads elsewhere.

    Its addresses stand in ``customDnsConfigs`` unless a DNS zone group took those over, and in
    ``ipConfigurations`` where they are static; else only its interface knows them (``interface_id``).
    """
    connections = [item for name in _CONNECTIONS for item in objects(body, name)]
    named = (parse_resource_id(get(one, "properties", "privateLinkServiceId")) for one in connections)
    server = next((one for one in named if one is not None and one.type in _SERVER_TYPES), None)
    if server is None:
        return None
    listed = [text for item in objects(body, "customDnsConfigs") for text in texts(get(item, "ipAddresses"))]
    static = [text(item, "properties", "privateIPAddress") for item in objects(body, "ipConfigurations")]
    addresses, odd = addresses_in([*listed, *static])
    return SubnetEndpoint(id=required_id(body), server=server, addresses=addresses, unread=odd)


def interface_id(endpoint: Json) -> ResourceId | None:
    """The network interface of a private endpoint; it has one."""
    found = (parse_resource_id(get(one, "id")) for one in objects(endpoint, "networkInterfaces"))
    return next((one for one in found if one is not None), None)


def interface_addresses(body: Json) -> tuple[tuple[IPv4Address | IPv6Address, ...], str]:
    """The private addresses of a network interface, and what is wrong with the others."""
    configurations = objects(body, "ipConfigurations")
    return addresses_in(text(one, "properties", "privateIPAddress") for one in configurations)


def addresses_in(texts: Iterable[str]) -> tuple[tuple[IPv4Address | IPv6Address, ...], str]:
    """Each address once; and which of the texts are none, in words."""
    found = {one: _address(one) for one in texts if one}
    odd = ", ".join(repr(one) for one, address in found.items() if address is None)
    addresses = dict.fromkeys(address for address in found.values() if address is not None)
    return tuple(addresses), f"{odd} is no address" if odd else ""


def _address(found: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipv4(found) or IPv6Address(found)
    except ValueError:
        return None
