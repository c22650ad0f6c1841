"""What the server's name resolves to for a client: one answer where that is known, else each that it may be.

Public DNS answers for a server with private endpoints by an alias into the zone ``privatelink…``, which a
network resolves privately where it is linked to a zone of that name, and else on to the public endpoint; for
a VNet-integrated server by an alias into its own zone; for any other by the public endpoint at once (Private
Link article; docs/ways.md has the table). A network can be linked to one zone of a name. Where a network asks
DNS servers of its own, what they answer is not visible, unless the configuration declares the central zone
and the networks linked to it: then it is taken for what one of those answers. Pure.

What must not live here: the way of the packets, and what should be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from shared.model import ServerSnapshot
from shared.model.dns_names import endpoint_zone_name
from shared.model.networks import VirtualNetwork
from shared.model.parts import DnsZone, NetworkDns, ZoneLink
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.ways.answers import Fact, Resolved, Stage, State
from shared.posture.ways.endpoints import endpoints_of, more_endpoints, never_private, perhaps_private
from shared.posture.ways.world import AnyAzure, Client, NetworkClient, OnPremises, PublicClient, World
from shared.posture.ways.zones import (
    answering_zone,
    custom_dns,
    hanging,
    perhaps_linked,
    unseen_zones,
    zones_of,
)

_REDIRECTS: Final = {"": False, "default": False, "nxdomainredirect": True}
_PUBLIC: Final = Resolved(public=True)
_INSIDE: Final = Resolved(inside=True)
_NOTHING: Final = Resolved()


@value
class Answer:
    """One thing that the name may resolve to, and why."""

    resolved: Resolved
    fact: Fact


def answers(world: World, client: Client) -> tuple[Answer, ...]:
    """Each thing that the server's name may resolve to for ``client``; one where it is known."""
    found = _merged(_answers(world, client))
    return found if found else (_answer(_NOTHING, "the name resolves to nothing"),)


def _merged(found: Iterable[Answer]) -> tuple[Answer, ...]:
    """Each answer once, with the first reason for it."""
    by_answer: dict[Resolved, Answer] = {}
    for one in found:
        by_answer.setdefault(one.resolved, one)
    return tuple(by_answer.values())


def _answers(world: World, client: Client) -> Iterator[Answer]:
    if isinstance(client, PublicClient | AnyAzure):
        return _in_public(world.server, "whoever asks public DNS")
    if never_private(world.server):
        return _in_public(world.server, "the server has no private endpoint: every network")
    if isinstance(client, OnPremises):
        return _behind_servers(world, "who answers for names on premises is not visible")
    network = network_of(world, client)
    if network is None:
        return _anything(world.server, "the network of the client could not be read")
    return _by_its_servers(world, network)


def _by_its_servers(world: World, network: NetworkDns) -> Iterator[Answer]:
    """Where it is not known whether it has any: what Azure's resolver answers, and what they may."""
    unsure = custom_dns(network)
    open_to = _unseen(world, unsure) if unsure else ""
    if not unsure or network.dns_servers is None:
        for one in _in_network(world, network.id, zones_of(world.server)):
            yield replace(one, fact=replace(one.fact, settles=one.fact.settles or open_to))
    if unsure:
        yield from _behind_servers(world, unsure)


def network_of(world: World, client: Client) -> NetworkDns | None:
    """Who answers for names where the client is; None outside Azure's networks."""
    if isinstance(client, NetworkClient):
        return _network(world, client.network)
    if isinstance(client, PublicClient | AnyAzure | OnPremises):
        return None
    read = client.subnet.virtual_network
    return _as_dns(read) if read is not None else _known(world, client.subnet.id.parent)


def _network(world: World, network: ResourceId) -> NetworkDns | None:
    read = network_read(world, network)
    return _as_dns(read) if read is not None else _known(world, network)


def network_read(world: World, network: ResourceId | None) -> VirtualNetwork | None:
    """A network of the world by its id."""
    places = (place.virtual_network for place in world.server.places or ())
    held = (*world.networks, *(one for one in places if one is not None))
    return next((one for one in held if one.id == network), None)


def _known(world: World, network: ResourceId | None) -> NetworkDns | None:
    """A network that was not read, as far as the server's DNS shows who answers there."""
    dns = world.server.private_dns
    held = (dns.network, *(one.network for one in dns.endpoints)) if dns is not None else ()
    unknown = NetworkDns(id=network) if network is not None else None
    return next((one for one in held if one is not None and one.id == network), unknown)


def _as_dns(network: VirtualNetwork) -> NetworkDns:
    return NetworkDns(id=network.id, dns_servers=network.dns_servers)


# --- one network -----------------------------------------------------------------------------------


def _in_network(world: World, network: ResourceId, zones: tuple[DnsZone, ...]) -> Iterator[Answer]:
    """What Azure's resolver answers in a network that may be linked to ``zones``."""
    server = world.server
    if (sure := answering_zone(zones, network)) is not None:
        yield from _held(server, *sure)
        if perhaps_private(server):
            yield from _in_public(server, "without an approved endpoint every network")
        return
    yield from _in_public(server, _not_linked(server, network, zones))
    for zone in zones:
        if (link := perhaps_linked(zone, network)) is not None:
            yield from _held(server, zone, link, hanging(zone, link, network))
    if unseen_zones(server):
        why = f"whether network {network.name} is linked to a zone of the name that was not read"
        yield from _anything(server, why)


def _not_linked(server: ServerSnapshot, network: ResourceId, zones: tuple[DnsZone, ...]) -> str:
    name = _zone_name(server)
    if not zones and not unseen_zones(server):
        return f"no private DNS zone {name} exists, as far as may be read: network {network.name}"
    return f"network {network.name}, which is not linked to a zone {name},"


def _zone_name(server: ServerSnapshot) -> str:
    if server.vnet_integrated:
        return server.private_dns_zone.name if server.private_dns_zone is not None else "of the server's own"
    return endpoint_zone_name(server.host_name)


def _held(server: ServerSnapshot, zone: DnsZone, link: ZoneLink, unsure: str = "") -> Iterator[Answer]:
    """What a zone answers that is linked; ``unsure`` says why it may not be the one that answers."""
    if server.vnet_integrated:
        return iter((_answer(_INSIDE, f"zone {zone.id.name} answers with the server's address", unsure),))
    if zone.record is None or (zone.odd_record and not zone.record):
        return _record_unread(server, zone, link, unsure)
    if not zone.record:
        return _no_record(zone, link, unsure)
    return _recorded(server, zone, unsure)


def _recorded(server: ServerSnapshot, zone: DnsZone, unsure: str) -> Iterator[Answer]:
    for address in zone.record or ():
        said = f"zone {zone.id.name} answers {address}"
        settles = unsure or _several(zone)
        for resolved, whose in _whose(server, address):
            yield _answer(resolved, f"{said}, {whose}", settles, zone.id)
    if zone.odd_record:
        odd = (
            f"the record in zone {zone.id.name} also holds {', '.join(zone.odd_record)}, which is no address"
        )
        yield _answer(_NOTHING, odd, odd, zone.id)


def _several(zone: DnsZone) -> str:
    held = ", ".join(map(str, zone.record or ()))
    told = f"which of the addresses in zone {zone.id.name} ({held}) the client takes is not known"
    return told if len(zone.record or ()) > 1 else ""


def _whose(server: ServerSnapshot, address: IPv4Address) -> Iterator[tuple[Resolved, str]]:
    """The approved endpoints that have an address, or may have it; and nobody, where none surely has."""
    endpoints = endpoints_of(server)
    having = [one for one in endpoints if address in (one.addresses or ())]
    for one in having or [one for one in endpoints if not one.addresses]:
        whose = f"the address of private endpoint {one.id.name}"
        yield Resolved(addresses=(address,), endpoint=one.id), whose if having else f"maybe {whose}"
    if not having and more_endpoints(server):
        yield Resolved(addresses=(address,), endpoint=server.id), "maybe the address of an endpoint"
    if not having:
        yield Resolved(addresses=(address,)), "which no approved private endpoint is known to have"


def _no_record(zone: DnsZone, link: ZoneLink, unsure: str) -> Iterator[Answer]:
    redirects = _REDIRECTS.get(link.resolution_policy.lower())
    lacking = f"zone {zone.id.name} has no A record of the server (a CNAME or a wildcard was not looked at)"
    settles = unsure or (f"resolutionPolicy is {link.resolution_policy!r}" if redirects is None else "")
    if redirects is not True:
        yield _answer(_NOTHING, f"{lacking}: the name does not exist there", settles, zone.id)
    if redirects is not False:
        on = f"{lacking}, and its link falls back to the Internet: the public address is answered"
        yield _answer(_PUBLIC, on, settles, zone.id)


def _record_unread(server: ServerSnapshot, zone: DnsZone, link: ZoneLink, unsure: str) -> Iterator[Answer]:
    why = f": {zone.unread}" if zone.unread else ""
    settles = unsure or f"the record in zone {zone.id.name} could not be read{why}"
    yield from _some_endpoint(server, settles)
    if zone.record is None:
        yield from _no_record(zone, link, settles)
    yield _answer(_NOTHING, f"an address of nobody, or nothing: {settles}", settles)


# --- elsewhere -------------------------------------------------------------------------------------


def _in_public(server: ServerSnapshot, who: str) -> Iterator[Answer]:
    """What a resolver answers that no private zone answers for."""
    if server.vnet_integrated:
        yield _answer(_NOTHING, f"{who} gets no private address, and the server has no public one")
    else:
        yield _answer(_PUBLIC, f"{who} gets the server's public address")


def _behind_servers(world: World, unsure: str) -> Iterator[Answer]:
    """What DNS servers answer that are not visible: anything, unless central DNS is declared."""
    declared = world.declared
    if not declared.networks:
        yield from _anything(world.server, _unseen(world, unsure))
        return
    zones = zones_of(world.server)
    is_unread = declared.zone is not None and declared.zone not in {zone.id for zone in zones}
    for network in declared.networks:
        yield from _declared_in(world, network, zones)
    if declared.zone is not None and is_unread and not _is_gone(world.server, declared.zone):
        yield from _anything(world.server, f"the declared zone {declared.zone} was not read")


def _unseen(world: World, unsure: str) -> str:
    if world.declared.networks:
        return unsure
    return f"{unsure}; policies.yaml can name the central zone and the networks that are linked to it"


def _declared_in(world: World, network: ResourceId, zones: tuple[DnsZone, ...]) -> Iterator[Answer]:
    """By whichever zone it is linked to: there is one of a name at most."""
    for one in _in_network(world, network, zones):
        settles = one.fact.settles or f"which of the declared networks answers, {network.name} or another"
        several = len(world.declared.networks) > 1
        said = f"as declared: {one.fact.says}"
        yield _answer(one.resolved, said, settles if several else one.fact.settles)


def _is_gone(server: ServerSnapshot, zone: ResourceId) -> bool:
    dns = server.private_dns
    return dns is not None and any(one.id == zone and one.exists is False for one in dns.zones)


def _anything(server: ServerSnapshot, unsure: str) -> Iterator[Answer]:
    if server.vnet_integrated:
        yield _answer(_INSIDE, "the answer may be the server's private address", unsure)
    else:
        yield from _some_endpoint(server, unsure)
        yield _answer(_PUBLIC, "the answer may be the server's public address", unsure)
    yield _answer(_NOTHING, "the answer may be nothing, or an address of somebody else", unsure)


def _some_endpoint(server: ServerSnapshot, unsure: str) -> Iterator[Answer]:
    for one in endpoints_of(server):
        resolved = Resolved(addresses=one.addresses or (), endpoint=one.id)
        yield _answer(resolved, f"the answer may be the address of private endpoint {one.id.name}", unsure)
    if more_endpoints(server):
        yield _answer(Resolved(endpoint=server.id), "the answer may be an endpoint that is not known", unsure)


def _answer(resolved: Resolved, says: str, settles: str = "", resource: ResourceId | None = None) -> Answer:
    state = State.STANDS if resolved.leads else State.BLOCKED
    told = str(resource) if resource is not None else ""
    return Answer(
        resolved=resolved,
        fact=Fact(stage=Stage.DNS, state=state, says=says, settles=settles, resource=told),
    )
