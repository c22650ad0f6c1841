"""How far a long reading has come, on standard error: a bar on a terminal, elsewhere a line now and then.

Small files say nothing. Standard output holds the answer alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

LARGE: Final = 16 << 20
"""Bytes; what is smaller is read before anybody wonders."""
_SECONDS_BETWEEN_LINES: Final = 10.0


class _Watched:
    """A file that tells how much of it was handed out."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.handed = 0

    def read(self, size: int, /) -> bytes:
        piece = self._source.read(size)
        self.handed += len(piece)
        self.told(self.handed)
        return piece

    def told(self, handed: int) -> None:
        """Called after each piece."""


class _OnTerminal(_Watched):
    def __init__(self, source: BinaryIO, bar: Progress, total: int | None) -> None:
        super().__init__(source)
        self._bar = bar
        self._task = bar.add_task("reading", total=total)

    def told(self, handed: int) -> None:
        self._bar.update(self._task, completed=handed)


class _InLines(_Watched):
    def __init__(self, source: BinaryIO, total: int | None) -> None:
        super().__init__(source)
        self._total = total
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def told(self, handed: int) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
        of = f" of {self._total >> 20:,}" if self._total else ""
        print(f"reading: {handed >> 20:,}{of} MB", file=sys.stderr, flush=True)


@contextmanager
def watched(source: BinaryIO, total: int | None) -> Iterator[BinaryIO | _Watched]:
    """``source``, with its progress shown where it is large or its size (``total``, bytes) is not known."""
    if total is not None and total < LARGE:
        yield source
    elif sys.stderr.isatty():
        columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield _OnTerminal(source, bar, total)
    else:
        yield _InLines(source, total)
