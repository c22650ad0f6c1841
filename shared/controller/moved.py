"""A server that was moved is the one that it was: its host name tells, whichever id it has now.

A move to another resource group or subscription changes the id, and with it every key of what is
remembered. Whoever moves a server must not thereby make strangers of its drifts. So the first look at an id
asks whose the name was: of a server that is gone, the new id takes the memory over (baselines, attempts,
exemptions, clocks), and the alerts of the old id end. It does not matter which of the two is looked at first;
a server that was deleted and made anew under its name counts as moved. A memory is kept for a while when its
server is gone.

An ordinary look asks nothing: the record says that its name is noted. Subnets are not followed: no name of
theirs stays when their network is moved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.controller.deps import Deps
from shared.controller.for_machines import write_for_machines
from shared.controller.holding import without_hold
from shared.controller.notifying import resolve_if_open
from shared.controller.open_alerts import may_be_open
from shared.controller.visit import Visit
from shared.model import Aspect, Change, ServerSnapshot, Snapshot, Target, codec
from shared.model.alert_records import NotificationType
from shared.model.errors import Denied, Gone, Permanent
from shared.model.exposure import Exposure
from shared.model.happened import exemption_begun, exemption_ended, with_deeds
from shared.model.memory import Exemption, NameRecord, PolicyMemory, SelectingTags, TargetRecord
from shared.state.store import Store

DELETED: Final = "the resource was deleted"


# --- a server that is seen -------------------------------------------------------------------------


def known_by_name(record: TargetRecord, visit: Visit) -> TargetRecord:
    """The record with what is known of the server by its name; stored where something is.

    Raises ``StoreError``, ``EntityChanged`` when somebody else was faster, and a ``Transient`` error where it
    cannot be told now whether the server is still at its old id.
    """
    name = _host_name(visit.snapshot)
    if not name or name == record.host_name:
        return record
    names, now = visit.deps.store.names, visit.now
    noted = names.find(name, now) or NameRecord(target=record.target)
    left = _left(noted, record.target, visit)
    if left is None and noted.target != record.target and noted.gone_at is None:
        return record  # two answer to one name: a move that is not through yet
    if left is not None:
        record = visit.deps.store.save(taken_over(record, left, visit.deps.store, now))
        _end_former(left, record.target, visit)
    names.put(name, NameRecord(target=record.target, etag=noted.etag))
    return replace(record, host_name=name)


def _host_name(snapshot: Snapshot | None) -> str:
    name = snapshot.host_name if isinstance(snapshot, ServerSnapshot) else None
    return (name or "").lower()


def _left(noted: NameRecord, target: Target, visit: Visit) -> TargetRecord | None:
    """What is remembered of the server that had the name before, where it is gone."""
    if noted.left is not None or noted.target.kind is not target.kind:
        return noted.left if noted.target.kind is target.kind else None
    if noted.target == target or noted.gone_at is not None or not _is_gone(noted.target, visit.deps):
        return None
    return visit.deps.store.recall(noted.target, visit.now)


def _is_gone(target: Target, deps: Deps) -> bool:
    """Whether it does not answer at its old id any more. A refusal is as good: Azure gives a name to one
    server alone, and another has shown it; with the group that it left our role there may be gone as well."""
    try:
        deps.gateway.read(target, frozenset({Aspect.SERVER}))
    except (Gone, Denied, Permanent):
        return True
    return False


def _end_former(left: TargetRecord, target: Target, visit: Visit) -> None:
    """What is kept under the old id ends; one that was made anew has it still."""
    if left.target != target:
        why = f"moved to {target.id}"
        end_alerts(left, why, visit.deps)
        for one in left.exemptions:
            visit.deps.store.journal.append(left.target, exemption_ended(one, visit.now, why))
        visit.deps.store.forget(left.target)
        visit.deps.store.unrelate(left.target)


# --- a server that is gone -------------------------------------------------------------------------


def leave_behind(record: TargetRecord, deps: Deps, now: datetime) -> None:
    """Keep for a while what is remembered of a server that is gone, under its name."""
    name = record.host_name or _remembered_name(record, deps.store)
    if record.etag is None or not name:
        return
    noted = deps.store.names.find(name, now) or NameRecord(target=record.target)
    if noted.target == record.target:
        left = replace(without_hold(record), recheck_at=None, deeds=(), etag=None)
        deps.store.names.put(name, replace(noted, left=left, gone_at=now))


def _remembered_name(record: TargetRecord, store: Store) -> str:
    """The name by the last compliant reading, of a server that was not looked at since names are noted."""
    baselines = (memory.baseline for memory in record.memories.values() if memory.baseline is not None)
    names = (_host_name(store.snapshot(baseline)) for baseline in baselines)
    return next((name for name in names if name), "")


def end_alerts(record: TargetRecord, resolution: str, deps: Deps) -> None:
    """Resolve every alert that may be open; one that ended with the old id says where that went."""
    for alert in may_be_open(record):
        resolve_if_open(alert, resolution, deps)
        _reword(alert, resolution, deps)


def _reword(alert: str, resolution: str, deps: Deps) -> None:
    known = deps.store.alert(alert)
    if known is not None and known.resolution == DELETED != resolution:
        news = replace(known, resolution=resolution)
        write_for_machines(news, NotificationType.ALERT_UPDATED, known.cause, deps)


# --- what is taken over ----------------------------------------------------------------------------


def taken_over(record: TargetRecord, left: TargetRecord, store: Store, now: datetime) -> TargetRecord:
    """The record with the memory of the server that had the name; what is known of the new id stays."""
    moved = _rebased(left, record.target, store)
    own, exempt = record.memories, _exempt_there(left, record.target, store)
    news = (one for one in exempt if one not in record.exemptions and left.target != record.target)
    return replace(
        with_deeds(record, *(exemption_begun(one, now) for one in news)),
        first_seen=min(record.first_seen, left.first_seen),
        memories={**own, **{one: _joined(memory, own.get(one)) for one, memory in moved.items()}},
        attempts=tuple(sorted({*left.attempts, *record.attempts}, key=lambda attempt: attempt.at)),
        exemptions=tuple(dict.fromkeys((*exempt, *record.exemptions))),
        exempt_tag=record.exempt_tag or left.exempt_tag,
        selecting_tags=_tags_before(left) or record.selecting_tags,
        last_foreign=record.last_foreign or left.last_foreign,
        open_alerts=_alerts_there(left, record),
    )


def _alerts_there(left: TargetRecord, record: TargetRecord) -> tuple[str, ...]:
    """What may be open on the new id: alerts do not move, and those of one made anew are its own."""
    former = may_be_open(left) if left.target == record.target else ()
    return tuple(dict.fromkeys((*may_be_open(record), *former)))


def _tags_before(left: TargetRecord) -> SelectingTags | None:
    """The tags that held at the old id: what lowers an effect since is told, of the new one."""
    return SelectingTags(tags=left.selecting_tags.tags) if left.selecting_tags is not None else None


def _joined(former: PolicyMemory, own: PolicyMemory | None) -> PolicyMemory:
    """What was known under the old id, with what the new one has shown since."""
    if own is None:
        return former
    newest = own if own.last_compliant_at is not None else former
    return replace(newest, exposure=_longer(former.exposure, own.exposure))


def _longer(former: Exposure, own: Exposure) -> Exposure:
    """What was open under the old id has been open all the time."""
    both = dict.fromkeys((*former.openings, *own.openings))
    return former if former.is_open else Exposure(openings=tuple(both))


def _rebased(left: TargetRecord, target: Target, store: Store) -> Mapping[str, PolicyMemory]:
    """The memories with baselines that name the new id, as if they had been read there."""
    wanted = {memory.baseline for memory in left.memories.values()} - {None}
    moved = {
        baseline: _moved_reading(baseline, left.target, target, store) for baseline in wanted if baseline
    }
    return {
        policy: replace(memory, baseline=moved.get(memory.baseline or "", memory.baseline))
        for policy, memory in left.memories.items()
    }


def _moved_reading(baseline: str, former: Target, target: Target, store: Store) -> str:
    """A reading that cannot be found stays lost."""
    snapshot = store.snapshot(baseline)
    if snapshot is None or former == target:
        return baseline
    reading: Snapshot = codec.load(Snapshot, _renamed(codec.dump(snapshot), former, target))
    return store.keep(reading)


def _exempt_there(left: TargetRecord, target: Target, store: Store) -> tuple[Exemption, ...]:
    """The exemptions with changes that name the new id: what was put back came along with the server."""
    return tuple(_moved_exemption(one, left.target, target, store) for one in left.exemptions)


def _moved_exemption(exemption: Exemption, former: Target, target: Target, store: Store) -> Exemption:
    if exemption.rolled_back is None or former == target:
        return exemption
    change = codec.load(Change, _renamed(codec.dump(exemption.rolled_back), former, target))
    store.keep(change)
    return replace(exemption, rolled_back=change)


def _renamed(text: str, former: Target, target: Target) -> str:
    """A text of ours that names the new id wherever it named the former."""
    own = re.compile(re.escape(str(former.id)) + r'(?=["/])', re.IGNORECASE)
    return own.sub(lambda _: str(target.id), text)
