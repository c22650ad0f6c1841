"""Alerts as lines of the log, from which Azure Monitor makes alerts of its own (`infra/queries`).

A line for each change of an alert's life, and at every sweep one for each that is open: whoever reads the log
of the last two hours knows them all, though a line was lost. Advice wakes nobody, here as little.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import Final

from shared.alerts.lifecycle import wakes_nobody
from shared.controller.deps import Deps
from shared.controller.ended_approvals import end_approval
from shared.model.alert_records import AlertRecord, AlertStatus

_TOLD_AT_ONCE: Final = 500
"""Open alerts of which one sweep tells, the last seen first: more are one incident, and nobody reads more."""


def log_alert(alert: AlertRecord, deps: Deps) -> None:
    """Identifiers only, as in every line."""
    if wakes_nobody(alert):
        return
    deps.log(
        {
            "message": "alert",
            "alert": alert.id,
            "status": alert.status,
            "policy": alert.policy,
            "severity": alert.severity,
            "target": str(alert.target.id),
            "since": alert.first_seen.isoformat(),
        }
    )


def log_open_alerts(deps: Deps) -> None:
    """All that are open, up to what is told at once; each as it is, without an approval that has ended."""
    standing = (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)
    found = chain.from_iterable(deps.store.alerts(status=one, limit=_TOLD_AT_ONCE) for one in standing)
    for alert in islice(found, _TOLD_AT_ONCE):
        log_alert(end_approval(alert, deps), deps)
