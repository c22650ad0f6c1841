"""What the work of the retention goes on from: one record for the store. Times are UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.values import value


class Stage(StrEnum):
    """The parts of a pass, in their order."""

    CHAINS = "chains"
    ALERTS = "alerts"
    RUNS = "runs"
    MARKS = "marks"
    TEXTS = "texts"
    DEAD_LETTERS = "deadLetters"
    OVER = "over"


@value
class Position:
    """Where a part goes on: behind this row of this partition of this table."""

    table: str = ""
    partition: str = ""
    row: str = ""


@value
class RetentionPass:
    """A pass over what is kept. ``number`` counts them: what is marked in one is told from the one before."""

    number: int
    began: datetime
    until: datetime
    """What is older goes."""
    stage: Stage = Stage.CHAINS
    position: Position = Position()
    etag: str | None = None


@value
class Terms:
    """For how long things are kept, and what time it is."""

    now: datetime
    kept: timedelta

    @property
    def until(self) -> datetime:
        return self.now - self.kept


@value
class Retired:
    """What a step came to: how many things went, and where its part goes on; None where it is over."""

    count: int
    position: Position | None
