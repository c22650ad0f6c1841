"""Twenty messages that every channel must show: ordinary ones, huge ones, and those with hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.alerts.lifecycle import (
    Pattern,
    Sighting,
    acknowledge,
    approve,
    change_notification,
    notification,
    open_alert,
    recur,
    resolve,
)
from shared.alerts.portal import portal_link
from shared.model import (
    Actor,
    Cause,
    CauseKind,
    DeleteFirewallRule,
    Json,
    Outcome,
    PutFirewallRule,
    Severity,
)
from shared.model.alert_records import AlertRecord, Notification, NotificationType
from shared.model.change_records import ChangeKind, ChangeRecord
from tests.alerts.test_lifecycle import (
    ALL_AZURE,
    CAUSE,
    CLOSE,
    DECISION,
    FINDING,
    HOUR,
    NOON,
    OFFICE,
    SERVER,
    SIGHTING,
    changed,
    opened,
)

OPENED: Final = NotificationType.ALERT_OPENED
UPDATED: Final = NotificationType.ALERT_UPDATED
RESOLVED: Final = NotificationType.ALERT_RESOLVED

HOSTILE: Final = (
    "<!channel> <@U1> @everyone <at>all</at> [safe](https://evil.example) https://evil.example "
    "**b** _i_ ~s~ *x* `code` ```fence </pre><script>alert(1)</script><img src=x onerror=alert(1)> "
    "&amp; \"'\r\nBcc: eve@evil.example"
)
MALLORY: Final = Actor(app_id="app", object_id="o-1", name=HOSTILE)


def golden() -> list[tuple[str, Notification]]:
    """Names and messages, always the same and in the same order."""
    return list(_messages())


def _messages() -> Iterator[tuple[str, Notification]]:
    yield "opened", _told(opened())
    yield "critical", _told(_with(severity=Severity.CRITICAL, reason="a rule admits the whole Internet"))
    yield "medium", _told(_with(severity=Severity.MEDIUM))
    yield "low", _told(_with(severity=Severity.LOW))
    yield "advice", _told(_with(severity=Severity.INFORMATIONAL))
    yield "acknowledged", _told(acknowledge(opened(), by="jane@example.com"), UPDATED)
    yield "approved", _told(approve(opened(), by="jane@example.com", now=NOON), UPDATED)
    again = Sighting(finding=FINDING, decision=DECISION, cause=CAUSE, now=NOON + HOUR)
    yield "seen-again", _told(recur(opened(), again), UPDATED)
    yield "resolved", _told(resolve(opened(), "it is compliant again", NOON + 3 * HOUR), RESOLVED)
    yield "found-by-the-sweep", _told(_with_cause(Cause(kind=CauseKind.SWEEP, time=NOON)))
    yield "what-changed", _told(_with(evidence=_DIFFERENCE))
    yield "without-a-command", _told(opened(replace(SIGHTING, commands=())))
    yield "of-no-policy", _told(open_alert(_PATTERN, SIGHTING, portal_link(SERVER)))
    yield "hostile", _told(_hostile())
    yield "hostile-resolved", _told(resolve(_hostile(), HOSTILE, NOON + HOUR), RESOLVED)
    yield (
        "in-other-letters",
        _told(_with(reason="правило \u202eegnahc\u202c 🚨 データベース 규칙 \u0000")),
    )
    yield "huge", _told(_huge())
    yield "reverted", change_notification(changed(CLOSE), NotificationType.CHANGE_APPLIED, NOON)
    yield "rolled-back", change_notification(_rollback(), NotificationType.CHANGE_ROLLED_BACK, NOON)
    yield "many-edits", change_notification(_many_edits(), NotificationType.CHANGE_APPLIED, NOON)


_DIFFERENCE: Final = {
    "newlyAllowed": ["Tcp 0.0.0.0/0 → 10.0.1.0/24 port 5432"],
    "newlyDenied": ["Tcp 10.0.0.0/8 → 10.0.1.0/24 port 6432"],
    "byThisWrite": True,
}
_PATTERN: Final = Pattern(
    id="sink-takes-nothing",
    title="A sink takes no notifications",
    why="Nobody who relies on this sink hears of drift.",
    no_command="whoever runs the sink has to mend it",
)


def _told(alert: AlertRecord, kind: NotificationType = OPENED) -> Notification:
    return notification(alert, kind, NOON)


def _with(**finding: Json) -> AlertRecord:
    return opened(replace(SIGHTING, finding=replace(FINDING, **finding)))


def _with_cause(cause: Cause) -> AlertRecord:
    return opened(replace(SIGHTING, cause=cause))


def _hostile() -> AlertRecord:
    finding = replace(
        FINDING, reason=HOSTILE, evidence={HOSTILE[:80]: [HOSTILE], "rules": [{"name": HOSTILE}]}
    )
    decision = replace(DECISION, detail=HOSTILE)
    cause = replace(CAUSE, actor=MALLORY, operation_name=HOSTILE, correlation_id=HOSTILE)
    commands = ("az network nsg rule delete --name '@everyone <!here> ``` </pre><script>'",)
    sighting = replace(SIGHTING, finding=finding, decision=decision, cause=cause, commands=commands)
    return opened(sighting)


def _huge() -> AlertRecord:
    rules = [{"name": f"règle-{n}" * 9, "startIpAddress": "203.0.113.4"} for n in range(500)]
    finding = replace(FINDING, evidence={f"rules{n}": rules for n in range(40)}, reason="é" * 5000)
    command = "az rest --method patch --body " + "x" * 900
    return opened(replace(SIGHTING, finding=finding, commands=(command,) * 4))


def _rollback() -> ChangeRecord:
    return changed(
        PutFirewallRule(server=SERVER, rule=OFFICE),
        kind=ChangeKind.ROLLBACK,
        outcome=Outcome.ROLLED_BACK,
        rollback_of="c-0",
        reason="partner cut off",
    )


def _many_edits() -> ChangeRecord:
    rules = [replace(ALL_AZURE, name=f"rule-{n} {HOSTILE[:60]}") for n in range(30)]
    return changed(*(DeleteFirewallRule(server=SERVER, rule=rule) for rule in rules))
