"""How people are told: an alert is written with a letter for each sink, and a message says that there is one.

Alert and letters are one transaction, so that nothing is told that is not so, and nothing is so that is not
told. The message says only that a sink may have something to hear: one that is lost or comes twice harms
nothing. Delivering is in ``delivering``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts.lifecycle import notification, resolve, wakes_nobody
from shared.controller.deps import Deps
from shared.model import Cause
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.errors import EntityChanged
from shared.model.letters import Letter
from shared.model.messages import Message, MessageKind

SOON: Final = timedelta(minutes=2)
"""By when a message should have come for a letter that was just written."""
_RACES: Final = 5


def write_and_tell(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert with the letters that tell of it, and have them delivered.

    Raises ``EntityChanged`` when somebody else was faster. A letter that waits under a number that the record
    does not count is no race: the next ones go behind it.
    """
    if not deps.sinks or wakes_nobody(alert):
        return deps.store.put_alert(alert)
    try:
        stored = _write(alert, kind, cause, deps)
    except EntityChanged:
        newest = deps.store.letters.newest(deps.sinks, alert.id)
        if newest <= alert.told:
            raise
        stored = _write(replace(alert, told=newest), kind, cause, deps)
    call(alert.id, cause, deps)
    return stored


def open_once(alert: str, news: Callable[[], AlertRecord], cause: Cause, deps: Deps) -> None:
    """Open the alert of this id, for the first time or again, and tell of it; an open one stays as it is.

    ``news`` says what it is about. Raises ``EntityChanged`` when others are faster again and again.
    """
    for _ in range(_RACES):
        known = deps.store.alert(alert)
        if known is not None and known.status is not AlertStatus.RESOLVED:
            return
        with suppress(EntityChanged):  # another worker has opened it, or writes it now
            write_and_tell(_after(known, alert, news()), NotificationType.ALERT_OPENED, cause, deps)
            return
    raise EntityChanged(f"alert {alert} was written by others again and again")


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


def _after(known: AlertRecord | None, alert: str, news: AlertRecord) -> AlertRecord:
    """The news under the alert's id; it goes on where the one that is over has ended."""
    if known is None:
        return replace(news, id=alert)
    return replace(
        news,
        id=alert,
        etag=known.etag,
        listed=known.listed,
        count=known.count + 1,
        told=known.told,
        unsent=known.unsent,
    )


def _write(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    letters = list(_letters(alert, kind, cause, deps))
    told = max(letter.number for letter in letters)
    return deps.store.put_alert(replace(alert, unsent=(), told=told), letters)


def _letters(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> Iterator[Letter]:
    """What an older version had not queued yet goes before."""
    now: datetime = deps.clock.now()
    kinds = (*map(NotificationType, alert.unsent), kind)
    for number, one in enumerate(kinds, start=alert.told + 1):
        message = notification(alert, one, now)
        yield from (letter(sink, alert.id, number, message, cause) for sink in deps.sinks)
