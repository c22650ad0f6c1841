"""`driftward added`: the rules that an app has added, and what removes them.

Exit codes: 0 shown; 1 the app refused; 2 there was no answer.
"""

from __future__ import annotations

from typing import Final

import click

from driftward.addressing import of_an_app
from driftward.app import App
from driftward.day.added import added as found_in
from driftward.day.added import lines
from driftward.day.saying import answer
from shared.model.codec import to_json

_HELP: Final = """\
Lists the rules of NSGs and firewalls that the app has added and, as far as its own changes tell, still stand:
each with the command that removes it. What was put back as it had been before, and what was undone since, is
not listed. Look at each before you remove it: databases may rely on it.

\b
  driftward added
  driftward added -o json
"""
_EPILOG: Final = "Exit codes: 0 shown; 1 the app refused; 2 there was no answer."


@click.command("added", help=_HELP, epilog=_EPILOG)
@of_an_app
def added(app: App, /, as_json: bool) -> int:
    """What an app has added."""
    found = found_in([one for one in app.get_all("changes") if isinstance(one, dict)])
    answer([to_json(one) for one in found], lines(found), as_json=as_json)
    return 0
