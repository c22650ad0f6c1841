"""`driftward audit-roles` as its user runs it, on a real PostgreSQL server beside the simulator's ARM."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from azure.core.credentials import AccessToken
from psycopg.errors import ReadOnlySqlTransaction

from driftward.cli import main
from driftward.roles.connecting import by_string, connected
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from shared.adapters import database_login
from shared.roles import discover
from shared.roles.names import connect, identifier
from tests.driftward.roles.certificates import HOST
from tests.driftward.roles.postgres import Postgres, program
from tests.driftward.roles.world import FAULTS, HOSTILE

pytestmark = pytest.mark.postgres

SERVER = seeds.flexible_server_id(name="orders")
TLS = "postgres-session-without-tls"
FORMS = ("json", "csv", "html", "ocsf", "sarif", "junit", "markdown")


@pytest.fixture(scope="module")
def azure(postgres: Postgres) -> Iterator[str]:
    """ARM, where the server has the very parameters that are in force inside."""
    with SimulatorServer() as simulator:
        client = SimulatorClient(simulator.url)
        properties: dict[str, Any] = {
            "administratorLogin": "pgadmin",
            "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Enabled"},
        }
        client.seed([seeds.flexible_server(name="orders", properties=properties)])
        client.seed([seeds.parameter(server=SERVER, name=a, value=b) for a, b in in_force(postgres)])
        yield simulator.url


def in_force(postgres: Postgres) -> list[tuple[str, str]]:
    with psycopg.connect(postgres.dsn()) as made:
        return made.execute("SELECT name, setting FROM pg_settings ORDER BY name").fetchall()


@pytest.fixture(autouse=True)
def _at_the_simulator(azure: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARM_ENDPOINT", azure)
    monkeypatch.chdir(tmp_path)


def audit(postgres: Postgres, *options: str, user: str = "auditor") -> int:
    return main(["audit-roles", SERVER, "--dsn", postgres.dsn(user), *options])


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    told = json.loads(capsys.readouterr().out)
    return {one["policy"]: one for one in told["findings"]}


def test_a_server_as_the_service_keeps_it_has_nothing_wrong(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(postgres, "--fail-on", "Informational", "--strict", "-o", "json") == 0
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert set(target["compliant"]) == {check.id for check in discover()}


def test_nothing_can_be_written_even_by_a_superuser(postgres: Postgres) -> None:
    with connected(by_string(postgres.dsn())) as made, pytest.raises(ReadOnlySqlTransaction):
        made.execute("CREATE TABLE written ()")


def test_whoever_owns_a_database_has_nothing_run_with_the_auditors_rights(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path of a database is its owner's, and may name ``pg_catalog`` last."""
    traps = [
        f"CREATE FUNCTION trap.{head} LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$"
        for head in (
            "set_config(text, text, boolean) RETURNS text",
            "current_setting(text) RETURNS text",
            "aclexplode(aclitem[]) RETURNS SETOF aclitem",
            'acldefault("char", oid) RETURNS aclitem[]',
            "same(oid, oid) RETURNS boolean",
        )
    ]
    operator = "CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = trap.same)"
    for database in ("shop", "postgres"):
        postgres.run("CREATE SCHEMA trap", "GRANT USAGE ON SCHEMA trap TO PUBLIC", database=database)
        postgres.run(*traps, operator, database=database)
        postgres.run(f"ALTER DATABASE {database} SET search_path = trap, pg_catalog, public")
    try:
        audit(postgres, "-o", "json")
        told = capsys.readouterr()
    finally:
        for database in ("shop", "postgres"):
            postgres.run(f"ALTER DATABASE {database} RESET search_path")
            postgres.run("DROP SCHEMA trap CASCADE", database=database)
    assert "trapped" not in told.out + told.err
    assert json.loads(told.out)["targets"]


@pytest.fixture
def faulty(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[set[str]]:
    """The checks that have something to find."""
    for fault in FAULTS:
        postgres.run(*fault.statements, database=fault.database)
    found = {fault.check for fault in FAULTS}
    if not postgres.address:
        yield found
        return
    clear = f"{postgres.dsn('shop_api', 'shop', postgres.address)} sslmode=disable"
    with psycopg.connect(clear, autocommit=True):
        yield found | {TLS}


def test_every_fault_is_found_told_mended_and_nothing_written(
    postgres: Postgres, faulty: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One story on one server: what is found, that looking left no trace, and that the SQL mends it."""
    before = postgres.dump()
    assert audit(postgres, "-o", "json") == 1
    told = findings(capsys)
    assert set(told) == faulty
    assert len(faulty) >= 12
    for fault in FAULTS:
        assert fault.named in told[fault.check]["reason"], told[fault.check]
    assert all(one["state"] == "NonCompliant" and one["commands"] for one in told.values())

    assert audit(postgres) == 1
    shown = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert f"DROP ROLE {identifier(HOSTILE)};" in shown

    options = [word for form in FORMS for word in ("-o", form)]
    assert audit(postgres, *options, "--out", "results") == 1
    assert len(list((tmp_path / "results").iterdir())) == len(FORMS)
    assert audit(postgres, "--baseline", "results/findings.json") == 0
    assert postgres.dump() == before

    capsys.readouterr()
    mend(postgres, told)
    assert HOSTILE not in roles(postgres)
    assert {"mallory", "auditor", "shop_api"} <= roles(postgres)
    audit(postgres, "-o", "json")
    left = findings(capsys)
    assert set(left) == {"postgres-role-unused"}, "who had nothing but powers has nothing now"
    mend(postgres, left)
    assert audit(postgres, "-o", "json", "--fail-on", "Informational") == 0
    assert findings(capsys) == {}


def mend(postgres: Postgres, told: dict[str, Any]) -> None:
    r"""By psql, as they are printed; but for ``\password``, which asks a person."""
    lines = [line for one in told.values() for line in one["commands"]]
    typed = [line for line in lines if not line.startswith(("\\password", "az "))]
    done = subprocess.run(
        [str(program("psql")), "--no-psqlrc", "--set", "ON_ERROR_STOP=1", postgres.dsn()],
        input="\n".join(typed) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def roles(postgres: Postgres) -> set[str]:
    with psycopg.connect(postgres.dsn()) as made:
        return {name for (name,) in made.execute("SELECT rolname::text FROM pg_roles")}


# --- what cannot be read ---------------------------------------------------------------------------


@pytest.fixture
def stranger(postgres: Postgres) -> Iterator[str]:
    """A role that may connect, and nothing else."""
    postgres.run("CREATE ROLE stranger LOGIN", "GRANT CONNECT ON DATABASE postgres TO stranger")
    yield "stranger"
    postgres.run("DROP OWNED BY stranger", "DROP ROLE stranger")


def test_what_a_role_may_not_see_is_not_known_and_the_rest_is(
    postgres: Postgres, stranger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(postgres, "-o", "json", "--strict", user=stranger) == 3
    told = findings(capsys)
    assert {name for name, one in told.items() if one["state"] == "Unknown"} == {
        *(TLS, "postgres-public-rights-on-schema", "postgres-setting-differs-from-azure")
    }
    assert (
        "whether shared_preload_libraries is in force"
        in told["postgres-setting-differs-from-azure"]["reason"]
    )
    assert "pg_read_all_stats" in told[TLS]["reason"]
    assert '"shop"' in told["postgres-public-rights-on-schema"]["reason"]


def test_without_azure_and_its_functions_what_they_tell_is_not_known(
    postgres: Postgres, stranger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody's function of that name is called but a superuser's: it would run with the auditor's rights."""
    trap = (
        "CREATE FUNCTION orders.azure_roles_authtype() RETURNS TABLE (rolename name, authtype text) "
        "LANGUAGE sql AS $$ SELECT 'auditor'::name, 'MD5' $$"
    )
    postgres.run("ALTER FUNCTION azure_roles_authtype() RENAME TO away", "CREATE SCHEMA orders")
    postgres.run(trap, "ALTER FUNCTION orders.azure_roles_authtype() OWNER TO shop_owner")
    try:
        assert audit(postgres, "-o", "json", "--without-azure", "--administrator", "pgadmin") == 0
        told = findings(capsys)
    finally:
        postgres.run("DROP SCHEMA orders CASCADE", "ALTER FUNCTION away() RENAME TO azure_roles_authtype")
    assert {name for name, one in told.items() if one["state"] == "Unknown"} == {
        *("postgres-login-password-not-scram", "postgres-setting-differs-from-azure"),
        *("postgres-login-without-expiry", "postgres-login-local-beside-entra"),
    }, "who has a password at all is not known"
    assert "permission denied" in told["postgres-login-password-not-scram"]["reason"]
    assert "--without-azure" in told["postgres-setting-differs-from-azure"]["reason"]


def test_a_superuser_reads_the_catalogue_where_the_service_is_not(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.run("ALTER FUNCTION azure_roles_authtype() RENAME TO away")
    try:
        assert audit(postgres, "-o", "json", user="azuresu") == 0
        told = findings(capsys)
    finally:
        postgres.run("ALTER FUNCTION away() RENAME TO azure_roles_authtype")
    assert told == {}


@pytest.mark.parametrize(
    "name", ['a"b', "Ünïcode", "a\\b", "new\nline", "\u202ebidi", "U&", "a'b", "\U0001f418"]
)
def test_a_name_is_quoted_so_that_the_server_reads_the_same_name(postgres: Postgres, name: str) -> None:
    with psycopg.connect(postgres.dsn(), client_encoding="UTF8") as made:
        done = made.execute(f"SELECT 1 AS {identifier(name)}".encode())
        assert [column.name for column in done.description or ()] == [name]


# --- who is let in ---------------------------------------------------------------------------------


def dsn_of_azure(postgres: Postgres, host: str = HOST) -> str:
    return f"{postgres.dsn('auditor', host=host)} hostaddr=127.0.0.1"


def test_a_host_of_azures_must_show_a_certificate_that_somebody_trusted_has_signed(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    assert main(["audit-roles", SERVER, "--dsn", dsn_of_azure(postgres)]) == 2
    assert "certificate verify failed" in capsys.readouterr().err
    monkeypatch.setenv("PGSSLROOTCERT", str(postgres.authority))
    assert main(["audit-roles", SERVER, "--dsn", dsn_of_azure(postgres)]) == 0


def test_and_the_certificate_must_be_for_its_name(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(postgres.authority))
    other = dsn_of_azure(postgres, HOST.replace("orders", "others"))
    assert main(["audit-roles", SERVER, "--dsn", other]) == 2
    assert "does not match" in capsys.readouterr().err
    assert main(["audit-roles", SERVER, "--dsn", f"{other} sslmode=require"]) == 0


class Person:
    """Somebody who is signed in to Azure, as the role ``auditor``."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        claims = base64.urlsafe_b64encode(b'{"upn": "auditor"}').decode().rstrip("=")
        return AccessToken(f"head.{claims}.sign", 0)


def test_without_a_connection_string_the_token_names_the_role_and_azure_the_host(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server takes any password; libpq is told by its own variables where it is."""
    monkeypatch.setattr(database_login, "azure_credential", lambda _settings: Person())
    for name, said in (("PGHOSTADDR", "127.0.0.1"), ("PGPORT", str(postgres.port))):
        monkeypatch.setenv(name, said)
    monkeypatch.setenv("PGSSLROOTCERT", str(postgres.authority))
    assert main(["audit-roles", SERVER, "-o", "json"]) == 0
    assert findings(capsys) == {}
    monkeypatch.setenv("PGSSLMODE", "disable")
    assert main(["audit-roles", SERVER]) == 0, "a token goes nowhere unchecked, whatever the environment says"
    monkeypatch.delenv("PGSSLROOTCERT")
    assert main(["audit-roles", SERVER]) == 2
    assert "head." not in capsys.readouterr().err


def test_nobody_who_is_not_let_in_gets_a_report(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(postgres, user="nobody_at_all") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "nobody_at_all" in told.err


@pytest.mark.parametrize(
    "name",
    ["host=127.0.0.9 port=1", "postgresql://127.0.0.9:1/x", "a'b=\\c", "x\n=y", "`id`", ":HOST", 'q"=', "-"],
)
def test_a_database_called_as_a_connection_string_is_a_database(postgres: Postgres, name: str) -> None:
    """Whoever makes a database chooses its name: neither the audit nor psql goes to a host that it names."""
    postgres.run(f"CREATE DATABASE {identifier(name)}")
    try:
        done = subprocess.run(
            [str(program("psql")), "--no-psqlrc", "--set", "ON_ERROR_STOP=1", postgres.dsn()],
            input="\n".join([*connect(name), "\\echo :DBNAME"]) + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
        with connected(by_string(postgres.dsn()).to(name)) as made:
            assert made.info.dbname == name
    finally:
        postgres.run(f"DROP DATABASE {identifier(name)}")
    assert (done.returncode, done.stdout.endswith(f"{name}\n")) == (0, True), done.stderr


def test_a_function_of_another_shape_costs_its_part_alone(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the service would change it one day."""
    postgres.run(
        "ALTER FUNCTION azure_roles_authtype() RENAME TO away",
        "CREATE FUNCTION public.azure_roles_authtype() RETURNS TABLE (who name) LANGUAGE sql "
        "AS $$ SELECT 'auditor'::name $$",
    )
    try:
        assert audit(postgres, "-o", "json", "--strict") == 3
        told = findings(capsys)
    finally:
        postgres.run(
            "DROP FUNCTION azure_roles_authtype()", "ALTER FUNCTION away() RENAME TO azure_roles_authtype"
        )
    assert "without a column rolename" in told["postgres-login-password-not-scram"]["reason"]
