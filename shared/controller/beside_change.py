"""Looks at a target whose change is in flight: minded by somebody, and judged in what it does not concern.

A change is not a reason to look away. Its own drift is on its way to be reverted, and told when that takes
long; everything else is judged and told as ever, by the same clock. What would be written waits for the
change, as for a target that is busy: two changes of one target are never made at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.controller.asking_again import look_after_lease
from shared.controller.deps import Deps
from shared.controller.holding import minded_until, watched
from shared.controller.remembering import is_ours
from shared.controller.run_results import log_line
from shared.controller.telling import NOT_ENDED
from shared.controller.visit import Judgement
from shared.guardrails.exposures import slow_in, told_in
from shared.model import Action, Cause, CauseKind, Decision, Outcome, Reason
from shared.model.change_records import ChangeRecord
from shared.model.memory import TargetRecord
from shared.model.messages import RunOptions
from shared.model.results import TargetResult

_WAITS: Final = "another change of this target is on its way: it is made after that"


def in_flight(record: TargetRecord, now: datetime) -> bool:
    """Whether a change holds the target; one that an earlier version has claimed may not be known yet."""
    return record.change is not None or record.is_held(now)


def in_good_hands(record: TargetRecord, deps: Deps) -> TargetRecord:
    """The record of a change that somebody minds: where nobody was heard of for too long, a message that goes
    on with it is on its way, and is good once the record is saved."""
    change, now = record.change, deps.clock.now()
    if change is None or record.is_held(now):
        return record
    change = watched(change, deps, RunOptions(run_id=change.run_id), 0)
    return deps.store.save(
        replace(record, change=change, active_change=change.id, lease_until=minded_until(now, 0))
    )


def judged_meanwhile(record: TargetRecord, cause: Cause, deps: Deps, options: RunOptions) -> bool:
    """Whether the look has anything to judge beside the change: a run waits for its own answer, and our own
    write is what the checks follow."""
    if record.change is None or options.run_id is not None:
        return False
    return not (cause.kind is CauseKind.EVENT and is_ours(cause, deps))


def already_in_progress(
    known: TargetRecord, record: TargetRecord, cause: Cause, deps: Deps, options: RunOptions
) -> TargetResult:
    """A change of this target is on its way; whoever goes on with it has the target looked at afterwards. A
    run asks again until it has its answer."""
    change = record.change
    if change is None or options.run_id is not None:
        record = look_after_lease(record, cause, deps, options)
    if record != known and record.etag == known.etag:
        deps.store.save(record)
    outcomes = {change.change.policy: Outcome.IN_PROGRESS} if change is not None else {}
    result = TargetResult(target=record.target, outcomes=outcomes, arm_calls=tuple(deps.gateway.calls))
    deps.log(log_line(result, cause))
    return result


def beside_change(
    judgements: tuple[Judgement, ...], change: ChangeRecord, now: datetime
) -> tuple[Judgement, ...]:
    """The judgements that are told while the change is in flight."""
    return tuple(_held_back(one, change, now) for one in judgements if not _is_about(change, one, now))


def _is_about(change: ChangeRecord, judgement: Judgement, now: datetime) -> bool:
    """Whether it says of the change's own drift what the end of the change will tell, if that is in time."""
    if judgement.policy.id != change.change.policy:
        return False
    if not judgement.exposure.is_open:
        return True
    return judgement.will_write and _is_own(judgement, change) and bool(_silence(judgement, change, now))


def _is_own(judgement: Judgement, change: ChangeRecord) -> bool:
    drift = (judgement.policy.id, judgement.finding.fingerprint)
    return drift == (change.change.policy, change.fingerprint)


def _silence(judgement: Judgement, change: ChangeRecord, now: datetime) -> float:
    """Seconds that what lets somebody in may still wait untold; the change's own drift also by its revert."""
    left = told_in(judgement.exposure, judgement.finding.severity, now)
    own = _is_own(judgement, change)
    return (min(left, slow_in(change.created_at, now)) if own else left).total_seconds()


def _held_back(judgement: Judgement, change: ChangeRecord, now: datetime) -> Judgement:
    """What would be written now waits, and is told in time where it lets somebody in."""
    decision, own = judgement.decision, _is_own(judgement, change)
    if decision is None or not (judgement.will_write or (own and decision.action is Action.SKIP)):
        return judgement
    waits = _waiting(decision, NOT_ENDED if own else _WAITS)
    if not judgement.exposure.is_open:
        return replace(judgement, decision=waits)
    left = _silence(judgement, change, now)
    told = waits if left else replace(waits, action=Action.ALERT)
    return replace(judgement, decision=replace(told, look_again_seconds=left or None))


def _waiting(decision: Decision, why: str) -> Decision:
    return replace(decision, action=Action.SKIP, reason=Reason.TARGET_BUSY, detail=why)
