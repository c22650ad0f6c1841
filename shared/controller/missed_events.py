"""What the sweep finds although an event should have told: who wrote it, and that events do not arrive.

A look by the sweep that finds drift where it was compliant before asks the Activity Log of the subscription
who wrote. Where that is longer ago than Event Grid takes, and no event of it was heard, one alert for the
subscription says that events are lost, what is wrong with the event subscriptions, and when the last event
was heard. A look by an event that finds something ends it: events arrive then. The alert's id for policies is
``event-path-lost``. In any other look nothing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert
from shared.controller.event_subscriptions import EventFault, Wanted, faults_of
from shared.controller.notifying import open_once, resolve_if_open
from shared.controller.remembering import is_ours
from shared.controller.visit import Judgement, Visit
from shared.model import (
    Action,
    Cause,
    CauseKind,
    ComplianceState,
    Decision,
    Finding,
    Json,
    Reason,
    Severity,
    SubnetSnapshot,
    Target,
)
from shared.model.alert_records import AlertRecord
from shared.model.errors import GatewayError
from shared.model.memory import TargetRecord
from shared.model.operations import LoggedWrite
from shared.model.resource_id import ResourceId, parse_resource_id

EVENT_PATH_LOST: Final = Pattern(
    id="event-path-lost",
    title="Events do not arrive",
    why="Until the event subscription delivers again, drift is found by the sweep alone, and late.",
    no_command="mend what the evidence names of the event subscription; its filter is docs/event-filter.json",
)
_LATE: Final = timedelta(minutes=10)
"""After a write: its event is delivered within seconds, and later only where we refused it."""
_APART: Final = timedelta(minutes=1)
"""How far the times of a write and of its event may be apart."""
_UNTOLD: Final = "the sweep found a drift of whose write no event has told"
_LOOKED_BACK: Final = timedelta(days=1)


def with_writer(visit: Visit, judgements: tuple[Judgement, ...]) -> tuple[Visit, LoggedWrite | None]:
    """The visit with who wrote what the sweep found, and that write, as far as Azure tells."""
    since = _compliant_until(visit, judgements) if visit.cause.kind is CauseKind.SWEEP else None
    write = _newest_write(visit, since) if since is not None else None
    return (visit, None) if write is None else (replace(visit, cause=_cause(write, visit.cause)), write)


def tell_of_events(
    visit: Visit, judgements: tuple[Judgement, ...], write: LoggedWrite | None, record: TargetRecord
) -> None:
    """People hear of the write that the sweep found if an event should have told, and when events tell again.

    What the look found is saved before: one that lost its race tells nothing.
    """
    if visit.cause.kind is CauseKind.EVENT and any(one.decision is not None for one in judgements):
        resolve_if_open(_alert_of(visit.target), "an event has told of a drift again", visit.deps)
    if write is not None and _should_have_been_told(write, record, visit.now):
        news = partial(_news, visit, write, record)
        open_once(_alert_of(visit.target), news, visit.cause, visit.deps)


def _compliant_until(visit: Visit, judgements: tuple[Judgement, ...]) -> datetime | None:
    """Since when it may have been written: None where nothing drifted since the look before."""
    memories = visit.known.memories if visit.known is not None else {}
    before = (
        memories.get(j.policy.id) for j in judgements if j.finding.state is ComplianceState.NON_COMPLIANT
    )
    was = [m.last_compliant_at or m.since for m in before if m and m.state is ComplianceState.COMPLIANT]
    return max(min(was), visit.now - _LOOKED_BACK) if was else None


def _newest_write(visit: Visit, since: datetime) -> LoggedWrite | None:
    """The newest write of somebody else to what was read; None where the log cannot be read or has none."""
    try:
        found = [
            write
            for write in visit.deps.gateway.logged_writes(visit.target.id.subscription, since)
            if _concerns(write, visit) and not is_ours(_cause(write, visit.cause), visit.deps)
        ]
    except GatewayError as error:
        visit.deps.log({"message": "activity-log-not-read", "target": visit.target.key, "reason": str(error)})
        return None
    return max(found, key=lambda write: write.time, default=None)


def _concerns(write: LoggedWrite, visit: Visit) -> bool:
    resource = parse_resource_id(write.resource)
    return (
        resource is not None
        and write.status.lower() != "failed"
        and any(resource.within(one) for one in _what_was_read(visit))
    )


def _what_was_read(visit: Visit) -> tuple[ResourceId, ...]:
    snapshot = visit.snapshot
    if not isinstance(snapshot, SubnetSnapshot):
        return (snapshot.id,)
    group = (snapshot.security_group.id,) if snapshot.security_group is not None else ()
    return (snapshot.id, snapshot.id.parent or snapshot.id, *group)


def _cause(write: LoggedWrite, cause: Cause) -> Cause:
    """Why we look stays as it was; whose write it was is known now."""
    return replace(
        cause,
        actor=write.caller,
        operation_name=write.operation,
        correlation_id=write.correlation_id or cause.correlation_id,
    )


def _should_have_been_told(write: LoggedWrite, record: TargetRecord, now: datetime) -> bool:
    heard = record.last_foreign.time if record.last_foreign is not None else None
    return now - write.time > _LATE and (heard is None or heard < write.time - _APART)


def _alert_of(target: Target) -> str:
    """One for the subscription, whichever target shows it."""
    return alert_id(EVENT_PATH_LOST.id, Target(kind=target.kind, id=_subscription(target)), "")


def _subscription(target: Target) -> ResourceId:
    return ResourceId(f"/subscriptions/{target.id.subscription}")


def _news(visit: Visit, write: LoggedWrite, record: TargetRecord) -> AlertRecord:
    portal = visit.deps.portal_link(_subscription(visit.target))
    return open_alert(EVENT_PATH_LOST, _sighting(visit, write, _evidence(visit, write, record)), portal)


def _sighting(visit: Visit, write: LoggedWrite, evidence: Mapping[str, Json]) -> Sighting:
    finding = Finding(
        policy=EVENT_PATH_LOST.id,
        target=visit.target,
        state=ComplianceState.ERROR,
        severity=Severity.HIGH,
        reason="; ".join((_UNTOLD, *evidence["eventSubscriptions"])),
        resource_id=_subscription(visit.target),
        evidence=evidence,
        fingerprint="",
    )
    decision = Decision(policy=EVENT_PATH_LOST.id, action=Action.ALERT, reason=Reason.EVENT_PATH_LOST)
    return Sighting(finding=finding, decision=decision, cause=_cause(write, visit.cause), now=visit.now)


def _evidence(visit: Visit, write: LoggedWrite, record: TargetRecord) -> Mapping[str, Json]:
    heard = record.last_foreign
    last = visit.deps.store.heard.last_event(visit.target.id.subscription)
    return {
        "written": {
            "resource": write.resource,
            "operation": write.operation,
            "time": write.time.isoformat(),
            "correlationId": write.correlation_id,
        },
        "eventSubscriptions": [fault.said for fault in _faults(visit)],
        "lastEvent": last.time.isoformat() if last is not None else None,
        "lastEventOfTheTarget": heard.time.isoformat() if heard is not None else None,
        "filter": "docs/event-filter.json",
    }


def _faults(visit: Visit) -> tuple[EventFault, ...]:
    """What is wrong with the event subscriptions, as far as they are not closed to us."""
    subscription, deps = visit.target.id.subscription, visit.deps
    scopes = [one for one in deps.settings.scopes if one.subscription.lower() == subscription.lower()]
    wanted = Wanted(
        subscription=subscription,
        scopes=tuple(scopes),
        site=deps.site,
        now=visit.now,
        by_queue=deps.events_by_queue,
    )
    return faults_of(deps.gateway.event_subscriptions(subscription), wanted)
