"""What a notification means to a channel: which thing it is about, whether that is over, how loud it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.model.alert_records import AlertStatus, Notification, NotificationType
from shared.model.sections import Section

_CHANGES: Final = frozenset({NotificationType.CHANGE_APPLIED, NotificationType.CHANGE_ROLLED_BACK})


class Step(StrEnum):
    """Where an alert is in its life; a change has only one step."""

    OPENED = "opened"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CHANGED = "changed"


def about(told: Notification) -> str:
    """The id of the alert or change: the key under which a channel keeps one incident or thread."""
    return str(told.data.get("id") or told.id)


def step_of(told: Notification) -> Step:
    if told.type in _CHANGES:
        return Step.CHANGED
    if told.type is NotificationType.ALERT_RESOLVED:
        return Step.RESOLVED
    if told.type is NotificationType.ALERT_OPENED:
        return Step.OPENED
    acknowledged = told.data.get("status") == AlertStatus.ACKNOWLEDGED
    return Step.ACKNOWLEDGED if acknowledged else Step.UPDATED


def is_good_news(told: Notification) -> bool:
    return told.type in {NotificationType.ALERT_RESOLVED, NotificationType.CHANGE_APPLIED}


def sections_of(told: Notification) -> tuple[Section, ...]:
    """What is said; of a letter that is older than sections its text as it is."""
    return told.sections or tuple(Section(text=part) for part in told.body.split("\n\n") if part)
