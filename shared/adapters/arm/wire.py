"""From ARM's JSON to the project's snapshots, and back for what is written: pure, no I/O.

Tolerated, because each was recorded or documented: keys and enum members in another letter case, fields
that are absent, null or ``""``, singular and plural fields side by side, ids in any case, seven digits of a
second, ``Z`` and ``+00:00``, enum members that are younger than this code. What a decision rests on is
never guessed: a rule without a priority, an address that is none, an id that is none raise ``Permanent``,
which names the resource and the field. NSGs and their rules are read by ``shared.nsg.rules.spelling``, as
they are from a file.

What must not live here: requests, SDK types (their models arrive as plain JSON), the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import IPv4Address, ip_network
from typing import Final, TypeVar

from shared.model import (
    ConnectionStatus,
    FirewallRule,
    IPNetwork,
    Json,
    PrivateEndpointConnection,
    PublicAccess,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    ServerState,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.errors import Permanent
from shared.model.parts import (
    Availability,
    Backup,
    Encryption,
    Replication,
    ServerParameter,
    ServerTls,
    SignIn,
)
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.spelling import group_from, rule_body

_POSTGRES: Final = "microsoft.dbforpostgresql/flexibleservers"
_SETTLED: Final = frozenset({"", "succeeded", "failed", "canceled"})
_STATES: Final[Mapping[str, ServerState]] = {
    "ready": ServerState.READY,
    "stopped": ServerState.STOPPED,
    "disabled": ServerState.STOPPED,
    "inaccessible": ServerState.STOPPED,
}

_Member = TypeVar("_Member", bound=StrEnum)


# --- servers ---------------------------------------------------------------------------------------


def flexible_server(body: Json, rules: tuple[FirewallRule, ...] | None, read_at: datetime) -> ServerSnapshot:
    """A flexible server from its GET; ``rules`` are None where they were not or could not be read.

    ``privateEndpointConnections`` is ``[]`` in every recorded answer of a server with public access and
    absent where the server lives in a subnet, which excludes private endpoints (examples of 2024-08-01,
    recordings of 2026-04-01-preview). So an absent field means none there, and not known elsewhere.
    """
    network = _part(body, "properties", "network")
    subnet = _optional_id(body, network, "delegatedSubnetResourceId")
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
        public_access=_member(PublicAccess, access, PublicAccess.UNKNOWN),
        public_access_text=access or None,
        delegated_subnet=subnet,
        private_dns_zone=_optional_id(body, network, "privateDnsZoneArmResourceId"),
        firewall_rules=rules,
        private_endpoints=() if connections is None and subnet else connections,
        high_availability=high_availability(body),
        created_at=created_at(body),
        tags=tags(body),
        version=_version(body),
        host_name=text(body, "properties", "fullyQualifiedDomainName"),
        sign_in=_sign_in(body),
        identity=text(body, "identity", "type"),
        encryption=_encryption(body),
        backup=_backup(_part(body, "properties", "backup")),
        availability=_availability(body),
        replication=replication(body),
        elastic_cluster=elastic_cluster(body),
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
        public_access=_member(PublicAccess, access, PublicAccess.UNKNOWN),
        public_access_text=access or None,
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
        backup=_backup(_part(body, "properties", "storageProfile")),
        replication=Replication(
            role=text(body, "properties", "replicationRole"),
            source=_optional_id(body, _part(body, "properties"), "masterServerId"),
        ),
        tls=ServerTls(
            enforced=_enabled(body, "properties", "sslEnforcement"),
            minimum_version=text(body, "properties", "minimalTlsVersion"),
        ),
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
    return int(major) if major.isdecimal() else None


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
    found = _part(body, "properties", "dataEncryption")
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
    found = _part(body, "properties", "highAvailability")
    return Availability(mode=text(found, "mode"), state=text(found, "state"))


def replication(body: Json) -> Replication:
    """The role of a flexible server; ``replica.role`` is what newer versions of the API fill in."""
    properties = _part(body, "properties")
    role = text(properties, "replica", "role") or text(properties, "replicationRole")
    return Replication(role=role, source=_optional_id(body, properties, "sourceServerResourceId"))


def elastic_cluster(body: Json) -> bool:
    """Whether the server is an elastic cluster: only those have ``cluster`` with a size."""
    size = get(body, "properties", "cluster", "clusterSize")
    return isinstance(size, int) and size > 0


def server_parameters(bodies: Iterable[Json]) -> tuple[ServerParameter, ...]:
    """The parameters of a list of configurations, in ARM's order."""
    return tuple(_server_parameter(body) for body in bodies)


def _server_parameter(body: Json) -> ServerParameter:
    return ServerParameter(
        name=text(body, "name"),
        value=_verbatim(body, "value") or "",
        default=_verbatim(body, "defaultValue"),
        data_type=text(body, "properties", "dataType"),
        allowed=text(body, "properties", "allowedValues"),
        read_only=_switch(body, "isReadOnly"),
        dynamic=_switch(body, "isDynamicConfig"),
        pending_restart=_switch(body, "isConfigPendingRestart"),
    )


def _verbatim(body: Json, name: str) -> str | None:
    """A value as it stands, blanks included: it is written back by a rollback."""
    found = get(body, "properties", name)
    return found if isinstance(found, str) else None


def _switch(body: Json, name: str) -> bool | None:
    found = get(body, "properties", name)
    return found if isinstance(found, bool) else None


def private_endpoints(body: Json) -> tuple[PrivateEndpointConnection, ...] | None:
    """The private endpoint connections on a server's body; None where the field is absent."""
    connections = get(body, "properties", "privateEndpointConnections")
    if connections is None:
        return None
    return tuple(_private_endpoint(connection) for connection in _items(connections))


def _private_endpoint(body: Json) -> PrivateEndpointConnection:
    status = text(body, "properties", "privateLinkServiceConnectionState", "status")
    endpoint = get(body, "properties", "privateEndpoint", "id")
    return PrivateEndpointConnection(
        id=required_id(body),
        status=_member(ConnectionStatus, status, ConnectionStatus.UNKNOWN),
        endpoint=parse_resource_id(endpoint),
    )


def firewall_rules(bodies: Iterable[Json]) -> tuple[FirewallRule, ...]:
    """The rules of a firewall rule list, in ARM's order. Raises ``Permanent`` for an address that is none."""
    return tuple(
        FirewallRule(
            name=text(body, "name"),
            start=_address(body, "startIpAddress"),
            end=_address(body, "endIpAddress"),
        )
        for body in bodies
    )


def _address(body: Json, name: str) -> IPv4Address:
    found = text(body, "properties", name)
    try:
        return IPv4Address(found)
    except ValueError as error:
        raise _malformed("firewall rule", body, name, found) from error


def setting(body: Json) -> bool | None:
    """A server parameter that is a switch: on or off, None for anything else."""
    match text(body, "properties", "value").lower():
        case "on" | "true" | "1":
            return True
        case "off" | "false" | "0":
            return False
        case _:
            return None


# --- networks --------------------------------------------------------------------------------------


def subnet(body: Json, read_at: datetime) -> SubnetSnapshot:
    """A subnet from its GET alone: a subnet has no location of its own, and names its NSG by an id.

    An absent ``privateEndpointNetworkPolicies`` stays ``""``: what it means is the judge's to know.
    """
    return SubnetSnapshot(
        id=required_id(body),
        read_at=read_at,
        location="",
        prefixes=_prefixes(body),
        delegations=delegations(body),
        updating=is_updating(body),
        etag=text(body, "etag") or None,
        service_endpoints=_service_endpoints(body),
        endpoint_network_policies=text(body, "properties", "privateEndpointNetworkPolicies"),
        route_table_id=_optional_id(body, _part(body, "properties", "routeTable"), "id"),
    )


def _service_endpoints(body: Json) -> tuple[str, ...]:
    """The services that a subnet reaches by a service endpoint. The field is absent where there is none."""
    found = (text(item, "service") for item in _items(get(body, "properties", "serviceEndpoints")))
    return tuple(service for service in found if service)


def delegations(body: Json) -> tuple[str, ...]:
    """The service names that a subnet is delegated to."""
    names = (
        text(item, "properties", "serviceName") for item in _items(get(body, "properties", "delegations"))
    )
    return tuple(name for name in names if name)


def is_postgres_subnet(body: Json) -> bool:
    """Whether a subnet is delegated to flexible servers."""
    return any(name.lower() == _POSTGRES for name in delegations(body))


def security_group_id(body: Json) -> ResourceId | None:
    """The NSG that a subnet names, None when it names none."""
    return _optional_id(body, _part(body, "properties", "networkSecurityGroup"), "id")


def subnet_bodies(body: Json) -> tuple[Json, ...]:
    """The subnets that a virtual network's body holds."""
    return tuple(_items(get(body, "properties", "subnets")))


def is_updating(body: Json) -> bool:
    """Whether ``provisioningState`` says that a write is still being carried out."""
    return text(body, "properties", "provisioningState").lower() not in _SETTLED


def security_group(body: Json) -> SecurityGroup:
    """An NSG from its GET; raises ``Permanent`` that names the NSG, the rule and the field.

    What a rule says is kept as Azure says it, also where it means nothing: judging that is the engine's.
    """
    try:
        return group_from(body)
    except NsgError as error:
        raise Permanent(f"security group {_called(body)!r}: {error}", code="MalformedAnswer") from error


def _prefixes(body: Json) -> tuple[IPNetwork, ...]:
    single = text(body, "properties", "addressPrefix")
    found = dict.fromkeys([single, *_texts(get(body, "properties", "addressPrefixes"))])
    try:
        return tuple(ip_network(prefix, strict=False) for prefix in found if prefix)
    except ValueError as error:
        raise _malformed("subnet", body, "addressPrefix", list(found)) from error


def security_rule_body(rule: SecurityRule) -> dict[str, Json]:
    """The body of a rule's PUT in the spelling that ARM takes."""
    return rule_body(rule)


# --- reading JSON ----------------------------------------------------------------------------------


def get(body: Json, *path: str) -> Json:
    """Follow ``path`` through objects whose keys compare without case; None where a step is missing."""
    for step in path:
        body = _key(body, step)
    return body


def _key(body: Json, name: str) -> Json:
    if not isinstance(body, Mapping):
        return None
    if name in body:
        return body[name]
    lowered = name.lower()
    return next((found for key, found in body.items() if str(key).lower() == lowered), None)


def text(body: Json, *path: str) -> str:
    """The text at ``path`` without surrounding blanks; ``""`` where there is none."""
    found = get(body, *path)
    return found.strip() if isinstance(found, str) else ""


def required_id(body: Json) -> ResourceId:
    """The resource's own id. Raises ``Permanent`` when there is none."""
    found = parse_resource_id(get(body, "id"))
    if found is None:
        raise _malformed("resource", body, "id", get(body, "id"))
    return found


def created_at(body: Json) -> datetime | None:
    """``systemData.createdAt`` in UTC; None where it is absent or no time."""
    try:
        moment = datetime.fromisoformat(text(body, "systemData", "createdAt"))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def tags(body: Json) -> Mapping[str, str]:
    """The resource's tags; {} where it has none."""
    found = get(body, "tags")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _part(body: Json, *path: str) -> Json:
    found = get(body, *path)
    return found if isinstance(found, Mapping) else {}


def _items(found: Json) -> Iterable[Json]:
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _texts(found: Json) -> list[str]:
    return [item.strip() for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _optional_id(body: Json, holder: Json, name: str) -> ResourceId | None:
    found = text(holder, name)
    parsed = parse_resource_id(found)
    if found and parsed is None:
        raise _malformed("resource", body, name, found)
    return parsed


def _member(kind: type[_Member], found: str, otherwise: _Member) -> _Member:
    return next((member for member in kind if member.lower() == found.lower()), otherwise)


def _malformed(what: str, body: Json, name: str, found: Json) -> Permanent:
    return Permanent(f"{what} {_called(body)!r}: {name} cannot be used: {found!r}", code="MalformedAnswer")


def _called(body: Json) -> str:
    return text(body, "name") or text(body, "id") or "without a name"
