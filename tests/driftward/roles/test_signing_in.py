"""How `driftward audit-roles` signs in, and what it refuses; nobody is connected to here."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from driftward.cli import main
from driftward.roles.connecting import CannotSignIn, by_string, by_token
from shared.adapters import database_login
from shared.config.settings import Settings, read_settings
from shared.nsg.asking import BadInput

SERVER = (
    "/subscriptions/8d1f2c3b-0000-4000-8000-000000000001/resourceGroups/shop/providers/"
    "Microsoft.DBforPostgreSQL/flexibleServers/orders"
)
HOST = "orders.postgres.database.azure.com"


class Person:
    """Somebody who is signed in to Azure, or nobody."""

    def __init__(self, claims: dict[str, str] | None) -> None:
        self.claims = claims
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes += scopes
        if self.claims is None:
            raise ClientAuthenticationError("nobody")
        told = base64.urlsafe_b64encode(json.dumps(self.claims).encode()).decode().rstrip("=")
        return AccessToken(f"head.{told}.sign", 0)


def signed_in(monkeypatch: pytest.MonkeyPatch, claims: dict[str, str] | None) -> Person:
    person = Person(claims)
    monkeypatch.setattr(database_login, "azure_credential", lambda _settings: person)
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    return person


def settings(**named: str) -> Settings:
    return read_settings(named)


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        ({"upn": "dba@contoso.com"}, "dba@contoso.com"),
        (
            {
                "xms_mirid": "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/"
                "userAssignedIdentities/auditor"
            },
            "auditor",
        ),
    ],
)
def test_a_token_says_as_whom_and_goes_to_nobody_but_the_server(
    monkeypatch: pytest.MonkeyPatch, claims: dict[str, str], user: str
) -> None:
    person = signed_in(monkeypatch, claims)
    options = by_token(HOST, None, settings()).options
    assert (options["host"], options["user"], options["sslmode"]) == (HOST, user, "verify-full")
    assert options["password"].startswith("head.")
    assert Path(options["sslrootcert"]).is_file()
    assert set(person.scopes) == {"https://ossrdbms-aad.database.windows.net/.default"}


def test_another_cloud_has_tokens_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    person = signed_in(monkeypatch, {"upn": "dba"})
    by_token("orders.postgres.database.usgovcloudapi.net", None, settings(CLOUD="usgovernment"))
    assert set(person.scopes) == {"https://ossrdbms-aad.database.usgovcloudapi.net/.default"}


def test_a_token_without_a_name_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(monkeypatch, {"oid": "1"})
    with pytest.raises(CannotSignIn, match="--user"):
        by_token(HOST, None, settings())
    assert by_token(HOST, "auditors", settings()).options["user"] == "auditors"


def test_nobody_signed_in_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(monkeypatch, None)
    with pytest.raises(CannotSignIn, match="az login"):
        by_token(HOST, None, settings())


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db user=app password=hunter2",
        "postgresql://app:hunter2@db/shop",
        "host=db sslpassword=hunter2",
        "host=db scram_client_key=hunter2",
        "host=db user=app hunter2",
        "postgresql://app:hunter2@db:port/shop?odd",
    ],
)
def test_a_secret_in_a_command_line_is_refused_and_not_repeated(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-roles", SERVER, "--without-azure", "--dsn", dsn]) == 2
    told = capsys.readouterr()
    assert "--dsn" in told.err
    assert "hunter2" not in told.out + told.err


@pytest.mark.parametrize(
    ("dsn", "mode"),
    [
        (f"host={HOST}", "verify-full"),
        (f"postgresql://{HOST.upper()}/shop", "verify-full"),
        (f"host=10.0.0.4,{HOST}", "verify-full"),
        (f"host={HOST} sslmode=require", "require"),
        ("host=127.0.0.1", None),
    ],
)
def test_a_host_of_azures_is_checked_unless_the_string_says_otherwise(
    dsn: str, mode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGHOST"):
        monkeypatch.delenv(name, raising=False)
    assert by_string(dsn).options.get("sslmode") == mode


def test_the_environment_names_host_and_mode_as_for_every_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", HOST)
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert by_string("user=app").options["sslmode"] == "verify-full"
    monkeypatch.setenv("PGSSLMODE", "require")
    assert "sslmode" not in by_string("user=app").options


def test_a_service_may_be_azures_and_is_not_gone_to_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file, and the host in it, is libpq's to read: too late to ask for a certificate."""
    for name in ("PGSSLMODE", "PGHOST", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadInput, match="sslmode"):
        by_string("service=orders")
    assert by_string("service=orders sslmode=require").options["sslmode"] == "require"
    assert by_string("service=orders host=127.0.0.1").options == {"service": "orders", "host": "127.0.0.1"}
    monkeypatch.setenv("PGSERVICE", "orders")
    with pytest.raises(BadInput, match="sslmode"):
        by_string("user=app")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("orders",), "SERVER"),
        ((SERVER.replace("flexibleServers", "servers"),), "flexible"),
        ((SERVER, "--without-azure"), "--dsn"),
        ((SERVER, "--dsn", "host=db", "--user", "app"), "--user"),
        ((SERVER, "-o", "json", "-o", "csv"), "--out"),
        ((SERVER, "--dsn", "host=db", "--baseline", "absent.json"), "absent.json"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-roles", *options]) == 2
    assert said in capsys.readouterr().err


def test_without_the_extra_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert main(["audit-roles", SERVER, "--without-azure", "--dsn", "host=db"]) == 2
    assert "[roles]" in capsys.readouterr().err


def test_what_is_no_connection_string_is_no_other_error() -> None:
    with pytest.raises(BadInput):
        by_string("host")
