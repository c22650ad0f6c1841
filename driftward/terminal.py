"""What is written for people: colours on a terminal that wants them, headings, lists, and texts made
harmless.

Everything that came out of a file or out of Azure is printed as text: never as markup, and without control
characters, so that a rule's name cannot write to the terminal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from driftward.refusing import plain

WIDEST: Final = 110
_INDENT: Final = 2
_SHOWN: Final = 3


def console() -> Console:
    """Where answers go; without any escape sequence in a pipe, and where NO_COLOR is set (no-color.org)."""
    made = Console(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
    made.width = min(made.width, WIDEST)
    return made


def write(draw: Callable[[Console], None]) -> None:
    """Print what ``draw`` draws, without blanks at the ends of lines."""
    page = console()
    with page.capture() as captured:
        draw(page)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def section(page: Console, heading: str, parts: Iterable[Text | Table]) -> None:
    """A heading and what stands under it; nothing where there is nothing."""
    listed = list(parts)
    if listed:
        page.print()
        page.print(Text(heading, style="bold"))
    for part in listed:
        page.print(Padding(part, (0, 0, 0, _INDENT), expand=False))


def bullets(page: Console, heading: str, texts: Sequence[str]) -> None:
    """A heading and a list."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for text in texts:
        table.add_row("·", Text(plain(text)))
    section(page, heading, [table] if texts else [])


def few(texts: Iterable[str], last: str = "", *, most: int = _SHOWN) -> str:
    """`a, b and c`; more than a few are counted."""
    listed = [plain(text) for text in texts]
    if len(listed) > most:
        return f"{', '.join(listed[: most - 1])} and {len(listed) - most + 1} more"
    if last and len(listed) > 1:
        return f"{', '.join(listed[:-1])} {last} {listed[-1]}"
    return ", ".join(listed)
