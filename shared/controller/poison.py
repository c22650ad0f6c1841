"""Messages that failed too often: kept whole, told to people, and taken back when a later one succeeds.

The message is put aside first and the alert is written second; when the alert cannot be written the
error is raised, so the platform keeps the message too. The alert belongs to no policy: what it says is
that nobody has looked, and drift may go unseen. It stands on the targets that were not looked at; for
an NSG or a virtual network those are the ones that were known to depend on it. That of a pass of the sweep
stands on its subscription (``lost_passes``). Any other message that names no known target is in
``deadletters`` and in the log, and a run that waited for it is told.

A delivery is no look: what it should have told is among the letters, and it is tried again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert, recur
from shared.controller.delivering import deliver_later
from shared.controller.deps import Deps
from shared.controller.incidents import place_of
from shared.controller.lost_passes import tell_of_lost_pass
from shared.controller.notifying import write_and_tell
from shared.controller.open_alerts import is_open, list_alert
from shared.controller.reviving import ask_anew, is_left
from shared.controller.run_results import keep_result
from shared.model import (
    Action,
    ComplianceState,
    Decision,
    Finding,
    Json,
    Reason,
    Severity,
    Target,
)
from shared.model.alert_records import NotificationType
from shared.model.errors import TextGone
from shared.model.messages import Message, MessageKind
from shared.model.results import TargetResult
from shared.model.sweeping import Spread
from shared.state.message_body import understand

PATTERN: Final = patterns.POISONED
"""Stands where other alerts name their policy."""
POISONED: Final = Pattern(
    id=PATTERN,
    title="A message could not be processed",
    why="Until somebody looks, drift on this resource goes unseen and is not reverted.",
)
NOT_A_MESSAGE: Final = "not-a-message"
TEXT_GONE: Final = "message-text-gone"
"""Why a body is among the dead letters that nobody could understand."""
_GAVE_UP: Final = "looking at it failed again and again; the message is among the dead letters"


def poisoned(body: bytes, deps: Deps) -> None:
    """Keep a message that the platform gave up, and open an alert on every target it was about.

    What it was about is found out first: while its text cannot be fetched, nothing is put aside yet. A text
    that is gone, and a body that is no message, will not be understood later either: the letter says so,
    nobody is told of a target, and that is the end. Raises ``StoreError`` when it cannot be kept or told.
    """
    message, reason = _understood(body, deps)
    if message is not None and message.kind is MessageKind.NOTIFY:
        deliver_later(message, deps)
        return
    letter = deps.store.dead_letter(reason, body, deps.clock.now())
    targets = _targets(message, deps) if message is not None else ()
    if message is not None:
        if message.kind is MessageKind.SWEEP:
            _tell_of_pass(message, letter, deps)
        for target in targets:
            _open_alert(message, target, letter, deps)
        _tell_run(message, deps)
        ask_anew(message, deps)
    deps.log(
        {
            "message": "poisoned",
            "reason": reason,
            "kind": message.kind if message is not None else None,
            "targets": [str(target.id) for target in targets],
            "deadLetter": letter,
        }
    )


def _understood(body: bytes, deps: Deps) -> tuple[Message | None, str]:
    """The message, and why it is put aside."""
    try:
        message = understand(body, deps.store)
    except TextGone:
        return None, TEXT_GONE
    if message is None:
        return None, NOT_A_MESSAGE
    return message.not_after(deps.clock.now()), Reason.POISONED


def _targets(message: Message, deps: Deps) -> tuple[Target, ...]:
    """What the message was about, as far as it can be told without ARM; nothing of a part of a pass as long
    as it is asked for again: that is a hundred alerts for one message."""
    if message.target is not None:
        return (message.target,)
    if message.spread is not None:
        return _of_part(message.spread, deps) if is_left(message) else ()
    if message.locator is not None:
        return deps.store.related(message.locator)
    change = deps.store.change(message.change_id) if message.change_id else None
    return (change.change.target,) if change is not None else ()


def _of_part(part: Spread, deps: Deps) -> tuple[Target, ...]:
    """Each target of a part of a pass once, those that are known to depend on what it names too."""
    named = (target for one in part.locators for target in deps.store.related(one))
    return tuple(dict.fromkeys((*part.targets, *named)))


def _tell_of_pass(message: Message, letter: str, deps: Deps) -> None:
    """What a pass met in every scope stands in its record; what put off its message, in that."""
    assert message.locator is not None
    subscription = message.locator.id.subscription
    last = deps.store.passes.last(subscription)
    if last is not None and last.began == message.cause.time and last.failed:
        message = replace(message, trouble=last.failed)
    sighting = _sighting(message, place_of(subscription), letter, deps.clock.now())
    tell_of_lost_pass(subscription, sighting, deps)


def _open_alert(message: Message, target: Target, letter: str, deps: Deps) -> None:
    sighting = _sighting(message, target, letter, deps.clock.now())
    alert = alert_id(PATTERN, target, patterns.OF_LOOKS)
    known = deps.store.alert(alert)
    if known is not None and is_open(known):
        deps.store.put_alert(recur(known, sighting))
        return
    list_alert(target, alert, deps)
    portal = deps.portal_link(target.id)
    news = recur(known, sighting) if known is not None else open_alert(POISONED, sighting, portal)
    write_and_tell(news, NotificationType.ALERT_OPENED, message.cause, deps)


def _sighting(message: Message, target: Target, letter: str, now: datetime) -> Sighting:
    evidence: dict[str, Json] = {"message": message.kind, "deadLetter": letter, "attempt": message.attempt}
    if message.trouble:
        evidence["error"] = message.trouble
    finding = Finding(
        policy=PATTERN,
        target=target,
        state=ComplianceState.ERROR,
        severity=Severity.HIGH,
        reason=_gave_up(message),
        resource_id=target.id,
        evidence=evidence,
        fingerprint=patterns.OF_LOOKS,
    )
    decision = Decision(policy=PATTERN, action=Action.ALERT, reason=Reason.POISONED)
    return Sighting(finding=finding, decision=decision, cause=message.cause, now=now)


def _gave_up(message: Message) -> str:
    return f"{_GAVE_UP}; at last {message.trouble}" if message.trouble else _GAVE_UP


def _tell_run(message: Message, deps: Deps) -> None:
    """A run that waits for this message shall not wait for ever."""
    run_id = message.options.run_id
    if run_id is None:
        return
    if message.target is not None:
        keep_result(TargetResult(target=message.target, error=_gave_up(message)), message.options, deps)
        return
    run = deps.store.run(run_id)
    if run is not None:
        deps.store.put_run(replace(run, error=_gave_up(message)))
