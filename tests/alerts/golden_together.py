"""Messages of several things that every chat and mail must show: few, thirty, what is over, hostile names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.alerts.bundles import bundle
from shared.alerts.lifecycle import acknowledge, change_notification, notification, resolve
from shared.alerts.portal import portal_link
from shared.model import Severity, Target, TargetKind
from shared.model.alert_records import AlertRecord, Notification, NotificationType
from shared.model.resource_id import ResourceId
from tests.alerts.golden_alerts import HOSTILE, OPENED, RESOLVED, UPDATED
from tests.alerts.test_lifecycle import CLOSE, NOON, SERVER, changed, opened

SECOND: Final = timedelta(seconds=1)


def together() -> list[tuple[str, Notification]]:
    """Names and messages, always the same and in the same order."""
    return list(_messages())


def _messages() -> Iterator[tuple[str, Notification]]:
    yield "few", bundle([[_told(0, Severity.MEDIUM)], [_told(1, Severity.HIGH)], [_told(2, Severity.LOW)]])
    yield "thirty", bundle([[_told(number, Severity.HIGH)] for number in range(30)])
    yield "over", bundle([[_end(0)], [_end(1)]])
    yield "of-every-kind", bundle(_every_kind())
    yield "hostile", bundle([[_hostile(number)] for number in range(4)])
    yield "forty-long", bundle([[_long(number)] for number in range(40)])


def _every_kind() -> Sequence[Sequence[Notification]]:
    looked_after = acknowledge(_alert(2, Severity.HIGH), by="jane@example.com")
    return [
        [_told(0, Severity.HIGH)],
        [_told(1, Severity.MEDIUM), _end(1)],
        [notification(looked_after, UPDATED, NOON)],
        [_end(3)],
        [change_notification(changed(CLOSE), NotificationType.CHANGE_APPLIED, NOON)],
    ]


def _alert(number: int, severity: Severity) -> AlertRecord:
    server = ResourceId(f"{SERVER}-{number}")
    target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=server)
    return replace(
        opened(),
        id=f"{number:016x}",
        severity=severity,
        target=target,
        resource_id=server,
        portal=portal_link(server),
    )


def _told(number: int, severity: Severity) -> Notification:
    return notification(_alert(number, severity), OPENED, NOON + number * SECOND)


def _end(number: int) -> Notification:
    over = resolve(_alert(number, Severity.MEDIUM), "it is compliant again", NOON + 60 * SECOND)
    return notification(over, RESOLVED, NOON + 60 * SECOND)


def _hostile(number: int) -> Notification:
    return notification(replace(_alert(number, Severity.HIGH), title=HOSTILE), OPENED, NOON)


def _long(number: int) -> Notification:
    return notification(replace(_alert(number, Severity.HIGH), title="é" * 900), OPENED, NOON)
