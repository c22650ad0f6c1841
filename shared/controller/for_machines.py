"""What only machines hear: every change of an alert's life that people are not told of.

People hear of what is to be done. Whoever follows alerts by program hears of the rest as well: of advice, of
what an incident tells of, of an alert that is seen in another light or milder, of an approval that has ended.
Event Grid's topic is such a sink; a mere recount is no change. Written and delivered as every letter is
(``lettering``): with the alert, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from shared.alerts.lifecycle import notification
from shared.controller.deps import Deps
from shared.controller.lettering import ANYWAY, letter, send_for
from shared.guardrails.routes import machines, people
from shared.model import Cause
from shared.model.alert_records import AlertRecord, Notification, NotificationType
from shared.model.errors import EntityChanged
from shared.model.letters import Letter

Put: TypeAlias = Callable[[AlertRecord, list[Letter]], AlertRecord]
"""Writes an alert and its letters in one transaction; raises ``EntityChanged``."""

_OPENED: Final = NotificationType.ALERT_OPENED


def write_for_machines(
    alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps, put: Put | None = None
) -> AlertRecord:
    """Write an alert of which people are told nothing now, and have machines told of it.

    Raises ``EntityChanged`` when somebody else was faster."""
    write = put or deps.store.put_alert
    sinks = machines(deps.sinks)
    if not sinks or alert.unsent:  # what an older version owes to people goes first
        return write(alert, [])
    for sink in sinks:
        send_for(sink, alert.id, cause, deps, ANYWAY)
    try:
        stored = write(*_post(alert, kind, cause, deps))
    except EntityChanged:
        newest = deps.store.letters.newest(deps.sinks, alert.id)
        if newest <= alert.told:
            raise
        stored = write(*_post(replace(alert, told=newest), kind, cause, deps))
    for sink in sinks:
        send_for(sink, alert.id, cause, deps)
    return stored


def notify_machines(message: Notification, cause: Cause, deps: Deps) -> None:
    """Tell machines of what people hear of with others; it is told once, however often it is asked for."""
    for sink in machines(deps.sinks):
        send_for(sink, message.id, cause, deps, ANYWAY)
        deps.store.letters.post(letter(sink, message.id, 0, message, cause))
        send_for(sink, message.id, cause, deps)


def heard_of(alert: AlertRecord, kind: NotificationType) -> bool:
    """Whether people were told of the alert since it opened: they hear of the rest of it."""
    if kind is _OPENED:
        return False
    return alert.told > 0 if alert.told_to is None else bool(people(alert.told_to))


def _post(
    alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps
) -> tuple[AlertRecord, list[Letter]]:
    sinks, number = machines(deps.sinks), alert.told + 1
    told = _numbered(notification(alert, kind, deps.clock.now(), deps.page_link(alert.id)), number)
    letters = [letter(sink, alert.id, number, told, cause) for sink in sinks]
    return replace(alert, told=number, told_to=_told_to(alert, kind, sinks)), letters


def _numbered(told: Notification, number: int) -> Notification:
    """Several of these may be told of one sighting."""
    return (
        told if told.type is not NotificationType.ALERT_UPDATED else replace(told, id=f"{told.id}-{number}")
    )


def _told_to(alert: AlertRecord, kind: NotificationType, sinks: tuple[str, ...]) -> tuple[str, ...] | None:
    if kind is _OPENED:
        return sinks
    return None if alert.told_to is None else tuple(dict.fromkeys((*alert.told_to, *sinks)))
