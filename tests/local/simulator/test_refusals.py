"""What ARM refuses: each test ends in the same state as it began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, dig

SERVER = seeds.flexible_server_id()
REPLICA = seeds.flexible_server_id(name="copy")
NETWORK = seeds.vnet_id()
SUBNET = seeds.subnet_id()


@contextmanager
def refused(client: SimulatorClient, code: str, status: int = 400) -> Iterator[None]:
    before = client.state()
    with pytest.raises(ArmCallFailed) as error:
        yield
    assert (error.value.status, error.value.code) == (status, code), error.value
    assert client.state() == before


# --- subnets ---------------------------------------------------------------------------------------


def integrated(name: str = seeds.SERVER) -> JsonObject:
    return seeds.flexible_server(name=name, public_access=None, delegated_subnet=SUBNET)


@pytest.mark.field(
    "simulator",
    "A subnet keeps its delegation while a server stands in it: SubnetMissingRequiredDelegation.",
    source="https://github.com/MicrosoftDocs/azure-docs/issues/92894",
    date="2026-11-29",
)
def test_a_subnet_keeps_its_delegation_while_a_server_stands_in_it(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet()]), integrated()])
    bare = seeds.subnet(delegated=False)
    with refused(client, "SubnetMissingRequiredDelegation"):
        client.put(SUBNET, bare)
    with refused(client, "SubnetMissingRequiredDelegation"):
        client.put(NETWORK, seeds.vnet(subnets=[bare]))
    client.put(SUBNET, seeds.subnet(properties=seeds.service_endpoints("Microsoft.Storage")))
    client.delete(SERVER)
    client.put(SUBNET, bare)


def test_the_delegation_can_go_where_the_switch_lets_it(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet()]), integrated()])
    client.switches(delegation_of_used_subnet="removable")
    client.put(SUBNET, seeds.subnet(delegated=False))


@pytest.mark.field(
    "simulator",
    "A subnet in which something has an address is not deleted, neither alone nor with its network: "
    "InUseSubnetCannotBeDeleted.",
    source="https://github.com/Azure/bicep/issues/13267",
    date="2026-11-29",
)
@pytest.mark.parametrize("user", ["server", "endpoint"])
def test_a_subnet_in_use_is_not_deleted(client: SimulatorClient, user: str) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet(delegated=user == "server")])])
    endpoint = seeds.private_endpoint(name="way-in", server=SERVER, subnet=SUBNET)
    client.seed([integrated()] if user == "server" else [seeds.flexible_server(), endpoint])
    with refused(client, "InUseSubnetCannotBeDeleted"):
        client.delete(SUBNET)
    with refused(client, "InUseSubnetCannotBeDeleted"):
        client.delete(NETWORK)
    with refused(client, "InUseSubnetCannotBeDeleted"):
        client.put(NETWORK, seeds.vnet(subnets=[]))
    client.delete(SERVER if user == "server" else seeds.endpoint_id(name="way-in"))
    client.delete(SUBNET)
    client.delete(NETWORK)


@pytest.mark.field(
    "simulator",
    "Two subnets of a network do not overlap (NetcfgSubnetRangesOverlap), and each lies inside it "
    "(NetcfgSubnetRangeOutsideVnet).",
    source="https://github.com/MicrosoftDocs/azure-docs/pull/123869",
    date="2026-11-29",
)
def test_subnets_lie_beside_each_other_and_inside_their_network(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet(prefix="10.20.1.0/24")])])
    other = f"{NETWORK}/subnets/other"
    inside = seeds.subnet(name="other", prefix="10.20.1.128/25", delegated=False)
    with refused(client, "NetcfgSubnetRangesOverlap"):
        client.put(other, inside)
    with refused(client, "NetcfgSubnetRangesOverlap"):
        client.put(NETWORK, seeds.vnet(subnets=[seeds.subnet(prefix="10.20.1.0/24"), inside]))
    with refused(client, "NetcfgSubnetRangeOutsideVnet"):
        client.put(other, seeds.subnet(name="other", prefix="10.21.0.0/24", delegated=False))
    client.put(other, seeds.subnet(name="other", prefix="10.20.2.0/24", delegated=False))
    client.put(SUBNET, seeds.subnet(prefix="10.20.1.0/25"))


@pytest.mark.field(
    "simulator",
    "A subnet in which something has an address keeps its range: InUsePrefixCannotBeDeleted.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-network-manage-subnet",
    date="2026-11-29",
)
def test_a_subnet_in_use_keeps_its_range(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet()]), integrated()])
    larger = seeds.subnet(prefix="10.20.0.0/23")
    with refused(client, "InUsePrefixCannotBeDeleted"):
        client.put(SUBNET, larger)
    with refused(client, "InUsePrefixCannotBeDeleted"):
        client.put(NETWORK, seeds.vnet(subnets=[larger]))
    client.delete(SERVER)
    client.put(SUBNET, larger)


@pytest.mark.field(
    "simulator",
    "No private endpoint is put into a delegated subnet: "
    "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated.",
    source="https://learn.microsoft.com/azure/private-link/troubleshoot-private-endpoint-creation-failed",
    date="2026-11-29",
)
def test_no_private_endpoint_is_put_into_a_delegated_subnet(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet()]), seeds.flexible_server()])
    endpoint = seeds.private_endpoint(name="way-in", server=SERVER, subnet=SUBNET)
    with refused(client, "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated"):
        client.put(str(endpoint["id"]), endpoint)
    client.put(SUBNET, seeds.subnet(delegated=False))
    client.put(str(endpoint["id"]), endpoint)


# --- zones, rules, settings ------------------------------------------------------------------------


@pytest.mark.field(
    "simulator",
    "A network is linked to one private zone of a name only, and once: BadRequest.",
    source="https://github.com/MicrosoftDocs/azure-aks-docs/issues/212",
    date="2026-11-29",
)
def test_a_network_is_linked_to_one_zone_of_a_name(client: SimulatorClient) -> None:
    mine, theirs = seeds.zone_id(), seeds.zone_id(group="rg-other")
    client.seed([seeds.vnet(), seeds.private_dns_zone(), seeds.private_dns_zone(group="rg-other")])
    client.seed([seeds.zone_link(zone=mine, vnet=NETWORK)])
    link = seeds.zone_link(zone=theirs, vnet=NETWORK.upper())
    with refused(client, "BadRequest"):
        client.put(f"{theirs}/virtualNetworkLinks/second", link)
    with refused(client, "BadRequest"):
        client.put(f"{mine}/virtualNetworkLinks/second", link)
    client.put(f"{mine}/virtualNetworkLinks/link", seeds.zone_link(zone=mine, vnet=NETWORK))
    client.delete(f"{mine}/virtualNetworkLinks/link")
    client.put(f"{theirs}/virtualNetworkLinks/second", link)


@pytest.mark.field(
    "simulator",
    "Firewall rules are neither written nor deleted while public access is off, on both kinds of server.",
    source="https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-firewall-rules",
    date="2026-11-29",
)
@pytest.mark.parametrize("kind", ["flexible", "single"])
def test_firewall_rules_are_not_written_while_public_access_is_off(
    client: SimulatorClient, kind: str
) -> None:
    make = seeds.flexible_server if kind == "flexible" else seeds.single_server
    server = make(public_access="Disabled")
    rule = seeds.firewall_rule(server=str(server["id"]), name="office", start="198.51.100.7")
    client.seed([server, rule])
    with refused(client, "FirewallRuleNotAllowedOnPrivateServer"):
        client.put(str(rule["id"]), rule)
    with refused(client, "FirewallRuleNotAllowedOnPrivateServer"):
        client.delete(str(rule["id"]))


@pytest.mark.field(
    "simulator",
    "Two rules of an NSG do not share priority and direction: SecurityRuleConflict.",
    source="https://github.com/Azure/aks-engine/issues/2106",
    date="2026-11-29",
)
def test_two_rules_do_not_share_priority_and_direction(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="first", priority=4095)])])
    second = seeds.security_rule(name="second", priority=4095)
    with refused(client, "SecurityRuleConflict"):
        client.put(f"{seeds.nsg_id()}/securityRules/second", second)
    outbound = seeds.security_rule(name="second", priority=4095, direction="Outbound")
    client.put(f"{seeds.nsg_id()}/securityRules/second", outbound)


@pytest.mark.field(
    "simulator",
    "A resource has at most five diagnostic settings; one that is there can still be changed.",
    source="https://learn.microsoft.com/azure/azure-monitor/essentials/diagnostic-settings",
    date="2026-11-29",
)
def test_a_sixth_diagnostic_setting_is_refused(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    settings = [seeds.diagnostic_setting(resource=SERVER, name=f"to-{number}") for number in range(6)]
    for setting in settings[:5]:
        client.put(str(setting["id"]), setting)
    with refused(client, "BadRequest"):
        client.put(str(settings[5]["id"]), settings[5])
    client.put(
        str(settings[0]["id"]), seeds.diagnostic_setting(resource=SERVER, name="to-0", groups=["audit"])
    )
    client.delete(str(settings[1]["id"]))
    client.put(str(settings[5]["id"]), settings[5])


# --- a server's own situation ----------------------------------------------------------------------


@pytest.mark.field(
    "simulator",
    "An Entra administrator is given and taken on the primary, never on a replica.",
    source="https://github.com/Azure/azure-cli/pull/24713",
    date="2026-11-29",
)
def test_a_replica_has_its_administrators_from_its_primary(client: SimulatorClient) -> None:
    on_replica = seeds.administrator(server=REPLICA, object_id=seeds.ADMINISTRATOR)
    client.seed([seeds.flexible_server(), seeds.replica(name="copy", source=SERVER)])
    with refused(client, "AdministratorNotSupportedOnReplica"):
        client.put(str(on_replica["id"]), on_replica)
    client.seed([on_replica])
    with refused(client, "AdministratorNotSupportedOnReplica"):
        client.delete(str(on_replica["id"]))


def new_server(**properties: str) -> JsonObject:
    return {"location": seeds.LOCATION, "properties": {**properties}}


@pytest.mark.field(
    "simulator",
    "Nothing is restored from a replica, which has no backups; from its primary it is.",
    source="https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-read-replicas",
    date="2026-11-29",
)
def test_nothing_is_restored_from_a_replica(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.replica(name="copy", source=SERVER)])
    restored = seeds.flexible_server_id(name="restored")
    for mode in ("PointInTimeRestore", "GeoRestore"):
        with refused(client, "RestoreFromReplicaNotSupported"):
            client.put(restored, new_server(createMode=mode, sourceServerResourceId=REPLICA))
    client.put(restored, new_server(createMode="PointInTimeRestore", sourceServerResourceId=SERVER))


@pytest.mark.field(
    "simulator",
    "A replica has no high availability of its own and no backups in two regions.",
    source="https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-read-replicas",
    date="2026-11-29",
)
def test_a_replica_has_neither_high_availability_nor_geo_backup(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.replica(name="copy", source=SERVER)])
    with refused(client, "FeatureNotSupportedOnReplica"):
        client.patch(REPLICA, {"properties": {"highAvailability": {"mode": "SameZone"}}})
    with refused(client, "FeatureNotSupportedOnReplica"):
        client.patch(REPLICA, {"properties": {"backup": {"geoRedundantBackup": "Enabled"}}})
    client.patch(REPLICA, {"tags": {"for": "reports"}})


def test_a_promoted_replica_is_a_server_by_itself(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.replica(name="copy", source=SERVER)])
    role: JsonObject = {"role": "None", "promoteMode": "standalone", "promoteOption": "planned"}
    promoted = client.patch(REPLICA, {"properties": {"replica": role}})
    assert dig(promoted, "properties", "replicationRole") == "Primary"
    assert dig(promoted, "properties", "sourceServerResourceId") is None
    client.patch(REPLICA, {"properties": {"highAvailability": {"mode": "SameZone"}}})


@pytest.mark.field(
    "simulator",
    "Geo-redundant backup and the kind of key are chosen when a server is made, and not changed afterwards.",
    source="https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-backup-restore",
    date="2026-11-29",
)
def test_geo_backup_and_the_kind_of_key_are_chosen_once(client: SimulatorClient) -> None:
    key = seeds.customer_key(key_uri=seeds.KEY_URI, identity=f"{seeds.group_id()}/identity")
    client.seed([seeds.flexible_server()])
    with refused(client, "GeoRedundantBackupCannotBeChanged"):
        client.patch(SERVER, {"properties": {"backup": {"geoRedundantBackup": "Enabled"}}})
    with refused(client, "DataEncryptionTypeCannotBeChanged"):
        client.patch(SERVER, {"properties": {"dataEncryption": key}})
    kept: JsonObject = {"backupRetentionDays": 14, "geoRedundantBackup": "Disabled"}
    client.patch(SERVER, {"properties": {"backup": kept}})


@pytest.mark.field(
    "simulator",
    "Geo-redundant backup of a server with a customer's key needs a second key and identity: "
    "CMKInvalidEncryptionParameters.",
    source="https://github.com/pulumi/pulumi-azure-native/issues/4014",
    date="2026-11-29",
)
def test_geo_backup_with_a_customers_key_needs_a_key_for_the_backups(client: SimulatorClient) -> None:
    identity = f"{seeds.group_id()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/keys"
    key = seeds.customer_key(key_uri=seeds.KEY_URI, identity=identity)
    asked: JsonObject = {"backup": {"geoRedundantBackup": "Enabled"}, "dataEncryption": key}
    with refused(client, "CMKInvalidEncryptionParameters"):
        client.put(SERVER, {"location": seeds.LOCATION, "properties": asked})
    nameless: JsonObject = {"dataEncryption": {"type": "AzureKeyVault", "primaryKeyURI": seeds.KEY_URI}}
    with refused(client, "CMKInvalidEncryptionParameters"):
        client.put(SERVER, {"location": seeds.LOCATION, "properties": nameless})
    second: JsonObject = {"geoBackupKeyURI": seeds.KEY_URI, "geoBackupUserAssignedIdentityId": identity}
    made = client.put(
        SERVER, {"location": seeds.LOCATION, "properties": {**asked, "dataEncryption": key | second}}
    )
    assert dig(made, "properties", "dataEncryption", "geoBackupEncryptionKeyStatus") == "Valid"


@pytest.mark.field(
    "simulator",
    "A Burstable server has no high availability and no replicas; in another tier it has both.",
    source="https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-high-availability",
    date="2026-11-29",
)
def test_a_burstable_server_has_no_high_availability_and_no_replicas(client: SimulatorClient) -> None:
    burstable: JsonObject = {"sku": {"name": "Standard_B2s", "tier": "Burstable"}}
    available: JsonObject = {"properties": {"highAvailability": {"mode": "ZoneRedundant"}}}
    client.seed([seeds.flexible_server() | burstable])
    with refused(client, "HighAvailabilityNotSupported"):
        client.patch(SERVER, available)
    with refused(client, "ReplicaNotSupported"):
        client.put(REPLICA, new_server(createMode="Replica", sourceServerResourceId=SERVER))
    with refused(client, "HighAvailabilityNotSupported"):
        client.put(REPLICA, {"location": seeds.LOCATION, **burstable, **available})
    client.patch(SERVER, {"sku": {"name": "Standard_D2ads_v5", "tier": "GeneralPurpose"}, **available})
