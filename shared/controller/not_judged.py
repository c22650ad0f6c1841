"""A target that cannot be judged is one alert, not one for each policy: it is busy, or closed to us.

The alert's id for policies is ``target-not-judged``. It lists the policies that are not judged, is as grave
as the gravest of them, and is resolved when the target can be judged, or is gone. What is unknown to one
policy for a reason of its own (a part that could not be read, an odd value) is that policy's alert: what has
to be done about it differs. What lets somebody in is told by its own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert, recur
from shared.controller.deps import Deps
from shared.controller.notifying import write_and_tell
from shared.controller.open_alerts import is_open
from shared.controller.visit import Judgement, Visit
from shared.guardrails.question import Readiness, readiness_of
from shared.model import Action, Cause, Decision, Finding, Target
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.memory import PolicyMemory, TargetRecord

UNKNOWN_RUNS: Final = 3
UNKNOWN_TIME: Final = timedelta(hours=1)
"""An unknown opens an alert after this many runs in a row or this long (INTERFACES, "Enforcement")."""

NOT_JUDGED: Final = Pattern(
    id=patterns.NOT_JUDGED,
    title="A target cannot be judged",
    why="While it cannot be judged, drift on it goes unseen and is not reverted.",
    no_command="it can be judged again when it is ready and may be read",
)


def has_lasted(memory: PolicyMemory | None, now: datetime) -> bool:
    """Whether people must hear of what is still unknown at this look."""
    runs = memory.unknown_runs if memory else 0
    since = (memory.unknown_since if memory else None) or now
    return runs + 1 >= UNKNOWN_RUNS or now - since >= UNKNOWN_TIME


def hides_exposure(record: TargetRecord, deps: Deps) -> bool:
    """Whether somebody could get in when the target was last read, and nobody has been told: whoever shuts us
    out must not thereby keep it quiet."""
    for policy, memory in record.memories.items():
        if memory.exposure.is_open:
            known = deps.store.alert(
                alert_id(policy, record.target, memory.exposure.openings[-1].fingerprint)
            )
            if not is_open(known):
                return True
    return False


def is_not_judged(visit: Visit, judgements: Sequence[Judgement], record: TargetRecord) -> bool:
    """Whether the target's alert is to be open after this look; ``record`` is the memory before it.

    A look for some policies alone says nothing of a busy target as a whole.
    """
    if _is_partial(visit):
        return record.not_judged
    waiting = [record.memories.get(one.policy.id) for one in judgements if one.awaits_target]
    return bool(waiting) and (record.not_judged or any(has_lasted(memory, visit.now) for memory in waiting))


def _is_partial(visit: Visit) -> bool:
    return visit.options.policies is not None and readiness_of(visit.snapshot) is Readiness.BUSY


def alert_of_target(target: Target) -> str:
    """The id of the one alert that it cannot be judged."""
    return alert_id(NOT_JUDGED.id, target, "")


def waiting(visit: Visit, judgements: Sequence[Judgement]) -> Sequence[tuple[Finding, Decision | None]]:
    """What is not judged because the target is busy; a look for some policies says nothing of that."""
    asked = () if _is_partial(visit) else judgements
    return [(one.finding, one.decision) for one in asked if one.awaits_target]


def tell_not_judged(
    known: AlertRecord | None, unknown: Sequence[tuple[Finding, Decision | None]], cause: Cause, deps: Deps
) -> None:
    """Open the target's alert, or keep the open one up to date; people hear of it once, and of worse.

    ``unknown`` are the findings of the policies that do not judge it, all for one reason; ``known`` is the
    alert that its memory lists.
    """
    target = unknown[0][0].target
    sighting = _sighting(target, unknown, cause, deps)
    if known is None:
        alert = open_alert(NOT_JUDGED, sighting, deps.portal_link(target.id))
        write_and_tell(alert, NotificationType.ALERT_OPENED, cause, deps)
    elif known.status is AlertStatus.RESOLVED:
        write_and_tell(recur(known, sighting), NotificationType.ALERT_OPENED, cause, deps)
    else:
        _refresh(known, sighting, deps)


def _refresh(known: AlertRecord, sighting: Sighting, deps: Deps) -> None:
    now = recur(known, sighting)
    if now.severity.rank > known.severity.rank:
        write_and_tell(now, NotificationType.ALERT_UPDATED, sighting.cause, deps)
    elif (now.reason, now.evidence) != (known.reason, known.evidence):
        deps.store.put_alert(replace(now, count=known.count, severity=known.severity))


def _sighting(
    target: Target, unknown: Sequence[tuple[Finding, Decision | None]], cause: Cause, deps: Deps
) -> Sighting:
    findings = [finding for finding, _ in unknown]
    gravest = max(findings, key=lambda finding: finding.severity.rank)
    policies = sorted(finding.policy for finding in findings)
    finding = replace(
        gravest,
        policy=NOT_JUDGED.id,
        target=target,
        resource_id=target.id,
        evidence={"notJudged": policies, "policies": len(policies)},
        fingerprint="",
    )
    decisions = [decision for _, decision in unknown if decision is not None]
    decision = replace(decisions[0], policy=NOT_JUDGED.id, action=Action.ALERT)
    return Sighting(finding=finding, decision=decision, cause=cause, now=deps.clock.now())
