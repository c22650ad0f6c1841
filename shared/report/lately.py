"""What became of things in the last month, from the newest that is listed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from shared.model import Outcome
from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.values import value

DAYS: Final = 30


@value
class Lately:
    """``whole`` is False where more has happened than was read: then the counts are of the newest alone."""

    days: int = DAYS
    resolved: int
    """Alerts that are over."""
    reverted: int
    rolled_back: int
    median_seconds: float | None
    """From the first sight of what an alert is about until it was over; None where none was."""
    whole: bool


def lately(
    resolved: Sequence[AlertRecord], changes: Sequence[ChangeRecord], now: datetime, *, whole: bool
) -> Lately:
    start = now - timedelta(days=DAYS)
    lasted = [
        (one.resolved_at - one.first_seen).total_seconds()
        for one in resolved
        if one.resolved_at is not None and one.resolved_at > start
    ]
    made = [one for one in changes if (one.finished_at or one.created_at) > start]
    return Lately(
        resolved=len(lasted),
        reverted=_ended(made, ChangeKind.REMEDIATION, Outcome.REVERTED),
        rolled_back=_ended(made, ChangeKind.ROLLBACK, Outcome.ROLLED_BACK),
        median_seconds=median(lasted) if lasted else None,
        whole=whole,
    )


def _ended(changes: Sequence[ChangeRecord], kind: ChangeKind, outcome: Outcome) -> int:
    return sum(one.kind is kind and one.outcome is outcome for one in changes)
