"""What a memory adds to a report, from alerts, changes and exemptions as they are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.targets import Actor
from shared.report.history import SPAN, Ending, History, Kept, history_of
from tests.api.calling import alerted

_, ALERT = alerted()
NOW = ALERT.first_seen + timedelta(days=200)


def alert(opened: timedelta, closed: timedelta | None = None, who: str = "ada") -> AlertRecord:
    """Opened and closed so long ago."""
    return replace(
        ALERT,
        first_seen=NOW - opened,
        status=AlertStatus.OPEN if closed is None else AlertStatus.RESOLVED,
        resolved_at=None if closed is None else NOW - closed,
        cause=replace(ALERT.cause, actor=Actor(name=who)),
    )


def of(*alerts: AlertRecord) -> History:
    return history_of(Kept(alerts=alerts, changes=(), exemptions=()), NOW)


def ending(when: datetime) -> Ending:
    return Ending(policy="p", scope="/s", reason="why", approver="ada", expires_at=when)


DAY = timedelta(days=1)


def test_exposed_minutes_are_those_within_the_time_of_the_report() -> None:
    told = of(alert(100 * DAY, 89 * DAY), alert(2 * DAY, DAY), alert(timedelta(hours=1)))
    assert told.exposures == 3
    assert told.exposed == DAY + DAY + timedelta(hours=1)
    assert told.median_open == timedelta(days=6)


def test_what_was_over_before_is_in_no_figure() -> None:
    told = of(alert(200 * DAY, 91 * DAY))
    assert (told.opened, told.closed, told.exposures, told.causes) == (0, 0, 0, ())
    assert told.median_open is None


def test_whoever_caused_most_comes_first() -> None:
    told = of(*(alert(DAY, who=who) for who in ("ada", "bob", "bob")))
    assert told.causes == (("bob", 2), ("ada", 1))


def test_every_day_has_what_stood_when_it_ended() -> None:
    days = of(alert(100 * DAY), alert(3 * DAY, DAY)).days
    assert len(days) == SPAN.days + 1
    assert [one.stands for one in days[-5:]] == [1, 2, 2, 1, 1]
    assert days[0].stands == 1
    assert sum(one.opened for one in days) == 1


def test_exemptions_end_soon_within_two_weeks_and_not_before_now() -> None:
    told = [ending(NOW + DAY * days) for days in (20, 13, 1, -1)]
    held = history_of(Kept(alerts=(), changes=(), exemptions=tuple(told)), NOW).ending
    assert [one.expires_at for one in held] == [NOW + DAY, NOW + 13 * DAY]


def test_an_approval_that_was_given_waits_for_nobody() -> None:
    assert [one.alert for one in of(alert(DAY)).waiting] == [ALERT.id]
    assert of(alert(2 * DAY, DAY)).waiting == ()
