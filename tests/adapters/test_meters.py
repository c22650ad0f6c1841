"""Measures become OpenTelemetry's metrics, by its own library; without telemetry they go nowhere."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.adapters import meters
from shared.model.measures import Measure, Metric

ON = {"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true"}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    """What the worker sets up for Application Insights, kept in memory instead."""
    made = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[made], shutdown_on_exit=False)
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    return made


def points(reader: InMemoryMetricReader) -> dict[str, Any]:
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    assert scope.scope.name == "driftward"
    return {one.name: (one.unit, list(one.data.data_points)) for one in scope.metrics}


def test_every_metric_has_its_name_its_unit_and_its_attributes(reader: InMemoryMetricReader) -> None:
    take = meters.measures(ON)
    assert take is not None
    take(Measure(metric=Metric.OPEN, number=3, attributes={"severity": "High"}))
    take(Measure(metric=Metric.OPEN, number=2, attributes={"severity": "High"}))
    take(Measure(metric=Metric.UNKNOWN, number=1))
    for seconds in (60, 120):
        take(Measure(metric=Metric.TIME_TO_FIX, number=seconds, attributes={"policy": "p"}))
    take(Measure(metric=Metric.EXPOSED, number=1.5, attributes={"policy": "p"}))
    found = points(reader)
    assert {name: unit for name, (unit, _) in found.items()} == {
        "driftward.alerts.open": "{alert}",
        "driftward.unknown": "{target}",
        "driftward.time_to_fix": "s",
        "driftward.exposed.minutes": "min",
    }
    (open_now,) = found["driftward.alerts.open"][1]
    assert (open_now.value, dict(open_now.attributes)) == (2, {"severity": "High"})
    (lasted,) = found["driftward.time_to_fix"][1]
    assert (lasted.count, lasted.sum) == (2, 180)
    assert found["driftward.exposed.minutes"][1][0].sum == 1.5


@pytest.mark.parametrize("said", ["", "false", "0"])
def test_without_telemetry_nothing_of_it_is_imported(said: str) -> None:
    program = (
        "import sys\nfrom shared.adapters.meters import measures\n"
        f"print(measures({{'PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY': {said!r}}}))\n"
        "print('opentelemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "None\nFalse\n"


def test_a_package_without_the_library_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    assert meters.measures(ON) is None
