"""When a letter may go: quiet hours, digests and the merge window, and what waits for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.schedule import Weekday, Window, next_time
from shared.guardrails.slots import (
    AT_ONCE,
    LONGEST,
    Digest,
    QuietHours,
    Slot,
    Waits,
    deployment_words,
    slot,
)
from shared.model import Actor, Cause, CauseKind, Severity
from tests.builders import SERVER

SLACK, PAGER, MAIL = "1 slack#5f0c21", "2 pagerduty#0a1b2c", "3 mailtos://mail.example.com#1"
TOPIC, HOOK, TEAMS = "4 eventgrid://x", "5 jsons://hook.example.com#2", "6 workflows://flow.example.com#3"
SINKS = (SLACK, PAGER, MAIL, TOPIC, HOOK, TEAMS)
TALK = (SLACK, MAIL, TEAMS)
BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = frozenset(Weekday)
WORDS = ("correlation c-1",)

NIGHT = QuietHours(
    window=Window(days=EVERY_DAY, opens=time(22), closes=time(7), zone=BERLIN), severity=Severity.MEDIUM
)
MORNING = Digest(sinks=("slack", "mailto"), at=time(9), days=EVERY_DAY, zone=BERLIN, severity=Severity.LOW)
MIDNIGHT = datetime(2026, 11, 30, 23, tzinfo=UTC)
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SEVEN = datetime(2026, 12, 1, 6, tzinfo=UTC)
NINE = datetime(2026, 12, 1, 8, tzinfo=UTC)


def at(sink: str, severity: Severity, now: datetime, waits: Waits, words: tuple[str, ...] = WORDS) -> Slot:
    return slot(sink, severity, words, now, waits)


@pytest.mark.parametrize("sink", SINKS)
def test_by_default_chats_and_mail_wait_a_minute_for_others_of_the_deployment(sink: str) -> None:
    found = at(sink, Severity.HIGH, NOON, Waits())
    assert found == (Slot(until=NOON + timedelta(minutes=1), bundle=WORDS) if sink in TALK else AT_ONCE)


def test_what_is_of_no_deployment_and_what_is_not_merged_goes_at_once() -> None:
    assert at(SLACK, Severity.HIGH, NOON, Waits(), words=()) == AT_ONCE
    assert at(SLACK, Severity.HIGH, NOON, Waits(merge=timedelta())) == AT_ONCE


everything = Waits(
    quiet=(replace(NIGHT, severity=Severity.HIGH, sinks=SINKS),),
    digests=(replace(MORNING, severity=Severity.HIGH, sinks=SINKS),),
)


@given(
    sink=st.sampled_from(SINKS),
    severity=st.sampled_from(Severity),
    minutes=st.integers(0, 60 * 24 * 400),
    waits=st.sampled_from([Waits(), everything, replace(everything, digests=())]),
)
def test_critical_and_the_topic_wait_for_nothing_and_nothing_waits_longer_than_a_week(
    sink: str, severity: Severity, minutes: int, waits: Waits
) -> None:
    now = NOON + timedelta(minutes=minutes)
    found = at(sink, severity, now, waits)
    if severity is Severity.CRITICAL or sink == TOPIC:
        assert found == AT_ONCE
    assert found.until is None or now < found.until <= now + LONGEST
    if sink not in TALK:
        assert found.bundle == ()
        assert found.until is None or severity.rank <= Severity.MEDIUM.rank


def test_at_night_what_is_mild_waits_until_the_morning_and_is_one_message_then() -> None:
    found = at(SLACK, Severity.MEDIUM, MIDNIGHT, Waits(quiet=(NIGHT,)))
    assert found == Slot(until=SEVEN, bundle=(f"until {SEVEN.isoformat()}",))
    assert at(SLACK, Severity.HIGH, MIDNIGHT, Waits(quiet=(NIGHT,))).bundle == WORDS
    assert at(SLACK, Severity.MEDIUM, NOON, Waits(quiet=(NIGHT,))).bundle == WORDS


def test_what_is_high_waits_where_the_entry_says_so_and_a_pager_is_never_told_late_of_it() -> None:
    waits = Waits(quiet=(replace(NIGHT, severity=Severity.HIGH, sinks=("slack", "pagerduty")),))
    assert at(SLACK, Severity.HIGH, MIDNIGHT, waits).until == SEVEN
    assert at(PAGER, Severity.HIGH, MIDNIGHT, waits) == AT_ONCE
    assert at(PAGER, Severity.MEDIUM, MIDNIGHT, waits) == Slot(until=SEVEN)


def test_quiet_hours_that_name_nobody_are_those_of_chats_and_mail() -> None:
    waits = Waits(quiet=(NIGHT,), merge=timedelta())
    held = [sink for sink in SINKS if at(sink, Severity.LOW, MIDNIGHT, waits) != AT_ONCE]
    assert held == list(TALK)


def test_quiet_hours_that_follow_each_other_are_one_night() -> None:
    sunday = Window(days=frozenset({Weekday.TUE}), opens=time(0), closes=time(0), zone=BERLIN)
    waits = Waits(quiet=(NIGHT, replace(NIGHT, window=sunday)))
    assert at(SLACK, Severity.LOW, MIDNIGHT, waits).until == SEVEN + timedelta(days=1)


def test_hours_that_never_end_hold_back_for_a_week() -> None:
    always = Window(days=EVERY_DAY, opens=time(0), closes=time(0), zone=BERLIN)
    assert (
        at(SLACK, Severity.LOW, NOON, Waits(quiet=(replace(NIGHT, window=always),))).until == NOON + LONGEST
    )


def test_a_digest_is_the_next_one_of_the_sinks_that_it_names() -> None:
    waits = Waits(digests=(MORNING, replace(MORNING, at=time(14), sinks=("6",))))
    assert at(SLACK, Severity.LOW, NOON, waits).until == NINE
    assert at(TEAMS, Severity.LOW, NOON, waits).until == datetime(2026, 11, 30, 13, tzinfo=UTC)
    assert at(SLACK, Severity.MEDIUM, NOON, waits).bundle == WORDS
    assert at(PAGER, Severity.LOW, NOON, Waits(digests=(replace(MORNING, sinks=("pagerduty",)),))) == AT_ONCE


def test_a_digest_within_quiet_hours_comes_at_their_end() -> None:
    early = replace(MORNING, at=time(5))
    assert at(SLACK, Severity.LOW, NOON, Waits(quiet=(NIGHT,), digests=(early,))).until == SEVEN


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # 02:30 is skipped
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice
    ],
)
def test_a_time_in_the_night_when_clocks_are_changed_comes_once(day: datetime, expected: datetime) -> None:
    assert next_time(time(2, 30), EVERY_DAY, BERLIN, day) == expected
    assert next_time(time(2, 30), EVERY_DAY, BERLIN, expected) > expected + timedelta(hours=20)


def test_the_night_of_march_is_an_hour_shorter() -> None:
    before = datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert at(SLACK, Severity.LOW, before, Waits(quiet=(NIGHT,))).until == datetime(
        2026, 3, 29, 5, tzinfo=UTC
    )


# --- what is of one deployment ---------------------------------------------------------------------

JANE = Actor(object_id="jane", app_id="portal", name="Jane")
EVENT = Cause(kind=CauseKind.EVENT, time=NOON, actor=JANE, correlation_id="c-1")


def shared(one: Cause, other: Cause) -> bool:
    return bool({*deployment_words(one, SERVER)} & {*deployment_words(other, SERVER)})


def test_a_deployment_is_known_by_azures_correlation_or_by_its_writer_and_group() -> None:
    assert shared(EVENT, replace(EVENT, actor=Actor()))
    assert shared(EVENT, replace(EVENT, correlation_id="c-2"))
    assert not shared(EVENT, replace(EVENT, correlation_id="c-2", actor=Actor(object_id="joe")))
    assert not shared(EVENT, Cause(kind=CauseKind.SWEEP, time=NOON))


def test_what_is_known_of_nobody_is_merged_with_nothing_but_what_a_sweep_found() -> None:
    unknown = replace(EVENT, actor=Actor(name="anybody may choose this"), correlation_id=None)
    assert deployment_words(unknown, SERVER) == ()
    assert deployment_words(EVENT, None) == ("correlation c-1",)
    sweep = Cause(kind=CauseKind.SWEEP, time=NOON)
    assert shared(sweep, replace(sweep, time=NOON + LONGEST))
