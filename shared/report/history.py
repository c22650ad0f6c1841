"""What a memory adds to a report: since when, what was fixed and how fast, who caused it, what waits, what
ends soon, and how all that went over 90 days.

Told from alerts, changes and exemptions as they are kept; an alert that was kept for less than that time is
missing in all of it, and the report says since when it has any. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final

from shared.alerts.letting_in import lets_somebody_in
from shared.model import Outcome, Reason, Severity, Target
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.targets import Actor
from shared.model.values import value

SPAN: Final = timedelta(days=90)
SOON: Final = timedelta(days=14)
MOST_CAUSES: Final = 8
MOST_CHANGES: Final = 250


@value
class Day:
    """``stands`` are the alerts that stood when the day ended."""

    day: date
    opened: int
    closed: int
    stands: int


@value
class Waiting:
    """A change that somebody has to approve before it is made."""

    alert: str
    title: str
    severity: Severity
    target: Target
    since: datetime
    does: tuple[str, ...]


@value
class Ending:
    """An exemption and when it ends."""

    policy: str
    scope: str
    reason: str
    approver: str
    expires_at: datetime


@value
class History:
    """``exposed`` is how long what lets somebody in was open, all such alerts of the time together; its
    parts that were over are what ``median_open`` is of."""

    since: datetime
    """When the first of what is kept began, and no more than ``SPAN`` ago."""
    opened: int
    closed: int
    reverted: int
    rolled_back: int
    exposures: int
    exposed: timedelta
    median_open: timedelta | None
    causes: tuple[tuple[str, int], ...]
    """Who had written when an alert opened, the most frequent first."""
    waiting: tuple[Waiting, ...]
    ending: tuple[Ending, ...]
    days: tuple[Day, ...]
    changes: tuple[ChangeRecord, ...]
    """The newest of that time, as many as are told one by one."""


@value
class Kept:
    """What is remembered."""

    alerts: tuple[AlertRecord, ...]
    changes: tuple[ChangeRecord, ...]
    exemptions: tuple[Ending, ...]


def history_of(kept: Kept, now: datetime) -> History:
    start = now - SPAN
    recent = [one for one in kept.alerts if one.resolved_at is None or one.resolved_at > start]
    grave = [one for one in recent if lets_somebody_in(one)]
    over = [
        (one.resolved_at - one.first_seen).total_seconds() for one in grave if one.resolved_at is not None
    ]
    changes = [one for one in kept.changes if (one.finished_at or one.created_at) > start]
    return History(
        since=max(start, min((one.first_seen for one in recent), default=now)),
        opened=sum(one.first_seen > start for one in recent),
        closed=sum(one.resolved_at is not None for one in recent),
        reverted=_ended(changes, ChangeKind.REMEDIATION, Outcome.REVERTED),
        rolled_back=_ended(changes, ChangeKind.ROLLBACK, Outcome.ROLLED_BACK),
        exposures=len(grave),
        exposed=sum((_open_within(one, start, now) for one in grave), timedelta()),
        median_open=timedelta(seconds=median(over)) if over else None,
        causes=_causes(recent),
        waiting=tuple(_waiting(recent, now)),
        ending=tuple(_ending(kept.exemptions, now)),
        days=tuple(_days(recent, start, now)),
        changes=tuple(sorted(changes, key=lambda one: one.created_at, reverse=True)[:MOST_CHANGES]),
    )


def _open_within(alert: AlertRecord, start: datetime, now: datetime) -> timedelta:
    return (alert.resolved_at or now) - max(alert.first_seen, start)


def _ended(changes: Iterable[ChangeRecord], kind: ChangeKind, outcome: Outcome) -> int:
    return sum(one.kind is kind and one.outcome is outcome for one in changes)


def _causes(alerts: Iterable[AlertRecord]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(_called(one.cause.actor) for one in alerts).most_common(MOST_CAUSES))


def _called(actor: Actor) -> str:
    return actor.name or actor.app_id or actor.object_id or "nobody that an event named"


def _waiting(alerts: Iterable[AlertRecord], now: datetime) -> Iterator[Waiting]:
    asked = (one for one in alerts if one.decision.reason is Reason.APPROVAL_REQUIRED)
    for one in sorted(asked, key=lambda one: (-one.severity.rank, one.first_seen)):
        given = one.approval is not None and one.approval.expires_at > now
        if one.status is not AlertStatus.RESOLVED and not given:
            yield Waiting(
                alert=one.id,
                title=one.title,
                severity=one.severity,
                target=one.target,
                since=one.first_seen,
                does=one.planned.does if one.planned is not None else (),
            )


def _ending(exemptions: Iterable[Ending], now: datetime) -> Iterator[Ending]:
    soon = (one for one in exemptions if now < one.expires_at <= now + SOON)
    return iter(sorted(soon, key=lambda one: one.expires_at))


def _days(alerts: Sequence[AlertRecord], start: datetime, now: datetime) -> Iterator[Day]:
    """Every day to now, also one on which nothing happened."""
    opened = Counter(one.first_seen.date() for one in alerts)
    closed = Counter(one.resolved_at.date() for one in alerts if one.resolved_at is not None)
    day = start.date()
    stands = sum(one.first_seen.date() < day for one in alerts)
    while day <= now.date():
        stands += opened[day] - closed[day]
        yield Day(day=day, opened=opened[day], closed=closed[day], stands=stands)
        day += timedelta(days=1)
