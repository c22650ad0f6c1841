"""A change of the journal that could not be proved on what is there now is told to people.

Either somebody changed the target, a policy or the settings while the change was on its way, or the entry is
none that was ever proved: both are worth a look. The alert's id for policies is ``change-not-continued``.
The drift is no business of it: the target is looked at again, and judged as any other. It is resolved when a
later change of the same policy on the same target has been made and verified, and when a later look finds the
policy compliant; but for an entry that the target's chain does not tell of, which somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert, recur
from shared.controller.deps import Deps
from shared.controller.notifying import resolve_if_open, write_and_tell
from shared.controller.visit import Judgement, Visit
from shared.model import Action, ComplianceState, Decision, Finding, Reason, Severity
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.change_records import ChangeRecord
from shared.model.codec import to_json
from shared.model.happened import change_claimed
from shared.model.memory import TargetRecord

NOT_CONTINUED: Final = Pattern(
    id="change-not-continued",
    title="A change was not continued",
    why=(
        "What it would still have written is not what is right for the target now. Somebody changed "
        "something while it was on its way, or somebody wrote to the journal."
    ),
)
TOLD: Final = frozenset({Reason.NO_LONGER_PROVED.value, Reason.OUTSIDE_SCOPES.value})
"""Codes of errors with which a change is given up that was not to be continued."""


def tell_not_continued(ended: ChangeRecord, deps: Deps) -> None:
    """Open the alert, or count it again: there is one for each policy on a target."""
    sighting = _sighting(ended, deps)
    known = deps.store.alert(_id(ended))
    is_open = known is not None and known.status is not AlertStatus.RESOLVED
    kind = NotificationType.ALERT_UPDATED if is_open else NotificationType.ALERT_OPENED
    write_and_tell(_seen(known, sighting, deps), kind, ended.cause, deps)


def resolve_not_continued(verified: ChangeRecord, deps: Deps) -> None:
    """A later change went through."""
    resolve_if_open(_id(verified), "a later change was made and verified", deps, deps.clock.now())


def resolve_what_became_compliant(
    visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord
) -> None:
    """What was not continued is not needed any more; asked of policies that were not compliant until now."""
    for policy in _became_compliant(judgements, record):
        known = visit.deps.store.alert(alert_id(NOT_CONTINUED.id, visit.target, policy))
        if known is not None and known.evidence.get("claimed") is not False:
            resolve_if_open(known.id, "there is nothing to revert any more", visit.deps, visit.now)


def _became_compliant(judgements: tuple[Judgement, ...], record: TargetRecord) -> Iterator[str]:
    for judgement in judgements:
        memory, state = record.memories.get(judgement.policy.id), judgement.finding.state
        if state is ComplianceState.COMPLIANT and memory is not None and memory.state is not state:
            yield judgement.policy.id


def was_claimed(change: ChangeRecord, deps: Deps) -> bool:
    """Whether the target's chain tells that this change was claimed, as it stands here."""
    return deps.store.journal.tells_of(change.change.target, change_claimed(change))


def _seen(known: AlertRecord | None, sighting: Sighting, deps: Deps) -> AlertRecord:
    portal = deps.portal_link(sighting.finding.resource_id)
    return recur(known, sighting) if known is not None else open_alert(NOT_CONTINUED, sighting, portal)


def _id(change: ChangeRecord) -> str:
    return alert_id(NOT_CONTINUED.id, change.change.target, change.change.policy)


def _sighting(ended: ChangeRecord, deps: Deps) -> Sighting:
    target = ended.change.target
    finding = Finding(
        policy=NOT_CONTINUED.id,
        target=target,
        state=ComplianceState.ERROR,
        severity=Severity.HIGH,
        reason=f"a change of {ended.change.policy} was given up after {max(ended.next_edit, 0)} of its edits",
        resource_id=target.id,
        evidence={
            "policy": ended.change.policy,
            "change": ended.id,
            "claimed": was_claimed(ended, deps),
            "why": ended.detail,
            "notMade": [to_json(edit) for edit in ended.change.edits[max(ended.next_edit, 0) :]],
        },
        fingerprint=ended.change.policy,
    )
    decision = Decision(
        policy=NOT_CONTINUED.id, action=Action.ALERT, reason=Reason.NO_LONGER_PROVED, detail=ended.detail
    )
    return Sighting(finding=finding, decision=decision, cause=ended.cause, now=deps.clock.now())
