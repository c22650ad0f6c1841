"""What is right for one target: evaluate, plan, prove, recall, decide. One judgement for each policy.

Reads the state and writes nothing; what follows from a judgement is ``reconcile``'s business. What a
decision needs to know beyond the reading is gathered in ``context``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from shared.alerts.approving import exempted_own
from shared.alerts.edit_words import change_words
from shared.alerts.lifecycle import alert_id
from shared.alerts.planned import beyond_approval
from shared.config.configuration import tags_of
from shared.controller.context import causes_known, clock_after, context_for
from shared.controller.deps import Deps
from shared.controller.exempted import Cover, cover_of
from shared.controller.last_way import LastWay
from shared.controller.proposals import Proposals
from shared.controller.put_back import put_back_first
from shared.controller.shadowed import said_of, shadowed
from shared.controller.visit import BUSY, Judgement, Visit
from shared.guardrails.decide import decide
from shared.guardrails.prove import prove
from shared.guardrails.question import Question, Readiness, readiness_of
from shared.guardrails.rolled_back import leaving_alone
from shared.model import (
    Action,
    Change,
    ComplianceState,
    Edit,
    Effect,
    Finding,
    Proof,
    Safety,
    Snapshot,
    SubnetSnapshot,
    Target,
)
from shared.model.memory import Exemption, TargetRecord
from shared.model.scope_exemptions import ScopeExemption
from shared.model.values import value
from shared.posture.policy import AnyPolicy, Assessment, applies_to, both, bound
from shared.posture.side_by_side import apart, beside
from shared.posture.ways.reach import with_reach
from shared.posture.whose_group import whose_group
from shared.state.baseline import Baseline, found_since, recorded_baseline


def judge_all(
    visit: Visit, policies: Iterable[AnyPolicy], record: TargetRecord
) -> tuple[tuple[Judgement, ...], Snapshot]:
    """One judgement for each policy, in order: each is planned beside what is proposed for those before it,
    and by the alerts that are open on the same NSG. With them the reading, and what they had read besides."""
    judgements: list[Judgement] = []
    proposals, last_way = Proposals(visit, record), LastWay(visit)
    for policy in policies:
        judgements.append(_judge(visit, policy, record, proposals, last_way))
        proposals.add(judgements[-1])
    return tuple(judgements), last_way.seen


def _judge(
    visit: Visit, policy: AnyPolicy, record: TargetRecord, proposals: Proposals, last_way: LastWay
) -> Judgement:
    """One policy's finding on the snapshot, the change for it, its proof and the decision."""
    there, covered = visit.snapshot, cover_of(visit, policy, record)
    visit = covered.visit
    readiness = readiness_of(visit.snapshot)
    finding = _never_compliant_while_busy(policy.evaluate(visit.snapshot), readiness)
    baseline = _baseline(visit, finding, record)
    finding = found_since(baseline, finding, visit.snapshot, policy)
    memory = record.memories.get(policy.id)
    hidden_by: tuple[str, ...] = ()
    if finding.state is ComplianceState.UNKNOWN:
        hidden_by = shadowed(visit, policy, record)
        finding = said_of(finding, hidden_by, record)
    remedy = _Remedy()
    if finding.state is not ComplianceState.COMPLIANT:
        remedy = _remedy(visit, policy, (finding, baseline), proposals.beside(policy.id))
        remedy = _leaving_alone(remedy, policy, covered, there)
    context = context_for(visit, policy, finding, record)
    exemption = context.exemption or covered.exemption or _given(visit, finding, record)
    context = replace(context, exemption=exemption)
    outside = visit.deps.settings.outside(remedy.change.edits) if remedy.change else ()
    exposure = clock_after(visit, policy, finding, context, record)
    is_open = exposure.is_open and finding.state is ComplianceState.NON_COMPLIANT
    question = Question(
        policy=policy,
        finding=finding,
        change=remedy.change,
        proof=remedy.proof,
        assessment=_assessment(visit, policy, remedy.change, baseline) if remedy.change else Assessment(),
        context=replace(
            context, readiness=readiness, outside=outside, exposure=exposure if is_open else None
        ),
    )
    decision = None
    if finding.state is not ComplianceState.COMPLIANT:
        asked = last_way.asked(question)
        if asked.assessment.last_way_in and not covered.alone:
            asked, put_back_from = put_back_first((question, asked), visit, last_way, (memory, baseline))
            remedy = _begun_with_a_way_in(remedy, asked, put_back_from)
        decision = decide(_as_approved(asked, there))
    if context.exemption is not None and finding.state is ComplianceState.NON_COMPLIANT:
        finding = replace(finding, state=ComplianceState.EXEMPT)
    judgement = Judgement(
        policy=policy,
        finding=with_reach(finding, last_way.seen),
        change=remedy.change,
        proof=remedy.proof,
        decision=decision,
        edits=remedy.edits,
        baseline=baseline,
        restored_from=remedy.restored_from,
        was_sure=bool(hidden_by),
        exposure=exposure,
        purse=question.purse,
    )
    return _said(judgement)


@value
class _Remedy:
    """The change for a finding with its proof, and from when what it restores is, where it does.

    ``edits`` are the change's, or without one those that the policy suggests to people.
    """

    change: Change | None = None
    proof: Proof | None = None
    edits: tuple[Edit, ...] = ()
    restored_from: datetime | None = None


def _given(visit: Visit, finding: Finding, record: TargetRecord) -> Exemption | None:
    """What a person exempted: asked for only where something was found or is not known."""
    if finding.state is ComplianceState.COMPLIANT:
        return None
    is_own = partial(_is_own, visit, finding, record)
    return visit.exempted.exemption(finding.policy, visit.target.id, visit.now, is_own)


def _is_own(visit: Visit, finding: Finding, record: TargetRecord, given: ScopeExemption) -> bool:
    alert = visit.deps.store.alert(alert_id(finding.policy, visit.target, finding.fingerprint))
    return exempted_own(given.actor, given.given_at, causes_known(visit, record), alert)


def _as_approved(question: Question, there: Snapshot) -> Question:
    """The question with what its change does beyond the approval that stands."""
    beyond = beyond_approval(question.context.approval, question.change, there)
    return replace(question, context=replace(question.context, beyond_approval=beyond))


def _begun_with_a_way_in(remedy: _Remedy, question: Question, put_back_from: datetime | None) -> _Remedy:
    """The remedy that was decided about: as it was, or begun by putting back what was there before."""
    change = question.change
    if put_back_from is None or change is None:
        return remedy
    return _Remedy(change=change, proof=question.proof, edits=change.edits, restored_from=put_back_from)


def _baseline(visit: Visit, finding: Finding, record: TargetRecord) -> Baseline:
    """The last compliant reading where anybody will ask for it: one read of the store."""
    if finding.state is not ComplianceState.NON_COMPLIANT:
        return Baseline()
    return recorded_baseline(record.memories.get(finding.policy), visit.deps.store)


def _remedy(
    visit: Visit, policy: AnyPolicy, found: tuple[Finding, Baseline], taken: tuple[Edit, ...]
) -> _Remedy:
    """What puts the last compliant reading's rules back, if that can be proved; else the policy's plan, or
    what it suggests. ``taken`` are the edits that others propose."""
    finding, baseline = found
    if isinstance(visit.snapshot, SubnetSnapshot) and visit.snapshot.odd_fields:
        return _Remedy()  # what is added keeps to the subnet's own addresses, and these are not all known
    snapshot = beside(visit.snapshot, taken)
    for change in _former(policy, finding, snapshot, baseline):
        proof = prove(change, visit.snapshot, policy, visit.policies)
        if proof.holds:
            return _Remedy(change=change, proof=proof, edits=change.edits, restored_from=baseline.read_at)
    planned = policy.plan(finding, snapshot)
    if planned is None:
        return _Remedy(edits=apart(policy.suggest(finding, snapshot), taken, snapshot))
    proof = prove(planned, visit.snapshot, policy, visit.policies)
    return _Remedy(change=planned, proof=proof, edits=planned.edits)


def _leaving_alone(remedy: _Remedy, policy: AnyPolicy, covered: Cover, there: Snapshot) -> _Remedy:
    """What is planned as if a rolled-back change were made is proved on the reading that is ``there`` too."""
    if remedy.change is None or remedy.proof is None or not covered.alone:
        return remedy
    policies = policy, covered.visit.policies
    proof = leaving_alone(remedy.proof, remedy.change, there, covered.alone, policies)
    return replace(remedy, proof=proof)


def _former(
    policy: AnyPolicy, finding: Finding, snapshot: Snapshot, baseline: Baseline
) -> tuple[Change, ...]:
    if policy.restore is None or baseline.snapshot is None:
        return ()
    return policy.restore(finding, snapshot, baseline.snapshot)


def _said(judgement: Judgement) -> Judgement:
    """The decision to revert says what the change does: adds a rule, or restores one."""
    decision, change = judgement.decision, judgement.change
    if decision is None or change is None or decision.action is not Action.REVERT:
        return judgement
    detail = change_words(change, judgement.restored_from)
    return replace(judgement, decision=replace(decision, detail=detail))


def _never_compliant_while_busy(finding: Finding, readiness: Readiness) -> Finding:
    if readiness is not Readiness.BUSY or not finding.nothing_surely_wrong:
        return finding
    return replace(finding, state=ComplianceState.UNKNOWN, reason=BUSY, undecided=())


def policies_in_question(target: Target, deps: Deps) -> tuple[AnyPolicy, ...]:
    """The policies that are on for this target, whatever its tags are, or may be on with some."""
    return tuple(
        policy
        for policy in deps.policies
        if target.kind in policy.targets and deps.configuration.may_be_on(policy, target.id)
    )


def enabled_policies(snapshot: Snapshot, deps: Deps) -> tuple[AnyPolicy, ...]:
    """The policies that are on for what was read, with their parameters, in the order of their changes."""
    said = (
        (policy, deps.configuration.settings_for(policy, snapshot.id, tags_of(snapshot)))
        for policy in deps.policies
        if applies_to(policy, snapshot)
    )
    return tuple(
        bound(policy, settings.parameters) for policy, settings in said if settings.effect is not Effect.OFF
    )


def _assessment(visit: Visit, policy: AnyPolicy, change: Change, baseline: Baseline) -> Assessment:
    """How the situation lowers the policy's safety, judged against the last compliant reading.

    A reading that is recorded and cannot be found any more makes a person look.
    """
    snapshot, former = visit.snapshot, baseline.snapshot
    assessment = policy.assess(snapshot, former)
    if isinstance(snapshot, SubnetSnapshot):
        group = whose_group(change, snapshot, former if isinstance(former, SubnetSnapshot) else None)
        assessment = both(assessment, group)
    if not baseline.lost:
        return assessment
    lost = "the recorded compliant reading is not there any more"
    return both(assessment, Assessment(safety=Safety.APPROVAL, notes=(lost,)))
