"""`driftward exemptions`: which exemptions stand, of a policies.yaml or of an app, and how one is revoked.

`list` shows what an app holds, the file that it was deployed with and what came with rollbacks, or those of a
file. `revoke` ends one of a rollback; one of the file is changed there, and the answer
names the line. Exit codes: 0 shown, or revoked; 1 the app refused; 2 the input cannot be used, or there was
no answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from driftward.addressing import Asked, addressed, of_an_app
from driftward.app import App
from driftward.consenting import BY, claimed, id_in
from driftward.day.saying import answer
from driftward.options import debug
from driftward.refusing import refuse
from shared.model import Json
from shared.model.errors import ConfigurationError

_HELP: Final = """\
Exemptions: stated reasons not to act on a policy, each with an end. They are given in policies.yaml or come
with a rollback, which exempts what it puts back and nothing else.

\b
  driftward exemptions list --policies-file policies.yaml
  driftward exemptions list --url https://driftward-app.azurewebsites.net
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
_REVOKE_HELP: Final = """\
Ends an exemption that came with a rollback. What it covered is drift again, and the app looks at the
resource at once.

\b
  driftward exemptions revoke 5f0c...
"""
_EPILOG: Final = """\
Exit codes: 0 shown or revoked; 1 the app refused; 2 the input cannot be used, or there was no answer.
"""
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


def _revoked(ended: dict[str, Json]) -> str:
    return f"revoked: {ended.get('policy')} on {ended.get('scope')}, which is looked at now"


def _said(listed: list[Json]) -> list[str]:
    return [line for given in listed for line in _lines(given)] or ["There is no exemption."]


def _lines(given: dict[str, Json]) -> Iterator[str]:
    yield f"{given.get('expiresAt')}{'' if given.get('standing') else ' (ended)'}  {given.get('policy')}"
    yield f"    on      {given.get('scope')}"
    yield f"    covers  {'; '.join(given.get('covers') or []) or 'whatever it finds'}"
    yield f"    why     {given.get('reason')} ({given.get('approver')})"
    yield f"    from    {given.get('place') or _rollback(given)}"


def _rollback(given: dict[str, Json]) -> str:
    return f"a rollback: `driftward exemptions revoke {given.get('id')}` ends it"
