"""What the server's name resolves to for a client, as a chain of look-ups, in one completion.

"`NAME.postgres…` → `NAME.privatelink.postgres…`", where a zone's record answers, or else "the alias goes on:
`NAME.rs-<15 characters>.postgres…` → the public endpoint". The quoted sentences are those of docs/ways.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final, Literal, TypeAlias

from shared.model import ConnectionStatus, PrivateEndpointConnection, ServerSnapshot
from shared.model.parts import DnsZone, ZoneLink
from shared.model.resource_id import ResourceId
from shared.posture.ways.world import AnyAzure, NetworkClient, PublicClient, SubnetClient
from tests.ways_check.surroundings import Surroundings, network_of

PUBLIC: Final = "the public endpoint"
Answer: TypeAlias = int | Literal["the public endpoint"] | None
_AZURE: Final = "168.63.129.16"
_ELSEWHERE: Final = int(IPv4Address("10.200.0.9"))
"""Another address than anything of these worlds has."""
_UNSEEN: Final = "a zone that was not read"


def resolve(here: Surroundings) -> Answer:
    if here.world.server.vnet_integrated:
        return _in_own_zone(here)
    if isinstance(here.client, PublicClient | AnyAzure):
        return PUBLIC  # "as in every network without such a link, the alias goes on"
    if not _has_alias(here):
        return PUBLIC  # "the public endpoint at once; private zones do not matter"
    network = client_network(here)
    if network is None or not _asks_azure(here, network):
        return _of_own_servers(here)
    return _from_link(here, *_link_of(here, network))


def client_network(here: Surroundings) -> ResourceId | None:
    """None for a client in no network of Azure's."""
    match here.client:
        case SubnetClient(subnet=subnet):
            return network_of(subnet.id)
        case NetworkClient(network=network):
            return network
    return None


def _asks_azure(here: Surroundings, network: ResourceId) -> bool:
    """Not "DNS servers of its own (`dhcpOptions.dnsServers` other than 168.63.129.16)"."""
    found = here.network(network)
    if found is None:
        return here.choose(f"{network.name} asks Azure's resolver", True, False)
    return set(found.dns_servers) <= {_AZURE}


# --- VNet-integrated -------------------------------------------------------------------------------


def _in_own_zone(here: Surroundings) -> Answer:
    """Said: "an alias into the server's own private zone, which only networks linked to it resolve"."""
    if isinstance(here.client, PublicClient | AnyAzure):
        return None
    network, zone = client_network(here), here.world.server.private_dns_zone
    if network is None or not _asks_azure(here, network):
        declared = here.world.declared
        if not declared.networks or declared.zone not in {None, zone}:
            is_found = here.choose("own DNS servers know the name", False, True)
            return _server_address(here) if is_found else None
        network = here.choose("the declared network that answers", *declared.networks)
    own = next((one for one in here.zones() if one.id == zone), None)
    return _server_address(here) if _is_linked(here, own, network) else None


def _is_linked(here: Surroundings, zone: DnsZone | None, network: ResourceId) -> bool:
    """Said: "a link that is not `Completed`, links or zones that were not read: as linked, and as not
    linked".
    """
    if zone is not None and zone.exists is False:
        return False
    if zone is None or zone.links is None:
        return here.choose(f"the zone is linked to {network.name}", False, True)
    link = _link_to(zone, network)
    if link is None:
        return _stray(zone) is not None and here.choose(f"a link leads to {network.name}", False, True)
    return _is_complete(link) or here.choose(f"{link.name} works", False, True)


def _server_address(here: Surroundings) -> int:
    """Said: "for a VNet-integrated server some address of its subnet"."""
    subnet = here.world.server.delegated_subnet
    place = here.place(subnet)
    network = here.network(network_of(subnet)) if subnet else None
    listed = next((one.prefixes for one in network.subnets if one.id == subnet), None) if network else None
    return here.some_of("the server's address", place.prefixes if place else listed)


# --- private endpoints -----------------------------------------------------------------------------


def connections(server: ServerSnapshot) -> tuple[PrivateEndpointConnection, ...]:
    return server.private_endpoints or ()


def is_approved(here: Surroundings, connection: PrivateEndpointConnection) -> bool:
    if connection.status is ConnectionStatus.UNKNOWN:
        return here.choose(f"{connection.id.name} is approved", False, True)
    return connection.status is ConnectionStatus.APPROVED


def approved_unseen(here: Surroundings) -> bool:
    """Whether there is an approved endpoint though the connections were not read."""
    unread = here.world.server.private_endpoints is None
    return unread and here.choose("an approved endpoint is there", False, True)


def _has_alias(here: Surroundings) -> bool:
    """Said: "connections that wait, were rejected or cut, or in no known state, and none is approved: with
    the alias into `privatelink`, and without"; with an approved one it is there, with none at all it is
    not.
    """
    known = connections(here.world.server)
    if approved_unseen(here) or any(is_approved(here, one) for one in known):
        return True
    some = here.world.server.private_endpoints is None or bool(known)
    return some and here.choose("public DNS has the alias into privatelink", True, False)


def endpoint_addresses(here: Surroundings, connection: PrivateEndpointConnection) -> tuple[int, ...]:
    """Those that were read, or some address: one that a record names, or any of its subnet."""
    found = here.endpoint_dns(connection.endpoint)
    if found is not None and found.addresses:
        return tuple(map(int, found.addresses))
    return (_unread_address(here, connection.id.name, here.subnet_of(connection.endpoint)),)


def unseen_address(here: Surroundings) -> int:
    """Of an approved endpoint of which nothing was read."""
    return _unread_address(here, "the endpoint that was not read", None)


def _unread_address(here: Surroundings, who: str, subnet: ResourceId | None) -> int:
    recorded = sorted({int(one) for zone in here.zones() for one in zone.record or ()})
    is_named = recorded and here.choose(f"a record names {who}", True, False)
    if is_named:
        return here.choose(f"the address of {who}", *recorded)
    place = here.place(subnet)
    return here.some_of(f"the address of {who}", place.prefixes if place else None)


def _each_address(here: Surroundings) -> Iterator[int]:
    for connection in connections(here.world.server):
        if is_approved(here, connection):
            yield from endpoint_addresses(here, connection)
    if approved_unseen(here):
        yield unseen_address(here)


def _of_own_servers(here: Surroundings) -> Answer:
    """Said: "DNS servers of its own, or on-premises: anything"; where central DNS is declared "what that zone
    answers where it is linked to all of them; as not linked where to none; else either".
    """
    networks = here.world.declared.networks
    if not networks:
        return here.choose("own DNS servers answer", None, PUBLIC, *_each_address(here))
    asked = here.choose("the declared network that answers", *networks)
    return _from_link(here, *_link_of(here, asked, here.world.declared.zone))


_Zone: TypeAlias = DnsZone | Literal["a zone that was not read"] | None


def _link_of(
    here: Surroundings, network: ResourceId, declared: ResourceId | None = None
) -> tuple[_Zone, ZoneLink | None]:
    """The zone that answers in the network, by which link: "a completed link to a zone that was read
    settles it", "links or zones that were not read: as linked, and as not linked".
    """
    standing = [zone for zone in here.zones() if zone.exists is not False]
    links = {zone.id: _link_to(zone, network) for zone in standing if zone.links is not None}
    for zone in standing:
        if (link := links.get(zone.id)) is not None and _is_complete(link):
            return zone, link
    maybe = [zone for zone in standing if zone.links is None or links[zone.id] or _stray(zone)]
    unseen = [_UNSEEN] if _zones_unseen(here, declared) else []
    chosen = here.choose(
        "the zone that is linked", "none", *(zone.id.name + str(zone.id) for zone in maybe), *unseen
    )
    found = next((zone for zone in maybe if zone.id.name + str(zone.id) == chosen), None)
    if found is not None:
        return found, links.get(found.id) or _stray(found)
    return (_UNSEEN if chosen == _UNSEEN else None), None


def _zones_unseen(here: Surroundings, declared: ResourceId | None) -> bool:
    """Not "every zone of the name was read", the declared one among them."""
    dns = here.world.server.private_dns
    if dns is None or dns.found is None:
        return True
    named = {*dns.found, declared} if declared else set(dns.found)
    return not named <= {zone.id for zone in dns.zones}


def _from_link(here: Surroundings, zone: _Zone, link: ZoneLink | None) -> Answer:
    """Said: "the zone's A record answers. Where it holds none the name does not exist there, unless the
    link's `resolutionPolicy` is `NxDomainRedirect`, and then the alias goes on".
    """
    if zone is None:
        return PUBLIC
    recorded = _recorded(here, zone)
    if recorded is not None:
        return recorded
    policy = link.resolution_policy.lower() if link else "not read"
    if policy in {"", "default"}:
        return None
    if policy == "nxdomainredirect" or here.choose("the link redirects", False, True):
        return PUBLIC
    return None


def _recorded(here: Surroundings, zone: _Zone) -> int | None:
    """Said: "a record with several addresses: every one of them"; "the record was not read: each endpoint's
    address, another address, nothing".
    """
    name = zone.id.name + str(zone.id) if isinstance(zone, DnsZone) else str(zone)
    if isinstance(zone, DnsZone) and zone.record is not None:
        numbers = [int(one) for one in zone.record]
        return here.choose(f"the address taken of {name}", *numbers) if numbers else None
    return here.choose(f"the record in {name}", None, _ELSEWHERE, *_each_address(here))


def _link_to(zone: DnsZone, network: ResourceId) -> ZoneLink | None:
    return next((link for link in zone.links or () if link.network == network), None)


def _stray(zone: DnsZone) -> ZoneLink | None:
    """A link that does not say to which network it leads."""
    return next((link for link in zone.links or () if link.network is None), None)


def _is_complete(link: ZoneLink) -> bool:
    return link.state.lower() == "completed"
