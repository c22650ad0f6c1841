"""`driftward alerts` and `driftward alert show|ack|approve`: what an app has found, and what is said to it.

Exit codes: 0 shown or done; 1 the app refused, or nothing was done; 2 the input cannot be used, or there was
no answer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import click

from driftward.addressing import of_an_app
from driftward.app import App
from driftward.consenting import BY, YES, Duration, agreed, claimed, id_in
from driftward.day.alert_text import in_full, listed, planned_lines
from driftward.day.saying import answer, of
from driftward.listing import by_policy_and_scope, listed_in
from driftward.options import debug
from driftward.refusing import complain
from shared.model import Json, Severity
from shared.model.alert_records import AlertStatus
from shared.policies import families

_HELP: Final = """\
Lists alerts, last seen first: those that are open or looked after, unless --state says otherwise.

\b
  driftward alerts
  driftward alerts --severity Critical --scope /subscriptions/.../resourceGroups/data
  driftward alerts --state all --family public_reach -o json
"""
_ONE: Final = """\
One alert of an app: read it, say that you look after it, or approve the change that it proposes.

\b
  driftward alert show 36053170bd2017c4
  driftward alert ack 36053170bd2017c4
  driftward alert approve 36053170bd2017c4
"""
_SHOW: Final = """\
Shows one alert in full: who did what, why it matters, what was seen, and the commands that fix it.

\b
  driftward alert show 36053170bd2017c4
"""
_ACK: Final = """\
Says that you look after an alert, so that others do not.

\b
  driftward alert ack 36053170bd2017c4
"""
_APPROVE: Final = """\
Approves the change that an alert proposes, for a short time. It shows what would be written, who loses and
who gains access, and asks; what is approved is what was shown, and it is proved again before it is written.

\b
  driftward alert approve 36053170bd2017c4
  driftward alert approve 36053170bd2017c4 --for 2h --yes
"""
_EPILOG: Final = """\
Exit codes: 0 shown or done; 1 the app refused, or nothing was done; 2 the input cannot be used, or there was
no answer.
"""
_ALL: Final = "all"
_UNRESOLVED: Final = (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)
_STATES: Final = click.Choice([*(one.value for one in AlertStatus), _ALL], case_sensitive=False)
_SEVERITIES: Final = click.Choice([one.value for one in Severity], case_sensitive=False)


@click.command("alerts", help=_HELP, epilog=_EPILOG)
@click.option("--severity", type=_SEVERITIES, help="Only of this severity.")
@click.option("--family", type=click.Choice(families()), help="Only of policies of this family.")
@by_policy_and_scope
@click.option("--state", type=_STATES, help="Only in this state; open and acknowledged by default.")
@of_an_app
def alerts(app: App, /, scope: str | None, state: str | None, as_json: bool, **by: str | None) -> int:
    """The alerts of an app."""
    found = _found(app, state, scope, by)
    answer(found, listed(found), as_json=as_json)
    return 0


@click.group("alert", help=_ONE, epilog=_EPILOG)
@debug
def alert() -> None:
    """Nothing: every option stands with its command."""


@alert.command("show", help=_SHOW, epilog=_EPILOG)
@click.argument("alert_id", metavar="ID")
@of_an_app
def show(app: App, /, alert_id: str, as_json: bool) -> int:
    """One alert in full."""
    found = _one(app, alert_id)
    answer(found, in_full(found), as_json=as_json)
    return 0


@alert.command("ack", help=_ACK, epilog=_EPILOG)
@click.argument("alert_id", metavar="ID")
@BY
@of_an_app
def ack(app: App, /, alert_id: str, by: str | None, as_json: bool) -> int:
    """Somebody looks after it."""
    done = app.post(f"alerts/{id_in(alert_id, 'an alert')}/acknowledge", claimed(by))
    answer(done, [f"{done.get('acknowledgedBy')} looks after {done.get('policy')}"], as_json=as_json)
    return 0


@alert.command("approve", help=_APPROVE, epilog=_EPILOG)
@click.argument("alert_id", metavar="ID")
@click.option("--for", "lasts", type=Duration(), help="How long it holds, at most 4h.")
@BY
@YES
@of_an_app
def approve(app: App, /, alert_id: str, lasts: timedelta | None, **how: Any) -> int:
    """Consent to what is shown."""
    as_json, found = how["as_json"], _one(app, alert_id)
    complain(*planned_lines(found))
    if not agreed("Approve this?", yes=how["yes"]):
        return 1
    body = {**claimed(how["by"]), **_lasting(lasts), **_bound_to(found)}
    done = app.post(f"alerts/{alert_id}/approve", body)
    until = of(done, "approval", "expiresAt")
    answer(done, [f"approved until {until}: it is looked at, and proved again, now"], as_json=as_json)
    return 0


def _found(
    app: App, state: str | None, scope: str | None, by: dict[str, str | None]
) -> list[dict[str, Json]]:
    """The newest of all states first."""
    states = [None] if state == _ALL else [state] if state else [*_UNRESOLVED]
    found = [alert for one in states for alert in listed_in(app, "alerts", scope, by, status=one)]
    return sorted(found, key=lambda alert: str(alert.get("lastSeen")), reverse=True)


def _one(app: App, alert_id: str) -> dict[str, Json]:
    return app.get(f"alerts/{id_in(alert_id, 'an alert')}")


def _lasting(lasts: timedelta | None) -> dict[str, Json]:
    return {} if lasts is None else {"expiresInMinutes": lasts // timedelta(minutes=1)}


def _bound_to(alert: dict[str, Json]) -> dict[str, Json]:
    """Another change than the one that was shown is refused; the empty digest is that of none."""
    return {"digest": str(of(alert, "planned", "digest") or "")}
