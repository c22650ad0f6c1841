"""How many seeds a run tries: all of them where there is time, a share of them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import settings

_THOROUGH = 600
"""Examples from which all are tried: ``long`` has as many, ``test`` a twelfth (tests/profiles.py)."""


def seeds(most: int, chunk: int, chunks: int) -> Iterator[int]:
    """The seeds of one chunk: every one below ``most``, or only the first ones, in turn."""
    share = min(settings.default.max_examples, _THOROUGH) if settings.default else _THOROUGH
    yield from range(chunk, max(chunks, most * share // _THOROUGH), chunks)
