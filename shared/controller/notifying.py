"""How people are told: an alert is written, and its notification queued once for each sink.

A notification is one message per sink, so that a failing sink neither blocks a remediation nor is forgotten.
"""

from __future__ import annotations

from dataclasses import replace

from shared.alerts.lifecycle import notification, resolve, wakes_nobody
from shared.controller.deps import Deps
from shared.model import Cause
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.messages import Message, MessageKind


def write_and_tell(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert and queue its notification; what is lost between the two, the sweep queues again."""
    if not deps.sinks or wakes_nobody(alert):
        return deps.store.put_alert(alert)
    unsent = deps.store.put_alert(replace(alert, unsent=(*alert.unsent, kind.value)))
    notify(notification(unsent, kind, deps.clock.now()), cause, deps)
    return deps.store.put_alert(replace(unsent, unsent=alert.unsent))


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
    """Queue a notification once for each sink: each is delivered and retried on its own."""
    for sink in deps.sinks:
        deps.store.send(Message(kind=MessageKind.NOTIFY, cause=cause, notification=message, sink=sink))
