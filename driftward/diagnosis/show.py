"""How a diagnosis is told to people: per client its ways, fact by fact, and the verdict with what mends it.

What came out of Azure is printed as text, never as markup. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from driftward.diagnosis.words import (
    SENTENCES,
    Diagnosis,
    Needed,
    Result,
    Told,
    answer_said,
    in_order,
    who_said,
    why,
)
from driftward.refusing import plain
from driftward.terminal import write
from shared.model import ServerSnapshot

_SIGNS: Final[Mapping[Result, tuple[str, str]]] = {
    Result.WELL: ("✓", "green"),
    Result.FAULT: ("✗", "bold red"),
    Result.UNKNOWN: ("?", "yellow"),
    Result.NOT_CONCERNED: ("-", "dim"),
}
_BULLET: Final = ("·", "")
_INDENT: Final = 2


def show(diagnosis: Diagnosis) -> None:
    """Print every client's verdict, and the server's own needs; in colour on a terminal."""
    write(partial(_draw, diagnosis))


def _draw(diagnosis: Diagnosis, page: Console) -> None:
    page.print(Text(str(diagnosis.server.id), style="bold"), soft_wrap=True)
    for one in diagnosis.clients:
        _client(page, diagnosis.server, one)
    if diagnosis.needs:
        _needs(page, diagnosis.needs)


def _client(page: Console, server: ServerSnapshot, told: Told) -> None:
    verdict = told.verdict
    _heading(page, who_said(verdict.client))
    several = len(verdict.ways) > 1
    for way in verdict.ways:
        if several:
            _line(page, f"{answer_said(way.answer)}:", 1)
        lines = ((_SIGNS[line.result], (line.stage, line.says)) for line in in_order(server, way))
        _listed(page, lines, 1 + several)
    _line(page, SENTENCES[verdict.state], 1)
    _listed(page, ((_BULLET, (text,)) for text in why(verdict)), 2)
    _mends(page, told.mends)


def _needs(page: Console, needs: Sequence[Needed]) -> None:
    _heading(page, "What the server itself needs")
    _listed(page, ((_SIGNS[one.result], (one.name, one.says)) for one in needs), 1)
    _mends(page, tuple(dict.fromkeys(text for one in needs for text in one.mends)))


def _heading(page: Console, text: str) -> None:
    page.print()
    page.print(Text(plain(text), style="bold"))


def _line(page: Console, text: str, depth: int) -> None:
    page.print(Padding(Text(plain(text)), (0, 0, 0, depth * _INDENT)))


def _mends(page: Console, texts: Sequence[str]) -> None:
    if texts:
        _line(page, "What mends it:", 1)
    for text in texts:
        page.print(Text(f"    {plain(text)}"), soft_wrap=True)  # whole, to be copied


def _listed(page: Console, rows: Iterable[tuple[tuple[str, str], Sequence[str]]], depth: int) -> None:
    """Rows of a sign with its style, and texts of which the last may be long."""
    listed = list(rows)
    if not listed:
        return
    table = Table.grid(padding=(0, 1))
    for _ in listed[0][1]:
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for (sign, style), texts in listed:
        table.add_row(Text(sign, style=style), *(Text(plain(text)) for text in texts))
    page.print(Padding(table, (0, 0, 0, depth * _INDENT), expand=False))
