"""Figures for whoever watches the app over time: how long what was found stood, when it is over, and at each
sweep what stands. Advice is none of them. What is counted is bounded, as in ``GET /api/status``.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from shared.alerts.letting_in import lets_somebody_in
from shared.alerts.lifecycle import wakes_nobody
from shared.controller.deps import Deps
from shared.model import Severity
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.measures import Measure, Metric
from shared.state.listings import Wanted

_MOST_UNKNOWN: Final = 200
_STANDING: Final = (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


def measure_end(alert: AlertRecord, deps: Deps) -> None:
    """Of an alert that is over."""
    if deps.measure is None or alert.resolved_at is None or wakes_nobody(alert):
        return
    lasted = max((alert.resolved_at - alert.first_seen).total_seconds(), 0.0)
    about = {"policy": alert.policy, "severity": alert.severity.value}
    deps.measure(Measure(metric=Metric.TIME_TO_FIX, number=lasted, attributes=about))
    if lets_somebody_in(alert):
        deps.measure(Measure(metric=Metric.EXPOSED, number=lasted / 60, attributes=about))


def measure_standing(deps: Deps) -> None:
    """What stands now; also a nought, or a line that was drawn once would stay as it was."""
    if deps.measure is None:
        return
    for severity in Severity:
        open_now = sum(
            deps.store.alert_count(Wanted(state=status, severity=severity)) for status in _STANDING
        )
        about = {"severity": severity.value}
        deps.measure(Measure(metric=Metric.OPEN, number=open_now, attributes=about))
    subscriptions = sorted({scope.subscription.lower() for scope in deps.settings.scopes})
    unknown = (record for one in subscriptions for record in deps.store.unknown.all(one))
    deps.measure(Measure(metric=Metric.UNKNOWN, number=sum(1 for _ in islice(unknown, _MOST_UNKNOWN))))
