"""The clock of an exposure: when it is told, when settling ends, how a fight goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.decide import decide
from shared.guardrails.exposures import REST, clock, is_restless, lets_in, openers, rest_left, told_in
from shared.guardrails.question import Readiness
from shared.model import (
    Action,
    Actor,
    ComplianceState,
    Decision,
    Finding,
    Outcome,
    PublicAccess,
    Purse,
    Reason,
    Severity,
)
from shared.model.exposure import Exposure, Opening
from shared.policies import find
from tests.builders import ALL_AZURE, OFFICE, SERVER, public_server, server
from tests.guardrails.test_decide import FINDING, NOW, attempt, opened, question

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def openings(*spans: tuple[timedelta, timedelta | None]) -> Exposure:
    """From how long ago until how long ago; None: until now."""
    return Exposure(
        openings=tuple(
            Opening(seen_at=NOW - since, shut_at=None if until is None else NOW - until)
            for since, until in spans
        )
    )


@pytest.mark.parametrize(
    ("exposure", "severity", "left"),
    [
        (opened(timedelta(0)), Severity.CRITICAL, 0),
        (opened(timedelta(0)), Severity.HIGH, 90),
        (opened(89 * SECOND), Severity.HIGH, 1),
        (opened(91 * SECOND), Severity.HIGH, 0),
        (openings((HOUR, HOUR - 60 * SECOND), (40 * SECOND, None)), Severity.HIGH, 0),
        (openings((HOUR, HOUR - 20 * SECOND), (40 * SECOND, None)), Severity.HIGH, 30),
        (openings((25 * HOUR, 24 * HOUR + SECOND), (10 * SECOND, None)), Severity.HIGH, 80),
        (
            openings((3 * HOUR, 3 * HOUR - SECOND), (2 * HOUR, 2 * HOUR - SECOND), (SECOND, None)),
            Severity.HIGH,
            0,
        ),
    ],
)
def test_an_exposure_may_wait_in_silence_for_90_seconds_of_a_day_and_not_a_third_time(
    exposure: Exposure, severity: Severity, left: int
) -> None:
    assert told_in(exposure, severity, NOW) == left * SECOND


@pytest.mark.field(
    "brakes",
    "Whoever keeps writing delays the revert of an exposure by five minutes of open time at most",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_settling_ends_for_an_exposure_however_often_somebody_writes() -> None:
    noisy = {"last_foreign_write": NOW, "settle_seconds": 60.0}
    assert decide(question(**noisy, exposure=opened(299 * SECOND))).reason is Reason.SETTLING
    assert decide(question(**noisy, exposure=opened(300 * SECOND))).action is Action.REVERT
    broken = openings((HOUR, HOUR - 200 * SECOND), (100 * SECOND, None))
    assert decide(question(**noisy, exposure=broken)).action is Action.REVERT


def test_whoever_asks_for_more_quiet_than_the_cap_gets_it_once() -> None:
    noisy = {"last_foreign_write": NOW, "settle_seconds": 600.0}
    assert decide(question(**noisy, exposure=opened(599 * SECOND))).reason is Reason.SETTLING
    assert decide(question(**noisy, exposure=opened(600 * SECOND))).action is Action.REVERT


def test_what_waits_is_asked_again_when_it_has_to_be_told() -> None:
    quiet = decide(question(last_foreign_write=NOW, exposure=opened(50 * SECOND)))
    assert (quiet.action, quiet.look_again_seconds) == (Action.SKIP, 40.0)
    told = decide(question(last_foreign_write=NOW, exposure=opened(90 * SECOND)))
    assert (told.action, told.reason, told.look_again_seconds) == (Action.ALERT, Reason.SETTLING, 60.0)


@pytest.mark.field(
    "brakes",
    "An exposure on a busy target is told as any other, and looked at every minute",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_a_busy_target_keeps_no_exposure_quiet() -> None:
    grave = {"finding": _critical(), "readiness": Readiness.BUSY, "exposure": opened(timedelta(0))}
    decision = decide(question(**grave))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.TARGET_BUSY)
    long_ago = {**grave, "exposure": opened(HOUR), "waiting_since": NOW - HOUR}
    assert decide(question(**long_ago)).look_again_seconds == 60.0


def _critical() -> Finding:
    return replace(FINDING, severity=Severity.CRITICAL)


@pytest.mark.field(
    "brakes",
    "A fight about an exposure goes on after 2, 5 and then 30 minutes from one write to the next",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("reverts", "ago", "goes_on"),
    [
        (2, SECOND, True),
        (3, 2 * MINUTE - SECOND, False),
        (3, 2 * MINUTE, True),
        (4, 5 * MINUTE - SECOND, False),
        (4, 5 * MINUTE, True),
        (5, 30 * MINUTE - SECOND, False),
        (5, 30 * MINUTE, True),
        (40, 30 * MINUTE, True),
    ],
)
def test_a_fight_goes_on_with_pauses(reverts: int, ago: timedelta, goes_on: bool) -> None:
    done = tuple(
        attempt(ago + number * HOUR, purse=Purse.EXPOSURE, fingerprint=f"range {number}", writes=0)
        for number in range(reverts)
    )
    decision = decide(question(attempts=done, exposure=opened(SECOND)))
    assert (decision.action is Action.REVERT) is goes_on
    if not goes_on:
        assert (decision.reason, decision.look_again_seconds) == (Reason.FIGHTING, 1.0)


def test_the_first_revert_of_a_policy_waits_for_no_fight_of_another() -> None:
    others = (attempt(policy="another-policy", purse=Purse.EXPOSURE),) * 6
    assert decide(question(attempts=others, exposure=opened(SECOND))).action is Action.REVERT
    both = (*others, attempt(purse=Purse.EXPOSURE))
    assert decide(question(attempts=both, exposure=opened(SECOND))).reason is Reason.FIGHTING


def test_when_a_pause_is_over_every_hole_of_the_target_is_shut() -> None:
    fight = tuple(attempt(30 * MINUTE + HOUR * number, purse=Purse.EXPOSURE) for number in range(5))
    other = partial(attempt, policy="another-policy", purse=Purse.EXPOSURE)
    assert decide(question(attempts=(*fight, other(MINUTE)), exposure=opened(SECOND))).action is Action.REVERT
    late = decide(question(attempts=(*fight, other(3 * MINUTE)), exposure=opened(SECOND)))
    assert late.reason is Reason.FIGHTING


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INEFFECTIVE])
def test_an_exposure_whose_revert_was_in_vain_is_tried_again_soon(outcome: Outcome) -> None:
    def decided(ago: timedelta) -> Decision:
        done = replace(attempt(ago, purse=Purse.EXPOSURE), outcome=outcome)
        return decide(question(attempts=(done,), exposure=opened(SECOND)))

    assert decided(5 * MINUTE - SECOND).look_again_seconds == 1.0
    assert decided(5 * MINUTE).action is Action.REVERT


def test_other_drifts_that_come_back_get_one_write_per_half_hour_after_the_first_five() -> None:
    five = tuple(attempt(HOUR * number + 25 * MINUTE) for number in range(1, 6))
    recent = attempt(25 * MINUTE)
    assert decide(question(attempts=(*five[:-1], recent))).reason is Reason.FLAPPING
    assert decide(question(attempts=five)).action is Action.REVERT


def test_a_fight_names_who_opens_it() -> None:
    exposure = Exposure(
        openings=(
            Opening(seen_at=NOW - HOUR, shut_at=NOW - HOUR, actor=Actor(name="Jane Doe")),
            Opening(seen_at=NOW - MINUTE, shut_at=NOW - MINUTE, actor=Actor(app_id="pipeline")),
            Opening(seen_at=NOW, actor=Actor(name="Jane Doe")),
        )
    )
    assert openers(exposure) == ("Jane Doe", "pipeline")


def test_only_what_lets_somebody_in_has_a_clock() -> None:
    policy = find("postgres-public-access-enabled")
    assert policy is not None
    with_rule, without = public_server(firewall_rules=(OFFICE,)), public_server(firewall_rules=())
    assert lets_in(policy, policy.evaluate(with_rule), with_rule)
    assert not lets_in(policy, policy.evaluate(without), without)
    shut = server(public_access=PublicAccess.DISABLED, firewall_rules=(ALL_AZURE,))
    azure = find("postgres-firewall-allows-all-azure")
    assert azure is not None
    assert not lets_in(azure, azure.evaluate(shut), shut)


@pytest.mark.parametrize("state", [ComplianceState.UNKNOWN, ComplianceState.ERROR])
def test_nobody_stops_the_clock_by_making_it_unreadable(state: ComplianceState) -> None:
    running = opened(MINUTE)
    assert clock(running, None, replace(FINDING, state=state), NOW) == running
    assert not clock(running, None, replace(FINDING, state=ComplianceState.COMPLIANT), NOW).is_open


def test_what_comes_back_and_back_is_over_after_an_hour_without_it() -> None:
    thrice = [(number * HOUR + HOUR, number * HOUR + HOUR - MINUTE) for number in (3, 2)]
    fresh = openings(*thrice, (20 * MINUTE, 10 * MINUTE))
    assert is_restless(fresh, NOW)
    assert rest_left(fresh, NOW) == 50 * 60
    assert not is_restless(fresh, NOW + REST)
    assert rest_left(openings(*thrice, (MINUTE, None)), NOW) is None
    assert not is_restless(openings(*thrice), NOW)
    assert not is_restless(openings((30 * MINUTE, 29 * MINUTE), (20 * MINUTE, 19.8 * MINUTE)), NOW)
    assert is_restless(openings((30 * MINUTE, 29 * MINUTE), (20 * MINUTE, 19 * MINUTE)), NOW)


@pytest.mark.parametrize("number", [59, 60, 61, 500])
def test_no_number_of_short_openings_sets_the_clock_back(number: int) -> None:
    exposure = Exposure()
    for opening in range(number):
        at = NOW + 8 * opening * SECOND
        exposure = exposure.seen(Opening(seen_at=at)).shut(at + 4 * SECOND)
    assert exposure.open_for(NOW + 8 * number * SECOND) == 4 * number * SECOND


def test_a_revert_that_was_interrupted_is_none_that_somebody_undid() -> None:
    cut = [attempt(ago * SECOND, purse=Purse.EXPOSURE, outcome=Outcome.CONFLICTED) for ago in (2, 4, 6)]
    assert decide(question(attempts=tuple(cut[:2]), exposure=opened(SECOND))).action is Action.REVERT
    held = decide(question(attempts=tuple(cut), exposure=opened(SECOND)))
    assert (held.reason, held.look_again_seconds) == (Reason.FAILED, 28.0)
    later = tuple(replace(one, at=one.at - 30 * SECOND) for one in cut)
    assert decide(question(attempts=later, exposure=opened(SECOND))).action is Action.REVERT


_MOMENTS = st.lists(st.tuples(st.integers(1, 7200), st.booleans()), max_size=200)


@given(_MOMENTS)
def test_the_clock_agrees_with_a_plain_count_of_open_seconds(moments: list[tuple[int, bool]]) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    exposure, now, history = Exposure(), start, [(start, False)]
    compliant = Finding(
        policy="p",
        target=server().target,
        resource_id=SERVER,
        state=ComplianceState.COMPLIANT,
        severity=Severity.HIGH,
        reason="",
    )
    for pause, is_open in moments:
        now += timedelta(seconds=pause)
        exposure = clock(exposure, Opening(seen_at=now) if is_open else None, compliant, now)
        history.append((now, is_open))
    ends = [moment for moment, _ in history[1:]] + [now]
    since = now - timedelta(hours=24)
    counted = sum(
        (
            max(end - max(begin, since), timedelta(0))
            for (begin, was), end in zip(history, ends, strict=True)
            if was
        ),
        timedelta(0),
    )
    rises = [b for (_, a), (at, b) in pairwise(history) if b and not a]
    if len(rises) <= 60:
        assert exposure.open_for(now) == counted
    assert len(exposure.openings) <= 60
    assert exposure.is_open is history[-1][1]
