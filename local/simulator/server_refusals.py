"""What the service refuses in a server's own situation, before it begins anything.

- High availability and read replicas are not there on Burstable servers, and a replica has neither backups,
  so that nothing can be restored from it, nor high availability of its own (Azure's article on read
  replicas).
- Geo-redundant backup and whose key encrypts are chosen when a server is made, and never again; both together
  need a second key and identity for the backups' region (`CMKInvalidEncryptionParameters`,
  pulumi/pulumi-azure-native 4014).
- Entra administrators are the primary's; replicas get them from there (Azure/azure-cli 24713).

The codes other than `CMKInvalidEncryptionParameters` are ours: no public source shows them
(docs/field-test.md). Pure but for looking a source up. What must not live here: the writes.
"""

from __future__ import annotations

from local.simulator.store import Record
from local.simulator.values import ArmError, JsonObject, JsonValue, as_text, bad_request, dig, merge
from local.simulator.world import World

_BURSTABLE = "burstable"
_GENERAL_PURPOSE = "GeneralPurpose"


def is_replica(server: Record) -> bool:
    return as_text(server.properties.get("replicationRole")).lower().endswith("replica")


def refuse_new(world: World, body: JsonObject) -> None:
    """Raise 400 where a flexible server cannot be made like this."""
    mode, source = as_text(dig(body, "properties", "createMode")), _source(world, body)
    if source is not None and mode in ("PointInTimeRestore", "GeoRestore") and is_replica(source):
        raise _unsupported(
            "RestoreFromReplicaNotSupported", f"Server '{source.name}' is a read replica: it has no backups."
        )
    if source is not None and mode == "Replica" and _tier(source.body) == _BURSTABLE:
        raise _unsupported("ReplicaNotSupported", "Read replicas are not supported for the Burstable tier.")
    if mode == "Replica":
        _refuse_on_replica(body)
    _refuse_availability(body)
    _refuse_half_a_key(body)


def refuse_change(server: Record, patch: JsonObject) -> None:
    """Raise 400 where this flexible server cannot be changed like this."""
    after = merge(server.body, patch)
    if is_replica(server):
        _refuse_on_replica(patch)
    _refuse_availability(after)
    if _geo_backup(server.body) != _geo_backup(after):
        raise _unsupported(
            "GeoRedundantBackupCannotBeChanged", "Geo-redundant backup can only be chosen at create time."
        )
    if _keys_of(server.body) != _keys_of(after):
        raise _unsupported(
            "DataEncryptionTypeCannotBeChanged",
            "The type of data encryption can only be chosen at create time.",
        )
    if dig(patch, "properties", "dataEncryption") is not None:
        _refuse_half_a_key(after)


def refuse_administrator(server: Record) -> None:
    """Raise 400 for an administrator that is given to, or taken from, a replica itself."""
    if is_replica(server):
        raise _unsupported(
            "AdministratorNotSupportedOnReplica",
            f"Server '{server.name}' is a read replica. Administrators are managed on its primary server.",
        )


def _refuse_on_replica(body: JsonObject) -> None:
    if _availability(body) != "Disabled" or _geo_backup(body):
        raise _unsupported(
            "FeatureNotSupportedOnReplica",
            "Backups and high availability are not supported on read replicas.",
        )


def _refuse_availability(body: JsonObject) -> None:
    if _availability(body) != "Disabled" and _tier(body) == _BURSTABLE:
        raise _unsupported(
            "HighAvailabilityNotSupported", "High availability is not supported for the Burstable tier."
        )


def _refuse_half_a_key(body: JsonObject) -> None:
    """A customer's key comes with an identity, and with a second pair where backups go to another region."""
    encryption = dig(body, "properties", "dataEncryption")
    if _keys_of(body) != "AzureKeyVault":
        return
    if not _both(encryption, "primaryKeyURI", "primaryUserAssignedIdentityId"):
        raise _invalid_encryption("User assigned identity and key are required to encrypt the server.")
    if _geo_backup(body) and not _both(encryption, "geoBackupKeyURI", "geoBackupUserAssignedIdentityId"):
        raise _invalid_encryption(
            "Geo-Backup Encryption user assigned identity and key is required to encrypt Geo-Redundant CMK "
            "enabled server."
        )


def _both(encryption: JsonValue, key: str, identity: str) -> bool:
    return bool(dig(encryption, key)) and bool(dig(encryption, identity))


def _invalid_encryption(why: str) -> ArmError:
    return bad_request(
        "CMKInvalidEncryptionParameters", f"The input server encryption parameters are invalid. {why}"
    )


def _unsupported(code: str, message: str) -> ArmError:
    return bad_request(code, message)


def _source(world: World, body: JsonObject) -> Record | None:
    named = as_text(dig(body, "properties", "sourceServerResourceId"))
    return world.store.get(named) if named else None


def _tier(body: JsonObject) -> str:
    return (as_text(dig(body, "sku", "tier")) or _GENERAL_PURPOSE).lower()


def _availability(body: JsonObject) -> str:
    return as_text(dig(body, "properties", "highAvailability", "mode")) or "Disabled"


def _geo_backup(body: JsonObject) -> bool:
    return as_text(dig(body, "properties", "backup", "geoRedundantBackup")) == "Enabled"


def _keys_of(body: JsonObject) -> str:
    return as_text(dig(body, "properties", "dataEncryption", "type")) or "SystemManaged"
