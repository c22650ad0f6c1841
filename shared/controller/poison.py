"""Messages that failed too often: kept whole, told to people, and taken back when a later one succeeds.

The message is put aside first and the alert is written second; when the alert cannot be written the
error is raised, so the platform keeps the message too. The alert belongs to no policy: what it says is
that nobody has looked, and drift may go unseen. It stands on the targets that were not looked at; for
an NSG or a virtual network those are the ones that were known to depend on it. A message that names
no known target is in ``deadletters`` and in the log, and a run that waited for it is told.

A delivery that failed too often is an alert as well, but the sink that did not take it is left out of
what is told: it would not take that either, and every failure would make the next message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Sighting, alert_id, notification, recur, resolve
from shared.controller.deps import Deps
from shared.controller.notifying import notify
from shared.controller.open_alerts import is_open, list_alert
from shared.controller.reviving import ask_anew
from shared.controller.run_results import keep_result
from shared.model import (
    Action,
    ComplianceState,
    Decision,
    Finding,
    Json,
    Reason,
    Severity,
    Target,
    TargetKind,
)
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.errors import TextGone
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import parse_resource_id
from shared.model.results import TargetResult
from shared.state.message_body import understand

PATTERN: Final = patterns.POISONED
"""Stands where other alerts name their policy."""
NOT_A_MESSAGE: Final = "not-a-message"
TEXT_GONE: Final = "message-text-gone"
"""Why a body is among the dead letters that nobody could understand."""
_GAVE_UP: Final = "looking at it failed again and again; the message is among the dead letters"
_WHY: Final = "Until somebody looks, drift on this resource goes unseen and is not reverted."
_WHY_UNDELIVERED: Final = "Nobody who relies on this sink has heard of it."


def poisoned(body: bytes, deps: Deps) -> None:
    """Keep a message that the platform gave up, and open an alert on every target it was about.

    What it was about is found out first: while its text cannot be fetched, nothing is put aside yet. A text
    that is gone, and a body that is no message, will not be understood later either: the letter says so,
    nobody is told of a target, and that is the end. Raises ``StoreError`` when it cannot be kept or told.
    """
    message, reason = _understood(body, deps)
    letter = deps.store.dead_letter(reason, body, deps.clock.now())
    targets = _targets(message, deps) if message is not None else ()
    if message is not None:
        for target in targets:
            _open_alert(message, target, letter, deps)
        _tell_run(message, deps)
        ask_anew(message, deps)
    deps.log(
        {
            "message": "poisoned",
            "reason": reason,
            "kind": message.kind if message is not None else None,
            "targets": [str(target.id) for target in targets],
            "deadLetter": letter,
        }
    )


def _understood(body: bytes, deps: Deps) -> tuple[Message | None, str]:
    """The message, and why it is put aside."""
    try:
        message = understand(body, deps.store)
    except TextGone:
        return None, TEXT_GONE
    return message, NOT_A_MESSAGE if message is None else Reason.POISONED


def recovered(message: Message, deps: Deps) -> None:
    """Resolve the alert that an earlier delivery left, after one to the same sink went through."""
    for target in _targets(message, deps) if message.kind is MessageKind.NOTIFY else ():
        known = deps.store.alert(alert_id(PATTERN, target, _fingerprint(message)))
        if known is not None and known.status is not AlertStatus.RESOLVED:
            now = deps.clock.now()
            resolved = deps.store.put_alert(resolve(known, "a later message went through", now))
            notify(notification(resolved, NotificationType.ALERT_RESOLVED, now), message.cause, deps)


def _targets(message: Message, deps: Deps) -> tuple[Target, ...]:
    """What the message was about, as far as it can be told without ARM."""
    if message.target is not None:
        return (message.target,)
    if message.spread is not None:
        return message.spread.targets
    if message.locator is not None:
        return deps.store.related(message.locator)
    if message.notification is not None:
        return _target_in(message.notification.data)
    change = deps.store.change(message.change_id) if message.change_id else None
    return (change.change.target,) if change is not None else ()


def _target_in(data: Mapping[str, Json]) -> tuple[Target, ...]:
    """The target of the alert or change that a notification carries."""
    match data.get("target"):
        case {"kind": kind, "id": text} if kind in set(TargetKind):
            resource = parse_resource_id(text)
            return (Target(kind=TargetKind(kind), id=resource),) if resource is not None else ()
        case _:
            return ()


def _fingerprint(message: Message) -> str:
    """One alert for looks that fail, and one for each sink that does not deliver."""
    return f"sink {message.sink}" if message.kind is MessageKind.NOTIFY else patterns.OF_LOOKS


def _open_alert(message: Message, target: Target, letter: str, deps: Deps) -> None:
    now = deps.clock.now()
    sighting = _sighting(message, target, letter, now)
    known = deps.store.alert(alert_id(PATTERN, target, _fingerprint(message)))
    stands = is_open(known)
    if not stands:
        list_alert(target, alert_id(PATTERN, target, _fingerprint(message)), deps)
    alert = recur(known, sighting) if known is not None else _new_alert(message, sighting, deps)
    stored = deps.store.put_alert(alert)
    if not stands:
        _notify_others(stored, message, now, deps)


def _sighting(message: Message, target: Target, letter: str, now: datetime) -> Sighting:
    evidence: dict[str, Json] = {"message": message.kind, "deadLetter": letter, "attempt": message.attempt}
    if message.notification is not None:
        evidence |= {"sink": message.sink, "notification": message.notification.id}
    if message.trouble:
        evidence["error"] = message.trouble
    undelivered = message.kind is MessageKind.NOTIFY
    finding = Finding(
        policy=PATTERN,
        target=target,
        state=ComplianceState.ERROR,
        severity=Severity.MEDIUM if undelivered else Severity.HIGH,
        reason="a notification could not be delivered" if undelivered else _gave_up(message),
        resource_id=target.id,
        evidence=evidence,
        fingerprint=_fingerprint(message),
    )
    decision = Decision(policy=PATTERN, action=Action.ALERT, reason=Reason.POISONED)
    return Sighting(finding=finding, decision=decision, cause=message.cause, now=now)


def _gave_up(message: Message) -> str:
    return f"{_GAVE_UP}; at last {message.trouble}" if message.trouble else _GAVE_UP


def _new_alert(message: Message, sighting: Sighting, deps: Deps) -> AlertRecord:
    finding = sighting.finding
    undelivered = message.kind is MessageKind.NOTIFY
    return AlertRecord(
        id=alert_id(PATTERN, finding.target, finding.fingerprint),
        status=AlertStatus.OPEN,
        policy=PATTERN,
        title="A notification could not be delivered" if undelivered else "A message could not be processed",
        severity=finding.severity,
        target=finding.target,
        resource_id=finding.resource_id,
        portal=deps.portal_link(finding.resource_id),
        cause=sighting.cause,
        why=_WHY_UNDELIVERED if undelivered else _WHY,
        controls=(),
        reason=finding.reason,
        evidence=finding.evidence,
        decision=sighting.decision,
        commands=(),
        fingerprint=finding.fingerprint,
        first_seen=sighting.now,
        last_seen=sighting.now,
    )


def _notify_others(alert: AlertRecord, message: Message, now: datetime, deps: Deps) -> None:
    others = tuple(sink for sink in deps.sinks if sink != message.sink)
    told = notification(alert, NotificationType.ALERT_OPENED, now)
    notify(told, message.cause, replace(deps, sinks=others))


def _tell_run(message: Message, deps: Deps) -> None:
    """A run that waits for this message shall not wait for ever."""
    run_id = message.options.run_id
    if run_id is None:
        return
    if message.target is not None:
        keep_result(TargetResult(target=message.target, error=_gave_up(message)), message.options, deps)
        return
    run = deps.store.run(run_id)
    if run is not None:
        deps.store.put_run(replace(run, error=_gave_up(message)))
