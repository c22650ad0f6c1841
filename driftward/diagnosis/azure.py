"""What a diagnosis reads: the server with the places in which it is reached, and who wants to connect.

Only reads, through the project's own gateway, with the settings of the environment. Where nobody is named,
the declared clients are asked about, else the networks linked to the server's zone and the public path as far
as it is open. A declared range is a client in the subnets that hold it, of the networks that are read; what
lies in none is on-premises, or public.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from driftward.diagnosis.who import InRange, InSubnet, Who, is_private
from shared.config.configuration import Configuration
from shared.config.declared import declared_clients, declared_dns
from shared.model import Aspect, PublicAccess, ServerSnapshot, SubnetSnapshot, Target, TargetKind
from shared.model.errors import GatewayError
from shared.model.interfaces import Gateway
from shared.model.parts import DnsZone, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.model.values import IPNetwork, value
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, public_sources, span_of
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
    {
        Aspect.SERVER,
        Aspect.FIREWALL_RULES,
        Aspect.VIRTUAL_NETWORK_RULES,
        Aspect.PRIVATE_DNS,
        Aspect.PLACES,
    }
)
_NETWORK: Final = frozenset({Aspect.VIRTUAL_NETWORK, Aspect.ADMIN_RULES})
_SUBNET: Final = _NETWORK | {Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.ROUTES, Aspect.ANY_SUBNET}


@value
class Case:
    """What was read of the server, and whose ways to it are asked about."""

    world: World
    clients: tuple[Client, ...]


def case_of(target: Target, who: Who | None, gateway: Gateway, configuration: Configuration) -> Case:
    """Everything that is asked. Raises ``GatewayError`` where the server or the client cannot be read."""
    server = gateway.read(target, _SERVER)
    if not isinstance(server, ServerSnapshot):
        raise TypeError(f"reading a server gave {type(server).__name__}")
    reading = _Reading(gateway, server)
    clients = tuple(reading.clients_of(who) if who else reading.clients(configuration))
    declared = declared_dns(configuration, server)
    return Case(
        world=World(server=server, declared=declared, networks=tuple(reading.networks.values())),
        clients=clients,
    )


class _Reading:
    """One server, and the networks that were read for it, each once."""

    def __init__(self, gateway: Gateway, server: ServerSnapshot) -> None:
        self._gateway, self._server = gateway, server
        read = (place.virtual_network for place in server.places or ())
        self.networks = {one.id: one for one in read if one is not None}

    # --- who is asked about ------------------------------------------------------------------------

    def clients_of(self, who: Who) -> Iterator[Client]:
        match who:
            case InSubnet():
                yield SubnetClient(subnet=self._subnet(who.subnet), nat=who.nat)
            case InRange():
                yield from self._in_range(who.prefix, who.nat)
            case _:
                yield who

    def clients(self, configuration: Configuration) -> Iterator[Client]:
        """Those that are declared, else whoever the server shows to be meant."""
        declared = [*declared_clients(configuration, self._server)]
        if not declared:
            yield from self._shown(declared_dns(configuration, self._server).zone)
        for prefix in declared:
            if is_private(prefix) or self._around(prefix):
                yield from self._in_range(prefix, ())
            else:
                yield from _public(self._server, prefix)

    def _shown(self, zone: ResourceId | None) -> Iterator[Client]:
        networks = _linked(self._server, zone) or _own(self._server)
        opened = [*_open(self._server)]
        for network in networks:
            self._network(network)
            yield NetworkClient(network=network)
        yield from opened if networks or opened else [AnyAzure()]

    def _in_range(self, prefix: IPv4Network, nat: tuple[IPv4Address, ...]) -> Iterator[Client]:
        """The subnets that hold it; a network in which no subnet does; what lies in no network."""
        around = self._around(prefix)
        for network in around:
            held = [one for one in network.subnets if _within(one.prefixes, prefix)]
            for one in held:
                subnet = self._subnet(one.id)
                part = _within(subnet.prefixes, prefix).prefixes()
                yield SubnetClient(subnet=replace(subnet, prefixes=tuple(part)), nat=nat)
            if not held:
                yield NetworkClient(network=network.id)
        space = [span for network in around for span in _spans(network.prefixes)]
        if rest := AddressSet.of([span_of(prefix)]).minus(AddressSet.of(space)).prefixes():
            yield OnPremises(prefixes=tuple(rest), nat=nat)

    # --- networks ----------------------------------------------------------------------------------

    def _around(self, prefix: IPv4Network) -> list[VirtualNetwork]:
        """The networks in whose space some of the range lies: the places' own, and those peered with them."""
        peers = [one for network in self.networks.values() for one in network.peerings]
        for network in [one.network for one in peers if _within(one.prefixes, prefix)]:
            self._network(network)
        return [one for one in self.networks.values() if _within(one.prefixes, prefix)]

    def _network(self, network: ResourceId) -> None:
        """Read as that of a subnet, which need not exist. What is refused stays unread, and is not known."""
        if network in self.networks:
            return
        nameless = SubnetSnapshot(
            id=network.child("subnets", "-"),
            read_at=self._server.read_at,
            location="",
            prefixes=(),
            delegations=(),
        )
        found = self._gateway.more(nameless, _NETWORK)
        if isinstance(found, SubnetSnapshot) and found.virtual_network is not None:
            self.networks[network] = found.virtual_network

    def _subnet(self, subnet: ResourceId) -> SubnetSnapshot:
        found = self._gateway.read(Target(kind=TargetKind.SUBNET, id=subnet), _SUBNET)
        if not isinstance(found, SubnetSnapshot):
            raise TypeError(f"reading a subnet gave {type(found).__name__}")
        return found


# --- whom the server shows -------------------------------------------------------------------------


def _linked(server: ServerSnapshot, declared: ResourceId | None) -> list[ResourceId]:
    """The networks linked to a zone that is the server's own, is declared, or is to hold its record."""
    dns = server.private_dns
    if dns is None:
        return []
    meant = {server.private_dns_zone, declared}
    named = {zone for one in dns.endpoints for zone in one.group_zones or ()}
    held = {address for one in dns.endpoints for address in one.addresses or ()}
    zones = (zone for zone in dns.zones if zone.id in meant | named or held & set(zone.record or ()))
    return sorted({network for zone in zones for network in _networks(zone)})


def _networks(zone: DnsZone) -> Iterator[ResourceId]:
    yield from (link.network for link in zone.links or () if link.network is not None)


def _own(server: ServerSnapshot) -> list[ResourceId]:
    """The networks in which the server is reached."""
    endpoints = server.private_dns.endpoints if server.private_dns is not None else ()
    subnets = [server.delegated_subnet, *(one.subnet for one in endpoints)]
    return sorted({one.parent for one in subnets if one is not None and one.parent is not None})


def _open(server: ServerSnapshot) -> Iterator[Client]:
    """Whom the public path admits: a rule for every Azure address, and one address of the others."""
    if server.public_access is PublicAccess.DISABLED or server.vnet_integrated:
        return
    public = public_sources(server)
    if public.all_azure:
        yield AnyAzure()
    yield from _first(public.sources.common(PUBLIC_ADDRESSES))


def _public(server: ServerSnapshot, prefix: IPv4Network) -> Iterator[Client]:
    """One address of the range that a firewall rule holds, and one that none does: each stands for its like."""
    wanted = AddressSet.of([span_of(prefix)]).common(PUBLIC_ADDRESSES)
    held = public_sources(server).sources
    yield from _first(wanted.common(held))
    yield from _first(wanted.minus(held))


def _first(addresses: AddressSet) -> Iterator[PublicClient]:
    yield from (PublicClient(address=IPv4Address(first)) for first, _ in addresses.spans[:1])


def _within(prefixes: Iterable[IPNetwork], wanted: IPv4Network) -> AddressSet:
    """What of a range lies in the prefixes."""
    return AddressSet.of(_spans(prefixes)).common(AddressSet.of([span_of(wanted)]))


def _spans(prefixes: Iterable[IPNetwork]) -> list[tuple[int, int]]:
    return [span_of(one) for one in prefixes if isinstance(one, IPv4Network)]
