"""The sweep's schedule: what the host reads and what comes at some time; the rest is refused by its value."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.settings import SettingsError
from local.host.timers import parse_schedule
from shared.config.settings import read_settings
from shared.config.sweep_schedule import DEFAULT, checked_schedule, seconds_between, usable_schedule
from shared.model.errors import ConfigurationError

GOOD = {
    "0 */30 * * * *": 1800,
    "0  0 3 * * *": 86400,
    "0 0 0 29 2 *": 1461 * 86400,
    "0 30 9 * * 1-5": 86400,
    "0 0 0 * * Mon": 7 * 86400,
    "0 0 0 * * monday": 7 * 86400,
    "0 0 0 1 January *": 365 * 86400,
    "0 0 0 * * Sat-Sun": 86400,
    "0 0/15 * * * *": 900,
    "*/20 * * * * *": 20,
}
"""Schedules that the host takes, and the seconds from one time to the next."""

WRONG = {
    "*/30 * * * *": "five fields.*is '0 [*]/30 [*] [*] [*] [*]' meant",
    "0 */30 * * *": "five fields",
    "00:30:00": "time span",
    "1.00:00:00": "time span",
    "0 0 0 30 2 *": "never comes",
    "0 0 0 30 2 1": "never comes",
    "0 0 0 31 4,Jun *": "never comes",
    "60 * * * * *": "bad second",
    "0 0 24 * * *": "bad hour",
    "0 0 0 0 * *": "bad day-of-month",
    "0 0 0 * * 7": "cannot be read at '7'",
    "0 0 0 * * 07": "cannot be read at '07'",
    "0 0 0 * * 1-007": "cannot be read at '1-007'",
    "0 */2147483648 * * * *": "cannot be read at '[*]/2147483648'",
    "0 0 0 L * *": "cannot be read at 'L'",
    "0 0 0 * * 1#2": "cannot be read at '1#2'",
    "0 0 0 ? * *": "cannot be read at '[?]'",
    "0 Mon * * * *": "cannot be read at 'Mon'",
    "0 0 0 * * Noday": "cannot be read at 'Noday'",
    "every half hour": "3 fields",
    "@daily": "one field",
    "0 * * * * * 2026": "7 fields",
}


@pytest.mark.parametrize("schedule", GOOD)
def test_a_schedule_that_the_host_reads_is_taken(schedule: str) -> None:
    assert checked_schedule(schedule) == " ".join(schedule.split())
    assert read_settings({"SWEEP_SCHEDULE": schedule}).sweep_schedule == " ".join(schedule.split())
    assert seconds_between(schedule) == GOOD[schedule]


@pytest.mark.parametrize("schedule", WRONG)
def test_a_schedule_that_would_never_come_is_refused_by_name_value_and_fault(schedule: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^SWEEP_SCHEDULE: .*{WRONG[schedule]}") as refused:
        read_settings({"SWEEP_SCHEDULE": schedule})
    assert repr(schedule) in str(refused.value)


@pytest.mark.parametrize("schedule", WRONG)
def test_the_timer_comes_by_the_default_where_the_schedule_is_wrong(schedule: str) -> None:
    assert usable_schedule(schedule) == DEFAULT


def _field(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least - 1, most + 1).map(str)
    one = st.one_of(st.just("*"), number, st.tuples(number, number).map("-".join))
    stepped = st.one_of(one, st.tuples(one, st.integers(1, 70).map(str)).map("/".join))
    return st.lists(stepped, min_size=1, max_size=2).map(",".join)


FIELDS = st.tuples(_field(0, 59), _field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 6))


@given(FIELDS.map(" ".join))
def test_what_is_taken_the_host_reads_and_what_is_refused_it_never_calls(schedule: str) -> None:
    """The emulated host reads NCRONTAB by itself; it takes no range whose ends are the other way round."""
    taken = usable_schedule(schedule) == schedule
    assert taken is _comes(schedule) or (taken and not _ascends(schedule))


def _comes(schedule: str) -> bool:
    try:
        return parse_schedule(schedule).next_after(datetime(2026, 1, 1, tzinfo=UTC)) is not None
    except SettingsError:
        return False


def _ascends(schedule: str) -> bool:
    ranges = re.findall(r"(\d+)-(\d+)", schedule)
    return all(int(first) <= int(last) for first, last in ranges)
