"""A file that is whole or as it was: what breaks off, or finds the disk full, leaves the old one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Put a text in the place of what is there. Raises ``OSError``, and whatever the pieces raise."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
