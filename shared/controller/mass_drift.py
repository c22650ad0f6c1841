"""When much drifts within minutes people hear of one incident, not of each target. Reverting goes on as ever.

A look notes new drift in a row of its own, and counts what the last minutes have. From a threshold on, that
of ``massDrift`` in ``policies.yaml``, one alert for the subscription opens, and from then on single drifts
are held (``incidents``). It is told again at each doubling. The next new drift, or the sweep, ends it when
fewer than half of the threshold drift; its end says what is still open, and that is told singly again as it
changes. The alert's id for policies is ``mass-drift``. A look that finds nothing new asks nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, open_alert, resolve
from shared.controller.deps import Deps
from shared.controller.incidents import NAMED, incident_id, place_of, tell_again
from shared.controller.notifying import write_and_tell
from shared.controller.open_alerts import UNSURE, is_open
from shared.controller.visit import Judgement, Visit
from shared.guardrails.mass_drift import Threshold, targets_in
from shared.model import Action, Cause, ComplianceState, Decision, Finding, Json, Reason, Severity
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.drifting import Drift, Held
from shared.model.errors import EntityChanged
from shared.model.memory import TargetRecord
from shared.model.values import value

MASS_DRIFT: Final = Pattern(
    id=patterns.MASS_DRIFT,
    title="Many targets drift at once",
    why="One cause is likely: while this is open its drifts are reverted as ever, and not told one by one.",
    no_command="find out who writes all of this; GET /api/alerts?status=open lists what is to be done",
)

_RECOUNTED: Final = 10
"""An incident of so many targets is counted once a second at most, of ten times as many each ten."""
_LOOKED_THROUGH: Final = 500
"""Alerts of which its end looks whether they are open."""
_STILL_OPEN: Final = "stillOpen"
_NOT_NEW: Final = frozenset({Reason.INHERITED, Reason.EXEMPT})


@value
class _Count:
    """What drifts in a subscription."""

    subscription: str
    drifted: Mapping[str, Drift]
    """By target: in the window, and of an open incident since it began."""
    lately: int
    """How many targets in the window."""
    known: int | None
    threshold: Threshold
    window: timedelta

    @property
    def is_mass(self) -> bool:
        return self.lately >= self.threshold.of(self.known)

    @property
    def is_quiet(self) -> bool:
        return self.threshold.is_quiet(self.lately, self.known)


# --- what a look notes -----------------------------------------------------------------------------


def note_drift(visit: Visit, judgements: Iterable[Judgement], before: TargetRecord) -> None:
    """Note what was not found before, and open, tell again or end the incident of its subscription."""
    new = [judgement for judgement in judgements if _is_new(judgement, before)]
    if not new or not visit.deps.configuration.file.mass_drift.enabled:
        return
    visit.deps.store.incidents.note_drift(_drift(visit, new))
    subscription = visit.target.id.subscription
    known = visit.deps.store.alert(incident_id(subscription))
    if known is None or not is_open(known) or _is_due(known, visit.now):
        with suppress(EntityChanged):  # another worker has told of the same
            _follow(known, _count(subscription, known, visit.deps), visit.cause, visit.deps)


def _is_new(judgement: Judgement, before: TargetRecord) -> bool:
    finding, decision = judgement.finding, judgement.decision
    if decision is None or decision.reason in _NOT_NEW or finding.state is not ComplianceState.NON_COMPLIANT:
        return False
    memory = before.memories.get(finding.policy)
    stood = memory is not None and memory.state is finding.state and memory.fingerprint == finding.fingerprint
    return not stood and finding.severity is not Severity.INFORMATIONAL


def _drift(visit: Visit, new: Sequence[Judgement]) -> Drift:
    actor = visit.cause.actor
    return Drift(
        target=visit.target,
        at=visit.now,
        policies=tuple(judgement.finding.policy for judgement in new),
        severity=max((judgement.finding.severity for judgement in new), key=lambda one: one.rank),
        writer=actor.name or actor.object_id or actor.app_id or "",
    )


def _is_due(incident: AlertRecord, now: datetime) -> bool:
    """Whether an open incident is counted again: the larger it is, the more seldom."""
    told = incident.evidence.get("targets")
    pause = timedelta(seconds=told // _RECOUNTED) if isinstance(told, int) else timedelta(0)
    return now - incident.last_seen >= pause


# --- what the sweep looks after --------------------------------------------------------------------


def look_after_incident(subscription: str, cause: Cause, deps: Deps) -> None:
    """Count an open incident again; without one tell what the last left untold, and forget old drift."""
    known = deps.store.alert(incident_id(subscription))
    count = _count(subscription, known, deps)
    if known is not None and is_open(known):
        with suppress(EntityChanged):
            _follow(known, count, cause, deps)
        return
    deps.store.incidents.forget_drifts(subscription, deps.clock.now() - 2 * count.window)
    if known is not None and known.resolved_at is not None:
        _tell_what_was_left(known, subscription, cause, deps)


def _tell_what_was_left(over: AlertRecord, subscription: str, cause: Cause, deps: Deps) -> None:
    """Tell singly what a worker held that had not seen the end before it died; the end did not name it.

    A change needs no care: whoever goes on with it tells of it."""
    if over.resolved_at is None or deps.clock.now() - over.resolved_at < UNSURE:
        return
    held, named = deps.store.incidents.held(subscription), str(over.evidence.get(_STILL_OPEN))
    for one in held:
        alert = None if one.is_change or one.about in named else deps.store.alert(one.about)
        if alert is not None and is_open(alert) and alert.incident is not None:
            with suppress(EntityChanged):  # whoever was faster has told of it
                write_and_tell(alert, NotificationType.ALERT_OPENED, cause, deps)
    deps.store.incidents.release(subscription, held)


# --- the incident ----------------------------------------------------------------------------------


def _count(subscription: str, incident: AlertRecord | None, deps: Deps) -> _Count:
    said, now = deps.configuration.file.mass_drift, deps.clock.now()
    window = timedelta(minutes=said.minutes)
    since = incident.first_seen if incident is not None and is_open(incident) else now
    found = deps.store.incidents.drifts_since(subscription, since - window)
    last = deps.store.passes.last(subscription)
    return _Count(
        subscription=subscription,
        drifted=targets_in(found),
        lately=len(targets_in([drift for drift in found if drift.at > now - window])),
        known=last.targets if last is not None else None,
        threshold=Threshold(at_least=said.targets, percent=said.share_percent, enough=said.enough),
        window=window,
    )


def _follow(known: AlertRecord | None, count: _Count, cause: Cause, deps: Deps) -> None:
    """Do what is right by what was counted; raises ``EntityChanged`` after somebody else."""
    if known is None or not is_open(known):
        if count.is_mass:
            _open(known, count, cause, deps)
    elif count.is_quiet or not deps.configuration.file.mass_drift.enabled:
        _end(known, count, cause, deps)
    elif len(count.drifted) >= 2 * _told(known):
        tell_again(_as_counted(known, count), cause, deps)
    else:
        deps.store.put_alert(replace(known, last_seen=deps.clock.now()))


def _told(incident: AlertRecord) -> int:
    told = incident.evidence.get("targets")
    return told if isinstance(told, int) else 1


def _open(known: AlertRecord | None, count: _Count, cause: Cause, deps: Deps) -> None:
    sighting = Sighting(finding=_finding(count), decision=_DECISION, cause=cause, now=deps.clock.now())
    alert = open_alert(MASS_DRIFT, sighting, deps.portal_link(place_of(count.subscription).id))
    if known is not None:
        alert = replace(alert, etag=known.etag, count=known.count + 1, told=known.told, listed=known.listed)
    write_and_tell(alert, NotificationType.ALERT_OPENED, cause, deps)


_DECISION: Final = Decision(policy=MASS_DRIFT.id, action=Action.ALERT, reason=Reason.MASS_DRIFT)


def _as_counted(incident: AlertRecord, count: _Count) -> AlertRecord:
    """The incident with what it holds now; what was named as Critical stays."""
    finding = _finding(count)
    return replace(
        incident,
        severity=max(incident.severity, finding.severity, key=lambda one: one.rank),
        reason=finding.reason,
        evidence={**incident.evidence, **finding.evidence},
    )


def _finding(count: _Count) -> Finding:
    place, drifts = place_of(count.subscription), list(count.drifted.values())
    of_all = f" of {count.known}" if count.known is not None else ""
    minutes = int(count.window.total_seconds() / 60)
    return Finding(
        policy=MASS_DRIFT.id,
        target=place,
        state=ComplianceState.ERROR,
        severity=max((drift.severity for drift in drifts), key=lambda one: one.rank, default=Severity.HIGH),
        reason=f"{count.lately}{of_all} targets drifted within {minutes} minutes",
        resource_id=place.id,
        evidence=_evidence(count, drifts),
        fingerprint="",
    )


def _evidence(count: _Count, drifts: Sequence[Drift]) -> Mapping[str, Json]:
    gravest = sorted(drifts, key=lambda drift: -drift.severity.rank)
    return {
        "targets": len(drifts),
        "knownTargets": count.known,
        "threshold": count.threshold.of(count.known),
        "policies": _most_frequent(policy for drift in drifts for policy in drift.policies),
        "writers": _most_frequent(drift.writer or "unknown" for drift in drifts),
        "gravestTargets": [str(drift.target.id) for drift in gravest[:NAMED]],
    }


def _most_frequent(names: Iterable[str]) -> list[str]:
    return [f"{name}: {count}" for name, count in Counter(names).most_common(NAMED)]


# --- its end ---------------------------------------------------------------------------------------


def _end(incident: AlertRecord, count: _Count, cause: Cause, deps: Deps) -> None:
    """Resolve it, and say what is still open of what nobody was told of singly."""
    held = deps.store.incidents.held(count.subscription)
    alerts = [one for one in held if not one.is_change]
    standing = [one for one in alerts[:_LOOKED_THROUGH] if is_open(deps.store.alert(one.about))]
    over = resolve(_as_counted(incident, count), _resolution(held, standing), deps.clock.now())
    listed = {_STILL_OPEN: [f"{one.what} (alert {one.about})" for one in standing]}
    over = replace(over, evidence={**over.evidence, **listed})
    write_and_tell(over, NotificationType.ALERT_RESOLVED, cause, deps)
    deps.store.incidents.release(count.subscription, held)


def _resolution(held: Sequence[Held], standing: Sequence[Held]) -> str:
    changes = sum(one.is_change for one in held)
    alerts = len(held) - changes
    looked = f" (of the first {_LOOKED_THROUGH})" if alerts > _LOOKED_THROUGH else ""
    return (
        f"it is quiet again: {changes} reverts were made; of {alerts} alerts that were not told singly "
        f"{len(standing)}{looked} are still open, see GET /api/alerts?status=open"
    )
