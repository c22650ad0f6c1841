"""The brakes that wait: for a target that is busy, and for quiet after somebody's write.

Whoever keeps a target busy, or keeps writing, must not thereby keep a hole open: both are told in time
(``exposures``), and settling ends for an exposure when it has been open for long enough.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from shared.guardrails.question import Question, Readiness
from shared.model import Action, ComplianceState, Decision, Reason

SHORTEST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
LONGEST_PAUSE_EXPOSED: Final = 60.0
"""Seconds between two looks at a busy target; a server's management operation takes about a minute."""

BUSY_TOO_LONG: Final = timedelta(hours=1)

SETTLING_TOO_LONG: Final = 10
"""After this many settle times without quiet, people hear of a drift that waits for its revert."""


def not_ready(question: Question) -> Decision | None:
    match question.context.readiness:
        case Readiness.BUSY:
            return busy(question)
        case Readiness.STOPPED:
            detail = "a stopped server refuses writes; its start is looked at again"
            return question.answered(Action.ALERT, Reason.TARGET_STOPPED, detail)
        case Readiness.READY:
            return None


def busy(question: Question) -> Decision:
    """Look again, ever less often: ``Updating`` is neither compliant nor writable. A drift that has
    to wait for too long is told."""
    waited, is_exposure = question.waited, question.context.exposure is not None
    longest = LONGEST_PAUSE_EXPOSED if is_exposure else LONGEST_PAUSE
    again = min(longest, max(SHORTEST_PAUSE, waited.total_seconds() / 2))
    is_drift = question.finding.state is ComplianceState.NON_COMPLIANT
    action = Action.ALERT if is_drift and waited >= BUSY_TOO_LONG else Action.SKIP
    return question.answered(action, Reason.TARGET_BUSY, "another operation is running", again)


def settling(question: Question) -> Decision | None:
    """Quiet time is for running deployments; alerts do not wait for it, nor does it wait in silence."""
    context = question.context
    if context.last_foreign_write is None:
        return None
    quiet_at = context.last_foreign_write + timedelta(seconds=context.settle_seconds)
    left = min((quiet_at - context.now).total_seconds(), _until_cap(question))
    if left <= 0:
        return None
    too_long = timedelta(seconds=context.settle_seconds * SETTLING_TOO_LONG)
    action = Action.ALERT if question.waited >= too_long else Action.SKIP
    until = (context.now + timedelta(seconds=left)).isoformat()
    return question.answered(action, Reason.SETTLING, f"quiet until {until}", left)


def _until_cap(question: Question) -> float:
    """Seconds of settling that are left to an exposure, however often somebody writes meanwhile. Who asks for
    more quiet than the cap gets as much quiet as that, once."""
    context = question.context
    if context.exposure is None:
        return float("inf")
    cap = max(context.limits.settle_cap.total_seconds(), context.settle_seconds)
    return cap - context.exposure.open_for(context.now).total_seconds()
