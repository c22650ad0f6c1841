"""How people are told: of an alert by the letters that are written with it, or, while so much drifts that one
incident tells of it, by that (``incidents``).
"""

from __future__ import annotations

from dataclasses import replace

from shared.alerts.lifecycle import resolve, wakes_nobody
from shared.controller.deps import Deps
from shared.controller.incidents import hold, holding
from shared.controller.lettering import call, letter, write_with_letters
from shared.model import Cause
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType


def write_and_tell(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert, and have people told of it."""
    if not deps.sinks or wakes_nobody(alert):
        return deps.store.put_alert(alert)
    incident = holding(alert, kind, deps)
    if incident is not None:
        return hold(alert, kind, cause, incident, deps)
    return write_with_letters(replace(alert, incident=None), kind, cause, deps)


def resolve_if_open(alert: str, resolution: str, deps: Deps) -> None:
    """Resolve an alert and tell of it; one that is unknown or over stays as it is."""
    known = deps.store.alert(alert)
    if known is None or known.status is AlertStatus.RESOLVED:
        return
    end_alert(known, resolution, deps)


def end_alert(alert: AlertRecord, resolution: str, deps: Deps) -> None:
    """Resolve an open alert and tell of it."""
    resolved = resolve(alert, resolution, deps.clock.now())
    write_and_tell(resolved, NotificationType.ALERT_RESOLVED, alert.cause, deps)


def notify(message: Notification, cause: Cause, deps: Deps) -> None:
    """Tell the sinks of what is told once, however often it is asked for."""
    for sink in deps.sinks:
        deps.store.letters.post(letter(sink, message.id, 0, message, cause))
    call(message.id, cause, deps)
