"""What was read of a world, looked up by id, and what is chosen where it was not read.

Networks, who is joined with whom, which space is whose, what learned routes may do, and what the tag
``VirtualNetwork`` holds. The quoted sentences are those of docs/ways.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from shared.model import SubnetSnapshot
from shared.model.networks import VirtualNetwork
from shared.model.parts import DnsZone, EndpointDns
from shared.model.resource_id import ResourceId
from shared.posture.ways.world import Client, NetworkClient, OnPremises, SubnetClient, World
from tests.ways_check.completions import Chooser
from tests.ways_check.packets import block, blocks, cuts_of, is_public, representatives, space_length

UNREAD = ResourceId("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/not-read")
"""Stands for a network of which not even the id is known: it may be any."""
_ANYWHERE = tuple(int(IPv4Address(text)) for text in ("10.77.0.5", "172.20.0.5", "192.168.77.5"))
"""Private addresses of which nothing is said."""
_PUBLIC = int(IPv4Address("20.50.0.1"))
"""A public one."""


def network_of(subnet: ResourceId) -> ResourceId:
    return ResourceId(str(subnet).rpartition("/subnets/")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A world and its client, in one completion."""

    world: World
    client: Client
    choose: Chooser

    # --- networks ----------------------------------------------------------------------------------

    def read_networks(self) -> Iterator[VirtualNetwork]:
        subnets = [self.client.subnet] if isinstance(self.client, SubnetClient) else []
        subnets += self.world.server.places or ()
        yield from (one.virtual_network for one in subnets if one.virtual_network is not None)
        yield from self.world.networks

    def network(self, named: ResourceId) -> VirtualNetwork | None:
        return next((one for one in self.read_networks() if one.id == named), None)

    def joined(self, one: ResourceId, other: ResourceId) -> bool:
        """The same network, or "networks that are peered (connected at both ends, with access)"."""
        if one == other:
            return True
        if UNREAD in (one, other):
            return self.choose(f"{one.name} and {other.name} are joined", False, True)
        first, second = self.network(one), self.network(other)
        seen = {other in first.peers} if first else set()
        seen |= {one in second.peers} if second else set()
        if len(seen) == 1:  # "known where what both ends show agrees, or one end was read"
            return seen == {True}
        return self.choose(f"{one.name} and {other.name} are peered", False, True)

    def space(self, named: ResourceId, seen_from: ResourceId) -> tuple[object, ...] | None:
        """Its prefixes, as it shows them itself or as its peer does; None where neither was read."""
        if (found := self.network(named)) is not None:
            return tuple(found.prefixes)
        peer = self.network(seen_from)
        shown = (one for one in (peer.peerings if peer else ()) if one.network == named)
        return next((tuple(peering.prefixes) for peering in shown), None)

    def learns(self, named: ResourceId) -> bool:
        """Whether "the network may have learned routes (a gateway, a route server…)"."""
        found = self.network(named)
        if found is not None and found.learns_routes is not None:
            return found.learns_routes
        return self.choose(f"{named.name} learns routes", False, True)

    def in_virtual_network(self, named: ResourceId, number: int, joined_end: bool) -> bool:
        """Said: "`VirtualNetwork` surely holds the network's space and its peers', and the other end where
        the two are joined; how much more, by gateways and user-defined routes, stays open."
        """
        found = self.network(named)
        peers = [prefix for peering in found.peerings for prefix in peering.prefixes] if found else []
        own = found.prefixes if found else ()
        if joined_end or space_length(number, [*own, *peers]) is not None:
            return True
        if is_public(number) and not self._routes_beyond(named):
            return False
        return self.choose(f"VirtualNetwork of {named.name} holds {IPv4Address(number)}", False, True)

    def _routes_beyond(self, named: ResourceId) -> bool:
        """Whether gateways or user-defined routes of the client's subnet may bring public addresses into
        it.
        """
        subnet = self.client.subnet if isinstance(self.client, SubnetClient) else None
        if subnet is None or self.learns(named):
            return True
        if subnet.route_table is None:
            return subnet.route_table_id is not None
        held = [block(route.prefix) for route in subnet.route_table.routes]
        return any(one is None or is_public(one[0]) or is_public(one[1]) for one in held)

    # --- the server --------------------------------------------------------------------------------

    def place(self, subnet: ResourceId | None) -> SubnetSnapshot | None:
        """The subnet in which the server is reached, as it was read."""
        return next((one for one in self.world.server.places or () if one.id == subnet), None)

    def endpoint_dns(self, endpoint: ResourceId | None) -> EndpointDns | None:
        dns = self.world.server.private_dns
        return next((one for one in (dns.endpoints if dns else ()) if one.id == endpoint), None)

    def subnet_of(self, endpoint: ResourceId | None) -> ResourceId | None:
        """Where an endpoint is: in the subnet that shows it, or that it says itself."""
        for place in self.world.server.places or ():
            if any(one.id == endpoint for one in place.private_endpoints or ()):
                return place.id
        found = self.endpoint_dns(endpoint)
        return found.subnet if found else None

    def zones(self) -> tuple[DnsZone, ...]:
        dns = self.world.server.private_dns
        return dns.zones if dns else ()

    # --- addresses ---------------------------------------------------------------------------------

    def cuts(self) -> set[int]:
        """Where some rule or route of this world tells addresses apart."""
        return cuts_of(self._texts())

    def _texts(self) -> Iterator[str]:
        subnets = [*(self.world.server.places or ())]
        if isinstance(self.client, SubnetClient):
            subnets.append(self.client.subnet)
        for subnet in subnets:
            yield from map(str, blocks(subnet.prefixes))
            for rule in subnet.security_group.standing if subnet.security_group else ():
                yield from (*rule.sources, *rule.destinations)
            yield from (route.prefix for route in (subnet.route_table.routes if subnet.route_table else ()))
        for network in self.read_networks():
            yield from map(str, blocks(network.prefixes))
            for admin in network.admin_rules or ():
                yield from (*admin.sources, *admin.destinations)

    def some_of(self, who: str, prefixes: Iterable[object] | None) -> int:
        """One of the prefixes' addresses: "which is not known"; any private one where those were not read."""
        cuts = self.cuts()
        if prefixes is None:
            private = [one for one in cuts if not is_public(one) and one < 2**32]
            return self.choose(who, *_ANYWHERE, *sorted(private))
        held = [one for prefix in blocks(prefixes) if (one := block(str(prefix)))]
        return self.choose(who, *representatives(held, cuts))

    def client_address(self) -> int:
        """A client's private address: any of the subnet, of the network's space, or of the range."""
        match self.client:
            case SubnetClient(subnet=subnet):
                return self.some_of("the client's address", subnet.prefixes)
            case NetworkClient(network=network):
                found = self.network(network)
                return self.some_of("the client's address", found.prefixes if found else None)
            case OnPremises(prefixes=prefixes):
                return self.some_of("the client's address", prefixes)
        raise TypeError(f"{self.client} has no private address")

    def public_address(self, who: str) -> int:
        """Some public address, on either side of every rule and route that tells them apart."""
        rules = self.world.server.firewall_rules or ()
        ends = {end for rule in rules for end in (int(rule.start), int(rule.end) + 1)}
        odd = [int(end) for rule in self.world.server.odd_rules for end in (rule.start, rule.end) if end]
        ends |= {one for end in odd for one in (end - 1, end, end + 1)}
        found = {one for one in self.cuts() | ends if one < 2**32 and _is_usual(one)}
        return self.choose(who, _PUBLIC, *sorted(found - {_PUBLIC}))

    def source_port(self) -> int:
        """Any: on either side of the range that rules of these worlds name."""
        return self.choose("the client's source port", 50000, 1000)


def _is_usual(number: int) -> bool:
    """Whether a machine may have it: the first number says that it is none that is reserved."""
    return is_public(number) and 0 < number >> 24 < 224 and number >> 24 != 127
