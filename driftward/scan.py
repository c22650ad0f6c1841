"""`driftward scan`: looks at everything in subscriptions or resource groups and says what is wrong, without
an app and without writing.

The looks are `driftward.scanning.looking`'s and the forms are `shared.report`'s; here options become values
and results files. Exit codes: 0 nothing is wrong that is as grave as --fail-on; 1 something is, and is new; 2
the input cannot be used, a scope could not be listed whole, or nothing could be read; 3 with --strict,
something is not known.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from driftward import __version__
from driftward.catalogue.entries import Filters, entries, families
from driftward.catalogue.file import Chosen, chosen
from driftward.options import Several, debug
from driftward.refusing import complain, refuse
from driftward.scanning.documents.given import Documents, Given, documents_given, refuse_beside
from driftward.scanning.errors import CannotGoOn, NoScope
from driftward.signing_in import hush
from shared.model import Severity
from shared.model.errors import ConfigurationError, GatewayError
from shared.model.values import value
from shared.nsg.asking import BadInput
from shared.policies import discover

if TYPE_CHECKING:
    from driftward.scanning.looking import Looks
    from shared.model.resource_id import ResourceId
    from shared.report.estate import Estate
    from shared.report.rows import Report

_HELP: Final = """\
Looks at every PostgreSQL server and subnet in subscriptions or resource groups and says what is wrong: the
very looks that a deployed app makes, in audit. Azure is read and never written; nothing has to be deployed.

\b
  driftward scan --subscription 8d1f2c3b-...
  driftward scan --scope /subscriptions/.../resourceGroups/shop --fail-on Medium
  driftward scan --subscription ... -o html > report.html
  driftward scan --subscription ... -o sarif -o junit --out results
  driftward scan --subscription ... --baseline findings.json -o json > now.json
  driftward scan --from-export export
  driftward scan --plan tfplan.json -o sarif > plan.sarif
"""
_EPILOG: Final = """\
Azure is read with the credential that azure-identity finds (`az login`), at CLOUD or ARM_ENDPOINT; the role
"Driftward Reader" is enough. Effects, parameters and exemptions are those of --file, else POLICIES_FILE, else
policies.yaml of this folder, else the defaults.

Exit codes: 0 nothing is wrong that is as grave as --fail-on; 1 something is, and the baseline does not hold
it; 2 the input cannot be used, a scope could not be listed whole, or nothing could be read; 3 with --strict,
something that grave is not known.
"""
FORMS: Final = ("table", "json", "csv", "html", "ocsf", "sarif", "junit", "markdown")
_SETTINGS: Final = ("POLICIES_FILE", "CLOUD", "ARM_ENDPOINT", "ARM_API_VERSIONS", "AZURE_CLIENT_ID")
_SUBSCRIPTION: Final = "The id of a subscription; may be repeated."
_SCOPE: Final = "A subscription or a resource group; may be repeated."
_SAY_WHAT: Final = (
    "say what is scanned: --subscription, --scope, --management-group, --from-export, --plan or --what-if"
)
_GROUP: Final = "A management group: every subscription below it; may be repeated."
_FROM_EXPORT: Final = (
    "A folder of JSON that `az` wrote, instead of Azure; alone: the commands that write one."
)
_PLAN: Final = "A Terraform plan (`terraform show -json`), instead of Azure: what it would leave wrong."
_WHAT_IF: Final = "The same of a deployment (`az deployment group what-if --no-pretty-print`)."
_SOURCE: Final = "The folder of the plan's or the deployment's source: findings name file and line there."
_POLICY: Final = "Only these policies, separated by commas."
_FAIL_ON: Final = "What is this grave, or graver, is an exit code of 1. Default: High."
_BASELINE: Final = "Findings of an earlier scan (-o json): only what they do not hold is an exit code of 1."
_OUT: Final = "A folder for the results, a file for each form; what is seen is noted there as it comes."
_RESUME: Final = "Go on with the scan that was broken off in --out."
_STRICT: Final = "What is not known is an exit code of 3."
_OUTPUT: Final = "For people (the default) or for machines; several with --out."
_ENOUGH: Final = "Targets that are looked at side by side."


@value
class Call:
    """What is asked for."""

    subscriptions: tuple[str, ...]
    scopes: tuple[str, ...]
    management_groups: tuple[str, ...]
    filters: Filters
    policies: frozenset[str]
    fail_on: Severity
    strict: bool
    baseline: Path | None
    forms: tuple[str, ...]
    out: Path | None
    resume: bool
    file: Path | None
    together: int
    fix: bool
    from_export: str | None
    """A folder; ``""`` asks for the script that writes one."""
    plan: Path | None
    what_if: Path | None
    source: Path | None


@click.command("scan", help=_HELP, epilog=_EPILOG)
@click.option("--subscription", "subscriptions", multiple=True, metavar="ID", help=_SUBSCRIPTION)
@click.option("--scope", "scopes", multiple=True, metavar="ID", help=_SCOPE)
@click.option("--management-group", "management_groups", multiple=True, metavar="ID", help=_GROUP)
@click.option("--from-export", metavar="[DIR]", is_flag=False, flag_value="", help=_FROM_EXPORT)
@click.option("--plan", type=click.Path(path_type=Path), metavar="FILE", help=_PLAN)
@click.option("--what-if", type=click.Path(path_type=Path), metavar="FILE", help=_WHAT_IF)
@click.option("--source", type=click.Path(path_type=Path), metavar="DIR", help=_SOURCE)
@click.option("--policy", type=Several([one.id for one in discover()]), metavar="IDS", help=_POLICY)
@click.option("--family", type=Several(families()), metavar="NAMES", help=f"{', '.join(families())}.")
@click.option("--severity", type=Several(list(Severity)), metavar="NAMES", help=f"{', '.join(Severity)}.")
@click.option(
    "--fail-on", type=click.Choice(list(Severity), case_sensitive=False), default=Severity.HIGH, help=_FAIL_ON
)
@click.option("--strict", is_flag=True, help=_STRICT)
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help=_BASELINE)
@click.option(
    "-o", "--output", "forms", multiple=True, type=click.Choice(FORMS, case_sensitive=False), help=_OUTPUT
)
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@click.option("--fix", is_flag=True, help="In the table: the commands that mend what is wrong.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=_OUT)
@click.option("--resume", is_flag=True, help=_RESUME)
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="Another policies.yaml.")
@click.option("--together", type=click.IntRange(1, 32), default=8, show_default=True, help=_ENOUGH)
@debug
def scan(**given: Any) -> int:
    """Look at everything there, and say what is wrong."""
    try:
        call = _call(given)
        return _tell_how_to_export() if call.from_export == "" else _scan(call)
    except (BadInput, NoScope, CannotGoOn, ConfigurationError, GatewayError) as error:
        return refuse(error)


def _call(given: dict[str, Any]) -> Call:
    """Raises ``BadInput`` for options that contradict each other."""
    forms = tuple(dict.fromkeys((*given.pop("forms"), *(["json"] if given.pop("as_json") else []))))
    if given["out"] is None and len(forms) > 1:
        raise BadInput("several forms need a folder: --out DIR", field="output")
    if given["out"] is None and given["resume"]:
        raise BadInput("--resume needs the folder of the scan that was broken off: --out DIR", field="resume")
    filters = Filters(
        severities=given.pop("severity") or frozenset(), families=given.pop("family") or frozenset()
    )
    policies = given.pop("policy") or frozenset()
    return Call(forms=forms or ("table",), filters=filters, policies=policies, **given)


def _tell_how_to_export() -> int:
    from driftward.scanning.documents.script import SCRIPT

    print(SCRIPT, end="")
    return 0


def _scan(call: Call) -> int:
    from driftward.scanning.baseline import known_by
    from driftward.scanning.outcome import came_to
    from driftward.scanning.resuming import remove_notes
    from shared.report.rows import report_of

    hush()
    known = known_by(call.baseline)
    report = report_of(_looked(call), __version__, known)
    _write(call, report)
    if call.out is not None:
        remove_notes(call.out)
    return int(came_to(report, Severity(call.fail_on), strict=call.strict))


def _looked(call: Call) -> Estate:
    from driftward.scanning.looking import Looks

    given = _given(call)
    refuse_beside(given, resume=call.resume, groups=bool(call.management_groups))
    documents = documents_given(given)
    held = chosen(call.file, _concerned(os.environ))
    clients = documents.clients(held.settings) if documents is not None else None
    looks = Looks(held.settings, held.configuration, _policies(call, held), clients)
    try:
        return _estate(call, held, looks, documents)
    finally:
        looks.close()


def _given(call: Call) -> Given:
    folder = None if call.from_export is None else Path(call.from_export)
    return Given(folder=folder, plan=call.plan, what_if=call.what_if, source=call.source)


def _concerned(environment: Mapping[str, str]) -> dict[str, str]:
    """What says where Azure is and what holds; how an app would act is none of a scan's concern."""
    return {name: environment[name] for name in _SETTINGS if name in environment}


def _policies(call: Call, held: Chosen) -> tuple[str, ...] | None:
    """Those that are asked for; None for all."""
    if not call.policies and call.filters == Filters():
        return None
    admitted = (one.policy.id for one in entries(held.configuration) if call.filters.admit(one))
    chosen_ones = tuple(one for one in admitted if not call.policies or one in call.policies)
    if not chosen_ones:
        raise BadInput("no policy is left of --policy, --family and --severity", field="policy")
    return chosen_ones


def _estate(call: Call, held: Chosen, looks: Looks, documents: Documents | None) -> Estate:
    from driftward.scanning.places import scopes_named
    from driftward.scanning.resuming import asked_for
    from driftward.scanning.surveying import Wanted, survey

    scopes, below = _scopes(call, looks, documents)
    asked = asked_for(scopes, _policies(call, held), held.configuration, looks.now())
    wanted = Wanted(
        scopes=scopes,
        asked=asked,
        out=call.out,
        resume=call.resume,
        together=call.together,
        below=frozenset(below) - {*scopes_named(call.subscriptions, call.scopes)},
    )
    return survey(wanted, looks, documents)


def _scopes(
    call: Call, looks: Looks, documents: Documents | None
) -> tuple[tuple[ResourceId, ...], tuple[ResourceId, ...]]:
    """What is scanned, and what of it lies below a management group. Raises ``NoScope`` where nothing says
    what is scanned."""
    from driftward.scanning.places import group_named, outermost, scopes_named

    found = scopes_named(call.subscriptions, call.scopes)
    if documents is not None:
        complain(*documents.says)
        return documents.scopes(found), ()
    groups = [group_named(one) for one in call.management_groups]
    below = tuple(one for group in groups for one in looks.subscriptions_below(group))
    if not found and not groups:
        raise NoScope(_SAY_WHAT)
    return outermost([*found, *below]), below


def _write(call: Call, report: Report) -> None:
    from driftward.scanning.writing import write_forms

    write_forms(call.forms, call.out, report, partial(_show, fix=call.fix))


def _show(report: Report, *, fix: bool) -> None:
    from driftward.scanning.show import show
    from driftward.terminal import write

    write(partial(show, report=report, fix=fix))
