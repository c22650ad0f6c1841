"""What the exemptions of a target's memory cover of one policy on one reading.

An exemption that came with a rollback covers the edits that were rolled back. The policy is judged on the
reading as if they were made still: compliant there means that nothing else is wrong, and the finding is
exempt; otherwise that reading is what the finding, the plan and its proof are about. An exemption that is
older than that exempts from the whole policy until it ends.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.controller.visit import Visit
from shared.guardrails.rolled_back import as_if_made, standing_edits
from shared.model import Change, ComplianceState, Edit, Snapshot
from shared.model.memory import Exemption, TargetRecord
from shared.model.values import value
from shared.posture.policy import AnyPolicy


@value
class Cover:
    """``visit`` is what is judged; ``alone`` are the edits that its reading holds and Azure does not."""

    visit: Visit
    exemption: Exemption | None = None
    """What covers all that the policy finds."""
    alone: tuple[Edit, ...] = ()


def cover_of(visit: Visit, policy: AnyPolicy, record: TargetRecord) -> Cover:
    """What the memory's exemptions cover of the policy."""
    standing = [e for e in record.exemptions if e.policy == policy.id and e.expires_at > visit.now]
    whole = next((e for e in standing if e.rolled_back is None), None)
    if whole is not None or not standing:
        return Cover(visit=visit, exemption=whole)
    alone = standing_edits(visit.snapshot, _changes(standing))
    if not alone:
        return Cover(visit=visit)
    judged = replace(visit, snapshot=as_if_made(visit.snapshot, alone))
    if policy.evaluate(judged.snapshot).state is not ComplianceState.COMPLIANT:
        return Cover(visit=judged, alone=alone)
    covering = next(e for e in standing if standing_edits(visit.snapshot, _changes([e])))
    return Cover(visit=visit, exemption=covering)


def as_judged(snapshot: Snapshot, policy_id: str, record: TargetRecord, now: datetime) -> Snapshot:
    """The reading as if what was rolled back were made still."""
    standing = [e for e in record.exemptions if e.policy == policy_id and e.expires_at > now]
    return as_if_made(snapshot, standing_edits(snapshot, _changes(standing)))


def _changes(exemptions: list[Exemption]) -> list[Change]:
    return [e.rolled_back for e in exemptions if e.rolled_back is not None]
