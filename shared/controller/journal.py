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

from shared.alerts.commands import is_command, steps_of
from shared.alerts.lifecycle import Sighting, alert_id, notification, open_alert, recur, resolve, wakes_nobody
from shared.alerts.words import change_words
from shared.config.configuration import tags_of
from shared.config.tag_exemptions import tag_used_since
from shared.controller.deps import Deps
from shared.controller.visit import MOMENTS, Judgement, Visit
from shared.model import (
    Action,
    Cause,
    CauseKind,
    ComplianceState,
    Decision,
    Finding,
    Json,
    Outcome,
    Reason,
    Snapshot,
    Target,
)
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.decisions import reason_text
from shared.model.errors import GatewayError
from shared.model.interfaces import Relation
from shared.model.memory import PolicyMemory, TargetRecord
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.results import TargetResult, merge
from shared.policies import find
from shared.posture.policy import AnyPolicy
from shared.state.baseline import evidence_since, recorded_baseline
from shared.state.relation_index import depends_on

UNKNOWN_RUNS: Final = 3
UNKNOWN_TIME: Final = timedelta(hours=1)
"""An unknown opens an alert after this many runs in a row or this long (INTERFACES, "Enforcement")."""
RUN_ASKS_AGAIN: Final = 10.0
"""Seconds after which a run asks again that met a change in progress."""
UNKNOWN_FINGERPRINT: Final = "unknown"
_DEPENDANTS: Final = ("likelyDependants", "likelyDependantsError")
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


# --- memory ----------------------------------------------------------------------------------------


def attributed(cause: Cause, deps: Deps) -> Cause:
    """The cause that matters among those that were coalesced: somebody else's newest write, or what
    an operator asked; our own write only when there is nothing else."""
    candidates = (cause, *cause.earlier)
    foreign = [c for c in candidates if c.kind is CauseKind.EVENT and not _is_ours(c, deps)]
    asked = [c for c in candidates if c.kind is CauseKind.OPERATOR]
    chosen = max(foreign or asked or [cause], key=lambda c: c.time)
    return replace(chosen, count=cause.count, earlier=())


def with_foreign_write(record: TargetRecord, cause: Cause, deps: Deps) -> TargetRecord:
    """Remember who else last wrote, and when: reverts wait until the target has been quiet."""
    if cause.kind is not CauseKind.EVENT or _is_ours(cause, deps):
        return record
    if record.last_foreign is not None and record.last_foreign.time > cause.time:
        return record
    return replace(record, last_foreign=cause)


def _is_ours(cause: Cause, deps: Deps) -> bool:
    actor, us = cause.actor, deps.gateway.identity()
    same_app = actor.app_id is not None and actor.app_id == us.app_id
    same_object = actor.object_id is not None and actor.object_id == us.object_id
    return same_app or same_object


def remember(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> TargetRecord:
    """The record with what this visit found; nothing is stored but the baseline's reading."""
    on = {policy.id for policy in visit.policies}
    memories = {
        policy_id: replace(memory if policy_id in on else _without_alert(memory), baseline_is_newest=False)
        for policy_id, memory in record.memories.items()
    }
    for judgement in judgements:
        memories[judgement.policy.id] = _memory(visit, judgement, memories.get(judgement.policy.id))
    hour_ago = visit.now - max(timedelta(hours=1), visit.deps.configuration.limits.flapping_window)
    return replace(
        record,
        memories=memories,
        attempts=tuple(attempt for attempt in record.attempts if attempt.at > hour_ago),
        exemptions=tuple(e for e in record.exemptions if e.expires_at > visit.now),
    )


def _without_alert(memory: PolicyMemory) -> PolicyMemory:
    """What remains of a policy that was switched off: its alerts are resolved, its baseline stays."""
    return replace(memory, fingerprint="", unknown_runs=0, unknown_since=None)


def _memory(visit: Visit, judgement: Judgement, earlier: PolicyMemory | None) -> PolicyMemory:
    finding, now = judgement.finding, visit.now
    memory = _next_memory(earlier, finding, judgement.decision, now)
    if finding.state is not ComplianceState.COMPLIANT or not finding.applies:
        return memory
    return replace(memory, last_compliant_at=now, baseline=_keep_baseline(visit), baseline_is_newest=True)


def _next_memory(
    earlier: PolicyMemory | None, finding: Finding, decision: Decision | None, now: datetime
) -> PolicyMemory:
    """What is remembered of a policy after one more finding; the baseline stays."""
    earlier = replace(earlier or PolicyMemory(state=finding.state, since=now), baseline_is_newest=False)
    since = earlier.since if earlier.state is finding.state else now
    if finding.state is not ComplianceState.UNKNOWN:
        return replace(
            earlier,
            state=finding.state,
            since=since,
            fingerprint=finding.fingerprint,
            unknown_runs=0,
            unknown_since=None,
            tag_exempt_since=_tag_exempt_since(earlier, decision, now),
        )
    counts = decision is not None and decision.reason is Reason.UNKNOWN
    return replace(
        earlier,
        state=finding.state,
        since=since,
        unknown_runs=earlier.unknown_runs + counts,
        unknown_since=earlier.unknown_since or now,
    )


def _tag_exempt_since(earlier: PolicyMemory, decision: Decision | None, now: datetime) -> datetime | None:
    """A tag's time begins once: neither another tag nor a moment of compliance begins it anew."""
    by_tag = decision is not None and decision.reason is Reason.EXEMPT_BY_TAG
    return tag_used_since(earlier, now) or (now if by_tag else None)


def _keep_baseline(visit: Visit) -> str:
    """The reading without its time, so that an unchanged target keeps one blob."""
    timeless: Snapshot = replace(visit.snapshot, read_at=_NO_TIME)
    return visit.deps.store.keep(timeless)


def relate(visit: Visit) -> None:
    """Remember what the target depends on: after its deletion an NSG cannot be asked for its subnets."""
    relations = [Relation(source=source, target=visit.target) for source in depends_on(visit.snapshot)]
    visit.deps.store.relate(relations, visit.now)


def schedule_recheck(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> TargetRecord:
    """Have the same question asked again where a decision says so; one outstanding message is enough.

    A run with options of its own asks another question: its message stands for no other. It is not asked
    again after a freeze or in a window: its answer is given, and what the configuration wants then is.
    """
    waits = [(j.decision.reason, j.decision.look_again_seconds) for j in judgements if j.decision is not None]
    soon = [seconds for reason, seconds in waits if seconds is not None and reason in MOMENTS]
    later = [seconds for reason, seconds in waits if seconds is not None and reason not in MOMENTS]
    message = Message(kind=MessageKind.RECHECK, target=visit.target, cause=visit.cause, options=visit.options)
    if visit.options != RunOptions() and soon:
        visit.deps.store.send(message, min(soon))
        soon = []
    if not soon + later:
        return record
    return _recheck_once(replace(message, options=RunOptions()), min(soon + later), visit, record)


def _recheck_once(message: Message, wait: float, visit: Visit, record: TargetRecord) -> TargetRecord:
    """Have the target looked at after ``wait`` seconds, unless a message that comes earlier is on its way."""
    due = visit.now + timedelta(seconds=wait)
    if record.recheck_at is not None and visit.now < record.recheck_at <= due + timedelta(seconds=1):
        return record
    visit.deps.store.send(message, wait)
    return replace(record, recheck_at=due)


def already_in_progress(
    known: TargetRecord, record: TargetRecord, cause: Cause, deps: Deps, options: RunOptions
) -> TargetResult:
    """A change of this target is on its way; the reading that verifies it comes after this event.

    Should that reading never come, because the change fails or its worker died, a later message looks;
    a run asks again until it has its answer.
    """
    active = deps.store.change(record.active_change) if record.active_change else None
    if options.run_id is not None or not _tells_of_our_write(cause, active, deps):
        record = _look_after_lease(record, cause, deps, options)
    if record != known:
        deps.store.save(record)
    outcomes = {active.change.policy: Outcome.IN_PROGRESS} if active is not None else {}
    result = TargetResult(target=record.target, outcomes=outcomes, arm_calls=tuple(deps.gateway.calls))
    deps.log(log_line(result, cause))
    return result


def _tells_of_our_write(cause: Cause, active: ChangeRecord | None, deps: Deps) -> bool:
    """Whether the event only says that the change in progress was sent, which its checks follow."""
    followed = active is not None and active.operation is not None
    return followed and cause.kind is CauseKind.EVENT and _is_ours(cause, deps)


def _look_after_lease(record: TargetRecord, cause: Cause, deps: Deps, options: RunOptions) -> TargetRecord:
    now = deps.clock.now()
    message = Message(
        kind=MessageKind.RECHECK,
        target=record.target,
        cause=cause,
        options=options,
        change_id=record.active_change,
    )
    if options.run_id is not None:
        deps.store.send(replace(message, change_id=None), RUN_ASKS_AGAIN)
        return record
    due = (record.lease_until or now) + timedelta(seconds=1)
    waiting = record.recheck_at is not None and now < record.recheck_at <= due
    if waiting:
        return record
    deps.store.send(message, (due - now).total_seconds())
    return replace(record, recheck_at=due)


def keep_result(result: TargetResult, options: RunOptions | None, deps: Deps) -> None:
    """Add a result to the run that asked for it, on top of what an earlier look came to."""
    if options is None or options.run_id is None:
        return
    run = deps.store.run(options.run_id)
    earlier = next((r for r in run.results if r.target == result.target), None) if run else None
    deps.store.add_result(options.run_id, merge(earlier, result) if earlier else result)


def target_is_gone(record: TargetRecord, deps: Deps) -> TargetResult:
    """The resource was deleted: its alerts are resolved and it is forgotten."""
    now = deps.clock.now()
    for policy_id, memory in record.memories.items():
        for fingerprint in {memory.fingerprint, UNKNOWN_FINGERPRINT} - {""}:
            _resolve(alert_id(policy_id, record.target, fingerprint), "the resource was deleted", deps, now)
    deps.store.forget(record.target)
    deps.store.unrelate(record.target)
    return TargetResult(
        target=record.target,
        arm_calls=tuple(deps.gateway.calls),
        error="the resource does not exist",
        gone=True,
    )


# --- alerts ----------------------------------------------------------------------------------------


def tell(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> None:
    """Open, count and resolve alerts as the judgements ask. ``record`` is the memory before this visit."""
    _resolve_what_is_off(visit, record)
    for judgement in judgements:
        memory = record.memories.get(judgement.policy.id)
        _resolve_what_ended(visit, judgement, memory)
        decision = judgement.decision
        if decision is not None and _wants_alert(visit.now, judgement.finding, decision, memory):
            raise_alert(judgement.policy, sighting_of(visit, judgement, decision), visit.deps)


def sighting_of(visit: Visit, judgement: Judgement, decision: Decision) -> Sighting:
    """What an alert shows of a judgement; the commands are those of the planned edits or of what a person
    could do, and where no edit of ours fits, those that the policy tells."""
    finding, change = judgement.finding, judgement.change
    edits = change.edits if change else judgement.policy.suggest(finding, visit.snapshot)
    since = evidence_since(judgement.baseline, visit.snapshot, judgement.policy, visit.cause)
    planned = {"plannedChange": change_words(change, judgement.restored_from)} if change else {}
    return Sighting(
        finding=_with_evidence(finding, since, planned),
        decision=decision,
        cause=visit.cause,
        now=visit.now,
        commands=visit.deps.commands(edits) or tuple(filter(is_command, steps_of(finding.evidence))),
    )


def _with_evidence(finding: Finding, *more: Mapping[str, Json]) -> Finding:
    """What an alert shows beyond the reading: that needs the journal, which no policy knows."""
    evidence = dict(finding.evidence)
    for part in more:
        evidence |= part
    return replace(finding, evidence=evidence)


def _wants_alert(now: datetime, finding: Finding, decision: Decision, memory: PolicyMemory | None) -> bool:
    """Whether people must hear of it: alerts, what audit would have reverted, and lasting unknowns."""
    if finding.state is not ComplianceState.UNKNOWN:
        audited = decision.action is Action.REVERT and decision.dry_run
        return decision.action is Action.ALERT or audited
    if decision.reason is Reason.EXEMPT:
        return False
    runs = memory.unknown_runs if memory else 0
    since = (memory.unknown_since if memory else None) or now
    return runs + 1 >= UNKNOWN_RUNS or now - since >= UNKNOWN_TIME


def raise_alert(policy: AnyPolicy, sighting: Sighting, deps: Deps) -> AlertRecord:
    """Open the alert of this drift, or count and refresh the one that is open."""
    finding = sighting.finding
    if finding.state is ComplianceState.UNKNOWN:
        finding = replace(finding, fingerprint=UNKNOWN_FINGERPRINT)
    known = deps.store.alert(alert_id(policy.id, finding.target, finding.fingerprint))
    is_open = known is not None and known.status is not AlertStatus.RESOLVED
    if known is not None and is_open and not _is_news(known, sighting):
        return known
    dependants = (known.evidence if known else {}) if is_open else _dependants(policy, finding.target, deps)
    kept = {name: dependants[name] for name in _DEPENDANTS if name in dependants}
    sighting = replace(sighting, finding=replace(finding, evidence={**finding.evidence, **kept}))
    alert = (
        recur(known, sighting)
        if known is not None
        else open_alert(policy, sighting, deps.portal_link(finding.resource_id))
    )
    if known is None or not is_open or known.decision.reason is not sighting.decision.reason:
        kind = NotificationType.ALERT_UPDATED if is_open else NotificationType.ALERT_OPENED
        return write_and_tell(alert, kind, sighting.cause, deps)
    return deps.store.put_alert(alert)


def write_and_tell(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert and queue its notification; what is lost between the two, the sweep queues again."""
    if not deps.sinks or wakes_nobody(alert):
        return deps.store.put_alert(alert)
    unsent = deps.store.put_alert(replace(alert, unsent=(*alert.unsent, kind.value)))
    notify(notification(unsent, kind, deps.clock.now()), cause, deps)
    return deps.store.put_alert(replace(unsent, unsent=alert.unsent))


def _is_news(known: AlertRecord, sighting: Sighting) -> bool:
    """An open alert changes when the drift was written again or the decision is another one."""
    cause = sighting.cause
    written_again = cause.kind is CauseKind.EVENT and cause.event_id != known.cause.event_id
    return written_again or known.decision.reason is not sighting.decision.reason


def _dependants(policy: AnyPolicy, target: Target, deps: Deps) -> Mapping[str, Json]:
    """Workloads that may rely on what was found. For people only: what cannot be read is said to be so."""
    if not policy.shows_dependants:
        return {}
    try:
        return {"likelyDependants": deps.gateway.dependants(target)}
    except GatewayError as error:
        return {"likelyDependants": None, "likelyDependantsError": error.code or type(error).__name__}


def alert_failed_change(change: ChangeRecord, deps: Deps) -> None:
    """A revert that Azure refused for good, or too often, becomes an alert on the same drift."""
    policy = find(change.change.policy)
    before = deps.store.snapshot(change.before)
    if policy is None or before is None or change.kind is ChangeKind.ROLLBACK:
        return
    bound = deps.configuration.bind(policy, change.change.target.id, tags_of(before))
    finding = bound.evaluate(before)
    memory = deps.store.recall(change.change.target, change.created_at).memories.get(policy.id)
    since = evidence_since(recorded_baseline(memory, deps.store), before, bound, change.cause)
    planned = {"plannedChange": change_words(change.change, change.restored_from)}
    reason = Reason.FAILED if change.outcome is Outcome.FAILED else Reason.TARGET_BUSY
    decision = replace(
        change.decision, action=Action.ALERT, reason=reason, detail=change.detail, dry_run=False
    )
    commands = deps.commands(change.change.edits)
    sighting = Sighting(
        finding=_with_evidence(finding, since, planned),
        decision=decision,
        cause=change.cause,
        now=deps.clock.now(),
        commands=commands,
    )
    raise_alert(policy, sighting, deps)


def target_is_unreadable(
    record: TargetRecord,
    policies: tuple[AnyPolicy, ...],
    cause: Cause,
    error: GatewayError,
    deps: Deps,
) -> TargetResult:
    """A reading that failed for good is unknown for every policy: it may alert, it never acts."""
    now = deps.clock.now()
    reason = f"could not be read: {error.code or type(error).__name__}: {error}"
    findings, decisions, memories = [], [], dict(record.memories)
    for policy in policies:
        finding = Finding(
            policy=policy.id,
            target=record.target,
            resource_id=record.target.id,
            state=ComplianceState.UNKNOWN,
            severity=policy.severity,
            reason=reason,
        )
        decision = Decision(policy=policy.id, action=Action.SKIP, reason=Reason.UNKNOWN, detail=reason)
        memory = memories.get(policy.id)
        if _wants_alert(now, finding, decision, memory):
            sighting = Sighting(finding=finding, decision=decision, cause=cause, now=now)
            raise_alert(policy, sighting, deps)
        memories[policy.id] = _next_memory(memory, finding, decision, now)
        findings.append(finding)
        decisions.append(decision)
    deps.store.save(replace(record, memories=memories))
    result = TargetResult(
        target=record.target,
        findings=tuple(findings),
        decisions=tuple(decisions),
        outcomes=dict.fromkeys((policy.id for policy in policies), Outcome.SKIPPED),
        arm_calls=tuple(deps.gateway.calls),
        error=reason,
    )
    deps.log(log_line(result, cause))
    return result


def _resolve_what_is_off(visit: Visit, record: TargetRecord) -> None:
    """Nobody judges a policy that was switched off: its alert would stay open for ever."""
    on = {policy.id for policy in visit.policies}
    for policy_id, memory in record.memories.items():
        unknown = UNKNOWN_FINGERPRINT if memory.unknown_since is not None else ""
        for fingerprint in {memory.fingerprint, unknown} - {""} if policy_id not in on else ():
            alert = alert_id(policy_id, visit.target, fingerprint)
            _resolve(alert, "the policy is switched off here", visit.deps, visit.now)


def _resolve_what_ended(visit: Visit, judgement: Judgement, memory: PolicyMemory | None) -> None:
    """Resolve the alert of a drift that is over, and of an unknown that is known now."""
    if memory is None:
        return
    state, policy, deps = judgement.finding.state, judgement.policy.id, visit.deps
    is_unknown = state in {ComplianceState.UNKNOWN, ComplianceState.ERROR}
    if is_unknown and judgement.is_exempt and memory.unknown_since is not None:
        _resolve(alert_id(policy, visit.target, UNKNOWN_FINGERPRINT), "exempt", deps, visit.now)
    if is_unknown:
        return
    if memory.fingerprint and memory.fingerprint != judgement.finding.fingerprint:
        _resolve(
            alert_id(policy, visit.target, memory.fingerprint), judgement.finding.reason, deps, visit.now
        )
    elif state is ComplianceState.EXEMPT and memory.fingerprint:
        _resolve(alert_id(policy, visit.target, memory.fingerprint), "exempt", deps, visit.now)
    if memory.unknown_since is not None:
        _resolve(alert_id(policy, visit.target, UNKNOWN_FINGERPRINT), "it can be read again", deps, visit.now)


def _resolve(alert: str, resolution: str, deps: Deps, now: datetime) -> None:
    known = deps.store.alert(alert)
    if known is None or known.status is AlertStatus.RESOLVED:
        return
    write_and_tell(resolve(known, resolution, now), NotificationType.ALERT_RESOLVED, known.cause, deps)


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
