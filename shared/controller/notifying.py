"""How people are told: of an alert by the letters that are written with it, or, while so much drifts that one
incident tells of it, by that (``incidents``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from shared.alerts.lifecycle import resolve, wakes_nobody
from shared.controller.alert_lines import log_alert
from shared.controller.deps import Deps
from shared.controller.for_machines import heard_of, write_for_machines
from shared.controller.incidents import hold, holding
from shared.controller.lettering import call, call_anyway, letter, timed, write_with_letters
from shared.controller.measuring import measure_end
from shared.guardrails.routes import NO_TAGS, heard_by
from shared.model import Cause
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.errors import EntityChanged
from shared.model.resource_id import parse_resource_id

_RACES: Final = 5


def write_and_tell(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert, have people told of it, and log it."""
    written = _written(alert, kind, cause, deps)
    log_alert(written, deps)
    measure_end(written, deps)
    return written


def _written(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    if not deps.sinks:
        return deps.store.put_alert(alert)
    if wakes_nobody(alert) and not heard_of(alert, kind):
        return write_for_machines(alert, kind, cause, deps)
    incident = holding(alert, kind, deps)
    if incident is not None:
        return hold(alert, kind, cause, incident, deps)
    return write_with_letters(replace(alert, incident=None), kind, cause, deps)


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


def notify(message: Notification, cause: Cause, deps: Deps, tags: Mapping[str, str] = NO_TAGS) -> None:
    """Tell the sinks of what is told once, however often it is asked for. ``tags`` are those of the server by
    which it is routed."""
    resource = parse_resource_id(message.subject)
    sinks = heard_by(deps.sinks, message.severity, resource, deps.configuration.routes, tags)
    letters = [timed(letter(sink, message.id, 0, message, cause), deps) for sink in sinks]
    call_anyway(letters, deps)
    for one in letters:
        deps.store.letters.post(one)
    call(letters, deps)


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
        told_to=known.told_to,
        unsent=known.unsent,
    )
