"""When writes may be made: change freezes and maintenance windows, as values and plain questions.

A freeze is a span of time. A window opens on days of the week, at a time of the day in a time zone; it
may run over midnight, and then belongs to the day on which it opens. Daylight saving is counted as the
clocks on the wall show it: a window from 22:00 to 04:00 is an hour shorter in the night of March and an
hour longer in that of October. A beginning that the clocks skip counts as if they had not been changed, an
end as if they had been already: rather closed for an hour too long than a write at a time that is not meant.

Which targets a freeze or a window concerns is said in ``policies.yaml``; nothing here knows a scope.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from shared.model.values import value

_DAYS_AHEAD: Final = range(-1, 16)
"""Days to look for the next opening: a weekly window that the clocks skip is found a week later."""


class Weekday(StrEnum):
    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


class WhenClosed(StrEnum):
    """What a policy does with a drift while writes are not meant to be made."""

    ALERT = "alert"
    REVERT = "revert"


@value
class Freeze:
    """No writes from ``starts`` until before ``ends`` (UTC)."""

    starts: datetime
    ends: datetime
    reason: str

    def covers(self, now: datetime) -> bool:
        return self.starts <= now < self.ends


@value
class Window:
    """Reverts are made from ``opens`` until before ``closes``, local times of the zone, on these days.

    With ``closes`` at or before ``opens`` it closes on the next day.
    """

    days: frozenset[Weekday]
    opens: time
    closes: time
    zone: ZoneInfo

    def openings(self, now: datetime) -> Iterable[tuple[datetime, datetime]]:
        """Beginnings and ends in UTC, in order, from the day before ``now`` to about two weeks after."""
        today = now.astimezone(self.zone).date()
        for offset in _DAYS_AHEAD:
            day = today + timedelta(days=offset)
            if _is_among(day, self.days):
                start, end = self._on(day)
                if start < end:
                    yield start, end

    def _on(self, day: date) -> tuple[datetime, datetime]:
        last = day if self.closes > self.opens else day + timedelta(days=1)
        start = datetime.combine(day, self.opens, self.zone)
        end = datetime.combine(last, self.closes, self.zone).replace(fold=1)
        return start.astimezone(UTC), end.astimezone(UTC)


def freeze_at(freezes: Iterable[Freeze], now: datetime) -> Freeze | None:
    """The freeze that holds now, the one that ends last where there are several."""
    return max((freeze for freeze in freezes if freeze.covers(now)), key=lambda f: f.ends, default=None)


def closed_until(windows: Iterable[Window], now: datetime) -> datetime | None:
    """When the next of these windows opens; None where one is open now, or where there are none."""
    openings = [opening for window in windows for opening in window.openings(now)]
    if any(start <= now < end for start, end in openings):
        return None
    return min((start for start, _ in openings if start > now), default=None)


def next_time(at: time, days: frozenset[Weekday], zone: ZoneInfo, now: datetime) -> datetime:
    """When it is this time of the day next, in UTC; one that the clocks skip counts as if they had not been
    changed, and of one that comes twice the first counts."""
    today = now.astimezone(zone).date()
    ahead = (today + timedelta(days=offset) for offset in _DAYS_AHEAD)
    moments = (datetime.combine(day, at, zone).astimezone(UTC) for day in ahead if _is_among(day, days))
    return min(moment for moment in moments if moment > now)


def _is_among(day: date, days: frozenset[Weekday]) -> bool:
    return list(Weekday)[day.weekday()] in days
