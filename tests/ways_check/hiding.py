"""Parts taken out of a world as a reading lacks them: what is left is what Driftward is asked about.

``KINDS`` are the kinds of parts, each with what takes one away: it gives what is still seen, or the same
where the world has no such part. A network that was not read is missing wherever a reading would show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from random import Random
from typing import Final, TypeAlias

from shared.model import (
    Access,
    Aspect,
    ConnectionStatus,
    PublicAccess,
    ServerSnapshot,
    ServerState,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.networks import VirtualNetwork
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId
from shared.model.rules import OddRule, OddSecurityRule
from shared.posture.ways.world import Client, SubnetClient, World

_WHY: Final = "403 AuthorizationFailed"
_UNSEEN_ZONE: Final = ResourceId(
    "/subscriptions/1c0a52d4-0000-4f0e-8a1c-5d2e9f6b7a80/resourceGroups/dns"
    "/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    world: World
    client: Client


Take: TypeAlias = Callable[[Random, Seen], Seen]


def hide(random: Random, whole: Seen) -> tuple[Seen, tuple[str, ...]]:
    """One to three kinds of parts hidden; the kinds that the world had."""
    seen, most = whole, random.choice([1, 2, 2, 3])
    hidden: list[str] = []
    for kind in random.sample(sorted(KINDS), 12):
        left = KINDS[kind](random, seen)
        if left != seen and len(hidden) < most:
            seen = left
            hidden.append(kind)
    return seen, tuple(sorted(hidden))


# --- of the server ---------------------------------------------------------------------------------


def _with_server(seen: Seen, server: ServerSnapshot) -> Seen:
    return replace(seen, world=replace(seen.world, server=server))


def _at_work(_: Random, seen: Seen) -> Seen:
    server = replace(seen.world.server, state=ServerState.BUSY, state_text="Updating")
    return _with_server(seen, server)


def _public_access(_: Random, seen: Seen) -> Seen:
    server = seen.world.server
    if server.vnet_integrated:
        return seen
    return _with_server(seen, replace(server, public_access=PublicAccess.UNKNOWN))


def _firewall(_: Random, seen: Seen) -> Seen:
    server = seen.world.server
    if server.firewall_rules is None:
        return seen
    unread = {**server.unread, Aspect.FIREWALL_RULES: _WHY}
    return _with_server(seen, replace(server, firewall_rules=None, unread=unread))


def _odd_rule(random: Random, seen: Seen) -> Seen:
    server = seen.world.server
    if server.firewall_rules is None:
        return seen
    inside = IPv4Address("20.40.0.4")
    ends = random.choice([(None, None), (None, inside), (inside, None), (inside, IPv4Address("20.40.0.2"))])
    ends = random.choice([ends, (None, IPv4Address(0))])
    odd = OddRule(name="odd", field="startIpAddress", why="it cannot be read", start=ends[0], end=ends[1])
    return _with_server(seen, replace(server, odd_rules=(odd,)))


def _network_rules(_: Random, seen: Seen) -> Seen:
    server = seen.world.server
    if server.virtual_network_rules is None:
        return seen
    unread = {**server.unread, Aspect.VIRTUAL_NETWORK_RULES: _WHY}
    return _with_server(seen, replace(server, virtual_network_rules=None, unread=unread))


def _connections(_: Random, seen: Seen) -> Seen:
    """Then neither the endpoints nor their subnets are asked for."""
    server, dns = seen.world.server, seen.world.server.private_dns
    if server.vnet_integrated or server.private_endpoints is None:
        return seen
    left = replace(dns, endpoints=()) if dns is not None else None
    return _with_server(seen, replace(server, private_endpoints=None, private_dns=left, places=()))


def _unseen_endpoint(random: Random, seen: Seen) -> Seen:
    """An approved endpoint of which nothing was read."""
    server, dns = seen.world.server, seen.world.server.private_dns
    if dns is None or not dns.endpoints:
        return seen
    one = random.choice(dns.endpoints)
    left = replace(dns, endpoints=tuple(other for other in dns.endpoints if other is not one))
    places = tuple(place for place in server.places or () if place.id != one.subnet)
    return _with_server(seen, replace(server, private_dns=left, places=places))


def _status(random: Random, seen: Seen) -> Seen:
    """A connection in no known state is none that was approved: its endpoint is not asked for."""
    server, dns = seen.world.server, seen.world.server.private_dns
    if not server.private_endpoints or dns is None:
        return seen
    one = random.choice(server.private_endpoints)
    odd = replace(one, status=ConnectionStatus.UNKNOWN)
    left = [endpoint for endpoint in dns.endpoints if endpoint.id != one.endpoint]
    changed = replace(
        server,
        private_endpoints=tuple(odd if other is one else other for other in server.private_endpoints),
        private_dns=replace(dns, endpoints=tuple(left)),
        places=tuple(place for place in server.places or () if place.id in {end.subnet for end in left}),
    )
    return _with_server(seen, changed)


# --- of private DNS --------------------------------------------------------------------------------


def _with_dns(seen: Seen, dns: PrivateDns | None) -> Seen:
    return _with_server(seen, replace(seen.world.server, private_dns=dns))


def _dns(_: Random, seen: Seen) -> Seen:
    """Then it is not known either where the endpoints are."""
    server = seen.world.server
    if server.private_dns is None:
        return seen
    places = server.places if server.vnet_integrated else ()
    unread = {**server.unread, Aspect.PRIVATE_DNS: _WHY}
    return _with_server(seen, replace(server, private_dns=None, places=places, unread=unread))


def _found(_: Random, seen: Seen) -> Seen:
    dns = seen.world.server.private_dns
    return _with_dns(seen, replace(dns, found=None)) if dns is not None and dns.found is not None else seen


def _unseen_zone(_: Random, seen: Seen) -> Seen:
    dns = seen.world.server.private_dns
    if dns is None or not dns.found:
        return seen
    return _with_dns(seen, replace(dns, found=tuple(dict.fromkeys((*dns.found, _UNSEEN_ZONE)))))


def _one_zone(random: Random, seen: Seen, change: Callable[[DnsZone], DnsZone]) -> Seen:
    dns = seen.world.server.private_dns
    zones = [zone for zone in dns.zones if zone.exists] if dns is not None else []
    if dns is None or not zones:
        return seen
    one = random.choice(zones)
    return _with_dns(
        seen, replace(dns, zones=tuple(change(zone) if zone is one else zone for zone in dns.zones))
    )


def _zone(random: Random, seen: Seen) -> Seen:
    return _one_zone(
        random, seen, lambda zone: replace(zone, exists=None, links=None, record=None, unread=_WHY)
    )


def _links(random: Random, seen: Seen) -> Seen:
    return _one_zone(random, seen, lambda zone: replace(zone, links=None, unread=_WHY))


def _record(random: Random, seen: Seen) -> Seen:
    if seen.world.server.vnet_integrated:
        return seen
    return _one_zone(random, seen, lambda zone: replace(zone, record=None, unread=_WHY))


def _link_state(random: Random, seen: Seen) -> Seen:
    return _one_zone(random, seen, lambda zone: _with_link(random, zone, state="InProgress"))


def _link_network(random: Random, seen: Seen) -> Seen:
    return _one_zone(random, seen, lambda zone: replace(zone, links=_one_astray(random, zone.links)))


def _one_astray(random: Random, links: tuple[ZoneLink, ...] | None) -> tuple[ZoneLink, ...] | None:
    one = random.choice(links) if links else None
    return links and tuple(replace(link, network=None) if link is one else link for link in links)


def _link_policy(random: Random, seen: Seen) -> Seen:
    if seen.world.server.vnet_integrated:
        return seen
    return _one_zone(random, seen, lambda zone: _with_link(random, zone, resolution_policy="Sometimes"))


def _with_link(random: Random, zone: DnsZone, **parts: str) -> DnsZone:
    if not zone.links:
        return zone
    one = random.choice(zone.links)
    changed = ZoneLink(
        name=one.name,
        network=one.network,
        state=parts.get("state", one.state),
        resolution_policy=parts.get("resolution_policy", one.resolution_policy),
    )
    return replace(zone, links=tuple(changed if link is one else link for link in zone.links))


def _endpoint(random: Random, seen: Seen, change: Callable[[EndpointDns], EndpointDns]) -> Seen:
    dns = seen.world.server.private_dns
    if dns is None or not dns.endpoints:
        return seen
    one = random.choice(dns.endpoints)
    return _with_dns(
        seen, replace(dns, endpoints=tuple(change(end) if end is one else end for end in dns.endpoints))
    )


def _address(random: Random, seen: Seen) -> Seen:
    """Neither the endpoint nor its subnet shows it."""
    shown = _endpoint(random, seen, lambda end: replace(end, addresses=None, unread=_WHY))
    dns, places = shown.world.server.private_dns, shown.world.server.places
    missing = {end.id for end in dns.endpoints if end.addresses is None} if dns is not None else set()
    return _with_server(
        shown, replace(shown.world.server, places=places and tuple(_shy(p, missing) for p in places))
    )


def _shy(place: SubnetSnapshot, missing: set[ResourceId]) -> SubnetSnapshot:
    held = place.private_endpoints or ()
    left = tuple(replace(end, addresses=(), unread=_WHY) if end.id in missing else end for end in held)
    return replace(place, private_endpoints=left)


# --- of subnets and networks -----------------------------------------------------------------------


def _places(random: Random, seen: Seen) -> Seen:
    server = seen.world.server
    if not server.places:
        return seen
    if random.random() < 0.5:
        return _with_server(seen, replace(server, places=server.places[1:]))
    return _with_server(seen, replace(server, places=None, unread={**server.unread, Aspect.PLACES: _WHY}))


def _subnet(random: Random, seen: Seen, change: Callable[[SubnetSnapshot], SubnetSnapshot]) -> Seen:
    """A subnet of the client's or the server's; where it is both it is the same reading."""
    client, places = seen.client, seen.world.server.places or ()
    subnets = {
        one.id: one for one in (*places, *([client.subnet] if isinstance(client, SubnetClient) else []))
    }
    if not subnets:
        return seen
    one = change(subnets[random.choice(sorted(subnets))])
    server = replace(
        seen.world.server, places=tuple(one if one.id == place.id else place for place in places)
    )
    if isinstance(client, SubnetClient) and client.subnet.id == one.id:
        client = replace(client, subnet=one)
    unasked = seen.world.server.places is None
    return Seen(world=seen.world if unasked else replace(seen.world, server=server), client=client)


def _group(random: Random, seen: Seen) -> Seen:
    return _subnet(
        random,
        seen,
        lambda subnet: replace(
            subnet, security_group=None, unread={**subnet.unread, Aspect.SECURITY_GROUP: _WHY}
        ),
    )


def _changing(random: Random, seen: Seen) -> Seen:
    def change(subnet: SubnetSnapshot) -> SubnetSnapshot:
        group = subnet.security_group
        return replace(subnet, security_group=replace(group, updating=True)) if group else subnet

    return _subnet(random, seen, change)


def _odd_security_rule(random: Random, seen: Seen) -> Seen:
    """Of a rule in the NSG the access cannot be read."""

    def change(subnet: SubnetSnapshot) -> SubnetSnapshot:
        group = subnet.security_group
        if group is None or not group.rules:
            return subnet
        one = random.choice(group.rules)
        may_be = tuple(replace(one, access=access, priority=0) for access in Access)
        odd = OddSecurityRule(name=one.name, field="access", why="access is 'Perhaps'", may_be=may_be)
        left = tuple(rule for rule in group.rules if rule is not one)
        return replace(subnet, security_group=replace(group, rules=left, odd_rules=(odd,)))

    return _subnet(random, seen, change)


def _odd_route(random: Random, seen: Seen) -> Seen:
    def change(subnet: SubnetSnapshot) -> SubnetSnapshot:
        table = subnet.route_table
        if table is None or not table.routes:
            return subnet
        odd = replace(table.routes[0], prefix="10.0.0.0/33")
        return replace(subnet, route_table=replace(table, routes=(odd, *table.routes[1:])))

    return _subnet(random, seen, change)


def _table(random: Random, seen: Seen) -> Seen:
    def without(subnet: SubnetSnapshot) -> SubnetSnapshot:
        if subnet.route_table_id is None:
            return subnet
        return replace(subnet, route_table=None, unread={**subnet.unread, Aspect.ROUTES: _WHY})

    return _subnet(random, seen, without)


def _mode(random: Random, seen: Seen) -> Seen:
    return _subnet(random, seen, lambda subnet: replace(subnet, endpoint_network_policies="Perhaps"))


def _service_endpoints(_: Random, seen: Seen) -> Seen:
    client = seen.client
    if seen.world.server.kind is not TargetKind.SINGLE_SERVER or not isinstance(client, SubnetClient):
        return seen
    return replace(seen, client=replace(client, subnet=replace(client.subnet, service_endpoints=None)))


def _networks(random: Random, seen: Seen, change: Callable[[VirtualNetwork], VirtualNetwork | None]) -> Seen:
    """One network, in every place where it would be read."""
    if not seen.world.networks:
        return seen
    one = random.choice(seen.world.networks)
    changed = change(one)

    def met(subnet: SubnetSnapshot) -> SubnetSnapshot:
        if subnet.virtual_network is None or subnet.virtual_network.id != one.id:
            return subnet
        unread = subnet.unread if changed else {**subnet.unread, Aspect.VIRTUAL_NETWORK: _WHY}
        return replace(subnet, virtual_network=changed, unread=unread)

    server, client = seen.world.server, seen.client
    if isinstance(client, SubnetClient):
        client = replace(client, subnet=met(client.subnet))
    dns = server.private_dns if changed else _unasked(server.private_dns, one.id)
    places = server.places and tuple(map(met, server.places))
    left = [changed if network is one else network for network in seen.world.networks]
    world = replace(
        seen.world,
        server=replace(server, places=places, private_dns=dns),
        networks=tuple(network for network in left if network is not None),
    )
    return Seen(world=world, client=client)


def _unasked(dns: PrivateDns | None, network: ResourceId) -> PrivateDns | None:
    """Whose resolver answers in the network is not known then."""
    if dns is None:
        return None

    def met(found: NetworkDns | None) -> NetworkDns | None:
        return replace(found, dns_servers=None, unread=_WHY) if found and found.id == network else found

    endpoints = tuple(replace(end, network=met(end.network)) for end in dns.endpoints)
    return replace(dns, endpoints=endpoints, network=met(dns.network))


def _network(random: Random, seen: Seen) -> Seen:
    return _networks(random, seen, lambda network: None)


def _learns(random: Random, seen: Seen) -> Seen:
    return _networks(random, seen, lambda network: replace(network, learns_routes=None))


def _admin(random: Random, seen: Seen) -> Seen:
    return _networks(random, seen, lambda network: replace(network, admin_rules=None, admin_unread=_WHY))


KINDS: Final[Mapping[str, Take]] = {
    "access of a security rule": _odd_security_rule,
    "address of an endpoint": _address,
    "admin rules": _admin,
    "connections": _connections,
    "endpoint": _unseen_endpoint,
    "firewall rules": _firewall,
    "learned routes": _learns,
    "links of a zone": _links,
    "network": _network,
    "network of a link": _link_network,
    "network policies of endpoints": _mode,
    "NSG": _group,
    "NSG that changes": _changing,
    "odd firewall rule": _odd_rule,
    "private DNS": _dns,
    "prefix of a route": _odd_route,
    "public access": _public_access,
    "record": _record,
    "resolution policy of a link": _link_policy,
    "route table": _table,
    "server at work": _at_work,
    "service endpoints": _service_endpoints,
    "state of a connection": _status,
    "state of a link": _link_state,
    "subnets of the server": _places,
    "virtual network rules": _network_rules,
    "zone": _zone,
    "zone that is not seen": _unseen_zone,
    "zones of the name": _found,
}
