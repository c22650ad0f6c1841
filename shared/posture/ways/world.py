"""What a verdict is asked about: a server with its surroundings, and who wants to connect. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import TypeAlias

from shared.model import IPNetwork, ServerSnapshot, SubnetSnapshot
from shared.model.networks import VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Declared:
    """What the configuration says of central DNS: the zone, and the networks that must be linked to it."""

    zone: ResourceId | None = None
    networks: tuple[ResourceId, ...] = ()

    @classmethod
    def of(cls, zone: str, networks: Sequence[str] = ()) -> Declared:
        return cls(zone=ResourceId(zone) if zone else None, networks=tuple(map(ResourceId, networks)))


@value
class World:
    """A server as it was read, with ``private_dns`` and ``places``, and what the configuration declares."""

    server: ServerSnapshot
    declared: Declared = Declared()
    """The central zone, and the networks that must be linked to it: they count as they do for policies."""
    networks: tuple[VirtualNetwork, ...] = ()
    """Further networks that were read: those of clients, and of peers that lie between."""


@value
class SubnetClient:
    """Somebody in a subnet; which of its addresses they have is not known."""

    subnet: SubnetSnapshot
    nat: tuple[IPv4Address, ...] = ()
    """The public addresses by which it leaves, where they are known."""


@value
class NetworkClient:
    """Somebody in a network whose own subnet is not looked at: what its NSG and routes say is its affair."""

    network: ResourceId


@value
class PublicClient:
    """A public address."""

    address: IPv4Address


@value
class OnPremises:
    """Ranges behind a gateway. Who answers for names there is not visible, nor what the gateway learned."""

    prefixes: tuple[IPNetwork, ...]
    nat: tuple[IPv4Address, ...] = ()


@value
class AnyAzure:
    """Any address of Azure's, another customer's among them."""


Client: TypeAlias = SubnetClient | NetworkClient | PublicClient | OnPremises | AnyAzure
