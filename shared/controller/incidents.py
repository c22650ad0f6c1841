"""An incident tells of many: while one is open in a subscription, no letter tells of its drifts singly.

The alert of a drift that opens meanwhile is written without letters to people; in their place, in the same
transaction, stands a row that lists it for the incident. What happens to it then is held as well; an alert
that people were told of before goes on being told, so that whoever heard of the beginning hears of the end.
Alerts about no drift (a poisoned message, a sink, a budget) are never held. When an incident begins and ends
is in ``mass_drift``.

An incident is no shield for what is Critical: its first alert is told with the incident's own letter at once,
by name, and so is every doubling of them, before the alert is written. What can be hidden between two letters
is never more than what they have named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from shared.alerts.lifecycle import alert_id
from shared.alerts.patterns import MASS_DRIFT
from shared.controller.deps import Deps
from shared.controller.for_machines import write_for_machines
from shared.controller.lettering import write_with_letters
from shared.model import Cause, Json, Severity, Target, TargetKind
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.change_records import ChangeRecord
from shared.model.drifting import Held
from shared.model.errors import EntityChanged
from shared.model.letters import Letter
from shared.model.resource_id import ResourceId
from shared.policies import find

NAMED: Final = 10
_RACES: Final = 5
_CRITICAL_TOLD: Final = "criticalAlerts"


def place_of(subscription: str) -> Target:
    """What an incident stands on."""
    return Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(f"/subscriptions/{subscription.lower()}"))


def incident_id(subscription: str) -> str:
    """One for the subscription, whichever targets drift."""
    return alert_id(MASS_DRIFT, place_of(subscription), "")


def open_incident(subscription: str, deps: Deps) -> AlertRecord | None:
    """The incident of a subscription, while it is open."""
    known = deps.store.alert(incident_id(subscription))
    return known if known is not None and known.status is not AlertStatus.RESOLVED else None


def tell_again(incident: AlertRecord, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an open incident as it is now, and have people hear of it."""
    news = replace(incident, count=incident.count + 1, last_seen=deps.clock.now())
    if not deps.sinks:
        return deps.store.put_alert(news)
    return write_with_letters(news, NotificationType.ALERT_UPDATED, cause, deps)


# --- alerts ----------------------------------------------------------------------------------------


def holding(alert: AlertRecord, kind: NotificationType, deps: Deps) -> AlertRecord | None:
    """The open incident that tells of an alert; None where people are told of it singly."""
    was_told = alert.incident is None and kind is not NotificationType.ALERT_OPENED
    if was_told or find(alert.policy) is None:
        return None
    return open_incident(alert.target.id.subscription, deps)


def hold(
    alert: AlertRecord, kind: NotificationType, cause: Cause, incident: AlertRecord, deps: Deps
) -> AlertRecord:
    """Write an alert that its incident tells of; machines hear of it singly. Where the incident has ended
    meanwhile people are told of it."""
    held = Held(
        about=alert.id,
        what=f"{alert.policy} on {alert.resource_id}",
        is_critical=alert.severity is Severity.CRITICAL,
    )
    if held.is_critical and alert.status is not AlertStatus.RESOLVED:
        _name(held, alert, cause, deps)

    def put(record: AlertRecord, letters: Iterable[Letter]) -> AlertRecord:
        return deps.store.incidents.hold_alert(record, held, letters)

    stored = write_for_machines(replace(alert, incident=incident.id), kind, cause, deps, put)
    if open_incident(alert.target.id.subscription, deps) is not None:
        return stored
    return write_with_letters(replace(stored, incident=None), kind, cause, deps)


def _name(held: Held, alert: AlertRecord, cause: Cause, deps: Deps) -> None:
    """Tell people of a Critical alert with the incident, unless as many were named before."""
    subscription = alert.target.id.subscription
    others = [
        one for one in deps.store.incidents.held(subscription) if one.is_critical and one.about != held.about
    ]
    for _ in range(_RACES):
        incident = open_incident(subscription, deps)
        if incident is None or _was_told(incident, len(others) + 1):
            return
        with suppress(EntityChanged):
            tell_again(_naming(incident, [held, *others]), cause, deps)
            return
    raise EntityChanged(f"others write incident {incident_id(subscription)} again and again")


def _was_told(incident: AlertRecord, count: int) -> bool:
    told = incident.evidence.get(_CRITICAL_TOLD)
    return isinstance(told, int) and count < 2 * told


def _naming(incident: AlertRecord, critical: Sequence[Held]) -> AlertRecord:
    named: dict[str, Json] = {
        _CRITICAL_TOLD: len(critical),
        "critical": [one.what for one in critical[:NAMED]],
    }
    return replace(incident, severity=Severity.CRITICAL, evidence={**incident.evidence, **named})


# --- changes ---------------------------------------------------------------------------------------


def holds_change(change: ChangeRecord, deps: Deps) -> bool:
    """Whether an incident tells of a change that was made; then it is listed there."""
    subscription = change.change.target.id.subscription
    if not deps.sinks or open_incident(subscription, deps) is None:
        return False
    what = f"{change.change.policy} on {change.change.resource_id}"
    deps.store.incidents.hold_change(subscription, Held(about=change.id, what=what, is_change=True))
    return open_incident(subscription, deps) is not None
