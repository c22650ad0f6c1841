"""What follows from the clock of an exposure: when it is told, when delays end, what a fight is.

A brake protects from our own mistakes, and counts on somebody's good will: that whoever keeps writing is a
deployment, that what comes back is a pipeline. None of them may become a shield. So an exposure is told
whatever delays its revert, every delay has an end that its cause cannot move, and for an exposure giving up
is never the end: it is reverted again, with pauses. ADR 0014 says what each brake protects from. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.guardrails.question import Question
from shared.model import Action, ComplianceState, Decision, Finding, Kind, Reason, Severity, Snapshot
from shared.model.exposure import Exposure, Opening
from shared.posture.policy import AnyPolicy
from shared.posture.traffic import ServerTraffic

TOLD_AFTER: Final = timedelta(seconds=90)
"""Of open time within a day, after which an exposure is told whatever delays its revert; Critical at once."""

SLOW_REVERT: Final = timedelta(seconds=60)
"""Since its revert was begun, after which an exposure is told; an operation takes less as a rule."""

TOLD_AT: Final = 3
"""The opening within a day at which it is told."""

REST: Final = timedelta(hours=1)
"""How long nothing may be found until what came back and back counts as over."""

_DELAYS: Final = frozenset({Reason.SETTLING, Reason.TARGET_BUSY})


def lets_in(policy: AnyPolicy, finding: Finding, snapshot: Snapshot) -> bool:
    """Whether what was found lets somebody in who should not be: it has a clock.

    Public access without a rule admits nobody yet; a policy without edits does not say whom it shuts out.
    """
    is_grave = finding.severity.rank >= Severity.HIGH.rank
    if (
        finding.state is not ComplianceState.NON_COMPLIANT
        or policy.kind is not Kind.TIGHTENING
        or not is_grave
    ):
        return False
    traffic = policy.forbidden(snapshot)
    return not (policy.edits and isinstance(traffic, ServerTraffic) and traffic.nobody)


def clock(known: Exposure, opening: Opening | None, finding: Finding, now: datetime) -> Exposure:
    """The clock after one more look; ``opening`` is what was seen open, None where nothing is.

    What could not be judged leaves it as it is: nobody shuts a hole by making it unreadable.
    """
    if opening is not None:
        return known.seen(opening)
    undecided = {ComplianceState.UNKNOWN, ComplianceState.ERROR}
    return known if finding.state in undecided else known.shut(now)


def is_restless(exposure: Exposure, now: datetime) -> bool:
    """Whether it has come back, was told, and has not been away for long enough to be over."""
    times = len(exposure.recent(now))
    if times < TOLD_AT and (times < TOLD_AT - 1 or exposure.open_for(now) < TOLD_AFTER):
        return False
    return exposure.last_shut is None or now - exposure.last_shut < REST


def rest_left(exposure: Exposure, now: datetime) -> float | None:
    """Seconds until what came back and back counts as over; None where nothing is waited for."""
    if exposure.last_shut is None or not is_restless(exposure, now):
        return None
    return (exposure.last_shut + REST - now).total_seconds()


def openers(exposure: Exposure) -> tuple[str, ...]:
    """Who had last written when it was seen to be opened, each once; what no event told is not said."""
    actors = (opening.actor for opening in exposure.openings if opening.actor is not None)
    names = (actor.name or actor.object_id or actor.app_id for actor in actors)
    return tuple(dict.fromkeys(name for name in names if name))


def told_in(exposure: Exposure, severity: Severity, now: datetime) -> timedelta:
    """How long an open exposure may still wait in silence; nothing where it is told now."""
    if severity is Severity.CRITICAL or len(exposure.recent(now)) >= TOLD_AT:
        return timedelta(0)
    return max(TOLD_AFTER - exposure.open_for(now), timedelta(0))


def slow_in(begun: datetime, now: datetime) -> timedelta:
    """How long the revert of an exposure may still take in silence; nothing where it is told now."""
    return max(begun + SLOW_REVERT - now, timedelta(0))


def in_time(question: Question, decision: Decision) -> Decision:
    """The decision, told where it would leave an exposure in silence for too long; asked again by then."""
    exposure = question.context.exposure
    if exposure is None or decision.action is not Action.SKIP or decision.reason not in _DELAYS:
        return decision
    return _told(decision, told_in(exposure, question.finding.severity, question.context.now))


def _told(decision: Decision, left: timedelta) -> Decision:
    if not left:
        return replace(decision, action=Action.ALERT)
    again = decision.look_again_seconds
    seconds = left.total_seconds()
    return replace(decision, look_again_seconds=seconds if again is None else min(again, seconds))
