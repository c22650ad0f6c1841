"""`driftward changes`, `change show` and `rollback`: what an app has written, and how it is undone.

Exit codes: 0 shown or begun; 1 the app refused, or nothing was done; 2 the input cannot be used, or there was
no answer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import click

from driftward.addressing import of_an_app
from driftward.app import App
from driftward.consenting import BY, REASON, YES, Duration, agreed, claimed, ends, id_in
from driftward.day.change_text import begun, in_full, listed
from driftward.day.saying import answer
from driftward.listing import by_policy_and_scope, listed_in
from driftward.options import debug
from driftward.refusing import complain
from shared.model import Outcome

_HELP: Final = """\
Lists changes, newest first: what was written to Azure, or would have been.

\b
  driftward changes
  driftward changes --outcome Reverted --scope /subscriptions/.../resourceGroups/data
"""
_ONE: Final = """\
One change of an app in full.

\b
  driftward change show 5f0c...
"""
_SHOW: Final = """\
Shows one change in full: who caused it, what was written, the proof, and what undoes it.

\b
  driftward change show 5f0c...
"""
_ROLLBACK: Final = """\
Undoes a change. What is put back is exempt from the change's policy for as long as --for says (at most 90
days). It shows the change and asks; it is refused where somebody changed the resource since.

\b
  driftward rollback 5f0c... --for 14d --reason "Fabric mirroring needs the rule"
"""
_EPILOG: Final = """\
Exit codes: 0 shown or begun; 1 the app refused, or nothing was done; 2 the input cannot be used, or there was
no answer.
"""
_OUTCOMES: Final = click.Choice([one.value for one in Outcome], case_sensitive=False)
_FOR: Final = "How long what is put back is exempt."


@click.command("changes", help=_HELP, epilog=_EPILOG)
@click.option("--outcome", type=_OUTCOMES, help="Only with this outcome.")
@by_policy_and_scope
@of_an_app
def changes(app: App, /, scope: str | None, as_json: bool, **by: str | None) -> int:
    """The changes of an app."""
    found = listed_in(app, "changes", scope, by)
    answer(found, listed(found), as_json=as_json)
    return 0


@click.group("change", help=_ONE, epilog=_EPILOG)
@debug
def change() -> None:
    """Nothing: every option stands with its command."""


@change.command("show", help=_SHOW, epilog=_EPILOG)
@click.argument("change_id", metavar="ID")
@of_an_app
def show(app: App, /, change_id: str, as_json: bool) -> int:
    """One change in full."""
    found = app.get(f"changes/{id_in(change_id, 'a change')}")
    answer(found, in_full(found), as_json=as_json)
    return 0


@click.command("rollback", help=_ROLLBACK, epilog=_EPILOG)
@click.argument("change_id", metavar="ID")
@click.option("--for", "lasts", type=Duration(), required=True, help=_FOR)
@REASON
@BY
@YES
@of_an_app
def rollback(app: App, /, change_id: str, lasts: timedelta, **how: Any) -> int:
    """Undo a change."""
    found = app.get(f"changes/{id_in(change_id, 'a change')}")
    complain(*listed([found]))
    if not agreed("Undo this?", yes=how["yes"]):
        return 1
    body = {"reason": how["reason"], "expiresAt": ends(lasts), **claimed(how["by"])}
    done = app.post(f"changes/{change_id}/rollback", body)
    answer(done, [begun(done)], as_json=how["as_json"])
    return 0
