"""The brakes on doing the same again: attempts that were in vain, drifts that come back, the budget.

They protect from our own mistakes: a revert that Azure ignores, two writers at odds, a fault that drifts
everywhere at once. For an exposure none of them is the end: a fight goes on with pauses, the next try has a
time, and room in the budget is asked for again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from shared.guardrails.budget import Purchase, bounds, cost
from shared.guardrails.exposures import openers
from shared.guardrails.question import Question
from shared.model import Action, Decision, Outcome, Purse, Reason
from shared.model.exposure import Exposure
from shared.model.memory import Attempt

PAUSES: Final = (timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=30))
"""In a fight, between one write and the next: after as many reverts as are flapping, after one more, and from
then on."""

MOMENT: Final = timedelta(seconds=30)
"""Between two tries at an exposure of which several were interrupted."""

ROUND: Final = timedelta(minutes=2)
"""How long after one hole of a target was shut the others are."""


def in_vain(question: Question) -> Decision | None:
    """Azure refuses some writes for good and ignores others without an error: one attempt is enough
    to know, until the window has passed or a person asks again."""
    context = question.context
    approved_at = context.approval.at if context.approval is not None and question.is_approved else None
    asked = [at for at in (context.asked_at, approved_at) if at is not None]
    for attempt in question.attempts_at_this_drift:
        if attempt.outcome not in _IN_VAIN or any(at > attempt.at for at in asked):
            continue
        reason, detail = _IN_VAIN[attempt.outcome]
        tried_again = (attempt.at + _window(attempt, question) - context.now).total_seconds()
        if tried_again <= 0:
            continue
        return question.answered(Action.ALERT, reason, detail, tried_again)
    return None


def _window(attempt: Attempt, question: Question) -> timedelta:
    """Of an exposure it is tried again soon, and after several times at the pace of a fight: whoever made
    Azure refuse gains little. What was interrupted goes on at once, and after several times in a moment."""
    limits, is_exposure = question.context.limits, question.context.exposure is not None
    mine = [one for one in question.attempts_of_a_day if one.policy == question.policy.id]
    alike = [one for one in mine if one.outcome is attempt.outcome]
    if attempt.outcome is Outcome.CONFLICTED:
        return MOMENT if is_exposure and len(alike) >= limits.flapping_reverts else timedelta(0)
    if not is_exposure:
        return limits.flapping_window
    return PAUSES[1] if len(alike) <= limits.flapping_reverts else PAUSES[2]


_IN_VAIN: Final = {
    Outcome.INEFFECTIVE: (Reason.INEFFECTIVE, "the last revert was accepted and changed nothing"),
    Outcome.FAILED: (
        Reason.FAILED,
        "the last revert was refused; it is tried again when its window has passed",
    ),
    Outcome.CONFLICTED: (Reason.FAILED, "reverts are interrupted; it is tried again in a moment"),
}


def coming_back(question: Question) -> Decision | None:
    """The same again and again: two writers are at odds, and it ends here until the window has passed."""
    if question.context.exposure is not None:
        return None
    limits, same = question.context.limits, question.attempts_at_this_drift
    if len(same) >= limits.flapping_reverts:
        detail = f"reverted {len(same)} times within {limits.flapping_window}: somebody writes it again"
        return question.answered(Action.ALERT, Reason.FLAPPING, detail)
    mine = [attempt for attempt in question.attempts_of_a_day if attempt.policy == question.policy.id]
    left = _pause_left(mine, question)
    if left <= 0 or len(mine) < limits.flapping_reverts + len(PAUSES) - 1:
        return None
    detail = f"reverted {len(mine)} times within a day: somebody writes it again"
    return question.answered(Action.ALERT, Reason.FLAPPING, detail, left)


def fighting(question: Question) -> Decision | None:
    """For an exposure the fight goes on, each write later after the last. It is asked before what else delays
    a revert: a fight is told as one, however busy somebody keeps the target meanwhile.

    Whoever opens other holes of the same target in turn fights the same fight; the first revert of a
    policy is none of it. When the pause is over every hole is shut, one after the other: one that waited for
    the next pause would keep open what the other closed."""
    if question.context.exposure is None:
        return None
    reverts = [attempt for attempt in question.attempts_of_a_day if _was_undone(attempt)]
    if all(attempt.policy != question.policy.id for attempt in reverts):
        return None
    left = _pause_left(reverts, question)
    if left <= 0:
        return None
    detail = f"reverted {len(reverts)} times within a day and opened again{_by_whom(question)}; it goes on"
    return question.answered(Action.ALERT, Reason.FIGHTING, detail, left)


def _was_undone(attempt: Attempt) -> bool:
    """Whether it shut an exposure, so that somebody opened it again; what was refused shut nothing."""
    return attempt.purse is Purse.EXPOSURE and attempt.outcome not in {Outcome.CONFLICTED, Outcome.FAILED}


def _of_this_round(attempt: Attempt, question: Question) -> bool:
    """Whether it shut another hole of this target just now."""
    return attempt.policy != question.policy.id and question.context.now - attempt.at < ROUND


def _pause_left(reverts: list[Attempt], question: Question) -> float:
    """Seconds until the next write; nothing while there were few."""
    over = len(reverts) - question.context.limits.flapping_reverts
    before = [attempt.at for attempt in reverts if not _of_this_round(attempt, question)]
    if over < 0 or not before:
        return 0.0
    next_at = max(before) + PAUSES[min(over, len(PAUSES) - 1)]
    return (next_at - question.context.now).total_seconds()


def _by_whom(question: Question) -> str:
    names = openers(question.context.exposure or Exposure())
    return f" by {', '.join(names)}" if names else ""


def over_budget(question: Question) -> Decision | None:
    """Whoever waits for room is asked again when there is some."""
    context = question.context
    writes = cost(question.change, question.purse) if question.change else 0
    purchase = Purchase(target=question.finding.target, writes=writes, purse=question.purse)
    for bound in bounds(purchase, context.budget, context.attempts, context.limits, context.now):
        if bound.holds_up(writes):
            room = bound.room_at(writes)
            again = (room - context.now).total_seconds() if room is not None else None
            return question.answered(Action.ALERT, Reason.BUDGET, bound.told(question.purse), again)
    return None
