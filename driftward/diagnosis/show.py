"""How a diagnosis is told: a line for each step, and the fix of the fault that was found.

What came out of Azure is printed as text, never as markup. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from driftward.diagnosis.case import Result, Step
from driftward.refusing import plain
from driftward.terminal import console

_SIGNS: Final[Mapping[Result, tuple[str, str]]] = {
    Result.WELL: ("✓", "green"),
    Result.FAULT: ("✗", "bold red"),
    Result.UNKNOWN: ("?", "yellow"),
    Result.NOT_CONCERNED: ("-", "dim"),
}
_ENDS: Final[Mapping[Result, str]] = {
    Result.WELL: "No fault was found.",
    Result.UNKNOWN: "No fault is proved; what is marked with ? could not be judged.",
    Result.FAULT: "This is proved to be in the way. What comes after it was not looked at.",
}


def show(server: str, steps: Sequence[Step]) -> None:
    """Print the walk; in colour on a terminal."""
    page = console()
    page.print(Text(server, style="bold"), soft_wrap=True)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for step in steps:
        sign, style = _SIGNS[step.result]
        table.add_row(Text(sign, style=style), Text(step.stage), Text(plain(step.says)))
    page.print(Padding(table, (1, 0, 1, 2)))
    page.print(Text(_ENDS[worst(steps)]))
    for fix in steps[-1].fix if steps else ():
        page.print(Text(f"  {plain(fix)}"), soft_wrap=True)  # whole, to be copied


def worst(steps: Sequence[Step]) -> Result:
    """What the walk comes to."""
    results = {step.result for step in steps}
    return next((one for one in (Result.FAULT, Result.UNKNOWN) if one in results), Result.WELL)
