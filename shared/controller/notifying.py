"""How people are told: an alert is written with a letter for each sink, and a message says that there is one.

Alert and letters are one transaction, so that nothing is told that is not so, and nothing is so that is not
told. The message says only that a sink may have something to hear: one that is lost or comes twice harms
nothing. Delivering is in ``delivering``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts.lifecycle import notification, resolve, wakes_nobody
from shared.controller.deps import Deps
from shared.model import Cause
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.letters import Letter
from shared.model.messages import Message, MessageKind

SOON: Final = timedelta(minutes=2)
"""By when a message should have come for a letter that was just written."""


def write_and_tell(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert with the letters that tell of it, and have them delivered."""
    if not deps.sinks or wakes_nobody(alert):
        return deps.store.put_alert(alert)
    letters = list(_letters(alert, kind, cause, deps))
    told = max(letter.number for letter in letters)
    stored = deps.store.put_alert(replace(alert, unsent=(), told=told), letters)
    call(alert.id, cause, deps)
    return stored


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


def call(about: str, cause: Cause, deps: Deps) -> None:
    """Have delivered what there is to tell of something, to each sink on its own."""
    for sink in deps.sinks:
        send_for(sink, about, cause, deps)


def send_for(sink: str, about: str, cause: Cause, deps: Deps) -> None:
    """Say that a sink may have something to hear."""
    token = deps.store.new_token()
    deps.store.send(Message(kind=MessageKind.NOTIFY, cause=cause, sink=sink, about=about, token=token))


def letter(sink: str, about: str, number: int, message: Notification, cause: Cause) -> Letter:
    """A letter that was not delivered yet."""
    written = message.time
    return Letter(
        sink=sink,
        about=about,
        number=number,
        notification=message,
        cause=cause,
        written_at=written,
        due_at=written + SOON,
    )


def _letters(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> Iterator[Letter]:
    """What an older version had not queued yet goes before."""
    now: datetime = deps.clock.now()
    kinds = (*map(NotificationType, alert.unsent), kind)
    for number, one in enumerate(kinds, start=alert.told + 1):
        message = notification(alert, one, now)
        yield from (letter(sink, alert.id, number, message, cause) for sink in deps.sinks)
