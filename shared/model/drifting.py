"""New drift as it is counted, and what is held, where one incident tells of many."""

from __future__ import annotations

from datetime import datetime

from shared.model.kinds import Severity
from shared.model.targets import Target
from shared.model.values import value


@value
class Drift:
    """What a look found on a target that was not found before."""

    target: Target
    at: datetime
    policies: tuple[str, ...]
    severity: Severity
    """Of the gravest."""
    writer: str = ""
    """Who wrote, as far as it is known."""


@value
class Held:
    """What people were not told singly: an alert, or a change that was made."""

    about: str
    """Its id."""
    what: str
    """The policy and the target."""
    is_change: bool = False
    is_critical: bool = False
