"""How long a scan waits before it asks ARM again."""

from __future__ import annotations

from typing import Final

from shared.model.errors import Transient

_LONGEST: Final = 60.0


def wait_after(attempt: int, trouble: Transient) -> float:
    """Seconds after an attempt, the first being 0: what ARM asks for, else longer each time; a minute at
    most."""
    return min(trouble.retry_after or 2.0**attempt, _LONGEST)
