"""PostgreSQL servers, flexible and single, from their GET: pure, no I/O.

Parts that take a request of their own are read in ``server_parts``; tolerance and refusals are those of
``fields``. What must not live here: requests, SDK types (their models arrive as plain JSON), the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.adapters.arm.wire.fields import (
    as_it_stands,
    created_at,
    get,
    member,
    optional_id,
    part,
    required_id,
    tags,
    text,
)
from shared.adapters.arm.wire.odd_fields import FLEXIBLE, SINGLE, odd_fields
from shared.model import (
    ConnectionStatus,
    FirewallRule,
    Json,
    PrivateEndpointConnection,
    PublicAccess,
    ServerSnapshot,
    ServerState,
    TargetKind,
)
from shared.model.parts import Availability, Backup, Encryption, Replication, ServerTls, SignIn
from shared.model.resource_id import ResourceId, parse_resource_id

_MOST_DIGITS: Final = 3
_STATES: Final[Mapping[str, ServerState]] = {
    "ready": ServerState.READY,
    "stopped": ServerState.STOPPED,
    "disabled": ServerState.STOPPED,
    "inaccessible": ServerState.STOPPED,
}


def flexible_server(body: Json, rules: tuple[FirewallRule, ...] | None, read_at: datetime) -> ServerSnapshot:
    """A flexible server from its GET; ``rules`` are None where they were not or could not be read.

    ``privateEndpointConnections`` is ``[]`` in every recorded answer of a server with public access and
    absent where the server lives in a subnet, which excludes private endpoints (examples of 2024-08-01,
    recordings of 2026-04-01-preview). So an absent field means none there, and not known elsewhere.
    """
    network = part(body, "properties", "network")
    subnet = optional_id(body, network, "delegatedSubnetResourceId")
    connections = private_endpoints(body)
    state = text(body, "properties", "state")
    access = text(network, "publicNetworkAccess")
    return ServerSnapshot(
        kind=TargetKind.FLEXIBLE_SERVER,
        id=required_id(body),
        read_at=read_at,
        location=text(body, "location"),
        state=server_state(state),
        state_text=state,
        public_access=member(PublicAccess, access, PublicAccess.UNKNOWN),
        public_access_text=as_it_stands(get(network, "publicNetworkAccess")),
        delegated_subnet=subnet,
        private_dns_zone=optional_id(body, network, "privateDnsZoneArmResourceId"),
        firewall_rules=rules,
        private_endpoints=() if connections is None and subnet else connections,
        high_availability=high_availability(body),
        created_at=created_at(body),
        tags=tags(body),
        version=_version(body),
        tier=text(body, "sku", "tier"),
        host_name=text(body, "properties", "fullyQualifiedDomainName"),
        administrator_login=text(body, "properties", "administratorLogin"),
        sign_in=_sign_in(body),
        identity=text(body, "identity", "type"),
        encryption=_encryption(body),
        backup=_backup(part(body, "properties", "backup")),
        availability=_availability(body),
        replication=replication(body),
        elastic_cluster=elastic_cluster(body),
        odd_fields=odd_fields(body, FLEXIBLE),
    )


def single_server(body: Json, rules: tuple[FirewallRule, ...] | None, read_at: datetime) -> ServerSnapshot:
    """A single server from its GET.

    ``publicNetworkAccess`` and ``privateEndpointConnections`` are missing in real answers of old servers:
    that is Unknown and None, never a default.
    """
    state = text(body, "properties", "userVisibleState")
    access = text(body, "properties", "publicNetworkAccess")
    return ServerSnapshot(
        kind=TargetKind.SINGLE_SERVER,
        id=required_id(body),
        read_at=read_at,
        location=text(body, "location"),
        state=server_state(state),
        state_text=state,
        public_access=member(PublicAccess, access, PublicAccess.UNKNOWN),
        public_access_text=as_it_stands(get(body, "properties", "publicNetworkAccess")),
        firewall_rules=rules,
        private_endpoints=private_endpoints(body),
        created_at=created_at(body),
        tags=tags(body),
        version=_version(body),
        host_name=text(body, "properties", "fullyQualifiedDomainName"),
        identity=text(body, "identity", "type"),
        encryption=Encryption(
            customer_key=_enabled(body, "properties", "byokEnforcement"),
            infrastructure=_enabled(body, "properties", "infrastructureEncryption"),
        ),
        backup=_backup(part(body, "properties", "storageProfile")),
        replication=Replication(
            role=text(body, "properties", "replicationRole"),
            source=parse_resource_id(get(body, "properties", "masterServerId")),
        ),
        tls=ServerTls(
            enforced=_enabled(body, "properties", "sslEnforcement"),
            minimum_version=text(body, "properties", "minimalTlsVersion"),
        ),
        odd_fields=odd_fields(body, SINGLE),
    )


def server_state(state: str) -> ServerState:
    """What a server's state allows. Every state that is not known to be settled counts as busy."""
    return _STATES.get(state.lower(), ServerState.BUSY)


def high_availability(body: Json) -> bool | None:
    """Whether a standby exists; None where the server does not say or says something new."""
    match text(body, "properties", "highAvailability", "mode").lower():
        case "disabled":
            return False
        case "zoneredundant" | "samezone":
            return True
        case _:
            return None


def _version(body: Json) -> int | None:
    """The major version; single servers also show ``9.5`` and ``10.0``."""
    major = text(body, "properties", "version").partition(".")[0]
    return int(major) if major.isdecimal() and len(major) <= _MOST_DIGITS else None


def _enabled(body: Json, *path: str) -> bool | None:
    """A switch that Azure spells as ``Enabled`` or ``Disabled``."""
    return {"enabled": True, "disabled": False}.get(text(body, *path).lower())


def _sign_in(body: Json) -> SignIn:
    return SignIn(
        entra=entra_sign_in(body), passwords=_enabled(body, "properties", "authConfig", "passwordAuth")
    )


def entra_sign_in(body: Json) -> bool | None:
    """Whether a flexible server accepts Microsoft Entra tokens; None where it does not say."""
    return _enabled(body, "properties", "authConfig", "activeDirectoryAuth")


def _encryption(body: Json) -> Encryption:
    found = part(body, "properties", "dataEncryption")
    return Encryption(
        customer_key=customer_key(body),
        key=text(found, "primaryKeyURI"),
        key_state=text(found, "primaryEncryptionKeyStatus"),
        backup_key=text(found, "geoBackupKeyURI"),
        backup_key_state=text(found, "geoBackupEncryptionKeyStatus"),
    )


def customer_key(body: Json) -> bool | None:
    """Whether the customer's key encrypts the data. An absent ``dataEncryption`` is the service's key: it is
    absent in the examples of servers that have no other (2024-08-01)."""
    match text(body, "properties", "dataEncryption", "type").lower():
        case "azurekeyvault":
            return True
        case "systemmanaged" | "":
            return False
        case _:
            return None


def _backup(found: Json) -> Backup:
    days = get(found, "backupRetentionDays")
    return Backup(
        retention_days=days if isinstance(days, int) and not isinstance(days, bool) else None,
        geo_redundant=_enabled(found, "geoRedundantBackup"),
    )


def _availability(body: Json) -> Availability:
    found = part(body, "properties", "highAvailability")
    return Availability(mode=text(found, "mode"), state=text(found, "state"))


def replication(body: Json) -> Replication:
    """The role of a flexible server; ``replica.role`` is what newer versions of the API fill in."""
    properties = part(body, "properties")
    role = text(properties, "replica", "role") or text(properties, "replicationRole")
    return Replication(role=role, source=parse_resource_id(get(properties, "sourceServerResourceId")))


def elastic_cluster(body: Json) -> bool:
    """Whether the server is an elastic cluster: only those have ``cluster`` with a size."""
    size = get(body, "properties", "cluster", "clusterSize")
    return isinstance(size, int) and size > 0


def private_endpoints(body: Json) -> tuple[PrivateEndpointConnection, ...] | None:
    """The private endpoint connections on a server's body; None where the field is absent or no list.

    One that has no id is known by its name and its place; what is no connection at all has no known status.
    """
    connections = get(body, "properties", "privateEndpointConnections")
    if not isinstance(connections, list):
        return None
    server = required_id(body)
    return tuple(_private_endpoint(one, server, number) for number, one in enumerate(connections, start=1))


def _private_endpoint(body: Json, server: ResourceId, number: int) -> PrivateEndpointConnection:
    status = text(body, "properties", "privateLinkServiceConnectionState", "status")
    endpoint = get(body, "properties", "privateEndpoint", "id")
    called = text(body, "name") or f"connection-{number}"
    return PrivateEndpointConnection(
        id=parse_resource_id(get(body, "id")) or server.child("privateEndpointConnections", called),
        status=member(ConnectionStatus, status, ConnectionStatus.UNKNOWN),
        endpoint=parse_resource_id(endpoint),
    )
