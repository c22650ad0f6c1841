"""Rollback: undo a change that was made, as a change of its own, with a proof of its own.

It is refused when somebody changed the resource since, and it obeys break-glass and audit mode like
any write. Its proof is that the reach of the whole target becomes the recorded one. The operator's
reason and an expiry are required; until then the edits that were undone are exempt from the policy, or the
next event would make them again, and nothing else is: another hole is another drift. Edits are undone in
reverse, so public access comes back before its rules.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.controller.before_edits import OutsideScopes, refuse_outside
from shared.controller.change_ends import note_rollback, tell_saved_end
from shared.controller.deps import Deps
from shared.controller.holding import adopted, keep
from shared.controller.nearly_spent import warn_of_budget
from shared.controller.remediation import advance, claim
from shared.controller.runs import refuse_under_audit
from shared.guardrails.question import Readiness, readiness_of
from shared.guardrails.traffic_difference import difference_made, same_reach
from shared.model import (
    Action,
    Actor,
    Aspect,
    Cause,
    CauseKind,
    Change,
    Decision,
    Outcome,
    Proof,
    ProofStep,
    Purse,
    Reason,
    Snapshot,
)
from shared.model.change_life import what_stands
from shared.model.change_records import ChangeKind, ChangeRecord, Phase
from shared.model.edits import EditDoesNotFit, apply_edits
from shared.model.errors import StoreError
from shared.model.happened import exemption_begun, with_deeds
from shared.model.memory import Exemption, TargetRecord
from shared.model.messages import RunOptions
from shared.model.values import value
from shared.policies import find
from shared.state.ledger import BudgetExhausted


class RollbackRefused(Exception):
    """The rollback would not be right. ``reason`` is stable, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@value
class RollbackRequest:
    change_id: str
    actor: Actor
    reason: str
    expires_at: datetime
    """Until when what is put back is exempt from the policy of the change."""


def roll_back(request: RollbackRequest, deps: Deps) -> ChangeRecord | None:
    """Begin the rollback of a change; None when there is no such change.

    Raises ``EnforcementDisabled``, ``RollbackRefused``, or the errors of gateway and store.
    """
    refuse_under_audit(deps, wants_to_write=True)
    original = deps.store.change(request.change_id)
    if original is None:
        return None
    undone = _what_was_applied(original)
    _refuse_outside_scopes(undone, deps)
    _refuse_under_break_glass(original, deps)
    now_there = deps.gateway.read(original.change.target, _aspects(original))
    for trouble in deps.gateway.troubles:
        raise trouble  # what was undone is compared as a whole
    _refuse_unless_ready(now_there)
    before, after = _recorded(original, undone, deps)
    if not same_reach(after, now_there):
        raise RollbackRefused("changed-since", "somebody changed the resource since this change was made")
    return _begin(request, replace(original, change=undone), (before, now_there), deps)


def _what_was_applied(original: ChangeRecord) -> Change:
    """The change, or the part of it that was made before it was given up."""
    undone = what_stands(original) if original.kind is ChangeKind.REMEDIATION else None
    if undone is None:
        raise RollbackRefused("not-applied", f"nothing was applied that could be undone: {original.outcome}")
    if original.rolled_back_by is not None:
        raise RollbackRefused("already-rolled-back", f"rolled back by {original.rolled_back_by}")
    return undone


def _refuse_unless_ready(now_there: Snapshot) -> None:
    match readiness_of(now_there):
        case Readiness.BUSY:
            raise RollbackRefused(Reason.TARGET_BUSY, "another operation is running")
        case Readiness.STOPPED:
            raise RollbackRefused(Reason.TARGET_STOPPED, "a stopped server refuses writes")
        case Readiness.READY:
            return


def _refuse_outside_scopes(undone: Change, deps: Deps) -> None:
    try:
        refuse_outside(undone.inverse, deps)
    except OutsideScopes as outside:
        raise RollbackRefused(Reason.OUTSIDE_SCOPES, str(outside)) from outside


def _refuse_under_break_glass(original: ChangeRecord, deps: Deps) -> None:
    try:
        on = deps.store.break_glass(
            original.change.target.id.subscription, deps.settings.scopes, deps.clock.now()
        )
    except StoreError as error:
        raise RollbackRefused(Reason.BREAK_GLASS_UNREADABLE, f"the switch cannot be read: {error}") from error
    if on:
        raise RollbackRefused(Reason.BREAK_GLASS, "writes are switched off")


def _aspects(original: ChangeRecord) -> frozenset[Aspect]:
    policy = find(original.change.policy)
    if policy is None:
        raise RollbackRefused("policy-unknown", f"there is no policy {original.change.policy} any more")
    return policy.reads


def _recorded(original: ChangeRecord, undone: Change, deps: Deps) -> tuple[Snapshot, Snapshot]:
    """The readings before and after; of a change that was given up, which nobody read, what its edits
    made."""
    before = deps.store.snapshot(original.before)
    after = deps.store.snapshot(original.after) if original.after else None
    if before is not None and original.outcome is not Outcome.REVERTED:
        after = _as_made(before, undone)
    if before is None or after is None:
        raise RollbackRefused("not-recorded", "the recorded readings are not there any more")
    return before, after


def _as_made(before: Snapshot, undone: Change) -> Snapshot | None:
    try:
        return apply_edits(before, undone.edits)
    except EditDoesNotFit:
        return None


def _begin(
    request: RollbackRequest, original: ChangeRecord, readings: tuple[Snapshot, Snapshot], deps: Deps
) -> ChangeRecord:
    now = deps.clock.now()
    before, now_there = readings
    proof = _prove(original.change, before, now_there)
    if not proof.holds:
        raise RollbackRefused("not-proved", "; ".join(step.detail or step.claim for step in proof.failures))
    change = _rollback_record(request, original, proof, now_there, deps)
    record = _free_target(original, deps)
    exemption = _exemption(request, original, change)
    exempt = replace(record, exemptions=(*record.exemptions, exemption))
    exempt = with_deeds(exempt, exemption_begun(exemption, now, request.actor))
    try:
        change = claim(change, exempt, deps, RunOptions(), Purse.ORDINARY)
    except BudgetExhausted as exhausted:
        raise RollbackRefused(Reason.BUDGET, str(exhausted)) from exhausted
    note_rollback(change, deps)
    begun = advance(change, now_there, deps, RunOptions())
    if begun.phase is Phase.SENT:
        begun = keep(begun, begun, deps, RunOptions(), 0)
    warn_of_budget(begun, Purse.ORDINARY, deps)
    return begun


def _free_target(original: ChangeRecord, deps: Deps) -> TargetRecord:
    """The memory of the target, of which no change is on its way: two are never made at once. One that has
    ended, and of which somebody tells or told before they died, is told here and let go."""
    record = _remembered(original, deps)
    if record.change is not None and record.change.phase is Phase.ENDED:
        tell_saved_end(record.change, deps, RunOptions())
        record = _remembered(original, deps)
    if record.change is not None:
        raise RollbackRefused(Reason.TARGET_BUSY, f"change {record.change.id} is on its way")
    return record


def _remembered(original: ChangeRecord, deps: Deps) -> TargetRecord:
    return adopted(deps.store.recall(original.change.target, deps.clock.now()), deps)


def _exemption(request: RollbackRequest, original: ChangeRecord, change: ChangeRecord) -> Exemption:
    return Exemption(
        policy=original.change.policy,
        reason=f"rollback of {original.id}: {request.reason}",
        approver=request.actor.name or request.actor.object_id or "operator",
        expires_at=request.expires_at,
        change_id=change.id,
        rolled_back=original.change,
    )


def _prove(change: Change, before: Snapshot, now_there: Snapshot) -> Proof:
    claim = "the reach becomes the recorded one"
    try:
        restored = apply_edits(now_there, change.inverse)
    except EditDoesNotFit as misfit:
        return Proof(steps=(ProofStep(claim=claim, holds=False, detail=str(misfit)),))
    return Proof(steps=(ProofStep(claim=claim, holds=same_reach(restored, before)),))


def _rollback_record(
    request: RollbackRequest, original: ChangeRecord, proof: Proof, now_there: Snapshot, deps: Deps
) -> ChangeRecord:
    change = replace(original.change, edits=original.change.inverse, inverse=original.change.edits)
    return ChangeRecord(
        id=deps.new_id(),
        kind=ChangeKind.ROLLBACK,
        change=change,
        proof=proof,
        decision=Decision(
            policy=change.policy, action=Action.REVERT, reason=Reason.APPROVED, detail=request.reason
        ),
        cause=Cause(kind=CauseKind.OPERATOR, time=deps.clock.now(), actor=request.actor),
        outcome=Outcome.IN_PROGRESS,
        phase=Phase.CLAIMED,
        fingerprint=f"rollback of {original.id}",
        created_at=deps.clock.now(),
        before=deps.store.keep(now_there),
        reason=request.reason,
        rollback_of=original.id,
        difference=difference_made(change, now_there),
        tags=deps.configuration.routed_tags(now_there),
    )
