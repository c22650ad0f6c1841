"""What is measured: figures for whoever watches the app over time (OpenTelemetry's metrics)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from shared.model.values import value


class Metric(StrEnum):
    """The names are promised: dashboards and alert rules are built on them."""

    EXPOSED = "driftward.exposed.minutes"
    """How long something let somebody in who should not be, told when it is over."""
    TIME_TO_FIX = "driftward.time_to_fix"
    """Seconds from the first sight of what an alert is about until it was over."""
    OPEN = "driftward.alerts.open"
    """Alerts that are open or that somebody looks after, at each sweep."""
    UNKNOWN = "driftward.unknown"
    """Targets that nobody can judge, at each sweep."""


@value
class Measure:
    metric: Metric
    number: float
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Of few values each: no id of a resource."""
