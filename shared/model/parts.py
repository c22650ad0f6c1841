"""What is read of a server or a subnet besides its rules, as values; the parts of a snapshot.

A part is None on the snapshot where nobody asked for it or where it could not be read; an empty tuple
means that there is nothing. A text that Azure may extend (a mode, a state) stays a text in Azure's
spelling and is compared without case by whoever judges it; a switch is a boolean, None where the answer
does not say. Nothing here judges, and nothing here knows how a part is asked for.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from shared.model.kinds import Direction
from shared.model.resource_id import ResourceId
from shared.model.values import value

# --- of a server -----------------------------------------------------------------------------------


@value
class ServerParameter:
    """A server parameter as the list of configurations shows it.

    ``allowed`` is Azure's text: ``on,off`` for a Boolean, members for an Enumeration or a Set, ``1-7`` for a
    number, a pattern for a String. The three switches are None on single servers, which lack them.
    """

    name: str
    value: str
    default: str | None = None
    data_type: str = ""
    """``Boolean``, ``Enumeration``, ``Integer``, ``Numeric``, ``String`` or ``Set``."""
    allowed: str = ""
    read_only: bool | None = None
    dynamic: bool | None = None
    """Whether a new value is in force at once; False: only after a restart."""
    pending_restart: bool | None = None
    """Whether the value shown is not in force before a restart."""
    odd: str = ""
    """Why there is no value to judge: it is absent, or no text."""


@value
class SignIn:
    """``authConfig``: which ways of signing in a flexible server accepts."""

    entra: bool | None = None
    passwords: bool | None = None


@value
class Administrator:
    """A Microsoft Entra administrator of a server."""

    object_id: str
    name: str = ""
    type: str = ""


@value
class Encryption:
    """Encryption at rest: whose key, and whether the service can use it."""

    customer_key: bool | None = None
    key: str = ""
    """The key's URI in the vault; ``""`` without a customer's key."""
    key_state: str = ""
    """``primaryEncryptionKeyStatus``: ``Valid`` or ``Invalid``; ``""`` where Azure does not say."""
    backup_key: str = ""
    backup_key_state: str = ""
    infrastructure: bool | None = None
    """Single server: the second layer of encryption."""


@value
class Backup:
    retention_days: int | None = None
    geo_redundant: bool | None = None


@value
class Availability:
    """``highAvailability``: mode and state in Azure's spelling, ``""`` where absent."""

    mode: str = ""
    state: str = ""


@value
class Replication:
    """``role`` is ``Primary``, ``AsyncReplica``, ``GeoAsyncReplica``, ``None`` or ``""``."""

    role: str = ""
    source: ResourceId | None = None


@value
class ServerTls:
    """Single server: ``sslEnforcement`` and ``minimalTlsVersion`` (such as ``TLS1_2``)."""

    enforced: bool | None = None
    minimum_version: str = ""


@value
class DiagnosticSetting:
    """Where a server's logs go: enabled categories and category groups, and destinations by kind."""

    name: str
    logs: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()


@value
class Health:
    """Resource Health's word on a server: ``Available``, ``Degraded``, ``Unavailable``, ``Unknown``."""

    state: str
    reason: str = ""
    summary: str = ""


@value
class VirtualNetworkRule:
    """Single server: a subnet whose service endpoint may connect."""

    name: str
    subnet: ResourceId
    state: str = ""


# --- private DNS of a server -----------------------------------------------------------------------


@value
class ZoneLink:
    """A private DNS zone's link to a virtual network. ``state`` is ``Completed`` once names resolve there."""

    name: str
    network: ResourceId | None = None
    state: str = ""
    resolution_policy: str = ""
    """``resolutionPolicy`` in Azure's spelling: with ``NxDomainRedirect`` a name that the zone does not hold
    is asked of public DNS; ``Default`` or ``""``: it does not exist (article on fallback to internet)."""


@value
class DnsZone:
    """A private DNS zone, as far as it concerns one server."""

    id: ResourceId
    exists: bool | None = None
    """None where the zone could not be read."""
    links: tuple[ZoneLink, ...] | None = None
    record: tuple[IPv4Address, ...] | None = None
    """The addresses of the A record with the server's name; empty: there is no such record."""
    odd_record: tuple[str, ...] = ()
    """What stands in the record besides and is no address."""
    unread: str = ""
    """Why a part of the zone could not be read."""


@value
class NetworkDns:
    """Who answers for names in a virtual network."""

    id: ResourceId
    dns_servers: tuple[str, ...] | None = None
    """The network's own DNS servers. Empty: Azure's resolver answers; None: not known."""
    peers: tuple[ResourceId, ...] | None = None
    """As ``VirtualNetwork`` has them, and so ``learns_routes``; None: not known."""
    learns_routes: bool | None = None
    unread: str = ""


@value
class ZoneConfig:
    """An entry of an endpoint's DNS zone group: its own name, and the zone that it names."""

    name: str
    zone: ResourceId


@value
class EndpointDns:
    """An approved private endpoint of a server: where it is, and which zones get its record."""

    id: ResourceId
    addresses: tuple[IPv4Address, ...] | None = None
    subnet: ResourceId | None = None
    network: NetworkDns | None = None
    group_zones: tuple[ResourceId, ...] | None = None
    """The zones that the endpoint's DNS zone group names; empty: it has no group, or an empty one."""
    group: str = ""
    """The name of its zone group; an endpoint has one at most."""
    group_configs: tuple[ZoneConfig, ...] = ()
    """The entries of its zone group, by whose names a zone is taken out of it."""
    unread: str = ""


@value
class PrivateDns:
    """How a server's name resolves privately.

    For a server with private endpoints: the endpoints, the zones of the name that Azure prescribes and, as
    Resource Graph shows them, every zone of that name (``found``; None where it was not asked). For a
    VNet-integrated server: its own zone, and the network of its subnet.
    """

    endpoints: tuple[EndpointDns, ...] = ()
    zones: tuple[DnsZone, ...] = ()
    found: tuple[ResourceId, ...] | None = None
    network: NetworkDns | None = None


@value
class ManagementLock:
    """A lock on a resource or on what holds it; ``level`` is ``CanNotDelete`` or ``ReadOnly``."""

    name: str
    level: str
    scope: str
    """The id of what is locked: a resource, a resource group or a subscription."""


# --- of a subnet -----------------------------------------------------------------------------------


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
