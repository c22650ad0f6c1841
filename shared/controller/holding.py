"""Who minds a change in flight: one chain of checks, and a record that is saved at every step.

Before anything is done about a change, the next message about it is enqueued, with the token that the
target's row is about to name (``ChangeRecord.watch``). So wherever a worker dies, a message is on its way
that goes on; and only one is, for the row names one and every other is dropped. A token carries a number that
grows with the chain. A message whose number the row has not reached is one of a worker that is too slow to
save it, or died before it could: it waits for as long as the change is minded, and then the change is gone on
with, so that a slow one finds out that somebody else has.

A step is saved by a conditional write of the target's row, with whatever else others have noted there
meanwhile (``keep``). Whoever finds that somebody else has gone on with the change stops (``Overtaken``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.controller.asking_again import check_later
from shared.controller.deps import Deps
from shared.model import Outcome
from shared.model.change_life import taken_up
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged
from shared.model.happened import change_ended, change_lapsed, with_deeds
from shared.model.memory import TargetRecord
from shared.model.messages import RunOptions
from shared.model.values import whole_number

GUARD: Final = 45.0
"""Seconds after which a change is gone on with that nobody was heard of: longer than the longest request that
writes, of which the adapter waits 35 seconds for an answer, and short enough for a recovery within a
minute."""

GRACE: Final = timedelta(seconds=15)
"""How long the next check may be late before any other look takes its place."""

_RACES: Final = 8
"""How often a step is saved again when somebody else wrote the target's memory meanwhile."""


class Overtaken(EntityChanged):
    """Somebody else has gone on with the change since it was read."""


def watched(
    change: ChangeRecord, deps: Deps, options: RunOptions, delay: float, attempt: int = 0
) -> ChangeRecord:
    """The change with its next check on its way; no other is good once this is saved."""
    change = replace(change, watch=f"{_number(change.watch) + 1}-{deps.new_id()}")
    check_later(change, deps, options, delay, attempt)
    return change


def is_ahead(token: str, change: ChangeRecord) -> bool:
    """Whether a token is none that the row has named already."""
    return _number(token) > _number(change.watch)


def _number(token: str) -> int:
    return whole_number(token.partition("-")[0]) or 0


def minded_until(now: datetime, delay: float) -> datetime:
    """Until when the change is minded whose next check comes after ``delay`` seconds."""
    return now + timedelta(seconds=delay) + GRACE


def keep(
    before: ChangeRecord, after: ChangeRecord, deps: Deps, options: RunOptions, delay: float
) -> ChangeRecord:
    """Save a step, with the next check enqueued first. Raises ``Overtaken``."""
    after = watched(after, deps, options, delay)
    lease = minded_until(deps.clock.now(), delay)
    save_step(before, after, deps, lambda record: deps.store.save(replace(record, lease_until=lease)))
    return after


def keep_on(before: ChangeRecord, after: ChangeRecord, deps: Deps) -> ChangeRecord:
    """Save a step that the check which is on its way minds as well. Raises ``Overtaken``."""
    save_step(before, after, deps, deps.store.save)
    return after


def save_step(
    before: ChangeRecord,
    after: ChangeRecord,
    deps: Deps,
    save: Callable[[TargetRecord], TargetRecord],
) -> TargetRecord:
    """Save a step with what else it changes: ``save`` gets the record as it is now, with the step in it.

    Raises ``Overtaken`` where the record does not hold the change as it was before.
    """
    for _ in range(_RACES):
        record = adopted(deps.store.recall(before.change.target, deps.clock.now()), deps)
        if _is(record.change, after):
            return record  # the answer to our own write was lost
        refuse_overtaken(record, before)
        try:
            return save(replace(record, change=after, active_change=after.id))
        except EntityChanged:
            continue
    raise EntityChanged(f"the memory of {after.change.target.key} changes faster than it can be written")


def refuse_overtaken(record: TargetRecord, change: ChangeRecord) -> None:
    """Raises ``Overtaken`` unless the record holds the change as it was left."""
    if not _is(record.change, change):
        raise Overtaken(f"somebody else has gone on with change {change.id}")


def _is(there: ChangeRecord | None, change: ChangeRecord) -> bool:
    wanted = (change.id, change.revision, change.watch)
    return there is not None and (there.id, there.revision, there.watch) == wanted


# --- rows of earlier versions ----------------------------------------------------------------------


def adopted(record: TargetRecord, deps: Deps) -> TargetRecord:
    """The record with the change in flight that an earlier version left among the changes; without one that
    is over, though its worker died before it could say so.

    A lease on a change that is not among the changes holds: its claim may be a moment old, and only its
    expiry tells that the worker died before it could act."""
    if record.change is not None or record.active_change is None:
        return record
    now, active = deps.clock.now(), deps.store.change(record.active_change)
    if active is not None and active.outcome is Outcome.IN_PROGRESS:
        return replace(record, change=taken_up(active))
    if active is None and record.is_held(now):
        return record
    over = change_lapsed(record.active_change, now) if active is None else change_ended(active, healed=True)
    return with_deeds(without_hold(record), over)


def without_hold(record: TargetRecord) -> TargetRecord:
    """The record of a target whose change is over."""
    return replace(record, change=None, active_change=None, lease_until=None)
