"""What a decision needs to know beyond the reading: memory, configuration, switch, budget, approval.

Reading state only; nothing here is written, and nothing is decided. The stricter of the global mode and
what a run asked for makes a decision a dry run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.alerts.approving import standing
from shared.alerts.lifecycle import alert_id
from shared.config.configuration import tags_of
from shared.config.tag_exemptions import tag_exemption
from shared.controller.visit import Visit
from shared.guardrails.budget import Budget
from shared.guardrails.exposures import clock, lets_in
from shared.guardrails.question import BreakGlass, Context
from shared.model import Cause, CauseKind, ComplianceState, EnforcementMode, Finding
from shared.model.alert_records import AlertRecord, Approval
from shared.model.exposure import Exposure, Opening
from shared.model.happened import approval_given
from shared.model.memory import PolicyMemory, TargetRecord
from shared.posture.policy import AnyPolicy


def context_for(visit: Visit, policy: AnyPolicy, finding: Finding, record: TargetRecord) -> Context:
    """Everything that the decision needs to know beyond the snapshot."""
    deps, target, now = visit.deps, visit.target, visit.now
    memory = record.memories.get(policy.id)
    is_drift = finding.state is ComplianceState.NON_COMPLIANT
    configured = _configured(visit, policy)
    rules = deps.configuration.file.tag_exemptions
    return replace(
        configured,
        break_glass=visit.switch.says if is_drift else BreakGlass.OFF,
        tag_exemption=tag_exemption(policy.id, record, tags_of(visit.snapshot), rules, now),
        was_compliant=memory is not None and memory.last_compliant_at is not None,
        created_after_first_pass=_created_after_first_pass(visit) if is_drift else False,
        approval=_approval(visit, policy, finding, record) if is_drift else None,
        last_foreign_write=record.unsettled_at,
        waiting_since=_waiting_since(memory, finding),
        asked_at=visit.cause.time if visit.cause.kind is CauseKind.OPERATOR else None,
        attempts=record.attempts,
        budget=deps.store.budget(target.id.subscription, now) if is_drift else Budget(),
    )


def clock_after(
    visit: Visit, policy: AnyPolicy, finding: Finding, context: Context, record: TargetRecord
) -> Exposure:
    """The clock of the exposure after this look. An opening that an exemption covers is none."""
    memory = record.memories.get(policy.id)
    known = memory.exposure if memory is not None else Exposure()
    if context.exemption is not None or not lets_in(policy, finding, visit.snapshot):
        return clock(known, None, finding, visit.now)
    actor = record.last_foreign.actor if record.last_foreign is not None else None
    opening = Opening(seen_at=visit.now, fingerprint=finding.fingerprint, actor=actor)
    return clock(known, opening, finding, visit.now)


def _configured(visit: Visit, policy: AnyPolicy) -> Context:
    """What the settings, the run's options and ``policies.yaml`` say."""
    configuration, target, now = visit.deps.configuration, visit.target.id, visit.now
    settings = configuration.settings_for(policy, target, tags_of(visit.snapshot))
    return Context(
        now=now,
        dry_run=EnforcementMode.AUDIT in (visit.deps.settings.mode, visit.options.enforcement),
        effect=settings.effect,
        limits=configuration.limits,
        exemption=configuration.exemption(policy.id, target, now),
        adopt=settings.adopt or visit.options.adopt,
        without_approval=settings.without_approval,
        freeze=configuration.freeze(target, now),
        closed_until=configuration.closed_until(target, now),
        during_freeze=settings.during_freeze,
        outside_window=settings.outside_window,
        settle_seconds=settings.settle_seconds,
    )


def _waiting_since(memory: PolicyMemory | None, finding: Finding) -> datetime | None:
    if memory is None or memory.state is not finding.state:
        return None
    return memory.unknown_since or memory.since


def _approval(visit: Visit, policy: AnyPolicy, finding: Finding, record: TargetRecord) -> Approval | None:
    """What is approved, as far as nobody approved their own write by what is known of the writers now."""
    alert = visit.deps.store.alert(alert_id(policy.id, visit.target, finding.fingerprint))
    if alert is None or alert.approval is None:
        return None
    approval = standing(alert, causes_known(visit, record))
    return approval if approval is not None and _was_given(alert, approval, visit) else None


def causes_known(visit: Visit, record: TargetRecord) -> tuple[Cause, ...]:
    """Why the target is looked at, and what was heard of it before."""
    last = (record.last_foreign, *record.last_foreign.earlier) if record.last_foreign is not None else ()
    return (visit.cause, *visit.cause.earlier, *last)


def _was_given(alert: AlertRecord, approval: Approval, visit: Visit) -> bool:
    """Whether the journal tells of it: one that only stands in the alert is nobody's consent. One from before
    the journal does not say what it is for, and opens nothing either."""
    if approval.planned is None:
        return True
    return visit.deps.store.journal.tells_of(visit.target, approval_given(alert, approval))


def _created_after_first_pass(visit: Visit) -> bool:
    created = visit.snapshot.created_at
    first_pass = visit.deps.store.first_passes.find(visit.target.id.subscription)
    return created is not None and first_pass is not None and created > first_pass
