"""The story on one page: read, judge, tell, remember, claim, act, verify, record.

``reconcile`` looks at one target once, whatever made us look. It is level-triggered: events are never
believed, the target is read. What is right for it (evaluate, plan, prove, recall, decide) is in ``judging``;
the steps that touch the world follow and hold no choice of their own: ``announcing``, ``remembering``,
``asking_again``, and a change on its way in ``remediation`` until it ends in ``change_ends``. Looks that end
without a judgement are in ``unjudged``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.config.configuration import tags_of
from shared.config.tag_exemptions import with_tag_seen
from shared.controller.announcing import announce, tell
from shared.controller.asking_again import schedule_recheck
from shared.controller.change_ends import abandon, close, finish, give_up, without_change, without_left_change
from shared.controller.deps import Deps
from shared.controller.journaling import note_switches
from shared.controller.judging import enabled_policies, judge_all, policies_in_question
from shared.controller.lowered_by_tags import with_tags_compared
from shared.controller.moved import known_by_name
from shared.controller.remediation import begin, resume
from shared.controller.remembering import (
    attributed,
    is_news,
    newest_write,
    related,
    remember,
    with_foreign_write,
    with_what_was_seen,
)
from shared.controller.run_results import log_line, view_of, view_of_plan
from shared.controller.switch import Switch
from shared.controller.unjudged import (
    already_in_progress,
    concerns_nobody,
    left_unread,
    target_is_gone,
    target_is_unreadable,
)
from shared.controller.unread import noting_parts
from shared.controller.visit import Judgement, Visit
from shared.model import Action, Aspect, Cause, Decision, Outcome, Reason, Target
from shared.model.change_records import ChangeRecord
from shared.model.errors import GatewayError, Gone, Transient
from shared.model.memory import TargetRecord
from shared.model.messages import RunOptions
from shared.model.results import ChangeView, TargetResult, merge
from shared.model.values import value
from shared.posture.policy import AnyPolicy


def reconcile(
    target: Target,
    cause: Cause,
    deps: Deps,
    options: RunOptions | None = None,
    finishing: ChangeRecord | None = None,
) -> TargetResult:
    """Look at ``target`` once and do what is right.

    ``finishing`` is a change whose operation has ended: the reading verifies it. Raises a
    ``GatewayError`` when the target cannot be read and a ``StoreError`` when the state cannot be
    kept; the caller decides when to try again, nothing is half-remembered.
    """
    options = options or RunOptions()
    started = deps.clock.now()
    known = deps.store.recall(target, started)
    active = deps.store.change(known.active_change) if known.active_change else None
    record = without_left_change(known, active, started)
    if finishing is None:  # a change carries the cause that it was begun for, which is not news
        cause = attributed(cause, deps)
        record = with_foreign_write(record, cause, deps)
    if finishing is not None or known.active_change:
        record = _with_what_is_heard(record, deps)
    if finishing is None and record.is_held(started):
        return already_in_progress(known, record, cause, deps, options)
    if finishing is None and active is not None and active.is_running:
        return resume(active, record, deps, options)
    finishing = finishing or _left_behind(active)
    visit = _read(record, cause, finishing, deps, options)
    if isinstance(visit, TargetResult):
        return visit
    visit = replace(visit, known=known)
    record = known_by_name(record, visit)
    looked = _look(visit, record, finishing)
    result = _conclude(visit, looked)
    if looked.ended_at_once is None:
        return result
    verified = reconcile(target, cause, deps, options, looked.ended_at_once)
    return merge(result, replace(verified, arm_calls=verified.arm_calls[len(result.arm_calls) :]))


def _with_what_is_heard(record: TargetRecord, deps: Deps) -> TargetRecord:
    """An event that has arrived and waits for its own look is known to every other one: a revert between the
    two would stand in the way of whoever is writing. So is one whose look found nothing to save."""
    for heard in deps.store.heard(record.target):
        record = with_foreign_write(record, attributed(heard, deps), deps)
    return record


def _read(
    record: TargetRecord, cause: Cause, finishing: ChangeRecord | None, deps: Deps, options: RunOptions
) -> Visit | TargetResult:
    """Read the target; a target that is gone or closed to us is an answer of its own.

    What is read is what any policy needs that may be on: which sections hold for the target's tags is
    known only then.
    """
    target = record.target
    policies = policies_in_question(target, deps)
    if finishing is None and concerns_nobody(policies, record, cause):
        return left_unread(target, cause, deps)
    started = deps.clock.now()
    try:
        snapshot = deps.gateway.read(target, _aspects(policies))
    except Gone:
        if finishing is not None:
            ended = abandon(finishing, "the resource was deleted", deps, options)
            record = without_change(record, ended)
        return target_is_gone(record, deps)
    except Transient:
        raise
    except GatewayError as error:
        if finishing is not None:
            give_up(finishing, error, deps, options)
            record = deps.store.recall(target, started)
        return target_is_unreadable(record, policies, cause, error, deps)
    return Visit(
        target=target,
        cause=newest_write(cause, record) if finishing is not None else cause,
        deps=deps,
        options=options,
        snapshot=snapshot,
        policies=enabled_policies(snapshot, deps),
        now=started,
        switch=Switch(target.id.subscription, deps),
    )


@value
class _Looked:
    judgements: tuple[Judgement, ...] = ()
    outcomes: Mapping[str, Outcome]
    changes: tuple[ChangeView, ...] = ()
    ended_at_once: ChangeRecord | None = None
    """A change all of whose edits were done when they were sent: it can be verified now."""


def _look(visit: Visit, record: TargetRecord, finishing: ChangeRecord | None) -> _Looked:
    """Verify what was being done, judge what is there, act on it."""
    if finishing is None:
        return _judge_and_act(visit, record)
    record, finished = finish(finishing, record, visit)
    verified = _Looked(outcomes={finished.change.policy: finished.outcome}, changes=(view_of(finished),))
    if finished.outcome is Outcome.IN_PROGRESS:
        _tell_of_exposures(visit, record)
        return verified
    if record.is_held(visit.now):  # the next change is on its way already: its reading judges
        visit.deps.store.journal.append(record.target, *record.deeds)
        close(finished, visit)
        return verified
    looked = _judge_and_act(visit, record)
    close(finished, visit)
    written_again = {change.policy for change in looked.changes}
    outcomes = {**looked.outcomes, **({} if finished.change.policy in written_again else verified.outcomes)}
    return replace(looked, outcomes=outcomes, changes=verified.changes + looked.changes)


def _tell_of_exposures(visit: Visit, record: TargetRecord) -> None:
    """What lets somebody in is told while a change cannot be verified yet; the rest is judged after it."""
    judgements, seen = _judge(visit, record)
    exposed = tuple(judgement for judgement in judgements if judgement.exposure.is_open)
    after, announced = announce(visit, exposed, record, remember(visit, exposed, seen))
    tell(announced, visit.deps.store.save(after), visit.cause, visit.deps)


def _judge(visit: Visit, record: TargetRecord) -> tuple[tuple[Judgement, ...], TargetRecord]:
    """What is right for each policy, and the record with what was seen of the target.

    What has been heard is asked for only where something is not compliant: it decides nothing else.
    """
    judgements, judged = _judge_by(visit, record)
    if all(judgement.decision is None for judgement in judgements):
        return judgements, judged
    heard = _with_what_is_heard(record, visit.deps)
    return (judgements, judged) if heard == record else _judge_by(visit, heard)


def _judge_by(visit: Visit, record: TargetRecord) -> tuple[tuple[Judgement, ...], TargetRecord]:
    rules = visit.deps.configuration.file.tag_exemptions
    record = with_tag_seen(record, tags_of(visit.snapshot), visit.cause, rules, visit.now)
    record = with_what_was_seen(record, visit.snapshot, whole=not visit.deps.gateway.troubles)
    record = with_tags_compared(record, visit)
    judgements, seen = judge_all(visit, _asked_for(visit), record)
    return judgements, related(visit, seen, record)


def _judge_and_act(visit: Visit, record: TargetRecord) -> _Looked:
    judgements, seen = _judge(visit, record)
    outcomes = {judgement.policy.id: _outcome(judgement.decision) for judgement in judgements}
    begun = _act(visit, judgements, record, seen)
    if begun is None:
        shown = tuple(view_of_plan(j, visit.snapshot) for j in judgements if j.would_write)
        return _Looked(judgements=judgements, outcomes=outcomes, changes=shown)
    if begun.outcome is Outcome.ALERTED:  # the last of the budget went to another worker
        told = {begun.change.policy: begun.decision}
        judgements = tuple(replace(j, decision=told.get(j.policy.id, j.decision)) for j in judgements)
        return _Looked(judgements=judgements, outcomes={**outcomes, begun.change.policy: begun.outcome})
    return _Looked(
        judgements=judgements,
        outcomes={**outcomes, begun.change.policy: begun.outcome},
        changes=(view_of(begun),),
        ended_at_once=begun if begun.ended_at_once else None,
    )


def _left_behind(active: ChangeRecord | None) -> ChangeRecord | None:
    """A change whose worker died before it could send anything long: a reading ends it."""
    return active if active is not None and active.outcome is Outcome.IN_PROGRESS else None


def _aspects(policies: tuple[AnyPolicy, ...]) -> frozenset[Aspect]:
    return frozenset().union(*(policy.reads for policy in policies))


def _asked_for(visit: Visit) -> list[AnyPolicy]:
    wanted = visit.options.policies
    return [policy for policy in visit.policies if wanted is None or policy.id in wanted]


# --- what is done: claim, act, record --------------------------------------------------------------


def _outcome(decision: Decision | None) -> Outcome:
    if decision is None:
        return Outcome.COMPLIANT
    match decision.action:
        case Action.ALERT:
            return Outcome.ALERTED
        case Action.SKIP:
            return Outcome.SKIPPED
        case Action.REVERT:
            return Outcome.WOULD_REVERT if decision.dry_run else Outcome.IN_PROGRESS


def _act(
    visit: Visit, judgements: tuple[Judgement, ...], before: TargetRecord, seen: TargetRecord
) -> ChangeRecord | None:
    """Remember, begin at most one change and return it, and tell people; nobody of what was not saved.

    Changes of one target are made one after the other, each verified before the next: a second
    revert waits for the reading that verifies the first.
    """
    seen = noting_parts(visit, judgements, seen)
    record = schedule_recheck(visit, judgements, remember(visit, judgements, seen))
    record, announced = announce(visit, judgements, before, record)
    if any(j.decision is not None and j.decision.reason is Reason.BREAK_GLASS for j in judgements):
        note_switches(visit.deps)
    revert = _first_revert(judgements)
    begun = begin(visit, revert, record) if revert is not None else None
    if begun is None and (announced.is_news or is_news(visit, record)):
        record = visit.deps.store.save(record)
    tell(announced, record if begun is None else None, visit.cause, visit.deps)
    return begun


def _first_revert(judgements: tuple[Judgement, ...]) -> Judgement | None:
    """The change to begin: the first in the order that none before it, which has to wait, holds up."""
    waiting: list[Judgement] = []
    for judgement in judgements:
        if judgement.will_write and not any(judgement.shuts_out(other) for other in waiting):
            return judgement
        if judgement.waits_to_write:
            waiting.append(judgement)
    return None


def _conclude(visit: Visit, looked: _Looked) -> TargetResult:
    elapsed = visit.deps.clock.now() - visit.now
    result = TargetResult(
        target=visit.target,
        findings=tuple(judgement.finding for judgement in looked.judgements),
        decisions=tuple(j.decision for j in looked.judgements if j.decision is not None),
        changes=looked.changes,
        outcomes=looked.outcomes,
        arm_calls=tuple(visit.deps.gateway.calls),
        duration_ms=int(elapsed.total_seconds() * 1000),
    )
    visit.deps.log(log_line(result, visit.cause))
    return result
