"""The decision: an ordered list of brakes, first match wins, each with a reason code.

Pure and total: the context holds everything that was recalled, the time included. Audit mode is no
brake: the decision is the one that enforce would take, marked ``dry_run``, and the act step writes
nothing. The order is the promise of ``docs/reasons.md``: break-glass, exempt, unknown, effect, no
plan, not proved, outside scopes, inherited, last way in, safety, exempt by tag, change freeze, outside
window, not ready, settling, in vain, flapping, budget, revert.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from shared.guardrails.boundary import outside_scopes
from shared.guardrails.question import BreakGlass, Question, Readiness
from shared.guardrails.schedule import WhenClosed
from shared.model import Action, Actor, ComplianceState, Decision, Effect, Outcome, Reason, Safety, Severity

SHORTEST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
"""Seconds between two looks at a busy target; a server's management operation takes about a minute."""

BUSY_TOO_LONG: Final = timedelta(hours=1)

LONGEST_WAIT: Final = 86_400.0
"""Seconds after which a question that waits for a freeze, a window or a tag is asked again in any case;
the queue holds no message back for longer than seven days."""

SETTLING_TOO_LONG: Final = 10
"""After this many settle times without quiet, people hear of a drift that waits for its revert."""


def decide(question: Question) -> Decision:
    """Ask every brake in order; without any brake the change is made."""
    for brake in BRAKES:
        decision = brake(question)
        if decision is not None:
            return decision
    return _decision(question, Action.REVERT, _grounds(question))


def _decision(
    question: Question, action: Action, reason: Reason, detail: str = "", again: float | None = None
) -> Decision:
    return Decision(
        policy=question.policy.id,
        action=action,
        reason=reason,
        detail=detail,
        dry_run=question.context.dry_run,
        look_again_seconds=again,
    )


def _grounds(question: Question) -> Reason:
    context = question.context
    if question.is_approved:
        return Reason.APPROVED
    if context.was_compliant:
        return Reason.DRIFT
    return Reason.ADOPTED if context.adopt else Reason.NEW_RESOURCE


# --- the brakes, in order --------------------------------------------------------------------------


def _break_glass(question: Question) -> Decision | None:
    """The switch concerns writes: what would not be written anyway is answered by its own brake."""
    context = question.context
    is_drift = question.finding.state is ComplianceState.NON_COMPLIANT
    if not is_drift or context.exemption is not None or context.effect is Effect.OFF:
        return None
    match context.break_glass:
        case BreakGlass.ON:
            return _decision(question, Action.ALERT, Reason.BREAK_GLASS, "writes are switched off")
        case BreakGlass.UNREADABLE:
            detail = "the switch could not be read, so nothing is written"
            return _decision(question, Action.ALERT, Reason.BREAK_GLASS_UNREADABLE, detail)
        case BreakGlass.OFF:
            return None


def _exempt(question: Question) -> Decision | None:
    exemption = question.context.exemption
    if exemption is None:
        return None
    until = exemption.expires_at.isoformat()
    return _decision(question, Action.SKIP, Reason.EXEMPT, f"{exemption.reason} (until {until})")


def _unknown(question: Question) -> Decision | None:
    if question.finding.state is ComplianceState.NON_COMPLIANT:
        return None
    if question.context.readiness is Readiness.BUSY:
        return _busy(question)
    return _decision(question, Action.SKIP, Reason.UNKNOWN, question.finding.reason)


def _effect(question: Question) -> Decision | None:
    match question.context.effect:
        case Effect.OFF:
            return _decision(question, Action.SKIP, Reason.EFFECT_OFF)
        case Effect.ALERT:
            return _decision(question, Action.ALERT, Reason.EFFECT_ALERT)
        case Effect.REVERT if _is_advice(question) and not question.is_approved:
            return _decision(question, Action.ALERT, Reason.EFFECT_ALERT, "what was found is advice")
        case Effect.REVERT:
            return None


def _is_advice(question: Question) -> bool:
    """A policy's lesser finding: its effect was chosen with the worst one in mind."""
    lowest = Severity.INFORMATIONAL
    return question.finding.severity is lowest and question.policy.severity is not lowest


def _no_plan(question: Question) -> Decision | None:
    if question.change is not None:
        return None
    return _decision(question, Action.ALERT, Reason.NO_PLAN, "no safe minimal change exists")


def _not_proved(question: Question) -> Decision | None:
    proof = question.proof
    if proof is not None and proof.holds:
        return None
    failed = "; ".join(step.detail or step.claim for step in proof.failures) if proof else "no proof"
    return _decision(question, Action.ALERT, Reason.NOT_PROVED, failed)


def _inherited(question: Question) -> Decision | None:
    context = question.context
    known = context.was_compliant or context.created_after_first_pass or context.adopt
    if known or question.is_approved:
        return None
    return _decision(question, Action.ALERT, Reason.INHERITED, "never seen compliant: its owner decides")


def _last_way_in(question: Question) -> Decision | None:
    if not question.assessment.last_way_in:
        return None
    return _decision(question, Action.ALERT, Reason.LAST_WAY_IN, "; ".join(question.assessment.notes))


def _safety(question: Question) -> Decision | None:
    levels = list(Safety)
    safety = max(question.policy.safety, question.assessment.safety, key=levels.index)
    detail = "; ".join(question.assessment.notes)
    match safety:
        case Safety.MANUAL:
            return _decision(question, Action.ALERT, Reason.MANUAL, detail)
        case Safety.APPROVAL if not (question.context.without_approval or question.is_approved):
            return _decision(question, Action.ALERT, Reason.APPROVAL_REQUIRED, detail)
        case _:
            return None


def _exempt_by_tag(question: Question) -> Decision | None:
    """Whoever may tag may not thereby exempt a breach: the drift is told, with the tag's author, and the
    revert comes when the time is over. A person's approval is the stronger word."""
    tag = question.context.tag_exemption
    if tag is None or question.is_approved:
        return None
    actor = tag.seen.actor or Actor()
    author = actor.name or actor.object_id or actor.app_id or "nobody whom an event names"
    since, until = tag.seen.first_seen.isoformat(), tag.until.isoformat()
    detail = f"tag {tag.tag}: {tag.seen.text!r}, seen since {since}, last writer {author}; until {until}"
    return _decision(question, Action.ALERT, Reason.EXEMPT_BY_TAG, detail, _wait_until(tag.until, question))


def _change_freeze(question: Question) -> Decision | None:
    """Not even an approval opens a freeze."""
    freeze = question.context.freeze
    if freeze is None or question.context.during_freeze is WhenClosed.REVERT:
        return None
    detail = f"{freeze.reason} (until {freeze.ends.isoformat()})"
    return _decision(question, Action.ALERT, Reason.CHANGE_FREEZE, detail, _wait_until(freeze.ends, question))


def _outside_window(question: Question) -> Decision | None:
    """A person who approves the change has chosen the time as well."""
    opens = question.context.closed_until
    if opens is None or question.context.outside_window is WhenClosed.REVERT or question.is_approved:
        return None
    detail = f"the next maintenance window opens at {opens.isoformat()}"
    return _decision(question, Action.ALERT, Reason.OUTSIDE_WINDOW, detail, _wait_until(opens, question))


def _wait_until(time: datetime, question: Question) -> float:
    """Seconds until the question should be asked again."""
    return min((time - question.context.now).total_seconds(), LONGEST_WAIT)


def _not_ready(question: Question) -> Decision | None:
    match question.context.readiness:
        case Readiness.BUSY:
            return _busy(question)
        case Readiness.STOPPED:
            detail = "a stopped server refuses writes; its start is looked at again"
            return _decision(question, Action.ALERT, Reason.TARGET_STOPPED, detail)
        case Readiness.READY:
            return None


def _busy(question: Question) -> Decision:
    """Look again, ever less often: ``Updating`` is neither compliant nor writable. A drift that has
    to wait for too long is told."""
    waited = question.waited
    again = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, waited.total_seconds() / 2))
    is_drift = question.finding.state is ComplianceState.NON_COMPLIANT
    action = Action.ALERT if is_drift and waited >= BUSY_TOO_LONG else Action.SKIP
    return _decision(question, action, Reason.TARGET_BUSY, "another operation is running", again)


def _settling(question: Question) -> Decision | None:
    """Quiet time is for running deployments; alerts do not wait for it, nor does it wait in silence."""
    context = question.context
    if context.last_foreign_write is None:
        return None
    quiet_at = context.last_foreign_write + timedelta(seconds=context.settle_seconds)
    left = (quiet_at - context.now).total_seconds()
    if left <= 0:
        return None
    too_long = timedelta(seconds=context.settle_seconds * SETTLING_TOO_LONG)
    action = Action.ALERT if question.waited >= too_long else Action.SKIP
    return _decision(question, action, Reason.SETTLING, f"quiet until {quiet_at.isoformat()}", left)


def _in_vain(question: Question) -> Decision | None:
    """Azure refuses some writes for good and ignores others without an error: one attempt is enough
    to know, until the window has passed or a person asks again."""
    context = question.context
    approved_at = context.approval.at if context.approval is not None and question.is_approved else None
    asked = [at for at in (context.asked_at, approved_at) if at is not None]
    for attempt in question.attempts_at_this_drift:
        if any(at > attempt.at for at in asked):
            continue
        if attempt.outcome is Outcome.INEFFECTIVE:
            detail = "the last revert was accepted and changed nothing"
            return _decision(question, Action.ALERT, Reason.INEFFECTIVE, detail)
        if attempt.outcome is Outcome.FAILED:
            detail = "the last revert was refused; it is tried again when its window has passed"
            return _decision(question, Action.ALERT, Reason.FAILED, detail)
    return None


def _flapping(question: Question) -> Decision | None:
    context = question.context
    same = question.attempts_at_this_drift
    if len(same) < context.limits.flapping_reverts:
        return None
    detail = f"reverted {len(same)} times within {context.limits.flapping_window}: somebody writes it again"
    return _decision(question, Action.ALERT, Reason.FLAPPING, detail)


def _budget(question: Question) -> Decision | None:
    context, limits = question.context, question.context.limits
    hour_ago = context.now - timedelta(hours=1)
    writes = len(question.change.edits) if question.change else 0
    on_target = sum(attempt.writes for attempt in context.attempts if attempt.at > hour_ago)
    if on_target + writes > limits.writes_per_target:
        detail = f"{on_target} of {limits.writes_per_target} writes to this target in the last hour"
        return _decision(question, Action.ALERT, Reason.BUDGET, detail)
    if context.subscription_writes + writes > limits.writes_per_subscription:
        used, limit = context.subscription_writes, limits.writes_per_subscription
        return _decision(
            question, Action.ALERT, Reason.BUDGET, f"{used} of {limit} writes in this subscription's hour"
        )
    return None


BRAKES: Final[tuple[Callable[[Question], Decision | None], ...]] = (
    _break_glass,
    _exempt,
    _unknown,
    _effect,
    _no_plan,
    _not_proved,
    outside_scopes,
    _inherited,
    _last_way_in,
    _safety,
    _exempt_by_tag,
    _change_freeze,
    _outside_window,
    _not_ready,
    _settling,
    _in_vain,
    _flapping,
    _budget,
)


def comes_to_last_way_in(question: Question) -> bool:
    """Whether no brake before *last way in* holds: only then its answer decides, and is worth reading for."""
    before = BRAKES[: BRAKES.index(_last_way_in)]
    return all(brake(question) is None for brake in before)
