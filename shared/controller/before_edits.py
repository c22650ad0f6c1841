"""What is asked before an edit is sent: scopes, mode and switch before every one, and proof before all that
were not proved in this very look.

A change takes minutes, and in between it stands in the journal. Meanwhile somebody may change the target, the
policies or the settings; and whoever can write to the storage account can write an entry that nobody proved.
So nothing that is written there is believed: not the recorded reading, not the box of a connectivity policy.
The target is read again, and the edits that are still to come must prove on that reading, as a change with
what is left of its inverse, by the policies that are on for it now. A rollback must still lead to the reading
that its own change recorded; that pair of entries is as far as the storage account can be trusted.

Nothing is written here, and how a change ends that may not go on is ``change_ends``'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.config.configuration import tags_of
from shared.controller.deps import Deps
from shared.controller.exempted import as_judged
from shared.controller.judging import enabled_policies, policies_in_question
from shared.controller.not_continued import was_claimed
from shared.controller.put_back import earlier
from shared.controller.switch import ASKED_AGAIN
from shared.guardrails.boundary import lies_outside
from shared.guardrails.prove import prove
from shared.guardrails.question import Readiness, readiness_of
from shared.guardrails.traffic_difference import same_reach
from shared.model import (
    Change,
    ComplianceState,
    Edit,
    Effect,
    EnforcementMode,
    Finding,
    Kind,
    Proof,
    ProofStep,
    Reason,
    ServerSnapshot,
    Snapshot,
)
from shared.model.change_life import what_stands
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.changes import edited_resource
from shared.model.edits import EditDoesNotFit, apply_edits
from shared.model.errors import Busy, Conflict, GatewayError, Permanent, StoreError, Throttled
from shared.model.messages import RunOptions
from shared.model.resource_id import InvalidResourceId
from shared.posture.policy import AnyPolicy
from shared.state.baseline import recorded_baseline

ALREADY_COMPLIANT: Final = "already-compliant"
"""The code of a change whose rest somebody else has made meanwhile."""


class OutsideScopes(Conflict):
    """A change would edit what lies outside of ``SCOPES``; the message names it."""


def refuse_outside(edits: tuple[Edit, ...], deps: Deps) -> None:
    """Raises ``OutsideScopes``, also where a rule's name would lead out of its server or NSG."""
    outside = deps.settings.outside(edits)
    if outside:
        raise OutsideScopes(lies_outside(outside), code=Reason.OUTSIDE_SCOPES)
    try:
        for edit in edits:
            edited_resource(edit)
    except InvalidResourceId as error:
        raise OutsideScopes(str(error), code=Reason.OUTSIDE_SCOPES) from error


def forbidden_now(change: ChangeRecord, deps: Deps, options: RunOptions) -> GatewayError | None:
    """Why the edits of a change may not be sent: scopes, mode and switch."""
    try:
        refuse_outside(change.change.edits, deps)
    except OutsideScopes as outside:
        return outside
    if EnforcementMode.AUDIT in (deps.settings.mode, options.enforcement):
        return Permanent("the app audits now: the rest is not made", code="enforcement-disabled")
    try:
        on = deps.store.break_glass(
            change.change.target.id.subscription, deps.settings.scopes, deps.clock.now()
        )
    except StoreError as error:
        why = f"the switch cannot be read: {error}"
        return Throttled(why, code=Reason.BREAK_GLASS_UNREADABLE, retry_after=ASKED_AGAIN)
    return Permanent("writes are switched off", code=Reason.BREAK_GLASS) if on else None


def proved_again(change: ChangeRecord, deps: Deps) -> Snapshot:
    """A fresh reading on which the edits still to come are proved.

    Raises ``Conflict`` with the code ``no-longer-proved`` where they are not, ``Busy`` where the reading says
    nothing yet, and what the gateway says of a target that cannot be read, or of a part that the proof needs
    and that failed in passing.
    """
    rest = _still_to_come(change.change, change.next_edit)
    target = change.change.target
    aspects = frozenset().union(*(policy.reads for policy in policies_in_question(target, deps)))
    reading = deps.gateway.read(target, aspects)
    if readiness_of(reading) is Readiness.BUSY:
        raise Busy("another operation is running")
    if change.kind is ChangeKind.ROLLBACK:
        proof = _of_rollback(change, rest, reading, deps)
    else:
        now = deps.clock.now()
        judged = as_judged(reading, rest.policy, deps.store.recall(target, now), now)
        proof = _of_revert(change, rest, judged, deps)
    if not proof.holds:
        _refuse_for_now(deps)
        raise _no_longer("; ".join(step.detail or step.claim for step in proof.failures))
    return reading


def _refuse_for_now(deps: Deps) -> None:
    """What cannot be proved on a reading that is not whole may be right all the same."""
    for trouble in deps.gateway.troubles:
        raise trouble


def _no_longer(why: str) -> Conflict:
    return Conflict(why, code=Reason.NO_LONGER_PROVED)


def _still_to_come(change: Change, sent: int) -> Change:
    """What is left of a change, with what is left of its inverse: each edit has its own, in reverse."""
    if not 0 <= sent < len(change.edits) or len(change.inverse) != len(change.edits):
        raise _no_longer("the entry's edits and inverse do not belong together")
    return replace(change, edits=change.edits[sent:], inverse=change.inverse[: len(change.edits) - sent])


# --- a revert --------------------------------------------------------------------------------------


def _of_revert(change: ChangeRecord, rest: Change, reading: Snapshot, deps: Deps) -> Proof:
    """Proved as in a first look: there is a drift, the policy reverts it here, and the rest is right.

    That somebody else was faster is no riddle: it raises ``Conflict`` with a code of its own.
    """
    policies = enabled_policies(reading, deps)
    policy = next((one for one in policies if one.id == rest.policy), None)
    if policy is None or not _reverts_here(policy, reading, deps):
        return _refuted(f"{rest.policy} reverts nothing here now")
    finding = policy.evaluate(reading)
    if finding.state is not ComplianceState.NON_COMPLIANT:
        why = f"there is nothing to revert now: {finding.reason}"
        if finding.nothing_surely_wrong and was_claimed(change, deps):
            raise Conflict(why, code=ALREADY_COMPLIANT)
        return _refuted(why)
    proof = Proof(steps=())
    for wanted, former in _as_of_today(rest, policy, (finding, reading), deps):
        proof = prove(wanted, reading, policy, policies, former)
        if proof.holds:
            return proof
    return proof if proof.steps else _refuted("the policy plans nothing here now")


def _reverts_here(policy: AnyPolicy, reading: Snapshot, deps: Deps) -> bool:
    settings = deps.configuration.settings_for(policy, reading.id, tags_of(reading))
    return settings.effect is Effect.REVERT


def _as_of_today(
    rest: Change, policy: AnyPolicy, found: tuple[Finding, Snapshot], deps: Deps
) -> Iterator[tuple[Change, ServerSnapshot | None]]:
    """The rest as it may be right now: with each box that the policy would open on this reading, or with each
    earlier reading whose rules may be put back; a box only narrows other kinds."""
    if policy.kind is not Kind.CONNECTIVITY:
        yield rest, None
        yield from ((rest, former) for former in _readmitting(rest, deps))
        return
    for planned in _planned(policy, *found, deps):
        yield replace(rest, box=planned.box), None


def _readmitting(rest: Change, deps: Deps) -> Iterator[ServerSnapshot]:
    """The readings whose rules a change that keeps a way in may put back, recalled and not taken from it."""
    if not rest.keeps_way_in:
        return
    now = deps.clock.now()
    memory = deps.store.recall(rest.target, now).memories.get(rest.policy)
    yield from (former for former, _ in earlier(memory, recorded_baseline(memory, deps.store), deps, now))


def _planned(policy: AnyPolicy, finding: Finding, reading: Snapshot, deps: Deps) -> Iterator[Change]:
    """What the policy would do here now: put back what was there before, or make its own plan."""
    memory = deps.store.recall(reading.target, deps.clock.now()).memories.get(policy.id)
    before = recorded_baseline(memory, deps.store).snapshot
    if policy.restore is not None and before is not None:
        yield from policy.restore(finding, reading, before)
    plan = policy.plan(finding, reading)
    if plan is not None:
        yield plan


# --- a rollback ------------------------------------------------------------------------------------


def _of_rollback(change: ChangeRecord, rest: Change, reading: Snapshot, deps: Deps) -> Proof:
    """The rest leads to the reading that the undone change recorded."""
    original = deps.store.change(change.rollback_of) if change.rollback_of else None
    if original is None or not _belong_together(change, original):
        return _refuted("there is no reverted change that this rolls back")
    recorded = deps.store.snapshot(original.before)
    if recorded is None:
        return _refuted("the recorded reading is not there any more")
    try:
        restored = apply_edits(reading, rest.edits)
    except EditDoesNotFit as misfit:
        return _refuted(str(misfit))
    return Proof(
        steps=(ProofStep(claim="the reach becomes the recorded one", holds=same_reach(restored, recorded)),)
    )


def _belong_together(change: ChangeRecord, original: ChangeRecord) -> bool:
    undone = what_stands(original)
    return (
        original.kind is ChangeKind.REMEDIATION
        and undone is not None
        and original.rolled_back_by == change.id
        and (undone.target, undone.inverse) == (change.change.target, change.change.edits)
    )


def _refuted(why: str) -> Proof:
    return Proof(steps=(ProofStep(claim="what is still to come is right now", holds=False, detail=why),))
