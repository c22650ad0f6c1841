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
from shared.controller.announcing import Announcement, announce, tell
from shared.controller.asking_again import schedule_recheck
from shared.controller.beside_change import (
    already_in_progress,
    beside_change,
    in_flight,
    in_good_hands,
    judged_meanwhile,
)
from shared.controller.change_ends import abandon, finish, give_up, release, tell_end, undo_of
from shared.controller.choosing import first_revert, outcome_of
from shared.controller.deps import Deps
from shared.controller.exempted_scopes import ExemptedScopes
from shared.controller.holding import Overtaken, adopted, without_hold
from shared.controller.journaling import note_switches
from shared.controller.judging import enabled_policies, judge_all, policies_in_question
from shared.controller.lowered_by_tags import with_tags_compared
from shared.controller.missed_events import tell_of_events, with_writer
from shared.controller.moved import known_by_name
from shared.controller.overtaking import not_counted, refuse_overtaken
from shared.controller.remediation import begin
from shared.controller.remembering import (
    attributed,
    is_news,
    newest_write,
    related,
    remember,
    with_foreign_write,
    with_what_was_seen,
)
from shared.controller.run_results import concluded, view_of, view_of_plan
from shared.controller.switch import Switch
from shared.controller.unjudged import (
    concerns_nobody,
    left_unread,
    target_is_gone,
    target_is_unreadable,
)
from shared.controller.unread import noting_parts
from shared.controller.visit import Judgement, Visit
from shared.model import Aspect, Cause, Outcome, Reason, Target
from shared.model.change_life import IN_FLIGHT
from shared.model.change_records import ChangeRecord, Phase
from shared.model.errors import GatewayError, Gone, Transient
from shared.model.memory import TargetRecord
from shared.model.messages import RunOptions
from shared.model.results import ChangeView, TargetResult, merge
from shared.model.values import value
from shared.posture.policy import AnyPolicy
from shared.state.coalescing import Coalesced


def reconcile(
    target: Target,
    cause: Cause,
    deps: Deps,
    options: RunOptions | None = None,
    finishing: ChangeRecord | None = None,
) -> TargetResult:
    """Look at ``target`` once and do what is right.

    ``finishing`` is a change in flight that the caller minds and a reading has to tell of. Raises a
    ``GatewayError`` when the target cannot be read and a ``StoreError`` when the state cannot be
    kept; the caller decides when to try again, nothing is half-remembered.
    """
    options = options or RunOptions()
    started = deps.clock.now()
    known = deps.store.recall(target, started)
    record = adopted(known, deps)
    if finishing is None:  # a change carries the cause that it was begun for, which is not news
        cause = attributed(cause, deps)
        record = with_foreign_write(record, cause, deps)
    if finishing is not None or in_flight(record, started):
        record = _with_what_is_heard(record, deps, deps.store.coalesced(target))
    minded = _minded(record, finishing)
    if minded is None and in_flight(record, started):
        record = in_good_hands(record, deps)
        if not judged_meanwhile(record, cause, deps, options):
            return already_in_progress(known, record, cause, deps, options)
    visit = _read(record, cause, finishing, deps, options)
    if isinstance(visit, TargetResult):
        return visit
    visit = replace(visit, known=known)
    record = known_by_name(record, visit)
    looked = _look(visit, record, minded)
    result = concluded(visit, looked.judgements, looked.changes, looked.outcomes)
    if looked.sent is None:
        return result
    verified = reconcile(target, cause, not_counted(target, deps), options, looked.sent)
    return merge(result, replace(verified, arm_calls=verified.arm_calls[len(result.arm_calls) :]))


def _minded(record: TargetRecord, finishing: ChangeRecord | None) -> ChangeRecord | None:
    """The change that this look ends, as it stands now; None where an ordinary look is right.

    Raises ``Overtaken`` where somebody else has gone on with it.
    """
    there = record.change
    if finishing is None or there is None:
        return None
    if (there.id, there.watch) != (finishing.id, finishing.watch):
        raise Overtaken(f"somebody else has gone on with change {finishing.id}")
    return there


def _with_what_is_heard(record: TargetRecord, deps: Deps, row: Coalesced) -> TargetRecord:
    """An event that has arrived and waits for its own look is known to every other one: a revert between the
    two would stand in the way of whoever is writing. So is one whose look found nothing to save."""
    for heard in row.heard:
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
        snapshot = deps.gateway.read(target, frozenset[Aspect]().union(*(one.reads for one in policies)))
    except Gone:
        refuse_overtaken(deps)
        return target_is_gone(abandon(record, deps), deps)
    except Transient:
        raise
    except GatewayError as error:
        if finishing is not None and finishing.phase in IN_FLIGHT:
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
        exempted=ExemptedScopes(deps),
    )


@value
class _Looked:
    judgements: tuple[Judgement, ...] = ()
    outcomes: Mapping[str, Outcome]
    changes: tuple[ChangeView, ...] = ()
    sent: ChangeRecord | None = None
    """A change all of whose edits were done when they were sent: it can be verified now."""


def _look(visit: Visit, record: TargetRecord, minded: ChangeRecord | None) -> _Looked:
    """Verify what was being done, judge what is there, act on it; beside a change in flight only judge."""
    if minded is None:
        there = record.change
        return _judge_and_act(visit, record) if there is None else _judge_beside(visit, record, there)
    record, finished = finish(minded, record, visit)
    verified = _Looked(outcomes={finished.change.policy: finished.outcome}, changes=(view_of(finished),))
    if finished.outcome is Outcome.IN_PROGRESS:
        return replace(_judge_beside(visit, record, finished), changes=verified.changes)
    looked = _judge_and_act(visit, record)
    written_again = {change.policy for change in looked.changes}
    outcomes = {**looked.outcomes, **({} if finished.change.policy in written_again else verified.outcomes)}
    return replace(looked, outcomes=outcomes, changes=verified.changes + looked.changes)


def _judge_beside(visit: Visit, record: TargetRecord, change: ChangeRecord) -> _Looked:
    """What a change in flight does not concern is judged and told as ever; what would be written waits for
    it."""
    judgements, seen = _judge(visit, record)
    beside = beside_change(judgements, change, visit.now)
    after, announced = _decided(visit, beside, record, seen)
    if announced.is_news or is_news(visit, after):
        after = visit.deps.store.save(after)
    tell(announced, after, visit.cause, visit.deps)
    outcomes = {judgement.policy.id: outcome_of(judgement.decision) for judgement in beside}
    return _Looked(judgements=beside, outcomes={**outcomes, change.change.policy: Outcome.IN_PROGRESS})


def _decided(
    visit: Visit, judgements: tuple[Judgement, ...], before: TargetRecord, seen: TargetRecord
) -> tuple[TargetRecord, Announcement]:
    """The record as it is to be saved by what was judged, and what is told then."""
    seen = noting_parts(visit, judgements, seen)
    record = schedule_recheck(visit, judgements, remember(visit, judgements, seen))
    return announce(visit, judgements, before, record)


def _judge(visit: Visit, record: TargetRecord) -> tuple[tuple[Judgement, ...], TargetRecord]:
    """What is right for each policy, and the record with what was seen of the target.

    What has been heard is asked for only where something is not compliant: it decides nothing else.
    """
    judgements, judged = _judge_by(visit, record)
    if all(judgement.decision is None for judgement in judgements):
        return judgements, judged
    row = visit.deps.store.coalesced(record.target)
    refuse_overtaken(visit.deps, row)
    heard = _with_what_is_heard(record, visit.deps, row)
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
    visit, write = with_writer(visit, judgements)
    outcomes = {judgement.policy.id: outcome_of(judgement.decision) for judgement in judgements}
    begun = _act(visit, judgements, record, seen)
    tell_of_events(visit, judgements, write, seen)
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
        sent=begun if begun.phase is Phase.SENT else None,
    )


def _asked_for(visit: Visit) -> list[AnyPolicy]:
    wanted = visit.options.policies
    return [policy for policy in visit.policies if wanted is None or policy.id in wanted]


# --- what is done: claim, act, record --------------------------------------------------------------


def _act(
    visit: Visit, judgements: tuple[Judgement, ...], before: TargetRecord, seen: TargetRecord
) -> ChangeRecord | None:
    """Remember, begin at most one change and return it, and tell people; nobody of what was not saved.

    Changes of one target are made one after the other, each verified before the next: a second
    revert waits for the reading that verifies the first. What this look has ended holds the target until all
    is told, or the next change takes its place: whoever goes on for a worker that died finds it.
    """
    record, announced = _decided(visit, judgements, before, seen)
    if any(j.decision is not None and j.decision.reason is Reason.BREAK_GLASS for j in judgements):
        note_switches(visit.deps)
    revert = first_revert(judgements)
    is_over = record.change
    if is_over is not None:
        record = visit.deps.store.save(record)
        tell_end(is_over, 0, visit.deps, undo_of(is_over, visit.snapshot, visit.deps))
    begun = begin(visit, revert, _free(record)) if revert is not None else None
    if begun is None and is_over is None and (announced.is_news or is_news(visit, record)):
        record = visit.deps.store.save(record)
    tell(announced, record if begun is None else None, visit.cause, visit.deps)
    if begun is None and is_over is not None:
        release(is_over, visit.deps)
    return begun


def _free(record: TargetRecord) -> TargetRecord:
    return record if record.change is None else without_hold(record)
