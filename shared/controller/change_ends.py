"""How a change ends: verified by a reading, given up with the reason, or abandoned with its target.

That a change was made is said by a reading alone (``finish``), never by its operation: Azure ignores some
writes without an error. A write that was refused, or whose operation failed, is given up (``give_up``).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts.lifecycle import change_notification
from shared.controller.asking_again import LOOK_AGAIN, check_later, recheck_later
from shared.controller.deps import Deps
from shared.controller.exempted import as_judged
from shared.controller.not_continued import TOLD, resolve_not_continued, tell_not_continued
from shared.controller.notifying import notify
from shared.controller.run_results import tell_run
from shared.controller.telling import alert_failed_change
from shared.controller.visit import Visit
from shared.guardrails.question import Readiness, readiness_of
from shared.guardrails.traffic_difference import same_reach
from shared.guardrails.waiting import LONGEST_PAUSE, LONGEST_PAUSE_EXPOSED
from shared.model import ComplianceState, Outcome, ServerSnapshot
from shared.model.alert_records import NotificationType
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.edits import apply_edits
from shared.model.errors import Busy, Conflict, EntityChanged, GatewayError, Throttled, Transient
from shared.model.happened import change_ended, change_lapsed, exemption_ended, with_deeds
from shared.model.memory import Attempt, TargetRecord
from shared.model.messages import RunOptions
from shared.posture.firewall_steps import refused

LEASE: Final = timedelta(minutes=10)
"""How long a claim holds without a sign of life; an operation takes about a minute."""

PATIENCE: Final = timedelta(minutes=30)
"""How long an operation may run before it counts as failed."""

RACES: Final = 3
"""How often the end of a change is noted again when somebody else wrote the memory meanwhile."""

MANY_REFUSALS: Final = 5
"""Refusals in a row because the target is busy, after which people hear of it."""


def give_up(change: ChangeRecord, error: GatewayError, deps: Deps, options: RunOptions) -> ChangeRecord:
    """The write was refused or its operation failed: end the change and say what comes next.

    What follows is queued before the end is written, so that no crash leaves an ended change without
    its sequel. The target is looked at again in any case: it may have other drifts.
    """
    now = deps.clock.now()
    again = isinstance(error, Transient | Conflict)
    ended = replace(
        change,
        outcome=Outcome.CONFLICTED if again else Outcome.FAILED,
        detail=f"{error.code or type(error).__name__}: {error}",
        finished_at=now,
        operation=None,
    )
    refused = isinstance(error, Busy | Throttled)
    refusals = deps.store.recall(change.change.target, now).refusals + 1 if refused else 0
    recheck_later(ended, deps, options, _pause(error, refusals))
    if not again or refusals >= MANY_REFUSALS:
        alert_failed_change(ended, deps)
    if error.code in TOLD:
        tell_not_continued(ended, deps)
    ended = deps.store.put_change(ended)
    _reopen_original(ended, deps)
    tell_run(ended, deps, options)
    for _ in range(RACES):
        if _note_end(ended, refusals, deps):
            return ended
    raise EntityChanged(f"the memory of {change.change.target.id} changes faster than it can be written")


def _note_end(ended: ChangeRecord, refusals: int, deps: Deps) -> bool:
    """Note in the target's memory how a change ended; False when somebody else wrote it meanwhile.

    What is noted keeps the same write from being sent again, so it is not left to a later look. A
    refusal because the target is busy is no attempt, and what its claim has spent is given back.
    """
    now = deps.clock.now()
    record = without_change(deps.store.recall(ended.change.target, now), ended)
    record = replace(record, refusals=refusals)
    try:
        if refusals and ended.next_edit == 0:
            deps.store.give_back(replace(record, attempts=_without_last(record.attempts, ended)), ended, now)
        else:
            deps.store.save(record)
    except EntityChanged:
        return False
    return True


def _pause(error: GatewayError, refusals: int) -> float:
    """Seconds: what Azure asks for, and ever longer when it refuses again and again."""
    asked: float = getattr(error, "retry_after", None) or 0.0
    return max(asked, min(LOOK_AGAIN * 2.0 ** max(refusals - 1, 0), LONGEST_PAUSE))


def without_change(record: TargetRecord, ended: ChangeRecord) -> TargetRecord:
    """The record after a change has ended: no lease, the attempt's outcome noted, and no exemption
    that came with a rollback which did not happen. What ended is entered into the journal with it."""
    record = with_deeds(record, change_ended(ended, healed=record.active_change != ended.id))
    if record.active_change == ended.id:
        record = replace(record, active_change=None, lease_until=None)
    if ended.outcome is not Outcome.ROLLED_BACK:
        record = _without_its_exemptions(record, ended)
    return replace(record, attempts=_noted(record.attempts, ended))


def _noted(attempts: tuple[Attempt, ...], ended: ChangeRecord) -> tuple[Attempt, ...]:
    """The attempts, the newest at this drift with how its change ended where that matters to the next."""
    drift = (ended.change.policy, ended.fingerprint)
    newest = max((n for n, a in enumerate(attempts) if (a.policy, a.fingerprint) == drift), default=None)
    interrupted = ended.outcome is Outcome.CONFLICTED and 0 < ended.next_edit < len(ended.change.edits)
    matters = interrupted or ended.outcome in {Outcome.INEFFECTIVE, Outcome.FAILED}
    if newest is None or not matters:
        return attempts
    return (*attempts[:newest], replace(attempts[newest], outcome=ended.outcome), *attempts[newest + 1 :])


def _without_its_exemptions(record: TargetRecord, ended: ChangeRecord) -> TargetRecord:
    gone = tuple(e for e in record.exemptions if e.change_id == ended.id)
    kept = tuple(e for e in record.exemptions if e not in gone)
    now, why = ended.finished_at or ended.created_at, "the rollback did not happen"
    ends = (exemption_ended(exemption, now, why) for exemption in gone)
    return with_deeds(replace(record, exemptions=kept), *ends)


def without_left_change(record: TargetRecord, active: ChangeRecord | None, now: datetime) -> TargetRecord:
    """The record without a change that is over, though a worker died before it could say so.

    A lease on a change that has ended holds nothing. One that is not among the changes does: its claim may be
    a moment old, and only its expiry tells that the worker died before it could act.
    """
    if record.active_change is None or (active is not None and active.outcome is Outcome.IN_PROGRESS):
        return record
    if active is None and record.is_held(now):
        return record
    over = change_lapsed(record.active_change, now) if active is None else change_ended(active, healed=True)
    return with_deeds(replace(record, active_change=None, lease_until=None), over)


def _reopen_original(ended: ChangeRecord, deps: Deps) -> None:
    """A rollback that did not happen may be asked for again."""
    if ended.rollback_of is None or ended.outcome is Outcome.ROLLED_BACK:
        return
    original = deps.store.change(ended.rollback_of)
    if original is not None and original.rolled_back_by == ended.id:
        deps.store.put_change(replace(original, rolled_back_by=None))


def _without_last(attempts: tuple[Attempt, ...], change: ChangeRecord) -> tuple[Attempt, ...]:
    """A refusal because of another operation is no attempt: it counts for neither budget nor flapping."""
    mine = [a for a in attempts if (a.policy, a.fingerprint) == (change.change.policy, change.fingerprint)]
    return tuple(a for a in attempts if not mine or a is not mine[-1])


def finish(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[TargetRecord, ChangeRecord]:
    """End a change by what was read: reverted, ineffective, or not yet to be told.

    Nothing is stored: the record, which no longer holds the change, is saved by the caller together
    with whatever this visit finds besides, and only then is the change's end written (``close``).
    Whoever loses the race for the record finds the change still in progress and looks again.
    """
    outcome, detail = _verdict(change, record, visit)
    if outcome is Outcome.IN_PROGRESS:
        age = (visit.now - change.created_at).total_seconds()
        check_later(change, visit.deps, visit.options, min(max(LOOK_AGAIN, age / 4), LONGEST_PAUSE_EXPOSED))
        return replace(record, active_change=change.id, lease_until=visit.now + LEASE), change
    change = replace(
        change,
        outcome=outcome,
        detail=detail,
        operation=None,
        finished_at=visit.now,
        after=visit.deps.store.keep(visit.snapshot),
    )
    return replace(without_change(record, change), refusals=0, recheck_at=None), change


def close(change: ChangeRecord, visit: Visit) -> None:
    """Tell people what was applied and write the change's end into the journal.

    Telling comes first: a repeated notification has the same id, a lost one is never sent.
    """
    deps = visit.deps
    if change.outcome in {Outcome.REVERTED, Outcome.ROLLED_BACK}:
        rolled_back = change.kind is ChangeKind.ROLLBACK
        kind = NotificationType.CHANGE_ROLLED_BACK if rolled_back else NotificationType.CHANGE_APPLIED
        portal, undo = deps.portal_link(change.change.target.id), _undo(change, visit)
        notify(change_notification(change, kind, visit.now, portal, undo), change.cause, deps)
        resolve_not_continued(change, deps)
    deps.store.put_change(change)
    _reopen_original(change, deps)
    tell_run(change, deps, visit.options)


def _undo(change: ChangeRecord, visit: Visit) -> tuple[str, ...]:
    """The commands of the inverse, as far as Azure takes them now."""
    inverse = change.change.inverse
    return () if refused(visit.snapshot, inverse) else visit.deps.commands(inverse)


def abandon(change: ChangeRecord, detail: str, deps: Deps, options: RunOptions) -> ChangeRecord:
    """End a change that no reading can verify any more: its target is gone."""
    now = deps.clock.now()
    ended = replace(change, outcome=Outcome.FAILED, detail=detail, operation=None, finished_at=now)
    deps.store.put_change(ended)
    tell_run(ended, deps, options)
    return ended


def _verdict(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[Outcome, str]:
    """What the reading says of the change. A target that is still updating says nothing yet."""
    if readiness_of(visit.snapshot) is Readiness.BUSY:
        outcome, detail = Outcome.IN_PROGRESS, "another operation is running"
    elif change.kind is ChangeKind.ROLLBACK:
        outcome, detail = _rollback_verdict(change, visit)
    else:
        outcome, detail = _remediation_verdict(change, record, visit)
    if outcome is Outcome.IN_PROGRESS and visit.now - change.created_at > PATIENCE:
        return Outcome.FAILED, f"could not be verified: {detail}"
    return outcome, detail


def _remediation_verdict(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[Outcome, str]:
    policy = next((p for p in visit.policies if p.id == change.change.policy), None)
    if policy is None:
        return Outcome.FAILED, "the policy is off now: nothing was verified"
    finding = policy.evaluate(as_judged(visit.snapshot, policy.id, record, visit.now))
    sent_all = change.next_edit == len(change.change.edits)
    match finding.state:
        case _ if finding.nothing_surely_wrong:
            return (Outcome.ALREADY_COMPLIANT if change.nothing_there else Outcome.REVERTED), finding.reason
        case ComplianceState.NON_COMPLIANT if sent_all:
            return Outcome.INEFFECTIVE, f"accepted by Azure, and still: {finding.reason}"
        case ComplianceState.NON_COMPLIANT:
            return Outcome.CONFLICTED, f"interrupted after {change.next_edit} edits: {finding.reason}"
        case _:
            return Outcome.IN_PROGRESS, finding.reason


def _rollback_verdict(change: ChangeRecord, visit: Visit) -> tuple[Outcome, str]:
    expected = visit.deps.store.snapshot(change.before)
    assert expected is not None  # kept before the change was claimed
    wanted = apply_edits(expected, change.change.edits)
    if same_reach(wanted, visit.snapshot):
        return Outcome.ROLLED_BACK, "the reach is the recorded one"
    if isinstance(visit.snapshot, ServerSnapshot) and visit.snapshot.firewall_rules is None:
        return Outcome.IN_PROGRESS, "the firewall rules could not be read"
    return Outcome.INEFFECTIVE, "accepted by Azure, and the reach is not the recorded one"
