"""`driftward policies`: the catalogue, one policy of it (`show ID`), or what holds for one resource
(`--explain`).

What a policy is stands in its own module; which effect it has, in `policies.yaml`. Here both are only shown:
for people in a line each, for machines as a list. Which file holds is `driftward.catalogue.file`'s
question; the answer says which one it was, under the table or on standard error. Exit 0, or 2 when the file
or the question is unusable.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from driftward.catalogue.entries import Entry, Filters, entries, families
from driftward.catalogue.file import Chosen, chosen
from driftward.catalogue.holds import Asked, Unexplainable, explain, parse_tags
from driftward.options import Several, answers
from driftward.refusing import refuse
from shared.config.configuration import Configuration
from shared.model import Effect, Json, Severity, TargetKind
from shared.model.codec import to_json
from shared.model.errors import ConfigurationError
from shared.model.values import value
from shared.policies import discover, find

_HELP: Final = """\
Shows every policy with what policies.yaml says of it everywhere, and what is done about it: it reverts,
reverts after approval, alerts, or is off. `policies show ID` has one in full. With --explain: what holds
for one server or subnet, what comes of it, and which line says so. Nothing is asked of Azure: give a
server's tags with --tags.

\b
  driftward policies --severity Critical,High --effect revert
  driftward policies --search "CIS 4.3.8"
  driftward policies show postgres-public-access-enabled
  driftward policies --json --file policies.yaml
  driftward policies --explain /subscriptions/.../flexibleServers/orders --tags env=prod
"""
_EPILOG: Final = """\
The file is --file, else POLICIES_FILE, else policies.yaml of this folder; without any, the catalogue's
defaults hold. ENFORCEMENT_MODE and SCOPES are this environment's.

Exit codes: 0 shown; 2 the file or the question cannot be used, with the line of every mistake in the file.
"""
_SHOW_HELP: Final = """\
Shows one policy in full: what it finds and why, what its change does and may break, parameters, controls,
permissions.

\b
  driftward policies show postgres-public-access-enabled
"""
_SHOW_EPILOG: Final = "Exit codes: 0 shown; 2 there is no such policy, or the file cannot be used."
_FILE: Final = click.option(
    "--file", type=click.Path(path_type=Path), metavar="FILE", help="Another policies.yaml."
)


@value
class Call:
    """What is asked for."""

    file: Path | None
    explain: str | None
    policy: str | None
    tags: str
    filters: Filters
    as_json: bool


@click.group("policies", help=_HELP, epilog=_EPILOG, invoke_without_command=True)
@_FILE
@click.option("--severity", type=Several(list(Severity)), metavar="NAMES", help=f"{', '.join(Severity)}.")
@click.option("--family", type=Several(families()), metavar="NAMES", help=f"{', '.join(families())}.")
@click.option("--target", type=Several(list(TargetKind)), metavar="NAMES", help=f"{', '.join(TargetKind)}.")
@click.option("--effect", type=Several(list(Effect)), metavar="NAMES", help=f"{', '.join(Effect)}.")
@click.option("--search", metavar="WORDS", default="", help="In id, title, why and controls: every word.")
@click.option("--explain", metavar="RESOURCE_ID", help="What holds for a server or a subnet, and why.")
@click.option("--policy", metavar="ID", help="With --explain: only this policy.")
@click.option("--tags", metavar="k=v,…", default="", help="With --explain: the server's tags.")
@answers
@click.pass_context
def policies(context: click.Context, /, as_json: bool, **given: Any) -> int:
    """The catalogue, or what holds for one resource."""
    filters = Filters(
        severities=_chosen(given.pop("severity")),
        families=_chosen(given.pop("family")),
        targets=_chosen(given.pop("target")),
        effects=_chosen(given.pop("effect")),
        words=given.pop("search"),
    )
    call = Call(filters=filters, as_json=as_json, **given)
    if context.invoked_subcommand is not None:
        context.obj = call
        return 0
    try:
        _answer(call, chosen(call.file, os.environ))
    except (ConfigurationError, Unexplainable) as error:
        return refuse(error)
    return 0


@policies.command("show", help=_SHOW_HELP, epilog=_SHOW_EPILOG)
@click.argument("policy_id", metavar="ID")
@_FILE
@answers
@click.pass_obj
def show(call: Call, /, policy_id: str, file: Path | None, as_json: bool) -> int:
    """One policy in full."""
    try:
        held = chosen(file or call.file, os.environ)
        entry = _entry(policy_id, held.configuration)
    except (ConfigurationError, Unexplainable) as error:
        return refuse(error)
    if as_json or call.as_json:
        print(json.dumps(_in_full(entry), indent=2))
    else:
        from driftward.catalogue.table import show_entry
        from driftward.terminal import write

        write(partial(show_entry, entry=entry, chosen=held))
    return 0


def policy_views(configuration: Configuration) -> list[dict[str, Json]]:
    """Every policy as `GET /api/policies` shows it, in the order in which changes are made."""
    return [to_json(entry.view) for entry in entries(configuration)]


def _chosen(names: frozenset[Any] | None) -> frozenset[Any]:
    return names or frozenset()


def _answer(call: Call, held: Chosen) -> None:
    """Raises Unexplainable."""
    if call.explain is not None:
        _explain(call, call.explain, held)
        return
    if call.policy or call.tags:
        raise Unexplainable("--policy and --tags belong to --explain")
    _catalogue(call, held)


def _catalogue(call: Call, held: Chosen) -> None:
    listed = [entry for entry in entries(held.configuration) if call.filters.admit(entry)]
    if call.as_json:
        _note(held)
        print(json.dumps([to_json(entry.view) for entry in listed], indent=2))
    else:
        from driftward.catalogue.table import show_table
        from driftward.terminal import write

        write(partial(show_table, listed=listed, chosen=held))


def _explain(call: Call, resource: str, held: Chosen) -> None:
    if call.filters != Filters():
        raise Unexplainable("--severity, --family, --target, --effect and --search do not go with --explain")
    tags = parse_tags(call.tags)
    asked = Asked(resource=resource, tags=tags, policy=call.policy, now=datetime.now(UTC))
    explanation = explain(asked, held, discover())
    if call.as_json:
        _note(held)
        print(json.dumps(to_json(explanation), indent=2))
    else:
        from driftward.catalogue.holds_text import show_explanation
        from driftward.terminal import write

        write(partial(show_explanation, explanation=explanation, source=held.source))


def _note(held: Chosen) -> None:
    """For machines the answer holds policies alone: where they are from is said beside it."""
    print(f"policies.yaml: {held.source}", file=sys.stderr)


def _entry(policy_id: str, configuration: Configuration) -> Entry:
    """Raises Unexplainable."""
    if find(policy_id) is None:
        near = get_close_matches(policy_id, [policy.id for policy in discover()], n=1)
        meant = f": is {near[0]} meant?" if near else "; `driftward policies` lists them"
        raise Unexplainable(f"there is no policy {policy_id!r}{meant}")
    return next(entry for entry in entries(configuration) if entry.policy.id == policy_id)


def _in_full(entry: Entry) -> dict[str, Json]:
    more = {"family": entry.family, "outcome": entry.verb, "why": entry.policy.why, "text": entry.docstring}
    return {**to_json(entry.view), **more}
