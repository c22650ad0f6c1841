"""The words of a notification: what a person on call reads, as Markdown that reads well as plain text.

It answers what, where, who and when, why it matters, what was seen, what was decided and why, and how to
fix it by hand. Every text of a stranger in it goes through ``phrases``, which make it harmless; and every
list is cut to what fits on a screen, because the whole is in the notification's data and in the HTTP API.

Pure wording: nothing here chooses what is sent, and no JSON is made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from shared.alerts.decision_words import decision_text
from shared.alerts.edit_words import closes_a_path, describe_edit
from shared.alerts.phrases import (
    ITEMS_SHOWN,
    at,
    clean,
    clip,
    code,
    duration,
    evidence_lines,
    fenced,
    few,
    section,
    sentence,
    times,
)
from shared.alerts.remedy_words import LAG, remedy_lines
from shared.alerts.steps import ENDS_ON_NEW_SERVER
from shared.model import Actor, Cause, CauseKind, Json, Outcome, Target, TargetKind
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.resource_id import ResourceId
from shared.posture.policy import AnyPolicy

_BREAK: Final = "  \n"
"""A line break that Markdown keeps."""

_DIFFERENCES: Final[Mapping[str, str]] = {
    "newlyDenied": "newly denied",
    "newlyAllowed": "newly allowed",
    "newlyOpen": "newly left to what a tag or group holds",
}
"""Parts of the evidence that tell what passes otherwise than before, in the order in which they are told."""

_SAID_APART: Final = frozenset(
    {*_DIFFERENCES, "lastCompliantAt", "byThisWrite", "whatToDo", ENDS_ON_NEW_SERVER}
)
"""Evidence that has a sentence of its own."""

_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.REVERTED: "Reverted",
    Outcome.ROLLED_BACK: "Rolled back",
    Outcome.ALREADY_COMPLIANT: "Already compliant",
    Outcome.INEFFECTIVE: "Had no effect",
    Outcome.CONFLICTED: "Overtaken by somebody else's write",
    Outcome.FAILED: "Failed",
}


# --- a whole message -------------------------------------------------------------------------------


def alert_title(alert: AlertRecord) -> str:
    """``[High] A firewall rule admits every Azure address: orders``."""
    head = "Resolved" if alert.status is AlertStatus.RESOLVED else alert.severity.value
    return f"[{head}] {clean(alert.title)}: {_name(alert.target.id)}"


def alert_body(alert: AlertRecord) -> str:
    lines = _resolved_lines(alert) if alert.status is AlertStatus.RESOLVED else _alert_lines(alert)
    return "\n\n".join(lines)


def change_title(change: ChangeRecord) -> str:
    """``[Reverted] orders: public network access set to Disabled``."""
    first, *more = change.change.edits
    said = describe_edit(first) + (f" and {len(more)} more" if more else "")
    return clean(f"{_name(change.change.target.id)}: {said}", prefix=f"[{_outcome(change)}] ")


def change_body(change: ChangeRecord, policy: AnyPolicy | None, portal: str, undo: Sequence[str]) -> str:
    """``policy`` is None when the catalogue no longer holds it; ``undo`` are commands for the inverse."""
    return "\n\n".join(_change_lines(change, policy, portal, undo))


def _resolved_lines(alert: AlertRecord) -> list[str]:
    open_for = f", open for {duration(alert.resolved_at - alert.first_seen)}" if alert.resolved_at else ""
    return [
        f"**Over:** {sentence(alert.resolution or 'resolved')}",
        f"**It was:** {sentence(alert.title)} ({alert.severity})",
        _where(alert.target, alert.resource_id, alert.portal),
        f"**Seen:** {times(alert.count)}, first at {at(alert.first_seen)}{open_for}",
        f"**Alert:** `{alert.id}` of policy `{alert.policy}`",
    ]


def _alert_lines(alert: AlertRecord) -> list[str]:
    return [
        f"**What:** {sentence(alert.reason)}",
        _where(alert.target, alert.resource_id, alert.portal),
        _who(alert.cause),
        *([f"**Why it matters:** {sentence(alert.why)}"] if alert.why else []),
        *_controls(alert.controls),
        *_since_lines(alert.evidence),
        *section("**Seen:**", evidence_lines(_without(alert.evidence, _SAID_APART))),
        f"**Decision:** {decision_text(alert.decision)}",
        *remedy_lines(alert),
        _state_line(alert),
    ]


def _since_lines(evidence: Mapping[str, Json]) -> list[str]:
    """What passes otherwise since the last compliant reading; whose doing it is only where that is known."""
    told = [f"{word}: {text}" for name, word in _DIFFERENCES.items() if (text := _told(evidence.get(name)))]
    if not told:
        return []
    if evidence.get("byThisWrite") is True:
        return [f"**What changed:** This write {'; '.join(told)}."]
    since = clean(str(evidence.get("lastCompliantAt")))
    return [f"**What changed:** Since the last compliant reading ({since}), this is {'; '.join(told)}."]


def _told(part: Json) -> str:
    return clip(few([str(text) for text in part])) if isinstance(part, list | tuple) and part else ""


def _without(evidence: Mapping[str, Json], names: frozenset[str]) -> dict[str, Json]:
    return {name: part for name, part in evidence.items() if name not in names}


def _state_line(alert: AlertRecord) -> str:
    by = f" by {code(alert.acknowledged_by)}" if alert.acknowledged_by else ""
    seen = f"seen {times(alert.count)}, first at {at(alert.first_seen)}"
    return f"**Alert:** `{alert.id}` of policy `{alert.policy}`, {alert.status}{by}, {seen}"


def _change_lines(
    change: ChangeRecord, policy: AnyPolicy | None, portal: str, undo: Sequence[str]
) -> list[str]:
    edits = change.change.edits
    return [
        f"**{_outcome(change)}:** {'; then '.join(describe_edit(edit) for edit in edits[:ITEMS_SHOWN])}",
        _where(change.change.target, change.change.resource_id, portal),
        *([f"**Why:** {sentence(policy.title)} {sentence(policy.why)}"] if policy is not None else []),
        *_rollback_lines(change),
        *_difference_lines(change),
        _who(change.cause),
        f"**Decision:** {decision_text(change.decision, done=True)}",
        *section("**Proved before the write:**", [sentence(step.claim) for step in change.proof.steps]),
        *([LAG] if any(closes_a_path(edit) for edit in edits) else []),
        *_undo_lines(change, undo),
        f"**Change:** `{change.id}` of policy `{change.change.policy}`",
    ]


def _difference_lines(change: ChangeRecord) -> list[str]:
    """What the change makes of the traffic."""
    found = change.difference
    if found is None:
        return []
    parts = {
        "newlyDenied": found.newly_denied,
        "newlyAllowed": found.newly_allowed,
        "newlyOpen": found.newly_open,
    }
    told = [f"{_DIFFERENCES[name]}: {text}" for name, part in parts.items() if (text := _told(part))]
    return [f"**Traffic:** {'; '.join(told)}"] if told else []


def _rollback_lines(change: ChangeRecord) -> list[str]:
    if change.kind is not ChangeKind.ROLLBACK:
        return []
    of = f" of change `{change.rollback_of}`" if change.rollback_of else ""
    return [f"**Rollback**{of}: {sentence(change.reason or 'no reason given')}"]


def _undo_lines(change: ChangeRecord, undo: Sequence[str]) -> list[str]:
    if change.kind is ChangeKind.ROLLBACK:
        return fenced("**To make the change again by hand:**", undo)
    how = (
        f"**To undo it:** `POST /api/changes/{change.id}/rollback`, which exempts what it puts back for a"
        " while and is taken in enforce mode alone"
    )
    return fenced(f"{how}; or by hand, which counts as drift again:", undo) or [how]


def _outcome(change: ChangeRecord) -> str:
    if change.is_partly_made:
        return "Partly applied"
    return _OUTCOMES.get(change.outcome, change.outcome.value)


# --- its parts -------------------------------------------------------------------------------------


def _where(target: Target, resource: ResourceId, portal: str) -> str:
    kinds = {
        TargetKind.FLEXIBLE_SERVER: "flexible server",
        TargetKind.SINGLE_SERVER: "single server",
        TargetKind.SUBNET: "subnet",
    }
    group = f"resource group {code(target.id.resource_group)}, subscription {code(target.id.subscription)}"
    below = [f"resource {code(str(resource))}"] if resource != target.id else []
    return _BREAK.join([f"**Where:** {kinds[target.kind]} {code(_name(target.id))}, {group}", *below, portal])


def _who(cause: Cause) -> str:
    """Who wrote last, as far as the cause can tell: the newest event need not be the culprit's."""
    match cause.kind:
        case CauseKind.SWEEP:
            return f"**Who and when:** found by the sweep at {at(cause.time)}; no event says who wrote it"
        case CauseKind.OPERATOR:
            return f"**Who and when:** found by a run that {_actor(cause.actor)} asked for, {at(cause.time)}"
        case CauseKind.EVENT:
            more = f" (the newest of {cause.count} events)" if cause.count > 1 else ""
            said = (("operation", cause.operation_name), ("correlation id", cause.correlation_id))
            details = [f"{label} {code(text)}" for label, text in said if text]
            return _BREAK.join([f"**Who and when:** {_actor(cause.actor)}, {at(cause.time)}{more}", *details])
        case _:
            assert_never(cause.kind)


def _actor(actor: Actor) -> str:
    ids = [
        f"{label} {code(text)}"
        for label, text in (("object id", actor.object_id), ("application", actor.app_id))
        if text
    ]
    if actor.name:
        return code(actor.name) + (f" ({', '.join(ids)})" if ids else "")
    return ", ".join(ids) or "somebody whom the event does not name"


def _controls(controls: Sequence[Mapping[str, str]]) -> list[str]:
    parts = ([clean(control.get(key, "")) for key in ("framework", "version", "id")] for control in controls)
    named = (" ".join(dict.fromkeys(part for part in words if part)) for words in parts)
    text = clip("; ".join(name for name in named if name))
    return [f"**Controls:** {text}"] if text else []


def _name(resource: ResourceId) -> str:
    """``vnet/databases`` for a subnet: its own name says little."""
    parent = resource.parent
    return f"{parent.name}/{resource.name}" if parent is not None else resource.name
