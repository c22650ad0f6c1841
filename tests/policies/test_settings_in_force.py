"""Server settings are judged by what is in force: companions, restarts, versions, unmet controls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.alerts.commands import is_command
from shared.alerts.lifecycle import Sighting, open_alert
from shared.alerts.steps import texts_told
from shared.guardrails.prove import prove
from shared.model import (
    Action,
    Cause,
    CauseKind,
    ComplianceState,
    Decision,
    Finding,
    Reason,
    ServerSnapshot,
    SetParameter,
    SubnetServer,
    TargetKind,
)
from shared.model.edits import apply_to
from shared.model.parts import Availability, DiagnosticSetting, ServerParameter, ServerTls
from shared.policies import discover, find
from shared.posture.policy import AnyPolicy, bound, unmet_controls
from tests.builders import READ_AT, SINGLE, public_server, rule, server
from tests.nsg.builders import SUBNET_ID, allow, deny, group, subnet

COMPLIANT, DRIFTED, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
LEVELS = "debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic"


def policy(policy_id: str, **settings: Any) -> AnyPolicy:
    found = find(policy_id)
    assert found is not None
    return bound(found, settings)


def parameter(name: str, value: str, **fields: Any) -> ServerParameter:
    given: dict[str, Any] = {"read_only": False, "dynamic": True, "pending_restart": False}
    return ServerParameter(name=name, value=value, **{**given, **fields})


def having(*parameters: ServerParameter, **parts: Any) -> ServerSnapshot:
    return server(parameters=parameters, **parts)


def single(*parameters: ServerParameter, **parts: Any) -> ServerSnapshot:
    old = replace(server(), id=SINGLE, kind=TargetKind.SINGLE_SERVER, private_endpoints=())
    return replace(old, parameters=parameters, **parts)


def suggested(asked: AnyPolicy, snapshot: ServerSnapshot) -> dict[str, str]:
    edits = asked.suggest(asked.evaluate(snapshot), snapshot)
    return {edit.name: edit.value for edit in edits if isinstance(edit, SetParameter)}


def planned(asked: AnyPolicy, snapshot: ServerSnapshot) -> dict[str, str]:
    change = asked.plan(asked.evaluate(snapshot), snapshot)
    assert change is not None
    assert asked.evaluate(apply_to(snapshot, change)).state is COMPLIANT
    assert prove(change, snapshot, asked, [asked]).holds
    return {edit.name: edit.value for edit in change.edits if isinstance(edit, SetParameter)}


def commands(found: Finding) -> list[str]:
    return [step for step in texts_told(found.evidence) if is_command(step)]


def named(asked: AnyPolicy, found: Finding) -> set[str]:
    """The ids of the controls that an alert about the finding names."""
    sighting = Sighting(
        finding=found,
        decision=Decision(policy=asked.id, action=Action.ALERT, reason=Reason.EFFECT_ALERT),
        cause=Cause(kind=CauseKind.SWEEP, time=READ_AT),
        now=READ_AT,
    )
    told = {control["id"] for control in open_alert(asked, sighting, "https://portal.azure.com").controls}
    assert told == {control.id for control in unmet_controls(asked, found)}
    return told


# --- passwords -------------------------------------------------------------------------------------

SCRAM = policy("postgres-password-encryption-not-scram")


def passwords(stored: str, accepted: str) -> ServerSnapshot:
    methods = "md5,scram-sha-256"
    return having(
        parameter("password_encryption", stored, data_type="Enumeration", allowed=methods),
        parameter("azure.accepted_password_auth_method", accepted, data_type="Set", allowed=methods),
    )


@pytest.mark.field(
    "settings",
    "SCRAM is in force only where md5 is not accepted beside it; azure_roles_authtype() tells whose is MD5.",
    source="https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-connect-scram",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("stored", "accepted", "state", "edits"),
    [
        ("scram-sha-256", "scram-sha-256", COMPLIANT, {}),
        ("SCRAM-SHA-256", "SCRAM-SHA-256", COMPLIANT, {}),
        ("scram-sha-256", "md5,scram-sha-256", DRIFTED, {"azure.accepted_password_auth_method"}),
        ("scram-sha-256", "MD5, SCRAM-SHA-256", DRIFTED, {"azure.accepted_password_auth_method"}),
        ("scram-sha-256", "md5", DRIFTED, {"azure.accepted_password_auth_method"}),
        ("md5", "scram-sha-256", DRIFTED, {"password_encryption"}),
        ("md5", "md5", DRIFTED, {"password_encryption", "azure.accepted_password_auth_method"}),
        ("scram-sha-256", "telepathy", UNKNOWN, {}),
        ("scram-sha-256", "", UNKNOWN, {}),
    ],
)
def test_md5_among_the_accepted_methods_is_no_scram(
    stored: str, accepted: str, state: ComplianceState, edits: set[str]
) -> None:
    snapshot = passwords(stored, accepted)
    found = SCRAM.evaluate(snapshot)
    assert found.state is state, found.reason
    assert suggested(SCRAM, snapshot) == dict.fromkeys(edits, "scram-sha-256")
    assert SCRAM.plan(found, snapshot) is None
    told = " ".join(texts_told(found.evidence))
    assert ("FROM azure_roles_authtype() WHERE authtype = 'MD5'" in told) == (state is DRIFTED)


def test_whoever_sets_both_stores_scram_before_md5_is_refused() -> None:
    assert list(suggested(SCRAM, passwords("md5", "md5"))) == [
        "password_encryption",
        "azure.accepted_password_auth_method",
    ]


# --- companions of the log -------------------------------------------------------------------------

SWITCHED = [
    ("postgres-log-connections-off", "log_connections"),
    ("postgres-log-disconnections-off", "log_disconnections"),
    ("postgres-log-checkpoints-off", "log_checkpoints"),
    ("postgres-log-duration-off", "log_duration"),
]


def logging(name: str, value: str, least: str) -> tuple[ServerParameter, ServerParameter]:
    return (
        parameter(name, value, data_type="Boolean", allowed="on,off"),
        parameter("log_min_messages", least, data_type="Enumeration", allowed=LEVELS),
    )


@pytest.mark.field(
    "settings",
    "Entries of level LOG are not written under log_min_messages fatal or panic, whatever their switch says.",
    source="https://www.postgresql.org/docs/18/runtime-config-logging.html",
    date="2026-11-29",
)
@pytest.mark.parametrize(("policy_id", "name"), SWITCHED)
@pytest.mark.parametrize(
    ("least", "state"),
    [
        ("panic", DRIFTED),
        ("FATAL", DRIFTED),
        ("log", COMPLIANT),
        ("error", COMPLIANT),
        ("warning", COMPLIANT),
        ("debug5", COMPLIANT),
        ("debug", COMPLIANT),
        ("whisper", UNKNOWN),
        ("warning,backend:panic", UNKNOWN),
    ],
)
def test_a_switch_of_the_log_is_judged_with_the_least_level(
    policy_id: str, name: str, least: str, state: ComplianceState
) -> None:
    asked, snapshot = policy(policy_id), having(*logging(name, "on", least))
    found = asked.evaluate(snapshot)
    assert found.state is state, found.reason
    assert suggested(asked, snapshot) == ({"log_min_messages": "warning"} if state is DRIFTED else {})
    assert asked.evaluate(single(*logging(name, "on", least))).state is state


@pytest.mark.parametrize(("policy_id", "name"), SWITCHED[:3])
def test_what_keeps_the_entries_out_is_set_and_nothing_beside_it(policy_id: str, name: str) -> None:
    asked = policy(policy_id)
    assert planned(asked, having(*logging(name, "ON", "panic"))) == {"log_min_messages": "warning"}
    both = having(*logging(name, "off", "fatal"))
    assert planned(asked, both) == {name: "on", "log_min_messages": "warning"}
    assert asked.evaluate(both).fingerprint == f"{name}=off; log_min_messages=fatal"


def test_what_one_switch_needs_is_proved_beside_others_that_stay_off() -> None:
    """Their drift loses a part and is no new one."""
    connections = policy("postgres-log-connections-off")
    others = [policy("postgres-pgaudit-not-set"), policy("postgres-log-duration-off")]
    snapshot = having(
        *logging("log_connections", "on", "panic"),
        parameter("log_duration", "off"),
        parameter("shared_preload_libraries", "pg_cron"),
        parameter("pgaudit.log", "none"),
    )
    change = connections.plan(connections.evaluate(snapshot), snapshot)
    assert change is not None
    assert prove(change, snapshot, connections, [connections, *others]).holds


def test_what_is_surely_not_written_is_told_whatever_the_switch_means() -> None:
    asked = policy("postgres-log-connections-off")
    assert asked.evaluate(having(*logging("log_connections", "perhaps", "panic"))).state is DRIFTED


@pytest.mark.field(
    "settings",
    "logging_collector is off and read-only on every flexible server: Azure captures the log by itself.",
    source="MicrosoftDocs/azure-databases-docs, postgresql/server-parameters, logging_collector",
    date="2026-11-29",
)
@pytest.mark.parametrize("destination", ["stderr", "csvlog"])
def test_the_collector_and_the_destinations_that_azure_offers_void_nothing(destination: str) -> None:
    beside = (
        parameter("logging_collector", "off", read_only=True),
        parameter("log_destination", destination),
    )
    for policy_id, name in SWITCHED:
        snapshot = having(*logging(name, "on", "warning"), *beside)
        assert policy(policy_id).evaluate(snapshot).state is COMPLIANT


KEPT = policy("postgres-log-retention-short")


def retention(days: str, download: str) -> ServerSnapshot:
    return having(
        parameter("logfiles.retention_days", days, data_type="Integer", allowed="1-7"),
        parameter("logfiles.download_enable", download, data_type="Boolean", allowed="on,off"),
    )


@pytest.mark.field(
    "settings",
    "A retention of seven days keeps no file while logfiles.download_enable is off.",
    source="MicrosoftDocs/azure-databases-docs, postgresql/server-parameters, logfiles.download_enable",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("days", "download", "edits"),
    [
        ("7", "off", {"logfiles.download_enable": "on"}),
        ("7", "OFF", {"logfiles.download_enable": "on"}),
        ("3", "off", {"logfiles.retention_days": "7", "logfiles.download_enable": "on"}),
        ("3", "on", {"logfiles.retention_days": "7"}),
    ],
)
def test_files_that_are_not_kept_at_all_are_not_kept_for_seven_days(
    days: str, download: str, edits: dict[str, str]
) -> None:
    assert planned(KEPT, retention(days, download)) == edits
    assert suggested(KEPT, retention(days, download)) == edits


def test_retention_with_files_kept_is_compliant() -> None:
    assert KEPT.evaluate(retention("7", "on")).state is COMPLIANT
    assert KEPT.evaluate(retention("7", "perhaps")).state is UNKNOWN


# --- pgaudit ---------------------------------------------------------------------------------------

AUDIT = policy("postgres-pgaudit-not-set")
CLASSES = "none,read,write,function,role,ddl,misc,all"
LIBRARIES = "pg_cron,pg_stat_statements,pgaudit,pglogical"


def library(value: str, **fields: Any) -> ServerParameter:
    given: dict[str, Any] = {"dynamic": False, "data_type": "Set", "allowed": LIBRARIES}
    return parameter("shared_preload_libraries", value, **{**given, **fields})


def audit(classes: str) -> ServerParameter:
    return parameter("pgaudit.log", classes, data_type="Set", allowed=CLASSES)


def levels(client: str, level: str, least: str) -> tuple[ServerParameter, ...]:
    return (
        parameter("pgaudit.log_client", client, data_type="Boolean", allowed="on,off"),
        parameter("pgaudit.log_level", level, data_type="Enumeration", allowed="debug1,notice,warning,log"),
        parameter("log_min_messages", least, data_type="Enumeration", allowed=LEVELS),
    )


@pytest.mark.field(
    "settings",
    "While pgaudit.log_client is on, a pgaudit.log_level below log_min_messages keeps the audit unwritten.",
    source="https://github.com/pgaudit/pgaudit/blob/master/README.md",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("client", "level", "least", "edits"),
    [
        ("on", "notice", "warning", {"pgaudit.log_level": "log"}),
        ("on", "debug1", "warning", {"pgaudit.log_level": "log"}),
        ("on", "warning", "error", {"pgaudit.log_level": "log"}),
        ("off", "notice", "warning", {}),
        ("on", "log", "warning", {}),
        ("on", "notice", "debug1", {}),
        ("off", "log", "panic", {"log_min_messages": "warning"}),
        ("on", "warning", "panic", {"log_min_messages": "warning"}),
        ("on", "notice", "panic", {"log_min_messages": "warning", "pgaudit.log_level": "log"}),
    ],
)
def test_what_pgaudit_says_at_a_silent_level_is_no_audit(
    client: str, level: str, least: str, edits: dict[str, str]
) -> None:
    snapshot = having(library("pgaudit"), audit("all"), *levels(client, level, least))
    found = AUDIT.evaluate(snapshot)
    assert found.state is (DRIFTED if edits else COMPLIANT), found.reason
    assert suggested(AUDIT, snapshot) == edits


def test_the_library_and_the_classes_are_told_and_set_in_one_alert_and_the_restart_follows() -> None:
    snapshot = having(library("pg_cron"), audit("none"))
    found = AUDIT.evaluate(snapshot)
    assert suggested(AUDIT, snapshot) == {
        "shared_preload_libraries": "pg_cron,pgaudit",
        "pgaudit.log": "ddl,misc,role",
    }
    (restart,) = commands(found)
    assert restart.startswith("az postgres flexible-server restart ")
    assert "pgaudit.log is 'none'" in found.reason


@pytest.mark.field(
    "settings",
    "A pending restart of another library does not say that pgaudit is not loaded: it is unknown till then.",
    source="azure-mgmt-postgresqlflexibleservers 3.0.0, ConfigurationProperties.is_config_pending_restart",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("value", "default", "state"),
    [
        ("pgaudit,pg_cron", "", UNKNOWN),
        ("PGAUDIT,PG_CRON", "", UNKNOWN),
        ("pgaudit,pg_cron", None, UNKNOWN),
        ("pg_cron,pgaudit,pglogical", "pg_cron", UNKNOWN),
        ("pg_cron,pgaudit", "", DRIFTED),
        ("PGAUDIT", "", DRIFTED),
        ("pgaudit,pg_cron", "pg_cron", DRIFTED),
    ],
)
def test_a_restart_that_another_library_may_wait_for_is_told_and_nothing_is_written(
    value: str, default: str | None, state: ComplianceState
) -> None:
    snapshot = having(library(value, pending_restart=True, default=default), audit("all"))
    found = AUDIT.evaluate(snapshot)
    assert found.state is state, found.reason
    assert "restart" in found.reason
    assert AUDIT.suggest(found, snapshot) == ()
    (told,) = commands(found)
    assert told.startswith("az postgres flexible-server restart --subscription ")


def test_capitals_are_no_reason_to_write() -> None:
    snapshot = having(library("PG_CRON,PGAUDIT"), audit("DDL,ROLE,MISC"))
    assert AUDIT.evaluate(snapshot).state is COMPLIANT
    assert suggested(AUDIT, having(library("PG_CRON,PGAUDIT"), audit("DDL"))) == {
        "pgaudit.log": "ddl,misc,role"
    }


def test_a_class_that_is_taken_away_is_given_back_without_its_minus() -> None:
    held = having(library("pgaudit"), audit("all,-role"))
    assert suggested(AUDIT, held) == {"pgaudit.log": "all,ddl,misc,role"}


@pytest.mark.field(
    "settings",
    "What is set right and waits for a restart is helped by the restart, not by writing it again.",
    source="https://learn.microsoft.com/cli/azure/postgres/flexible-server",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("policy_id", "name", "right"),
    [
        ("postgres-tls-not-required", "require_secure_transport", "ON"),
        ("postgres-tls-version-too-low", "ssl_min_protocol_version", "TLSv1.2"),
        ("postgres-log-checkpoints-off", "log_checkpoints", "ON"),
        ("postgres-log-connections-off", "log_connections", "ON"),
        ("postgres-log-disconnections-off", "log_disconnections", "TRUE"),
        ("postgres-log-duration-off", "log_duration", "ON"),
        ("postgres-log-retention-short", "logfiles.retention_days", "7"),
        ("postgres-connection-throttling-off", "connection_throttle.enable", "ON"),
        ("postgres-password-encryption-not-scram", "password_encryption", "SCRAM-SHA-256"),
    ],
)
def test_a_right_value_that_waits_is_helped_by_a_restart(policy_id: str, name: str, right: str) -> None:
    asked, snapshot = policy(policy_id), having(parameter(name, right, pending_restart=True))
    found = asked.evaluate(snapshot)
    assert found.state is DRIFTED
    assert asked.plan(found, snapshot) is None
    assert asked.suggest(found, snapshot) == ()
    (told,) = commands(found)
    assert told.startswith("az postgres flexible-server restart --subscription ")


@pytest.mark.parametrize("fields", [{"dynamic": False}, {"pending_restart": True}])
def test_a_wrong_value_that_needs_a_restart_is_set_and_then_restarted(fields: dict[str, Any]) -> None:
    asked = policy("postgres-log-checkpoints-off")
    snapshot = having(parameter("log_checkpoints", "off", **fields))
    found = asked.evaluate(snapshot)
    assert suggested(asked, snapshot) == {"log_checkpoints": "on"}
    assert [command.split(" --")[0] for command in commands(found)] == ["az postgres flexible-server restart"]


# --- versions --------------------------------------------------------------------------------------

VERSION = "postgres-tls-version-too-low"


@pytest.mark.field(
    "settings",
    "PostgreSQL 11 has no ssl_min_protocol_version: the service's own floor of TLS 1.2 is what is judged.",
    source="https://github.com/MicrosoftDocs/azure-docs/blob/main/articles/postgresql/flexible-server/how-to-connect-tls-ssl.md",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("version", "minimum", "state"),
    [
        (11, "TLSv1.2", COMPLIANT),
        (11, "TLSv1", COMPLIANT),
        (11, "TLSv1.3", DRIFTED),
        (12, "TLSv1.2", UNKNOWN),
        (None, "TLSv1.2", UNKNOWN),
    ],
)
def test_a_version_without_the_parameter_is_judged_by_what_the_service_does(
    version: int | None, minimum: str, state: ComplianceState
) -> None:
    asked, snapshot = policy(VERSION, minimum=minimum), having(version=version)
    found = asked.evaluate(snapshot)
    assert found.state is state
    assert asked.plan(found, snapshot) is None
    told = [command.split(" --")[0] for command in commands(found)]
    assert told == (["az postgres flexible-server upgrade"] if state is DRIFTED else [])


def test_connections_without_tls_are_told_beside_the_versions() -> None:
    lowest = parameter("ssl_min_protocol_version", "TLSv1.2")
    found = policy(VERSION).evaluate(having(lowest, parameter("require_secure_transport", "off")))
    assert found.state is COMPLIANT
    assert "connections without TLS are accepted as well" in found.reason


@pytest.mark.parametrize(("ssl", "state"), [("off", DRIFTED), ("on", COMPLIANT)])
def test_tls_that_the_server_does_not_speak_is_not_required(ssl: str, state: ComplianceState) -> None:
    asked = policy("postgres-tls-not-required")
    read_only = parameter("ssl", ssl, read_only=True)
    snapshot = having(parameter("require_secure_transport", "on"), read_only)
    assert asked.evaluate(snapshot).state is state
    assert suggested(asked, snapshot) == {}


CONNECTIONS = policy("postgres-log-connections-off")
ASPECTS = "on,off,receipt,authentication,authorization,setup_durations,all"


@pytest.mark.field(
    "settings",
    "log_connections is judged by its values, a list from PostgreSQL 18 on, whatever its type is called.",
    source="https://www.postgresql.org/docs/18/runtime-config-logging.html",
    date="2026-11-29",
)
@pytest.mark.parametrize("data_type", ["Set", "Enumeration", "Boolean", "String", ""])
@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("receipt,authentication,authorization", COMPLIANT),
        ("all", COMPLIANT),
        ("on", COMPLIANT),
        ("yes", COMPLIANT),
        ("1", COMPLIANT),
        ("receipt", DRIFTED),
        ("setup_durations", DRIFTED),
        ("", DRIFTED),
        ("off", DRIFTED),
        ("no", DRIFTED),
        ("receipt,telepathy", UNKNOWN),
    ],
)
def test_connections_are_judged_by_the_value(data_type: str, value: str, state: ComplianceState) -> None:
    found = CONNECTIONS.evaluate(having(parameter("log_connections", value, data_type=data_type), version=18))
    assert found.state is state


@pytest.mark.parametrize(
    ("data_type", "value", "wanted"),
    [
        ("Set", "receipt", "receipt,authentication,authorization"),
        ("Enumeration", "receipt", "on"),
        ("Enumeration", "setup_durations", "all"),
        ("", "setup_durations", "receipt,authentication,authorization,setup_durations"),
    ],
)
def test_connections_get_a_value_that_the_type_takes(data_type: str, value: str, wanted: str) -> None:
    listed = parameter("log_connections", value, data_type=data_type, allowed=ASPECTS if data_type else "")
    assert planned(CONNECTIONS, having(listed, version=18)) == {"log_connections": wanted}


# --- whose demand is unmet -------------------------------------------------------------------------

SEVEN_DAYS = "f5ed3f7a-cf5d-4ee6-9ede-b5d5192ccf81"
OVER_THREE = {"4.3.7", "4.3.6", "5.2.4", "6.6"}


@pytest.mark.field(
    "settings",
    "A retention of five days fulfils the controls that ask for more than three: they are not named.",
    source="https://www.cisecurity.org/benchmark/azure",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("days", "download", "expected"),
    [
        ("5", "on", {SEVEN_DAYS, "LT-6"}),
        ("4", "on", {SEVEN_DAYS, "LT-6"}),
        ("3", "on", {SEVEN_DAYS, "LT-6", *OVER_THREE}),
        ("1", "on", {SEVEN_DAYS, "LT-6", *OVER_THREE}),
        ("7", "off", {"LT-6", *OVER_THREE}),
        ("5", "off", {SEVEN_DAYS, "LT-6", *OVER_THREE}),
    ],
)
def test_an_alert_names_only_the_controls_whose_retention_is_not_reached(
    days: str, download: str, expected: set[str]
) -> None:
    assert named(KEPT, KEPT.evaluate(retention(days, download))) == expected


def test_a_single_server_is_not_measured_by_what_is_asked_of_flexible_ones() -> None:
    short = single(parameter("log_retention_days", "5"))
    assert named(KEPT, KEPT.evaluate(short)) == {"LT-6"}


@pytest.mark.field(
    "settings",
    "Controls that ask for the value of a switch alone are met where only log_min_messages keeps it silent.",
    source="https://www.cisecurity.org/benchmark/azure",
    date="2026-11-29",
)
@pytest.mark.parametrize("switch", ["log_connections", "log_disconnections", "log_checkpoints"])
def test_a_control_of_the_value_alone_is_not_named_where_a_companion_is_at_fault(switch: str) -> None:
    asked = policy(f"postgres-{switch.replace('_', '-')}-off")
    silent = parameter("log_min_messages", "panic")
    assert named(asked, asked.evaluate(having(parameter(switch, "on"), silent))) == {"LT-3"}
    waiting = parameter(switch, "on", pending_restart=True)
    for wrong in (parameter(switch, "off"), parameter(switch, "", odd="value is absent"), waiting):
        assert len(named(asked, asked.evaluate(having(wrong, silent)))) == 6


@pytest.mark.field(
    "settings",
    "What Azure Policy defines for single servers is not named of a flexible one, nor the other way round.",
    source="https://learn.microsoft.com/azure/governance/policy/samples/built-in-policies",
    date="2026-11-29",
)
@pytest.mark.parametrize("asked", discover(), ids=lambda asked: asked.id)
def test_no_alert_names_a_control_of_the_other_kind_of_server(asked: AnyPolicy) -> None:
    other = {
        TargetKind.FLEXIBLE_SERVER: "for PostgreSQL servers",
        TargetKind.SINGLE_SERVER: "flexible server",
    }
    for kind in asked.targets & other.keys():
        target = replace(server().target, kind=kind)
        finding = Finding(
            policy=asked.id,
            target=target,
            resource_id=target.id,
            state=DRIFTED,
            severity=asked.severity,
            reason="",
        )
        titles = [c.title.lower() for c in unmet_controls(asked, finding) if c.framework == "Azure Policy"]
        assert not any(other[kind].lower() in title for title in titles)


TLS_IDS = {"6.11", "a43d5475-c569-45ce-a268-28fa79f4e87a", "DP-3"}


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [("TLSv1.2", "", set()), ("TLSv1.1", "", TLS_IDS), ("TLSv1.3", "TLSv1.2", set())],
)
def test_whoever_wants_tls_1_3_does_not_speak_for_controls_that_ask_for_1_2(
    lowest: str, highest: str, expected: set[str]
) -> None:
    asked = policy(VERSION, minimum="TLSv1.3")
    ends = (parameter("ssl_min_protocol_version", lowest), parameter("ssl_max_protocol_version", highest))
    found = asked.evaluate(having(*ends))
    assert found.state is DRIFTED
    assert named(asked, found) == expected


def test_the_floor_of_the_service_fulfils_what_asks_for_tls_1_2() -> None:
    asked = policy(VERSION, minimum="TLSv1.3")
    assert named(asked, asked.evaluate(having(version=11))) == set()


def test_a_single_server_with_tls_1_0_leaves_its_controls_unmet() -> None:
    asked = policy(VERSION)
    old = single(tls=ServerTls(enforced=True, minimum_version="TLS1_0"))
    assert named(asked, asked.evaluate(old)) == {"6.11", "DP-3", "CKV_AZURE_147"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("ZoneRedundant", set()), ("Disabled", {"493c215d-2553-4976-bc81-57d2c04fc8c1", "AZR-000434"})],
)
def test_a_standby_in_another_zone_fulfils_what_asks_for_one(mode: str, expected: set[str]) -> None:
    asked = policy("postgres-high-availability-off", modes=["SameZone"])
    found = asked.evaluate(server(availability=Availability(mode=mode)))
    assert found.state is DRIFTED
    assert named(asked, found) == expected


LOADED_ID, AUDITING_ID, CLASSES_ID = (
    "dd626066-39f5-4f72-aba8-06a99fabf278",
    "4eb5e667-e871-4292-9c5d-8bbb94e0c908",
    "eadbb524-8644-4a87-8af6-549e1d125982",
)


@pytest.mark.parametrize(
    ("libraries", "classes", "asked_for", "expected"),
    [
        ("pgaudit", "ddl", ["ddl", "role", "misc"], {CLASSES_ID, "LT-3"}),
        ("pgaudit", "none", ["ddl"], {AUDITING_ID, CLASSES_ID, "LT-3"}),
        ("pg_cron", "all", ["ddl"], {LOADED_ID, AUDITING_ID, "LT-3"}),
        ("pg_cron", "none", ["ddl"], {LOADED_ID, AUDITING_ID, CLASSES_ID, "LT-3"}),
        ("pgaudit", "ddl,role,misc", ["all"], {"LT-3"}),
    ],
)
def test_each_control_of_pgaudit_is_asked_for_itself(
    libraries: str, classes: str, asked_for: list[str], expected: set[str]
) -> None:
    asked = policy("postgres-pgaudit-not-set", classes=asked_for)
    assert named(asked, asked.evaluate(having(library(libraries), audit(classes)))) == expected


def test_logs_that_go_to_storage_fulfil_what_asks_for_storage() -> None:
    asked = policy("postgres-diagnostic-settings-missing", destinations=["logAnalytics"])
    sent = DiagnosticSetting(name="logs", logs=("PostgreSQLLogs",), destinations=("storage",))
    found = asked.evaluate(server(diagnostic_settings=(sent,)))
    told = named(asked, found)
    assert found.state is DRIFTED
    assert "499b7900-f44e-40ea-b8d3-2f3cf75f2ca4" not in told
    assert {"5fbd326d-328c-414e-a922-2d6963998962", "bd0079c6-6f2d-42f4-9cee-e23930968f10"} <= told


def test_a_narrow_rule_from_a_stranger_leaves_the_number_of_addresses_small() -> None:
    wide = policy("postgres-firewall-range-too-wide", corporateRanges=["203.0.113.0/24"])
    few = wide.evaluate(public_server(firewall_rules=(rule("one", "198.51.100.7"),)))
    many = wide.evaluate(public_server(firewall_rules=(rule("many", "198.51.100.0", "198.51.100.63"),)))
    assert (few.state, named(wide, few)) == (DRIFTED, {"NS-2"})
    assert named(wide, many) == {"NS-2", "AZR-000151"}


@pytest.mark.parametrize(("ports", "expected"), [("6432", False), ("5432", True)])
def test_who_asks_of_5432_is_not_named_where_6432_is_open(ports: str, expected: bool) -> None:
    asked = policy("nsg-exposes-postgres-to-internet")
    found = asked.evaluate(subnet(group(allow("open", 300, "0.0.0.0/0 > 10.0.1.7", ports))))
    assert found.state is DRIFTED
    assert ("openPostgreSQL" in named(asked, found)) is expected


# --- port 6432 -------------------------------------------------------------------------------------

PLAIN = SubnetServer(id=SUBNET_ID, high_availability=False, pgbouncer=False)


@pytest.mark.field(
    "settings",
    "6432 denied within the subnet is advice where neither high availability nor PgBouncer is on.",
    source="https://learn.microsoft.com/azure/postgresql/network/concepts-networking-private",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("servers", "ports", "severity"),
    [
        ((PLAIN,), "6432", "Informational"),
        ((PLAIN,), "5432", "High"),
        ((PLAIN,), "5432,6432", "High"),
        ((PLAIN, replace(PLAIN, pgbouncer=True)), "6432", "High"),
        ((replace(PLAIN, high_availability=True),), "6432", "High"),
        ((replace(PLAIN, pgbouncer=None),), "6432", "High"),
        (None, "6432", "High"),
    ],
)
def test_6432_is_grave_only_where_somebody_needs_it(
    servers: tuple[SubnetServer, ...] | None, ports: str, severity: str
) -> None:
    found = policy("nsg-blocks-postgres-in-subnet").evaluate(
        subnet(group(deny("no", 300, ports=ports)), servers=servers)
    )
    assert (found.state, found.severity.value) == (DRIFTED, severity)


@pytest.mark.parametrize(
    ("pgbouncer", "severity"), [(False, "Informational"), (True, "High"), (None, "High")]
)
def test_clients_need_6432_of_a_server_that_pools(pgbouncer: bool | None, severity: str) -> None:
    asked = policy("nsg-blocks-postgres-clients", clients=["10.0.2.0/24"], ports=[5432, 6432])
    servers = (replace(PLAIN, pgbouncer=pgbouncer, elastic_cluster=False, high_availability=True),)
    found = asked.evaluate(subnet(group(deny("no", 300, ports="6432")), servers=servers))
    assert (found.state, found.severity.value) == (DRIFTED, severity)
