"""The decision: an ordered list of brakes, first match wins, each with a reason code.

Pure and total: the context holds everything that was recalled, the time included. Audit mode is no
brake: the decision is the one that enforce would take, marked ``dry_run``, and the act step writes
nothing. The order is the promise of ``docs/reasons.md``: break-glass, exempt, unknown, effect, no
plan, not proved, outside scopes, inherited, last way in, safety, exempt by tag, change freeze, outside
window, not ready, settling, in vain, coming back, budget, revert. Those of the boundary, of waiting and of
repeating have modules of their own; whatever delays the revert of an exposure, it is told in time
(``exposures``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from shared.guardrails.approvals import asked_again
from shared.guardrails.boundary import outside_scopes
from shared.guardrails.exposures import in_time
from shared.guardrails.question import BreakGlass, Question, Readiness
from shared.guardrails.repeating import coming_back, fighting, in_vain, over_budget
from shared.guardrails.schedule import WhenClosed
from shared.guardrails.waiting import busy, not_ready, settling
from shared.model import Action, Actor, ComplianceState, Decision, Effect, Reason, Safety, Severity

LONGEST_WAIT: Final = 86_400.0
"""Seconds after which a question that waits for a freeze, a window or a tag is asked again in any case;
the queue holds no message back for longer than seven days."""


def decide(question: Question) -> Decision:
    """Ask every brake in order; without any brake the change is made."""
    for brake in BRAKES:
        decision = brake(question)
        if decision is not None:
            return in_time(question, asked_again(question, decision))
    return question.answered(Action.REVERT, _grounds(question))


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
            return question.answered(Action.ALERT, Reason.BREAK_GLASS, "writes are switched off")
        case BreakGlass.UNREADABLE:
            detail = "the switch could not be read, so nothing is written"
            return question.answered(Action.ALERT, Reason.BREAK_GLASS_UNREADABLE, detail)
        case BreakGlass.OFF:
            return None


def _exempt(question: Question) -> Decision | None:
    exemption = question.context.exemption
    if exemption is None:
        return None
    until = exemption.expires_at.isoformat()
    again = _wait_until(exemption.expires_at, question)
    return question.answered(Action.SKIP, Reason.EXEMPT, f"{exemption.reason} (until {until})", again)


def _unknown(question: Question) -> Decision | None:
    if question.finding.state is ComplianceState.NON_COMPLIANT:
        return None
    if question.context.readiness is Readiness.BUSY:
        return busy(question)
    return question.answered(Action.SKIP, Reason.UNKNOWN, question.finding.reason)


def _effect(question: Question) -> Decision | None:
    match question.context.effect:
        case Effect.OFF:
            return question.answered(Action.SKIP, Reason.EFFECT_OFF)
        case Effect.ALERT:
            return question.answered(Action.ALERT, Reason.EFFECT_ALERT)
        case Effect.REVERT if _is_advice(question) and not question.is_approved:
            return question.answered(Action.ALERT, Reason.EFFECT_ALERT, "what was found is advice")
        case Effect.REVERT:
            return None


def _is_advice(question: Question) -> bool:
    """A policy's lesser finding: its effect was chosen with the worst one in mind."""
    lowest = Severity.INFORMATIONAL
    return question.finding.severity is lowest and question.policy.severity is not lowest


def _no_plan(question: Question) -> Decision | None:
    if question.change is not None:
        return None
    return question.answered(Action.ALERT, Reason.NO_PLAN, "no safe minimal change exists")


def _not_proved(question: Question) -> Decision | None:
    proof = question.proof
    if proof is not None and proof.holds:
        return None
    failed = "; ".join(step.detail or step.claim for step in proof.failures) if proof else "no proof"
    return question.answered(Action.ALERT, Reason.NOT_PROVED, failed)


def _inherited(question: Question) -> Decision | None:
    context = question.context
    known = context.was_compliant or context.created_after_first_pass or context.adopt
    if known or question.is_approved:
        return None
    return question.answered(Action.ALERT, Reason.INHERITED, "never seen compliant: its owner decides")


def _last_way_in(question: Question) -> Decision | None:
    if not question.assessment.last_way_in:
        return None
    return question.answered(Action.ALERT, Reason.LAST_WAY_IN, "; ".join(question.assessment.notes))


def _safety(question: Question) -> Decision | None:
    levels = list(Safety)
    safety = max(question.policy.safety, question.assessment.safety, key=levels.index)
    detail = "; ".join(question.assessment.notes)
    match safety:
        case Safety.MANUAL:
            return question.answered(Action.ALERT, Reason.MANUAL, detail)
        case Safety.APPROVAL if not (question.context.without_approval or question.is_approved):
            return question.answered(Action.ALERT, Reason.APPROVAL_REQUIRED, detail)
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
    return question.answered(Action.ALERT, Reason.EXEMPT_BY_TAG, detail, _wait_until(tag.until, question))


def _change_freeze(question: Question) -> Decision | None:
    """Not even an approval opens a freeze."""
    freeze = question.context.freeze
    if freeze is None or question.context.during_freeze is WhenClosed.REVERT:
        return None
    detail = f"{freeze.reason} (until {freeze.ends.isoformat()})"
    return question.answered(Action.ALERT, Reason.CHANGE_FREEZE, detail, _wait_until(freeze.ends, question))


def _outside_window(question: Question) -> Decision | None:
    """A person who approves the change has chosen the time as well."""
    opens = question.context.closed_until
    if opens is None or question.context.outside_window is WhenClosed.REVERT or question.is_approved:
        return None
    detail = f"the next maintenance window opens at {opens.isoformat()}"
    return question.answered(Action.ALERT, Reason.OUTSIDE_WINDOW, detail, _wait_until(opens, question))


def _wait_until(time: datetime, question: Question) -> float:
    """Seconds until the question should be asked again."""
    return min((time - question.context.now).total_seconds(), LONGEST_WAIT)


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
    fighting,
    not_ready,
    settling,
    in_vain,
    coming_back,
    over_budget,
)


def comes_to_last_way_in(question: Question) -> bool:
    """Whether no brake before *last way in* holds: only then its answer decides, and is worth reading for."""
    before = BRAKES[: BRAKES.index(_last_way_in)]
    return all(brake(question) is None for brake in before)
