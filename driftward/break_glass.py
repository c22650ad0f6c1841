"""`driftward break-glass` and `driftward freeze`: nothing is written to Azure, until it is taken back.

Exit codes: 0 done, or shown and nothing is stopped; 1 writes are stopped, nothing was done, or the app
refused; 2 the input cannot be used, or there was no answer; 3 the switch cannot be read, which counts as
thrown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import click

from driftward.addressing import of_an_app
from driftward.app import App
from driftward.consenting import BY, REASON, YES, Duration, agreed, claimed, ends
from driftward.day.saying import answer, objects
from driftward.day.status_text import switch_lines
from driftward.options import debug
from shared.model import Json

_HELP: Final = """\
The switch that stops every write to Azure at once, also those that people ask for. Readings, alerts and the
sweep go on. What is thrown by hand, as a blob in the container control, counts the same.

\b
  driftward break-glass on --reason "incident 4711"
  driftward break-glass on --for 2h --reason "incident 4711" --subscription 1111...
  driftward break-glass status
  driftward break-glass off --reason "incident 4711 is over"
"""
_ON: Final = """\
Stops every write, or those to one subscription. It is not asked whether that is meant.

\b
  driftward break-glass on --for 2h --reason "incident 4711"
"""
_OFF: Final = """\
Takes the switch back. What it kept from being reverted is looked at now.

\b
  driftward break-glass off --reason "incident 4711 is over"
"""
_STATUS: Final = """\
Shows whether writes are stopped, by whom and until when.

\b
  driftward break-glass status
"""
_FREEZE: Final = """\
Stops every write for a while: break-glass with an end. A freeze that is planned, or that leaves out what must
be shut at once, stands in policies.yaml (`freezes`).

\b
  driftward freeze --for 2h --reason "cutover of the orders database"
"""
_EPILOG: Final = """\
Exit codes: 0 done, or shown and nothing is stopped; 1 writes are stopped, nothing was done, or the app
refused; 2 the input cannot be used, or there was no answer; 3 the switch cannot be read.
"""
_SUBSCRIPTION: Final = click.option("--subscription", metavar="ID", help="Only the writes to this one.")
_UNTIL: Final = "When it ends by itself; without it somebody has to take it back."


@click.group("break-glass", help=_HELP, epilog=_EPILOG)
@debug
def break_glass() -> None:
    """Nothing: every option stands with its command."""


@break_glass.command("on", help=_ON, epilog=_EPILOG)
@click.option("--for", "lasts", type=Duration(), help=_UNTIL)
@REASON
@_SUBSCRIPTION
@BY
@of_an_app
def on(app: App, /, as_json: bool, **how: Any) -> int:
    """Stop writes."""
    return _done(app, _body(how, on=True), as_json=as_json)


@click.command("freeze", help=_FREEZE, epilog=_EPILOG)
@click.option("--for", "lasts", type=Duration(), required=True, help="When it ends by itself.")
@REASON
@_SUBSCRIPTION
@BY
@of_an_app
def freeze(app: App, /, as_json: bool, **how: Any) -> int:
    """Stop writes for a while."""
    return _done(app, _body(how, on=True), as_json=as_json)


@break_glass.command("off", help=_OFF, epilog=_EPILOG)
@REASON
@_SUBSCRIPTION
@BY
@YES
@of_an_app
def off(app: App, /, as_json: bool, **how: Any) -> int:
    """Let writes go on."""
    if not agreed(f"Let {app.url} write to Azure again?", yes=how["yes"]):
        return 1
    return _done(app, _body(how, on=False), as_json=as_json)


@break_glass.command("status", help=_STATUS, epilog=_EPILOG)
@of_an_app
def status(app: App, /, as_json: bool) -> int:
    """Whether writes are stopped."""
    states = objects(app.get("status").get("breakGlass"))
    answer({"breakGlass": states}, switch_lines(states), as_json=as_json)
    said = {one.get("switch") for one in states}
    return 3 if "unreadable" in said else int("on" in said)


def _body(how: dict[str, Any], *, on: bool) -> dict[str, Json]:
    lasts: timedelta | None = how.get("lasts")
    until = {"expiresAt": ends(lasts)} if lasts is not None else {}
    where = {"subscription": how["subscription"]} if how["subscription"] else {}
    return {"on": on, "reason": how["reason"], **until, **where, **claimed(how["by"])}


def _done(app: App, body: dict[str, Json], *, as_json: bool) -> int:
    """Exit code 1 where another switch still stops what was to go on."""
    states = objects(app.post("break-glass", body).get("breakGlass"))
    answer({"breakGlass": states}, switch_lines(states), as_json=as_json)
    asked = str(body.get("subscription") or "").lower()
    meant = [one for one in states if not asked or str(one.get("subscription")).lower() == asked]
    return int(any((one.get("switch") == "on") is not body["on"] for one in meant))
