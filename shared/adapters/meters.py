"""Measures as OpenTelemetry's metrics, where the worker's telemetry is on: the worker has set up whom they go
to. An app without it imports nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.model.measures import Measure, Metric

_METER: Final = "driftward"
_SWITCH: Final = "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
_ON: Final = frozenset({"true", "1", "yes", "on"})


def measures(environment: Mapping[str, str]) -> Callable[[Measure], None] | None:
    """Where measures go; None where telemetry is off, or the package has no library for it."""
    if environment.get(_SWITCH, "").strip().lower() not in _ON:
        return None
    try:
        return _Instruments().take
    except ImportError:
        return None


class _Instruments:
    def __init__(self) -> None:
        from opentelemetry.metrics import get_meter

        meter = get_meter(_METER)
        self._gauges = {
            Metric.OPEN: meter.create_gauge(Metric.OPEN, unit="{alert}", description="Open alerts"),
            Metric.UNKNOWN: meter.create_gauge(
                Metric.UNKNOWN, unit="{target}", description="Targets that nobody can judge"
            ),
        }
        self._histograms = {
            Metric.TIME_TO_FIX: meter.create_histogram(
                Metric.TIME_TO_FIX, unit="s", description="From first sight until it was over"
            ),
            Metric.EXPOSED: meter.create_histogram(
                Metric.EXPOSED, unit="min", description="How long somebody could get in"
            ),
        }

    def take(self, measure: Measure) -> None:
        if measure.metric in self._gauges:
            self._gauges[measure.metric].set(measure.number, measure.attributes)
        else:
            self._histograms[measure.metric].record(measure.number, measure.attributes)
