"""Looks that end without a judgement: nobody asks, or nothing could be read.

A target that is gone is forgotten; one that is closed to us is unknown to every policy.
"""

from __future__ import annotations

from dataclasses import replace

from shared.controller.announcing import announce_unread, tell
from shared.controller.deps import Deps
from shared.controller.moved import DELETED, end_alerts, leave_behind
from shared.controller.not_judged import has_lasted, hides_exposure
from shared.controller.remembering import next_memory
from shared.controller.run_results import log_line
from shared.controller.unread import noting_target
from shared.model import Action, Cause, CauseKind, ComplianceState, Decision, Finding, Outcome, Reason, Target
from shared.model.errors import GatewayError, said_of
from shared.model.memory import TargetRecord
from shared.model.results import TargetResult
from shared.posture.policy import AnyPolicy


def target_is_gone(record: TargetRecord, deps: Deps) -> TargetResult:
    """The resource was deleted: its alerts are resolved, and it is forgotten but for its name."""
    end_alerts(record, DELETED, deps)
    leave_behind(record, deps, deps.clock.now())
    if record.deeds:
        deps.store.journal.append(record.target, *record.deeds)
    deps.store.unknown.remove(record.target)
    deps.store.forget(record.target, record.etag)
    end_alerts(record, DELETED, deps)  # once more: a slower worker may have opened what it had listed
    deps.store.unrelate(record.target)
    return TargetResult(
        target=record.target,
        arm_calls=tuple(deps.gateway.calls),
        error="the resource does not exist",
        gone=True,
    )


def target_is_unreadable(
    record: TargetRecord,
    policies: tuple[AnyPolicy, ...],
    cause: Cause,
    error: GatewayError,
    deps: Deps,
) -> TargetResult:
    """A reading that failed for good is unknown for every policy: it may alert, once for all of them, and it
    never acts."""
    now = deps.clock.now()
    reason = f"could not be read: {said_of(error)}"
    unknown = [_unknown(policy, record.target, reason) for policy in policies]
    memories = dict(record.memories)
    lasted = [has_lasted(memories.get(policy.id), now) for policy in policies]
    is_told = bool(policies) and (record.not_judged or any(lasted) or hides_exposure(record, deps))
    for policy, (finding, decision) in zip(policies, unknown, strict=True):
        memories[policy.id] = next_memory(memories.get(policy.id), finding, decision, now)
    record = noting_target(replace(record, memories=memories, not_judged=is_told), error, cause, deps)
    record, announced = announce_unread(record, unknown, cause, deps)
    saved = deps.store.save(record)
    deps.store.unknown.add(record.target)
    tell(announced, saved, cause, deps)
    result = TargetResult(
        target=record.target,
        findings=tuple(finding for finding, _ in unknown),
        decisions=tuple(decision for _, decision in unknown),
        outcomes=dict.fromkeys((policy.id for policy in policies), Outcome.SKIPPED),
        arm_calls=tuple(deps.gateway.calls),
        error=reason,
    )
    deps.log(log_line(result, cause))
    return result


def _unknown(policy: AnyPolicy, target: Target, reason: str) -> tuple[Finding, Decision]:
    finding = Finding(
        policy=policy.id,
        target=target,
        resource_id=target.id,
        state=ComplianceState.UNKNOWN,
        severity=policy.severity,
        reason=reason,
    )
    return finding, Decision(policy=policy.id, action=Action.SKIP, reason=Reason.UNKNOWN, detail=reason)


def concerns_nobody(policies: tuple[AnyPolicy, ...], record: TargetRecord, cause: Cause) -> bool:
    """Whether no policy could judge a reading, nothing remembered could end by it, and nobody asked for it.

    An operator is told by a reading that a target is gone or closed to us.
    """
    return not policies and record.etag is None and cause.kind is not CauseKind.OPERATOR


def left_unread(target: Target, cause: Cause, deps: Deps) -> TargetResult:
    """No findings, and no request to Azure: nothing is remembered of a target that nobody judges."""
    result = TargetResult(target=target)
    deps.log(log_line(result, cause))
    return result
