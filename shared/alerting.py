"""Alerts as values: their identity, their life, and what a person on call is told.

An alert is open, then acknowledged or not, then resolved; the same drift (policy, target, fingerprint)
is one alert however often it is seen, and one that comes back opens again. The transitions here are
pure functions of records; a transition that the life cycle does not know is ``IllegalTransition``.
Storing a record, queueing a notification and knowing the time are the caller's business.

A notification answers what, where, who and when, why it matters, what was seen, what was decided and
why, and how to fix it by hand. Names chosen by strangers (rules, actors) appear in it, so every such
text is made one line and loses the characters that could format a message or forge a link. Its size is
bounded, because it travels in a queue message (64 KiB, base64). Its id is made of what it says, so that
a sink that gets it twice can tell. ``alert_view`` and ``change_view`` are what the HTTP API answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from shared.codec import canonical, to_json
from shared.commands import fix_commands, portal_link
from shared.model import (
    Action,
    Actor,
    Cause,
    CauseKind,
    Decision,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    Finding,
    FirewallRule,
    Json,
    Outcome,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    Reason,
    SecurityRule,
    SetPublicAccess,
    Severity,
    Target,
    TargetKind,
)
from shared.policies import find
from shared.policy import AnyPolicy
from shared.records import (
    AlertRecord,
    AlertStatus,
    Approval,
    ChangeKind,
    ChangeRecord,
    Notification,
    NotificationType,
)
from shared.resource_id import ResourceId
from shared.values import value

APPROVAL_LASTS: Final = timedelta(hours=1)

_ID_LENGTH: Final = 16
_LINE_LIMIT: Final = 300
_EVIDENCE_LINES: Final = 20
_ITEMS_SHOWN: Final = 6
_COMMAND_LIMIT: Final = 2000
_DATA_LIMIT: Final = 28 * 1024
"""Together with a body of at most 12 KiB this fits into a queue message (48 KiB before base64)."""

_LAG: Final = (
    "Azure confirms network changes before they take effect everywhere: the data plane follows within "
    "minutes, and sessions that are already open may persist."
)

_REASONS: Final[Mapping[Reason, str]] = {
    Reason.BREAK_GLASS: "the break-glass switch is on",
    Reason.BREAK_GLASS_UNREADABLE: "the break-glass switch could not be read, which means no writes",
    Reason.EXEMPT: "an exemption is in force",
    Reason.UNKNOWN: "it could not be told whether the resource is compliant",
    Reason.EFFECT_OFF: "this policy is off here",
    Reason.EFFECT_ALERT: "this policy only alerts here",
    Reason.NO_PLAN: "no change is known that would be safe",
    Reason.NOT_PROVED: "the change could not be proved safe",
    Reason.INHERITED: "it was never seen compliant, so it is somebody's decision and not drift",
    Reason.LAST_WAY_IN: "the change would cut off the last way in",
    Reason.MANUAL: "this change is left to a person",
    Reason.APPROVAL_REQUIRED: "a person has to approve this change",
    Reason.TARGET_BUSY: "Azure is still working on the resource",
    Reason.TARGET_STOPPED: "the server is stopped and refuses writes",
    Reason.SETTLING: "somebody is still writing; it is looked at again when things are quiet",
    Reason.INEFFECTIVE: "reverting it had no effect before",
    Reason.FLAPPING: "it was reverted several times and keeps coming back: two writers are at odds",
    Reason.BUDGET: "the budget of writes is used up",
    Reason.DRIFT: "it was compliant before, so this is drift",
    Reason.NEW_RESOURCE: "the resource is new and was never compliant",
    Reason.ADOPTED: "the scope, or whoever asked for this run, adopts what was there before",
    Reason.APPROVED: "a person approved this change",
    Reason.FAILED: "Azure refused the change",
    Reason.POISONED: "looking at it failed again and again",
}

_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.REVERTED: "Reverted",
    Outcome.ROLLED_BACK: "Rolled back",
    Outcome.ALREADY_COMPLIANT: "Already compliant",
    Outcome.INEFFECTIVE: "Had no effect",
    Outcome.CONFLICTED: "Overtaken by somebody else's write",
    Outcome.FAILED: "Failed",
}


class IllegalTransition(ValueError):
    """The life cycle of an alert knows no such step from where the alert is."""


@value
class Sighting:
    """What one look saw of a drift: the finding, what was decided, why we looked and how to fix it."""

    finding: Finding
    decision: Decision
    cause: Cause
    now: datetime
    commands: tuple[str, ...] = ()


# --- identity and life -----------------------------------------------------------------------------


def alert_id(policy: str, target: Target, fingerprint: str) -> str:
    """16 hexadecimal digits; the same for the same drift, whatever the letter case of ids."""
    text = "\n".join((policy, target.key, fingerprint))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]


def open_alert(policy: AnyPolicy, sighting: Sighting, portal: str) -> AlertRecord:
    """A new alert. ``portal`` is where a person finds the resource."""
    finding = sighting.finding
    return AlertRecord(
        id=alert_id(policy.id, finding.target, finding.fingerprint),
        status=AlertStatus.OPEN,
        policy=policy.id,
        title=policy.title,
        severity=finding.severity,
        target=finding.target,
        resource_id=finding.resource_id,
        portal=portal,
        cause=sighting.cause,
        why=policy.why,
        controls=tuple(_text_values(to_json(control)) for control in policy.controls),
        reason=finding.reason,
        evidence=finding.evidence,
        decision=sighting.decision,
        commands=sighting.commands,
        fingerprint=finding.fingerprint,
        first_seen=sighting.now,
        last_seen=sighting.now,
    )


def recur(alert: AlertRecord, sighting: Sighting) -> AlertRecord:
    """The alert seen again, with the newest of everything; one that was resolved is open again.

    Raises ``ValueError`` for a sighting of another drift.
    """
    finding = sighting.finding
    if alert_id(finding.policy, finding.target, finding.fingerprint) != alert.id:
        raise ValueError(f"a sighting of {finding.policy} on {finding.target.id} is not alert {alert.id}")
    if alert.status is AlertStatus.RESOLVED:
        alert = _reopened(alert)
    return replace(
        alert,
        severity=finding.severity,
        resource_id=finding.resource_id,
        cause=sighting.cause,
        reason=finding.reason,
        evidence=finding.evidence,
        decision=sighting.decision,
        commands=sighting.commands,
        last_seen=max(alert.last_seen, sighting.now),
        count=alert.count + 1,
    )


def _reopened(alert: AlertRecord) -> AlertRecord:
    """Nobody has acknowledged or approved what came back."""
    return replace(
        alert,
        status=AlertStatus.OPEN,
        resolved_at=None,
        resolution="",
        acknowledged_by=None,
        approval=None,
    )


def acknowledge(alert: AlertRecord, by: str) -> AlertRecord:
    """Somebody looks after it. Raises ``IllegalTransition`` unless it is open."""
    if alert.status is not AlertStatus.OPEN:
        raise IllegalTransition(f"alert {alert.id} is {alert.status}, not open")
    return replace(alert, status=AlertStatus.ACKNOWLEDGED, acknowledged_by=by)


def approve(alert: AlertRecord, by: str, now: datetime, lasts: timedelta = APPROVAL_LASTS) -> AlertRecord:
    """Consent to reverting this drift and no other, for ``lasts``; a newer approval replaces an older.

    Raises ``IllegalTransition`` when it is resolved and ``ValueError`` when ``lasts`` is not positive.
    """
    if alert.status is AlertStatus.RESOLVED:
        raise IllegalTransition(f"alert {alert.id} is resolved: there is nothing to approve")
    if lasts <= timedelta(0):
        raise ValueError("an approval lasts longer than no time")
    approval = Approval(by=by, at=now, expires_at=now + lasts, fingerprint=alert.fingerprint)
    return replace(alert, approval=approval)


def resolve(alert: AlertRecord, resolution: str, now: datetime) -> AlertRecord:
    """It is over; ``resolution`` says why. Raises ``IllegalTransition`` when it was over before."""
    if alert.status is AlertStatus.RESOLVED:
        raise IllegalTransition(f"alert {alert.id} is already resolved")
    return replace(alert, status=AlertStatus.RESOLVED, resolved_at=now, resolution=resolution, approval=None)


# --- as the HTTP API shows them --------------------------------------------------------------------


def alert_view(alert: AlertRecord) -> dict[str, Json]:
    """The alert as ``GET /api/alerts`` shows it: without what only the store needs."""
    return {name: part for name, part in to_json(alert).items() if name not in {"etag", "unsent"}}


def change_view(change: ChangeRecord) -> dict[str, Json]:
    """The change as ``GET /api/changes`` shows it: edits, inverse and target are fields of its own."""
    document = to_json(change)
    inner = document.pop("change")
    kept = {name: part for name, part in document.items() if name not in {"etag", "operation", "nextEdit"}}
    return {
        **kept,
        "policy": inner["policy"],
        "target": inner["target"],
        "resourceId": str(change.change.resource_id),
        "edits": inner["edits"],
        "inverse": inner["inverse"],
    }


# --- notifications ---------------------------------------------------------------------------------


def notification(alert: AlertRecord, kind: NotificationType, now: datetime) -> Notification:
    """What the sinks are told of an alert. The body is Markdown that reads well as plain text."""
    return Notification(
        id=_notification_id(alert, kind),
        type=kind,
        subject=str(alert.resource_id),
        time=now,
        title=_alert_title(alert, kind),
        body=_joined(_resolved_lines(alert) if _is_over(alert, kind) else _alert_lines(alert)),
        severity=alert.severity,
        data=_fitting(alert_view(alert), spare=("evidence", "commands")),
    )


def change_notification(
    change: ChangeRecord,
    kind: NotificationType,
    now: datetime,
    portal: str | None = None,
    undo: Sequence[str] | None = None,
) -> Notification:
    """What the sinks are told of a change that was made: what is fixed silently is not learned from.

    ``portal`` and ``undo`` (commands that perform the inverse) are those of the public cloud unless
    they are given.
    """
    policy = find(change.change.policy)
    link = portal if portal is not None else portal_link(change.change.target.id)
    commands = undo if undo is not None else fix_commands(change.change.inverse)
    done = _OUTCOMES.get(change.outcome, change.outcome.value)
    said = describe_edit(change.change.edits[0]) + (" …" if len(change.change.edits) > 1 else "")
    return Notification(
        id=f"{change.id}-{_verb(kind)}",
        type=kind,
        subject=str(change.change.resource_id),
        time=now,
        title=_title(done, f"{_name(change.change.target.id)}: {said}"),
        body=_joined(_change_lines(change, policy, link, commands)),
        severity=policy.severity if policy is not None else Severity.INFORMATIONAL,
        data=_fitting(change_view(change), spare=("armCalls", "proof", "inverse", "edits")),
    )


def _notification_id(alert: AlertRecord, kind: NotificationType) -> str:
    """Alert, type and count; an update also says which state it reports."""
    parts = [alert.id, _verb(kind), str(alert.count)]
    if kind is NotificationType.ALERT_UPDATED:
        parts.append(alert.status.value)
        parts += [f"approved-{int(alert.approval.at.timestamp())}"] if alert.approval else []
    return "-".join(parts)


def _verb(kind: NotificationType) -> str:
    return kind.value.rsplit(".", 1)[-1].lower()


def _is_over(alert: AlertRecord, kind: NotificationType) -> bool:
    return kind is NotificationType.ALERT_RESOLVED or alert.status is AlertStatus.RESOLVED


def _alert_title(alert: AlertRecord, kind: NotificationType) -> str:
    head = "Resolved" if _is_over(alert, kind) else alert.severity.value
    return _title(head, f"{alert.title}: {_name(alert.target.id)}")


def _title(head: str, text: str) -> str:
    return f"[{head}] {_clean(text)}"


def _resolved_lines(alert: AlertRecord) -> list[str]:
    open_for = f", open for {_duration(alert.resolved_at - alert.first_seen)}" if alert.resolved_at else ""
    return [
        f"**What** {_clean(alert.title)}: {_clean(alert.resolution) or 'resolved'}.",
        _where(alert.target, alert.resource_id, alert.portal),
        f"**Since** first seen {_at(alert.first_seen)}, seen {_times(alert.count)}{open_for}.",
        f"**Alert** `{alert.id}` of policy `{alert.policy}`",
    ]


def _alert_lines(alert: AlertRecord) -> list[str]:
    return [
        f"**What** {_sentence(alert.reason)}",
        _where(alert.target, alert.resource_id, alert.portal),
        *_who(alert.cause),
        f"**Why it matters** {_clean(alert.why)}",
        *_controls(alert.controls),
        *_section("**Seen**", evidence_lines(alert.evidence)),
        f"**Decision** {decision_text(alert.decision)}",
        *_approval_lines(alert),
        *_commands("**To fix it by hand**", alert.commands),
        *([_LAG] if alert.commands else []),
        f"**Alert** `{alert.id}` of policy `{alert.policy}`, {alert.status}, seen {_times(alert.count)} "
        f"since {_at(alert.first_seen)}",
    ]


def _change_lines(
    change: ChangeRecord, policy: AnyPolicy | None, link: str, undo: Sequence[str]
) -> list[str]:
    edits = change.change.edits
    outcome = _OUTCOMES.get(change.outcome, change.outcome.value)
    return [
        f"**Done** {outcome}: {'; then '.join(describe_edit(edit) for edit in edits)}.",
        _where(change.change.target, change.change.resource_id, link),
        *([f"**Why** {_clean(policy.title)}. {_clean(policy.why)}"] if policy is not None else []),
        *_rollback_lines(change),
        *_who(change.cause),
        f"**Decision** {decision_text(change.decision, done=True)}",
        *_section("**Proved before the write**", [_sentence(step.claim) for step in change.proof.steps]),
        *([_LAG] if any(_closes_a_path(edit) for edit in edits) else []),
        *_undo_lines(change, undo),
        f"**Change** `{change.id}` of policy `{change.change.policy}`",
    ]


def _rollback_lines(change: ChangeRecord) -> list[str]:
    if change.kind is not ChangeKind.ROLLBACK:
        return []
    of = f" of change `{change.rollback_of}`" if change.rollback_of else ""
    return [f"**Rollback**{of}: {_clean(change.reason or 'no reason given')}"]


def _undo_lines(change: ChangeRecord, undo: Sequence[str]) -> list[str]:
    if change.kind is ChangeKind.ROLLBACK:
        return _commands("**To make the change again by hand**", undo)
    how = f"**To undo it** `POST /api/changes/{change.id}/rollback`, which exempts the target for a while"
    return _commands(how + ", or by hand, which will be seen as drift", undo)


def _where(target: Target, resource: ResourceId, link: str) -> str:
    kinds = {
        TargetKind.FLEXIBLE_SERVER: "flexible server",
        TargetKind.SINGLE_SERVER: "single server",
        TargetKind.SUBNET: "subnet",
    }
    group = f"resource group {_code(target.id.resource_group)}, subscription {_code(target.id.subscription)}"
    below = f"\nresource {_code(str(resource))}" if resource != target.id else ""
    return f"**Where** {kinds[target.kind]} {_code(_name(target.id))}, {group}{below}\n{link}"


def _who(cause: Cause) -> list[str]:
    """Who wrote last, as far as the cause can tell: the newest event need not be the culprit's."""
    match cause.kind:
        case CauseKind.SWEEP:
            return [f"**Who and when** found by the sweep at {_at(cause.time)}; no event says who wrote it"]
        case CauseKind.OPERATOR:
            return [
                f"**Who and when** found by a run that {_actor(cause.actor)} asked for, {_at(cause.time)}"
            ]
        case CauseKind.EVENT:
            operation = f"\noperation {_code(cause.operation_name)}" if cause.operation_name else ""
            correlation = f"\ncorrelation id {_code(cause.correlation_id)}" if cause.correlation_id else ""
            more = f" (the newest of {cause.count} events)" if cause.count > 1 else ""
            who = f"{_actor(cause.actor)}, {_at(cause.time)}{more}"
            return [f"**Who and when** {who}{operation}{correlation}"]
        case _:
            assert_never(cause.kind)


def _actor(actor: Actor) -> str:
    ids = [
        f"{label} {_code(text)}"
        for label, text in (("object id", actor.object_id), ("application", actor.app_id))
        if text
    ]
    if actor.name:
        return _code(actor.name) + (f" ({', '.join(ids)})" if ids else "")
    return ", ".join(ids) or "somebody whom the event does not name"


def _controls(controls: Sequence[Mapping[str, str]]) -> list[str]:
    named = [
        " ".join(_clean(control[key]) for key in ("framework", "version", "id") if control.get(key))
        for control in controls
    ]
    return [f"**Controls** {_clip('; '.join(named))}"] if named else []


def _approval_lines(alert: AlertRecord) -> list[str]:
    if alert.approval is not None:
        return [f"**Approved** by {_code(alert.approval.by)}, valid until {_at(alert.approval.expires_at)}"]
    if alert.decision.reason is not Reason.APPROVAL_REQUIRED:
        return []
    hours = APPROVAL_LASTS // timedelta(hours=1)
    return [
        f"**To approve it** `POST /api/alerts/{alert.id}/approve`: valid for this drift and {hours} h, "
        "and proved again before anything is written"
    ]


def _commands(heading: str, commands: Sequence[str]) -> list[str]:
    if not commands:
        return []
    if any(len(command) > _COMMAND_LIMIT for command in commands):
        return [f"{heading}: the command is too long for a message; the HTTP API shows it"]
    fence = "`" * (3 + max(_longest_run(command) for command in commands))
    return ["\n".join([heading, "", fence, *commands, fence])]


def _longest_run(text: str) -> int:
    """Of three backticks or more: a fence must be longer than any inside it."""
    return max((len(run) for run in re.findall(r"`{3,}", text)), default=0)


def _section(heading: str, lines: Iterable[str]) -> list[str]:
    listed = [f"- {line}" for line in lines]
    return ["\n".join([heading, "", *listed])] if listed else []


def _joined(paragraphs: Iterable[str]) -> str:
    return "\n\n".join(paragraphs)


def _fitting(document: dict[str, Json], spare: Sequence[str]) -> dict[str, Json]:
    """The document without the parts that make it too large for a queue message, which is said."""
    for name in spare:
        if len(canonical(document)) <= _DATA_LIMIT:
            break
        document = {**document, name: None, "omitted": [*document.get("omitted", []), name]}
    return document


# --- words -----------------------------------------------------------------------------------------


def decision_text(decision: Decision, done: bool = False) -> str:
    """What was decided and why, in words."""
    why = _clean(_REASONS[decision.reason])
    detail = f" ({_clean(decision.detail)})" if decision.detail else ""
    return f"{_action_text(decision, done)}: {why}{detail}."


def _action_text(decision: Decision, done: bool) -> str:
    match decision.action:
        case Action.REVERT if done:
            return "Reverted"
        case Action.REVERT if decision.dry_run:
            return "Would be reverted, but audit mode writes nothing"
        case Action.REVERT:
            return "Being reverted"
        case Action.ALERT:
            return "Not reverted"
        case Action.SKIP:
            return "Nothing is done for now"
        case _:
            assert_never(decision.action)


def describe_edit(edit: Edit) -> str:
    """What an edit does, in words."""
    match edit:
        case SetPublicAccess():
            return f"public network access set to {edit.access.value}"
        case PutFirewallRule():
            return f"firewall rule {_code(edit.rule.name)} ({_range(edit.rule)}) written"
        case DeleteFirewallRule():
            return f"firewall rule {_code(edit.rule.name)} ({_range(edit.rule)}) deleted"
        case PutSecurityRule():
            return f"{_security_rule(edit.rule)} written to NSG {_code(edit.nsg.name)}"
        case DeleteSecurityRule():
            return f"{_security_rule(edit.rule)} deleted from NSG {_code(edit.nsg.name)}"
        case _:
            assert_never(edit)


def _range(rule: FirewallRule) -> str:
    if rule.allows_all_azure:
        return "every Azure address"
    return str(rule.start) if rule.start == rule.end else f"{rule.start}–{rule.end}"


def _security_rule(rule: SecurityRule) -> str:
    source = _few([*rule.sources, *(group.name for group in rule.source_groups)])
    destination = _few([*rule.destinations, *(group.name for group in rule.destination_groups)])
    return (
        f"rule {_code(rule.name)} (priority {rule.priority}: {rule.access.value.lower()} "
        f"{rule.direction.value.lower()} {_clean(rule.protocol)} from {source} to {destination}, "
        f"ports {_few(rule.destination_ports)})"
    )


def _closes_a_path(edit: Edit) -> bool:
    match edit:
        case SetPublicAccess():
            return edit.access is PublicAccess.DISABLED
        case DeleteFirewallRule() | DeleteSecurityRule():
            return True
        case PutFirewallRule() | PutSecurityRule():
            return False
        case _:
            assert_never(edit)


def evidence_lines(evidence: Mapping[str, Json]) -> list[str]:
    """Evidence as short lines; a part that is absent (None) is left out, the rest is counted."""
    lines = [line for name, part in evidence.items() for line in _evidence(_words(name), part)]
    more = len(lines) - _EVIDENCE_LINES
    return [*lines[:_EVIDENCE_LINES], f"and {more} more, in the alert"] if more > 0 else lines


def _evidence(label: str, part: Json) -> list[str]:
    if part is None:
        return []
    if isinstance(part, Mapping):
        return [line for name, inner in part.items() for line in _evidence(f"{label}, {_words(name)}", inner)]
    return [_clip(f"{label}: {_shown(part)}")]


def _shown(part: Json) -> str:
    if isinstance(part, bool):
        return "yes" if part else "no"
    if isinstance(part, Mapping):
        named = {name: inner for name, inner in part.items() if inner is not None}
        head = f"{_code(str(named.pop('name')))} " if "name" in named else ""
        return f"{head}({', '.join(f'{_words(k)} {_shown(v)}' for k, v in named.items())})"
    if isinstance(part, list | tuple):
        return _few_shown([_shown(item) for item in part])
    return _code(str(part)) if isinstance(part, str) else str(part)


def _few(texts: Sequence[str]) -> str:
    return _few_shown([_clean(text) for text in texts])


def _few_shown(texts: Sequence[str]) -> str:
    more = len(texts) - _ITEMS_SHOWN
    return (", ".join(texts[:_ITEMS_SHOWN]) or "none") + (f" and {more} more" if more > 0 else "")


def _words(name: str) -> str:
    """``losesAccess`` -> ``loses access``."""
    return _clean(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)).lower()


def _name(resource: ResourceId) -> str:
    """``vnet/databases`` for a subnet: its own name says little."""
    parent = resource.parent
    return f"{parent.name}/{resource.name}" if parent is not None else resource.name


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    clean = _clean(text)
    return clean[:1].upper() + clean[1:] + ("" if clean.endswith((".", "…")) else ".")


_FORMATTING: Final = str.maketrans({"`": "'", "[": "(", "]": ")", "<": "(", ">": ")"})


def _clean(text: str) -> str:
    """One line without characters that format a message, make a link or mention somebody."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return _clip(printable.translate(_FORMATTING))


def _code(text: str) -> str:
    return f"`{_clean(text)}`"


def _clip(text: str) -> str:
    return text if len(text) <= _LINE_LIMIT else text[: _LINE_LIMIT - 1] + "…"


def _text_values(document: Mapping[str, Json]) -> Mapping[str, str]:
    return {name: str(part) for name, part in document.items()}


def _at(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _duration(span: timedelta) -> str:
    minutes = max(0, round(span.total_seconds() / 60))
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
