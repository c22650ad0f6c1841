"""How a server is signed in to: with the token of whoever is signed in to Azure, or by a connection string.

A password stands in no command line, where everybody on the machine and the shell's history see it: libpq
finds it in PGPASSWORD or PGPASSFILE. What a connection string says is never repeated: it may hold a secret
all the same. To a host of Azure's the server's certificate and name are checked, unless the string says
otherwise; where a token is sent, always.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from shared.model.dns_names import service_suffix
from shared.model.errors import ConfigurationError
from shared.model.values import value
from shared.nsg.asking import BadInput

if TYPE_CHECKING:
    from psycopg import Connection

    from shared.config.settings import Settings

_EXTRA: Final = "audit-roles needs psycopg: install the command with its extra, `pip install '.[roles]'`"
_SECRETS: Final = (
    *("password", "sslpassword", "oauth_client_secret"),
    *("scram_client_key", "scram_server_key"),
)
_NO_MODE: Final = (
    "--dsn names a service, and whether its host is Azure's is not known before a password is sent: "
    "say sslmode in --dsn or PGSSLMODE (verify-full, with sslrootcert=system or a file)"
)
_FIELD: Final = "dsn"
_NO_PASSWORD: Final = (
    "--dsn holds a secret ({}), and a command line is no place for one: use PGPASSWORD or PGPASSFILE"
)
_OURS: Final = {"connect_timeout": "15"}
_ALWAYS: Final = {"application_name": "driftward audit-roles", "client_encoding": "UTF8"}
_MOST_MILLISECONDS: Final = 30_000


class CannotSignIn(Exception):
    """The server lets nobody in, or cannot be reached; the message says why and holds no secret."""


@value
class Way:
    """How to connect: options of libpq by name, one that holds a token among them."""

    options: Mapping[str, str]

    def to(self, database: str) -> Way:
        return Way(options={**self.options, "dbname": database})

    @property
    def where(self) -> str:
        host = self.options.get("host") or self.options.get("hostaddr") or "the local socket"
        return f"{host} ({self.options.get('dbname', 'postgres')})"


def by_string(text: str) -> Way:
    """Raises ``BadInput`` for what libpq cannot read, what holds a secret, or what may be Azure's unseen."""
    options = _parsed(text)
    secrets = [name for name in _SECRETS if options.get(name)]
    if secrets:
        raise BadInput(_NO_PASSWORD.format(", ".join(secrets)), field=_FIELD)
    return Way(options={**_careful(options), **options})


def _parsed(text: str) -> dict[str, str]:
    psycopg = _library()
    try:
        return {name: str(given) for name, given in psycopg.conninfo.conninfo_to_dict(text).items()}
    except psycopg.ProgrammingError:
        raise BadInput("--dsn is no connection string that libpq can read", field=_FIELD) from None


def _careful(options: Mapping[str, str]) -> dict[str, str]:
    """What holds for a host of Azure's where neither the string nor the environment says it."""
    hosts = options.get("host", os.environ.get("PGHOST", ""))
    modes = (options.get("sslmode"), os.environ.get("PGSSLMODE"))
    if not hosts and not any(modes) and (options.get("service") or os.environ.get("PGSERVICE")):
        raise BadInput(_NO_MODE, field=_FIELD)
    if not any(map(service_suffix, hosts.split(","))):
        return {}
    wanted = {"sslmode": "verify-full", "sslrootcert": _roots()}
    return {name: said for name, said in wanted.items() if f"PG{name.upper()}" not in os.environ}


def by_token(host: str, user: str | None, settings: Settings) -> Way:
    """As whoever is signed in to Azure. Raises ``CannotSignIn`` where nobody is, or without a name."""
    from shared.adapters.person import NoSignIn

    _library()
    from shared.adapters.database_login import database_login

    try:
        login = database_login(settings)
    except NoSignIn as error:
        raise CannotSignIn(str(error)) from error
    if not (user or login.user):
        raise CannotSignIn("the token does not say as which role it signs in: --user NAME")
    tls = {"sslmode": "verify-full", "sslrootcert": os.environ.get("PGSSLROOTCERT") or _roots()}
    signed = {"user": user or login.user, "password": login.token, "gssencmode": "disable"}
    return Way(options={"host": host, "dbname": "postgres", **tls, **signed})


def _roots() -> str:
    """The authorities that are trusted: libpq's own place for them is seldom filled."""
    import certifi

    return certifi.where()


def _library() -> Any:
    try:
        import azure_postgresql_auth  # noqa: F401  # one extra brings both
        import psycopg
    except ImportError as error:
        raise ConfigurationError(_EXTRA) from error
    return psycopg


def connected(way: Way) -> Connection[tuple[Any, ...]]:
    """A connection that cannot write. Raises ``CannotSignIn``."""
    psycopg = _library()
    try:
        made: Connection[tuple[Any, ...]] = psycopg.connect(**{**_OURS, **way.options, **_ALWAYS})
        made.read_only = True
        made.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        _bound(made)
    except psycopg.Error as error:
        raise CannotSignIn(f"{way.where}: {_without_secret(str(error), way)}") from None
    return made


def _bound(made: Connection[tuple[Any, ...]]) -> None:
    """For this transaction alone, so that a pooler hands nothing of it to others. Nothing but PostgreSQL's
    own names is found without its schema: a function that somebody put in ``public`` is not called by
    mistake. The first call names its own: the path until then is the database owner's."""
    made.execute("SELECT pg_catalog.set_config('search_path', 'pg_catalog', true)")
    made.execute("SELECT set_config('default_transaction_read_only', 'on', true)")
    for name in ("statement_timeout", "lock_timeout"):
        made.execute("SELECT set_config(%s, %s, true)", (name, str(_MOST_MILLISECONDS)))
    made.execute("SELECT set_config('DateStyle', 'ISO', true), set_config('TimeZone', 'UTC', true)")


def _without_secret(said: str, way: Way) -> str:
    secret = way.options.get("password")
    return said.replace(secret, "…") if secret else said
