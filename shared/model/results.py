"""Runs and what they came to: one target looked at several times, several targets of one scope. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum

from shared.model.change_records import TrafficDifference
from shared.model.changes import Proof
from shared.model.decisions import Decision, Finding
from shared.model.kinds import EnforcementMode, Outcome
from shared.model.operations import ArmCall
from shared.model.resource_id import ResourceId
from shared.model.targets import Cause, Target
from shared.model.values import Json, value


class RunStatus(StrEnum):
    QUEUED = "Queued"
    RUNNING = "Running"
    IN_PROGRESS = "InProgress"
    DONE = "Done"
    FAILED = "Failed"


@value
class ChangeView:
    """A change as a run shows it."""

    id: str
    resource_id: ResourceId
    edits: tuple[Json, ...]
    inverse: tuple[Json, ...]
    proof: Proof | None
    outcome: Outcome
    policy: str
    detail: str = ""
    difference: TrafficDifference | None = None
    restored_from: datetime | None = None


@value
class TargetResult:
    """What one reconcile of one target found, decided and did."""

    target: Target
    findings: tuple[Finding, ...] = ()
    decisions: tuple[Decision, ...] = ()
    changes: tuple[ChangeView, ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """Per policy."""
    arm_calls: tuple[ArmCall, ...] = ()
    duration_ms: int = 0
    error: str = ""
    gone: bool = False
    """The resource does not exist."""
    location: str = ""
    """The region, as ARM has it; ``""`` where nothing was read."""

    @property
    def in_progress(self) -> bool:
        return any(outcome is Outcome.IN_PROGRESS for outcome in self.outcomes.values())


@value
class RunRecord:
    """A run as ``GET /api/runs/{id}`` shows it; for a scope ``targets`` fills up as results arrive."""

    id: str
    status: RunStatus
    cause: Cause
    enforcement: EnforcementMode
    created_at: datetime
    target: Target | None = None
    scope: ResourceId | None = None
    policies: tuple[str, ...] | None = None
    adopt: bool = False
    total: int | None = None
    """How many targets the run has; None until they are enumerated."""
    results: tuple[TargetResult, ...] = ()
    error: str = ""
    etag: str | None = None


def merge(earlier: TargetResult, later: TargetResult) -> TargetResult:
    """What two looks at one target came to: the newest finding, decision and change of each policy.

    A later look that found a policy compliant does not erase why it was reverted: the decision of the
    earlier look stays.
    """
    findings = {finding.policy: finding for finding in (*earlier.findings, *later.findings)}
    decisions = {decision.policy: decision for decision in (*earlier.decisions, *later.decisions)}
    changes = {change.id or change.policy: change for change in (*earlier.changes, *later.changes)}
    return TargetResult(
        target=later.target,
        findings=tuple(findings.values()),
        decisions=tuple(decisions.values()),
        changes=tuple(changes.values()),
        outcomes=_merged_outcomes(earlier, later),
        arm_calls=earlier.arm_calls + later.arm_calls,
        duration_ms=earlier.duration_ms + later.duration_ms,
        error=later.error,
        gone=later.gone,
        location=later.location or earlier.location,
    )


def _merged_outcomes(earlier: TargetResult, later: TargetResult) -> dict[str, Outcome]:
    judged = bool(later.findings)
    outcomes = {
        policy: outcome
        for policy, outcome in earlier.outcomes.items()
        if not judged or outcome is not Outcome.IN_PROGRESS
    }
    for policy, outcome in later.outcomes.items():
        settled = outcomes.get(policy) in {Outcome.REVERTED, Outcome.ROLLED_BACK}
        if not (settled and outcome is Outcome.COMPLIANT):
            outcomes[policy] = outcome
    if later.error:  # nothing follows a look that could not be made: nobody verifies any more
        failed = {policy: Outcome.FAILED for policy in outcomes if outcomes[policy] is Outcome.IN_PROGRESS}
        outcomes |= failed
    return outcomes


def status_of(run: RunRecord) -> RunStatus:
    """The status of a run, from the results that have arrived."""
    if run.error:
        return RunStatus.FAILED
    if run.total is None or (run.total and not run.results):
        return RunStatus.QUEUED if run.status is RunStatus.QUEUED else RunStatus.RUNNING
    if len(run.results) < run.total:
        return RunStatus.RUNNING
    return RunStatus.IN_PROGRESS if any(r.in_progress for r in run.results) else RunStatus.DONE


def with_status(run: RunRecord) -> RunRecord:
    return replace(run, status=status_of(run))
