"""How many seeds a run tries: all of them where there is time, a share of them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from tests.profiles import EXAMPLES, PROFILE

_THOROUGH = 600
"""All are tried by the profile ``long``, a twelfth by ``test`` (tests/profiles.py)."""


def seeds(most: int, chunk: int, chunks: int) -> Iterator[int]:
    """The seeds of one chunk: every one below ``most``, or only the first ones, in turn."""
    share = _THOROUGH if PROFILE == "long" else EXAMPLES[PROFILE]
    yield from range(chunk, max(chunks, most * share // _THOROUGH), chunks)
