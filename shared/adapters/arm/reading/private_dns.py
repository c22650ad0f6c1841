"""How a server's name resolves privately: endpoints, zones, links and records.

Reading is dear here, so it follows one path. Of a server with private endpoints: the zone group of each
endpoint (which zones, and with which address), one question to Resource Graph for all of them, then per
zone its links and the server's A record: four requests for one endpoint. The endpoint itself is read only
where its zone group does not tell the address. Of a VNet-integrated server: the links of its zone and the
network of its subnet.

What is judged was read from ARM; where to look is asked of Resource Graph (``private_dns_places``).

A piece that is refused keeps its reason beside it; the rest is read all the same. What must not live here:
which zone, link or record is right, the reading of JSON (``wire``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from shared.adapters.arm.reading import network_resources, private_dns_places
from shared.adapters.arm.reading.optional_parts import tried
from shared.adapters.arm.reading.private_dns_places import Seen
from shared.adapters.arm.session.session import Hooks, Session, bodies_of, body_of
from shared.adapters.arm.wire import dns, fields
from shared.model import Aspect, ConnectionStatus, Json, PrivateEndpointConnection, ServerSnapshot
from shared.model.dns_names import canonical, endpoint_zone_name, record_name
from shared.model.errors import Gone, Permanent
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns
from shared.model.resource_id import ResourceId, parse_resource_id

MOST_ENDPOINTS: Final = 2
MOST_ZONES: Final = 2
"""A server's endpoints share one zone as a rule; a second one is read, further ones are not."""
_MOST_LINKS: Final = 1000
"""As many as a zone can have: one page."""


def private_dns(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with its private DNS. Raises ``Permanent`` for a server without a usable host name."""
    if server.vnet_integrated:
        return replace(server, private_dns=_of_own_zone(session, server))
    if not approved(server):
        return replace(server, private_dns=PrivateDns())
    if not endpoint_zone_name(server.host_name):
        raise Permanent(f"the server's host name is {server.host_name!r}", code="MalformedAnswer")
    named, missed = looked_at(server)
    found = replace(server, private_dns=_of_endpoints(session, server, named) if named else PrivateDns())
    return replace(found, unread={**found.unread, Aspect.PRIVATE_DNS: missed}) if missed else found


def approved(server: ServerSnapshot) -> list[PrivateEndpointConnection]:
    return [c for c in server.private_endpoints or () if c.status is ConnectionStatus.APPROVED]


def looked_at(server: ServerSnapshot) -> tuple[list[ResourceId], str]:
    """The approved endpoints that are looked at, in order, and how many are not, in words."""
    connections = approved(server)
    named = sorted({c.endpoint for c in connections if c.endpoint is not None})[:MOST_ENDPOINTS]
    missed = sum(connection.endpoint not in named for connection in connections)
    told = f"{missed} of {len(connections)} approved private endpoints were not looked at"
    return named, told if missed else ""


# --- a server in a subnet --------------------------------------------------------------------------


def _of_own_zone(session: Session, server: ServerSnapshot) -> PrivateDns:
    zone, subnet = server.private_dns_zone, server.delegated_subnet
    if zone is None or subnet is None or subnet.parent is None:
        return PrivateDns()
    return PrivateDns(
        zones=(_with_links(session, DnsZone(id=zone)),), network=_network(session, subnet.parent)
    )


def _network(session: Session, network: ResourceId) -> NetworkDns:
    body, refused = tried(lambda: network_resources.virtual_network(session, network))
    servers = (
        None if body is None else dns.dns_servers(fields.get(body, "properties", "dhcpOptions", "dnsServers"))
    )
    return NetworkDns(id=network, dns_servers=servers, unread=refused)


# --- a server with private endpoints ---------------------------------------------------------------


def _of_endpoints(session: Session, server: ServerSnapshot, ids: Sequence[ResourceId]) -> PrivateDns:
    name, label = endpoint_zone_name(server.host_name), record_name(server.host_name)
    grouped = [_with_group(session, EndpointDns(id=endpoint), name, label) for endpoint in ids]
    seen = private_dns_places.seen(session, ids, name)
    wanted = _zones_to_read(grouped, seen, name)
    placed = [_placed(endpoint, seen) for endpoint in grouped]
    if wanted:
        placed = [one if one.addresses else _with_address(session, one, label, seen) for one in placed]
    zones = (_with_links(session, DnsZone(id=zone)) for zone in wanted)
    return PrivateDns(
        endpoints=tuple(placed),
        zones=tuple(_with_record(session, zone, label) if zone.exists else zone for zone in zones),
        found=seen.zones,
    )


def _zones_to_read(grouped: Iterable[EndpointDns], seen: Seen, name: str) -> list[ResourceId]:
    """The zones of the right name that zone groups name; where one names none, those that exist."""
    wanted: dict[ResourceId, None] = {}
    without = False
    for endpoint in grouped:
        right = [zone for zone in endpoint.group_zones or () if canonical(zone.name) == name]
        wanted.update(dict.fromkeys(right))
        without = without or not right
    if without:
        wanted.update(dict.fromkeys(seen.zones or ()))
    return list(wanted)[:MOST_ZONES]


def _with_group(session: Session, endpoint: EndpointDns, name: str, label: str) -> EndpointDns:
    """The endpoint with what its zone group names, and with the address that the group writes."""
    where = endpoint.id
    client = session.clients.network(where.subscription)
    version = session.clients.versions.network

    def listed(hooks: Hooks) -> list[Json]:
        groups = client.private_dns_zone_groups
        pages = groups.list(where.name, where.resource_group, api_version=version, **hooks)
        return bodies_of(pages)

    bodies, refused = tried(lambda: session.ask(listed))
    if bodies is None:
        return replace(endpoint, unread=refused)
    return dns.grouped(endpoint, bodies, name, label)


def _placed(endpoint: EndpointDns, seen: Seen) -> EndpointDns:
    subnet = seen.subnets.get(endpoint.id)
    if subnet is None:
        return replace(endpoint, unread=endpoint.unread or seen.unread)
    return _in_subnet(endpoint, subnet, seen)


def _in_subnet(endpoint: EndpointDns, subnet: ResourceId, seen: Seen) -> EndpointDns:
    network = subnet.parent
    known = _network_seen(network, seen) if network is not None else None
    return replace(endpoint, subnet=subnet, network=known)


def _network_seen(network: ResourceId, seen: Seen) -> NetworkDns:
    return seen.by_id.get(network) or NetworkDns(id=network, unread=seen.unread)


def _with_address(session: Session, endpoint: EndpointDns, label: str, seen: Seen) -> EndpointDns:
    """The endpoint read itself: for its address, and then for its network too."""
    read = endpoint_itself(session, endpoint, label)
    return _in_subnet(read, read.subnet, seen) if read.subnet is not None else read


def endpoint_itself(session: Session, endpoint: EndpointDns, label: str) -> EndpointDns:
    """The endpoint with its subnet and its addresses, from its own GET; or with why that was refused."""
    where = endpoint.id
    client = session.clients.network(where.subscription)
    version = session.clients.versions.network
    body, refused = tried(
        lambda: session.ask(
            lambda hooks: client.private_endpoints.get(
                where.resource_group,
                where.name,
                expand="networkInterfaces",
                api_version=version,
                cls=body_of,
                **hooks,
            )
        )
    )
    if body is None:
        return replace(endpoint, unread=endpoint.unread or refused)
    return replace(
        endpoint,
        addresses=dns.own_addresses(fields.get(body, "properties"), label) or endpoint.addresses,
        subnet=parse_resource_id(fields.get(body, "properties", "subnet", "id")) or endpoint.subnet,
    )


# --- zones -----------------------------------------------------------------------------------------


def _with_links(session: Session, zone: DnsZone) -> DnsZone:
    where = zone.id
    client = session.clients.private_dns(where.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.virtual_network_links.list(where.resource_group, where.name, top=_MOST_LINKS, **hooks)
        return bodies_of(pages)

    try:
        bodies, refused = tried(lambda: session.ask(listed), gone_is_told=False)
    except Gone:
        return replace(zone, exists=False)
    if bodies is None:
        return replace(zone, unread=refused)
    return replace(zone, exists=True, links=tuple(dns.zone_link(body) for body in bodies))


def _with_record(session: Session, zone: DnsZone, label: str) -> DnsZone:
    where = zone.id
    client = session.clients.private_dns(where.subscription)
    try:
        body, refused = tried(
            lambda: session.ask(
                lambda hooks: client.record_sets.get(
                    where.resource_group, where.name, "A", label, cls=body_of, **hooks
                )
            ),
            gone_is_told=False,
        )
    except Gone:
        return replace(zone, record=())
    if body is None:
        return replace(zone, unread=zone.unread or refused)
    record, odd = dns.zone_record(body)
    return replace(zone, record=record, odd_record=odd)
