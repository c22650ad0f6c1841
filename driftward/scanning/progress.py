"""How far a scan is, on standard error: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_T = TypeVar("_T")
_SECONDS_BETWEEN_LINES: Final = 10.0


def counted(looks: Iterable[_T], total: int, done: int = 0) -> Iterator[_T]:
    """``looks`` as they come, with how many of ``total`` there are; ``done`` were there before."""
    if sys.stderr.isatty():
        yield from _on_terminal(looks, total, done)
    else:
        yield from _in_lines(looks, total, done)


def _on_terminal(looks: Iterable[_T], total: int, done: int) -> Iterator[_T]:
    columns = (TextColumn("looking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking", total=total, completed=done)
        for one in looks:
            yield one
            bar.advance(task)


def _in_lines(looks: Iterable[_T], total: int, done: int) -> Iterator[_T]:
    due = time.monotonic() + _SECONDS_BETWEEN_LINES
    for number, one in enumerate(looks, start=done + 1):
        yield one
        if time.monotonic() >= due:
            due = time.monotonic() + _SECONDS_BETWEEN_LINES
            print(f"looked at {number} of {total}", file=sys.stderr, flush=True)
