"""How a change ends: verified by a reading, given up with the reason, or abandoned with its target.

That a change was made is said by a reading alone (``finish``), never by its operation: Azure ignores some
writes without an error. A write that was refused, or whose operation failed, is given up (``give_up``).
Either way the end is saved first, in one write with all that it changes in the target's memory, and told then
(``tell_end``): whoever finds an end that was saved and may not have been told tells it again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.alerts.lifecycle import change_notification
from shared.controller.asking_again import LOOK_AGAIN, recheck_later
from shared.controller.deps import Deps
from shared.controller.for_machines import notify_machines
from shared.controller.holding import GUARD, Overtaken, minded_until, save_step, watched, without_hold
from shared.controller.incidents import holds_change
from shared.controller.not_continued import TOLD, resolve_not_continued, tell_not_continued
from shared.controller.notifying import notify
from shared.controller.run_results import tell_run
from shared.controller.telling import alert_failed_change, tell_of_long_wait
from shared.controller.verdicts import NOT_TAKEN, made_by, verdict, written_since
from shared.controller.visit import Visit
from shared.guardrails.waiting import LONGEST_PAUSE, LONGEST_PAUSE_EXPOSED
from shared.model import Outcome, Reason, Snapshot
from shared.model.alert_records import NotificationType
from shared.model.change_life import IN_FLIGHT, Ended, NotTaken, Told, step, taken_up
from shared.model.change_records import ChangeKind, ChangeRecord, Phase
from shared.model.errors import Busy, Conflict, GatewayError, Throttled, Transient
from shared.model.happened import change_ended, exemption_ended, with_deeds
from shared.model.memory import Attempt, TargetRecord
from shared.model.messages import RunOptions
from shared.posture.firewall_steps import refused

MANY_REFUSALS: Final = 5
"""Refusals in a row because the target is busy, after which people hear of it."""


# --- given up --------------------------------------------------------------------------------------


def give_up(change: ChangeRecord, error: GatewayError, deps: Deps, options: RunOptions) -> ChangeRecord:
    """The write was refused or its operation failed: end the change and say what comes next.

    What follows is queued before the end is saved, so that no crash leaves an ended change without
    its sequel. The target is looked at again in any case: it may have other drifts.
    """
    now = deps.clock.now()
    how = Ended(
        outcome=Outcome.CONFLICTED if _is_worth_trying_again(error) else Outcome.FAILED,
        detail=f"{error.code or type(error).__name__}: {error}",
        code=error.code or type(error).__name__,
        at=now,
    )
    ended = _saying_what_was_made(step(change, how))
    is_busy = isinstance(error, Busy | Throttled)
    refusals = deps.store.recall(change.change.target, now).refusals + 1 if is_busy else 0
    pause = _pause(error, refusals)
    recheck_later(ended, deps, options, pause)
    ended = replace(ended, ask_at=now + timedelta(seconds=pause))
    ended = watched(ended, deps, options, GUARD)
    save_step(change, ended, deps, lambda record: _save_end(record, ended, refusals, deps))
    tell_end(ended, refusals, deps)
    release(ended, deps)
    return ended


def _is_worth_trying_again(error: GatewayError) -> bool:
    """An operation that ended of itself has failed, whatever its code: only that somebody else was faster, or
    at it, is over in a moment."""
    return isinstance(error, Conflict | (Busy if error.is_end else Transient))


def _saying_what_was_made(ended: ChangeRecord) -> ChangeRecord:
    if not ended.is_partly_made:
        return ended
    said = f"partly applied: {ended.made} of {len(ended.change.edits)} edits were made and stand"
    return replace(ended, detail=f"{ended.detail}; {said}")


def _save_end(record: TargetRecord, ended: ChangeRecord, refusals: int, deps: Deps) -> TargetRecord:
    """Save how a change ended, which keeps the same write from being sent again.

    What Azure refused because the target is busy is no attempt, nor is what was never sent; what the claim
    has spent is given back."""
    now = deps.clock.now()
    record = replace(with_end(record, ended), refusals=refusals, lease_until=minded_until(now, GUARD))
    if ended.sent_at is None or (refusals and ended.made == 0):
        return deps.store.give_back(
            replace(record, attempts=_without_last(record.attempts, ended)), ended, now
        )
    return deps.store.save(record)


def _pause(error: GatewayError, refusals: int) -> float:
    """Seconds: what Azure asks for, and ever longer when it refuses again and again."""
    asked: float = getattr(error, "retry_after", None) or 0.0
    return max(asked, min(LOOK_AGAIN * 2.0 ** max(refusals - 1, 0), LONGEST_PAUSE))


def _without_last(attempts: tuple[Attempt, ...], change: ChangeRecord) -> tuple[Attempt, ...]:
    """A refusal because of another operation is no attempt: it counts for neither budget nor flapping."""
    mine = [a for a in attempts if (a.policy, a.fingerprint) == (change.change.policy, change.fingerprint)]
    return tuple(a for a in attempts if not mine or a is not mine[-1])


def abandon(record: TargetRecord, deps: Deps) -> TargetRecord:
    """End the change in flight, which no reading can verify any more: its target is gone."""
    change = record.change
    if change is None:
        return without_hold(record)
    if change.phase in IN_FLIGHT:
        gone = Ended(outcome=Outcome.FAILED, detail="the resource was deleted", at=deps.clock.now())
        change = step(change, gone)
        record = deps.store.save(with_end(record, change))
    tell_end(change, 0, deps)
    return without_hold(record)


# --- verified --------------------------------------------------------------------------------------


def finish(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[TargetRecord, ChangeRecord]:
    """End a change by what was read: reverted, ineffective, or not yet to be told.

    Nothing is stored: the record is saved by the caller together with whatever this visit finds besides, and
    only then is the end told. Whoever loses the race for the record finds the change as it was and looks
    again."""
    if change.phase is Phase.ENDED:
        return record, change
    outcome, detail = verdict(change, record, visit)
    if outcome is Outcome.IN_PROGRESS:
        return _checked_later(change, record, visit, detail)
    end = Ended(
        outcome=outcome,
        detail=detail,
        at=visit.now,
        after=visit.deps.store.keep(visit.snapshot),
        made=made_by(change, visit.snapshot),
    )
    change = _saying_what_was_made(step(change, end))
    return replace(with_end(record, change), refusals=0, recheck_at=None), change


def _checked_later(
    change: ChangeRecord, record: TargetRecord, visit: Visit, why: str
) -> tuple[TargetRecord, ChangeRecord]:
    """The same question later; an edit that was surely not taken is proved and sent again at once."""
    age = (visit.now - change.created_at).total_seconds()
    delay = min(max(LOOK_AGAIN, age / 4), LONGEST_PAUSE_EXPOSED)
    if why == NOT_TAKEN:
        change, delay = step(change, NotTaken()), 0.0
    change = watched(change, visit.deps, visit.options, delay)
    return replace(record, change=change, lease_until=minded_until(visit.now, delay)), change


# --- what every end comes to -----------------------------------------------------------------------


def with_end(record: TargetRecord, ended: ChangeRecord) -> TargetRecord:
    """The record after a change has ended: the attempt's outcome noted, and no exemption that came with a
    rollback which did not happen. What ended is entered into the journal with it."""
    record = with_deeds(record, change_ended(ended))
    if ended.outcome is not Outcome.ROLLED_BACK:
        record = _without_its_exemptions(record, ended)
    return replace(record, change=ended, attempts=_noted(record, ended))


def _noted(record: TargetRecord, ended: ChangeRecord) -> tuple[Attempt, ...]:
    """The attempts, the newest at this drift with how its change ended where that matters to the next."""
    attempts = record.attempts
    drift = (ended.change.policy, ended.fingerprint)
    newest = max((n for n, a in enumerate(attempts) if (a.policy, a.fingerprint) == drift), default=None)
    matters = _was_interrupted(ended, record) or ended.outcome in {Outcome.INEFFECTIVE, Outcome.FAILED}
    if newest is None or not matters:
        return attempts
    noted = replace(
        attempts[newest], outcome=ended.outcome, sent_at=ended.sent_at, verified_at=ended.finished_at
    )
    return (*attempts[:newest], noted, *attempts[newest + 1 :])


def _was_interrupted(ended: ChangeRecord, record: TargetRecord) -> bool:
    """Whether it ended before all was made, and nobody is known to have undone it: no round of a fight."""
    unmade = ended.outcome is Outcome.CONFLICTED and ended.made < len(ended.change.edits)
    return unmade and (ended.is_partly_made or written_since(ended, record) is None)


def _without_its_exemptions(record: TargetRecord, ended: ChangeRecord) -> TargetRecord:
    gone = tuple(e for e in record.exemptions if e.change_id == ended.id)
    kept = tuple(e for e in record.exemptions if e not in gone)
    now, why = ended.finished_at or ended.created_at, "the rollback did not happen"
    ends = (exemption_ended(exemption, now, why) for exemption in gone)
    return with_deeds(replace(record, exemptions=kept), *ends)


def tell_end(change: ChangeRecord, refusals: int, deps: Deps, undo: tuple[str, ...] = ()) -> None:
    """Tell people and runs how a change ended, and copy it among the changes; all of it may be done twice."""
    if change.outcome in {Outcome.REVERTED, Outcome.ROLLED_BACK}:
        _tell_what_was_made(change, deps, undo)
    if change.code and (change.outcome is Outcome.FAILED or refusals >= MANY_REFUSALS):
        alert_failed_change(change, deps)
    elif change.code:
        tell_of_long_wait(change, deps)
    if change.code in TOLD:
        tell_not_continued(change, deps)
    deps.store.project(change)
    _reopen_original(change, deps)
    tell_run(change, deps)


def _tell_what_was_made(change: ChangeRecord, deps: Deps, undo: tuple[str, ...]) -> None:
    rolled_back = change.kind is ChangeKind.ROLLBACK
    kind = NotificationType.CHANGE_ROLLED_BACK if rolled_back else NotificationType.CHANGE_APPLIED
    portal, at = deps.portal_link(change.change.target.id), change.finished_at or deps.clock.now()
    message = change_notification(change, kind, at, portal, undo)
    if rolled_back or not holds_change(change, deps):
        notify(message, change.cause, deps, change.tags)
    else:
        notify_machines(message, change.cause, deps)
    resolve_not_continued(change, deps)


def undo_of(change: ChangeRecord, reading: Snapshot | None, deps: Deps) -> tuple[str, ...]:
    """The commands of the inverse, as far as Azure takes them where what was read is there."""
    inverse = change.change.inverse
    return () if reading is None or refused(reading, inverse) else deps.commands(inverse)


def note_rollback(rollback: ChangeRecord, deps: Deps) -> None:
    """Note at the change that is undone by which it is, where that is not noted yet."""
    original = deps.store.change(rollback.rollback_of) if rollback.rollback_of is not None else None
    if original is not None and original.rolled_back_by is None:
        deps.store.put_change(replace(original, rolled_back_by=rollback.id))


def _reopen_original(ended: ChangeRecord, deps: Deps) -> None:
    """A rollback that did not happen may be asked for again."""
    if ended.rollback_of is None or ended.outcome is Outcome.ROLLED_BACK:
        return
    original = deps.store.change(ended.rollback_of)
    if original is not None and original.rolled_back_by == ended.id:
        deps.store.put_change(replace(original, rolled_back_by=None))


def tell_saved_end(change: ChangeRecord, deps: Deps, options: RunOptions) -> None:
    """Tell of an end that was saved by whoever died then. It needs no reading: the target may be closed to us
    for as long as it likes. A look at it is on its way before it is free."""
    recheck_later(change, deps, options, 0)
    reading = deps.store.snapshot(change.after) if change.after else None
    refusals = deps.store.recall(change.change.target, deps.clock.now()).refusals
    tell_end(change, refusals, deps, undo_of(change, reading, deps))
    release(change, deps)


def release(change: ChangeRecord, deps: Deps) -> None:
    """The end was told: the target is free. Where somebody else has gone on, it is theirs."""
    with suppress(Overtaken):
        told = step(change, Told())
        save_step(change, told, deps, lambda record: deps.store.save(without_hold(record)))


def end_orphan(change: ChangeRecord, holder: ChangeRecord | None, deps: Deps, options: RunOptions) -> None:
    """End an entry among the changes that is in progress and that its target does not hold: nobody claimed
    it, or an earlier version lost it. Its target is looked at again."""
    held_by = holder.id if holder is not None else "no change"
    how = Ended(
        outcome=Outcome.CONFLICTED,
        detail=f"{Reason.NO_LONGER_PROVED}: the target is held by {held_by}, not by this one",
        code=Reason.NO_LONGER_PROVED,
        at=deps.clock.now(),
    )
    ended = step(taken_up(change), how)
    recheck_later(ended, deps, options, LOOK_AGAIN)
    deps.store.journal.append(change.change.target, change_ended(ended, healed=True))
    tell_end(ended, 0, deps)
