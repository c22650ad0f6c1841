"""For how long links of the journal are to be kept, as ``policies.yaml`` has it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model.errors import ConfigurationError

if TYPE_CHECKING:
    from shared.wiring import Wiring


def kept_days(wiring: Wiring) -> int | None:
    """None where the file is not at hand, which matters only where links went."""
    try:
        return wiring.configuration.file.retention_days
    except ConfigurationError:
        return None


def kept(days: int | None) -> timedelta | None:
    """0 days keep everything for good, and so do more than can be counted."""
    if days is None:
        return None
    return timedelta(days=days) if 0 < days <= timedelta.max.days else timedelta.max
