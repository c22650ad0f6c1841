"""What a person is told to do fits the server: nothing is printed that Azure refuses in its situation."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from shared.alerts.commands import fix_commands
from shared.alerts.steps import commands_told, started_first, texts_told
from shared.model import (
    ConnectionStatus,
    Finding,
    PublicAccess,
    ServerSnapshot,
    ServerState,
    SubnetServer,
    TargetKind,
)
from shared.model.parts import Availability, Backup, DiagnosticSetting, Encryption, Replication, SignIn
from shared.model.resource_id import ResourceId
from shared.policies import discover, find
from shared.posture.findings import is_drift
from shared.posture.policy import AnyPolicy, bound, examples
from tests.builders import (
    ALL_AZURE,
    OFFICE,
    PARAMETERS,
    SERVER,
    SUBNET,
    endpoint,
    server,
    single_server,
    subnet,
)
from tests.policies.stored import all_stored

PRIMARY = ResourceId(str(SERVER).replace("/orders", "/orders-primary"))
ODD_ZONE = ResourceId(
    f"{str(SERVER).split('/providers')[0]}/providers/Microsoft.Network/privateDnsZones/odd.example.com"
)
REPLICA = Replication(role="AsyncReplica", source=PRIMARY)


def judged(policy: str, snapshot: ServerSnapshot, **settings: Any) -> Finding:
    found = find(policy)
    assert found is not None
    return bound(found, {**examples(found), **settings}).evaluate(snapshot)


def told(policy: str, snapshot: ServerSnapshot, **settings: Any) -> tuple[str, ...]:
    found = judged(policy, snapshot, **settings)
    assert is_drift(found), found.reason
    return commands_told(found.evidence)


# --- replicas --------------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "An Entra administrator of a replica is named on its primary, which the replica has it from.",
    source="azure-cli 2.91.0, `server_microsoft_entra_admin_create` refuses a replica",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("policy", "sign_in"),
    [
        ("postgres-entra-administrator-missing", SignIn(entra=True, passwords=True)),
        ("postgres-entra-sign-in-off", SignIn(entra=False, passwords=True)),
        ("postgres-password-sign-in-on", SignIn(entra=False, passwords=True)),
    ],
)
def test_an_administrator_of_a_replica_is_named_on_its_primary(policy: str, sign_in: SignIn) -> None:
    replica = server(replication=REPLICA, sign_in=sign_in, administrators=())
    (command,) = (one for one in told(policy, replica) if "microsoft-entra-admin create" in one)
    words = shlex.split(command)
    assert words[words.index("--server-name") + 1] == PRIMARY.name
    lost = replace(replica, replication=replace(REPLICA, source=None))
    assert not any("microsoft-entra-admin" in one for one in told(policy, lost))
    assert any("primary" in text for text in texts_told(judged(policy, lost).evidence))


@pytest.mark.field(
    "commands",
    "A replica is never restored, for no backups are taken of it: it is made anew from its primary.",
    source="https://learn.microsoft.com/azure/postgresql/read-replica/concepts-read-replicas",
    date="2026-11-29",
)
def test_a_replica_is_made_anew_and_not_restored() -> None:
    replica = server(replication=REPLICA)
    (command,) = told("postgres-customer-managed-key-missing", replica)
    words = shlex.split(command)
    assert words[1:5] == ["postgres", "flexible-server", "replica", "create"]
    assert words[words.index("--source-server") + 1] == str(PRIMARY)
    lost = replace(replica, replication=replace(REPLICA, source=None))
    assert told("postgres-customer-managed-key-missing", lost) == ()


# --- keys and backups ------------------------------------------------------------------------------

GEO = "postgres-geo-redundant-backup-off"
KEY = "postgres-customer-managed-key-missing"
ALL_FOUR = {"--key", "--identity", "--backup-key", "--backup-identity"}


@pytest.mark.field(
    "commands",
    "A server with a customer's key and geo-redundant backup is made with a key and an identity for each.",
    source="azure-cli 2.91.0, `pg_byok_validator`",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("policy", "customers", "geo", "options"),
    [
        (GEO, False, False, {"--geo-redundant-backup"}),
        (GEO, True, False, {"--geo-redundant-backup", *ALL_FOUR}),
        (KEY, False, False, {"--key", "--identity"}),
        (KEY, False, True, {"--geo-redundant-backup", *ALL_FOUR}),
    ],
)
def test_geo_backup_and_a_key_come_with_a_key_and_an_identity_of_their_own(
    policy: str, customers: bool, geo: bool, options: set[str]
) -> None:
    kept = server(
        encryption=Encryption(customer_key=customers), backup=Backup(retention_days=7, geo_redundant=geo)
    )
    (command,) = told(policy, kept)
    fixed = {"--subscription", "--resource-group", "--name", "--source-server"}
    assert {word for word in shlex.split(command) if word.startswith("--")} == fixed | options


def test_what_is_settled_at_creation_says_that_it_ends_on_another_server() -> None:
    for policy in (GEO, KEY):
        assert judged(policy, server()).evidence["endsOnNewServer"] is True
        assert find(policy) is not None
    assert "endsOnNewServer" not in judged(KEY, single_server()).evidence
    whole = server(backup=Backup(retention_days=7, geo_redundant=True))
    assert "endsOnNewServer" not in judged(GEO, whole).evidence


# --- standbys --------------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "A server of the Burstable tier gets another tier before it gets a standby.",
    source="azure-cli 2.91.0, `_pg_zonal_resiliency_validator`",
    date="2026-11-29",
)
def test_a_burstable_server_gets_another_tier_before_a_standby() -> None:
    larger, standby = told("postgres-high-availability-off", server(tier="Burstable"))
    assert "--tier GeneralPurpose" in larger
    assert "--yes" in larger
    assert "--zonal-resiliency Enabled" in standby
    assert len(told("postgres-high-availability-off", server(tier="GeneralPurpose"))) == 1


def test_a_standby_of_another_kind_goes_before_the_wanted_one_comes() -> None:
    same = server(high_availability=True, availability=Availability(mode="SameZone", state="Healthy"))
    off, on = told("postgres-high-availability-off", same, modes=["ZoneRedundant"])
    assert off.endswith("--zonal-resiliency Disabled")
    assert on.endswith("--zonal-resiliency Enabled")


def test_a_standby_that_is_not_there_is_made_again_by_two_commands() -> None:
    lost = server(high_availability=True, availability=Availability(mode="SameZone", state="NotEnabled"))
    off, on = told("postgres-high-availability-unhealthy", lost)
    assert off.endswith("--zonal-resiliency Disabled")
    assert json.loads(shlex.split(on)[-1]) == {"properties": {"highAvailability": {"mode": "SameZone"}}}


# --- diagnostic settings ---------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "A sixth diagnostic setting is not proposed: a resource has five, and one of them goes first.",
    source="https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings",
    date="2026-11-29",
)
@pytest.mark.parametrize(("there", "verbs"), [(4, ["create"]), (5, ["delete", "create"])])
def test_a_sixth_diagnostic_setting_is_not_proposed(there: int, verbs: list[str]) -> None:
    settings = tuple(DiagnosticSetting(name=f"s{n}", logs=("Metrics",)) for n in range(there))
    commands = told("postgres-diagnostic-settings-missing", server(diagnostic_settings=settings))
    assert [shlex.split(command)[3] for command in commands] == verbs


# --- single servers --------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "A single server, which azure-cli has no commands for any more, is written with `az rest`.",
    source="https://learn.microsoft.com/rest/api/postgresql/singleserver",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("policy", "parts", "method"),
    [
        ("postgres-backup-retention-short", {"backup": Backup(retention_days=7)}, "patch"),
        ("postgres-customer-managed-key-missing", {}, "put"),
        ("postgres-entra-administrator-missing", {"administrators": ()}, "put"),
        ("postgres-managed-identity-missing", {}, "patch"),
        ("postgres-threat-protection-off", {"threat_protection": "Disabled"}, "put"),
    ],
)
def test_a_single_server_is_written_with_az_rest(policy: str, parts: dict[str, Any], method: str) -> None:
    (command,) = told(policy, single_server(**parts))
    assert command.startswith(f"az rest --method {method} --url '/subscriptions/")
    for blank in ("<name of a group>", "<id of a key>"):
        assert blank not in command or f"'{blank}'" in command
    assert json.loads(shlex.split(command)[-1])


# --- firewall rules while nobody may write them ----------------------------------------------------


@pytest.mark.field(
    "commands",
    "No firewall write is printed while public access is off or the server is VNet-integrated: Azure "
    "refuses it, and the alert says with the next enabling.",
    source="azure-cli 2.91.0, `validate_public_access_server`",
    date="2026-11-29",
)
def test_no_firewall_write_is_printed_where_azure_refuses_it() -> None:
    seen = 0
    for policy, snapshot in _closed_servers():
        found = policy.evaluate(snapshot)
        change = policy.plan(found, snapshot)
        edits = change.edits if change else policy.suggest(found, snapshot)
        commands = (*fix_commands(edits), *commands_told(found.evidence))
        assert not any("firewall" in command.lower() for command in commands), (policy.id, commands)
        seen += is_drift(found) and "firewall" in policy.id
    assert seen >= 4


def _closed_servers() -> Iterator[tuple[AnyPolicy, ServerSnapshot]]:
    for policy in discover():
        for kind in sorted(policy.targets & {TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER}):
            with_settings = bound(policy, examples(policy))
            for snapshot in all_stored(kind):
                if isinstance(snapshot, ServerSnapshot) and _is_closed(snapshot):
                    yield with_settings, replace(snapshot, firewall_rules=(OFFICE, ALL_AZURE))


def _is_closed(snapshot: ServerSnapshot) -> bool:
    return snapshot.vnet_integrated or snapshot.public_access is PublicAccess.DISABLED


# --- stopped servers -------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "A stopped server is started before what changes it; one that is made from its backups needs no start.",
    source="https://learn.microsoft.com/azure/postgresql/configure-maintain/how-to-stop-server",
    date="2026-11-29",
)
def test_a_stopped_server_is_started_before_what_changes_it() -> None:
    stopped = server(state=ServerState.STOPPED, state_text="Stopped")
    changes = told("postgres-high-availability-off", stopped)
    start, *rest = started_first(stopped, changes)
    assert shlex.split(start)[:4] == ["az", "postgres", "flexible-server", "start"]
    assert tuple(rest) == changes
    assert started_first(server(), changes) == changes
    for beside in (told(GEO, stopped), ("az network vnet show",), ()):
        assert started_first(stopped, beside) == beside
    inaccessible = server(state=ServerState.STOPPED, state_text="Inaccessible")
    assert started_first(inaccessible, changes) == changes


# --- what follows ----------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "Where a further step follows (an administrator after Entra sign-in, a link after a zone, a zone group "
    "after an endpoint), the alert has it too.",
    source="https://learn.microsoft.com/azure/postgresql/security/security-entra-configure",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("policy", "parts", "follows"),
    [
        (
            "postgres-entra-sign-in-off",
            {"sign_in": SignIn(entra=False, passwords=True)},
            "microsoft-entra-admin",
        ),
        ("postgres-no-approved-private-endpoint", {"private_endpoints": ()}, "dns-zone-group create"),
        ("postgres-vnet-dns-zone-name-invalid", {"private_dns_zone": ODD_ZONE}, "link vnet create"),
    ],
)
def test_the_step_that_follows_is_printed_too(policy: str, parts: dict[str, Any], follows: str) -> None:
    subnet = SUBNET if "private_dns_zone" in parts else None
    commands = told(policy, server(delegated_subnet=subnet, **parts))
    assert len(commands) >= 2
    assert any(follows in command for command in commands[1:])


def test_another_zone_is_given_while_high_availability_is_off_and_it_is_on_again_afterwards() -> None:
    available = Availability(mode="ZoneRedundant", state="Healthy")
    kept = server(
        delegated_subnet=SUBNET, private_dns_zone=ODD_ZONE, high_availability=True, availability=available
    )
    *_, off, given, on = told("postgres-vnet-dns-zone-name-invalid", kept)
    assert off.endswith("--zonal-resiliency Disabled")
    assert "--private-dns-zone" in given
    assert on.endswith("--zonal-resiliency Enabled")


@pytest.mark.parametrize(
    ("servers", "verbs"),
    [((), ["update"]), ((SubnetServer(id=SERVER),), ["create", "restore"]), (None, [])],
)
def test_a_subnet_that_is_too_small_is_enlarged_if_empty_and_left_otherwise(
    servers: tuple[SubnetServer, ...] | None, verbs: list[str]
) -> None:
    small = replace(subnet(), prefixes=(ip_network("10.0.1.0/29"),), servers=servers)
    policy = find("postgres-subnet-too-small")
    assert policy is not None
    found = policy.evaluate(small)
    words = [shlex.split(command) for command in commands_told(found.evidence)]
    assert [next(w for w in one if w in {"update", "create", "restore"}) for one in words] == verbs
    assert found.evidence.get("endsOnNewServer", False) is bool(servers)


# --- what else is in the way ------------------------------------------------------------------------

OLD = tuple(one for one in PARAMETERS if not one.name.startswith("ssl_"))


@pytest.mark.field(
    "commands",
    "A replica is not upgraded: azure-cli refuses that, also for a server that has one.",
    source="azure-cli 2.91.0, `flexible_server_version_upgrade`",
    date="2026-11-29",
)
def test_no_upgrade_of_a_replica_is_printed() -> None:
    policy, wanted = "postgres-tls-version-too-low", {"minimum": "TLSv1.3"}
    replica = judged(policy, server(version=11, parameters=OLD, replication=REPLICA), **wanted)
    assert commands_told(replica.evidence) == ()
    assert "delete its primary's replicas" in " ".join(texts_told(replica.evidence))
    alone = judged(policy, server(version=11, parameters=OLD), **wanted)
    (command,) = commands_told(alone.evidence)
    assert command.startswith("az postgres flexible-server upgrade ")
    assert "replicas that it has go before" in " ".join(texts_told(alone.evidence))


@pytest.mark.parametrize(
    ("destinations", "option"),
    [
        ([], "--workspace"),
        (["eventHub", "logAnalytics"], "--workspace"),
        (["eventHub"], "--event-hub-rule"),
        (["Storage"], "--storage-account"),
        (["partner"], "--marketplace-partner-id"),
    ],
)
def test_logs_are_sent_to_a_kind_of_destination_that_counts(destinations: list[str], option: str) -> None:
    found = judged(
        "postgres-diagnostic-settings-missing", server(diagnostic_settings=()), destinations=destinations
    )
    (command,) = commands_told(found.evidence)
    assert option in shlex.split(command)


def test_an_endpoint_is_made_in_the_region_of_its_network() -> None:
    found = judged("postgres-no-approved-private-endpoint", server(private_endpoints=()))
    made = shlex.split(commands_told(found.evidence)[0])
    assert made[made.index("--location") + 1] == "<region of its network>"


@pytest.mark.parametrize("status", [ConnectionStatus.PENDING, ConnectionStatus.REJECTED])
def test_a_new_endpoint_has_another_name_than_those_that_are_there(status: ConnectionStatus) -> None:
    found = judged("postgres-no-approved-private-endpoint", server(private_endpoints=(endpoint(status),)))
    made = shlex.split(commands_told(found.evidence)[0])
    assert made[made.index("--name") + 1] == "orders-endpoint-2"
