"""What was asked of ARM: single requests, and operations that go on after the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.model.targets import Actor
from shared.model.values import value


@value
class ArmCall:
    """One request to ARM, for the run's result and the canonical log line."""

    method: str
    path: str
    status: int


@value
class Operation:
    """A long-running operation of ARM that was begun; None as ``url`` means that it ended at once."""

    url: str | None
    style: Literal["asyncOperation", "location", "none"]
    retry_after_seconds: float | None = None
    correlation_id: str | None = None


@value
class LoggedWrite:
    """One line of the log: a request that was to change something, whatever came of it."""

    id: str
    time: datetime
    operation: str
    """``Microsoft.X/y/write``, ``…/delete`` or ``…/z/action``, as Azure spells it."""
    resource: str
    status: str
    caller: Actor
    correlation_id: str
