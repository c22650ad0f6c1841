"""What a diagnosis reads: the server with the places in which it is reached, and who wants to connect.

Only reads, through the project's own gateway, with the settings of the environment. Where nobody is named,
the declared clients are asked about, else the networks linked to a zone that is to answer for the server, and
the public path as far as it is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from driftward.diagnosis.who import InRange, InSubnet, Who
from shared.config.configuration import Configuration
from shared.config.declared import declared_clients, declared_dns
from shared.controller.client_reading import ClientReading
from shared.model import Aspect, PublicAccess, ServerSnapshot, SubnetSnapshot, Target, TargetKind
from shared.model.interfaces import Gateway
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, public_sources, span_of
from shared.posture.ways.endpoints import endpoints_of
from shared.posture.ways.world import (
    AnyAzure,
    Client,
    NetworkClient,
    OnPremises,
    PublicClient,
    SubnetClient,
    World,
)

_SERVER: Final = frozenset(
    {Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES, Aspect.PRIVATE_DNS, Aspect.PLACES}
)
_SUBNET: Final = frozenset(
    {
        Aspect.SUBNET,
        Aspect.SECURITY_GROUP,
        Aspect.SUBNET_SERVERS,
        Aspect.SUBNET_REPLICAS,
        Aspect.ROUTES,
        Aspect.VIRTUAL_NETWORK,
    }
)
"""Of a delegated subnet what the needs of its servers are asked of."""


@value
class Case:
    """What was read of the server, and whose ways to it are asked about."""

    world: World
    clients: tuple[Client, ...]
    subnet: SubnetSnapshot | None = None
    """The delegated subnet, where what the server itself needs is asked too."""


def case_of(target: Target, who: Who | None, gateway: Gateway, configuration: Configuration) -> Case:
    """Everything that is asked. Raises ``GatewayError`` where the server or the client cannot be read."""
    server = gateway.read(target, _SERVER)
    if not isinstance(server, ServerSnapshot):
        raise TypeError(f"reading a server gave {type(server).__name__}")
    reading = ClientReading(gateway, server)
    world = World(server=server, declared=declared_dns(configuration, server))
    clients = tuple(_of(who, reading) if who is not None else _of_nobody(world, configuration, reading))
    own = server.delegated_subnet if who is None else None
    subnet = gateway.read(Target(kind=TargetKind.SUBNET, id=own), _SUBNET) if own is not None else None
    return Case(
        world=replace(world, networks=tuple(reading.networks.values())),
        clients=clients,
        subnet=subnet if isinstance(subnet, SubnetSnapshot) else None,
    )


def _of(who: Who, reading: ClientReading) -> Iterator[Client]:
    match who:
        case InSubnet():
            yield SubnetClient(subnet=reading.subnet(who.subnet), nat=who.nat)
        case InRange():
            yield from reading.clients([who.prefix], who.nat)
        case PublicClient() | AnyAzure():
            yield who


def _of_nobody(world: World, configuration: Configuration, reading: ClientReading) -> Iterator[Client]:
    """Those that are declared, else whoever the server shows to be meant."""
    declared = declared_clients(configuration, world.server)
    for client in reading.clients(declared):
        yield from _as_public(world.server, client)
    if not declared:
        networks = _linked(world) or _own(world.server)
        for network in networks:
            reading.network(network)
            yield NetworkClient(network=network)
        opened = (*_admitted(world.server, reading), *_open(world.server))
        yield from opened if networks or opened else (AnyAzure(),)


# --- whom the server shows -------------------------------------------------------------------------


def _linked(world: World) -> list[ResourceId]:
    """The networks linked to a zone that is the server's own, is declared, or is to hold its record."""
    server, endpoints = world.server, endpoints_of(world.server)
    meant = {server.private_dns_zone, world.declared.zone}
    meant |= {zone for one in endpoints for zone in one.group_zones or ()}
    held = {address for one in endpoints for address in one.addresses or ()}
    read = server.private_dns.zones if server.private_dns is not None else ()
    zones = [zone for zone in read if zone.id in meant or held & set(zone.record or ())]
    links = (link.network for zone in zones for link in zone.links or ())
    return sorted({network for network in links if network is not None})


def _own(server: ServerSnapshot) -> list[ResourceId]:
    """The networks in which the server is reached."""
    subnets = (server.delegated_subnet, *(one.subnet for one in endpoints_of(server)))
    return sorted({one.parent for one in subnets if one is not None and one.parent is not None})


# --- the public path -------------------------------------------------------------------------------


def _open(server: ServerSnapshot) -> Iterator[Client]:
    """Whom the public path admits: every Azure address, and one of the addresses that rules hold."""
    if server.public_access is PublicAccess.DISABLED or server.vnet_integrated:
        return
    public = public_sources(server)
    if public.all_azure:
        yield AnyAzure()
    yield from _first(public.sources.common(PUBLIC_ADDRESSES))


def _admitted(server: ServerSnapshot, reading: ClientReading) -> Iterator[Client]:
    """The subnets that the virtual network rules of a single server name."""
    if server.public_access is not PublicAccess.DISABLED:
        named = {rule.subnet for rule in server.virtual_network_rules or ()}
        yield from (SubnetClient(subnet=reading.as_read(one)) for one in sorted(named))


def _as_public(server: ServerSnapshot, client: Client) -> Iterator[Client]:
    """A range of public addresses that lies in no network: one that a firewall rule holds, and one that none
    does; each stands for its like."""
    prefixes = client.prefixes if isinstance(client, OnPremises) else ()
    wanted = AddressSet.of(span_of(one) for one in prefixes if isinstance(one, IPv4Network))
    if not wanted.spans or not wanted.within(PUBLIC_ADDRESSES):
        yield client
        return
    held = public_sources(server).sources
    yield from _first(wanted.common(held))
    yield from _first(wanted.minus(held))


def _first(addresses: AddressSet) -> Iterator[PublicClient]:
    yield from (PublicClient(address=IPv4Address(first)) for first, _ in addresses.spans[:1])
