"""What a look tells, in two steps: it goes with the record that is saved, and only then is told.

A look that loses the race for the record tells nobody anything. One that dies in between is made up for by
the next: the same findings lead to the same alerts, and whatever an earlier look has opened stands in the
list of the record (``open_alerts``), where it is found and ended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

from shared.alerts.lifecycle import alert_id
from shared.alerts.patterns import OF_LOOKS, POISONED
from shared.controller.deps import Deps
from shared.controller.lowered_by_tags import alert_of_tags, lowered_by_tags, tell_of_tags
from shared.controller.mass_drift import note_drift
from shared.controller.not_judged import alert_of_target, has_lasted, tell_not_judged, waiting
from shared.controller.notifying import end_alert
from shared.controller.open_alerts import (
    alerts_standing,
    is_open,
    look_if_opened_since,
    look_if_overtaken,
    may_be_open,
)
from shared.controller.overtaking import is_overtaken, refuse_overtaken
from shared.controller.resolving import LATER_ONE, Present, why_over
from shared.controller.telling import alert_of, raise_from, sighting_of
from shared.controller.visit import Judgement, Visit
from shared.model import Action, Cause, ComplianceState, Decision, Finding, Reason
from shared.model.alert_records import AlertRecord
from shared.model.memory import PolicyMemory, TargetRecord
from shared.model.values import value

_Opening: TypeAlias = Callable[[AlertRecord | None], object]
"""Opens an alert, or counts and refreshes the one that is open."""


@value
class Announcement:
    """What is told once the record is saved that came with it."""

    openings: Mapping[str, _Opening]
    """By the alert's id."""
    known: Mapping[str, AlertRecord | None]
    """The alerts as they were read."""
    endings: Sequence[tuple[AlertRecord, str]]
    """Each with why it is over."""

    @property
    def is_news(self) -> bool:
        """Whether an alert opens or ends: then the record is saved first, whatever it holds besides."""
        return bool(self.endings or self.opened)

    @property
    def is_empty(self) -> bool:
        return not (self.openings or self.endings)

    @property
    def opened(self) -> Collection[str]:
        """Ids of those that were not open before."""
        return [one for one in self.openings if not is_open(self.known[one])]

    @property
    def not_open(self) -> Collection[str]:
        """Ids of those that were not open and are not opened."""
        return [one for one, alert in self.known.items() if not is_open(alert) and one not in self.openings]


def announce(
    visit: Visit, judgements: tuple[Judgement, ...], before: TargetRecord, after: TargetRecord
) -> tuple[TargetRecord, Announcement]:
    """The record as it is to be saved, and what is told then. ``before`` is the memory before this visit.

    What has drifted newly is noted before: a worker that dies has it counted all the same."""
    note_drift(visit, judgements, before)
    openings = dict(_openings(visit, judgements, before, after))
    by_policy = {judgement.policy.id: judgement for judgement in judgements}
    accepted = alert_of_tags(visit) not in openings and lowered_by_tags(before, visit) is not None
    present = Present(visit=visit, judgements=by_policy, record=after, tags_accepted=accepted)
    after = replace(after, open_alerts=may_be_open(before))
    found = alerts_standing(after, openings, present.stay(), visit.deps, visit.now)
    over = ((alert, why_over(alert, present)) for alert in found.open() if alert.id not in openings)
    endings = [(alert, why) for alert, why in over if why is not None]
    return found.record, Announcement(openings=openings, known=found.read, endings=endings)


def announce_unread(
    record: TargetRecord, unknown: Sequence[tuple[Finding, Decision | None]], cause: Cause, deps: Deps
) -> tuple[TargetRecord, Announcement]:
    """The same of a target that could not be read: all that is known is that it was asked for."""
    told: _Opening = partial(tell_not_judged, unknown=unknown, cause=cause, deps=deps)
    openings = {alert_of_target(record.target): told} if record.not_judged else {}
    poisoned = alert_id(POISONED, record.target, OF_LOOKS)
    kept = set(may_be_open(record)) - {poisoned}
    found = alerts_standing(record, openings, kept, deps, deps.clock.now())
    endings = [(alert, LATER_ONE) for alert in found.open() if alert.id == poisoned]
    return found.record, Announcement(openings=openings, known=found.read, endings=endings)


def tell(announced: Announcement, saved: TargetRecord | None, cause: Cause, deps: Deps) -> None:
    """Open, count and end alerts. ``saved`` is the record as it was saved; None where a change that was begun
    has its own look coming. Raises ``EntityChanged`` where another reading has begun since: what that look
    tells is newer."""
    if not announced.is_empty:
        if saved is None and is_overtaken(deps):
            return
        refuse_overtaken(deps)
    for alert, why in announced.endings:
        end_alert(alert, why, deps)
    for alert_id_, opening in announced.openings.items():
        opening(announced.known[alert_id_])
    if saved is not None and announced.is_news:
        look_if_overtaken(saved, announced.opened, cause, deps)
    if saved is not None:
        look_if_opened_since(saved, announced.not_open, cause, deps)


def _openings(
    visit: Visit, judgements: tuple[Judgement, ...], before: TargetRecord, after: TargetRecord
) -> Iterator[tuple[str, _Opening]]:
    deps, unknown = visit.deps, waiting(visit, judgements)
    if unknown and after.not_judged:
        told = partial(tell_not_judged, unknown=unknown, cause=visit.cause, deps=deps)
        yield alert_of_target(visit.target), told
    tags = lowered_by_tags(before, visit)
    if tags is not None and after.selecting_tags is not None and after.selecting_tags.lowered:
        yield alert_of_tags(visit), partial(tell_of_tags, sighting=tags, visit=visit)
    for judgement in judgements:
        decision = _told(visit, judgement, before.memories.get(judgement.policy.id))
        if decision is not None:
            sighting = sighting_of(visit, judgement, decision)
            opening = partial(raise_from, policy=judgement.policy, sighting=sighting, deps=deps)
            yield alert_of(judgement.policy, judgement.finding), opening


def _told(visit: Visit, judgement: Judgement, memory: PolicyMemory | None) -> Decision | None:
    """The decision that people must hear of."""
    decision = None if judgement.awaits_target else judgement.decision
    if decision is None:
        return None
    wanted = wants_alert(visit.now, judgement.finding, decision, memory, was_sure=judgement.was_sure)
    return decision if wanted else None


def wants_alert(
    now: datetime,
    finding: Finding,
    decision: Decision,
    memory: PolicyMemory | None,
    *,
    was_sure: bool = False,
) -> bool:
    """Whether people must hear of it: alerts, what audit would have reverted, lasting unknowns, and those
    that somebody made of a sure verdict (``was_sure``)."""
    if finding.state is not ComplianceState.UNKNOWN:
        audited = decision.action is Action.REVERT and decision.dry_run
        return decision.action is Action.ALERT or audited
    if decision.reason is Reason.EXEMPT:
        return False
    return was_sure or has_lasted(memory, now)
