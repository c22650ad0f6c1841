"""Options that several commands have: in which form the answer comes, and how much an error says.

No project module is imported here: the options of a command are read before anybody knows whether it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, ParamSpec

import click

P = ParamSpec("P")
_DEBUG: Final = "driftward.debug"


def answers(command: Callable[P, int]) -> Callable[..., int]:
    """Add ``-o table|json``, ``--json`` and ``--debug``; the command gets ``as_json``."""

    @wraps(command)
    def called(*given: P.args, **named: P.kwargs) -> int:
        is_short, form = named.pop("json"), named.pop("output")
        if is_short and form == "table":
            raise click.UsageError("--json and -o table contradict each other", click.get_current_context())
        named["as_json"] = bool(is_short) or form == "json"
        return command(*given, **named)

    for option in (debug, _JSON, _OUTPUT):
        option(called)
    return called


class Several(click.ParamType[frozenset[str]]):
    """Some of several names, separated by commas; letter case, and `_` or `-` for a blank, do not matter."""

    name = "names"

    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = {_folded(choice): choice for choice in choices}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        named = [part.strip() for part in str(value).split(",") if part.strip()]
        for unknown in (part for part in named if _folded(part) not in self.choices):
            self.fail(f"{unknown!r} is none of {', '.join(self.choices.values())}", param, ctx)
        return frozenset(self.choices[_folded(part)] for part in named)


def _folded(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ")


def is_debugging() -> bool:
    """Whether the call that is being answered has ``--debug``."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_DEBUG))


def tell_all(error: Exception) -> None:
    """How the error came about, where ``--debug`` asks for it."""
    if is_debugging():
        import traceback

        traceback.print_exception(error)


def _note(context: click.Context, _: click.Parameter, given: bool) -> None:
    """The option may stand before the command or behind it."""
    if given:
        context.meta[_DEBUG] = True


debug: Final = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_note,
    help="With an error: all that is known of it.",
)
_OUTPUT: Final = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"], case_sensitive=False),
    help="For people (the default) or for machines.",
)
_JSON: Final = click.option("--json", is_flag=True, help="The same as -o json.")
