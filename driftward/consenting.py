"""What a command asks before it does something: whether that is meant, until when, and why.

Where nobody sits at a terminal, ``--yes`` says that it is meant; a script that forgot to say so does nothing.
"""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import Any, Final

import click

from driftward.app import NoAnswer
from driftward.refusing import complain, plain

_DURATION: Final = re.compile(r"([0-9]{1,5})\s*(m|min|h|d)", re.ASCII)
_UNITS: Final = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


class Duration(click.ParamType[timedelta]):
    """`30m`, `2h`, `7d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = _DURATION.fullmatch(str(value).strip().lower())
        if found is None or int(found[1]) == 0:
            self.fail(f"{value!r} is no duration such as 30m, 2h or 7d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


YES: Final = click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
BY: Final = click.option("--by", metavar="NAME", help="Who, where a function key does not say it.")
REASON: Final = click.option("--reason", required=True, metavar="TEXT", help="Why; it is written down.")


def agreed(question: str, *, yes: bool) -> bool:
    """Whether it is meant. Raises ``NoAnswer`` where there is nobody to ask."""
    if yes:
        return True
    if not _is_answered():
        raise NoAnswer(f"{question} There is no terminal to answer on: say --yes")
    if click.confirm(plain(question), default=False, err=True):
        return True
    complain("nothing was done")
    return False


def _is_answered() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def ends(lasts: timedelta) -> str:
    """When it is over, as a body says it."""
    from shared.adapters.clock import SystemClock

    return (SystemClock().now() + lasts).isoformat()


def claimed(by: str | None) -> dict[str, str]:
    """Who asks, as a body says it."""
    return {"by": by} if by else {}


def id_in(text: str, what: str) -> str:
    """An id as it goes into a path. Raises ``NoAnswer`` for what no id of ours looks like."""
    if not (text.isascii() and text.replace("-", "").isalnum()):
        raise NoAnswer(f"{text}: no id of {what}")
    return text
