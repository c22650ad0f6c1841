"""A client, and one thing that the name may resolve to for it: between which addresses packets go, and where.

What is not known stands for everything that it may be: all addresses, or no subnet. Pure.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from shared.model import IPNetwork, SubnetSnapshot
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg import WHOLE, Family, Spans, common, spans_of
from shared.posture.route_tables import PUBLIC
from shared.posture.ways.answers import Resolved
from shared.posture.ways.endpoints import endpoints_of, place_of
from shared.posture.ways.names import network_read
from shared.posture.ways.routes import SOME_SUBNET
from shared.posture.ways.world import (
    AnyAzure,
    Client,
    NetworkClient,
    OnPremises,
    PublicClient,
    SubnetClient,
    World,
)

ANYWHERE: Final[Spans] = WHOLE[Family.IPV4]


@value
class Case:
    """A client, and what the name resolves to for it."""

    world: World
    client: Client
    to: Resolved

    @property
    def sources(self) -> Spans:
        """The addresses that the client may have; every one where that is not known."""
        match self.client:
            case SubnetClient():
                held = spans_of(self.client.subnet.prefixes)
            case OnPremises():
                held = spans_of(self.client.prefixes)
            case NetworkClient():
                network = network_read(self.world, self.client.network)
                held = spans_of(network.prefixes if network is not None else ())
            case PublicClient() | AnyAzure():
                held = ()
        return common(held, ANYWHERE) or ANYWHERE

    @property
    def place(self) -> SubnetSnapshot | None:
        """The subnet where the server is met; None for the public path, or where it was not read."""
        server = self.world.server
        if self.to.inside:
            return next((one for one in server.places or () if one.id == server.delegated_subnet), None)
        return place_of(server, self.to.endpoint) if self.to.endpoint is not None else None

    @property
    def destinations(self) -> Spans:
        """The addresses that the server may have; every one where that is not known."""
        if self.to.public:
            return PUBLIC
        known = spans_of(map(ip_network, self.to.addresses)) or _at_endpoint(self)
        place = self.place
        return known or common(spans_of(place.prefixes if place else _listed(self)), ANYWHERE) or ANYWHERE

    @property
    def network(self) -> ResourceId | None:
        """The network where the server is met."""
        server = self.world.server
        if self.to.inside:
            return server.delegated_subnet.parent if server.delegated_subnet is not None else None
        place = self.place
        if place is not None:
            return place.id.parent
        read = next((one for one in endpoints_of(server) if one.id == self.to.endpoint), None)
        return read.network.id if read is not None and read.network is not None else None

    @property
    def origin(self) -> SubnetSnapshot | None:
        """The subnet of the client; of a network some subnet without rules of its own."""
        if isinstance(self.client, SubnetClient):
            return self.client.subnet
        if not isinstance(self.client, NetworkClient):
            return None
        named = self.client.network
        network = network_read(self.world, named)
        return SubnetSnapshot(
            id=parse_resource_id(f"{named}/subnets/{SOME_SUBNET}") or named,
            read_at=self.world.server.read_at,
            location=self.world.server.location,
            prefixes=network.prefixes if network is not None else (),
            delegations=(),
            virtual_network=network,
        )


def _at_endpoint(case: Case) -> Spans:
    """The addresses of the endpoint as its subnet shows them."""
    place = place_of(case.world.server, case.to.endpoint) if case.to.endpoint is not None else None
    held = (one for one in (place.private_endpoints or () if place else ()) if one.id == case.to.endpoint)
    return common(spans_of(ip_network(address) for one in held for address in one.addresses), ANYWHERE)


def _listed(case: Case) -> tuple[IPNetwork, ...]:
    """The prefixes of the server's own subnet as its network names them."""
    network = network_read(case.world, case.network) if case.to.inside else None
    own = case.world.server.delegated_subnet
    return next((one.prefixes for one in (network.subnets if network else ()) if one.id == own), ())
