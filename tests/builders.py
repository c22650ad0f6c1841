"""Snapshots for tests, named for what they are; every part can be overridden."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_network
from typing import Any

from shared.model import (
    Access,
    ConnectionStatus,
    Direction,
    FirewallRule,
    PrivateEndpointConnection,
    PublicAccess,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    ServerState,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.networks import NetworkSubnet, SubnetEndpoint, VirtualNetwork
from shared.model.parts import (
    Administrator,
    Availability,
    Backup,
    DnsZone,
    Encryption,
    EndpointDns,
    NetworkDns,
    PrivateDns,
    ServerParameter,
    SignIn,
    VirtualNetworkRule,
    ZoneConfig,
    ZoneLink,
)
from shared.model.resource_id import ResourceId
from shared.policies import discover
from tests.fakes import SUBSCRIPTION

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/data"
SERVER = ResourceId(f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders")
SINGLE = ResourceId(f"{GROUP}/providers/Microsoft.DBforPostgreSQL/servers/legacy")
SUBNET = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/postgres")
NSG = ResourceId(f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/postgres-nsg")
HUB = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub")
ENDPOINTS = HUB.child("subnets", "endpoints")
ENDPOINT = ResourceId(f"{GROUP}/providers/Microsoft.Network/privateEndpoints/orders-endpoint")
ZONE = ResourceId(
    f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
)
ADDRESS = IPv4Address("10.0.2.4")
"""Of the private endpoint."""
READ_AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

ON_SERVERS = frozenset(
    policy.id for policy in discover() if TargetKind.FLEXIBLE_SERVER in policy.targets and not policy.opt_in
)
"""Ids of the policies that judge a flexible server unasked: what a whole look at one answers for."""


def rule(name: str, start: str, end: str | None = None) -> FirewallRule:
    return FirewallRule(name=name, start=IPv4Address(start), end=IPv4Address(end or start))


ALL_AZURE = rule("AllowAllAzureServicesAndResourcesWithinAzureIps_2026-11-2_8-0-0", "0.0.0.0")
ADMINISTRATOR = Administrator(
    object_id="7c1d0a52-3b64-4f0e-8a1c-5d2e9f6b7a80", name="orders-dba", type="Group"
)
OFFICE = rule("office", "198.51.100.0", "198.51.100.255")


def endpoint(status: ConnectionStatus = ConnectionStatus.APPROVED) -> PrivateEndpointConnection:
    return PrivateEndpointConnection(
        id=SERVER.child("privateEndpointConnections", "orders-endpoint.1"),
        status=status,
        endpoint=ENDPOINT,
    )


def parameter(name: str, value: str, data_type: str = "Boolean", allowed: str = "on,off") -> ServerParameter:
    """A parameter that can be written and is in force at once."""
    return ServerParameter(
        name=name,
        value=value,
        data_type=data_type,
        allowed=allowed,
        read_only=False,
        dynamic=True,
        pending_restart=False,
    )


PARAMETERS = (
    parameter("log_checkpoints", "on"),
    parameter("log_connections", "on"),
    parameter("log_disconnections", "on"),
    parameter("log_duration", "on"),
    parameter("logfiles.retention_days", "7", "Integer", "1-7"),
    parameter("password_encryption", "scram-sha-256", "Enumeration", "md5,scram-sha-256"),
    parameter("pgaudit.log", "all", "Set", "none,read,write,function,role,ddl,misc,all"),
    parameter("require_secure_transport", "on"),
    parameter("shared_preload_libraries", "pg_cron,pgaudit", "Set", "pg_cron,pgaudit"),
    parameter("ssl_min_protocol_version", "TLSv1.2", "Enumeration", "TLSv1.2,TLSv1.3"),
)
"""What the policies about parameters ask for."""


def private_dns(*links: ResourceId, record: tuple[IPv4Address, ...] = (ADDRESS,)) -> PrivateDns:
    """The endpoint in the hub, and a zone with ``record`` that is linked to ``links``."""
    placed = EndpointDns(
        id=ENDPOINT,
        addresses=(ADDRESS,),
        subnet=ENDPOINTS,
        network=NetworkDns(id=HUB, dns_servers=()),
        group_zones=(ZONE,),
        group="default",
        group_configs=(ZoneConfig(name="postgres", zone=ZONE),),
    )
    held = tuple(ZoneLink(name=one.name, network=one, state="Completed") for one in links)
    zone = DnsZone(id=ZONE, exists=True, links=held, record=record)
    return PrivateDns(endpoints=(placed,), zones=(zone,), found=(ZONE,))


def hub(**parts: Any) -> VirtualNetwork:
    """The network of the private endpoint: Azure's resolver answers, no peering, no gateway."""
    subnets = (
        NetworkSubnet(id=ENDPOINTS, prefixes=(ip_network("10.0.2.0/24"),)),
        NetworkSubnet(id=HUB.child("subnets", "apps"), prefixes=(ip_network("10.0.8.0/24"),)),
    )
    network = VirtualNetwork(
        id=HUB,
        prefixes=(ip_network("10.0.0.0/16"),),
        learns_routes=False,
        subnets=subnets,
        admin_rules=(),
    )
    return replace(network, **parts)


def endpoints_subnet(**parts: Any) -> SubnetSnapshot:
    """The subnet of the private endpoint, as one of the places of its server."""
    place = SubnetSnapshot(
        id=ENDPOINTS,
        read_at=READ_AT,
        location="westeurope",
        prefixes=(ip_network("10.0.2.0/24"),),
        delegations=(),
        service_endpoints=(),
        endpoint_network_policies="Disabled",
        virtual_network=hub(),
        private_endpoints=(SubnetEndpoint(id=ENDPOINT, server=SERVER, addresses=(ADDRESS,)),),
    )
    return replace(place, **parts)


def server(**parts: Any) -> ServerSnapshot:
    """A well-kept flexible server: public access off, one approved private endpoint to which its name leads
    in the hub, Entra sign-in, logs."""
    snapshot = ServerSnapshot(
        kind=TargetKind.FLEXIBLE_SERVER,
        id=SERVER,
        read_at=READ_AT,
        location="West Europe",
        state=ServerState.READY,
        state_text="Ready",
        public_access=PublicAccess.DISABLED,
        firewall_rules=(),
        private_endpoints=(endpoint(),),
        high_availability=False,
        sign_in=SignIn(entra=True, passwords=False),
        administrators=(ADMINISTRATOR,),
        encryption=Encryption(customer_key=False),
        backup=Backup(retention_days=7, geo_redundant=False),
        availability=Availability(mode="Disabled", state="NotEnabled"),
        version=17,
        host_name="orders.postgres.database.azure.com",
        parameters=PARAMETERS,
        private_dns=private_dns(HUB),
        places=(endpoints_subnet(),),
    )
    access: PublicAccess = parts.get("public_access", snapshot.public_access)
    return replace(snapshot, public_access_text=access.value, **parts)


def public_server(**parts: Any) -> ServerSnapshot:
    """A flexible server that is meant to be public, for a few addresses."""
    return server(**{"public_access": PublicAccess.ENABLED, "firewall_rules": (OFFICE,), **parts})


def subnet_rule(name: str = "apps") -> VirtualNetworkRule:
    """A rule of a single server that admits the subnet through its service endpoint."""
    return VirtualNetworkRule(name=name, subnet=SUBNET, state="Ready")


def single_server(**parts: Any) -> ServerSnapshot:
    """A single server that is meant to be public, for a few addresses and no subnet."""
    single = replace(
        server(sign_in=SignIn(), availability=Availability()),
        kind=TargetKind.SINGLE_SERVER,
        id=SINGLE,
        high_availability=None,
    )
    shown = {
        "public_access": PublicAccess.ENABLED,
        "firewall_rules": (OFFICE,),
        "virtual_network_rules": (),
        **parts,
    }
    return replace(single, **shown, public_access_text=PublicAccess(shown["public_access"]).value)


DRIFTED = public_server(firewall_rules=(OFFICE, ALL_AZURE))
"""The public server after somebody has let all of Azure in."""


def security_rule(name: str, priority: int, **parts: Any) -> SecurityRule:
    """Inbound, denying everything, unless overridden."""
    base = SecurityRule(
        name=name,
        direction=Direction.INBOUND,
        access=Access.DENY,
        priority=priority,
        protocol="*",
        sources=("*",),
        destinations=("*",),
    )
    return replace(base, **parts)


def subnet(*rules: SecurityRule, **parts: Any) -> SubnetSnapshot:
    """A subnet delegated to PostgreSQL with an NSG that holds ``rules``."""
    group = SecurityGroup(id=NSG, rules=rules, default_rules=(), subnets=(SUBNET,))
    snapshot = SubnetSnapshot(
        id=SUBNET,
        read_at=READ_AT,
        location="westeurope",
        prefixes=(ip_network("10.0.1.0/24"),),
        delegations=("Microsoft.DBforPostgreSQL/flexibleServers",),
        security_group=group,
        servers=(),
    )
    return replace(snapshot, **parts)
