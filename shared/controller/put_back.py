"""What is done where a revert would take the last way in away: good rules of an earlier reading come first.

That reading is the last compliant one; or where that let nobody in any more, because the rule was deleted
some time before the hole was opened, the last compliant one that did, of the last day. What the change is
stands in ``shared.guardrails.way_back``; here the readings are recalled, and the change proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.controller.deps import Deps
from shared.controller.last_way import LastWay
from shared.controller.visit import Visit
from shared.guardrails.prove import prove
from shared.guardrails.question import Question
from shared.guardrails.way_back import has_good_way, way_back
from shared.model import PublicAccess, ServerSnapshot
from shared.model.memory import PolicyMemory
from shared.state.baseline import Baseline

OLDEST: Final = timedelta(days=7)
"""A last compliant reading that is older says too little of who should come in now."""
OLDEST_BEFORE: Final = timedelta(days=1)
"""The same of a reading after which the server was compliant without a way in: whoever means to close it
turns public access off."""


def put_back_first(
    questions: tuple[Question, Question],
    visit: Visit,
    last_way: LastWay,
    known: tuple[PolicyMemory | None, Baseline],
) -> tuple[Question, datetime | None]:
    """The question with the change that puts rules back first, where one is proved and keeps a way in, and
    the time of the reading that they are from; else the question as it was held.

    ``questions`` are the one that was asked of *last way in*, and what that said.
    """
    question, held = questions
    for former, read_at in earlier(*known, visit.deps, visit.now):
        other = _instead(question, visit, former)
        asked = last_way.asked(other) if other else held
        if not asked.assessment.last_way_in:
            return asked, read_at
    return held, None


def _instead(question: Question, visit: Visit, former: ServerSnapshot) -> Question | None:
    server, plan = visit.snapshot, question.change
    if plan is None or not isinstance(server, ServerSnapshot):
        return None
    change = way_back(plan, server, former, visit.policies)
    if change is None:
        return None
    proof = prove(change, server, question.policy, visit.policies, former)
    return replace(question, change=change, proof=proof) if proof.holds else None


def earlier(
    memory: PolicyMemory | None, baseline: Baseline, deps: Deps, now: datetime
) -> Iterator[tuple[ServerSnapshot, datetime]]:
    """The readings from which rules may be put back, the newest first."""
    last = baseline.snapshot
    if not isinstance(last, ServerSnapshot) or baseline.read_at is None or baseline.read_at < now - OLDEST:
        return
    yield last, baseline.read_at
    if memory is None or memory.way_in is None or memory.way_in_at is None:
        return
    was_closed = last.public_access is not PublicAccess.ENABLED
    if was_closed or has_good_way(last) or memory.way_in_at < now - OLDEST_BEFORE:
        return
    before = deps.store.snapshot(memory.way_in)
    if isinstance(before, ServerSnapshot):
        yield before, memory.way_in_at
