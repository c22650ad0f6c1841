"""A change of a server's tags that lowers an effect is told at once: whoever may tag would else decide.

The tags by which sections of ``policies.yaml`` select are remembered as they were when nothing was lowered.
Both are asked of the file as it is now, so a change of the file is none of a tag. One alert stands on the
server, with the id for policies ``effect-lowered-by-tag``. It is resolved when nothing has been lowered for
an hour, so that a tag that comes and goes is one alert, and when somebody has acknowledged it: then the tags
that it showed are those that later ones are compared with. Other ones are told again, and open it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert, recur
from shared.config.configuration import tags_of
from shared.config.tag_effects import is_lower
from shared.controller.asking_again import look_in
from shared.controller.notifying import write_and_tell
from shared.controller.visit import Visit
from shared.guardrails.exposures import REST
from shared.model import (
    Action,
    Actor,
    ComplianceState,
    Decision,
    Effect,
    Finding,
    Json,
    Reason,
    ServerSnapshot,
)
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.memory import SelectingTags, TargetRecord
from shared.model.values import value
from shared.posture.policy import AnyPolicy

LOWERED: Final = Pattern(
    id=patterns.LOWERED_BY_TAG,
    title="A tag lowers what is done about drift",
    why="Whoever may tag the server has changed what Driftward does about it.",
    no_command="which tags are right is for the server's owner to say",
)
_NEWS: Final = ("tags", "lowered")
"""Of the evidence: who wrote last is none, every harmless write changes it."""
_MOST_SHOWN: Final = 3


@value
class _Lowered:
    policy: AnyPolicy
    before: Effect
    after: Effect


def with_tags_compared(record: TargetRecord, visit: Visit) -> TargetRecord:
    """The memory with the tags that were seen, and whether they lower an effect."""
    if not isinstance(visit.snapshot, ServerSnapshot):
        return record
    known = record.selecting_tags
    if known is None:
        return replace(record, selecting_tags=SelectingTags(tags=_selecting(visit)))
    lowers = _lowered_since(known, visit)
    return _still_lowered(record, known, visit) if lowers else _back(record, known, visit)


def _back(record: TargetRecord, known: SelectingTags, visit: Visit) -> TargetRecord:
    """Nothing is lowered: an alert that nobody has acknowledged stays for a while, its tag may come again."""
    now = replace(record, selecting_tags=SelectingTags(tags=_selecting(visit)))
    return _resting(now, known.back_since or visit.now, visit) if known.lowered else now


def _resting(record: TargetRecord, since: datetime, visit: Visit) -> TargetRecord:
    """The alert is over when nothing has been lowered for an hour, or at once where it is acknowledged."""
    alert, left = visit.deps.store.alert(alert_of_tags(visit)), (since + REST - visit.now).total_seconds()
    if alert is None or alert.status is not AlertStatus.OPEN or left <= 0:
        return record
    resting = SelectingTags(tags=_selecting(visit), lowered=True, back_since=since)
    return look_in(left, visit, replace(record, selecting_tags=resting))


def _still_lowered(record: TargetRecord, known: SelectingTags, visit: Visit) -> TargetRecord:
    """Tags that were shown and acknowledged are those that later ones are compared with."""
    alert, sighting = visit.deps.store.alert(alert_of_tags(visit)), lowered_by_tags(record, visit)
    if alert is not None and sighting is not None and _is_accepted(alert, sighting):
        return replace(record, selecting_tags=SelectingTags(tags=_selecting(visit)))
    return replace(record, selecting_tags=replace(known, lowered=True, back_since=None))


def _is_accepted(alert: AlertRecord, sighting: Sighting) -> bool:
    return alert.status is AlertStatus.ACKNOWLEDGED and _shows(alert, sighting)


# --- what is told, once the record is saved --------------------------------------------------------


def lowered_by_tags(before: TargetRecord, visit: Visit) -> Sighting | None:
    """What the tags lower now, compared with those that are remembered; None where they lower nothing."""
    known = before.selecting_tags
    lowered = _lowered_since(known, visit) if known is not None else ()
    return _sighting(before, known, visit, lowered) if known is not None and lowered else None


def tell_of_tags(known: AlertRecord | None, sighting: Sighting, visit: Visit) -> None:
    """Open the alert, or tell of other tags."""
    if known is None or known.status is AlertStatus.RESOLVED:
        _write(known, sighting, NotificationType.ALERT_OPENED, visit)
    elif not _shows(known, sighting):
        _write(known, sighting, NotificationType.ALERT_UPDATED, visit)


def _shows(alert: AlertRecord, sighting: Sighting) -> bool:
    """Whether whoever reads the alert reads of these tags, and of what they lower."""
    seen = sighting.finding.evidence
    return all(alert.evidence.get(name) == seen[name] for name in _NEWS)


def _selecting(visit: Visit) -> Mapping[str, str]:
    names = visit.deps.configuration.selecting_tags
    tags = {name.lower(): text for name, text in tags_of(visit.snapshot).items()}
    return {name: tags[name] for name in sorted(tags) if name in names}


def _lowered_since(known: SelectingTags, visit: Visit) -> tuple[_Lowered, ...]:
    tags = _selecting(visit) if isinstance(visit.snapshot, ServerSnapshot) else known.tags
    return _lowered(visit, known.tags, tags) if tags != known.tags else ()


def _lowered(visit: Visit, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[_Lowered, ...]:
    """The gravest first."""
    configuration, target = visit.deps.configuration, visit.target
    asked = [policy for policy in visit.deps.policies if target.kind in policy.targets]
    found = (
        _Lowered(
            policy=policy,
            before=configuration.effect(policy, target.id, before),
            after=configuration.effect(policy, target.id, after),
        )
        for policy in asked
    )
    lower = [one for one in found if is_lower(one.after, one.before)]
    return tuple(sorted(lower, key=lambda one: (-one.policy.severity.rank, one.policy.id)))


def _sighting(
    record: TargetRecord, known: SelectingTags, visit: Visit, lowered: tuple[_Lowered, ...]
) -> Sighting:
    changed = _changed(known.tags, _selecting(visit))
    finding = Finding(
        policy=LOWERED.id,
        target=visit.target,
        state=ComplianceState.ERROR,
        severity=lowered[0].policy.severity,
        reason=_reason(changed, lowered),
        resource_id=visit.target.id,
        evidence={
            "tags": changed,
            "lastWriter": _writer(record),
            "lowered": [
                {"policy": one.policy.id, "from": str(one.before), "to": str(one.after)} for one in lowered
            ],
        },
        fingerprint=patterns.OF_TAGS,
    )
    decision = Decision(policy=LOWERED.id, action=Action.ALERT, reason=Reason.EFFECT_LOWERED_BY_TAG)
    tags = visit.deps.configuration.routed_tags(visit.snapshot)
    return Sighting(finding=finding, decision=decision, cause=visit.cause, now=visit.now, tags=tags)


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[Json]:
    names = sorted(before.keys() | after.keys())
    return [
        {"name": name, "was": before.get(name), "is": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]


def _reason(changed: list[Json], lowered: tuple[_Lowered, ...]) -> str:
    tags = ", ".join(f"{tag['name']!r} is {_text(tag['is'])} and was {_text(tag['was'])}" for tag in changed)
    said = [f"{one.policy.id} from {one.before} to {one.after}" for one in lowered[:_MOST_SHOWN]]
    more = [f"{len(lowered) - _MOST_SHOWN} more"] if len(lowered) > _MOST_SHOWN else []
    return f"tag {tags}: that lowers {', '.join([*said, *more])}"


def _text(text: str | None) -> str:
    return "absent" if text is None else repr(text)


def _writer(record: TargetRecord) -> str:
    """Who wrote to the server last, as far as an event told."""
    actor = record.last_foreign.actor if record.last_foreign is not None else Actor()
    return actor.name or actor.object_id or actor.app_id or "nobody whom an event names"


def alert_of_tags(visit: Visit) -> str:
    """The id of the one alert about the target's tags."""
    return alert_id(LOWERED.id, visit.target, patterns.OF_TAGS)


def _write(known: AlertRecord | None, sighting: Sighting, kind: NotificationType, visit: Visit) -> None:
    """Nobody has acknowledged what is told now."""
    portal = visit.deps.portal_link(visit.target.id)
    alert = recur(known, sighting) if known is not None else open_alert(LOWERED, sighting, portal)
    news = replace(alert, status=AlertStatus.OPEN, acknowledged_by=None)
    write_and_tell(news, kind, visit.cause, visit.deps)
