"""What the service adds to the body of a PostgreSQL server: defaults, and fields that follow from others.

`complete` is for a server that comes into being, `settle` for one that was written: the state of high
availability, the status of customer keys, the principals of identities, the role of a replica. The shapes are
those of the flexible server's 2025-08-01 examples and the single server's 2017-12-01 ones. Pure; what must
not live here: writes and states.
"""

from __future__ import annotations

import uuid

from local.simulator.values import (
    TENANT,
    JsonObject,
    JsonValue,
    as_object,
    as_text,
    dig,
    fill,
    short_location,
    utc_text,
)

SECRET = ("administratorLoginPassword",)
_NOT_STORED = ("id", "name", "type")
_DISPLAY_LOCATIONS = (
    "Australia East",
    "Brazil South",
    "Canada Central",
    "Canada East",
    "Central India",
    "Central US",
    "East Asia",
    "East US",
    "East US 2",
    "France Central",
    "Germany West Central",
    "Japan East",
    "Korea Central",
    "North Central US",
    "North Europe",
    "Norway East",
    "South Central US",
    "Southeast Asia",
    "Sweden Central",
    "Switzerland North",
    "UK South",
    "UK West",
    "West Europe",
    "West US",
    "West US 2",
    "West US 3",
)
_SINGLE_SKU: JsonObject = {"name": "GP_Gen5_2", "tier": "GeneralPurpose", "family": "Gen5", "capacity": 2}


def display_location(location: str) -> str:
    """The name under which flexible servers report their location: `canadacentral` is `Canada Central`."""
    wanted = short_location(location)
    return next((name for name in _DISPLAY_LOCATIONS if short_location(name) == wanted), location)


def complete(flexible: bool, name: str, body: JsonObject, now: float) -> JsonObject:
    """A server body with everything that the service adds to what was asked for."""
    known: JsonObject = {field: value for field, value in body.items() if field not in _NOT_STORED}
    properties = {
        field: value for field, value in as_object(body.get("properties")).items() if field not in SECRET
    }
    properties = _without_create_mode(flexible, properties)
    location = as_text(body.get("location")) or "canadacentral"
    if not flexible:
        kept = fill(properties, _single_defaults(name))
        return settle(flexible, {"sku": _SINGLE_SKU, **known, "location": location, "properties": kept})
    return settle(
        flexible,
        {
            "sku": {"name": "Standard_D2ads_v5", "tier": "GeneralPurpose"},
            "systemData": {"createdAt": utc_text(now)},
            **known,
            "location": display_location(location),
            "properties": fill(properties, _flexible_defaults(name, properties)),
        },
    )


def _without_create_mode(flexible: bool, properties: JsonObject) -> JsonObject:
    """`createMode` is never shown; a replica shows the role that it gives, and its source."""
    kept = {field: value for field, value in properties.items() if field != "createMode"}
    if as_text(properties.get("createMode")) != "Replica":
        return kept
    if flexible:
        return kept | {"replicationRole": "AsyncReplica"}
    source = kept.pop("sourceServerId", "")
    return kept | {"replicationRole": "Replica", "masterServerId": source}


def _single_defaults(name: str) -> JsonObject:
    return {
        "administratorLogin": "pgadmin",
        "storageProfile": {
            "storageMB": 5120,
            "backupRetentionDays": 7,
            "geoRedundantBackup": "Disabled",
            "storageAutogrow": "Disabled",
        },
        "version": "11",
        "sslEnforcement": "Enabled",
        "minimalTlsVersion": "TLS1_2",
        "infrastructureEncryption": "Disabled",
        "byokEnforcement": "Disabled",
        "userVisibleState": "Ready",
        "fullyQualifiedDomainName": f"{name}.postgres.database.azure.com",
        "replicationRole": "None",
        "masterServerId": "",
        "replicaCapacity": 5,
        "publicNetworkAccess": "Enabled",
    }


def _flexible_defaults(name: str, properties: JsonObject) -> JsonObject:
    integrated = bool(dig(properties, "network", "delegatedSubnetResourceId"))
    replica = as_text(properties.get("replicationRole")).endswith("Replica")
    return {
        "dataEncryption": {"type": "SystemManaged"},
        "replica": {"role": "Primary", "capacity": 5},
        "storage": {"type": "", "iops": 500, "tier": "P10", "storageSizeGB": 128, "autoGrow": "Disabled"},
        "network": {"publicNetworkAccess": "Disabled" if integrated else "Enabled"},
        "authConfig": {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled"},
        "fullyQualifiedDomainName": f"{name}.postgres.database.azure.com",
        "version": "17",
        "minorVersion": "4",
        "administratorLogin": "pgadmin",
        "state": "Ready",
        "availabilityZone": "1",
        "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled"},
        "highAvailability": {"mode": "Disabled", "state": "NotEnabled"},
        "maintenanceWindow": {"customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0},
        "replicationRole": "Primary",
        "replicaCapacity": 0 if replica else 5,
    }


def settle(flexible: bool, body: JsonObject) -> JsonObject:
    """The body with the read-only fields that follow from what was written; what a seed says stays."""
    settled = dict(body)
    if isinstance(body.get("identity"), dict):
        settled["identity"] = _identity(as_object(body["identity"]))
    if not flexible:
        return settled
    properties = as_object(body.get("properties"))
    changed: JsonObject = {
        "highAvailability": _availability(properties),
        "dataEncryption": _encryption(as_object(properties.get("dataEncryption"))),
        "authConfig": _sign_in(as_object(properties.get("authConfig"))),
        "replica": _replica(properties),
    }
    return settled | {"properties": properties | changed}


def _identity(identity: JsonObject) -> JsonObject:
    """Principals of the identities that a body names; invented, but the same for the same identity."""
    shown = dict(identity)
    if "SystemAssigned" in as_text(identity.get("type")):
        shown = {"principalId": _guid("system"), "tenantId": TENANT, **shown}
    named = as_object(identity.get("userAssignedIdentities"))
    known: JsonObject = {one: _principal(one, as_object(value)) for one, value in named.items()}
    return shown | ({"userAssignedIdentities": known} if known else {})


def _principal(identity_id: str, known: JsonObject) -> JsonObject:
    made: JsonObject = {
        "principalId": _guid(f"{identity_id}/principal"),
        "clientId": _guid(f"{identity_id}/client"),
    }
    return made | known


def _guid(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text.lower()))


def _availability(properties: JsonObject) -> JsonObject:
    asked = as_object(properties.get("highAvailability"))
    mode = as_text(asked.get("mode")) or "Disabled"
    if mode == "Disabled":
        return {"mode": mode, "state": "NotEnabled"}
    own: JsonValue = properties.get("availabilityZone")
    zone = own if mode == "SameZone" else "2" if own != "2" else "1"
    state = as_text(asked.get("state"))
    healthy = "Healthy" if state in ("", "NotEnabled") else state
    return {"standbyAvailabilityZone": zone, **asked, "state": healthy}


def _encryption(asked: JsonObject) -> JsonObject:
    if as_text(asked.get("type")) != "AzureKeyVault":
        return {"type": as_text(asked.get("type")) or "SystemManaged"}
    shown: JsonObject = {"primaryEncryptionKeyStatus": "Valid", **asked}
    return shown if "geoBackupKeyURI" not in asked else {"geoBackupEncryptionKeyStatus": "Valid", **shown}


def _sign_in(asked: JsonObject) -> JsonObject:
    entra = as_text(asked.get("activeDirectoryAuth")) == "Enabled"
    return {"tenantId": TENANT, **asked} if entra else asked


def _replica(properties: JsonObject) -> JsonObject:
    """`replica` says the role a second time; the field that was written is `replicationRole`."""
    role = as_text(properties.get("replicationRole")) or "Primary"
    known = as_object(properties.get("replica")) | {"role": role}
    return known if role == "Primary" else {"replicationState": "Active", **known, "capacity": 0}
