"""How a world has ended, and what is wrong with it whatever was played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from driftward.journal.asking import Asked, verify
from shared.alerts.patterns import NOT_CONTINUED
from shared.model import Edit, Outcome, Severity, Snapshot, edited_resource
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.change_records import ChangeRecord
from shared.model.deeds import DeedKind
from shared.model.memory import TargetRecord
from shared.model.operations import LoggedWrite
from shared.model.values import value
from tests.fakes import START, SUBSCRIPTION, US
from tests.steady.plant import Plant

MADE: Final = {
    Outcome.REVERTED: NotificationType.CHANGE_APPLIED,
    Outcome.ROLLED_BACK: NotificationType.CHANGE_ROLLED_BACK,
}
_MOST: Final = 1_000
Thing: TypeAlias = tuple[str, ...]


@value
class End:
    """What people and Azure are left with."""

    azure: Mapping[str, Snapshot]
    open_alerts: frozenset[Thing]
    """Policy, target and drift."""
    exempt: frozenset[Thing]
    made: Mapping[Thing, int]
    """How many changes were made, by policy, kind and outcome."""
    told: frozenset[Thing]
    """What people heard of at all: type, policy and target; not how often, and not that something is over,
    which is right to hear where it began alone."""
    heard_open: frozenset[str]
    """Alerts of which people last heard that they are open."""

    def differs(self, clean: End, *, made: bool = True) -> str:
        """What was lost, or is another; nothing for the same end. More may have been told: of what lasts
        longer because a worker died, people hear."""
        parts = {
            "Azure": self.azure != clean.azure,
            "open alerts": not _same_alerts(self.open_alerts, clean.open_alerts, made=made),
            "exemptions": self.exempt != clean.exempt,
            "changes made": made and self.made != clean.made,
            "told": made and not self.told >= clean.told,
            "last heard": made and self.heard_open != clean.heard_open,
        }
        return ", ".join(part for part, is_other in parts.items() if is_other)


def _same_alerts(ours: frozenset[Thing], theirs: frozenset[Thing], *, made: bool) -> bool:
    """Where others write meanwhile, a change may be one that was not continued: that stays told for as long
    as its policy has anything to tell there."""
    return ours == theirs if made else _of_findings(ours) == _of_findings(theirs)


def _of_findings(alerts: frozenset[Thing]) -> frozenset[Thing]:
    found = {(policy, target) for policy, target, _ in alerts}
    return frozenset(
        (policy, target, drift)
        for policy, target, drift in alerts
        if policy != NOT_CONTINUED or (drift, target) not in found
    )


def end_of(plant: Plant) -> End:
    changes = plant.store.changes(limit=_MOST)
    made: Counter[Thing] = Counter(
        (one.change.policy, str(one.kind), str(one.outcome)) for one in changes if one.outcome in MADE
    )
    return End(
        azure={key: replace(one, read_at=START) for key, one in plant.azure.snapshots.items()},
        open_alerts=frozenset(
            (one.policy, one.target.key, one.fingerprint)
            for one in plant.store.alerts(limit=None)
            if one.status is not AlertStatus.RESOLVED
        ),
        exempt=frozenset(
            (one.policy, record.target.key) for record in _targets(plant) for one in record.exemptions
        ),
        made=made,
        told=frozenset(
            (str(one.type), str(one.data.get("policy")), str(one.data["target"]["id"]).lower())
            for one in plant.delivered
            if one.type not in {NotificationType.ALERT_UPDATED, NotificationType.ALERT_RESOLVED}
        ),
        heard_open=frozenset(
            alert
            for alert, told in _told_of_alerts(plant).items()
            if told[-1] is NotificationType.ALERT_OPENED
        ),
    )


def _told_of_alerts(plant: Plant) -> dict[str, list[NotificationType]]:
    """By the alert's id, in order: that it is open, and that it is over."""
    told: dict[str, list[NotificationType]] = {}
    for one in plant.distinct().values():
        if one.type in {NotificationType.ALERT_OPENED, NotificationType.ALERT_RESOLVED}:
            told.setdefault(str(one.data["id"]), []).append(one.type)
    return told


def _targets(plant: Plant) -> list[TargetRecord]:
    return list(plant.store.known_targets(SUBSCRIPTION))


# --- what is wrong ---------------------------------------------------------------------------------


def wrongs(plant: Plant) -> list[str]:
    """Every promise that is broken, each as what is so; none for a world in order."""
    return sorted(
        {
            *plant.unexpected,
            *_wrong_changes(plant),
            *_wrong_targets(plant),
            *_wrong_alerts(plant),
            *_wrong_journal(plant),
            *_wrong_writes(plant),
            *_unfinished_runs(plant),
        }
    )


def _wrong_changes(plant: Plant) -> Iterator[str]:
    changes = {one.id: one for one in plant.store.changes(limit=_MOST)}
    told = plant.distinct()
    for change in changes.values():
        if change.outcome is Outcome.IN_PROGRESS:
            yield f"a change never ended: {change.kind}"
        for outcome, kind in MADE.items():
            is_told = f"{change.id}-{kind.rsplit('.', 1)[-1].lower()}" in told
            was = "was" if is_told else "was not"
            if is_told is not (change.outcome is outcome):
                yield f"a {change.kind} that is {change.outcome} {was} told as {kind}"
        yield from _wrong_rollback(change, changes)


def _wrong_rollback(change: ChangeRecord, changes: Mapping[str, ChangeRecord]) -> Iterator[str]:
    by = changes.get(change.rolled_back_by or "")
    if change.rolled_back_by is not None and (by is None or by.outcome is not Outcome.ROLLED_BACK):
        yield "a change counts as rolled back by a rollback that did not happen"
    original = changes.get(change.rollback_of or "")
    if (
        change.outcome is Outcome.ROLLED_BACK
        and original is not None
        and original.rolled_back_by != change.id
    ):
        yield "a change that was rolled back does not say so"


def _wrong_targets(plant: Plant) -> Iterator[str]:
    changes = {one.id: one for one in plant.store.changes(limit=_MOST)}
    for record in _targets(plant):
        if record.active_change is not None or record.is_held(plant.clock.now()):
            yield "a lease is stuck"
        if getattr(record, "change", None) is not None:
            yield "a change is stuck in its target's record"
        if record.target.key not in plant.azure.snapshots:
            yield "a target that is gone is remembered"
        for exemption in record.exemptions:
            came_with = changes.get(exemption.change_id or "")
            if came_with is None or came_with.outcome is not Outcome.ROLLED_BACK:
                yield "an exemption stands without its rollback"


def _wrong_alerts(plant: Plant) -> Iterator[str]:
    told = _told_of_alerts(plant)
    for letter in plant.store.letters.waiting():
        yield f"something waits to be told to {letter.sink}"
    for alert in plant.store.alerts(limit=None):
        yield from _wrong_alert(alert, told.get(alert.id, []))


def _wrong_alert(alert: AlertRecord, told: list[NotificationType]) -> Iterator[str]:
    is_open = alert.status is not AlertStatus.RESOLVED
    if alert.severity is Severity.INFORMATIONAL:
        return
    opened, resolved = NotificationType.ALERT_OPENED, NotificationType.ALERT_RESOLVED
    wanted = [opened if number % 2 == 0 else resolved for number in range(len(told))]
    last = opened if is_open else resolved
    if told != wanted:
        yield f"an alert was told out of order: {alert.policy}: {' '.join(told)}"
    elif not told or told[-1] is not last:
        heard = told[-1] if told else "nothing"
        yield f"an alert that is {alert.status} was last told as {heard}: {alert.policy}"


def told_twice(plant: Plant) -> Iterator[str]:
    """What was delivered again although no worker died."""
    for number, times in Counter(one.id for one in plant.delivered).items():
        if times > 1:
            yield f"people were told {times} times of one thing: {plant.distinct()[number].type}"


def _wrong_journal(plant: Plant) -> Iterator[str]:
    """By the same check that people run, with Azure's log of what we sent."""

    def log(_: str) -> Iterator[LoggedWrite]:
        for number, sent in enumerate(plant.sent):
            resource = edited_resource(sent.edit)
            verb = "delete" if sent.edit.kind.startswith("delete") else "write"
            yield _line(str(resource), f"{resource.type}/{verb}", sent.at, number)

    asked = Asked(log=log, subscriptions=[SUBSCRIPTION])
    checked = verify(plant.store.evidence, asked, plant.clock.now() + timedelta(days=1))
    for fault in checked.findings.faults:
        yield f"the journal: {fault.kind}: {_without_names(fault.detail)}"
    yield from _ended_once(plant)


def _line(resource: str, operation: str, time: datetime, number: int) -> LoggedWrite:
    return LoggedWrite(
        id=f"line {number}",
        time=time,
        operation=operation,
        resource=resource,
        status="Succeeded",
        caller=US,
        correlation_id=f"correlation {number}",
    )


def _without_names(detail: str) -> str:
    """Ids differ from run to run; what is said of them does not."""
    return " ".join(word for word in detail.split() if not any(sign.isdigit() for sign in word))[:90]


def _ended_once(plant: Plant) -> Iterator[str]:
    claimed: list[object] = []
    ended: Counter[object] = Counter()
    for entries in plant.store.evidence.read().chains.values():
        for link in (entry.link() for entry in entries):
            if link.kind == DeedKind.CHANGE_CLAIMED:
                claimed.append(link.what["change"])
            if link.kind in {DeedKind.CHANGE_ENDED, DeedKind.CHANGE_LAPSED}:
                ended[link.what["change"]] += 1
    for change in claimed:
        if ended[change] != 1:
            yield f"the journal tells of the end of a change {ended[change]} times"


def _wrong_writes(plant: Plant) -> Iterator[str]:
    """The same edit may be sent again after somebody else wrote, after another one to the same resource, and
    when its operation ended badly."""
    last: dict[str, tuple[Edit, int]] = {}
    for sent in plant.sent:
        resource, write = str(edited_resource(sent.edit)), (sent.edit, sent.written)
        if last.get(resource) == write and not plant.ended_badly:
            yield "an edit was sent twice"
        last[resource] = write


def _unfinished_runs(plant: Plant) -> Iterator[str]:
    for response in plant.responses:
        run = plant.store.run(str(response.get("id"))) if "enforcement" in response else None
        if run is not None and run.total is not None and len(run.results) < run.total:
            yield "a run waits for a result"
        for result in run.results if run is not None else ():
            if Outcome.IN_PROGRESS in result.outcomes.values():
                yield "a run was not told how its change ended"
