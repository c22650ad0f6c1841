"""Results of runs as values: one target looked at several times, several targets of one scope. Pure."""

from __future__ import annotations

from dataclasses import replace

from shared.model import Outcome
from shared.model.records import RunRecord, RunStatus, TargetResult


def merge(earlier: TargetResult, later: TargetResult) -> TargetResult:
    """What two looks at one target came to: the newest finding, decision and change of each policy.

    A later look that found a policy compliant does not erase why it was reverted: the decision of the
    earlier look stays.
    """
    findings = {finding.policy: finding for finding in (*earlier.findings, *later.findings)}
    decisions = {decision.policy: decision for decision in (*earlier.decisions, *later.decisions)}
    changes = {change.id or change.policy: change for change in (*earlier.changes, *later.changes)}
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
    return TargetResult(
        target=later.target,
        findings=tuple(findings.values()),
        decisions=tuple(decisions.values()),
        changes=tuple(changes.values()),
        outcomes=outcomes,
        arm_calls=earlier.arm_calls + later.arm_calls,
        duration_ms=earlier.duration_ms + later.duration_ms,
        error=later.error,
        gone=later.gone,
    )


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
