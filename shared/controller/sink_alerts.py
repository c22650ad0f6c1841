"""A sink that takes nothing for a day is an alert, which is told through the others.

The alert's id for policies is ``sink-takes-nothing``; there is one for each sink, and it stands on what the
sink was not told of first. It is over when the sink takes something and nothing waits of which people were
told, and when the sink is none of the settings any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, open_alert, sink_alert_id
from shared.controller.deps import Deps
from shared.controller.notifying import end_alert, open_once, resolve_if_open
from shared.controller.open_alerts import is_open
from shared.model import (
    Action,
    ComplianceState,
    Decision,
    Finding,
    Json,
    Reason,
    Severity,
    Target,
    TargetKind,
)
from shared.model.alert_records import AlertRecord
from shared.model.errors import EntityChanged
from shared.model.letters import Letter
from shared.model.resource_id import parse_resource_id

TAKES_NOTHING: Final = Pattern(
    id=patterns.TAKES_NOTHING,
    title="A sink takes no notifications",
    why="Nobody who relies on this sink hears of drift.",
    no_command="whoever runs the sink has to mend it; what it was not told is kept for a week",
)


def tell_of_sink(letter: Letter, refusal: str, deps: Deps) -> None:
    """Open the alert of a sink of the settings, and tell the other sinks."""
    target = target_in(letter.notification.data)
    if target is None or letter.sink not in deps.sinks:
        return
    others = tuple(sink for sink in deps.sinks if sink != letter.sink)
    news = partial(_news, letter, target, refusal, deps)
    open_once(sink_alert_id(letter.sink), news, letter.cause, replace(deps, sinks=others))


def end_sink_alert(sink: str, deps: Deps) -> None:
    """It takes what it is told again, and nothing waits of which people were told. All that waits is read
    where there is an alert to end, and only there."""
    if not is_open(deps.store.alert(sink_alert_id(sink))):
        return
    if any(one.is_told for one in deps.store.letters.waiting(sink)):
        return
    with suppress(EntityChanged):  # the next thing that it takes ends it
        resolve_if_open(sink_alert_id(sink), "the sink takes notifications again", deps)


def end_alerts_of_former_sinks(deps: Deps) -> None:
    """Nobody relies on a sink that was taken out of the settings."""
    for alert in deps.store.alerts(policy=TAKES_NOTHING.id, limit=None):
        if is_open(alert) and alert.fingerprint not in deps.sinks:
            end_alert(alert, "the settings name no such sink any more", deps)


def target_in(data: Mapping[str, Json]) -> Target | None:
    """The target of the alert or change that a notification carries."""
    match data.get("target"):
        case {"kind": kind, "id": text} if kind in set(TargetKind):
            resource = parse_resource_id(text)
            return Target(kind=TargetKind(kind), id=resource) if resource is not None else None
        case _:
            return None


def _news(letter: Letter, target: Target, refusal: str, deps: Deps) -> AlertRecord:
    sighting = _sighting(letter, target, refusal, deps)
    return open_alert(TAKES_NOTHING, sighting, deps.portal_link(target.id))


def _sighting(letter: Letter, target: Target, refusal: str, deps: Deps) -> Sighting:
    told = letter.notification
    finding = Finding(
        policy=TAKES_NOTHING.id,
        target=target,
        state=ComplianceState.ERROR,
        severity=Severity.HIGH,
        reason=f"{letter.sink} has taken nothing since {(letter.refused_since or told.time).isoformat()}",
        resource_id=target.id,
        evidence={"sink": letter.sink, "notification": told.id, "refusal": refusal},
        fingerprint=letter.sink,
    )
    decision = Decision(policy=TAKES_NOTHING.id, action=Action.ALERT, reason=Reason.UNDELIVERED)
    return Sighting(finding=finding, decision=decision, cause=letter.cause, now=deps.clock.now())
