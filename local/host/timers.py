"""NCRONTAB schedules and the loop that fires a timer function.

A schedule has six fields, `second minute hour day month day-of-week`, or five without the seconds; a field
is `*`, a number, a name (`Jan`, `Mon`), a range, a list of those, each with an optional `/step`. Days of
the month and of the week must both match (NCrontab is no Vixie cron). Times are UTC, as on Linux plans. The
time-span form of App Service plans is refused.

Runs of one timer never overlap: the next time is sought when a run has ended, so a run that takes
longer than its interval skips what it overran. The missed-run monitor of the host is not emulated.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.host.settings import SettingsError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {name: place + 1 for place, name in enumerate(_MONTHS)} | {
    name: place for place, name in enumerate(_DAYS)
}
_BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?")
_LONGEST_GAP_DAYS = 8 * 366  # 29 February may be eight years away


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A parsed schedule: the values that each field admits, ascending."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime | None:
        """The first matching second later than `moment` (UTC), None when there is none in eight years."""
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        midnight = start.replace(hour=0, minute=0, second=0)
        for _ in range(_LONGEST_GAP_DAYS):
            if self._admits(midnight):
                found = self._first_time(midnight, start)
                if found is not None:
                    return found
            midnight += timedelta(days=1)
        return None

    def _admits(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7
        return day.day in self.days and day.month in self.months and weekday in self.weekdays

    def _first_time(self, midnight: datetime, start: datetime) -> datetime | None:
        times = (
            midnight.replace(hour=hour, minute=minute, second=second)
            for hour in self.hours
            for minute in self.minutes
            for second in self.seconds
        )
        return next((time for time in times if time >= start), None)


def parse_schedule(text: str) -> Schedule:
    """Read an NCRONTAB expression. SettingsError names the field that cannot be read."""
    fields = text.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise SettingsError(f"schedule {text!r}: six fields expected (NCRONTAB)")
    values = [_field(field, *bounds, text) for field, bounds in zip(fields, _BOUNDS, strict=True)]
    seconds, minutes, hours, days, months, weekdays = values
    return Schedule(
        seconds=tuple(sorted(seconds)),
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=weekdays,
    )


def run_timer(
    schedule: Schedule, fire: Callable[[], None], stop: threading.Event, *, at_once: bool = False
) -> None:
    """Call `fire` at every time of the schedule until `stop` is set, and before that when `at_once`.

    `fire` returns when its run has ended.
    """
    if at_once:
        fire()
    while True:
        now = datetime.now(UTC)
        due = schedule.next_after(now)
        wait = None if due is None else (due - now).total_seconds()
        if stop.wait(wait):
            return
        fire()


def _field(field: str, least: int, most: int, text: str) -> frozenset[int]:
    values: set[int] = set()
    for part in field.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise SettingsError(f"schedule {text!r}: cannot read {part!r}")
        first = least if found[1] is None else _number(found[1], text)
        last = _number(found[2], text) if found[2] else _last(found, first, most)
        step = int(found[3] or 1)
        if not (least <= first <= last <= most and step):
            raise SettingsError(f"schedule {text!r}: {part!r} is outside {least}–{most}")
        values |= set(range(first, last + 1, step))
    return frozenset(values)


def _last(found: re.Match[str], first: int, most: int) -> int:
    """Without an upper end, `*` and `n/step` reach to the bound, a plain `n` is itself."""
    return most if found[1] is None or found[3] else first


def _number(text: str, schedule: str) -> int:
    if text.isdecimal():
        return int(text)
    if text.lower() in _NAMES:
        return _NAMES[text.lower()]
    raise SettingsError(f"schedule {schedule!r}: cannot read {text!r}")
