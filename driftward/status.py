"""`driftward status`: how an app is set, whether writes are switched off, and which targets nobody can judge.

Exit codes: 0 shown, and every target can be judged; 1 some cannot, or the app refused; 2 there was no answer;
3 it is not known which.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from driftward.addressing import of_an_app
from driftward.app import App
from driftward.day.saying import answer, objects
from driftward.day.status_text import standing_lines, switch_lines
from shared.model import Json

_HELP: Final = """\
How an app is set and what is going on: mode and scopes, break-glass, routes that are shut, the last sweep
and the last event, what is open, what is spent of the hour's writes, and the targets that could not be read
when they were last looked at, with since when and why. Drift on these goes unseen.

\b
  driftward status --url https://driftward-app.azurewebsites.net
"""
_EPILOG: Final = """\
Exit codes: 0 every target can be judged; 1 some cannot, or the app refused; 2 there was no answer; 3 it is
not known which targets cannot be judged.
"""


@click.command("status", help=_HELP, epilog=_EPILOG)
@of_an_app
def status(app: App, /, as_json: bool) -> int:
    """The status of an app."""
    told = app.get("status")
    answer(told, _lines(told), as_json=as_json)
    return _code(told.get("unknownTargets"))


def _code(unknown: Json) -> int:
    if unknown is None:
        return 3
    return 1 if unknown else 0


def _lines(told: dict[str, Json]) -> Iterator[str]:
    yield f"mode         {told.get('mode')}"
    for scope in told.get("scopes") or []:
        yield f"scope        {scope}"
    yield from switch_lines(objects(told.get("breakGlass")))
    for one in told.get("shut") or []:
        yield f"shut         {one.get('route')}: {one.get('when')}"
    yield from standing_lines(told)
    yield from _of_targets(told.get("unknownTargets"))


def _of_targets(unknown: Json) -> Iterator[str]:
    if unknown is None:
        yield "unknown      it cannot be read which targets nobody can judge"
        return
    for one in unknown:
        yield f"unknown      {(one.get('target') or {}).get('id')}"
        yield f"    since  {one.get('since')}, asked again at {one.get('againAt')}"
        yield f"    why    {one.get('why')}"
    if not unknown:
        yield "unknown      no target: every one could be read"
