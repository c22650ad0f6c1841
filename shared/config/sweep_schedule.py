"""When the sweep comes: an NCRONTAB expression, checked before anybody waits for it in vain.

The host takes six fields, seconds first. What else it is given it reads in its own way: five fields as
minutes and hours, a time span only on plans with machines of their own, and days that no month has as never.
cronsim reads the fields as crontabs have them; what NCRONTAB says otherwise is put into its words first:
names by their beginnings, the ends of a range in either order, no ``L``, no ``#``, and Sunday as 0 alone.
Sources: learn.microsoft.com/azure/azure-functions/functions-bindings-timer (NCRONTAB expressions, TimeSpan);
github.com/Azure/azure-webjobs-sdk-extensions (``CronSchedule``, ``TimerSchedule``),
github.com/atifaziz/NCrontab (``CrontabFieldImpl``, ``CrontabField``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from cronsim import CronSim, CronSimError

from shared.model.errors import ConfigurationError

NAME: Final = "SWEEP_SCHEDULE"
DEFAULT: Final = "0 */30 * * * *"
_FIELDS: Final = 6
_LONGEST: Final = 500
"""Characters of a field; every minute by its number takes 169."""
_TIME_SPAN: Final = re.compile(r"(\d+\.)?\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?", re.ASCII)
_COUNTED: Final = {0: "no field", 1: "one field", 5: "five fields"}
_FIELD: Final = re.compile(r"[0-9A-Za-z*,/-]+", re.ASCII)
_RANGE: Final = re.compile(r"(\d+)-(\d+)", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z]+", re.ASCII)
_SEVEN: Final = re.compile(r"(?<![\d/])0*7(?!\d)", re.ASCII)
_NUMBER: Final = re.compile(r"\d+", re.ASCII)
_LARGEST: Final = 2**31 - 1
"""Of the numbers that the host reads (``int.Parse``)."""
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


class _Unusable(ValueError):
    """A schedule that the host cannot read, or that never comes; the text follows the value."""


def checked_schedule(text: str) -> str:
    """The schedule as the binding takes it. Raises ``ConfigurationError`` that names the value and the
    fault."""
    try:
        _read(text)
    except _Unusable as fault:
        raise ConfigurationError(f"{NAME}: {text!r} {fault}; the default is {DEFAULT!r}") from None
    return " ".join(text.split())


def usable_schedule(text: str) -> str:
    """The schedule, or the default in place of a wrong one: so the sweep comes, and tells what is wrong."""
    try:
        return checked_schedule(text)
    except ConfigurationError:
        return DEFAULT


def seconds_between(schedule: str) -> float:
    """From one time of a checked schedule to the one after it."""
    first, second = islice(_read(schedule), 2)
    return (second - first).total_seconds()


def _read(text: str) -> CronSim:
    """The times of a schedule from the year 2026 on. Raises ``_Unusable``."""
    fields = text.split()
    if _TIME_SPAN.fullmatch(text.strip()):
        raise _Unusable("is a time span, which not every plan takes: NCRONTAB has six fields, seconds first")
    if len(fields) != _FIELDS:
        meant = f": is '0 {' '.join(fields)}' meant?" if len(fields) == _FIELDS - 1 else ""
        counted = _COUNTED.get(len(fields), f"{len(fields)} fields")
        raise _Unusable(f"has {counted}, and NCRONTAB six, seconds first{meant}")
    *dates, month, weekday = map(_ordered, fields)
    return _times([*dates, _numbered(month, _MONTHS, 1), _numbered(weekday, _DAYS, 0)])


def _ordered(field: str) -> str:
    """The smaller end of a range first."""
    too_large = any(int(number) > _LARGEST for number in _NUMBER.findall(field[:_LONGEST]))
    if too_large or len(field) > _LONGEST or not _FIELD.fullmatch(field):
        raise _Unusable(f"cannot be read at {field!r}")
    return _RANGE.sub(lambda found: "-".join(sorted(found.groups(), key=int)), field)


def _numbered(field: str, names: tuple[str, ...], first: int) -> str:
    """Numbers in place of names, which may be as short as the host takes them."""

    def number(found: re.Match[str]) -> str:
        places = (place for place, name in enumerate(names, first) if name.startswith(found[0].lower()))
        return str(next(places, found[0]))

    return _ordered(_WORD.sub(number, field))


def _times(fields: list[str]) -> CronSim:
    """Days of the month and of the week must both match; whether there is a day at all, the former decide."""
    for field in fields:
        if _WORD.search(field) or (field is fields[-1] and _SEVEN.search(field)):
            raise _Unusable(f"cannot be read at {field!r}")
    time, day, month, weekday = fields[:3], *fields[3:]
    _sim([*time, "*", month, weekday], "cannot be read")
    _sim([*time, day, "*", "*"], "cannot be read")
    _sim([*time, day, month, "*"], "never comes")
    found = _sim([*time, day, month, weekday], "cannot be read")
    found.day_and = True
    return found


def _sim(fields: list[str], otherwise: str) -> CronSim:
    try:
        return CronSim(" ".join(fields), _EPOCH)
    except CronSimError as error:
        raise _Unusable(f"{otherwise}: {str(error).lower()}") from None
