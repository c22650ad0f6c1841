"""What each check says of a reading; that a real server gives such readings is tested with the command."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import ComplianceState, Severity
from shared.model.parts import ServerParameter, SignIn
from shared.roles import FAMILY, discover, find
from shared.roles.names import identifier, literal, psql
from shared.roles.reading import (
    Database,
    EntraRole,
    Inside,
    Membership,
    Override,
    Part,
    Role,
    Schema,
    Session,
    Setting,
)
from tests.roles.readings import RIGHT, UNKNOWN, WRONG, azure, inside, judged, sql

CHECKS = [check.id for check in discover()]
ATTRIBUTES = {
    "postgres-role-superuser": ("superuser", "SUPERUSER"),
    "postgres-role-creates-roles": ("creates_roles", "CREATEROLE"),
    "postgres-role-bypasses-row-security": ("bypasses_row_security", "BYPASSRLS"),
    "postgres-role-replicates": ("replicates", "REPLICATION"),
}


def test_there_are_fourteen_checks_and_each_has_a_name_of_its_own() -> None:
    assert len(CHECKS) == len(set(CHECKS)) == 14
    assert all(find(one) is not None for one in CHECKS)
    assert find("postgres-public-access-enabled") is None
    assert FAMILY == "roles"


@pytest.mark.parametrize("check", CHECKS)
def test_a_server_in_which_nothing_is_has_nothing_wrong(check: str) -> None:
    found = judged(check, inside())
    assert (found.state, found.fingerprint, sql(found)) == (RIGHT, "", [])


@pytest.mark.parametrize("check", ATTRIBUTES)
def test_a_power_is_told_of_everybody_who_is_no_administrator(check: str) -> None:
    field, attribute = ATTRIBUTES[check]
    names = ("mallory", "pgadmin", "dba@contoso.com", "mapped", "declared")
    powers: list[dict[str, Any]] = [{"name": name, field: True} for name in names]
    roles = [Role(**one) for one in powers]
    reading = inside(
        roles=(*roles, replace(roles[0], name="azuresu", ours=False)),
        entra=(EntraRole(name="mapped", is_admin=True), EntraRole(name="mallory")),
        administrators=frozenset({"declared"}),
    )
    found = judged(check, reading)
    assert found.state is WRONG
    if check == "postgres-role-superuser":
        assert len(sql(found)) == 5, "the service makes no administrator a superuser"
    else:
        assert sql(found) == [f'ALTER ROLE "mallory" NO{attribute};']


@pytest.mark.parametrize(
    ("version", "revoked"),
    [
        (150000, 'REVOKE "azure_pg_admin" FROM "intern";'),
        (160000, 'REVOKE "azure_pg_admin" FROM "intern" GRANTED BY "pgadmin";'),
    ],
)
def test_a_membership_is_taken_away_in_the_name_of_who_granted_it(version: int, revoked: str) -> None:
    reading = inside(
        version=version,
        roles=(Role(name="intern"), Role(name="pgadmin")),
        memberships=(
            Membership(role="azure_pg_admin", member="intern", grantor="pgadmin"),
            Membership(role="azure_pg_admin", member="pgadmin", grantor="azuresu"),
            Membership(role="shop", member="intern", grantor="pgadmin"),
            Membership(role="pg_monitor", member="azure_pg_admin", grantor="azuresu"),
        ),
    )
    assert sql(judged("postgres-role-in-azure-pg-admin", reading)) == [revoked]
    assert judged("postgres-role-in-powerful-role", reading).state is RIGHT


@pytest.mark.parametrize(
    ("group", "severity"),
    [("pg_read_all_data", Severity.MEDIUM), ("pg_execute_server_program", Severity.HIGH)],
)
def test_who_runs_programs_is_graver_than_who_reads_every_table(group: str, severity: Severity) -> None:
    reading = inside(roles=(Role(name="export"),), memberships=(Membership(role=group, member="export"),))
    found = judged("postgres-role-in-powerful-role", reading)
    assert (found.state, found.severity) == (WRONG, severity)


def admin(**fields: Any) -> Inside:
    """``pgadmin`` administers; ``member, role`` pairs are added."""
    named = (Role(name="azuresu", ours=False, superuser=True), Role(name="pgadmin", creates_roles=True))
    pairs = (("pgadmin", "azure_pg_admin"), *fields.pop("pairs"))
    ours = {member for member, _ in pairs} - {one.name for one in named}
    return inside(
        roles=(*named, *(Role(name=name) for name in sorted(ours))),
        memberships=tuple(Membership(role=role, member=member) for member, role in pairs),
        **fields,
    )


ADMINS, CREATES, SUPER = (
    "postgres-role-in-azure-pg-admin",
    "postgres-role-creates-roles",
    "postgres-role-superuser",
)


@pytest.mark.parametrize(
    ("check", "pairs", "named"),
    [
        (ADMINS, (("intern", "pgadmin"),), "intern"),
        (CREATES, (("intern", "pgadmin"),), "intern"),
        (ADMINS, (("intern", "team"), ("team", "pgadmin")), "team"),
        (ADMINS, (("intern", "team"), ("team", "azure_pg_admin")), "team"),
        (SUPER, (("pgadmin", "azuresu"),), "pgadmin"),
        (SUPER, (("intern", "azuresu"),), "intern"),
        (ADMINS, (("a", "b"), ("b", "a"), ("b", "pgadmin")), "b"),
    ],
)
def test_what_an_administrator_may_its_members_may(
    check: str, pairs: tuple[tuple[str, str], ...], named: str
) -> None:
    found = judged(check, admin(pairs=pairs))
    assert found.state is WRONG
    assert [one["name"] for one in found.evidence["found"]] == [named]


def test_nobody_is_accused_of_being_no_administrator_where_nobody_says_who_is_one() -> None:
    """What would mend it would lock the administrator out."""
    reading = admin(pairs=(("intern", "pgadmin"),), azure=None)
    for check in (ADMINS, CREATES):
        found = judged(check, reading)
        assert (found.state, sql(found)) == (UNKNOWN, [])
        assert "--administrator" in found.reason
        declared = judged(check, replace(reading, administrators=frozenset({"pgadmin"})))
        assert (declared.state, [one["name"] for one in declared.evidence["found"]]) == (WRONG, ["intern"])
    unread = replace(reading, azure=azure(administrators=None), entra=None)
    assert judged(ADMINS, unread).state is UNKNOWN


def test_an_administrator_who_is_a_member_of_one_is_no_fault() -> None:
    reading = admin(pairs=(("dba@contoso.com", "pgadmin"), ("pgadmin", "intern")))
    assert {judged(check, reading).state for check in (ADMINS, CREATES, SUPER)} == {RIGHT}


# --- passwords -------------------------------------------------------------------------------------

EXPIRY, SCRAM, LOCAL = (
    *("postgres-login-without-expiry", "postgres-login-password-not-scram"),
    "postgres-login-local-beside-entra",
)


def login(name: str = "app", **fields: Any) -> Role:
    return Role(name=name, logs_in=True, holds=True, **fields)


@pytest.mark.parametrize(
    ("stored", "state"),
    [("MD5", WRONG), ("SCRAM-256", RIGHT), ("NOLOGIN", RIGHT), ("", RIGHT), ("RADIUS", UNKNOWN)],
)
def test_how_a_password_is_stored_decides_and_what_is_not_known_is_said(
    stored: str, state: ComplianceState
) -> None:
    found = judged(SCRAM, inside(roles=(login(),), passwords={"app": stored}))
    assert found.state is state
    if state is WRONG:
        assert sql(found) == ["SET password_encryption = 'scram-sha-256';", '\\password "app"']


def test_a_password_that_stands_as_md5_stays_wrong_beside_one_that_is_not_known() -> None:
    reading = inside(roles=(login(), login("odd")), passwords={"app": "MD5", "odd": "RADIUS"})
    found = judged(SCRAM, reading)
    assert found.state is WRONG
    assert '"odd"' in found.reason
    assert len(sql(found)) == 2


@pytest.mark.parametrize(
    ("role", "state"),
    [
        (login(), WRONG),
        (login(expires=True), RIGHT),
        (login("shop_api"), RIGHT),
        (login("azuresu", ours=False), RIGHT),
        (Role(name="group"), RIGHT),
    ],
    ids=["never", "expires", "entra", "service", "no-login"],
)
def test_a_password_that_never_expires_is_told(role: Role, state: ComplianceState) -> None:
    reading = inside(roles=(role,), passwords={role.name: "SCRAM-256"}, entra=(EntraRole(name="shop_api"),))
    found = judged(EXPIRY, reading)
    assert (found.state, found.severity) == (state, Severity.LOW)
    if state is WRONG:
        assert sql(found) == ["ALTER ROLE \"app\" VALID UNTIL '2027-02-28';"]


@pytest.mark.parametrize(
    ("sign_in", "entra", "state"),
    [
        (SignIn(entra=True, passwords=True), (), WRONG),
        (SignIn(entra=False, passwords=True), (), RIGHT),
        (SignIn(entra=False, passwords=True), (EntraRole(name="shop_api"),), WRONG),
        (SignIn(entra=True, passwords=False), (), RIGHT),
        (SignIn(), None, UNKNOWN),
    ],
    ids=["beside", "no-entra", "by-roles", "refused", "not-known"],
)
def test_a_local_role_is_told_where_entra_is_on_and_passwords_are_taken(
    sign_in: SignIn, entra: tuple[EntraRole, ...] | None, state: ComplianceState
) -> None:
    reading = inside(
        roles=(login(),), passwords={"app": "SCRAM-256"}, entra=entra, azure=azure(sign_in=sign_in)
    )
    found = judged(LOCAL, reading)
    assert found.state is state
    assert sql(found) == (['ALTER ROLE "app" PASSWORD NULL;'] if state is WRONG else [])


@pytest.mark.parametrize("check", [EXPIRY, LOCAL])
def test_nobody_is_accused_where_nothing_says_who_has_a_password(check: str) -> None:
    reading = inside(roles=(login(),), passwords=None, unread={Part.PASSWORDS: "denied"})
    found = judged(check, reading)
    assert (found.state, found.reason) == (UNKNOWN, "denied")


# --- what everybody may ----------------------------------------------------------------------------

DATABASE, SCHEMA = "postgres-public-rights-on-database", "postgres-public-rights-on-schema"


@pytest.mark.parametrize(
    ("rights", "severity"), [(("CONNECT", "TEMPORARY"), Severity.LOW), (("CREATE",), Severity.MEDIUM)]
)
def test_what_postgresql_grants_everybody_is_less_grave_than_what_somebody_did(
    rights: tuple[str, ...], severity: Severity
) -> None:
    shop = Database(name="shop", public=rights, schemas=())
    sys = Database(name="azure_sys", public=rights, ours=False)
    found = judged(DATABASE, inside(databases=(shop, sys)))
    assert (found.state, found.severity) == (WRONG, severity)
    assert sql(found)[-1] == f'REVOKE {", ".join(rights)} ON DATABASE "shop" FROM PUBLIC;'
    assert sql(found)[0].startswith("--") == ("CONNECT" in rights)


@pytest.mark.parametrize(
    ("schema", "revoked", "severity"),
    [
        (Schema(name="public", public=("USAGE",), ours=False), None, None),
        (Schema(name="information_schema", public=("USAGE",), ours=False), None, None),
        (Schema(name="public", public=("CREATE", "USAGE"), ours=False), "CREATE", Severity.HIGH),
        (Schema(name="orders", public=("USAGE",)), "USAGE", Severity.LOW),
        (Schema(name="orders", public=("CREATE", "USAGE")), "CREATE, USAGE", Severity.HIGH),
    ],
)
def test_usage_of_what_comes_with_the_server_is_as_it_should_be(
    schema: Schema, revoked: str | None, severity: Severity | None
) -> None:
    found = judged(SCHEMA, inside(databases=(Database(name="shop", schemas=(schema,)),)))
    if revoked is None:
        assert found.state is RIGHT
    else:
        assert found.severity is severity
        assert sql(found) == ['\\connect "shop"', f'REVOKE {revoked} ON SCHEMA "{schema.name}" FROM PUBLIC;']


def test_a_database_that_cannot_be_opened_hides_nothing_that_is_wrong_elsewhere() -> None:
    shut = Database(name="shut", unread="no CONNECT")
    wrong = Database(name="shop", schemas=(Schema(name="s", public=("CREATE",)),))
    assert judged(SCHEMA, inside(databases=(shut,))).state is UNKNOWN
    found = judged(SCHEMA, inside(databases=(shut, wrong)))
    assert found.state is WRONG
    assert "no CONNECT" in found.reason


def test_who_may_have_no_password_is_not_accused_of_one() -> None:
    reading = inside(roles=(login(),), passwords=None, unread={Part.PASSWORDS: "denied"})
    for check in (EXPIRY, LOCAL):
        assert (judged(check, reading).state, judged(check, reading).reason) == (UNKNOWN, "denied")


def test_a_role_that_may_have_a_session_is_not_called_unused() -> None:
    """Nobody drops a role that works, because the auditor sees too little."""
    for hidden in ({"sees_all_sessions": False}, {"sessions": None}):
        found = judged("postgres-role-unused", inside(roles=(Role(name="idle"),), **hidden))
        assert (found.state, sql(found)) == (UNKNOWN, [])
        assert '"idle"' in found.reason
        assert judged("postgres-role-unused", inside(**hidden)).state is RIGHT


# --- sessions and settings -------------------------------------------------------------------------

TLS, SETTING = "postgres-session-without-tls", "postgres-setting-differs-from-azure"


@pytest.mark.parametrize(
    ("session", "state"),
    [
        (Session(role="app", address="10.0.0.4/32", encrypted=False), WRONG),
        (Session(role="app", address="10.0.0.4/32", encrypted=True), RIGHT),
        (Session(role="app", address="127.0.0.1/32", encrypted=False), RIGHT),
        (Session(role="app", address="::1/128", encrypted=False), RIGHT),
    ],
)
def test_a_session_over_a_network_must_be_encrypted(session: Session, state: ComplianceState) -> None:
    assert judged(TLS, inside(sessions=(session,))).state is state


def test_sessions_that_are_hidden_are_not_taken_for_encrypted() -> None:
    assert judged(TLS, inside(sees_all_sessions=False)).state is UNKNOWN
    assert judged(TLS, inside(sessions=None, unread={Part.SESSIONS: "denied"})).reason == "denied"


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        (ServerParameter(name="shared_preload_libraries", value="pgaudit", default="pg_cron"), UNKNOWN),
        (ServerParameter(name="pgaudit.log", value="ddl", default="none"), UNKNOWN),
        (ServerParameter(name="pgaudit.log", value="none", default="none"), RIGHT),
        (ServerParameter(name="azure.extensions", value="postgis", default=""), RIGHT),
    ],
)
def test_a_setting_that_the_server_hides_is_not_taken_for_one_in_force(
    shown: ServerParameter, state: ComplianceState
) -> None:
    found = judged(SETTING, inside(azure=azure(parameters=(shown,))))
    assert found.state is state
    assert state is RIGHT or shown.name in found.reason


@pytest.mark.parametrize(
    ("name", "in_force", "by_azure", "unit", "state"),
    [
        ("log_connections", "on", "ON", "", RIGHT),
        ("log_connections", "on", "true", "", RIGHT),
        ("log_connections", "off", "on", "", WRONG),
        ("shared_preload_libraries", "pgaudit, pg_cron", "pg_cron,pgaudit", "", RIGHT),
        ("log_min_duration_statement", "1000", "1000", "ms", RIGHT),
        ("seq_page_cost", "1", "1.0", "", RIGHT),
        ("seq_page_cost", "1", "2", "", WRONG),
        ("only_inside", "1", "", "", RIGHT),
    ],
)
def test_a_setting_is_compared_by_what_it_means(
    name: str, in_force: str, by_azure: str, unit: str, state: ComplianceState
) -> None:
    listed = (ServerParameter(name=name, value=by_azure),) if by_azure else ()
    reading = inside(
        settings=(Setting(name=name, value=in_force, unit=unit),), azure=azure(parameters=listed)
    )
    found = judged(SETTING, reading)
    assert found.state is state
    if state is WRONG:
        assert sql(found)[-1].startswith("az postgres flexible-server restart ")


def test_a_value_that_waits_for_a_restart_is_not_in_force() -> None:
    found = judged(
        SETTING, inside(settings=(Setting(name="log_statement", value="ddl", pending_restart=True),))
    )
    assert found.state is WRONG
    assert "restart" in found.evidence["found"][0]["detail"]


@pytest.mark.parametrize(
    ("override", "reset"),
    [
        (Override(name="log_statement", value="ddl", role="app"), None),
        (Override(name="statement_timeout", value="5s", role="app"), None),
        (
            Override(name="log_statement", value="none", role="app"),
            'ALTER ROLE "app" RESET "log_statement";',
        ),
        (
            Override(name="log_statement", value="none", role="app", database="shop"),
            'ALTER ROLE "app" IN DATABASE "shop" RESET "log_statement";',
        ),
        (
            Override(name="log_statement", value="none", database="shop"),
            'ALTER DATABASE "shop" RESET "log_statement";',
        ),
        (Override(name="log_statement", value="none"), 'ALTER ROLE ALL RESET "log_statement";'),
    ],
    ids=["same", "harmless", "role", "both", "database", "all"],
)
def test_what_a_role_or_a_database_has_of_its_own_stands_above_what_azure_shows(
    override: Override, reset: str | None
) -> None:
    parameters = (
        ServerParameter(name="log_statement", value="ddl"),
        ServerParameter(name="statement_timeout", value="0"),
    )
    found = judged(SETTING, inside(overrides=(override,), azure=azure(parameters=parameters)))
    assert sql(found) == ([reset] if reset else [])


def test_without_azures_word_nothing_is_said_of_settings() -> None:
    reading = inside(azure=None, unread={Part.AZURE: "Azure was not asked"})
    assert judged(SETTING, reading).reason == "Azure was not asked"


# --- roles that nobody would miss ------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"roles": (Role(name="idle", holds=True),)},
        {"roles": (Role(name="idle", ours=False),)},
        {"roles": (Role(name="idle", superuser=True),)},
        {"roles": (Role(name="idle"),), "memberships": (Membership(role="shop", member="idle"),)},
        {"roles": (Role(name="idle"),), "memberships": (Membership(role="idle", member="app"),)},
        {"roles": (Role(name="idle"),), "sessions": (Session(role="idle"),)},
        {"roles": (Role(name="idle"),), "administrators": frozenset({"idle"})},
        {"roles": (Role(name="idle"),), "reader": "idle"},
    ],
    ids=["holds", "service", "power", "member", "group", "session", "administrator", "reader"],
)
def test_a_role_that_is_used_in_any_way_is_not_called_unused(fields: dict[str, Any]) -> None:
    assert judged("postgres-role-unused", inside(**fields)).state is RIGHT
    bare: Inside = inside(roles=(Role(name="idle"),))
    assert sql(judged("postgres-role-unused", bare)) == ['DROP ROLE "idle";']


# --- names -----------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text))
def test_a_name_in_sql_is_one_line_that_shows_all_of_it(name: str) -> None:
    for told in (identifier(name), literal(name), *psql("\\connect", name)):
        assert told.isprintable()
    plain = re.fullmatch(r'"(?:[^"]|"")*"', identifier(name))
    escaped = re.fullmatch(r'U&"(?:[^"\\]|""|\\\\|\\[0-9A-F]{4}|\\\+[0-9A-F]{6})*"', identifier(name))
    assert (plain is not None) == name.isprintable()
    assert (escaped is not None) == (not name.isprintable())


def test_many_cases_are_counted_and_all_of_them_mended() -> None:
    roles = tuple(Role(name=f"r{number}", superuser=True) for number in range(5))
    found = judged("postgres-role-superuser", inside(roles=roles))
    assert found.reason.endswith('"r0", "r1" and 3 more')
    assert len(sql(found)) == 5
    assert found.fingerprint == "r0; r1; r2; r3; r4"
