"""`driftward exemptions`: which stand, of a policies.yaml or of an app, how one is given and revoked.

`list` shows what an app holds, or those of a file. `add` exempts a scope from a policy for a while. `revoke`
ends one that was given or came with a rollback; one of the file is changed there, and the answer names the
line. Exit codes: 0 shown, given or revoked; 1 the app refused, or nothing was done; 2 the input cannot be
used, or there was no answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from driftward.addressing import Asked, addressed, of_an_app
from driftward.app import App
from driftward.consenting import BY, REASON, YES, Duration, agreed, claimed, ends, id_in
from driftward.day.saying import answer
from driftward.options import debug
from driftward.refusing import refuse
from shared.model import Json
from shared.model.errors import ConfigurationError

_HELP: Final = """\
Exemptions: stated reasons not to act on a policy, each with an end. They are given in policies.yaml, by
`add`, or come with a rollback, which exempts what it puts back and nothing else.

\b
  driftward exemptions list --policies-file policies.yaml
  driftward exemptions list --url https://driftward-app.azurewebsites.net
  driftward exemptions add POLICY --scope /subscriptions/.../resourceGroups/data --for 14d --reason "..."
  driftward exemptions revoke 5f0c... --url https://driftward-app.azurewebsites.net
"""
_LIST_HELP: Final = """\
Lists exemptions, those that end first come first. It asks the app, which knows those of its own policies.yaml
and those of rollbacks. With --policies-file, and where no app is named nor remembered, those of a file are
shown: that one, else POLICIES_FILE, else policies.yaml of this folder.

\b
  driftward exemptions list
  driftward exemptions list --policies-file policies.yaml
"""
_ADD_HELP: Final = """\
Exempts a scope from a policy until --for is over: a subscription, a resource group, a server, a virtual
network or a subnet, with all below it. Nothing is done about what the policy finds there, and nobody is told
of it; so people hear of the exemption where the policy is High or Critical, and of its end. It takes the
right to approve; nobody exempts what they opened themselves, and policies.yaml may forbid it
(`givenExemptions`).

\b
  driftward exemptions add postgres-public-access-enabled \\
      --scope /subscriptions/.../resourceGroups/data --for 14d --reason "a partner, until the VPN is built"
"""
_REVOKE_HELP: Final = """\
Ends an exemption that was given by `add` or came with a rollback. What it covered is drift again, and the app
looks at it at once.

\b
  driftward exemptions revoke 5f0c...
"""
_EPILOG: Final = """\
Exit codes: 0 shown, given or revoked; 1 the app refused, or nothing was done; 2 the input cannot be used, or
there was no answer.
"""
_FOR: Final = "How long it stands, at most 90d."
_SCOPE: Final = "Where: the id of a subscription, a resource group or a resource."
_FILE: Final = click.option(
    "--policies-file", "file", type=click.Path(path_type=Path), metavar="FILE", help="Those of this file."
)


@click.group("exemptions", help=_HELP, epilog=_EPILOG)
@debug
def exemptions() -> None:
    """Nothing: every option stands with its command."""


@exemptions.command("list", help=_LIST_HELP, epilog=_EPILOG)
@_FILE
@addressed
def list_exemptions(asked: Asked, /, file: Path | None, as_json: bool) -> int:
    """The exemptions of a file or of an app."""
    try:
        from_file = file is not None or not asked.names_one()
        listed = _of_file(file) if from_file else asked.app().get_all("exemptions")
    except ConfigurationError as error:
        return refuse(error)
    answer(listed, _said(listed), as_json=as_json)
    return 0


@exemptions.command("add", help=_ADD_HELP, epilog=_EPILOG)
@click.argument("policy", metavar="POLICY")
@click.option("--scope", required=True, metavar="ID", help=_SCOPE)
@click.option("--for", "lasts", type=Duration(), required=True, help=_FOR)
@REASON
@BY
@YES
@of_an_app
def add(app: App, /, policy: str, scope: str, lasts: timedelta, **how: Any) -> int:
    """Exempt a scope of an app from a policy."""
    if not agreed(f"Do nothing about {policy} in {scope} until {ends(lasts)}?", yes=how["yes"]):
        return 1
    said = {"policy": policy, "scope": scope, "reason": how["reason"], "expiresAt": ends(lasts)}
    given = app.post("exemptions", {**said, **claimed(how["by"])})
    answer(given, _given(given), as_json=how["as_json"])
    return 0


@exemptions.command("revoke", help=_REVOKE_HELP, epilog=_EPILOG)
@click.argument("exemption", metavar="ID")
@BY
@of_an_app
def revoke(app: App, /, exemption: str, by: str | None, as_json: bool) -> int:
    """End an exemption of an app."""
    ended = app.post(f"exemptions/{id_in(exemption, 'an exemption')}/revoke", claimed(by))
    answer(ended, [_revoked(ended)], as_json=as_json)
    return 0


def _of_file(file: Path | None) -> list[Json]:
    """As the app shows them."""
    from driftward.catalogue.file import chosen
    from shared.api.exemptions import by_end, exemption_view
    from shared.controller.exemptions import in_file

    held = chosen(file, os.environ)
    now = datetime.now(UTC)
    return [exemption_view(given, now) for given in sorted(in_file(held.configuration), key=by_end)]


def _given(given: dict[str, Json]) -> Iterator[str]:
    there = given.get("targets")
    yield f"exempt until {given.get('expiresAt')}: {given.get('policy')} on {there} known targets"
    yield f"    in    {given.get('scope')}"
    yield f"    ends  `driftward exemptions revoke {given.get('id')}` ends it before"
    if there == 0:
        yield "    NOTE  no known target lies there: is the scope spelled as it is meant?"


def _revoked(ended: dict[str, Json]) -> str:
    return f"revoked: {ended.get('policy')} on {ended.get('scope')}, which is looked at now"


def _said(listed: list[Json]) -> list[str]:
    return [line for given in listed for line in _lines(given)] or ["There is no exemption."]


def _lines(given: dict[str, Json]) -> Iterator[str]:
    yield f"{given.get('expiresAt')}{'' if given.get('standing') else ' (ended)'}  {given.get('policy')}"
    yield f"    on      {given.get('scope')}"
    yield f"    covers  {'; '.join(given.get('covers') or []) or 'whatever it finds'}"
    yield f"    why     {given.get('reason')} ({given.get('approver')})"
    yield f"    from    {given.get('place') or _revocable(given)}"


def _revocable(given: dict[str, Json]) -> str:
    whence = "a rollback" if given.get("source") == "rollback" else "somebody's word"
    return f"{whence}: `driftward exemptions revoke {given.get('id')}` ends it"
