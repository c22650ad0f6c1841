"""Flow logs as files: one, standard input, or all of a folder; each is read with its progress shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from driftward.documents import STANDARD_INPUT, standard_input
from driftward.flows.faults import BadLog, Faults
from driftward.flows.progress import watched
from driftward.flows.reader import Event, Watch
from driftward.flows.stream import read_events
from shared.nsg.asking import BadInput


def read_log(
    path: str,
    take: Callable[[Iterable[Event]], None],
    faults: Faults,
    watch: Watch | None = None,
    *,
    every: bool = False,
) -> None:
    """Hand on what one log tells. Raises ``BadLog`` that names the file and the place in it, ``BadInput``."""
    try:
        with _opened(path) as (source, size), watched(source, size) as pieces:
            take(read_events(pieces, faults, watch, every=every))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", field="logs") from error
    except BadLog as error:
        raise BadLog(f"{path}: {error}") from error


def logs_in(paths: Sequence[str]) -> list[str]:
    """The logs that are meant: of a folder every ``.json`` below it, in the order of their paths.

    Network Watcher keeps a blob for each hour under ``y=2026/m=11/d=30/h=08``: that is their order in time.
    Raises ``BadInput`` for a folder without any.
    """
    return [log for path in paths for log in _logs_at(path)]


def _logs_at(path: str) -> list[str]:
    if path == STANDARD_INPUT or not Path(path).is_dir():
        return [path]
    found = sorted(str(file) for file in Path(path).rglob("*.json") if file.is_file())
    if not found:
        raise BadInput(f"{path}: no .json file in this folder or below it", field="flows")
    return found


@contextmanager
def _opened(path: str) -> Iterator[tuple[BinaryIO, int | None]]:
    if path == STANDARD_INPUT:
        yield standard_input(), None
        return
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield file, size or None
