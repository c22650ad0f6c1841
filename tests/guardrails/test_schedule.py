"""Freezes and maintenance windows: which moments they hold, over midnight and as clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.schedule import Freeze, Weekday, Window, closed_until, freeze_at

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def window(opens: str, closes: str, *days: Weekday, **parts: Any) -> Window:
    chosen = frozenset(days or Weekday)
    return Window(
        days=chosen,
        opens=time.fromisoformat(opens),
        closes=time.fromisoformat(closes),
        zone=parts.get("zone", BERLIN),
    )


def is_open(windows: list[Window], now: str) -> bool:
    return closed_until(windows, at(now)) is None


# --- freezes ---------------------------------------------------------------------------------------


def freeze(starts: str, ends: str) -> Freeze:
    return Freeze(starts=at(starts), ends=at(ends), reason="holidays")


def test_a_freeze_holds_from_its_beginning_until_before_its_end() -> None:
    one = freeze("2026-12-20T00:00:00Z", "2027-01-02T00:00:00Z")
    assert freeze_at([one], at("2026-12-19T23:59:59Z")) is None
    assert freeze_at([one], at("2026-12-20T00:00:00Z")) is one
    assert freeze_at([one], at("2027-01-01T23:59:59Z")) is one
    assert freeze_at([one], at("2027-01-02T00:00:00Z")) is None


def test_of_two_freezes_the_one_that_ends_last_is_told() -> None:
    short = freeze("2026-12-20T00:00:00Z", "2026-12-27T00:00:00Z")
    long = freeze("2026-12-24T00:00:00Z", "2027-01-02T00:00:00Z")
    assert freeze_at([long, short], at("2026-12-25T00:00:00Z")) is long
    assert freeze_at([long, short], at("2026-12-21T00:00:00Z")) is short


# --- windows ---------------------------------------------------------------------------------------


def test_without_windows_nothing_is_closed() -> None:
    assert closed_until([], at("2026-11-02T08:00:00Z")) is None


def test_a_window_of_the_day_is_open_from_its_beginning_until_before_its_end() -> None:
    office = [window("09:00", "17:00", Weekday.MON)]  # 2 November 2026 is a Monday, Berlin is at +1
    assert closed_until(office, at("2026-11-02T07:59:59Z")) == at("2026-11-02T08:00:00Z")
    assert is_open(office, "2026-11-02T08:00:00Z")
    assert is_open(office, "2026-11-02T15:59:59Z")
    assert closed_until(office, at("2026-11-02T16:00:00Z")) == at("2026-11-09T08:00:00Z")


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    night = [window("22:00", "04:00", Weekday.SAT)]
    assert is_open(night, "2026-11-07T22:00:00+01:00")
    assert is_open(night, "2026-11-08T03:59:59+01:00")  # a Sunday
    assert not is_open(night, "2026-11-08T04:00:00+01:00")
    assert not is_open(night, "2026-11-07T03:00:00+01:00")  # the night of Friday
    assert not is_open(night, "2026-11-08T22:00:00+01:00")


def test_the_same_time_at_both_ends_is_a_whole_day() -> None:
    sunday = [window("00:00", "00:00", Weekday.SUN)]
    assert closed_until(sunday, at("2026-11-07T23:59:59+01:00")) == at("2026-11-08T00:00:00+01:00")
    assert is_open(sunday, "2026-11-08T23:59:59+01:00")
    assert not is_open(sunday, "2026-11-09T00:00:00+01:00")


def test_days_are_those_of_the_windows_own_zone() -> None:
    monday = [window("20:00", "23:00", Weekday.MON, zone=NEW_YORK)]
    assert is_open(monday, "2026-11-03T02:00:00Z")  # Tuesday in UTC, Monday evening in New York


def test_one_open_window_is_enough_and_otherwise_the_next_one_counts() -> None:
    two = [window("01:00", "02:00", Weekday.WED), window("01:00", "02:00", Weekday.TUE)]
    assert closed_until(two, at("2026-11-02T08:00:00Z")) == at("2026-11-03T01:00:00+01:00")
    assert is_open(two, "2026-11-04T01:30:00+01:00")


def test_a_night_window_is_shorter_in_march_and_longer_in_october() -> None:
    night = window("22:00", "04:00")
    lengths = {
        day: next(
            end - start
            for start, end in night.openings(at(f"{day}T12:00:00Z"))
            if start > at(f"{day}T12:00:00Z")
        )
        for day in ("2026-03-28", "2026-06-01", "2026-10-24")
    }
    assert [lengths[day] for day in lengths] == [timedelta(hours=5), timedelta(hours=6), timedelta(hours=7)]


def test_an_hour_that_happens_twice_is_in_the_window_twice() -> None:
    twice = [window("02:00", "03:00", Weekday.SUN)]
    assert is_open(twice, "2026-10-25T02:30:00+02:00")
    assert is_open(twice, "2026-10-25T02:30:00+01:00")
    assert not is_open(twice, "2026-10-25T03:00:00+01:00")


def test_a_window_that_the_clocks_skip_does_not_open_and_the_next_week_counts() -> None:
    skipped = [window("02:00", "03:00", Weekday.SUN)]
    assert closed_until(skipped, at("2026-03-28T12:00:00Z")) == at("2026-04-05T02:00:00+02:00")


def test_a_window_that_begins_in_the_skipped_hour_opens_when_it_would_have() -> None:
    half = [window("02:30", "05:00", Weekday.SUN)]
    assert closed_until(half, at("2026-03-28T12:00:00Z")) == at("2026-03-29T02:30:00+01:00")


def test_a_window_that_ends_in_the_skipped_hour_closes_before_the_clocks_change() -> None:
    night = [window("22:00", "02:30", Weekday.SAT)]
    assert is_open(night, "2026-03-29T01:29:59+01:00")
    assert not is_open(night, "2026-03-29T01:30:00+01:00")
    assert not is_open(night, "2026-03-29T03:15:00+02:00")


@given(
    now=st.integers(0, 730 * 24 * 60).map(
        lambda minutes: at("2026-01-01T00:00:00Z") + timedelta(minutes=minutes)
    ),
    opens=st.times(),
    closes=st.times(),
    days=st.frozensets(st.sampled_from(Weekday), min_size=1),
    zone=st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_what_is_closed_opens_at_the_time_that_is_told(
    now: datetime, opens: time, closes: time, days: frozenset[Weekday], zone: ZoneInfo
) -> None:
    one = Window(days=days, opens=opens, closes=closes, zone=zone)
    next_opening = closed_until([one], now)
    if next_opening is not None:
        assert now < next_opening < now + timedelta(days=16)
        assert closed_until([one], next_opening) is None
        just_before = next_opening - timedelta(microseconds=1)
        assert closed_until([one], just_before) == next_opening or just_before < now
