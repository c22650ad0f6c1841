"""The words of a notification: what a person on call reads, as Markdown that reads well as plain text.

It answers what, where, who and when, why it matters, what was seen, what was decided and why, and how to
fix it by hand. Names chosen by strangers (rules, actors, descriptions) appear in it, so every such text
is made one line and loses the characters that could format a message or forge a link; and every list is
cut to what fits on a screen, because the whole is in the notification's data and in the HTTP API.

Pure wording: nothing here chooses what is sent, and no JSON is made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from shared.alerts.commands import is_command, steps_of
from shared.model import (
    Action,
    Actor,
    Cause,
    CauseKind,
    Change,
    Decision,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    FirewallRule,
    Json,
    Outcome,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    Reason,
    SecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    Target,
    TargetKind,
)
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.resource_id import ResourceId
from shared.posture.policy import AnyPolicy

_LINE_LIMIT: Final = 300
_EVIDENCE_LINES: Final = 20
_ITEMS_SHOWN: Final = 6
_COMMANDS_LIMIT: Final = 4000
_BREAK: Final = "  \n"
"""A line break that Markdown keeps."""

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
    Reason.EXEMPT_BY_TAG: "a tag on the server holds the revert back for a while",
    Reason.CHANGE_FREEZE: "a change freeze is in force",
    Reason.OUTSIDE_WINDOW: "reverts wait for the maintenance window here",
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
    Reason.EXEMPTION_EXPIRED: "the exemption has ended, so drift is judged again",
}

_CAUTIONS: Final[Mapping[Reason, str]] = {
    Reason.LAST_WAY_IN: "first make another way in: after this nobody could connect",
    Reason.NOT_PROVED: "this could not be proved safe: read the decision first",
    Reason.INHERITED: "it may be wanted: ask the owner first",
    Reason.APPROVAL_REQUIRED: "read the decision first",
    Reason.EXEMPT_BY_TAG: "somebody has asked for time with a tag: ask them first",
    Reason.CHANGE_FREEZE: "no changes are wanted before the freeze ends",
    Reason.OUTSIDE_WINDOW: "it is done by itself when the window opens",
    Reason.NO_PLAN: "not known to be safe: read what was seen first",
    Reason.FLAPPING: "find the other writer first",
    Reason.FAILED: "Azure refused it before: read the decision first",
}
"""What to mind before running a command that Driftward itself would not run."""

_DIFFERENCES: Final[Mapping[str, str]] = {
    "newlyDenied": "newly denied",
    "newlyAllowed": "newly allowed",
    "newlyOpen": "newly left to what a tag or group holds",
}
"""Parts of the evidence that tell what passes otherwise than before, in the order in which they are told."""

_SAID_APART: Final = frozenset({*_DIFFERENCES, "lastCompliantAt", "byThisWrite", "whatToDo"})
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
    return f"[{head}] {_clean(alert.title)}: {_name(alert.target.id)}"


def alert_body(alert: AlertRecord) -> str:
    lines = _resolved_lines(alert) if alert.status is AlertStatus.RESOLVED else _alert_lines(alert)
    return "\n\n".join(lines)


def change_title(change: ChangeRecord) -> str:
    """``[Reverted] orders: public network access set to Disabled``."""
    first, *more = change.change.edits
    said = describe_edit(first) + (f" and {len(more)} more" if more else "")
    return _clean(f"{_name(change.change.target.id)}: {said}", prefix=f"[{_outcome(change)}] ")


def change_body(change: ChangeRecord, policy: AnyPolicy | None, portal: str, undo: Sequence[str]) -> str:
    """``policy`` is None when the catalogue no longer holds it; ``undo`` are commands for the inverse."""
    return "\n\n".join(_change_lines(change, policy, portal, undo))


def _resolved_lines(alert: AlertRecord) -> list[str]:
    open_for = f", open for {_duration(alert.resolved_at - alert.first_seen)}" if alert.resolved_at else ""
    return [
        f"**Over:** {_sentence(alert.resolution or 'resolved')}",
        f"**It was:** {_sentence(alert.title)} ({alert.severity})",
        _where(alert.target, alert.resource_id, alert.portal),
        f"**Seen:** {_times(alert.count)}, first at {_at(alert.first_seen)}{open_for}",
        f"**Alert:** `{alert.id}` of policy `{alert.policy}`",
    ]


def _alert_lines(alert: AlertRecord) -> list[str]:
    return [
        f"**What:** {_sentence(alert.reason)}",
        _where(alert.target, alert.resource_id, alert.portal),
        _who(alert.cause),
        *([f"**Why it matters:** {_sentence(alert.why)}"] if alert.why else []),
        *_controls(alert.controls),
        *_since_lines(alert.evidence),
        *_section("**Seen:**", evidence_lines(_without(alert.evidence, _SAID_APART))),
        f"**Decision:** {decision_text(alert.decision)}",
        *_approval_lines(alert),
        *_fix_lines(alert),
        _state_line(alert),
    ]


def _since_lines(evidence: Mapping[str, Json]) -> list[str]:
    """What passes otherwise since the last compliant reading; whose doing it is only where that is known."""
    told = [f"{word}: {text}" for name, word in _DIFFERENCES.items() if (text := _told(evidence.get(name)))]
    if not told:
        return []
    if evidence.get("byThisWrite") is True:
        return [f"**What changed:** This write {'; '.join(told)}."]
    since = _clean(str(evidence.get("lastCompliantAt")))
    return [f"**What changed:** Since the last compliant reading ({since}), this is {'; '.join(told)}."]


def _told(part: Json) -> str:
    return _clip(_few([str(text) for text in part])) if isinstance(part, list | tuple) and part else ""


def _without(evidence: Mapping[str, Json], names: frozenset[str]) -> dict[str, Json]:
    return {name: part for name, part in evidence.items() if name not in names}


def _fix_lines(alert: AlertRecord) -> list[str]:
    advice = [step for step in steps_of(alert.evidence) if not is_command(step)]
    told = [f"**What to do:** {' '.join(map(_sentence, advice))}"] if advice else []
    if not alert.commands:
        none = ["**To fix it by hand:** no single command is known that would be safe to print"]
        return told or none
    return [*told, *_command_lines(alert)]


def _command_lines(alert: AlertRecord) -> list[str]:
    caution = _CAUTIONS.get(alert.decision.reason)
    heading = f"**To fix it by hand** ({caution}):" if caution else "**To fix it by hand:**"
    return [*_commands(heading, alert.commands), _LAG]


def _state_line(alert: AlertRecord) -> str:
    by = f" by {_code(alert.acknowledged_by)}" if alert.acknowledged_by else ""
    seen = f"seen {_times(alert.count)}, first at {_at(alert.first_seen)}"
    return f"**Alert:** `{alert.id}` of policy `{alert.policy}`, {alert.status}{by}, {seen}"


def _change_lines(
    change: ChangeRecord, policy: AnyPolicy | None, portal: str, undo: Sequence[str]
) -> list[str]:
    edits = change.change.edits
    return [
        f"**{_outcome(change)}:** {'; then '.join(describe_edit(edit) for edit in edits[:_ITEMS_SHOWN])}",
        _where(change.change.target, change.change.resource_id, portal),
        *([f"**Why:** {_sentence(policy.title)} {_sentence(policy.why)}"] if policy is not None else []),
        *_rollback_lines(change),
        *_difference_lines(change),
        _who(change.cause),
        f"**Decision:** {decision_text(change.decision, done=True)}",
        *_section("**Proved before the write:**", [_sentence(step.claim) for step in change.proof.steps]),
        *([_LAG] if any(_closes_a_path(edit) for edit in edits) else []),
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
    return [f"**Rollback**{of}: {_sentence(change.reason or 'no reason given')}"]


def _undo_lines(change: ChangeRecord, undo: Sequence[str]) -> list[str]:
    if change.kind is ChangeKind.ROLLBACK:
        return _commands("**To make the change again by hand:**", undo)
    how = f"**To undo it:** `POST /api/changes/{change.id}/rollback`, which exempts the target for a while;"
    return _commands(f"{how} or by hand, which counts as drift again:", undo)


def _outcome(change: ChangeRecord) -> str:
    return _OUTCOMES.get(change.outcome, change.outcome.value)


# --- its parts -------------------------------------------------------------------------------------


def _where(target: Target, resource: ResourceId, portal: str) -> str:
    kinds = {
        TargetKind.FLEXIBLE_SERVER: "flexible server",
        TargetKind.SINGLE_SERVER: "single server",
        TargetKind.SUBNET: "subnet",
    }
    group = f"resource group {_code(target.id.resource_group)}, subscription {_code(target.id.subscription)}"
    below = [f"resource {_code(str(resource))}"] if resource != target.id else []
    return _BREAK.join(
        [f"**Where:** {kinds[target.kind]} {_code(_name(target.id))}, {group}", *below, portal]
    )


def _who(cause: Cause) -> str:
    """Who wrote last, as far as the cause can tell: the newest event need not be the culprit's."""
    match cause.kind:
        case CauseKind.SWEEP:
            return f"**Who and when:** found by the sweep at {_at(cause.time)}; no event says who wrote it"
        case CauseKind.OPERATOR:
            return f"**Who and when:** found by a run that {_actor(cause.actor)} asked for, {_at(cause.time)}"
        case CauseKind.EVENT:
            more = f" (the newest of {cause.count} events)" if cause.count > 1 else ""
            said = (("operation", cause.operation_name), ("correlation id", cause.correlation_id))
            details = [f"{label} {_code(text)}" for label, text in said if text]
            return _BREAK.join(
                [f"**Who and when:** {_actor(cause.actor)}, {_at(cause.time)}{more}", *details]
            )
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
    parts = ([_clean(control.get(key, "")) for key in ("framework", "version", "id")] for control in controls)
    named = (" ".join(dict.fromkeys(part for part in words if part)) for words in parts)
    text = _clip("; ".join(name for name in named if name))
    return [f"**Controls:** {text}"] if text else []


def _approval_lines(alert: AlertRecord) -> list[str]:
    if alert.approval is not None:
        return [f"**Approved** by {_code(alert.approval.by)}, valid until {_at(alert.approval.expires_at)}"]
    if alert.decision.reason is not Reason.APPROVAL_REQUIRED:
        return []
    return [
        f"**To have it done:** `POST /api/alerts/{alert.id}/approve`: valid for this drift and a short time, "
        "and proved again before anything is written"
    ]


def _commands(heading: str, commands: Sequence[str]) -> list[str]:
    if not commands:
        return []
    if sum(len(command) for command in commands) > _COMMANDS_LIMIT:
        return [f"{heading} too long for a message, the HTTP API shows it"]
    fence = "`" * max(3, 1 + max(_longest_run(command) for command in commands))
    return ["\n".join([heading, "", fence, *commands, fence])]


def _longest_run(text: str) -> int:
    """Of backticks: a fence must be longer than any inside it."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _section(heading: str, lines: Iterable[str]) -> list[str]:
    listed = [f"- {line}" for line in lines]
    return ["\n".join([heading, "", *listed])] if listed else []


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


def change_words(change: Change, restored_from: datetime | None = None) -> str:
    """What a change does: ``adds rule 'x'``, or ``restores rule 'x' as it was on <time>``.

    ``restored_from`` is the time of the reading whose rules the change puts back; None when it does not.
    """
    words = [_edit_words(edit, restores=restored_from is not None) for edit in change.edits]
    when = f" as it was on {_at(restored_from)}" if restored_from is not None else ""
    return "; ".join(f"{said}{when}" for said in words)


def _edit_words(edit: Edit, *, restores: bool) -> str:
    match edit:
        case SetPublicAccess():
            return f"sets public network access to {edit.access.value}"
        case PutFirewallRule():
            return f"{'restores' if restores else 'adds'} firewall rule {edit.rule.name!r}"
        case DeleteFirewallRule():
            return f"deletes firewall rule {edit.rule.name!r}"
        case PutSecurityRule():
            return f"{'restores' if restores else 'adds'} rule {edit.rule.name!r}"
        case DeleteSecurityRule():
            return f"deletes rule {edit.rule.name!r}"
        case SetParameter():
            return f"sets parameter {edit.name!r} to {edit.value!r}"
        case SetServerTls():
            return f"sets {_tls_words(edit)}"
        case _:
            assert_never(edit)


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
        case SetParameter():
            return f"parameter {_code(edit.name)} set to {_code(edit.value)}"
        case SetServerTls():
            return f"{_tls_words(edit)} set"
        case _:
            assert_never(edit)


def _tls_words(edit: SetServerTls) -> str:
    enforced = {None: [], True: ["TLS enforcement to Enabled"], False: ["TLS enforcement to Disabled"]}
    lowest = [] if edit.minimum_version is None else [f"the minimal TLS version to {edit.minimum_version}"]
    return " and ".join([*enforced[edit.enforced], *lowest])


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
        case SetParameter() | SetServerTls():  # sessions that are open stay open
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
        return _shown_object({name: inner for name, inner in part.items() if inner is not None})
    if isinstance(part, list | tuple):
        return _few_shown([_shown(item) for item in part])
    return _code(part) if isinstance(part, str) else str(part)


def _shown_object(part: dict[str, Json]) -> str:
    """``office (203.0.113.4–203.0.113.9)`` for a firewall rule, ``name (key value, …)`` for others."""
    head = f"{_code(str(part.pop('name')))} " if "name" in part else ""
    if {"startIpAddress", "endIpAddress"} <= part.keys():
        return f"{head}({_clean(str(part['startIpAddress']))}–{_clean(str(part['endIpAddress']))})"
    return f"{head}({', '.join(f'{_words(name)} {_shown(inner)}' for name, inner in part.items())})"


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


def _clean(text: str, prefix: str = "") -> str:
    """One line without characters that format a message, make a link or mention somebody."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return _clip(prefix + printable.translate(_FORMATTING).strip())


def _code(text: str) -> str:
    return f"`{_clean(text)}`"


def _clip(text: str) -> str:
    return text if len(text) <= _LINE_LIMIT else text[: _LINE_LIMIT - 1] + "…"


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
