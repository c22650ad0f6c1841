"""Questions that are put off: a target or a change is looked at again, later, by a message of the queue."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.controller.deps import Deps
from shared.controller.visit import MOMENTS, Judgement, Visit
from shared.guardrails.exposures import rest_left
from shared.model import Cause, Decision
from shared.model.change_records import ChangeRecord
from shared.model.memory import TargetRecord
from shared.model.messages import Message, MessageKind, RunOptions

RUN_ASKS_AGAIN: Final = 10.0
"""Seconds after which a run asks again that met a change in progress."""

STAND_IN: Final = 45.0
"""Seconds after a message at which another one does its work, should its worker have died at once."""

LOOK_AGAIN: Final = 2.0
"""Seconds between two looks at an operation for which ARM names no wait."""


def schedule_recheck(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> TargetRecord:
    """Have the same question asked again where a decision says so; one outstanding message is enough.

    A run with options of its own asks another question: its message stands for no other. It is not asked
    again after a freeze or in a window: its answer is given, and what the configuration wants then is.
    """
    waits = [(j.decision.reason, j.decision.look_again_seconds) for j in judgements if j.decision is not None]
    soon = [seconds for reason, seconds in waits if seconds is not None and reason in MOMENTS]
    later = [seconds for reason, seconds in waits if seconds is not None and reason not in MOMENTS]
    later += [left for j in judgements if (left := rest_left(j.exposure, visit.now)) is not None]
    message = Message(kind=MessageKind.RECHECK, target=visit.target, cause=visit.cause, options=visit.options)
    record = _without_what_was_due(record, visit)
    if visit.options != RunOptions() and soon:
        visit.deps.store.send(message, min(soon))
        soon = []
    if not soon + later:
        return record
    return _recheck_once(replace(message, options=RunOptions()), min(soon + later), visit, record)


def _without_what_was_due(record: TargetRecord, visit: Visit) -> TargetRecord:
    """This look is the one that was to be asked for: the sweep need not watch for it any more."""
    if record.recheck_at is None or record.recheck_at > visit.now:
        return record
    return replace(record, recheck_at=None)


def look_when_due(visit: Visit, decision: Decision, record: TargetRecord) -> TargetRecord:
    """Have the target looked at when a decision asks for it that no judgement made."""
    seconds = decision.look_again_seconds
    return record if seconds is None else look_in(seconds, visit, record)


def look_in(seconds: float, visit: Visit, record: TargetRecord) -> TargetRecord:
    """Have the target looked at after so many seconds at the latest."""
    message = Message(kind=MessageKind.RECHECK, target=visit.target, cause=visit.cause)
    return _recheck_once(message, seconds, visit, record)


def _recheck_once(message: Message, wait: float, visit: Visit, record: TargetRecord) -> TargetRecord:
    """Have the target looked at after ``wait`` seconds, unless a message that comes earlier is on its way."""
    due = visit.now + timedelta(seconds=wait)
    if record.recheck_at is not None and visit.now < record.recheck_at <= due + timedelta(seconds=1):
        return record
    visit.deps.store.send(replace(message, due=due), wait)
    return replace(record, recheck_at=due)


def look_after_lease(record: TargetRecord, cause: Cause, deps: Deps, options: RunOptions) -> TargetRecord:
    """Have the target looked at when nobody minds the change in progress any more; a run asks sooner."""
    now = deps.clock.now()
    message = Message(kind=MessageKind.RECHECK, target=record.target, cause=cause, options=options)
    if options.run_id is not None:
        deps.store.send(message, RUN_ASKS_AGAIN)
        return record
    due = (record.lease_until or now) + timedelta(seconds=1)
    waiting = record.recheck_at is not None and now < record.recheck_at <= due
    if waiting:
        return record
    deps.store.send(replace(message, due=due), (due - now).total_seconds())
    return replace(record, recheck_at=due)


def check_later(change: ChangeRecord, deps: Deps, options: RunOptions, delay: float, attempt: int) -> None:
    """Have a change in progress checked after ``delay`` seconds; ``attempt`` counts checks that came to
    nothing.

    A second message with the same token stands in for one whose worker dies before it has done anything,
    which the queue itself would deliver again after ten minutes. As a rule it finds the change further on.
    """
    check = Message(
        kind=MessageKind.CHECK,
        target=change.change.target,
        cause=change.cause,
        token=change.watch,
        change_id=change.id,
        options=options,
        attempt=attempt,
    )
    deps.store.send(check, delay)
    deps.store.send(check, delay + STAND_IN)


def recheck_later(change: ChangeRecord, deps: Deps, options: RunOptions, wait: float) -> None:
    """Have the target of a change looked at after ``wait`` seconds."""
    target = change.change.target
    recheck = Message(kind=MessageKind.RECHECK, target=target, cause=change.cause, options=options)
    deps.store.send(recheck, wait)
