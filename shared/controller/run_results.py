"""What a look came to, as the run that asked for it shows it and as the one line of the log tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.controller.deps import Deps
from shared.controller.visit import Judgement, Visit
from shared.guardrails.traffic_difference import difference_made
from shared.model import Cause, Json, Outcome, Snapshot
from shared.model.change_records import ChangeRecord
from shared.model.codec import to_json
from shared.model.decisions import reason_text
from shared.model.messages import RunOptions
from shared.model.results import ChangeView, TargetResult, merge


def keep_result(result: TargetResult, options: RunOptions | None, deps: Deps) -> None:
    """Add a result to the run that asked for it, on top of what an earlier look came to."""
    if options is None or options.run_id is None:
        return
    run = deps.store.run(options.run_id)
    earlier = next((r for r in run.results if r.target == result.target), None) if run else None
    deps.store.add_result(options.run_id, merge(earlier, result) if earlier else result)


def concluded(
    visit: Visit,
    judgements: Sequence[Judgement],
    changes: tuple[ChangeView, ...],
    outcomes: Mapping[str, Outcome],
) -> TargetResult:
    """What a look came to, and the line of the log that says so."""
    elapsed = visit.deps.clock.now() - visit.now
    result = TargetResult(
        target=visit.target,
        findings=tuple(judgement.finding for judgement in judgements),
        decisions=tuple(j.decision for j in judgements if j.decision is not None),
        changes=changes,
        outcomes=outcomes,
        arm_calls=tuple(visit.deps.gateway.calls),
        duration_ms=int(elapsed.total_seconds() * 1000),
        location=visit.snapshot.location,
    )
    visit.deps.log(log_line(result, visit.cause))
    return result


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


def view_of(record: ChangeRecord) -> ChangeView:
    """A change as runs and the HTTP API show it."""
    return ChangeView(
        id=record.id,
        policy=record.change.policy,
        resource_id=record.change.resource_id,
        edits=tuple(to_json(edit) for edit in record.change.edits),
        inverse=tuple(to_json(edit) for edit in record.change.inverse),
        proof=record.proof,
        outcome=record.outcome,
        detail=record.detail,
        difference=record.difference,
        restored_from=record.restored_from,
    )


def tell_run(change: ChangeRecord, deps: Deps) -> None:
    """A run hears how its change ended while that is still held, whoever has ended it, and whatever becomes
    of the look that did."""
    if change.run_id is None:
        return
    ended = TargetResult(
        target=change.change.target,
        outcomes={change.change.policy: change.outcome},
        changes=(view_of(change),),
    )
    keep_result(ended, RunOptions(run_id=change.run_id), deps)


def view_of_plan(judgement: Judgement, snapshot: Snapshot) -> ChangeView:
    """A change that enforce would make, as an audit run shows it."""
    change = judgement.change
    assert change is not None  # a decision to revert without a change cannot pass the brake "no plan"
    return ChangeView(
        id="",
        policy=change.policy,
        resource_id=change.resource_id,
        edits=tuple(to_json(edit) for edit in change.edits),
        inverse=tuple(to_json(edit) for edit in change.inverse),
        proof=judgement.proof,
        outcome=Outcome.WOULD_REVERT,
        difference=difference_made(change, snapshot),
        restored_from=judgement.restored_from,
    )
