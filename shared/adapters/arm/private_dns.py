"""How a server's name resolves privately: endpoints, zones, links and records, and the locks on a zone.

Reading is dear here, so it follows one path. Of a server with private endpoints: the zone group of each
endpoint (which zones, and with which address), one question to Resource Graph for all of them, then per
zone its links and the server's A record: four requests for one endpoint. The endpoint itself is read only
where its zone group does not tell the address. Of a VNet-integrated server: the links of its zone and the
network of its subnet.

Resource Graph says where to look: in which network an endpoint is (it cannot move), which zones of the
prescribed name exist, in whatever subscription we may read, a central one among them. It also tells a
network's own DNS servers, which only ever make a judgement ``Unknown``. What is judged was read from ARM.

A piece that is refused keeps its reason beside it; the rest is read all the same. What must not live here:
which zone, link or record is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import AddressValueError, IPv4Address
from typing import Final, TypeVar
from urllib.parse import quote

from azure.core.rest import HttpRequest

from shared.adapters.arm import wire
from shared.adapters.arm.graph import PAGE_ROWS
from shared.adapters.arm.parts import why
from shared.adapters.arm.session import Hooks, Session, body_of
from shared.model import Aspect, ConnectionStatus, Json, ServerSnapshot
from shared.model.dns_names import canonical, endpoint_zone_name, record_name
from shared.model.errors import Denied, Gone, Locked, Permanent, Stopped
from shared.model.parts import (
    DnsZone,
    EndpointDns,
    ManagementLock,
    NetworkDns,
    PrivateDns,
    ZoneConfig,
    ZoneLink,
)
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

MOST_ENDPOINTS: Final = 2
MOST_ZONES: Final = 2
"""A server's endpoints share one zone as a rule; a second one is read, further ones are not."""
LOCKS_VERSION: Final = "2020-05-01"

_MOST_LINKS: Final = 1000
"""As many as a zone can have: one page."""
_MOST_PAGES: Final = 20
_NETWORK: Final = "microsoft.network/virtualnetworks"
_ENDPOINT: Final = "microsoft.network/privateendpoints"
_ZONE: Final = "microsoft.network/privatednszones"

_T = TypeVar("_T")


@value
class _Seen:
    """What Resource Graph shows: the network of each endpoint, the DNS servers of each network, the zones."""

    networks: Mapping[ResourceId, ResourceId]
    dns_servers: Mapping[ResourceId, tuple[str, ...]]
    zones: tuple[ResourceId, ...] | None
    unread: str = ""


def private_dns(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with its private DNS. Raises ``Permanent`` for a server without a usable host name."""
    if server.vnet_integrated:
        return replace(server, private_dns=_of_own_zone(session, server))
    connections = [c for c in server.private_endpoints or () if c.status is ConnectionStatus.APPROVED]
    if not connections:
        return replace(server, private_dns=PrivateDns())
    if not endpoint_zone_name(server.host_name):
        raise Permanent(f"the server's host name is {server.host_name!r}", code="MalformedAnswer")
    named = sorted({c.endpoint for c in connections if c.endpoint is not None})
    looked_at = named[:MOST_ENDPOINTS]
    found = replace(server, private_dns=_of_endpoints(session, server, looked_at) if named else PrivateDns())
    missed = sum(connection.endpoint not in looked_at for connection in connections)
    if not missed:
        return found
    told = f"{missed} of {len(connections)} approved private endpoints were not looked at"
    return replace(found, unread={**found.unread, Aspect.PRIVATE_DNS: told})


def dns_locks(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the locks at, above and below its private DNS zone; none without a zone."""
    zone = server.private_dns_zone
    return replace(server, dns_locks=tuple(_locks(session, zone)) if zone is not None else ())


# --- a server in a subnet --------------------------------------------------------------------------


def _of_own_zone(session: Session, server: ServerSnapshot) -> PrivateDns:
    zone, subnet = server.private_dns_zone, server.delegated_subnet
    if zone is None or subnet is None or subnet.parent is None:
        return PrivateDns()
    return PrivateDns(
        zones=(_with_links(session, DnsZone(id=zone)),), network=_network(session, subnet.parent)
    )


def _network(session: Session, network: ResourceId) -> NetworkDns:
    client = session.clients.network(network.subscription)
    version = session.clients.versions.network
    body, refused = _tried(
        lambda: session.ask(
            lambda hooks: client.virtual_networks.get(
                network.resource_group, network.name, api_version=version, cls=body_of, **hooks
            )
        )
    )
    servers = None if body is None else _texts(wire.get(body, "properties", "dhcpOptions", "dnsServers"))
    return NetworkDns(id=network, dns_servers=servers, unread=refused)


# --- a server with private endpoints ---------------------------------------------------------------


def _of_endpoints(session: Session, server: ServerSnapshot, ids: Sequence[ResourceId]) -> PrivateDns:
    name, label = endpoint_zone_name(server.host_name), record_name(server.host_name)
    grouped = [_with_group(session, EndpointDns(id=endpoint), name, label) for endpoint in ids]
    seen = _seen(session, ids, name)
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


def _zones_to_read(grouped: Iterable[EndpointDns], seen: _Seen, name: str) -> list[ResourceId]:
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
        return [group.as_dict() for group in pages]

    bodies, refused = _tried(lambda: session.ask(listed))
    if bodies is None:
        return replace(endpoint, unread=refused)
    configs = [one for body in bodies for one in wire.get(body, "properties", "privateDnsZoneConfigs") or ()]
    zones = [(parse_resource_id(wire.get(one, "properties", "privateDnsZoneId")), one) for one in configs]
    written = [one for zone, one in zones if zone is not None and canonical(zone.name) == name]
    return replace(
        endpoint,
        group=next((wire.text(body, "name") for body in bodies), ""),
        group_zones=tuple(dict.fromkeys(zone for zone, _ in zones if zone is not None)),
        group_configs=tuple(_zone_configs(zones)),
        addresses=_addresses(text for one in written for text in _group_addresses(one, label)) or None,
    )


def _zone_configs(zones: Iterable[tuple[ResourceId | None, Json]]) -> Iterator[ZoneConfig]:
    for zone, config in zones:
        if zone is not None and (name := wire.text(config, "name")):
            yield ZoneConfig(name=name, zone=zone)


def _group_addresses(config: Json, label: str) -> Iterable[Json]:
    for record in wire.get(config, "properties", "recordSets") or ():
        if _is_of(record, label):
            yield from wire.get(record, "ipAddresses") or ()


def _is_of(named: Json, label: str) -> bool:
    """Whether a record or a DNS entry of an endpoint is the server's own."""
    return record_name(wire.text(named, "recordSetName") or wire.text(named, "fqdn")) == label


def _placed(endpoint: EndpointDns, seen: _Seen) -> EndpointDns:
    network = seen.networks.get(endpoint.id)
    if network is None:
        told = endpoint.unread or seen.unread
        return replace(endpoint, unread=told)
    return replace(endpoint, network=_network_seen(network, seen))


def _network_seen(network: ResourceId, seen: _Seen) -> NetworkDns:
    servers = seen.dns_servers.get(network)
    return NetworkDns(id=network, dns_servers=servers, unread="" if servers is not None else seen.unread)


def _with_address(session: Session, endpoint: EndpointDns, label: str, seen: _Seen) -> EndpointDns:
    """The endpoint read itself: for its address, and then for its network too."""
    where = endpoint.id
    client = session.clients.network(where.subscription)
    version = session.clients.versions.network
    body, refused = _tried(
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
    subnet = parse_resource_id(wire.get(body, "properties", "subnet", "id"))
    network = subnet.parent if subnet is not None else None
    return replace(
        endpoint,
        addresses=_own_addresses(wire.get(body, "properties"), label) or None,
        network=_network_seen(network, seen) if network is not None else endpoint.network,
    )


def _own_addresses(properties: Json, label: str) -> tuple[IPv4Address, ...]:
    """An endpoint's addresses: of its interface, or as its owner fixed them, or as it shows them for DNS.

    Without ``$expand`` an interface is its id alone.
    """
    interfaces = wire.get(properties, "networkInterfaces") or ()
    configured = [*_configurations(interfaces), *(wire.get(properties, "ipConfigurations") or ())]
    found = _addresses(wire.get(one, "properties", "privateIPAddress") for one in configured)
    shown = (one for one in wire.get(properties, "customDnsConfigs") or () if _is_of(one, label))
    return found or _addresses(text for one in shown for text in wire.get(one, "ipAddresses") or ())


def _configurations(interfaces: Iterable[Json]) -> Iterable[Json]:
    return (one for nic in interfaces for one in wire.get(nic, "properties", "ipConfigurations") or ())


# --- zones -----------------------------------------------------------------------------------------


def _with_links(session: Session, zone: DnsZone) -> DnsZone:
    where = zone.id
    client = session.clients.private_dns(where.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.virtual_network_links.list(where.resource_group, where.name, top=_MOST_LINKS, **hooks)
        return [link.as_dict() for link in pages]

    try:
        bodies, refused = _tried(lambda: session.ask(listed), gone_is_told=False)
    except Gone:
        return replace(zone, exists=False)
    if bodies is None:
        return replace(zone, unread=refused)
    return replace(zone, exists=True, links=tuple(_link(body) for body in bodies))


def _link(body: Json) -> ZoneLink:
    return ZoneLink(
        name=wire.text(body, "name"),
        network=parse_resource_id(wire.get(body, "properties", "virtualNetwork", "id")),
        state=wire.text(body, "properties", "virtualNetworkLinkState"),
    )


def _with_record(session: Session, zone: DnsZone, label: str) -> DnsZone:
    where = zone.id
    client = session.clients.private_dns(where.subscription)
    try:
        body, refused = _tried(
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
    held = wire.get(body, "properties", "aRecords") or ()
    return replace(zone, record=_addresses(wire.get(one, "ipv4Address") for one in held))


def _locks(session: Session, zone: ResourceId) -> Iterable[ManagementLock]:
    """The list at a resource holds what is inherited from its group and its subscription as well."""
    link = f"{session.clients.endpoint}{quote(str(zone), safe='/')}/providers/Microsoft.Authorization/locks"
    link = f"{link}?api-version={LOCKS_VERSION}"
    for _ in range(_MOST_PAGES):
        page = session.ask(partial(_page, session, link))
        for body in wire.get(page, "value") or ():
            yield _lock(body)
        link = wire.text(page, "nextLink")
        if not link:
            return
    raise Permanent("the list of locks has no end", code="MalformedAnswer")


def _lock(body: Json) -> ManagementLock:
    scope, _, name = wire.text(body, "id").rpartition("/providers/")
    return ManagementLock(
        name=name.rpartition("/")[2], level=wire.text(body, "properties", "level"), scope=scope
    )


def _page(session: Session, link: str, hooks: Hooks) -> Json:
    response = session.clients.pipeline().send_request(HttpRequest("GET", link), **hooks)
    response.raise_for_status()
    return response.json()


# --- Resource Graph --------------------------------------------------------------------------------


def _seen(session: Session, endpoints: Sequence[ResourceId], name: str) -> _Seen:
    rows, refused = _tried(lambda: session.ask(partial(_rows, session, _query(endpoints, name))))
    if rows is None:
        return _Seen(networks={}, dns_servers={}, zones=None, unread=refused)
    by_type: dict[str, list[Json]] = {}
    for row in rows:
        by_type.setdefault(wire.text(row, "type").lower(), []).append(row)
    subnets = {
        wire.required_id(row): parse_resource_id(wire.get(row, "subnet"))
        for row in by_type.get(_ENDPOINT, ())
    }
    return _Seen(
        networks={e: s.parent for e, s in subnets.items() if s is not None and s.parent is not None},
        dns_servers={
            wire.required_id(row): _texts(wire.get(row, "dnsServers")) for row in by_type.get(_NETWORK, ())
        },
        zones=tuple(sorted(wire.required_id(row) for row in by_type.get(_ZONE, ()))),
        unread="Resource Graph does not show it to our identity",
    )


def _query(endpoints: Sequence[ResourceId], name: str) -> str:
    """Endpoints, the networks of their subscriptions (Azure keeps both in one) and the zones of a name."""
    subscriptions = _listed(sorted({endpoint.subscription.lower() for endpoint in endpoints}))
    return (
        f"resources | where (type =~ '{_ENDPOINT}' and id in~ ({_listed(map(str, endpoints))}))"
        f" or (type =~ '{_NETWORK}' and subscriptionId in~ ({subscriptions}))"
        f" or (type =~ '{_ZONE}' and name =~ {_listed([name])})"
        " | project id, type, subnet = properties.subnet.id,"
        " dnsServers = properties.dhcpOptions.dnsServers | order by type asc, id asc"
    )


def _listed(texts: Iterable[str]) -> str:
    """KQL strings: backslash and quote are the only characters that need escaping."""
    escaped = (text.replace("\\", "\\\\").replace("'", "\\'") for text in texts)
    return ", ".join(f"'{text}'" for text in escaped)


def _rows(session: Session, query: str, hooks: Hooks) -> list[Json]:
    """One page, zones and endpoints first: a network beyond it is one whose DNS servers are not known.

    No subscription is named, so that every one is asked that our identity may read.
    """
    from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

    options = QueryRequestOptions(top=PAGE_ROWS, result_format="objectArray")
    request = QueryRequest(query=query, options=options)
    answer = session.clients.graph().resources(request, cls=body_of, **hooks)
    return list(wire.get(answer, "data") or [])


# --- small readings --------------------------------------------------------------------------------


def _tried(ask: Callable[[], _T], *, gone_is_told: bool = True) -> tuple[_T | None, str]:
    """What was asked for, or None with the reason; what passes is raised, as everywhere."""
    try:
        return ask(), ""
    except Gone as error:
        if not gone_is_told:
            raise
        return None, why(error)
    except (Denied, Locked, Permanent, Stopped) as error:
        return None, why(error)


def _texts(found: Json) -> tuple[str, ...]:
    return tuple(text for text in found or () if isinstance(text, str) and text)


def _addresses(texts: Iterable[Json]) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses among the texts, in order of number; IPv6 is not what an A record holds."""
    return tuple(sorted({found for text in texts if (found := _address(text)) is not None}))


def _address(text: Json) -> IPv4Address | None:
    try:
        return IPv4Address(text) if isinstance(text, str) else None
    except AddressValueError:
        return None
