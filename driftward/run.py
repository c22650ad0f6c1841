"""`driftward run`: an app looks at a resource now, or at everything in a scope, and says what it found.

Exit codes: 0 everything is compliant or was put right; 1 something is not, the run failed or the app refused;
2 the input cannot be used, or there was no answer; 3 the run goes on, or something could not be told.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final

import click

from driftward.addressing import of_an_app
from driftward.app import App, NoAnswer
from driftward.consenting import BY, YES, agreed, claimed, id_in
from driftward.day.run_text import ENDED, came_to, lines, progress_of
from driftward.day.saying import answer
from driftward.refusing import complain
from shared.model import EnforcementMode, Json

_HELP: Final = """\
Has the app look at a server, a subnet, an NSG or a virtual network, or with --scope at everything in a
subscription or a resource group. It writes what the app's own mode lets it; --enforcement audit writes
nothing. A run of a scope goes through the queue: --wait stays until it has ended and shows how far it is.

\b
  driftward run /subscriptions/.../flexibleServers/orders --enforcement audit
  driftward run --scope /subscriptions/.../resourceGroups/data --wait
  driftward run --id 5f0c... --wait
"""
_EPILOG: Final = """\
Exit codes: 0 everything is compliant or was put right; 1 something is not, the run failed or the app refused;
2 the input cannot be used, or there was no answer; 3 the run goes on, or something could not be told.
"""
_MODES: Final = click.Choice([one.value for one in EnforcementMode], case_sensitive=False)
_POLICIES: Final = "Only these policies, separated by commas."
_ADOPT: Final = "Also revert what was never seen compliant."
_ENFORCEMENT: Final = "The stricter of this and the app's own mode holds."
_AGAIN: Final = "Show a run that was started before."
_BETWEEN: Final = 2.0
_LONGEST_BETWEEN: Final = 15.0
_LOST: Final = 5
"""Answers in a row that may stay away."""


@click.command("run", help=_HELP, epilog=_EPILOG)
@click.argument("resource_id", required=False)
@click.option("--scope", metavar="ID", help="Everything in this subscription or resource group.")
@click.option("--id", "run_id", metavar="RUN", help=_AGAIN)
@click.option("--enforcement", type=_MODES, help=_ENFORCEMENT)
@click.option("--policies", metavar="IDS", help=_POLICIES)
@click.option("--adopt", is_flag=True, help=_ADOPT)
@click.option("--wait", is_flag=True, help="Stay until the run has ended.")
@BY
@YES
@of_an_app
def run(app: App, /, resource_id: str | None, scope: str | None, run_id: str | None, **how: Any) -> int:
    """Start a run, or show one, and say what it came to."""
    if sum(one is not None for one in (resource_id, scope, run_id)) != 1:
        raise NoAnswer("give a resource, or --scope, or with --id a run that was started before")
    if run_id is not None:
        found = _whole(app, _shown(app, id_in(run_id, "a run")))
    elif not _is_meant(app, how):
        return 1
    else:
        found = app.post("runs", _body(resource_id, scope, how))
    if how["wait"]:
        found = _whole(app, _ended(app, found))
    answer(found, lines(found), as_json=how["as_json"])
    return int(came_to(found))


def _is_meant(app: App, how: dict[str, Any]) -> bool:
    """A run that may write is asked about: one that audits, or only does what the next look would, is not."""
    if not how["adopt"] and how["enforcement"] != EnforcementMode.ENFORCE:
        return True
    return agreed(f"Have {app.url} write to Azure what it can prove?", yes=how["yes"])


def _body(resource_id: str | None, scope: str | None, how: dict[str, Any]) -> dict[str, Json]:
    named = {"policies": how["policies"].split(",")} if how["policies"] else {}
    wanted = {"resourceId": resource_id, "scope": scope, "enforcement": how["enforcement"]}
    given = {name: text for name, text in wanted.items() if text is not None}
    return {**given, **named, "adopt": how["adopt"], **claimed(how["by"])}


def _shown(app: App, run_id: str) -> dict[str, Json]:
    return app.get(f"runs/{run_id}", {"compliant": "false"})


def _whole(app: App, run: dict[str, Json]) -> dict[str, Json]:
    """A run on one target with what is compliant as well; of a scope that would be long."""
    if isinstance(run.get("targets"), list) or run.get("status") not in ENDED:
        return run
    return app.get(f"runs/{run.get('id')}")


def _ended(app: App, begun: dict[str, Json]) -> dict[str, Json]:
    """The run at its end. It is asked about ever more seldom while nothing moves."""
    found, pause, before = begun, _BETWEEN, (-1, None)
    while found.get("status") not in ENDED:
        before, pause = _told(found, before, pause)
        time.sleep(pause)
        found = _asked_again(app, str(found.get("id")), pause)
    return found


def _asked_again(app: App, run_id: str, pause: float) -> dict[str, Json]:
    """The run goes on whether or not it can be asked about: one lost answer ends no waiting."""
    for _ in range(_LOST):
        try:
            return _shown(app, run_id)
        except NoAnswer as error:
            complain(f"{error}; the run {run_id} goes on and is asked about again")
            time.sleep(pause)
    return _shown(app, run_id)


def _told(run: dict[str, Json], before: tuple[int, int | None], pause: float) -> tuple[Any, float]:
    """How far it is, where that is news; and how long to wait."""
    now = progress_of(run)
    if now == before:
        return now, min(pause * 1.5, _LONGEST_BETWEEN)
    total = "?" if now[1] is None else str(now[1])
    print(f"{now[0]} of {total} targets", file=sys.stderr, flush=True)
    return now, _BETWEEN
