"""What lies around a subnet, as values: its network, routes, private endpoints, and replicas elsewhere.

As with ``parts``: what was not read is None or empty as each field says, a text that Azure may extend stays a
text in Azure's spelling. Nothing here judges.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from shared.model.kinds import Direction
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Route:
    """A user-defined route. ``prefix`` is a CIDR or a service tag; ``next_hop`` is Azure's type of hop."""

    name: str
    prefix: str
    next_hop: str
    address: str = ""
    """The appliance's address where the type is ``VirtualAppliance``."""


@value
class RouteTable:
    id: ResourceId
    routes: tuple[Route, ...] = ()
    gateway_propagation: bool | None = None
    """Whether routes that a gateway learned (BGP) are added; None where the answer does not say."""


@value
class Peering:
    """A peering that works both ways (Connected) and lets its networks reach each other."""

    network: ResourceId
    prefixes: tuple[IPv4Network | IPv6Network, ...] = ()
    """The other network's address space, as this end of the peering shows it."""
    whole: bool = True
    """Whether all subnets of both take part (``peerCompleteVnets``), and not some that it lists."""


@value
class NetworkSubnet:
    """A subnet as its network's own body names it."""

    id: ResourceId
    prefixes: tuple[IPv4Network | IPv6Network, ...] = ()


@value
class AdminRule:
    """A security admin rule of Azure Virtual Network Manager that holds in a network.

    The lower priority number is asked first, all of them before any NSG: ``Deny`` and ``AlwaysAllow`` end the
    matter, ``Allow`` hands on to the NSG (article on security admin rules).
    """

    name: str
    priority: int
    direction: Direction
    access: str
    """``Allow``, ``AlwaysAllow`` or ``Deny``, in Azure's spelling."""
    protocol: str
    sources: tuple[str, ...] = ("*",)
    destinations: tuple[str, ...] = ("*",)
    source_ports: tuple[str, ...] = ("*",)
    ports: tuple[str, ...] = ("*",)


@value
class VirtualNetwork:
    """The network of a subnet or an endpoint: its address space and its own DNS servers."""

    id: ResourceId
    prefixes: tuple[IPv4Network | IPv6Network, ...] = ()
    dns_servers: tuple[str, ...] = ()
    """Empty: Azure's own resolver answers."""
    peerings: tuple[Peering, ...] = ()
    """Those that work, whose networks' space the ``VirtualNetwork`` tag holds too."""
    odd_peerings: bool = False
    """Whether there is a peering of which it cannot be read whither it leads."""
    learns_routes: bool | None = None
    """Whether a gateway or a route server may bring in routes (BGP), its own or a peer's that it uses; None
    where that was not read."""
    subnets: tuple[NetworkSubnet, ...] = ()
    admin_rules: tuple[AdminRule, ...] | None = None
    """None where nobody asked, or where they could not be read (``admin_unread``)."""
    admin_unread: str = ""

    @property
    def peers(self) -> tuple[ResourceId, ...]:
        """The networks that it is peered with."""
        return tuple(peering.network for peering in self.peerings)


@value
class SubnetEndpoint:
    """A private endpoint in a subnet that leads to a PostgreSQL server."""

    id: ResourceId
    server: ResourceId | None = None
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    unread: str = ""
    """Why the endpoint, or an address of it, could not be read; ``""`` where it shows none."""


@value
class ReplicaPartner:
    """The other end of a replication, as far as the network between the two is concerned."""

    server: ResourceId
    location: str = ""
    subnet: ResourceId | None = None
    """Its delegated subnet; None for a server that is in none, or that could not be read (``unread``)."""
    prefixes: tuple[IPv4Network | IPv6Network, ...] = ()
    unread: str = ""
    """Why the server, or the prefixes of its subnet, could not be read."""
