"""Runs and policies as the HTTP API shows them.

The shapes are those of the project's INTERFACES page. Alerts and changes have their views in
``shared.alerts.lifecycle``, because notifications carry them too, the answer about an NSG in ``nsg_views``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.config.configuration import Configuration
from shared.model import (
    Action,
    ArmCall,
    Cause,
    ComplianceState,
    Decision,
    Effect,
    EnforcementMode,
    Finding,
    Json,
    Kind,
    Outcome,
    Reason,
    Safety,
    Severity,
    Target,
    TargetKind,
)
from shared.model.resource_id import ResourceId
from shared.model.results import ChangeView, RunRecord, RunStatus, TargetResult
from shared.model.values import value
from shared.policies import family_of
from shared.posture.controls import Control
from shared.posture.policy import AnyPolicy

DOCS: Final = "docs/policies"
"""The folder with one page for each family of policies."""


@value
class FindingView:
    policy: str
    state: ComplianceState
    severity: Severity
    resource_id: ResourceId
    reason: str
    evidence: Mapping[str, Json]


@value
class DecisionView:
    policy: str
    action: Action
    reason: Reason
    detail: str
    dry_run: bool


@value
class ResultView:
    """What one target came to."""

    target: Target
    outcomes: Mapping[str, Outcome]
    findings: tuple[FindingView, ...]
    decisions: tuple[DecisionView, ...]
    changes: tuple[ChangeView, ...]
    arm_calls: tuple[ArmCall, ...]
    duration_ms: int
    error: str


@value
class Progress:
    done: int
    total: int | None


@value
class RunView:
    """A run. What was found, decided and done is listed over all targets, and per target in ``targets``.

    ``outcomes`` (per policy), and no ``progress`` and ``targets``, where the run has one target;
    the other way round where it has a scope, an NSG or a virtual network.
    """

    id: str
    status: RunStatus
    cause: Cause
    enforcement: EnforcementMode
    created_at: datetime
    target: Target | None
    scope: ResourceId | None
    policies: tuple[str, ...] | None
    adopt: bool
    findings: tuple[FindingView, ...]
    decisions: tuple[DecisionView, ...]
    changes: tuple[ChangeView, ...]
    arm_calls: tuple[ArmCall, ...]
    duration_ms: int
    error: str
    outcomes: Mapping[str, Outcome] | None
    progress: Progress | None
    targets: tuple[ResultView, ...] | None


@value
class ParameterView:
    name: str
    default: Json
    value: Json
    description: str


@value
class PolicyView:
    """A policy with what ``policies.yaml`` says of it everywhere; scopes may say otherwise."""

    id: str
    title: str
    severity: Severity
    safety: Safety
    kind: Kind
    targets: tuple[TargetKind, ...]
    effect: Effect
    parameters: tuple[ParameterView, ...]
    controls: tuple[Control, ...]
    permissions: tuple[str, ...]
    raised_by: str
    docs: str
    no_command: str
    """Why no command exists that would close its alerts; empty where one does."""
    ends_on_new_server: bool
    """Whether its remedy makes a new server: the alert stays until the old one is deleted."""


# --- making views ----------------------------------------------------------------------------------


def run_view(run: RunRecord) -> RunView:
    """The run with everything that has arrived."""
    results = tuple(_result(result) for result in run.results)
    single = run.target is not None
    errors = [run.error, *(result.error for result in results if single)]
    return RunView(
        id=run.id,
        status=run.status,
        cause=run.cause,
        enforcement=run.enforcement,
        created_at=run.created_at,
        target=run.target,
        scope=run.scope,
        policies=run.policies,
        adopt=run.adopt,
        findings=tuple(finding for result in results for finding in result.findings),
        decisions=tuple(decision for result in results for decision in result.decisions),
        changes=tuple(change for result in results for change in result.changes),
        arm_calls=tuple(call for result in results for call in result.arm_calls),
        duration_ms=sum(result.duration_ms for result in results),
        error="; ".join(error for error in errors if error),
        outcomes={k: v for result in results for k, v in result.outcomes.items()} if single else None,
        progress=None if single else _progress(run),
        targets=None if single else results,
    )


def without_compliant(view: RunView) -> RunView:
    """The same run without findings and outcomes that are compliant, and without targets that have nothing
    else to tell; ``progress`` still counts every target."""
    targets = view.targets and tuple(shorter for shorter in map(_shorter, view.targets) if _tells(shorter))
    outcomes = None if view.outcomes is None else _not_compliant(view.outcomes)
    return replace(view, findings=_amiss(view.findings), outcomes=outcomes, targets=targets)


def _shorter(result: ResultView) -> ResultView:
    return replace(result, findings=_amiss(result.findings), outcomes=_not_compliant(result.outcomes))


def _tells(result: ResultView) -> bool:
    return bool(result.findings or result.outcomes or result.decisions or result.changes or result.error)


def _amiss(findings: tuple[FindingView, ...]) -> tuple[FindingView, ...]:
    return tuple(finding for finding in findings if finding.state is not ComplianceState.COMPLIANT)


def _not_compliant(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    return {policy: outcome for policy, outcome in outcomes.items() if outcome is not Outcome.COMPLIANT}


def _progress(run: RunRecord) -> Progress:
    return Progress(done=sum(not result.in_progress for result in run.results), total=run.total)


def _result(result: TargetResult) -> ResultView:
    return ResultView(
        target=result.target,
        outcomes=result.outcomes,
        findings=tuple(_finding(finding) for finding in result.findings),
        decisions=tuple(_decision(decision) for decision in result.decisions),
        changes=result.changes,
        arm_calls=result.arm_calls,
        duration_ms=result.duration_ms,
        error=result.error,
    )


def _finding(finding: Finding) -> FindingView:
    return FindingView(
        policy=finding.policy,
        state=finding.state,
        severity=finding.severity,
        resource_id=finding.resource_id,
        reason=finding.reason,
        evidence=finding.evidence,
    )


def _decision(decision: Decision) -> DecisionView:
    return DecisionView(
        policy=decision.policy,
        action=decision.action,
        reason=decision.reason,
        detail=decision.detail,
        dry_run=decision.dry_run,
    )


def policy_view(policy: AnyPolicy, configuration: Configuration) -> PolicyView:
    """One entry of the catalogue."""
    settings = configuration.everywhere(policy)
    return PolicyView(
        id=policy.id,
        title=policy.title,
        severity=policy.severity,
        safety=policy.safety,
        kind=policy.kind,
        targets=tuple(sorted(policy.targets)),
        effect=settings.effect,
        parameters=tuple(
            ParameterView(
                name=parameter.name,
                default=parameter.default,
                value=settings.parameters.get(parameter.name, parameter.default),
                description=parameter.description,
            )
            for parameter in policy.parameters
        ),
        controls=policy.controls,
        permissions=policy.permissions,
        raised_by=policy.raised_by,
        no_command=policy.no_command,
        ends_on_new_server=policy.ends_on_new_server,
        docs=f"{DOCS}/{family_of(policy.id)}.md#{policy.id}",
    )
