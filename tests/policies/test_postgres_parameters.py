"""What each policy about a server parameter has of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.model import ComplianceState, Finding, ServerSnapshot, SetParameter, SetServerTls, TargetKind
from shared.model.parts import ServerParameter, ServerTls
from shared.policies import find
from shared.posture.policy import AnyPolicy, bound
from tests.builders import SINGLE, server

COMPLIANT, DRIFTED, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
OLD_TLS = "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3"


def policy(policy_id: str, **settings: Any) -> AnyPolicy:
    found = find(policy_id)
    assert found is not None
    return bound(found, settings)


def parameter(name: str, value: str, **fields: Any) -> ServerParameter:
    given: dict[str, Any] = {"read_only": False, "dynamic": True, "pending_restart": False}
    return ServerParameter(name=name, value=value, **{**given, **fields})


def having(*parameters: ServerParameter, **parts: Any) -> ServerSnapshot:
    return server(parameters=parameters, **parts)


def old(**parts: Any) -> ServerSnapshot:
    """A single server."""
    return replace(server(), id=SINGLE, kind=TargetKind.SINGLE_SERVER, private_endpoints=(), **parts)


def values_set(found_by: AnyPolicy, snapshot: ServerSnapshot) -> dict[str, str] | None:
    """What the policy would set; None where it plans nothing."""
    change = found_by.plan(found_by.evaluate(snapshot), snapshot)
    if change is None:
        return None
    return {edit.name: edit.value for edit in change.edits if isinstance(edit, SetParameter)}


def suggested(found_by: AnyPolicy, snapshot: ServerSnapshot) -> dict[str, str]:
    """What a person is told to set."""
    edits = found_by.suggest(found_by.evaluate(snapshot), snapshot)
    return {edit.name: edit.value for edit in edits if isinstance(edit, SetParameter)}


# --- connections, from version 18 on a set ---------------------------------------------------------

CONNECTIONS = policy("postgres-log-connections-off")
ASPECTS = "receipt,authentication,authorization,setup_durations,all"


def connections(value: str) -> ServerSnapshot:
    return having(parameter("log_connections", value, data_type="Set", allowed=ASPECTS), version=18)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("all", COMPLIANT),
        ("on", COMPLIANT),
        ("receipt,authentication,authorization", COMPLIANT),
        ("Authorization, Authentication, Receipt, setup_durations", COMPLIANT),
        ("receipt", DRIFTED),
        ("", DRIFTED),
        ("off", DRIFTED),
        ("receipt,telepathy", UNKNOWN),
    ],
)
def test_a_set_of_connection_entries_must_hold_what_on_means(value: str, state: ComplianceState) -> None:
    assert CONNECTIONS.evaluate(connections(value)).state is state


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", "receipt,authentication,authorization"),
        ("off", "receipt,authentication,authorization"),
        ("setup_durations", "receipt,authentication,authorization,setup_durations"),
    ],
)
def test_nothing_is_taken_from_a_set_of_connection_entries(value: str, wanted: str) -> None:
    assert values_set(CONNECTIONS, connections(value)) == {"log_connections": wanted}


def test_before_version_18_it_is_a_switch() -> None:
    snapshot = having(parameter("log_connections", "off", data_type="Boolean", allowed="on,off"), version=17)
    assert values_set(CONNECTIONS, snapshot) == {"log_connections": "on"}


# --- throttling ------------------------------------------------------------------------------------

THROTTLING = policy("postgres-connection-throttling-off")


@pytest.mark.parametrize(
    ("version", "state"), [(15, UNKNOWN), (16, COMPLIANT), (18, COMPLIANT), (None, UNKNOWN)]
)
def test_throttling_is_not_asked_of_versions_that_do_not_have_it(
    version: int | None, state: ComplianceState
) -> None:
    found = THROTTLING.evaluate(having(version=version))
    assert (found.state, found.applies) == (state, False)


def test_throttling_that_is_listed_is_judged_whatever_the_version() -> None:
    listed = parameter("connection_throttle.enable", "off", data_type="Boolean", allowed="on,off")
    assert THROTTLING.evaluate(having(listed, version=16)).state is DRIFTED


def test_a_single_server_calls_throttling_by_another_name() -> None:
    snapshot = old(
        parameters=(
            ServerParameter(name="connection_throttling", value="off", data_type="Boolean", allowed="on,off"),
        )
    )
    assert values_set(THROTTLING, snapshot) == {"connection_throttling": "on"}


# --- retention -------------------------------------------------------------------------------------


def test_retention_is_asked_for_as_configured() -> None:
    kept = having(parameter("logfiles.retention_days", "4", data_type="Integer", allowed="1-7"))
    assert policy("postgres-log-retention-short").evaluate(kept).state is DRIFTED
    assert policy("postgres-log-retention-short", days=4).evaluate(kept).state is COMPLIANT


def test_the_evidence_shows_whether_files_are_kept_at_all() -> None:
    days = parameter("logfiles.retention_days", "7")
    found = policy("postgres-log-retention-short").evaluate(
        having(days, parameter("logfiles.download_enable", "off"))
    )
    assert found.evidence["logfilesDownloadEnable"] == "off"


# --- pgaudit ---------------------------------------------------------------------------------------

AUDIT = policy("postgres-pgaudit-not-set")
LOADED = parameter("shared_preload_libraries", "pg_cron, PGAudit", dynamic=False)


def audited(classes: str, **fields: Any) -> Finding:
    finding: Finding = AUDIT.evaluate(having(replace(LOADED, **fields), parameter("pgaudit.log", classes)))
    return finding


@pytest.mark.parametrize(
    ("classes", "state"),
    [
        ("ddl,role,misc", COMPLIANT),
        ("ALL", COMPLIANT),
        ("all,-read", COMPLIANT),
        ("all,-role", DRIFTED),
        ("-role,all", COMPLIANT),
        ("ddl,role", DRIFTED),
        ("none", DRIFTED),
        ("", DRIFTED),
        ("ddl,role,misc,spells", UNKNOWN),
    ],
)
def test_the_audited_classes_must_hold_the_wanted_ones(classes: str, state: ComplianceState) -> None:
    assert audited(classes).state is state


def test_a_library_that_waits_for_a_restart_does_not_audit() -> None:
    found = audited("all", pending_restart=True)
    assert found.state is DRIFTED
    assert "restart" in found.reason


def test_the_library_is_suggested_beside_those_that_are_loaded() -> None:
    snapshot = having(replace(LOADED, value="pg_cron", data_type="Set", allowed=",pg_cron,pgaudit"))
    assert suggested(AUDIT, snapshot) == {"shared_preload_libraries": "pg_cron,pgaudit"}


@pytest.mark.parametrize(("held", "wanted"), [("none", "ddl,misc,role"), ("read, DDL", "read,ddl,misc,role")])
def test_the_wanted_classes_are_suggested_beside_those_that_are_audited(held: str, wanted: str) -> None:
    allowed = "none,read,write,function,role,ddl,misc,all"
    classes = parameter("pgaudit.log", held, data_type="Set", allowed=allowed)
    assert suggested(AUDIT, having(LOADED, classes)) == {"pgaudit.log": wanted}


# --- extensions ------------------------------------------------------------------------------------


def test_without_an_allow_list_no_extension_is_judged() -> None:
    found = policy("postgres-extensions-beyond-allow-list").evaluate(
        having(parameter("azure.extensions", "plv8"))
    )
    assert (found.state, found.applies) == (COMPLIANT, False)


def test_an_empty_allow_list_allows_no_extension() -> None:
    strict = policy("postgres-extensions-beyond-allow-list", allowed=[])
    assert strict.evaluate(having(parameter("azure.extensions", "plv8"))).state is DRIFTED
    assert strict.evaluate(having(parameter("azure.extensions", ""))).state is COMPLIANT


def test_the_suggestion_keeps_what_is_allowed_as_it_was_spelled() -> None:
    strict = policy("postgres-extensions-beyond-allow-list", allowed=["PgCrypto"])
    snapshot = having(parameter("azure.extensions", "pgcrypto,dblink,PLV8"))
    assert suggested(strict, snapshot) == {"azure.extensions": "pgcrypto"}


def test_the_suggestion_empties_the_list_where_no_extension_is_allowed() -> None:
    strict = policy("postgres-extensions-beyond-allow-list", allowed=[])
    listed = parameter("azure.extensions", "plv8", data_type="Set", allowed="dblink,plv8", default="")
    assert suggested(strict, having(listed)) == {"azure.extensions": ""}


# --- TLS -------------------------------------------------------------------------------------------

VERSION = policy("postgres-tls-version-too-low")


def tls(lowest: str, highest: str | None = "") -> ServerSnapshot:
    parts = [parameter("ssl_min_protocol_version", lowest, data_type="Enumeration", allowed=OLD_TLS)]
    if highest is not None:
        allowed = f",{OLD_TLS}"
        parts.append(parameter("ssl_max_protocol_version", highest, data_type="Enumeration", allowed=allowed))
    return having(*parts)


@pytest.mark.parametrize(
    ("lowest", "highest", "state"),
    [
        ("TLSv1.2", "", COMPLIANT),
        ("tlsv1.3", "TLSv1.3", COMPLIANT),
        ("TLSv1.2", None, COMPLIANT),
        ("TLSv1.1", "", DRIFTED),
        ("TLSv1.3", "TLSv1.2", DRIFTED),
        ("TLSv1.2", "TLSv2", UNKNOWN),
        ("", "", UNKNOWN),
        ("SSLv3", "", UNKNOWN),
    ],
)
def test_the_versions_of_tls_are_compared_by_their_order(
    lowest: str, highest: str | None, state: ComplianceState
) -> None:
    assert VERSION.evaluate(tls(lowest, highest)).state is state


def test_a_maximum_below_the_minimum_is_removed_before_the_minimum_rises() -> None:
    snapshot = tls("TLSv1", "TLSv1.1")
    change = VERSION.plan(VERSION.evaluate(snapshot), snapshot)
    assert change is not None
    assert [(edit.name, edit.value) for edit in change.edits if isinstance(edit, SetParameter)] == [
        ("ssl_max_protocol_version", ""),
        ("ssl_min_protocol_version", "TLSv1.2"),
    ]
    assert [(edit.name, edit.value) for edit in change.inverse if isinstance(edit, SetParameter)] == [
        ("ssl_min_protocol_version", "TLSv1"),
        ("ssl_max_protocol_version", "TLSv1.1"),
    ]


def test_a_minimum_that_is_higher_than_wanted_is_left_when_the_maximum_goes() -> None:
    assert values_set(VERSION, tls("TLSv1.3", "TLSv1.2")) == {"ssl_max_protocol_version": ""}


@pytest.mark.parametrize(
    ("lowest", "offered", "wanted"),
    [
        ("TLSv1.3", "TLSv1.2,TLSv1.3", {"ssl_max_protocol_version": "TLSv1.3"}),
        (
            "TLSv1",
            "TLSv1.2,TLSv1.1",
            {"ssl_max_protocol_version": "TLSv1.2", "ssl_min_protocol_version": "TLSv1.2"},
        ),
        ("TLSv1.3", "TLSv1.2", None),
        ("TLSv1.3", "SSLv3", None),
    ],
)
def test_a_maximum_that_cannot_be_empty_is_raised_to_the_highest_that_is_offered(
    lowest: str, offered: str, wanted: dict[str, str] | None
) -> None:
    below = "TLSv1.2" if lowest == "TLSv1.3" else "TLSv1.1"
    snapshot = having(
        parameter("ssl_min_protocol_version", lowest, data_type="Enumeration", allowed=OLD_TLS),
        parameter("ssl_max_protocol_version", below, data_type="Enumeration", allowed=offered),
    )
    assert values_set(VERSION, snapshot) == wanted


def test_a_version_that_this_server_does_not_offer_is_not_set() -> None:
    low = parameter("ssl_min_protocol_version", "TLSv1", data_type="Enumeration", allowed="TLSv1,TLSv1.1")
    assert values_set(VERSION, having(low)) is None


@pytest.mark.parametrize("said", ["TLS1_0", "TLS1_1", "TLSEnforcementDisabled"])
def test_a_single_server_is_given_the_wanted_version(said: str) -> None:
    snapshot = old(tls=ServerTls(enforced=True, minimum_version=said))
    change = VERSION.plan(VERSION.evaluate(snapshot), snapshot)
    assert change is not None
    assert change.edits == (SetServerTls(server=SINGLE, minimum_version="TLS1_2"),)


def test_no_single_server_is_asked_for_more_than_it_knows() -> None:
    strict = policy("postgres-tls-version-too-low", minimum="TLSv1.3")
    assert strict.evaluate(old(tls=ServerTls(minimum_version="TLS1_2"))).state is COMPLIANT


@pytest.mark.parametrize("said", ["", "TLS9_9"])
def test_a_version_of_a_single_server_that_nobody_knows_is_unknown(said: str) -> None:
    snapshot = old(tls=ServerTls(enforced=True, minimum_version=said))
    assert VERSION.evaluate(snapshot).state is UNKNOWN
    assert VERSION.plan(VERSION.evaluate(snapshot), snapshot) is None


def test_a_server_that_lists_no_lowest_version_is_unknown() -> None:
    snapshot = having(parameter("ssl_max_protocol_version", "TLSv1.1"))
    assert VERSION.evaluate(snapshot).state is UNKNOWN
    assert values_set(VERSION, snapshot) is None


def test_a_maximum_that_is_the_wanted_version_is_left() -> None:
    assert values_set(VERSION, tls("TLSv1.1", "TLSv1.2")) == {"ssl_min_protocol_version": "TLSv1.2"}


def test_nothing_is_set_while_one_of_the_two_waits_for_a_restart() -> None:
    waiting = parameter("ssl_max_protocol_version", "TLSv1.3", pending_restart=True)
    snapshot = having(parameter("ssl_min_protocol_version", "TLSv1"), waiting)
    assert VERSION.evaluate(snapshot).state is DRIFTED
    assert values_set(VERSION, snapshot) is None


def test_the_lowest_version_is_one_that_postgresql_spells() -> None:
    (minimum,) = VERSION.parameters
    assert minimum.check("TLSv1.3") is None
    assert "one of TLSv1, " in str(minimum.check("1.3"))


# --- all of them -----------------------------------------------------------------------------------

EVERY = [
    ("postgres-tls-not-required", "require_secure_transport", "on"),
    ("postgres-tls-version-too-low", "ssl_min_protocol_version", "TLSv1.2"),
    ("postgres-log-checkpoints-off", "log_checkpoints", "on"),
    ("postgres-log-connections-off", "log_connections", "on"),
    ("postgres-log-disconnections-off", "log_disconnections", "on"),
    ("postgres-log-duration-off", "log_duration", "on"),
    ("postgres-log-retention-short", "logfiles.retention_days", "7"),
    ("postgres-connection-throttling-off", "connection_throttle.enable", "on"),
    ("postgres-password-encryption-not-scram", "password_encryption", "scram-sha-256"),
]


@pytest.mark.parametrize(("policy_id", "name", "right"), EVERY)
def test_what_is_right_is_neither_set_nor_suggested(policy_id: str, name: str, right: str) -> None:
    asked, snapshot = policy(policy_id), having(parameter(name, right))
    found = asked.evaluate(snapshot)
    assert (found.state, found.fingerprint) == (COMPLIANT, "")
    assert asked.plan(found, snapshot) is None
    assert asked.suggest(found, snapshot) == ()


@pytest.mark.parametrize(("policy_id", "name", "right"), EVERY)
def test_what_is_gone_since_it_was_found_is_neither_set_nor_suggested(
    policy_id: str, name: str, right: str
) -> None:
    asked = policy(policy_id)
    wrong = {"7": "1", "TLSv1.2": "TLSv1", "scram-sha-256": "MD5"}.get(right, "OFF")
    found = asked.evaluate(having(parameter(name, wrong)))
    assert found.state is DRIFTED
    assert found.fingerprint == f"{name}={wrong.lower()}"
    assert asked.plan(found, having()) is None
    assert asked.suggest(found, having()) == ()


@pytest.mark.parametrize(
    ("policy_id", "good", "bad"),
    [
        ("postgres-log-retention-short", [1, 7], [0, 8, True, "7", 6.5, None]),
        ("postgres-pgaudit-not-set", [["ddl"], ["all", "read"]], [[], "ddl", ["none"], ["ddl", "x"], None]),
        ("postgres-extensions-beyond-allow-list", [None, [], ["plv8"]], ["plv8", [""], [" "], [1], {}]),
    ],
)
def test_a_setting_is_refused_that_cannot_be_meant(policy_id: str, good: list[Any], bad: list[Any]) -> None:
    (setting,) = policy(policy_id).parameters
    assert [setting.check(given) for given in good] == [None] * len(good)
    assert all(setting.check(given) for given in bad)


@pytest.mark.parametrize("kept", ["", "-1", "3.5", "a week"])
def test_a_retention_that_is_no_number_of_days_is_unknown(kept: str) -> None:
    asked = policy("postgres-log-retention-short")
    assert asked.evaluate(having(parameter("logfiles.retention_days", kept))).state is UNKNOWN


def test_all_classes_are_what_all_asks_for() -> None:
    asked = policy("postgres-pgaudit-not-set", classes=["all"])
    loaded = parameter("shared_preload_libraries", "pgaudit")
    every = "read, write, function, role, ddl, misc, misc_set"
    assert asked.evaluate(having(loaded, parameter("pgaudit.log", every))).state is COMPLIANT
    assert asked.evaluate(having(loaded, parameter("pgaudit.log", "all,-read"))).state is DRIFTED
