"""A change of the journal that could not be proved on what is there now is told to people.

Either somebody changed the target, a policy or the settings while the change was on its way, or the entry is
none that was ever proved: both are worth a look. The alert's id for policies is ``change-not-continued``.
The drift is no business of it: the target is looked at again, and judged as any other. It is resolved when a
later change of the same policy on the same target has been made and verified, and when a later look finds the
policy compliant; but for an entry that the target's chain does not tell of, which somebody else wrote.
"""

from __future__ import annotations

from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert, recur
from shared.controller.deps import Deps
from shared.controller.notifying import resolve_if_open, write_and_tell
from shared.controller.open_alerts import is_open, list_alert
from shared.model import Action, ComplianceState, Decision, Finding, Reason, Severity
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.change_records import ChangeRecord
from shared.model.codec import to_json
from shared.model.happened import change_claimed

NOT_CONTINUED: Final = Pattern(
    id=patterns.NOT_CONTINUED,
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
    stands = is_open(known)
    if not stands:
        list_alert(ended.change.target, _id(ended), deps)
    kind = NotificationType.ALERT_UPDATED if stands else NotificationType.ALERT_OPENED
    write_and_tell(_seen(known, sighting, deps), kind, ended.cause, deps)


def resolve_not_continued(verified: ChangeRecord, deps: Deps) -> None:
    """A later change went through."""
    resolve_if_open(_id(verified), "a later change was made and verified", deps)


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
