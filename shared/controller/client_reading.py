"""Who the clients of a server are, by their prefixes: read through the gateway, each network once.

A range is a client in the subnets that hold it, of the networks in which the server is reached and of their
peers; what lies in none of these is on-premises. What cannot be read stays unread, with the reason, and so is
not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from shared.model import Aspect, ServerSnapshot, SubnetSnapshot, Target, TargetKind
from shared.model.errors import GatewayError
from shared.model.interfaces import Gateway
from shared.model.networks import Peering, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.model.values import IPNetwork
from shared.posture.traffic import AddressSet, Span, span_of
from shared.posture.unread import unread_reason
from shared.posture.ways.world import Client, NetworkClient, OnPremises, SubnetClient

_NETWORK: Final = frozenset({Aspect.VIRTUAL_NETWORK, Aspect.ADMIN_RULES})
_SUBNET: Final = _NETWORK | {Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.ROUTES, Aspect.ANY_SUBNET}


class ClientReading:
    """One server that was read with its places, and the networks that were read for it."""

    def __init__(self, gateway: Gateway, server: ServerSnapshot) -> None:
        self._gateway, self.server = gateway, server
        read = (place.virtual_network for place in server.places or ())
        self.networks = {one.id: one for one in read if one is not None}
        self.refused: dict[ResourceId, str] = {}
        """Networks that could not be read, each with the reason."""

    def clients(self, prefixes: Iterable[IPv4Network], nat: tuple[IPv4Address, ...] = ()) -> Iterator[Client]:
        """Who is meant by the prefixes, one after the other: read when it is asked for."""
        for prefix in prefixes:
            yield from self._in_range(prefix, nat)

    def network(self, network: ResourceId) -> None:
        """Read as that of a subnet, which need not exist. What is refused stays unread."""
        if network in self.networks or network in self.refused:
            return
        found = self._gateway.more(self._unread(network.child("subnets", "-")), _NETWORK)
        if isinstance(found, SubnetSnapshot) and found.virtual_network is not None:
            self.networks[network] = found.virtual_network
        else:
            self.refused[network] = unread_reason(found, Aspect.VIRTUAL_NETWORK)

    def subnet(self, subnet: ResourceId) -> SubnetSnapshot:
        """Raises ``GatewayError`` where it cannot be read."""
        found = self._gateway.read(Target(kind=TargetKind.SUBNET, id=subnet), _SUBNET)
        if not isinstance(found, SubnetSnapshot):
            raise TypeError(f"reading a subnet gave {type(found).__name__}")
        return found

    def _in_range(self, prefix: IPv4Network, nat: tuple[IPv4Address, ...]) -> Iterator[Client]:
        around = self._around(prefix)
        for network in around:
            held = [one for one in network.subnets if _within(one.prefixes, prefix).spans]
            for one in held:
                part = _within(one.prefixes, prefix).prefixes()
                yield SubnetClient(subnet=replace(self.as_read(one.id), prefixes=tuple(part)), nat=nat)
            if not held:
                yield NetworkClient(network=network.id)
        space = AddressSet.of(span for network in around for span in _spans(network.prefixes))
        if rest := AddressSet.of([span_of(prefix)]).minus(space).prefixes():
            yield OnPremises(prefixes=tuple(rest), nat=nat)

    def _around(self, prefix: IPv4Network) -> list[VirtualNetwork]:
        """The networks in whose space some of the range lies: the places' own, and those peered with them."""
        peerings = [one for network in self.networks.values() for one in network.peerings]
        peers = {one.network: self._peer(one) for one in peerings if _within(one.prefixes, prefix).spans}
        known = {**peers, **self.networks}
        return [one for one in known.values() if _within(one.prefixes, prefix).spans]

    def _peer(self, peering: Peering) -> VirtualNetwork:
        """The other network; one that is refused as far as the peering shows it."""
        self.network(peering.network)
        shown = VirtualNetwork(id=peering.network, prefixes=peering.prefixes)
        return self.networks.get(peering.network, shown)

    def as_read(self, subnet: ResourceId) -> SubnetSnapshot:
        """A subnet with all that counts for a client, which of the server's places is not read; one that is
        refused with the reason in every part of it."""
        try:
            return self.subnet(subnet)
        except GatewayError as error:
            return replace(self._unread(subnet), unread=dict.fromkeys(_SUBNET, str(error)))

    def _unread(self, subnet: ResourceId) -> SubnetSnapshot:
        read_at = self.server.read_at
        return SubnetSnapshot(id=subnet, read_at=read_at, location="", prefixes=(), delegations=())


def _within(prefixes: Iterable[IPNetwork], wanted: IPv4Network) -> AddressSet:
    """What of a range lies in the prefixes."""
    return AddressSet.of(_spans(prefixes)).common(AddressSet.of([span_of(wanted)]))


def _spans(prefixes: Iterable[IPNetwork]) -> list[Span]:
    return [span_of(one) for one in prefixes if isinstance(one, IPv4Network)]
