"""NCRONTAB: the next time of a schedule, and what is refused."""

from datetime import UTC, datetime
from threading import Event

import pytest

from local.host.settings import SettingsError
from local.host.timers import parse_schedule, run_timer

SATURDAY = datetime(2026, 11, 21, 10, 30, 15, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * * *", "2026-11-21T10:30:16"),
        ("*/5 * * * * *", "2026-11-21T10:30:20"),
        ("15 30 10 * * *", "2026-11-22T10:30:15"),
        ("0 */5 * * * *", "2026-11-21T10:35:00"),
        ("*/5 * * * *", "2026-11-21T10:35:00"),
        ("0 0 * * * *", "2026-11-21T11:00:00"),
        ("0 0,45 9-11 * * *", "2026-11-21T10:45:00"),
        ("0 10/20 * * * *", "2026-11-21T10:50:00"),
        ("0 30 9 * * 1-5", "2026-11-23T09:30:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-23T09:30:00"),
        ("0 0 0 1 Jan *", "2027-01-01T00:00:00"),
        ("0 0 0 * * 0", "2026-11-22T00:00:00"),
        ("0 0 0 13 * 5", "2027-08-13T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("30-40/5 0 0 1 1 *", "2027-01-01T00:00:30"),
    ],
)
def test_the_next_time_of_a_schedule_is_the_first_second_that_matches_every_field(
    schedule: str, expected: str
) -> None:
    found = parse_schedule(schedule).next_after(SATURDAY)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_next_time_is_never_the_moment_itself() -> None:
    moment = datetime(2026, 11, 21, 10, 35, tzinfo=UTC)
    found = parse_schedule("0 */5 * * * *").next_after(moment)
    assert found == datetime(2026, 11, 21, 10, 40, tzinfo=UTC)


def test_a_day_that_never_comes_has_no_next_time() -> None:
    assert parse_schedule("0 0 0 30 2 *").next_after(SATURDAY) is None


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "00:00:30",
        "60 * * * * *",
        "* * * 0 * *",
        "* * * * * 7",
        "x * * * * *",
        "*/0 * * * * *",
        "5-1 * * * * *",
        "1,,2 * * * * *",
    ],
)
def test_an_expression_that_is_no_ncrontab_is_refused_with_its_text(schedule: str) -> None:
    with pytest.raises(SettingsError, match="schedule"):
        parse_schedule(schedule)


def test_a_timer_fires_at_once_when_asked_and_not_after_it_was_stopped() -> None:
    stop, fired = Event(), []

    def fire() -> None:
        fired.append(1)
        stop.set()

    run_timer(parse_schedule("0 0 0 29 2 *"), fire, stop, at_once=True)
    run_timer(parse_schedule("* * * * * *"), fire, stop)
    assert fired == [1]
