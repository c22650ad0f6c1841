"""Which alerts of a target may be open: its memory lists them, so that none is ever forgotten.

The list is never too short. An alert enters it with the write that a look saves, and only then is written
itself; it leaves with a later save that has read that it is over. So whoever looks next finds everything that
an earlier look, or a worker that died, has opened, and no search for alerts is needed. A worker that was
slower may still open what it has listed: for as long as one may run, what is listed stays.

Budgets and exemptions that ended have alerts of their own, which the sweep looks after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts.lifecycle import alert_id
from shared.alerts.patterns import (
    LOWERED_BY_TAG,
    NOT_CONTINUED,
    NOT_JUDGED,
    OF_LOOKS,
    OF_TAGS,
    OF_UNKNOWN,
    POISONED,
)
from shared.controller.deps import Deps
from shared.model import Cause, ComplianceState, Target
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.errors import EntityChanged
from shared.model.memory import PolicyMemory, TargetRecord
from shared.model.messages import look
from shared.model.values import value

UNSURE: Final = timedelta(minutes=20)
"""How long a worker may run (``functionTimeout`` in ``host.json``), and as much again for its clock."""

_RACES: Final = 5


@value
class Standing:
    """What was read of a target's alerts before a look saves."""

    record: TargetRecord
    """With the list as it is to be saved."""
    read: Mapping[str, AlertRecord | None]
    """By id; those that stay as they are were not read."""

    def open(self) -> Iterator[AlertRecord]:
        """The open ones among them."""
        return (alert for alert in self.read.values() if alert is not None and is_open(alert))


def is_open(alert: AlertRecord | None) -> bool:
    """Whether it has been told and is not over."""
    return alert is not None and alert.status is not AlertStatus.RESOLVED


def may_be_open(record: TargetRecord) -> tuple[str, ...]:
    """Ids of the alerts that may be open."""
    listed = record.open_alerts
    return listed if listed is not None else tuple(dict.fromkeys(_by_memories(record)))


def alerts_standing(
    record: TargetRecord, wanted: Collection[str], kept: Collection[str], deps: Deps, now: datetime
) -> Standing:
    """The record with the alerts that are ``wanted`` open once it is saved; those ``kept`` are not read."""
    listed = may_be_open(record)
    asked = [*wanted, *(one for one in listed if one not in kept and one not in wanted)]
    read = {one: deps.store.alert(one) for one in asked}
    over = {one for one, alert in read.items() if not is_open(alert)}
    stay = (one for one in listed if one not in over or not _is_settled(record, now))
    return Standing(
        record=_listing(record, (*stay, *wanted), None if over.isdisjoint(wanted) else now), read=read
    )


def with_listed(record: TargetRecord, alert: str, now: datetime) -> TargetRecord:
    """The record with an alert that is opened once it is saved."""
    return _listing(record, (*may_be_open(record), alert), now)


def list_alert(target: Target, alert: str, deps: Deps) -> None:
    """List an alert that no look opens, before it is written.

    Raises ``EntityChanged`` when others are faster again and again.
    """
    now = deps.clock.now()
    for _ in range(_RACES - 1):
        try:
            deps.store.save(with_listed(deps.store.recall(target, now), alert, now))
        except EntityChanged:
            continue
        return
    deps.store.save(with_listed(deps.store.recall(target, now), alert, now))


def look_if_overtaken(saved: TargetRecord, opened: Collection[str], cause: Cause, deps: Deps) -> None:
    """Have the target looked at again where somebody has saved since: what was just told may not be so any
    more. Of a target that was forgotten meanwhile, what was opened is listed anew."""
    now = deps.clock.now()
    current = deps.store.recall(saved.target, now)
    if current.etag == saved.etag:
        return
    for alert in set(opened).difference(may_be_open(current)):
        list_alert(saved.target, alert, deps)
    deps.store.arm(look(saved.target, cause), now, 0)


def look_if_opened_since(saved: TargetRecord, not_open: Collection[str], cause: Cause, deps: Deps) -> None:
    """Have the target looked at again where a slower worker has opened what it had listed, after that was
    read and before the record was saved: that worker does not find itself overtaken."""
    listed = set(may_be_open(saved))
    if any(is_open(deps.store.alert(one)) for one in not_open if one in listed):
        deps.store.arm(look(saved.target, cause), deps.clock.now(), 0)


def _listing(record: TargetRecord, alerts: tuple[str, ...], opened_at: datetime | None) -> TargetRecord:
    unsure = record.alerts_unsure_until if opened_at is None else opened_at + UNSURE
    return replace(record, open_alerts=tuple(dict.fromkeys(alerts)), alerts_unsure_until=unsure)


def _is_settled(record: TargetRecord, now: datetime) -> bool:
    return record.alerts_unsure_until is None or record.alerts_unsure_until <= now


def _by_memories(record: TargetRecord) -> Iterator[str]:
    """What may be open by a record that is older than its list."""
    lowered = record.selecting_tags is not None and record.selecting_tags.lowered
    told = {
        (NOT_JUDGED, ""): record.not_judged,
        (LOWERED_BY_TAG, OF_TAGS): lowered,
        (POISONED, OF_LOOKS): record.etag is not None,
    }
    drifts = (one for policy, memory in record.memories.items() for one in _of_policy(policy, memory))
    for name, fingerprint in (*drifts, *(one for one, may_be in told.items() if may_be)):
        yield alert_id(name, record.target, fingerprint)


def _of_policy(policy: str, memory: PolicyMemory) -> Iterator[tuple[str, str]]:
    yield from (
        (policy, fingerprint) for fingerprint in (memory.fingerprint, *memory.kept_open) if fingerprint
    )
    if memory.state is not ComplianceState.COMPLIANT:
        yield policy, OF_UNKNOWN
        yield NOT_CONTINUED, policy
