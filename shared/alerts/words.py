"""The words of a notification: what a person on call reads, section by section.

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
from shared.alerts.remedy_words import LAG, remedies
from shared.alerts.steps import ENDS_ON_NEW_SERVER
from shared.model import Actor, Cause, CauseKind, Json, Outcome, Target, TargetKind
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.resource_id import ResourceId
from shared.model.sections import Section
from shared.posture.policy import AnyPolicy

_DIFFERENCES: Final[Mapping[str, str]] = {
    "newlyDenied": "newly denied",
    "newlyAllowed": "newly allowed",
    "newlyOpen": "newly left to what a tag or group holds",
}
"""Parts of the evidence that tell what passes otherwise than before, in the order in which they are told."""

_AT_ITS_SOURCE: Final = (
    "a program wrote this, not a person: where it is a pipeline, its next apply brings it back. Change it "
    "where the pipeline has it from as well: `driftward scan --plan` finds it there before it is applied."
)

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


def alert_sections(alert: AlertRecord) -> tuple[Section, ...]:
    return tuple(_resolved(alert) if alert.status is AlertStatus.RESOLVED else _standing(alert))


def change_title(change: ChangeRecord) -> str:
    """``[Reverted] orders: public network access set to Disabled``."""
    first, *more = change.change.edits
    said = describe_edit(first) + (f" and {len(more)} more" if more else "")
    return clean(f"{_name(change.change.target.id)}: {said}", prefix=f"[{_outcome(change)}] ")


def _resolved(alert: AlertRecord) -> list[Section]:
    open_for = f", open for {duration(alert.resolved_at - alert.first_seen)}" if alert.resolved_at else ""
    return [
        Section(lead="Over:", text=sentence(alert.resolution or "resolved")),
        Section(lead="It was:", text=f"{sentence(alert.title)} ({alert.severity})"),
        _where(alert.target, alert.resource_id, alert.portal),
        Section(lead="Seen:", text=f"{times(alert.count)}, first at {at(alert.first_seen)}{open_for}"),
        Section(lead="Alert:", text=f"`{alert.id}` of policy `{alert.policy}`"),
    ]


def _standing(alert: AlertRecord) -> list[Section]:
    return [
        Section(lead="What:", text=sentence(alert.reason)),
        _where(alert.target, alert.resource_id, alert.portal),
        _who(alert.cause),
        *([Section(lead="Why it matters:", text=sentence(alert.why))] if alert.why else []),
        *_controls(alert.controls),
        *_since(alert.evidence),
        *section("Seen:", evidence_lines(_without(alert.evidence, _SAID_APART))),
        Section(lead="Decision:", text=decision_text(alert.decision)),
        *remedies(alert),
        *_comes_back(alert.cause),
        _state(alert),
    ]


def _since(evidence: Mapping[str, Json]) -> list[Section]:
    """What passes otherwise since the last compliant reading; whose doing it is only where that is known."""
    told = [f"{word}: {text}" for name, word in _DIFFERENCES.items() if (text := _told(evidence.get(name)))]
    if not told:
        return []
    if evidence.get("byThisWrite") is True:
        return [Section(lead="What changed:", text=f"This write {'; '.join(told)}.")]
    since = clean(str(evidence.get("lastCompliantAt")))
    text = f"Since the last compliant reading ({since}), this is {'; '.join(told)}."
    return [Section(lead="What changed:", text=text)]


def _told(part: Json) -> str:
    return clip(few([str(text) for text in part])) if isinstance(part, list | tuple) and part else ""


def _without(evidence: Mapping[str, Json], names: frozenset[str]) -> dict[str, Json]:
    return {name: part for name, part in evidence.items() if name not in names}


def _state(alert: AlertRecord) -> Section:
    by = f" by {code(alert.acknowledged_by)}" if alert.acknowledged_by else ""
    seen = f"seen {times(alert.count)}, first at {at(alert.first_seen)}"
    text = f"`{alert.id}` of policy `{alert.policy}`, {alert.status}{by}, {seen}"
    return Section(lead="Alert:", text=text)


def change_sections(
    change: ChangeRecord, policy: AnyPolicy | None, portal: str, undo: Sequence[str]
) -> tuple[Section, ...]:
    """``policy`` is None when the catalogue no longer holds it; ``undo`` are commands for the inverse."""
    edits = change.change.edits
    done = "; then ".join(describe_edit(edit) for edit in edits[:ITEMS_SHOWN])
    return (
        Section(lead=f"{_outcome(change)}:", text=done),
        _where(change.change.target, change.change.resource_id, portal),
        *([Section(lead="Why:", text=_why(policy))] if policy is not None else []),
        *_rollback(change),
        *_difference(change),
        _who(change.cause),
        Section(lead="Decision:", text=decision_text(change.decision, done=True)),
        *section("Proved before the write:", [sentence(step.claim) for step in change.proof.steps]),
        *([Section(text=LAG)] if any(closes_a_path(edit) for edit in edits) else []),
        *_undo(change, undo),
        *(_comes_back(change.cause) if change.kind is ChangeKind.REMEDIATION else []),
        Section(lead="Change:", text=f"`{change.id}` of policy `{change.change.policy}`"),
    )


def _why(policy: AnyPolicy) -> str:
    return f"{sentence(policy.title)} {sentence(policy.why)}"


def _difference(change: ChangeRecord) -> list[Section]:
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
    return [Section(lead="Traffic:", text="; ".join(told))] if told else []


def _rollback(change: ChangeRecord) -> list[Section]:
    if change.kind is not ChangeKind.ROLLBACK:
        return []
    why = sentence(change.reason or "no reason given")
    if not change.rollback_of:
        return [Section(lead="Rollback:", text=why)]
    return [Section(lead="Rollback", text=f"of change `{change.rollback_of}`: {why}")]


def _undo(change: ChangeRecord, undo: Sequence[str]) -> list[Section]:
    if change.kind is ChangeKind.ROLLBACK:
        return fenced("To make the change again by hand:", "", undo)
    lead, how = (
        "To undo it:",
        f"`POST /api/changes/{change.id}/rollback`, which exempts what it puts back for a"
        " while and is taken in enforce mode alone",
    )
    by_hand = fenced(lead, f"{how}; or by hand, which counts as drift again:", undo)
    return by_hand or [Section(lead=lead, text=how)]


def _outcome(change: ChangeRecord) -> str:
    if change.is_partly_made:
        return "Partly applied"
    return _OUTCOMES.get(change.outcome, change.outcome.value)


# --- its parts -------------------------------------------------------------------------------------


def _where(target: Target, resource: ResourceId, portal: str) -> Section:
    kinds = {
        TargetKind.FLEXIBLE_SERVER: "flexible server",
        TargetKind.SINGLE_SERVER: "single server",
        TargetKind.SUBNET: "subnet",
    }
    group = f"resource group {code(target.id.resource_group)}, subscription {code(target.id.subscription)}"
    below = [f"resource {code(str(resource))}"] if resource != target.id else []
    lines = [f"{kinds[target.kind]} {code(_name(target.id))}, {group}", *below, portal]
    return Section(lead="Where:", text="\n".join(lines))


def _who(cause: Cause) -> Section:
    return Section(lead="Who and when:", text=_who_wrote(cause))


def _who_wrote(cause: Cause) -> str:
    """Who wrote last, as far as the cause can tell: the newest event need not be the culprit's."""
    match cause.kind:
        case CauseKind.SWEEP:
            return f"found by the sweep at {at(cause.time)}; no event says who wrote it"
        case CauseKind.OPERATOR:
            return f"found by a run that {_actor(cause.actor)} asked for, {at(cause.time)}"
        case CauseKind.EVENT:
            more = f" (the newest of {cause.count} events)" if cause.count > 1 else ""
            said = (("operation", cause.operation_name), ("correlation id", cause.correlation_id))
            details = [f"{label} {code(text)}" for label, text in said if text]
            return "\n".join([f"{_actor(cause.actor)}, {at(cause.time)}{more}", *details])
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


def _comes_back(cause: Cause) -> list[Section]:
    """What Azure shows is the end of it where a program wrote: its source says the same still."""
    is_meant = cause.kind is CauseKind.EVENT and cause.actor.is_program
    return [Section(lead="Next time:", text=_AT_ITS_SOURCE)] if is_meant else []


def _controls(controls: Sequence[Mapping[str, str]]) -> list[Section]:
    parts = ([clean(control.get(key, "")) for key in ("framework", "version", "id")] for control in controls)
    named = (" ".join(dict.fromkeys(part for part in words if part)) for words in parts)
    text = clip("; ".join(name for name in named if name))
    return [Section(lead="Controls:", text=text)] if text else []


def _name(resource: ResourceId) -> str:
    """``vnet/databases`` for a subnet: its own name says little."""
    parent = resource.parent
    return f"{parent.name}/{resource.name}" if parent is not None else resource.name
