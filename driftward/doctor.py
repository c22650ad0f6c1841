"""`driftward doctor`: whether an installation has what it needs, and the command that mends what is missing.

Exit codes: 0 all well; 1 something is missing; 2 the input cannot be used, or nothing could be read; 3 not
known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Final

import click

from driftward.addressing import Asked, addressed
from driftward.app import AppRefused, NoAnswer
from driftward.refusing import complain, plain, refuse
from driftward.signing_in import hush
from shared.model import Json
from shared.model.resource_id import InvalidResourceId, ResourceId

_HELP: Final = """\
Looks whether an installation has what it needs: settings, policies.yaml, the store (a row is written and
deleted), a token, clock and cloud, permissions on every scope and a target of each, the event subscription,
sinks, and what authentication leaves out. What is missing is named with the command that mends it.

The app that --url names, or that `driftward use` remembers, looks at itself, as the identity that it has.
With --here, --send or --app, and where no app is known, the settings of this environment are looked at, with
the credential that azure-identity finds (`az login`).

\b
  driftward doctor --url https://driftward-app.azurewebsites.net
  driftward doctor --here
  driftward doctor --send --app /subscriptions/.../providers/Microsoft.Web/sites/driftward-app
"""
_EPILOG: Final = """\
Commands name $APP, $GROUP, $STORAGE, $IDENTITY and so on as docs/deploy.md does.

Exit codes: 0 all well; 1 something is missing; 2 the input cannot be used, or nothing could be read; 3 not
known.
"""
_HERE: Final = "Look at the settings of this environment, whatever app is remembered."
_SEND: Final = "Send a test message to every sink from here; without it nothing is sent."
_APP: Final = "Resource id of the Function App, whose sign-in is looked at from here."
_CODES: Final = {"well": 0, "missing": 1, "unread": 2, "unknown": 3}
_SIGNS: Final = {"ok": "ok", "missing": "MISSING", "unknown": "not known", "notAsked": "not asked"}
_WIDTH: Final = 10


@click.command("doctor", help=_HELP, epilog=_EPILOG)
@click.option("--here", is_flag=True, help=_HERE)
@click.option("--send", is_flag=True, help=_SEND)
@click.option("--app", "site", metavar="ID", help=_APP)
@addressed
def doctor(asked: Asked, /, here: bool, send: bool, site: str | None, as_json: bool) -> int:
    """What an installation lacks."""
    hush()
    is_here = _is_here(asked, {"--here": here, "--send": send, "--app": bool(site)})
    try:
        report = _examined(send, site) if is_here else asked.app().get("doctor", also=(503,))
    except AppRefused as error:
        complain(str(error))
        return 2
    except InvalidResourceId as error:
        return refuse(error)
    print(json.dumps(report, indent=2) if as_json else "\n".join(map(plain, _lines(report))))
    return _CODES.get(str(report.get("verdict")), 3)


def _is_here(asked: Asked, said: dict[str, bool]) -> bool:
    """Whether this environment is looked at. Raises ``NoAnswer`` where a call says both: the app sends
    nothing for the asking, and knows which one it is."""
    named = [option for option, is_said in said.items() if is_said]
    if named and asked.url:
        raise NoAnswer(f"{named[0]}: what it asks for is done from here; leave --url out")
    return bool(named) or not asked.names_one()


def _examined(send: bool, site: str | None) -> dict[str, Json]:
    from shared.controller.doctor import Asked as Examined
    from shared.model.codec import to_json
    from shared.wiring import Wiring

    asked = Examined(send=send, app=ResourceId(site) if site else None)
    report: dict[str, Json] = to_json(Wiring(os.environ).examined(asked))
    return report


def _lines(report: dict[str, Json]) -> Iterator[str]:
    for check in report.get("checks") or []:
        sign = _SIGNS.get(check.get("state"), "?")
        yield f"{sign:{_WIDTH}} {check.get('name')}: {check.get('said')}"
        for command in check.get("remedy") or []:
            yield f"{'':{_WIDTH}}   {command}"
