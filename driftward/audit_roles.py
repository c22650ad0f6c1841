"""`driftward audit-roles SERVER`: signs in to a server and says what is wrong inside, where ARM sees nothing.

What is read is ``driftward.roles``'s, what is judged ``shared.roles``'s, and the forms are
``shared.report``'s. Nothing is written: the transaction is read-only, and the SQL that mends something is
printed and never run. Exit codes: 0 nothing is wrong that is as grave as --fail-on; 1 something is, and is
new; 2 the input cannot be used, or nobody is let in; 3 with --strict, something is not known.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from driftward import __version__
from driftward.options import debug
from driftward.refusing import refuse
from driftward.signing_in import hush
from shared.model import ServerSnapshot, Severity, Target, TargetKind
from shared.model.errors import ConfigurationError, GatewayError
from shared.model.values import value
from shared.nsg.asking import BadInput

if TYPE_CHECKING:
    from driftward.roles.asking import Asked
    from driftward.roles.connecting import Way
    from shared.report.rows import Report
    from shared.roles.reading import Inside

_HELP: Final = """\
Signs in to a server and says what ARM cannot show: superusers and who creates roles,
members of azure_pg_admin, rights of PUBLIC, passwords that never expire or stand as MD5, local roles beside
Microsoft Entra's, sessions without TLS, settings in force that Azure shows otherwise; each with the SQL that
mends it, which is never run.

SERVER is the resource id of a flexible server. Without --dsn you sign in as yourself, with a token.

\b
  driftward audit-roles /subscriptions/.../flexibleServers/orders
  driftward audit-roles /subscriptions/.../flexibleServers/orders -o sarif -o json --out results
  PGPASSWORD=... driftward audit-roles /subscriptions/.../flexibleServers/orders \\
      --dsn "host=127.0.0.1 port=6543 user=auditor dbname=postgres" --without-azure
"""
_EPILOG: Final = """\
The role that signs in needs no rights of its own; a member of pg_read_all_stats sees the sessions of others
too, one of pg_read_all_settings every setting, and CONNECT on a database its schemas. The name and the
certificate of a host of Azure's are checked (sslmode verify-full). A password stands in PGPASSWORD or
PGPASSFILE, never in --dsn.

Exit codes: 0 nothing is wrong that is as grave as --fail-on; 1 something is, and the baseline does not hold
it; 2 the input cannot be used, or nobody is let in; 3 with --strict, something that grave is not known.
"""
FORMS: Final = ("table", "json", "csv", "html", "ocsf", "sarif", "junit", "markdown")
_DSN: Final = "How to connect, as libpq has it; without a password. Also --connection-string."
_USER: Final = "The role to sign in as, where the token does not say it."
_ADMINISTRATOR: Final = "A role that is meant to administer the server, beside those Azure names; repeatable."
_WITHOUT: Final = "With --dsn: ask Azure nothing; what its parameters are stays unknown."
_FAIL_ON: Final = "What is this grave, or graver, is an exit code of 1. Default: High."
_BASELINE: Final = "Findings of an earlier audit (-o json): only what they do not hold is an exit code of 1."


@value
class Call:
    """What is asked for."""

    server: Target
    dsn: str | None
    user: str | None
    administrators: frozenset[str]
    without_azure: bool
    forms: tuple[str, ...]
    out: Path | None
    baseline: Path | None
    fail_on: Severity
    strict: bool


@click.command("audit-roles", help=_HELP, epilog=_EPILOG)
@click.argument("server", metavar="SERVER")
@click.option("--dsn", "--connection-string", "dsn", metavar="TEXT", help=_DSN)
@click.option("--user", metavar="NAME", help=_USER)
@click.option("--administrator", "administrators", metavar="NAME", multiple=True, help=_ADMINISTRATOR)
@click.option("--without-azure", is_flag=True, help=_WITHOUT)
@click.option(
    "--fail-on", type=click.Choice(list(Severity), case_sensitive=False), default=Severity.HIGH, help=_FAIL_ON
)
@click.option("--strict", is_flag=True, help="What is not known is an exit code of 3.")
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help=_BASELINE)
@click.option(
    "-o",
    "--output",
    "forms",
    multiple=True,
    type=click.Choice(FORMS, case_sensitive=False),
    help="For people (the default) or for machines; several with --out.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="A folder for the results, a file for each form.",
)
@debug
def audit_roles(**given: Any) -> int:
    """Sign in, look, and say what is wrong."""
    from driftward.roles.connecting import CannotSignIn

    try:
        return _audit(_call(given))
    except (BadInput, ConfigurationError, CannotSignIn, GatewayError) as error:
        return refuse(error)


def _call(given: dict[str, Any]) -> Call:
    """Raises ``BadInput`` for options that contradict each other."""
    forms = tuple(dict.fromkeys((*given.pop("forms"), *(["json"] if given.pop("as_json") else []))))
    if given["out"] is None and len(forms) > 1:
        raise BadInput("several forms need a folder: --out DIR", field="output")
    if given["without_azure"] and given["dsn"] is None:
        raise BadInput("without Azure nobody knows the server's name: give --dsn", field="without-azure")
    if given["user"] is not None and given["dsn"] is not None:
        raise BadInput("--user is for signing in with a token; --dsn names its own", field="user")
    server, administrators = _server(given.pop("server")), frozenset(given.pop("administrators"))
    fail_on = Severity(given.pop("fail_on"))
    return Call(
        server=server, administrators=administrators, forms=forms or ("table",), fail_on=fail_on, **given
    )


def _server(text: str) -> Target:
    from driftward.diagnosis.who import BadInput as NoServer
    from driftward.diagnosis.who import server_named

    try:
        found = server_named(text)
    except NoServer as error:
        raise BadInput(str(error), field="server") from error
    if found.kind is not TargetKind.FLEXIBLE_SERVER:
        raise BadInput("SERVER: single servers were retired; name a flexible server", field="server")
    return found


def _audit(call: Call) -> int:
    from driftward.roles.estate import estate_of
    from driftward.scanning.baseline import known_by
    from driftward.scanning.outcome import came_to
    from driftward.scanning.writing import write_forms
    from shared.report.rows import report_of

    hush()
    known = known_by(call.baseline)
    if call.out is not None:
        call.out.mkdir(parents=True, exist_ok=True)
    report = report_of(estate_of(_inside(call)), __version__, known)
    write_forms(call.forms, call.out, report, _show)
    return int(came_to(report, call.fail_on, strict=call.strict))


def _inside(call: Call) -> Inside:
    from driftward.roles.asking import read_inside
    from driftward.roles.connecting import by_string

    given = by_string(call.dsn) if call.dsn is not None else None
    asked = _asked(call)
    return read_inside(given or _by_token(call, asked.azure), asked)


def _asked(call: Call) -> Asked:
    from driftward.roles.asking import Asked
    from shared.adapters.clock import SystemClock

    azure, why = (None, "Azure was not asked (--without-azure)") if call.without_azure else _azure(call)
    return Asked(
        target=call.server,
        now=SystemClock().now(),
        azure=azure,
        why_no_azure=why,
        administrators=call.administrators,
    )


def _azure(call: Call) -> tuple[ServerSnapshot | None, str]:
    """Whoever gave a connection string needs no word of Azure's; what it would say stays unknown."""
    from driftward.refusing import said
    from driftward.roles.around import by_azure

    try:
        return by_azure(call.server), ""
    except GatewayError as error:
        if call.dsn is None:
            raise
        return None, f"Azure could not be asked: {said(error)}"


def _by_token(call: Call, azure: ServerSnapshot | None) -> Way:
    from driftward.roles.around import settings
    from driftward.roles.connecting import by_token

    if azure is None or not azure.host_name:
        raise BadInput("Azure does not say the server's host name: give --dsn", field="server")
    return by_token(azure.host_name, call.user, settings())


def _show(report: Report) -> None:
    from driftward.roles.show import show
    from driftward.terminal import write

    write(partial(show, report=report))
