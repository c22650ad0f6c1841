"""Planned servers and what belongs to them, as ARM will show them.

Source: azurerm 4 and 5, documentation of each resource; what an argument is called in ARM is in the
provider's code. What a plan cannot hold (the state of a key, of a standby) is left out and so Unknown. A new
server that says nothing of sign-in has passwords and no Entra sign-in (documentation of ``authentication``).
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from driftward.scanning.documents.joining import Body
from driftward.scanning.documents.terraform.identity import SERVER, SUBNET, ZONE, Identities
from driftward.scanning.documents.terraform.plan import Resource
from driftward.scanning.documents.terraform.values import (
    block,
    blocks,
    hidden,
    shown,
    switch,
    without_nothing,
)
from shared.model import Json
from shared.model.resource_id import ResourceId

DIAGNOSTICS: Final = "azurerm_monitor_diagnostic_setting"
_TIERS: Final = {"B": "Burstable", "GP": "GeneralPurpose", "MO": "MemoryOptimized"}


def server(resource: Resource, named: ResourceId, identities: Identities) -> Iterator[Body]:
    values = resource.values
    found: dict[str, Json] = {
        "state": "Ready",
        "version": values.get("version"),
        "fullyQualifiedDomainName": shown(values.get("fqdn")) or f"{named.name}.postgres.database.azure.com",
        "network": without_nothing(_network(resource, identities)),
        "authConfig": without_nothing(_sign_in(resource, identities)),
        "dataEncryption": _encryption(values),
        "backup": without_nothing(_backup(resource, identities)),
        "highAvailability": {"mode": _standby(values)},
        "cluster": _cluster(values),
        **_replication(resource, identities),
    }
    yield {
        "id": str(named),
        "name": named.name,
        "type": "Microsoft.DBforPostgreSQL/flexibleServers",
        "location": values.get("location"),
        "tags": values.get("tags") or {},
        "sku": {"tier": _tier(values)},
        "identity": _identity(values),
        "properties": without_nothing(found),
    }


def _network(resource: Resource, identities: Identities) -> dict[str, Json]:
    return {
        "publicNetworkAccess": switch(resource.values.get("public_network_access_enabled")),
        "delegatedSubnetResourceId": id_text(resource, identities, "delegated_subnet_id", SUBNET),
        "privateDnsZoneArmResourceId": id_text(resource, identities, "private_dns_zone_id", ZONE),
    }


def id_text(resource: Resource, identities: Identities, name: str, kind: str) -> Json:
    """An id that is known, or will be; else the words that stand in its place. None where it is not set."""
    if resource.values.get(name) in (None, ""):
        return None
    found = identities.named(resource, (name,), {kind})
    return str(found) if found is not None else resource.values.get(name)


def _sign_in(resource: Resource, identities: Identities) -> dict[str, Json]:
    held = block(resource.values, "authentication")
    if identities.references.is_left_to_azure(resource, "authentication"):
        return {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled"}
    return {
        "activeDirectoryAuth": switch(held.get("active_directory_auth_enabled")),
        "passwordAuth": switch(held.get("password_auth_enabled")),
    }


def _encryption(values: Mapping[str, Json]) -> Json:
    held = block(values, "customer_managed_key")
    if not held:
        told = hidden(values, "customer_managed_key")
        return {"type": told} if told is not None else None
    keys: dict[str, Json] = {
        "type": "AzureKeyVault",
        "primaryKeyURI": held.get("key_vault_key_id"),
        "geoBackupKeyURI": held.get("geo_backup_key_vault_key_id"),
    }
    return without_nothing(keys)


def _standby(values: Mapping[str, Json]) -> Json:
    found = hidden(values, "high_availability") or block(values, "high_availability").get("mode")
    return found or "Disabled"


def _backup(resource: Resource, identities: Identities) -> dict[str, Json]:
    """Azure keeps seven days where a new server says nothing (REST reference, backupRetentionDays)."""
    days = resource.values.get("backup_retention_days")
    if identities.references.is_left_to_azure(resource, "backup_retention_days"):
        days = 7
    return {
        "backupRetentionDays": days,
        "geoRedundantBackup": switch(resource.values.get("geo_redundant_backup_enabled")),
    }


def _cluster(values: Mapping[str, Json]) -> Json:
    held = block(values, "cluster")
    return {"clusterSize": held.get("size")} if held else None


def _replication(resource: Resource, identities: Identities) -> dict[str, Json]:
    if resource.values.get("create_mode") != "Replica":
        return {"replicationRole": "Primary"}
    source = id_text(resource, identities, "source_server_id", SERVER)
    role = resource.values.get("replication_role") or "AsyncReplica"
    return {"replicationRole": role, "sourceServerResourceId": source}


def _tier(values: Mapping[str, Json]) -> Json:
    sku = values.get("sku_name")
    return _TIERS.get(sku.partition("_")[0], sku) if isinstance(sku, str) else None


def _identity(values: Mapping[str, Json]) -> Json:
    held = block(values, "identity")
    kind = held.get("type") if held else hidden(values, "identity")
    return {"type": kind} if kind is not None else None


# --- children --------------------------------------------------------------------------------------


def firewall_rule(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    yield _child(
        named,
        {
            "startIpAddress": resource.values.get("start_ip_address"),
            "endIpAddress": resource.values.get("end_ip_address"),
        },
    )


def configuration(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    yield _child(named, {"value": resource.values.get("value"), "source": "user-override"})


def administrator(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    values = resource.values
    yield _child(
        named,
        {
            "objectId": values.get("object_id"),
            "principalName": values.get("principal_name"),
            "principalType": values.get("principal_type"),
            "tenantId": values.get("tenant_id"),
        },
    )


def _child(named: ResourceId, properties: Mapping[str, Json]) -> dict[str, Json]:
    return {"id": str(named), "name": named.name, "properties": without_nothing(properties)}


def lock(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    yield _child(named, {"level": resource.values.get("lock_level")})


def diagnostic_setting(resource: Resource, target: ResourceId) -> dict[str, Json]:
    values = resource.values
    name = resource.text("name") or "diagnostics"
    kept: dict[str, Json] = {
        "workspaceId": values.get("log_analytics_workspace_id"),
        "storageAccountId": values.get("storage_account_id"),
        "eventHubAuthorizationRuleId": values.get("eventhub_authorization_rule_id"),
        "marketplacePartnerId": values.get("partner_solution_id"),
        "logs": [*_logs(blocks(values, "enabled_log"))],
    }
    return {
        "id": f"{target}/providers/Microsoft.Insights/diagnosticSettings/{name}",
        "name": name,
        "properties": without_nothing(kept),
    }


def _logs(enabled: Iterable[Mapping[str, Json]]) -> Iterable[Json]:
    for one in enabled:
        named = {"category": one.get("category"), "categoryGroup": one.get("category_group"), "enabled": True}
        yield without_nothing(named)
