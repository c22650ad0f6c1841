"""A change on its way: claimed, begun, waited for, verified; or given up, with the reason.

The worker never sits on a long-running operation: it begins one edit, writes down where it is, and
asks the queue to look again later. The edits of a change are sent one after the other. What ends a
change is always a reading (``finish``), never the word of the operation alone: Azure ignores some
writes without an error.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeGuard

from shared.alerts.lifecycle import change_notification
from shared.controller.deps import Deps
from shared.controller.journal import (
    RUN_ASKS_AGAIN,
    alert_failed_change,
    keep_result,
    notify,
    raise_alert,
    sighting_of,
)
from shared.controller.visit import Judgement, Visit
from shared.guardrails.decide import LONGEST_PAUSE, Readiness, readiness_of
from shared.guardrails.traffic_difference import difference_made
from shared.model import (
    Action,
    ComplianceState,
    EnforcementMode,
    Operation,
    Outcome,
    Reason,
    ServerSnapshot,
    Snapshot,
)
from shared.model.alert_records import NotificationType
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.codec import to_json
from shared.model.edits import apply_edit, apply_edits
from shared.model.errors import (
    Busy,
    Conflict,
    EntityChanged,
    GatewayError,
    Gone,
    Permanent,
    StoreError,
    Throttled,
    Transient,
)
from shared.model.memory import Attempt, TargetRecord
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.results import ChangeView, TargetResult
from shared.posture.traffic import server_traffic
from shared.state.store import BudgetExhausted

LEASE: Final = timedelta(minutes=10)
"""How long a claim holds without a sign of life; an operation takes about a minute."""
PATIENCE: Final = timedelta(minutes=30)
"""How long an operation may run before it counts as failed."""
RACES: Final = 3
"""How often the end of a change is noted again when somebody else wrote the memory meanwhile."""
MANY_REFUSALS: Final = 5
"""Refusals in a row because the target is busy, after which people hear of it."""
LOOK_AGAIN: Final = 2.0
"""Seconds between two looks at an operation for which ARM names no wait."""


def view_of(record: ChangeRecord) -> ChangeView:
    """A change as runs and the HTTP API show it."""
    return ChangeView(
        id=record.id,
        policy=record.change.policy,
        resource_id=record.change.resource_id,
        edits=tuple(to_json(edit) for edit in record.change.edits),
        inverse=tuple(to_json(edit) for edit in record.change.inverse),
        proof=record.proof,
        outcome=record.outcome,
        detail=record.detail,
        difference=record.difference,
        restored_from=record.restored_from,
    )


# --- begin -----------------------------------------------------------------------------------------


def begin(visit: Visit, judgement: Judgement, record: TargetRecord) -> ChangeRecord:
    """Claim the change in one conditional write (lease, budget, inverse) and send its first edit.

    A change for which another worker took the last of the budget is returned as alerted.
    """
    change = _new_change(visit, judgement)
    try:
        visit.deps.store.claim(
            record,
            change,
            lease_until=visit.now + LEASE,
            scope_limit=visit.deps.configuration.limits.writes_per_subscription,
            writes=len(change.change.edits),
            now=visit.now,
        )
    except BudgetExhausted as exhausted:
        decision = replace(change.decision, action=Action.ALERT, reason=Reason.BUDGET, detail=str(exhausted))
        raise_alert(judgement.policy, sighting_of(visit, judgement, decision), visit.deps)
        visit.deps.store.save(record)
        return replace(change, outcome=Outcome.ALERTED, decision=decision, detail=str(exhausted))
    claimed = visit.deps.store.change(change.id)
    assert claimed is not None  # the claim has just entered it into the journal
    return advance(claimed, visit.snapshot, visit.deps, visit.options)


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


def advance(change: ChangeRecord, snapshot: Snapshot, deps: Deps, options: RunOptions) -> ChangeRecord:
    """Send edits until one takes long, one fails, or all are sent; and have the next look queued."""
    edits = change.change.edits
    delay = 0.0
    operation: Operation | None = None
    while change.next_edit < len(edits):
        forbidden = _forbidden_now(change, deps, options) if change.next_edit else None
        if forbidden is not None:
            return give_up(change, forbidden, deps, options)
        try:
            operation = deps.gateway.begin(edits[change.next_edit], snapshot)
        except Gone:
            change = replace(change, nothing_there=True)
            break
        except GatewayError as error:
            if not _may_have_been_sent(error):
                return give_up(change, error, deps, options)
            delay = error.retry_after or LOOK_AGAIN
            break
        if operation.url is not None:
            delay = operation.retry_after_seconds or LOOK_AGAIN
            break
        snapshot = apply_edit(snapshot, edits[change.next_edit])
        change, operation = replace(change, next_edit=change.next_edit + 1), None
    change = deps.store.put_change(replace(change, operation=operation))
    _look_again(change, deps, options, delay)
    return change


def _may_have_been_sent(error: GatewayError) -> TypeGuard[Transient]:
    """Whether Azure may have taken the write although we have no answer: only a reading can tell."""
    return isinstance(error, Transient) and not isinstance(error, Busy | Throttled)


def _look_again(change: ChangeRecord, deps: Deps, options: RunOptions, delay: float) -> None:
    deps.store.send(
        Message(
            kind=MessageKind.CHECK,
            target=change.change.target,
            cause=change.cause,
            change_id=change.id,
            options=options,
        ),
        delay,
    )


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
    _recheck(ended, deps, options, _pause(error, refusals))
    if not again or refusals >= MANY_REFUSALS:
        alert_failed_change(ended, deps)
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


def _recheck(change: ChangeRecord, deps: Deps, options: RunOptions, wait: float) -> None:
    target = change.change.target
    recheck = Message(kind=MessageKind.RECHECK, target=target, cause=change.cause, options=options)
    deps.store.send(recheck, wait)


def without_change(record: TargetRecord, ended: ChangeRecord) -> TargetRecord:
    """The record after a change has ended: no lease, the attempt's outcome noted, and no exemption
    that came with a rollback which did not happen."""
    if record.active_change == ended.id:
        record = replace(record, active_change=None, lease_until=None)
    exemptions = record.exemptions
    if ended.outcome is not Outcome.ROLLED_BACK:
        exemptions = tuple(e for e in exemptions if e.change_id != ended.id)
    drift = (ended.change.policy, ended.fingerprint)
    noted = ended.outcome in {Outcome.INEFFECTIVE, Outcome.FAILED}
    attempts = tuple(
        replace(a, outcome=ended.outcome) if noted and (a.policy, a.fingerprint) == drift else a
        for a in record.attempts
    )
    return replace(record, exemptions=exemptions, attempts=attempts)


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
    return _next(replace(change, operation=None, next_edit=change.next_edit + 1), deps, options)


def _next(change: ChangeRecord, deps: Deps, options: RunOptions) -> ChangeRecord | None:
    """Send the next edit; None when there is none."""
    if change.next_edit == len(change.change.edits):
        return None
    before = deps.store.snapshot(change.before)
    assert before is not None  # kept before the change was claimed
    return advance(change, apply_edits(before, change.change.edits[: change.next_edit]), deps, options)


def _forbidden_now(change: ChangeRecord, deps: Deps, options: RunOptions) -> Permanent | None:
    """Why the next edit may not be sent: mode and switch are asked before every write."""
    if EnforcementMode.AUDIT in (deps.settings.mode, options.enforcement):
        return Permanent("the app audits now: the rest is not made", code="enforcement-disabled")
    try:
        on = deps.store.break_glass(change.change.target.id.subscription)
    except StoreError as error:
        return Permanent(f"the switch cannot be read: {error}", code=Reason.BREAK_GLASS_UNREADABLE)
    return Permanent("writes are switched off", code=Reason.BREAK_GLASS) if on else None


def _wait(
    change: ChangeRecord, operation: Operation, deps: Deps, options: RunOptions, wait: float | None
) -> ChangeRecord:
    now = deps.clock.now()
    if now - change.created_at > PATIENCE:
        late = GatewayError(f"the operation has not ended within {PATIENCE}", code="OperationTimedOut")
        return give_up(change, late, deps, options)
    _keep_lease(change, deps, now)
    change = deps.store.put_change(replace(change, operation=operation))
    _look_again(change, deps, options, wait or LOOK_AGAIN)
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
        _recheck(change, deps, options, RUN_ASKS_AGAIN)
    deps.store.save(replace(record, lease_until=deps.clock.now() + LEASE))
    _look_again(change, deps, RunOptions(run_id=change.run_id), 0)
    return TargetResult(target=record.target, outcomes={change.change.policy: Outcome.IN_PROGRESS})


# --- verify ----------------------------------------------------------------------------------------


def finish(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[TargetRecord, ChangeRecord]:
    """End a change by what was read: reverted, ineffective, or not yet to be told.

    Nothing is stored: the record, which no longer holds the change, is saved by the caller together
    with whatever this visit finds besides, and only then is the change's end written (``close``).
    Whoever loses the race for the record finds the change still in progress and looks again.
    """
    outcome, detail = _verdict(change, visit)
    if outcome is Outcome.IN_PROGRESS:
        age = (visit.now - change.created_at).total_seconds()
        _look_again(change, visit.deps, visit.options, min(max(LOOK_AGAIN, age / 4), LONGEST_PAUSE))
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
        portal, undo = deps.portal_link(change.change.target.id), deps.commands(change.change.inverse)
        notify(change_notification(change, kind, visit.now, portal, undo), change.cause, deps)
    deps.store.put_change(change)
    _reopen_original(change, deps)
    tell_run(change, deps, visit.options)


def abandon(change: ChangeRecord, detail: str, deps: Deps, options: RunOptions) -> None:
    """End a change that no reading can verify any more: its target is gone."""
    now = deps.clock.now()
    ended = replace(change, outcome=Outcome.FAILED, detail=detail, operation=None, finished_at=now)
    deps.store.put_change(ended)
    tell_run(ended, deps, options)


def tell_run(change: ChangeRecord, deps: Deps, options: RunOptions) -> None:
    """A run hears how its change ended, also when another look has ended it."""
    if change.run_id is None or change.run_id == options.run_id:
        return
    ended = TargetResult(
        target=change.change.target,
        outcomes={change.change.policy: change.outcome},
        changes=(view_of(change),),
    )
    keep_result(ended, RunOptions(run_id=change.run_id), deps)


def _verdict(change: ChangeRecord, visit: Visit) -> tuple[Outcome, str]:
    """What the reading says of the change. A target that is still updating says nothing yet."""
    if readiness_of(visit.snapshot) is Readiness.BUSY:
        outcome, detail = Outcome.IN_PROGRESS, "another operation is running"
    elif change.kind is ChangeKind.ROLLBACK:
        outcome, detail = _rollback_verdict(change, visit)
    else:
        outcome, detail = _remediation_verdict(change, visit)
    if outcome is Outcome.IN_PROGRESS and visit.now - change.created_at > PATIENCE:
        return Outcome.FAILED, f"could not be verified: {detail}"
    return outcome, detail


def _remediation_verdict(change: ChangeRecord, visit: Visit) -> tuple[Outcome, str]:
    policy = next((p for p in visit.policies if p.id == change.change.policy), None)
    if policy is None:
        return Outcome.FAILED, "the policy is off now: nothing was verified"
    finding = policy.evaluate(visit.snapshot)
    sent_all = change.next_edit == len(change.change.edits)
    match finding.state:
        case ComplianceState.COMPLIANT:
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


def same_reach(one: Snapshot, other: Snapshot) -> bool:
    """Whether two readings admit the same traffic, as far as edits can change it."""
    if isinstance(one, ServerSnapshot) and isinstance(other, ServerSnapshot):
        same_access = one.public_access is other.public_access
        return same_access and server_traffic(one) == server_traffic(other) and _rules(one) == _rules(other)
    if isinstance(one, ServerSnapshot) or isinstance(other, ServerSnapshot):
        return False
    mine, theirs = one.security_group, other.security_group
    if mine is None or theirs is None:
        return mine is theirs
    return {replace(r, etag=None) for r in mine.rules} == {replace(r, etag=None) for r in theirs.rules}


def _rules(server: ServerSnapshot) -> frozenset[tuple[int, int]]:
    return frozenset((int(rule.start), int(rule.end)) for rule in server.firewall_rules or ())
