"""The clock on the wall: the only place that asks the machine for the time or waits for it.

Everything else takes a ``Clock`` or a time as a value, which is what makes decisions repeatable and
tests fast. The clock that tests set is theirs.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements ``shared.model.interfaces.Clock`` and the ``sleep`` that adapters wait with."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
