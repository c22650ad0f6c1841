"""A change on its way: begun by a claim, its edits sent one after the other, each waited for.

Nobody sits on a long-running operation: one edit is sent, where the change stands is saved, and the queue is
asked to look again later; what comes next follows from where it stands (``following``). Each verb here takes
a change as it was saved last and returns it as it is saved now. How a change ends is in ``change_ends``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeGuard

from shared.controller.asking_again import LOOK_AGAIN, look_when_due
from shared.controller.before_edits import forbidden_now, proved_again, refuse_outside
from shared.controller.change_ends import give_up
from shared.controller.deps import Deps
from shared.controller.holding import GUARD, keep, keep_on, minded_until, watched
from shared.controller.nearly_spent import warn_of_budget
from shared.controller.overtaking import is_overtaken, refuse_overtaken
from shared.controller.telling import raise_alert, sighting_of
from shared.controller.verdicts import PATIENCE
from shared.controller.visit import Judgement, Visit
from shared.guardrails.budget import Purchase, cost
from shared.guardrails.exposures import slow_in
from shared.guardrails.traffic_difference import difference_made
from shared.model import Action, Operation, Outcome, Purse, Reason, Snapshot
from shared.model.change_life import (
    IN_FLIGHT,
    Accepted,
    Answered,
    Forgotten,
    NothingThere,
    Sending,
    step,
)
from shared.model.change_records import ChangeKind, ChangeRecord, Phase
from shared.model.errors import Busy, GatewayError, Gone, Throttled, Transient
from shared.model.happened import change_claimed, with_deeds
from shared.model.memory import TargetRecord
from shared.model.messages import RunOptions
from shared.state.ledger import BudgetExhausted

# --- begin -----------------------------------------------------------------------------------------


def begin(visit: Visit, judgement: Judgement, record: TargetRecord) -> ChangeRecord:
    """Claim the change in one conditional write (target, budget, inverse) and send its first edit.

    A change for which another worker took the last of the budget is returned as alerted.
    """
    change = _new_change(visit, judgement)
    try:
        claimed = claim(change, record, visit.deps, visit.options, judgement.purse)
    except BudgetExhausted as exhausted:
        again = (exhausted.room_at - visit.now).total_seconds() if exhausted.room_at is not None else None
        decision = replace(
            change.decision,
            action=Action.ALERT,
            reason=Reason.BUDGET,
            detail=str(exhausted),
            look_again_seconds=again,
        )
        visit.deps.store.save(look_when_due(visit, decision, record))
        refuse_overtaken(visit.deps)
        raise_alert(judgement.policy, sighting_of(visit, judgement, decision), visit.deps)
        return replace(change, outcome=Outcome.ALERTED, decision=decision, detail=str(exhausted))
    begun = _first_sent(claimed, visit)
    warn_of_budget(begun, judgement.purse, visit.deps)
    return begun


def _first_sent(claimed: ChangeRecord, visit: Visit) -> ChangeRecord:
    """The change as it is sent: proved anew where somebody has begun another reading since."""
    if is_overtaken(visit.deps):
        return go_on(claimed, visit.deps, visit.options)
    return advance(claimed, visit.snapshot, visit.deps, visit.options)


def claim(
    change: ChangeRecord, record: TargetRecord, deps: Deps, options: RunOptions, purse: Purse
) -> ChangeRecord:
    """Reserve target and budget for a change, in one conditional write with the change itself and its entry
    in the journal. A message that goes on with it is enqueued before.

    Raises ``OutsideScopes``, ``BudgetExhausted``, and ``EntityChanged`` when somebody else was faster.
    """
    refuse_outside(change.change.edits, deps)
    change = watched(change, deps, options, GUARD)
    deps.store.claim(
        with_deeds(record, change_claimed(change, deps.gateway.identity())),
        change,
        lease_until=minded_until(deps.clock.now(), GUARD),
        purchase=Purchase(target=record.target, writes=cost(change.change, purse), purse=purse),
        limits=deps.configuration.limits,
        now=change.created_at,
    )
    return change


def _new_change(visit: Visit, judgement: Judgement) -> ChangeRecord:
    assert judgement.change is not None  # decided to revert: the brakes "no plan" and
    assert judgement.proof is not None  # "not proved" have let it pass
    assert judgement.decision is not None
    return ChangeRecord(
        id=visit.deps.new_id(),
        kind=ChangeKind.REMEDIATION,
        change=judgement.change,
        proof=judgement.proof,
        decision=judgement.decision,
        cause=visit.cause,
        outcome=Outcome.IN_PROGRESS,
        phase=Phase.CLAIMED,
        fingerprint=judgement.finding.fingerprint,
        created_at=visit.now,
        before=visit.deps.store.keep(visit.snapshot),
        run_id=visit.options.run_id,
        difference=difference_made(judgement.change, visit.snapshot),
        restored_from=judgement.restored_from,
        tags=visit.deps.configuration.routed_tags(visit.snapshot),
    )


# --- send ------------------------------------------------------------------------------------------


def advance(change: ChangeRecord, proved_on: Snapshot, deps: Deps, options: RunOptions) -> ChangeRecord:
    """Send edits until one takes long, one fails, or all are sent.

    The next edit was proved on the reading ``proved_on``; each later one is proved again before it is sent.
    """
    change = _send(change, proved_on, deps, options)
    return go_on(change, deps, options) if change.phase is Phase.CLAIMED else change


def go_on(change: ChangeRecord, deps: Deps, options: RunOptions) -> ChangeRecord:
    """Prove the next edit on what is there now, and send it. Where nothing can be read now, that is asked
    again."""
    try:
        reading = proved_again(change, deps)
    except Gone:
        return keep(change, step(change, NothingThere()), deps, options, GUARD)
    except Transient as trouble:
        return _later(change, deps, options, trouble.retry_after)
    except GatewayError as error:
        return give_up(change, error, deps, options)
    return advance(change, reading, deps, options)


def _send(change: ChangeRecord, reading: Snapshot, deps: Deps, options: RunOptions) -> ChangeRecord:
    refusal = forbidden_now(change, deps, options)
    if refusal is not None:
        return give_up(change, refusal, deps, options)
    sending = keep_on(change, step(change, Sending(at=deps.clock.now())), deps)
    try:
        operation = deps.gateway.submit(change.change.edits[change.next_edit], reading)
    except Gone:
        return keep(sending, step(sending, NothingThere()), deps, options, GUARD)
    except GatewayError as error:
        if _may_have_been_sent(error):
            return wait_on(sending, sending, deps, options, error.retry_after)
        return give_up(sending, error, deps, options)
    if operation.url is not None:
        accepted = step(sending, Accepted(operation=operation))
        return wait_on(sending, accepted, deps, options, wait_of(operation))
    return keep(sending, step(sending, Answered()), deps, options, GUARD)


def _may_have_been_sent(error: GatewayError) -> TypeGuard[Transient]:
    """Whether Azure may have taken the write although we have no answer: only a reading can tell."""
    return isinstance(error, Transient) and not isinstance(error, Busy | Throttled)


def wait_of(operation: Operation) -> float:
    """Seconds until the operation is asked about."""
    return operation.retry_after_seconds or LOOK_AGAIN


# --- wait ------------------------------------------------------------------------------------------


def wait_on(
    before: ChangeRecord, after: ChangeRecord, deps: Deps, options: RunOptions, wait: float | None
) -> ChangeRecord:
    """Save a step, with a check after the wait that Azure has named. Raises ``Overtaken``."""
    after, soon = waiting(after, wait or LOOK_AGAIN, deps.clock.now())
    return keep(before, after, deps, options, soon)


def waiting(change: ChangeRecord, wait: float, now: datetime) -> tuple[ChangeRecord, float]:
    """The change that waits, and seconds until its next check: by when a slow revert is told there is one,
    which asks nothing if it is too early."""
    left = slow_in(change.created_at, now).total_seconds()
    soon = min(wait, max(left, LOOK_AGAIN)) if left and change.kind is ChangeKind.REMEDIATION else wait
    return replace(change, ask_at=now + timedelta(seconds=wait) if soon < wait else None), soon


def still_waits(change: ChangeRecord, deps: Deps, options: RunOptions) -> ChangeRecord | None:
    """The change with its next check on its way where it is too early to ask Azure; else None."""
    if change.ask_at is None or change.phase not in IN_FLIGHT:
        return None
    left = (change.ask_at - deps.clock.now()).total_seconds()
    return wait_on(change, change, deps, options, left) if left > 0 else None


def poll(change: ChangeRecord, deps: Deps, options: RunOptions) -> ChangeRecord:
    """Ask how the operation is doing, and go on when it is done. The next question is on its way before.

    The operation's own end is an answer; only what hinders the asking is asked again.
    """
    operation = change.operation
    assert operation is not None  # of a change that runs
    change = wait_on(change, change, deps, options, wait_of(operation))
    try:
        running = deps.gateway.poll(operation)
    except Gone:  # ARM keeps ended operations for a while only: the reading will tell
        return keep(change, step(change, Forgotten()), deps, options, 0)
    except GatewayError as error:
        if _hinders_asking(error):
            return _later(change, deps, options, error.retry_after)
        return give_up(change, error, deps, options)
    if running is not None:
        return _runs_on(change, running, deps, options)
    done = keep(change, step(change, Answered()), deps, options, GUARD)
    return go_on(done, deps, options) if done.phase is Phase.CLAIMED else done


def _hinders_asking(error: GatewayError) -> TypeGuard[Transient]:
    return isinstance(error, Transient) and not isinstance(error, Busy) and not error.is_end


def _runs_on(change: ChangeRecord, running: Operation, deps: Deps, options: RunOptions) -> ChangeRecord:
    """Azure is still at it. Only where it asks for another wait is that saved: the next question is on its
    way."""
    if _is_over_time(change, deps.clock.now()):
        return _late(change, deps, options)
    if running == change.operation:
        return change
    return wait_on(change, step(change, Accepted(operation=running)), deps, options, wait_of(running))


def _later(change: ChangeRecord, deps: Deps, options: RunOptions, wait: float | None) -> ChangeRecord:
    """The same question later, as long as there is patience."""
    if _is_over_time(change, deps.clock.now()):
        return _late(change, deps, options)
    return wait_on(change, change, deps, options, wait)


def _is_over_time(change: ChangeRecord, now: datetime) -> bool:
    return now - change.created_at > PATIENCE


def _late(change: ChangeRecord, deps: Deps, options: RunOptions) -> ChangeRecord:
    late = GatewayError(f"the operation has not ended within {PATIENCE}", code="OperationTimedOut")
    return give_up(change, late, deps, options)
