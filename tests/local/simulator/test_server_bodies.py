"""What a server shows besides its network: sign-in, identities, keys, backup, availability, replicas."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.postgresqlflexibleservers.models import (
    AuthConfigForPatch,
    BackupForPatch,
    DataEncryption,
    HighAvailabilityForPatch,
    Server,
    ServerForPatch,
    ServerProperties,
    ServerPropertiesForPatch,
)
from azure.mgmt.rdbms.postgresql.models import ServerUpdateParameters

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, as_object, dig
from tests.local.simulator.conftest import Sdk

SERVER = seeds.flexible_server_id()
OLD = seeds.single_server_id(name="pg-legacy")
GROUP = seeds.GROUP
IDENTITY = f"{seeds.group_id()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-keys"
KEY = "https://kv-orders.vault.azure.net/keys/pg/0123456789abcdef0123456789abcdef"


def patched(sdk: Sdk, properties: ServerPropertiesForPatch) -> ServerProperties:
    patch = ServerForPatch(properties=properties)
    shown = sdk.flexible.servers.begin_update(GROUP, seeds.SERVER, patch).result()
    return facts_of(shown)


def facts_of(server: Server) -> ServerProperties:
    assert server.properties is not None
    return server.properties


def test_entra_sign_in_is_switched_on_with_the_tenant_it_stands_for(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server()])
    change = AuthConfigForPatch(active_directory_auth="Enabled", password_auth="Disabled")
    shown = patched(sdk, ServerPropertiesForPatch(auth_config=change)).auth_config
    assert shown is not None
    assert (shown.active_directory_auth, shown.password_auth) == ("Enabled", "Disabled")
    assert shown.tenant_id


def test_availability_becomes_healthy_in_another_zone_and_goes_again(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server()])
    change = HighAvailabilityForPatch(mode="ZoneRedundant")
    shown = patched(sdk, ServerPropertiesForPatch(high_availability=change)).high_availability
    assert shown is not None
    assert (shown.mode, shown.state, shown.standby_availability_zone) == ("ZoneRedundant", "Healthy", "2")
    change = HighAvailabilityForPatch(mode="Disabled")
    shown = patched(sdk, ServerPropertiesForPatch(high_availability=change)).high_availability
    assert shown is not None
    assert (shown.mode, shown.state, shown.standby_availability_zone) == ("Disabled", "NotEnabled", None)


def test_the_state_of_availability_is_not_written_by_a_caller(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    asked: JsonObject = {"mode": "SameZone", "state": "FailingOver"}
    shown = client.patch(SERVER, {"properties": {"highAvailability": asked}})
    assert dig(shown, "properties", "highAvailability") == {
        "mode": "SameZone",
        "state": "Healthy",
        "standbyAvailabilityZone": "1",
    }


def test_a_customers_key_shows_its_status_and_the_identity_its_principal(
    client: SimulatorClient, sdk: Sdk
) -> None:
    key = DataEncryption(
        type="AzureKeyVault", primary_key_uri=KEY, primary_user_assigned_identity_id=IDENTITY
    )
    made = Server(location=seeds.LOCATION, properties=ServerProperties(data_encryption=key))
    begun = sdk.flexible.servers.begin_create_or_update(GROUP, seeds.SERVER, made, polling_interval=0)
    shown = begun.result().data_encryption
    assert shown is not None
    assert (shown.type, shown.primary_key_uri) == ("AzureKeyVault", KEY)
    assert shown.primary_encryption_key_status == "Valid"
    assert shown.geo_backup_encryption_key_status is None
    client.patch(SERVER, {"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}})
    identity = sdk.flexible.servers.get(GROUP, seeds.SERVER).identity
    assert identity is not None
    assert identity.user_assigned_identities is not None
    assert identity.user_assigned_identities[IDENTITY].principal_id


def test_seeded_keys_and_identities_stay_as_they_are(client: SimulatorClient) -> None:
    key = seeds.customer_key(key_uri=KEY, identity=IDENTITY, status="Invalid", geoBackupKeyURI=KEY)
    server = seeds.flexible_server(properties={"dataEncryption": key})
    client.seed([seeds.with_identity(server, identities=[IDENTITY])])
    shown = client.get(SERVER)
    assert dig(shown, "properties", "dataEncryption", "primaryEncryptionKeyStatus") == "Invalid"
    assert dig(shown, "properties", "dataEncryption", "geoBackupEncryptionKeyStatus") == "Valid"
    assert dig(shown, "identity", "type") == "UserAssigned"


def test_backup_retention_changes_and_the_restore_date_does_not(client: SimulatorClient, sdk: Sdk) -> None:
    backup: JsonObject = {"earliestRestoreDate": "2026-10-01T10:00:00+00:00"}
    client.seed([seeds.flexible_server(properties={"backup": backup})])
    shown = patched(sdk, ServerPropertiesForPatch(backup=BackupForPatch(backup_retention_days=35))).backup
    assert shown is not None
    assert shown.backup_retention_days == 35
    assert shown.geo_redundant_backup == "Disabled"
    assert shown.earliest_restore_date is not None


def test_an_elastic_cluster_says_how_many_nodes_it_has(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server(properties={"cluster": {"clusterSize": 2}})])
    cluster = facts_of(sdk.flexible.servers.get(GROUP, seeds.SERVER)).cluster
    assert cluster is not None
    assert cluster.cluster_size == 2


def test_replicas_are_listed_by_their_source(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(
        [
            seeds.flexible_server(),
            seeds.replica(name="pg-replica", source=SERVER.upper()),
            seeds.flexible_server(name="pg-other"),
        ]
    )
    [replica] = sdk.flexible.replicas.list_by_server(GROUP, seeds.SERVER)
    facts = facts_of(replica)
    assert (replica.name, facts.replication_role) == ("pg-replica", "AsyncReplica")
    assert facts.replica is not None
    assert (facts.replica.role, facts.replica.replication_state) == ("AsyncReplica", "Active")
    assert list(sdk.flexible.replicas.list_by_server(GROUP, "pg-other")) == []


def test_a_replica_is_made_by_its_create_mode(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    made = client.put(
        seeds.flexible_server_id(name="pg-replica"),
        {
            "location": seeds.LOCATION,
            "properties": {"createMode": "Replica", "sourceServerResourceId": SERVER},
        },
    )
    assert dig(made, "properties", "replicationRole") == "AsyncReplica"
    assert dig(made, "properties", "createMode") is None
    assert [one["name"] for one in client.list_all(f"{SERVER}/replicas")] == ["pg-replica"]


@pytest.mark.parametrize("state", ["Disabled", "Inaccessible"])
def test_a_server_can_fall_out_of_reach_without_any_call_and_takes_no_write_then(
    client: SimulatorClient, sdk: Sdk, state: str
) -> None:
    client.seed([seeds.flexible_server()])
    client.amend(SERVER, {"properties": {"state": state}})
    assert facts_of(sdk.flexible.servers.get(GROUP, seeds.SERVER)).state == state
    with pytest.raises(ArmCallFailed):
        client.patch(SERVER, {"tags": {"owner": "orders"}})


def test_tls_of_a_single_server_is_one_patch(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy", properties={"sslEnforcement": "Disabled"})])
    change = ServerUpdateParameters(ssl_enforcement="Enabled", minimal_tls_version="TLS1_2")
    shown = sdk.single.servers.begin_update(GROUP, "pg-legacy", change).result()
    assert (shown.ssl_enforcement, shown.minimal_tls_version) == ("Enabled", "TLS1_2")
    assert (shown.infrastructure_encryption, shown.byok_enforcement) == ("Disabled", "Disabled")


def test_a_single_server_shows_its_storage_profile_identity_and_replicas(
    client: SimulatorClient, sdk: Sdk
) -> None:
    replica = seeds.single_server(
        name="pg-copy", properties={"replicationRole": "Replica", "masterServerId": OLD}
    )
    client.seed([seeds.with_identity(seeds.single_server(name="pg-legacy")), replica])
    shown = sdk.single.servers.get(GROUP, "pg-legacy")
    assert shown.storage_profile is not None
    assert shown.storage_profile.geo_redundant_backup == "Disabled"
    assert shown.identity is not None
    assert shown.identity.principal_id
    assert [one.name for one in sdk.single.replicas.list_by_server(GROUP, "pg-legacy")] == ["pg-copy"]


def test_a_single_server_takes_no_write_while_it_is_inaccessible(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy", state="Inaccessible")])
    with pytest.raises(HttpResponseError):
        sdk.single.servers.begin_update(GROUP, "pg-legacy", ServerUpdateParameters(tags={"a": "b"}))


def test_what_is_amended_is_merged_into_what_is_held(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    before = as_object(client.get(SERVER)["properties"])
    client.amend(SERVER, {"properties": {"highAvailability": {"state": "FailingOver"}}})
    after = as_object(client.get(SERVER)["properties"])
    assert dig(after, "highAvailability", "state") == "FailingOver"
    assert {name: value for name, value in after.items() if name != "highAvailability"} == {
        name: value for name, value in before.items() if name != "highAvailability"
    }


@pytest.mark.parametrize(("version", "throttled"), [("15", ["on"]), ("17", [])])
def test_a_well_kept_server_has_all_of_it_and_what_a_test_says_of_its_own(
    client: SimulatorClient, version: str, throttled: list[str]
) -> None:
    asked = seeds.flexible_server(
        properties={"highAvailability": {"mode": "SameZone"}, "backup": {"backupRetentionDays": 8}}
    )
    client.seed(seeds.well_kept(asked, version=version))
    shown = client.get(SERVER)
    assert dig(shown, "properties", "version") == version
    assert dig(shown, "properties", "highAvailability", "mode") == "SameZone"
    assert dig(shown, "properties", "backup", "geoRedundantBackup") == "Enabled"
    assert dig(shown, "properties", "backup", "backupRetentionDays") == 8
    values = {
        one["name"]: dig(one, "properties", "value") for one in client.list_all(f"{SERVER}/configurations")
    }
    assert values["logfiles.retention_days"] == "7"
    assert [values[name] for name in values if name == "connection_throttle.enable"] == throttled
    assert len(client.list_all(f"{SERVER}/administrators")) == 1
