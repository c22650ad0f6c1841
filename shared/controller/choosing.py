"""What becomes of decisions: which change is begun first, and what each policy's comes to in the result."""

from __future__ import annotations

from shared.controller.visit import Judgement
from shared.model import Action, Decision, Outcome


def outcome_of(decision: Decision | None) -> Outcome:
    if decision is None:
        return Outcome.COMPLIANT
    match decision.action:
        case Action.ALERT:
            return Outcome.ALERTED
        case Action.SKIP:
            return Outcome.SKIPPED
        case Action.REVERT:
            return Outcome.WOULD_REVERT if decision.dry_run else Outcome.IN_PROGRESS


def first_revert(judgements: tuple[Judgement, ...]) -> Judgement | None:
    """The change to begin: the first in the order that none before it, which has to wait, holds up."""
    waiting: list[Judgement] = []
    for judgement in judgements:
        if judgement.will_write and not any(judgement.shuts_out(other) for other in waiting):
            return judgement
        if judgement.waits_to_write:
            waiting.append(judgement)
    return None
