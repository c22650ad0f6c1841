"""What is read of a server besides its rules, as values; the parts of a snapshot (``networks``: a subnet's).

A part is None on the snapshot where nobody asked for it or where it could not be read; an empty tuple
means that there is nothing. A text that Azure may extend (a mode, a state) stays a text in Azure's
spelling and is compared without case by whoever judges it; a switch is a boolean, None where the answer
does not say. Nothing here judges, and nothing here knows how a part is asked for.
"""

from __future__ import annotations

from ipaddress import IPv4Address

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
