"""How a diagnosis is told to people: per client its ways, fact by fact, and the verdict with what mends it.

What came out of Azure is printed as text, never as markup. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from driftward.diagnosis.words import SENTENCES, Result, answer_said, in_order, in_the_way, who_said
from driftward.refusing import plain
from driftward.terminal import console
from shared.model import ServerSnapshot
from shared.model.values import value
from shared.posture.ways.answers import State, Verdict, Way

_SIGNS: Final[Mapping[Result, tuple[str, str]]] = {
    Result.WELL: ("✓", "green"),
    Result.FAULT: ("✗", "bold red"),
    Result.UNKNOWN: ("?", "yellow"),
    Result.NOT_CONCERNED: ("-", "dim"),
}
_INDENT: Final = 2


@value
class Told:
    """A verdict, and what mends it: commands and sentences, in order."""

    server: ServerSnapshot
    verdict: Verdict
    mends: tuple[str, ...] = ()


def show(server: str, told: Sequence[Told]) -> None:
    """Print every client's verdict; in colour on a terminal."""
    page = console()
    page.print(Text(server, style="bold"), soft_wrap=True)
    for one in told:
        _client(page, one)


def _client(page: Console, told: Told) -> None:
    verdict = told.verdict
    page.print()
    page.print(Text(plain(who_said(verdict.client)), style="bold"))
    several = len(verdict.ways) > 1
    for way in verdict.ways:
        if several:
            page.print(Padding(Text(f"{plain(answer_said(way.answer))}:"), (0, 0, 0, _INDENT)))
        page.print(Padding(_facts(told.server, way), (0, 0, 0, _INDENT * (1 + several))))
    page.print(Padding(Text(SENTENCES[verdict.state]), (0, 0, 0, _INDENT)))
    for text in _why(verdict):
        page.print(Padding(Text(f"· {plain(text)}"), (0, 0, 0, 2 * _INDENT)))
    if told.mends:
        page.print(Padding(Text("What mends it:"), (0, 0, 0, _INDENT)))
    for text in told.mends:
        page.print(Text(f"    {plain(text)}"), soft_wrap=True)  # whole, to be copied


def _facts(server: ServerSnapshot, way: Way) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in in_order(server, way):
        sign, style = _SIGNS[line.result]
        table.add_row(Text(sign, style=style), Text(line.stage), Text(plain(line.says)))
    return table


def _why(verdict: Verdict) -> Iterable[str]:
    if verdict.state is State.BLOCKED:
        return [fact.says for fact in in_the_way(verdict)]
    return verdict.settles
