"""What is remembered of a target, and what people are told about it.

The memory of a policy on a target holds when it was last compliant and with which reading: that is
what makes drift differ from what was inherited. Alerts are opened, counted and resolved here, and
notifications are queued, one message per sink, so that a failing sink neither blocks a remediation
nor is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.alerting import Sighting, alert_id, notification, open_alert, recur, resolve
from shared.deps import Deps
from shared.errors import GatewayError
from shared.model import (
    Action,
    Cause,
    CauseKind,
    Change,
    ComplianceState,
    Decision,
    Finding,
    Json,
    Outcome,
    Reason,
    Snapshot,
)
from shared.policies import find
from shared.policy import AnyPolicy
from shared.records import (
    AlertRecord,
    AlertStatus,
    ChangeKind,
    ChangeRecord,
    Message,
    MessageKind,
    Notification,
    NotificationType,
    PolicyMemory,
    RunOptions,
    TargetRecord,
    TargetResult,
    reason_text,
)
from shared.visit import Judgement, Visit

UNKNOWN_RUNS: Final = 3
UNKNOWN_TIME: Final = timedelta(hours=1)
"""An unknown opens an alert after this many runs in a row or this long (INTERFACES, "Enforcement")."""
UNKNOWN_FINGERPRINT: Final = "unknown"
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


# --- memory ----------------------------------------------------------------------------------------


def with_foreign_write(record: TargetRecord, cause: Cause, deps: Deps) -> TargetRecord:
    """Remember when somebody else last wrote: reverts wait until the target has been quiet."""
    if cause.kind is not CauseKind.EVENT or _is_ours(cause, deps):
        return record
    latest = max(cause.time, record.last_foreign_write or cause.time)
    return replace(record, last_foreign_write=latest)


def _is_ours(cause: Cause, deps: Deps) -> bool:
    actor, us = cause.actor, deps.gateway.identity()
    same_app = actor.app_id is not None and actor.app_id == us.app_id
    same_object = actor.object_id is not None and actor.object_id == us.object_id
    return same_app or same_object


def remember(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> TargetRecord:
    """The record with what this visit found; nothing is stored but the baseline's reading."""
    memories = dict(record.memories)
    for judgement in judgements:
        memories[judgement.policy.id] = _memory(visit, judgement, memories.get(judgement.policy.id))
    hour_ago = visit.now - max(timedelta(hours=1), visit.deps.configuration.limits.flapping_window)
    return replace(
        record,
        memories=memories,
        attempts=tuple(attempt for attempt in record.attempts if attempt.at > hour_ago),
        exemptions=tuple(e for e in record.exemptions if e.expires_at > visit.now),
    )


def _memory(visit: Visit, judgement: Judgement, earlier: PolicyMemory | None) -> PolicyMemory:
    finding, now = judgement.finding, visit.now
    if earlier is None:
        earlier = PolicyMemory(state=finding.state, since=now)
    since = earlier.since if earlier.state is finding.state else now
    if finding.state is ComplianceState.COMPLIANT:
        return PolicyMemory(
            state=finding.state, since=since, last_compliant_at=now, baseline=_keep_baseline(visit)
        )
    unknown = finding.state is ComplianceState.UNKNOWN
    counted = unknown and judgement.decision is not None and judgement.decision.reason is Reason.UNKNOWN
    return replace(
        earlier,
        state=finding.state,
        since=since,
        fingerprint=earlier.fingerprint if unknown else finding.fingerprint,
        unknown_runs=earlier.unknown_runs + 1 if counted else (earlier.unknown_runs if unknown else 0),
        unknown_since=(earlier.unknown_since or now) if unknown else None,
    )


def _keep_baseline(visit: Visit) -> str:
    """The reading without its time, so that an unchanged target keeps one blob."""
    timeless: Snapshot = replace(visit.snapshot, read_at=_NO_TIME)
    return visit.deps.store.keep(timeless)


def schedule_recheck(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> TargetRecord:
    """Have the same question asked again where a decision says so; one outstanding message is enough."""
    waits = [j.decision.look_again_seconds for j in judgements if j.decision is not None]
    wait = min((seconds for seconds in waits if seconds is not None), default=None)
    if wait is None:
        return record
    due = visit.now + timedelta(seconds=wait)
    if record.recheck_at is not None and visit.now < record.recheck_at <= due + timedelta(seconds=1):
        return record
    message = Message(kind=MessageKind.RECHECK, target=visit.target, cause=visit.cause, options=visit.options)
    visit.deps.store.send(message, wait)
    return replace(record, recheck_at=due)


def already_in_progress(record: TargetRecord, cause: Cause, deps: Deps, options: RunOptions) -> TargetResult:
    """A change of this target is on its way; the reading that verifies it comes after this event."""
    change = deps.store.change(record.active_change) if record.active_change else None
    deps.store.save(record)
    outcomes = {change.change.policy: Outcome.IN_PROGRESS} if change is not None else {}
    result = TargetResult(target=record.target, outcomes=outcomes, arm_calls=tuple(deps.gateway.calls))
    deps.log(log_line(result, cause) | {"runId": options.run_id})
    return result


def target_is_gone(record: TargetRecord, deps: Deps) -> TargetResult:
    """The resource was deleted: its alerts are resolved and it is forgotten."""
    now = deps.clock.now()
    for policy_id, memory in record.memories.items():
        for fingerprint in {memory.fingerprint, UNKNOWN_FINGERPRINT} - {""}:
            _resolve(alert_id(policy_id, record.target, fingerprint), "the resource was deleted", deps, now)
    deps.store.forget(record.target)
    return TargetResult(
        target=record.target, arm_calls=tuple(deps.gateway.calls), error="the resource does not exist"
    )


# --- alerts ----------------------------------------------------------------------------------------


def tell(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> None:
    """Open, count and resolve alerts as the judgements ask. ``record`` is the memory before this visit."""
    for judgement in judgements:
        memory = record.memories.get(judgement.policy.id)
        _resolve_what_ended(visit, judgement, memory)
        if judgement.decision is not None and _wants_alert(visit, judgement, memory):
            raise_alert(visit, judgement.policy, judgement.finding, judgement.decision, judgement.change)


def _wants_alert(visit: Visit, judgement: Judgement, memory: PolicyMemory | None) -> bool:
    decision = judgement.decision
    if decision is None:
        return False
    if decision.action is Action.ALERT or judgement.would_write:
        return True
    if judgement.finding.state is not ComplianceState.UNKNOWN or memory is None:
        return False
    since = memory.unknown_since or visit.now
    return memory.unknown_runs + 1 >= UNKNOWN_RUNS or visit.now - since >= UNKNOWN_TIME


def raise_alert(
    visit: Visit, policy: AnyPolicy, finding: Finding, decision: Decision, change: Change | None = None
) -> AlertRecord:
    """Open the alert of this drift, or count and refresh the one that is open."""
    store = visit.deps.store
    if finding.state is ComplianceState.UNKNOWN:
        finding = replace(finding, fingerprint=UNKNOWN_FINGERPRINT)
    known = store.alert(alert_id(policy.id, visit.target, finding.fingerprint))
    is_open = known is not None and known.status is not AlertStatus.RESOLVED
    if known is not None and is_open and not _is_news(known, visit.cause, decision):
        return known
    if not is_open:
        finding = replace(finding, evidence={**finding.evidence, **_dependants(visit, policy)})
    edits = change.edits if change is not None else policy.suggest(finding, visit.snapshot)
    sighting = Sighting(
        finding=finding,
        decision=decision,
        cause=visit.cause,
        now=visit.now,
        commands=visit.deps.commands(edits),
    )
    portal = visit.deps.portal_link(finding.resource_id)
    alert = open_alert(policy, sighting, portal) if known is None else recur(known, sighting)
    alert = store.put_alert(alert)
    if not is_open or (known is not None and known.decision.reason is not decision.reason):
        kind = NotificationType.ALERT_UPDATED if is_open else NotificationType.ALERT_OPENED
        notify(notification(alert, kind, visit.now), visit.cause, visit.deps)
    return alert


def _is_news(known: AlertRecord, cause: Cause, decision: Decision) -> bool:
    """An open alert changes when the drift was written again or the decision is another one."""
    written_again = cause.kind is CauseKind.EVENT and cause.event_id != known.cause.event_id
    return written_again or known.decision.reason is not decision.reason


def _dependants(visit: Visit, policy: AnyPolicy) -> Mapping[str, Json]:
    """Workloads that may rely on what was found. For people only: what cannot be read is left out."""
    if not policy.shows_dependants:
        return {}
    try:
        return {"likelyDependants": visit.deps.gateway.dependants(visit.target)}
    except GatewayError as error:
        return {"likelyDependants": None, "likelyDependantsError": error.code or type(error).__name__}


def alert_failed_change(change: ChangeRecord, deps: Deps) -> None:
    """A revert that Azure refused becomes an alert on the same drift, with the refusal as its reason."""
    policy = find(change.change.policy)
    before = deps.store.snapshot(change.before)
    if policy is None or before is None or change.kind is ChangeKind.ROLLBACK:
        return
    visit = Visit(
        target=change.change.target,
        cause=change.cause,
        deps=deps,
        options=RunOptions(),
        snapshot=before,
        policies=(),
        now=deps.clock.now(),
    )
    finding = deps.configuration.bind(policy, change.change.target.id).evaluate(before)
    decision = replace(
        change.decision, action=Action.ALERT, reason=Reason.FAILED, detail=change.detail, dry_run=False
    )
    raise_alert(visit, policy, finding, decision, change.change)


def _resolve_what_ended(visit: Visit, judgement: Judgement, memory: PolicyMemory | None) -> None:
    """Resolve the alert of a drift that is over, and of an unknown that is known now."""
    state = judgement.finding.state
    if memory is None or state in {ComplianceState.UNKNOWN, ComplianceState.ERROR}:
        return
    policy, deps = judgement.policy.id, visit.deps
    if memory.fingerprint and memory.fingerprint != judgement.finding.fingerprint:
        _resolve(
            alert_id(policy, visit.target, memory.fingerprint), judgement.finding.reason, deps, visit.now
        )
    elif state is ComplianceState.EXEMPT and memory.fingerprint:
        _resolve(alert_id(policy, visit.target, memory.fingerprint), "exempt", deps, visit.now)
    if memory.unknown_runs:
        _resolve(alert_id(policy, visit.target, UNKNOWN_FINGERPRINT), "it can be read again", deps, visit.now)


def _resolve(alert: str, resolution: str, deps: Deps, now: datetime) -> None:
    known = deps.store.alert(alert)
    if known is None or known.status is AlertStatus.RESOLVED:
        return
    resolved = deps.store.put_alert(resolve(known, resolution, now))
    notify(notification(resolved, NotificationType.ALERT_RESOLVED, now), known.cause, deps)


def notify(message: Notification, cause: Cause, deps: Deps) -> None:
    """Queue a notification once for each sink: each is delivered and retried on its own."""
    for sink in deps.sinks:
        deps.store.send(Message(kind=MessageKind.NOTIFY, cause=cause, notification=message, sink=sink))


# --- the canonical line ----------------------------------------------------------------------------


def log_line(result: TargetResult, cause: Cause) -> dict[str, Json]:
    """One line per run: what, why, who, what was found, decided and done. No secrets, no bodies."""
    return {
        "target": str(result.target.id),
        "cause": cause.kind,
        "operation": cause.operation_name,
        "events": cause.count,
        "actor": cause.actor.name or cause.actor.app_id or cause.actor.object_id,
        "correlationId": cause.correlation_id,
        "findings": {finding.policy: finding.state for finding in result.findings},
        "decisions": {decision.policy: reason_text(decision) for decision in result.decisions},
        "dryRun": any(decision.dry_run for decision in result.decisions),
        "outcomes": dict(result.outcomes),
        "changes": [change.id for change in result.changes if change.id],
        "armCalls": len(result.arm_calls),
        "durationMs": result.duration_ms,
    }
