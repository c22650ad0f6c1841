"""Alerts as values: their identity, their life, and the notifications that tell of them.

An alert is open, then acknowledged or not, then resolved; the same drift (policy, target, fingerprint)
is one alert however often it is seen, and one that comes back opens again. The transitions here are
pure functions of records; a transition that the life cycle does not know is ``IllegalTransition``.
Storing a record, queueing a notification and knowing the time are the caller's business.

A notification is in a letter for each sink, written with the alert, so its size is bounded; its id is made of
what it says, so that a sink that gets it twice can tell (``shared.alerts.words``, ``shared.alerts.views``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts.channels.markdown import markdown
from shared.alerts.commands import fix_commands
from shared.alerts.fitting import fitting, fitting_sections, fitting_text
from shared.alerts.page_link import OPEN_RESOURCE, links_of
from shared.alerts.patterns import TAKES_NOTHING
from shared.alerts.portal import portal_link
from shared.alerts.steps import ENDS_ON_NEW_SERVER, choices_told, with_steps_of
from shared.alerts.views import alert_view, change_view
from shared.alerts.words import alert_sections, alert_title, change_sections, change_title
from shared.model import Cause, Decision, Edit, Finding, Json, Reason, Severity, Target
from shared.model.alert_records import (
    AlertRecord,
    AlertStatus,
    Approval,
    Notification,
    NotificationType,
    Planned,
)
from shared.model.change_records import ChangeRecord
from shared.model.codec import to_json
from shared.model.sections import Link
from shared.model.values import value
from shared.policies import find
from shared.posture.controls import Control
from shared.posture.policy import AnyPolicy, unmet_controls

APPROVAL_LASTS: Final = timedelta(hours=1)

SPARE_OF_ALERTS: Final = ("evidence", "commands", "alternatives")
SPARE_OF_CHANGES: Final = ("armCalls", "proof", "difference", "inverse", "edits")
"""What an event leaves out when it would be too large, in this order."""
_NO_DRIFT: Final = frozenset(
    {
        *(Reason.POISONED, Reason.UNDELIVERED, Reason.EXEMPTION_EXPIRED),
        *(Reason.EFFECT_LOWERED_BY_TAG, Reason.NO_LONGER_PROVED),
    }
)
_ID_LENGTH: Final = 16


class IllegalTransition(ValueError):
    """The life cycle of an alert knows no such step from where the alert is."""


@value
class Pattern:
    """What an alert is about that belongs to no policy; ``id`` stands where others name theirs."""

    id: str
    title: str
    why: str
    controls: tuple[Control, ...] = ()
    no_command: str = ""


@value
class Sighting:
    """What one look saw of a drift: the finding, what was decided, why we looked and how to fix it."""

    finding: Finding
    decision: Decision
    cause: Cause
    now: datetime
    commands: tuple[str, ...] = ()
    """In the order in which they are pasted; of a choice those of its safe way."""
    edits: tuple[Edit, ...] = ()
    """What the commands do, where edits say it."""
    planned: Planned | None = None
    """What an approval would be for."""
    tags: Mapping[str, str] | None = None  # by which alerts are routed; None where none was read
    baseline_lost: bool = False
    """Whether a last compliant reading is recorded and not there any more."""


# --- identity and life -----------------------------------------------------------------------------


def alert_id(policy: str, target: Target, fingerprint: str) -> str:
    """16 hexadecimal digits; the same for the same drift, whatever the letter case of ids."""
    return _id_of(policy, target.key, fingerprint)


def sink_alert_id(sink: str) -> str:
    """The same of the one alert that a sink takes nothing, whatever it was not told of."""
    return _id_of(TAKES_NOTHING, sink)


def _id_of(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_LENGTH]


def open_alert(policy: AnyPolicy | Pattern, sighting: Sighting, portal: str) -> AlertRecord:
    """A new alert. ``portal`` is where a person finds the resource."""
    finding = sighting.finding
    return AlertRecord(
        id=alert_id(policy.id, finding.target, finding.fingerprint),
        status=AlertStatus.OPEN,
        policy=policy.id,
        title=policy.title,
        severity=finding.severity,
        target=finding.target,
        resource_id=finding.resource_id,
        portal=portal,
        cause=sighting.cause,
        why=policy.why,
        controls=named_controls(policy, finding),
        reason=finding.reason,
        evidence=finding.evidence,
        decision=sighting.decision,
        commands=sighting.commands,
        edits=sighting.edits,
        planned=sighting.planned,
        fingerprint=finding.fingerprint,
        first_seen=sighting.now,
        last_seen=sighting.now,
        alternatives=choices_told(finding.evidence),
        no_command=policy.no_command,
        ends_on_new_server=finding.evidence.get(ENDS_ON_NEW_SERVER) is True,
        tags=sighting.tags or {},
    )


def named_controls(policy: AnyPolicy | Pattern, finding: Finding) -> tuple[Mapping[str, str], ...]:
    """The controls that an alert names: none that is fulfilled nevertheless."""
    controls = policy.controls if isinstance(policy, Pattern) else unmet_controls(policy, finding)
    return tuple(_text_values(to_json(control)) for control in controls)


def recur(alert: AlertRecord, sighting: Sighting) -> AlertRecord:
    """The alert seen again, with the newest of everything; one that was resolved is open again.

    Raises ``ValueError`` for a sighting of another drift.
    """
    finding = sighting.finding
    if alert_id(finding.policy, finding.target, finding.fingerprint) != alert.id:
        raise ValueError(f"a sighting of {finding.policy} on {finding.target.id} is not alert {alert.id}")
    if alert.status is AlertStatus.RESOLVED:
        alert = _reopened(alert)
    return replace(
        reworded(alert, sighting),
        severity=finding.severity,
        resource_id=finding.resource_id,
        cause=sighting.cause,
        reason=finding.reason,
        evidence=finding.evidence,
        decision=sighting.decision,
        last_seen=max(alert.last_seen, sighting.now),
        count=alert.count + 1,
        tags=alert.tags if sighting.tags is None else sighting.tags,
    )


def reworded(alert: AlertRecord, sighting: Sighting) -> AlertRecord:
    """The alert with the commands that work now, which is no news to anybody."""
    newest = sighting.finding.evidence
    return replace(
        alert,
        commands=sighting.commands,
        edits=sighting.edits,
        planned=sighting.planned,
        evidence=with_steps_of(newest, alert.evidence),
        alternatives=choices_told(newest),
        ends_on_new_server=newest.get(ENDS_ON_NEW_SERVER) is True,
    )


def _reopened(alert: AlertRecord) -> AlertRecord:
    """Nobody has acknowledged or approved what came back."""
    return replace(
        alert,
        status=AlertStatus.OPEN,
        resolved_at=None,
        resolution="",
        acknowledged_by=None,
        approval=None,
    )


def acknowledge(alert: AlertRecord, by: str) -> AlertRecord:
    """Somebody looks after it. Raises ``IllegalTransition`` unless it is open."""
    if alert.status is not AlertStatus.OPEN:
        raise IllegalTransition(f"alert {alert.id} is {alert.status}, not open")
    return replace(alert, status=AlertStatus.ACKNOWLEDGED, acknowledged_by=by)


def approve(alert: AlertRecord, by: str, now: datetime, lasts: timedelta = APPROVAL_LASTS) -> AlertRecord:
    """Consent to reverting this drift by what the alert shows, for ``lasts``; a newer approval replaces an
    older.

    Raises ``IllegalTransition`` when it is resolved or about no drift, and ``ValueError`` when ``lasts``
    is not positive.
    """
    if alert.status is AlertStatus.RESOLVED:
        raise IllegalTransition(f"alert {alert.id} is resolved: there is nothing to approve")
    if alert.decision.reason in _NO_DRIFT or find(alert.policy) is None:
        raise IllegalTransition(f"alert {alert.id} is about no drift: there is no change to approve")
    if lasts <= timedelta(0):
        raise ValueError("an approval lasts longer than no time")
    approval = Approval(
        by=by, at=now, expires_at=now + lasts, fingerprint=alert.fingerprint, planned=alert.planned
    )
    return replace(alert, approval=approval)


def resolve(alert: AlertRecord, resolution: str, now: datetime) -> AlertRecord:
    """It is over; ``resolution`` says why. Raises ``IllegalTransition`` when it was over before."""
    if alert.status is AlertStatus.RESOLVED:
        raise IllegalTransition(f"alert {alert.id} is already resolved")
    return replace(alert, status=AlertStatus.RESOLVED, resolved_at=now, resolution=resolution, approval=None)


# --- notifications ---------------------------------------------------------------------------------


def wakes_nobody(alert: AlertRecord) -> bool:
    """Advice is read where alerts are listed; nobody gets a message about each piece of it."""
    return alert.severity is Severity.INFORMATIONAL


def notification(alert: AlertRecord, kind: NotificationType, now: datetime, page: str = "") -> Notification:
    """What the sinks are told of an alert with this page. The body is Markdown that reads well as text."""
    sections = alert_sections(alert)
    return Notification(
        id=_notification_id(alert, kind),
        type=kind,
        subject=str(alert.resource_id),
        time=now,
        title=alert_title(alert),
        body=fitting_text(markdown(sections)),
        severity=alert.severity,
        data=fitting(alert_view(alert), spare=SPARE_OF_ALERTS),
        sections=fitting_sections(sections),
        links=links_of(alert, page),
    )


def change_notification(
    change: ChangeRecord,
    kind: NotificationType,
    now: datetime,
    portal: str | None = None,
    undo: Sequence[str] | None = None,
) -> Notification:
    """What the sinks are told of a change that was made: what is fixed silently is not learned from.

    ``portal`` and ``undo`` (commands that perform the inverse) are those of the public cloud unless
    they are given.
    """
    policy = find(change.change.policy)
    link = portal if portal is not None else portal_link(change.change.target.id)
    commands = undo if undo is not None else fix_commands(change.change.inverse)
    sections = change_sections(change, policy, link, commands)
    return Notification(
        id=f"{change.id}-{_verb(kind)}",
        type=kind,
        subject=str(change.change.resource_id),
        time=now,
        title=change_title(change),
        body=fitting_text(markdown(sections)),
        severity=policy.severity if policy is not None else Severity.INFORMATIONAL,
        data=fitting(change_view(change), spare=SPARE_OF_CHANGES),
        sections=fitting_sections(sections),
        links=(Link(label=OPEN_RESOURCE, url=link),),
    )


def _notification_id(alert: AlertRecord, kind: NotificationType) -> str:
    """Alert, type and count; an update also says which state it reports."""
    parts = [alert.id, _verb(kind), str(alert.count)]
    if kind is NotificationType.ALERT_UPDATED:
        parts.append(alert.status.value)
        parts += [f"approved-{int(alert.approval.at.timestamp())}"] if alert.approval else []
    return "-".join(parts)


def _verb(kind: NotificationType) -> str:
    return kind.value.rsplit(".", 1)[-1].lower()


def _text_values(document: Mapping[str, Json]) -> Mapping[str, str]:
    return {name: str(part) for name, part in document.items()}
