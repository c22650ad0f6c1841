"""`driftward exemptions`: which exemptions stand, of a policies.yaml or of an app, and how one is revoked.

`list` shows those of the file and, with `--url`, what the app holds: the file that it was deployed with and
what came with rollbacks. `revoke` ends one of a rollback; one of the file is changed there, and the answer
names the line. Exit codes: 0 shown, or revoked; 1 the app refused; 2 the input cannot be used, or there was
no answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from driftward.app import KEY, TOKEN, URL, AppRefused, NoAnswer, app_at
from driftward.options import answers, debug
from driftward.refusing import complain, plain, refuse
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
Lists exemptions, those that end first come first. With --url it asks the app, which knows those of its own
policies.yaml and those of rollbacks; otherwise those of the file are shown: --policies-file, else
POLICIES_FILE, else policies.yaml of this folder.
"""
_REVOKE_HELP: Final = """\
Ends an exemption that came with a rollback. What it covered is drift again, and the app looks at the
resource at once.
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
@URL
@KEY
@TOKEN
@answers
def list_exemptions(file: Path | None, as_json: bool, **app: Any) -> int:
    """The exemptions of a file or of an app."""
    try:
        listed = _of_file(file) if file is not None or not app["url"] else _of_app(**app)
    except AppRefused as error:
        return _refused(error)
    except (ConfigurationError, NoAnswer) as error:
        return refuse(error)
    if as_json:
        print(json.dumps(listed, indent=2))
    else:
        print("\n".join(plain(line) for line in _said(listed)))
    return 0


@exemptions.command("revoke", help=_REVOKE_HELP, epilog=_EPILOG)
@click.argument("exemption", metavar="ID")
@click.option("--by", metavar="NAME", help="Who, where a function key does not say it.")
@URL
@KEY
@TOKEN
@answers
def revoke(exemption: str, by: str | None, as_json: bool, **app: Any) -> int:
    """End an exemption of an app."""
    try:
        if not app["url"]:
            raise NoAnswer("--url is missing: exemptions of rollbacks are the app's")
        if not exemption.isascii() or not exemption.replace("-", "").isalnum():
            raise NoAnswer(f"{exemption}: no id of an exemption; `driftward exemptions list` shows them")
        ended = app_at(**app).post(f"exemptions/{exemption}/revoke", {"by": by} if by else {})
    except AppRefused as error:
        return _refused(error)
    except NoAnswer as error:
        return refuse(error)
    print(json.dumps(ended, indent=2) if as_json else _revoked(ended))
    return 0


def _refused(error: AppRefused) -> int:
    complain(str(error))
    return 1


def _of_app(url: str, key: str | None, token: str | None) -> list[Json]:
    return app_at(url, key, token).get_all("exemptions")


def _of_file(file: Path | None) -> list[Json]:
    """As the app shows them."""
    from driftward.catalogue.file import chosen
    from shared.api.exemptions import by_end, exemption_view
    from shared.controller.exemptions import in_file

    held = chosen(file, os.environ)
    now = datetime.now(UTC)
    return [exemption_view(given, now) for given in sorted(in_file(held.configuration), key=by_end)]


def _revoked(ended: Json) -> str:
    said = ended if isinstance(ended, dict) else {}
    return plain(f"revoked: {said.get('policy')} on {said.get('scope')}, which is looked at now")


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
