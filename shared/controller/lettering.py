"""Letters: an alert is written with one for each sink, and a message says that there is one.

Alert and letters are one transaction, so that nothing is told that is not so, and nothing is so that is not
told. The message says only that a sink may have something to hear: one that is lost or comes twice harms
nothing. One is on its way before the transaction, for whoever dies right after it. Who is told of what is in
``notifying``, delivering in ``delivering``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.alerts.lifecycle import notification
from shared.controller.deps import Deps
from shared.guardrails.routes import heard_by
from shared.model import Cause
from shared.model.alert_records import AlertRecord, Notification, NotificationType
from shared.model.errors import EntityChanged
from shared.model.letters import Letter
from shared.model.messages import Message, MessageKind

SOON: Final = timedelta(minutes=2)
"""By when a message should have come for a letter that was just written."""
ANYWAY: Final = 15.0
"""Seconds after which a message comes for what was to be written; one that is too early finds nothing."""


def write_with_letters(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert with the letters that tell of it, and have them delivered. There is a sink at least.

    Raises ``EntityChanged`` when somebody else was faster. A letter that waits under a number that the record
    does not count is no race: the next ones go behind it.
    """
    call_anyway(_hearing(alert, kind, deps), alert.id, cause, deps)
    try:
        stored = _write(alert, kind, cause, deps)
    except EntityChanged:
        newest = deps.store.letters.newest(deps.sinks, alert.id)
        if newest <= alert.told:
            raise
        stored = _write(replace(alert, told=newest), kind, cause, deps)
    call(stored.told_to or (), alert.id, cause, deps)
    return stored


def _write(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    sinks = _hearing(alert, kind, deps)
    letters = list(_letters(alert, kind, cause, sinks, deps))
    told = max((letter.number for letter in letters), default=alert.told)
    return deps.store.put_alert(replace(alert, unsent=(), told=told, told_to=sinks), letters)


def _hearing(alert: AlertRecord, kind: NotificationType, deps: Deps) -> tuple[str, ...]:
    """The sinks that are told: by the routes, and who heard of the beginning hears of the rest."""
    routed = heard_by(deps.sinks, alert.severity, alert.target.id, deps.configuration.routes)
    if kind is NotificationType.ALERT_OPENED:
        return routed
    heard = deps.sinks if alert.told_to is None else alert.told_to
    return tuple(sink for sink in deps.sinks if sink in routed or sink in heard)


def call(sinks: Iterable[str], about: str, cause: Cause, deps: Deps, delay: float = 0) -> None:
    """Have delivered what there is to tell of something, to each sink on its own."""
    for sink in sinks:
        send_for(sink, about, cause, deps, delay)


def call_anyway(sinks: Iterable[str], about: str, cause: Cause, deps: Deps) -> None:
    """Have delivered in a while what is about to be written: its writer may die before it can call."""
    call(sinks, about, cause, deps, ANYWAY)


def send_for(sink: str, about: str, cause: Cause, deps: Deps, delay: float = 0) -> None:
    """Say that a sink may have something to hear."""
    token = deps.store.new_token()
    message = Message(kind=MessageKind.NOTIFY, cause=cause, sink=sink, about=about, token=token)
    deps.store.send(message, delay)


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


def _letters(
    alert: AlertRecord, kind: NotificationType, cause: Cause, sinks: tuple[str, ...], deps: Deps
) -> Iterator[Letter]:
    """What an older version had not queued yet goes before."""
    kinds, now, page = (
        (*map(NotificationType, alert.unsent), kind),
        deps.clock.now(),
        deps.page_link(alert.id),
    )
    for number, one in enumerate(kinds, start=alert.told + 1):
        message = notification(alert, one, now, page)
        yield from (letter(sink, alert.id, number, message, cause) for sink in sinks)
