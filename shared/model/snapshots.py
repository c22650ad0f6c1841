"""One reading of a target, whole: a server or a subnet with everything that a policy may ask for.

What is read besides the rules is in ``parts``. A part that was asked for and could not be read is None,
and ``unread`` says why: a snapshot tells what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from shared.model.kinds import Aspect, ConnectionStatus, PublicAccess, ServerState, TargetKind
from shared.model.networks import ReplicaPartner, RouteTable, SubnetEndpoint, VirtualNetwork
from shared.model.parts import (
    Administrator,
    Availability,
    Backup,
    DiagnosticSetting,
    Encryption,
    Health,
    ManagementLock,
    PrivateDns,
    Replication,
    ServerParameter,
    ServerTls,
    SignIn,
    VirtualNetworkRule,
)
from shared.model.resource_id import ResourceId
from shared.model.rules import FirewallRule, OddRule, SecurityGroup
from shared.model.targets import Target
from shared.model.values import IPNetwork, value


@value
class PrivateEndpointConnection:
    id: ResourceId
    status: ConnectionStatus
    endpoint: ResourceId | None = None


@value
class SubnetServer:
    """A server in a subnet, for evidence; None means that it could not be read."""

    id: ResourceId
    high_availability: bool | None = None
    pgbouncer: bool | None = None
    entra: bool | None = None
    """Whether Microsoft Entra sign-in is on."""
    customer_key: bool | None = None
    elastic_cluster: bool | None = None
    replication: Replication = Replication()
    partners: tuple[ReplicaPartner, ...] | None = None
    """The servers that it replicates with; None where nobody asked or they could not be read."""


@value
class SubnetSnapshot:
    """One reading of a subnet with its NSG. ``security_group`` is None when it has none."""

    kind: Literal[TargetKind.SUBNET] = TargetKind.SUBNET
    id: ResourceId
    read_at: datetime
    location: str
    prefixes: tuple[IPNetwork, ...]
    delegations: tuple[str, ...]
    """Service names, for example ``Microsoft.DBforPostgreSQL/flexibleServers``."""
    security_group: SecurityGroup | None = None
    servers: tuple[SubnetServer, ...] | None = None
    updating: bool = False
    etag: str | None = None
    service_endpoints: tuple[str, ...] | None = None
    shut_in: bool = False
    """Whether it has neither default outbound access (``defaultOutboundAccess`` false) nor a NAT gateway."""
    endpoint_network_policies: str = ""
    """``privateEndpointNetworkPolicies`` as ARM spells it; ``""`` where absent."""
    route_table_id: ResourceId | None = None
    route_table: RouteTable | None = None
    virtual_network: VirtualNetwork | None = None
    private_endpoints: tuple[SubnetEndpoint, ...] | None = None
    """Private endpoints in it that lead to PostgreSQL servers."""
    network_locks: tuple[ManagementLock, ...] | None = None
    """Locks on its network, on what that lies in and on what lies in that."""
    unread: Mapping[Aspect, str] = field(default_factory=dict)
    """Parts that were asked for and could not be read, each with the reason."""
    odd_fields: Mapping[str, str] = field(default_factory=dict)
    """The subnet's own fields that hold something that means nothing to us, each with what it is. What is
    readable of ``addressPrefix`` and ``delegations`` stands in the reading all the same."""

    @property
    def target(self) -> Target:
        return Target(kind=self.kind, id=self.id)

    @property
    def created_at(self) -> datetime | None:
        """ARM does not say when a subnet was made."""
        return None


@value
class ServerSnapshot:
    """One reading of a flexible or single server.

    What takes a request of its own (rules, parameters, administrators …) is None where it was not asked
    for or could not be read, and then ``unread`` says why; an empty tuple means that there are none.
    """

    kind: Literal[TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER]
    id: ResourceId
    read_at: datetime
    location: str
    state: ServerState
    state_text: str
    """``state`` or ``userVisibleState`` as ARM spells it."""
    public_access: PublicAccess
    public_access_text: str | None = None
    delegated_subnet: ResourceId | None = None
    private_dns_zone: ResourceId | None = None
    firewall_rules: tuple[FirewallRule, ...] | None = None
    odd_rules: tuple[OddRule, ...] = ()
    """Firewall rules that do not say whom they admit; they stand beside ``firewall_rules``."""
    private_endpoints: tuple[PrivateEndpointConnection, ...] | None = None
    high_availability: bool | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None
    """The major version of PostgreSQL."""
    tier: str = ""
    """``sku.tier``: ``Burstable``, ``GeneralPurpose``, ``MemoryOptimized``; ``""`` where absent."""
    host_name: str = ""
    """``fullyQualifiedDomainName``."""
    administrator_login: str = ""
    """The role that Azure made for the server's first administrator."""
    sign_in: SignIn = SignIn()
    identity: str = ""
    """The kinds of managed identity, ``SystemAssigned``, ``UserAssigned`` or both; ``None`` or ``""``."""
    encryption: Encryption = Encryption()
    backup: Backup = Backup()
    availability: Availability = Availability()
    replication: Replication = Replication()
    elastic_cluster: bool | None = None
    """Whether it is an elastic cluster, whose nodes also listen on 7432 and 8432."""
    tls: ServerTls | None = None
    """Of a single server; a flexible server's are parameters."""
    virtual_network_rules: tuple[VirtualNetworkRule, ...] | None = None
    odd_network_rules: tuple[OddRule, ...] = ()
    """Virtual network rules that do not say which subnet they admit."""
    parameters: tuple[ServerParameter, ...] | None = None
    administrators: tuple[Administrator, ...] | None = None
    threat_protection: str | None = None
    """The state of Defender's threat protection in Azure's spelling."""
    diagnostic_settings: tuple[DiagnosticSetting, ...] | None = None
    health: Health | None = None
    private_dns: PrivateDns | None = None
    dns_locks: tuple[ManagementLock, ...] | None = None
    """Locks that hold for the private DNS zone of a VNet-integrated server, inherited ones included."""
    places: tuple[SubnetSnapshot, ...] | None = None
    """The subnets in which it is reached privately: its own, or those of its approved private endpoints. Of
    the endpoints in them this server's alone are known; parts that decide nothing there were not read."""
    unread: Mapping[Aspect, str] = field(default_factory=dict)
    """Parts that were asked for and could not be read, each with the reason."""
    odd_fields: Mapping[str, str] = field(default_factory=dict)
    """The server's own fields that are there and mean nothing to us, each with what it is."""

    @property
    def target(self) -> Target:
        return Target(kind=self.kind, id=self.id)

    @property
    def vnet_integrated(self) -> bool:
        return self.delegated_subnet is not None


Snapshot: TypeAlias = ServerSnapshot | SubnetSnapshot

SERVER_PARTS: Final[Mapping[Aspect, str]] = {
    Aspect.FIREWALL_RULES: "firewall_rules",
    Aspect.VIRTUAL_NETWORK_RULES: "virtual_network_rules",
    Aspect.PARAMETERS: "parameters",
    Aspect.ADMINISTRATORS: "administrators",
    Aspect.THREAT_PROTECTION: "threat_protection",
    Aspect.DIAGNOSTIC_SETTINGS: "diagnostic_settings",
    Aspect.HEALTH: "health",
    Aspect.PRIVATE_DNS: "private_dns",
    Aspect.DNS_LOCKS: "dns_locks",
    Aspect.PLACES: "places",
}
"""The fields of a server that are read apart from it."""
SUBNET_PARTS: Final[Mapping[Aspect, str]] = {
    Aspect.VIRTUAL_NETWORK: "virtual_network",
    Aspect.ROUTES: "route_table",
}
"""Those of a subnet that are found by what its snapshot names."""


def parts_tried(snapshot: Snapshot) -> frozenset[Aspect]:
    """The parts that it holds, and those that could not be read when they were asked for."""
    named = SERVER_PARTS if isinstance(snapshot, ServerSnapshot) else SUBNET_PARTS
    held = {aspect for aspect, name in named.items() if getattr(snapshot, name) is not None}
    network = None if isinstance(snapshot, ServerSnapshot) else snapshot.virtual_network
    if network is not None and network.admin_rules is not None:
        held.add(Aspect.ADMIN_RULES)
    return frozenset(held | snapshot.unread.keys())
