"""What is measured, and when: how long things stood when they are over, and what stands at a sweep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.alerts.letting_in import lets_somebody_in
from shared.controller.deps import Deps
from shared.controller.measuring import measure_end, measure_standing
from shared.controller.sweep import sweep
from shared.model import Severity
from shared.model.measures import Measure, Metric
from tests.api.calling import PUBLIC, alerted, reverted
from tests.builders import server
from tests.fakes import World


def measured(world: World) -> tuple[Deps, list[Measure]]:
    found: list[Measure] = []
    return replace(world.deps(), measure=found.append), found


def of(metric: Metric, found: list[Measure]) -> list[Measure]:
    return [one for one in found if one.metric is metric]


def test_an_alert_that_is_over_says_how_long_it_stood() -> None:
    world, alert = alerted()
    deps, found = measured(world)
    measure_end(alert, deps)
    assert found == []
    over = replace(alert, resolved_at=alert.first_seen + timedelta(minutes=3))
    measure_end(over, deps)
    about = {"policy": PUBLIC, "severity": "High"}
    assert found == [
        Measure(metric=Metric.TIME_TO_FIX, number=180.0, attributes=about),
        Measure(metric=Metric.EXPOSED, number=3.0, attributes=about),
    ]


@pytest.mark.parametrize(
    ("policy", "severity", "lets_in"),
    [
        (PUBLIC, Severity.HIGH, True),
        (PUBLIC, Severity.MEDIUM, False),
        ("postgres-log-connections-off", Severity.HIGH, False),
        ("no-policy", Severity.CRITICAL, False),
    ],
)
def test_exposed_is_what_let_somebody_in_alone(policy: str, severity: Severity, lets_in: bool) -> None:
    _, alert = alerted()
    assert lets_somebody_in(replace(alert, policy=policy, severity=severity)) is lets_in


def test_an_alert_that_a_compliant_look_ends_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world, alert = alerted()
    found: list[Measure] = []
    whole = World.deps
    monkeypatch.setattr(World, "deps", lambda self: replace(whole(self), measure=found.append))
    world.clock.advance(90)
    world.azure.put(server())
    world.look(server().target)
    world.drain()
    (lasted,) = [one for one in of(Metric.TIME_TO_FIX, found) if one.attributes["policy"] == PUBLIC]
    assert lasted.number >= 90
    assert world.store.alert(alert.id) is not None


def test_a_sweep_counts_what_stands_also_where_that_is_nothing() -> None:
    world, alert = alerted()
    deps, found = measured(world)
    sweep(deps)
    counts = {one.attributes["severity"]: one.number for one in of(Metric.OPEN, found)}
    assert set(counts) == set(Severity)
    assert counts[alert.severity] >= 1
    assert counts[Severity.LOW] == 0
    assert [one.number for one in of(Metric.UNKNOWN, found)] == [0]


def test_what_is_looked_after_still_stands_and_what_was_reverted_does_not() -> None:
    world, _ = reverted()
    deps, found = measured(world)
    measure_standing(deps)
    assert sum(one.number for one in of(Metric.OPEN, found)) == len(
        [one for one in world.store.alerts(limit=None) if one.resolved_at is None]
    )


def test_where_nobody_watches_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    world, alert = alerted()
    deps = world.deps()
    assert deps.measure is None
    monkeypatch.setattr(type(deps.store), "alert_count", None)
    measure_standing(deps)
    measure_end(replace(alert, resolved_at=alert.last_seen), deps)
