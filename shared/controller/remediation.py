"""A change on its way: begun by a claim, its edits submitted one after the other, each waited for.

Nobody sits on a long-running operation: one edit is submitted, where the change stands is written down,
and the queue is asked to look again later. How a change ends is in ``change_ends``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeGuard

from shared.controller.asking_again import (
    LOOK_AGAIN,
    RUN_ASKS_AGAIN,
    check_later,
    look_when_due,
    recheck_later,
)
from shared.controller.before_edits import forbidden_now, proved_again, refuse_outside
from shared.controller.change_ends import LEASE, PATIENCE, give_up
from shared.controller.deps import Deps
from shared.controller.nearly_spent import warn_of_budget
from shared.controller.telling import raise_alert, sighting_of
from shared.controller.visit import Judgement, Visit
from shared.guardrails.budget import Purchase, cost
from shared.guardrails.traffic_difference import difference_made
from shared.model import Action, Operation, Outcome, Purse, Reason, Snapshot
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.errors import (
    Busy,
    Conflict,
    GatewayError,
    Gone,
    Throttled,
    Transient,
)
from shared.model.happened import change_claimed, with_deeds
from shared.model.memory import TargetRecord
from shared.model.messages import RunOptions
from shared.model.results import TargetResult
from shared.model.values import value
from shared.state.ledger import BudgetExhausted

# --- begin -----------------------------------------------------------------------------------------


def begin(visit: Visit, judgement: Judgement, record: TargetRecord) -> ChangeRecord:
    """Claim the change in one conditional write (lease, budget, inverse) and send its first edit.

    A change for which another worker took the last of the budget is returned as alerted.
    """
    change = _new_change(visit, judgement)
    try:
        claim(change, record, visit.deps, visit.now, judgement.purse)
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
        raise_alert(judgement.policy, sighting_of(visit, judgement, decision), visit.deps)
        return replace(change, outcome=Outcome.ALERTED, decision=decision, detail=str(exhausted))
    claimed = visit.deps.store.change(change.id)
    assert claimed is not None  # the claim has just entered it into the journal
    begun = advance(claimed, visit.snapshot, visit.deps, visit.options)
    warn_of_budget(begun, judgement.purse, visit.deps)
    return begun


def claim(
    change: ChangeRecord, record: TargetRecord, deps: Deps, now: datetime, purse: Purse = Purse.ORDINARY
) -> None:
    """Reserve target and budget for a change, in one conditional write with its entry in the journal.

    Raises ``OutsideScopes``, ``BudgetExhausted``, and ``EntityChanged`` when somebody else was faster.
    """
    refuse_outside(change.change.edits, deps)
    deps.store.claim(
        with_deeds(record, change_claimed(change, deps.gateway.identity())),
        change,
        lease_until=now + LEASE,
        purchase=Purchase(target=record.target, writes=cost(change.change, purse), purse=purse),
        limits=deps.configuration.limits,
        now=change.created_at,
    )


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
        fingerprint=judgement.finding.fingerprint,
        created_at=visit.now,
        before=visit.deps.store.keep(visit.snapshot),
        run_id=visit.options.run_id,
        difference=difference_made(judgement.change, visit.snapshot),
        restored_from=judgement.restored_from,
    )


@value
class _Sent:
    """Where a change stands after an edit; ``reading`` is one on which the next is proved, if that may go."""

    change: ChangeRecord
    operation: Operation | None = None
    delay: float = 0.0
    reading: Snapshot | None = None
    refusal: GatewayError | None = None


def advance(change: ChangeRecord, proved_on: Snapshot, deps: Deps, options: RunOptions) -> ChangeRecord:
    """Send edits until one takes long, one fails, or all are sent; and have the next look queued.

    The next edit was proved on the reading ``proved_on``; each later one is proved again before it is sent.
    """
    sent = _Sent(change=change, reading=proved_on)
    while sent.reading is not None:
        sent = _send(sent.change, sent.reading, deps, options)
    if sent.refusal is not None:
        return give_up(sent.change, sent.refusal, deps, options)
    change = deps.store.put_change(replace(sent.change, operation=sent.operation))
    check_later(change, deps, options, sent.delay)
    return change


def _send(change: ChangeRecord, reading: Snapshot, deps: Deps, options: RunOptions) -> _Sent:
    refusal = forbidden_now(change, deps, options)
    if refusal is not None:
        return _Sent(change=change, refusal=refusal)
    try:
        operation = deps.gateway.submit(change.change.edits[change.next_edit], reading)
    except Gone:
        return _Sent(change=replace(change, nothing_there=True))
    except GatewayError as error:
        if _may_have_been_sent(error):
            return _Sent(change=change, delay=error.retry_after or LOOK_AGAIN)
        return _Sent(change=change, refusal=error)
    if operation.url is not None:
        return _Sent(change=change, operation=operation, delay=operation.retry_after_seconds or LOOK_AGAIN)
    return _go_on(replace(change, next_edit=change.next_edit + 1), deps)


def _go_on(change: ChangeRecord, deps: Deps) -> _Sent:
    """Prove the next edit. Where nothing can be read now, the reading that ends the change tells, and what is
    left is judged anew."""
    if change.next_edit == len(change.change.edits):
        return _Sent(change=change)
    try:
        return _Sent(change=change, reading=proved_again(change, deps))
    except Gone:
        return _Sent(change=change)
    except Transient as trouble:
        return _Sent(change=change, delay=trouble.retry_after or LOOK_AGAIN)
    except GatewayError as error:
        return _Sent(change=change, refusal=error)


def _may_have_been_sent(error: GatewayError) -> TypeGuard[Transient]:
    """Whether Azure may have taken the write although we have no answer: only a reading can tell."""
    return isinstance(error, Transient) and not isinstance(error, Busy | Throttled)


# --- wait ------------------------------------------------------------------------------------------


def poll(change: ChangeRecord, deps: Deps, options: RunOptions) -> ChangeRecord | None:
    """Ask how the operation is doing; None means: all edits are through, verify by a reading.

    A returned change is still in progress (the next look is queued) or was given up.
    """
    operation = change.operation
    if operation is None:
        return None
    try:
        running = deps.gateway.poll(operation)
    except (Busy, Conflict) as failed:
        return give_up(change, failed, deps, options)  # the operation's own end, not the poll's
    except Gone:
        return None  # ARM keeps ended operations for a while only: the reading will tell
    except Transient as trouble:
        return _wait(change, operation, deps, options, trouble.retry_after)
    except GatewayError as error:
        return give_up(change, error, deps, options)
    if running is not None:
        return _wait(change, running, deps, options, running.retry_after_seconds)
    return _next(change, operation, deps, options)


def _next(change: ChangeRecord, ended: Operation, deps: Deps, options: RunOptions) -> ChangeRecord | None:
    """Send the next edit, if it is right on what is there now; None when there is none, or no target."""
    change = replace(change, operation=None, next_edit=change.next_edit + 1)
    if change.next_edit == len(change.change.edits):
        return None
    try:
        reading = proved_again(change, deps)
    except Gone:
        return None
    except Transient as trouble:
        waiting = replace(change, next_edit=change.next_edit - 1)
        return _wait(waiting, ended, deps, options, trouble.retry_after)
    except GatewayError as error:
        return give_up(change, error, deps, options)
    return advance(change, reading, deps, options)


def _wait(
    change: ChangeRecord, operation: Operation, deps: Deps, options: RunOptions, wait: float | None
) -> ChangeRecord:
    now = deps.clock.now()
    if now - change.created_at > PATIENCE:
        late = GatewayError(f"the operation has not ended within {PATIENCE}", code="OperationTimedOut")
        return give_up(change, late, deps, options)
    _keep_lease(change, deps, now)
    change = deps.store.put_change(replace(change, operation=operation))
    check_later(change, deps, options, wait or LOOK_AGAIN)
    return change


def _keep_lease(change: ChangeRecord, deps: Deps, now: datetime) -> None:
    """Whoever looks after a change keeps its lease alive, or somebody else would begin it again."""
    record = deps.store.recall(change.change.target, now)
    if record.active_change == change.id and (record.lease_until or now) - now < LEASE / 2:
        deps.store.save(replace(record, lease_until=now + LEASE))


def resume(change: ChangeRecord, record: TargetRecord, deps: Deps, options: RunOptions) -> TargetResult:
    """Take over a change whose worker died while its operation was running: ask the operation first.

    A run that came upon it asks again until it has its own answer."""
    if options.run_id not in (None, change.run_id):
        recheck_later(change, deps, options, RUN_ASKS_AGAIN)
    deps.store.save(replace(record, lease_until=deps.clock.now() + LEASE))
    check_later(change, deps, RunOptions(run_id=change.run_id), 0)
    return TargetResult(target=record.target, outcomes={change.change.policy: Outcome.IN_PROGRESS})
