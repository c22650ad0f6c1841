"""What a reading says of a change: made, without effect, overtaken, or not to be told yet.

Nothing is stored here, and nothing is asked but the recorded readings.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from shared.controller.exempted import as_judged
from shared.controller.visit import Visit
from shared.guardrails.question import Readiness, readiness_of
from shared.guardrails.traffic_difference import same_reach
from shared.model import Cause, ComplianceState, Edit, Outcome, ServerSnapshot, Snapshot
from shared.model.change_records import ChangeKind, ChangeRecord, Phase
from shared.model.edits import EditDoesNotFit, apply_edit, apply_edits, normalised
from shared.model.memory import TargetRecord

PATIENCE: Final = timedelta(minutes=30)
"""How long a change may take before it counts as failed."""

NOT_TAKEN: Final = "Azure has not taken the edit"
"""Of a rollback: an edit that was sent without an answer is surely not made."""


def verdict(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[Outcome, str]:
    """What the reading says of the change, and why. A target that is still updating says nothing yet."""
    if readiness_of(visit.snapshot) is Readiness.BUSY:
        outcome, detail = Outcome.IN_PROGRESS, "another operation is running"
    elif change.kind is ChangeKind.ROLLBACK:
        outcome, detail = _of_rollback(change, record, visit)
    else:
        outcome, detail = _of_revert(change, record, visit)
    if outcome is Outcome.IN_PROGRESS and visit.now - change.created_at > PATIENCE:
        return Outcome.FAILED, f"could not be verified: {detail}"
    return outcome, detail


def made_by(change: ChangeRecord, reading: Snapshot) -> int | None:
    """How many edits are made by what was read, where one had no answer; None where none is open."""
    if change.phase is not Phase.SENDING or not 0 <= change.next_edit < len(change.change.edits):
        return None
    return change.next_edit + _is_made(change.change.edits[change.next_edit], reading)


def _is_made(edit: Edit, reading: Snapshot) -> bool:
    """Whether making it would change nothing, or could not: what it deletes is not there."""
    try:
        return normalised(apply_edit(reading, edit)) == normalised(reading)
    except EditDoesNotFit:
        return True


def _of_revert(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[Outcome, str]:
    policy = next((p for p in visit.policies if p.id == change.change.policy), None)
    if policy is None:
        return Outcome.FAILED, "the policy is off now: nothing was verified"
    finding = policy.evaluate(as_judged(visit.snapshot, policy.id, record, visit.now))
    match finding.state:
        case _ if finding.nothing_surely_wrong:
            return (Outcome.ALREADY_COMPLIANT if change.nothing_there else Outcome.REVERTED), finding.reason
        case ComplianceState.NON_COMPLIANT:
            return _still_there(change, record, finding.reason)
        case _:
            return Outcome.IN_PROGRESS, finding.reason


def _still_there(change: ChangeRecord, record: TargetRecord, reason: str) -> tuple[Outcome, str]:
    """What was accepted and is not there was ignored by Azure, unless somebody has written since."""
    if change.next_edit < len(change.change.edits):
        return Outcome.CONFLICTED, f"interrupted after {change.next_edit} edits: {reason}"
    again = written_since(change, record)
    if again is not None:
        return Outcome.CONFLICTED, f"made, and written again by {_named(again)}: {reason}"
    return Outcome.INEFFECTIVE, f"accepted by Azure, and still: {reason}"


def written_since(change: ChangeRecord, record: TargetRecord) -> Cause | None:
    """The newest write by somebody else, where it came after our own was sent."""
    last, sent = record.last_foreign, change.sent_at or change.created_at
    return last if last is not None and last.time > sent else None


def _named(cause: Cause) -> str:
    actor = cause.actor
    return actor.name or actor.object_id or actor.app_id or "somebody"


def _of_rollback(change: ChangeRecord, record: TargetRecord, visit: Visit) -> tuple[Outcome, str]:
    expected = visit.deps.store.snapshot(change.before)
    assert expected is not None  # kept before the change was claimed
    if same_reach(apply_edits(expected, change.change.edits), visit.snapshot):
        return Outcome.ROLLED_BACK, "the reach is the recorded one"
    if isinstance(visit.snapshot, ServerSnapshot) and visit.snapshot.firewall_rules is None:
        return Outcome.IN_PROGRESS, "the firewall rules could not be read"
    until_now = apply_edits(expected, change.change.edits[: change.made])
    if change.phase is Phase.SENDING and same_reach(until_now, visit.snapshot):
        return Outcome.IN_PROGRESS, NOT_TAKEN
    return _still_there(change, record, "the reach is not the recorded one")
