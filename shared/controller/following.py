"""What a message about a change in flight does: whoever gets it goes on from where the change stands.

A message is good if the target's row names its token; so the checks of one change form one chain, whoever
died or was slow. Before anything is done the next one is on its way (``holding``). The change's phase says
what is right: what was claimed is proved again and sent, an operation is asked, and everything else is for a
reading to tell, which the ordinary look makes (``reconcile``)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from shared.controller.asking_again import LOOK_AGAIN
from shared.controller.beside_change import in_good_hands
from shared.controller.change_ends import end_orphan, give_up, note_rollback, tell_saved_end
from shared.controller.deps import Deps
from shared.controller.holding import (
    GUARD,
    Overtaken,
    adopted,
    is_ahead,
    keep,
    minded_until,
    save_step,
    watched,
)
from shared.controller.not_continued import was_claimed
from shared.controller.overtaking import attempts
from shared.controller.reconcile import reconcile
from shared.controller.remediation import go_on, poll, still_waits, waiting
from shared.controller.run_results import view_of
from shared.controller.telling import tell_of_slow_revert
from shared.controller.trying_again import unless_raced
from shared.controller.verdicts import PATIENCE
from shared.guardrails.waiting import LONGEST_PAUSE_EXPOSED
from shared.model import Outcome, Target
from shared.model.change_life import IN_FLIGHT
from shared.model.change_records import ChangeKind, ChangeRecord, Phase
from shared.model.errors import EntityChanged, Transient
from shared.model.memory import TargetRecord
from shared.model.messages import Message, MessageKind
from shared.model.results import TargetResult

_FOR_A_READING = frozenset({Phase.SENDING, Phase.SENT})
"""The phases of which a reading tells what is right."""


def follow(message: Message, deps: Deps) -> TargetResult | None:
    """Go on with the change that the message is about; None where it is not the one that may."""
    target = _target_of(message, deps)
    if target is None:
        return None
    record = adopted(deps.store.recall(target, deps.clock.now()), deps)
    change, token = record.change, message.token or ""
    if change is None or change.id != message.change_id:
        _of_no_change(message, record, deps)
        return None
    if token != change.watch:
        if is_ahead(token, change):
            _of_a_step_not_saved(message, record, deps)
        return None
    with suppress(Overtaken):
        return _go_on(change, message, deps)
    return None


def _target_of(message: Message, deps: Deps) -> Target | None:
    if message.target is not None:
        return message.target
    change = deps.store.change(message.change_id) if message.change_id else None
    return change.change.target if change is not None else None


def _of_no_change(message: Message, record: TargetRecord, deps: Deps) -> None:
    """The message is about a change that its target does not hold: it is over, was never claimed, or is
    lost. Whoever was about to claim it may have died: the target is looked at."""
    entered = deps.store.change(message.change_id) if message.change_id else None
    if entered is None:
        _touch(record, deps)
        recheck = Message(kind=MessageKind.RECHECK, target=record.target, cause=message.cause)
        deps.store.send(replace(recheck, options=message.options))
    elif entered.outcome is Outcome.IN_PROGRESS:
        end_orphan(entered, record.change, deps, message.options)


def _of_a_step_not_saved(message: Message, record: TargetRecord, deps: Deps) -> None:
    """Whoever enqueued the message has not saved yet which is good now. It may be slow: the message waits for
    as long as the change is minded. After that its sender is dead, and the change gone on with."""
    now = deps.clock.now()
    if record.lease_until is not None and record.is_held(now):
        deps.store.send(message, (record.lease_until - now).total_seconds())
        return
    with suppress(EntityChanged):
        in_good_hands(record, deps)


def _touch(record: TargetRecord, deps: Deps) -> None:
    """Write the row as it is. Should the sender of a message that the row does not know yet be slow rather
    than dead, its own write fails now: without this it would name a message that is gone."""
    if record.etag is not None:
        with suppress(EntityChanged):
            deps.store.save(record)


def _go_on(change: ChangeRecord, message: Message, deps: Deps) -> TargetResult | None:
    options = message.options
    waits = still_waits(change, deps, options)
    if waits is not None:
        return _slow(waits, deps)
    if change.phase is Phase.RUNNING:
        after = poll(change, deps, options)
    else:
        after = keep(change, change, deps, options, GUARD)
        if after.phase is Phase.ENDED:
            tell_saved_end(after, deps, options)
            return _result(after, deps)
        if after.phase in _FOR_A_READING:
            return _verified(after, message, deps)
        after = _sent(after, message, deps)
    if after.phase is Phase.SENT:
        return _verified(after, message, deps)
    return _slow(after, deps)


def _slow(change: ChangeRecord, deps: Deps) -> TargetResult:
    if change.phase in IN_FLIGHT:
        tell_of_slow_revert(change, deps)
    return _result(change, deps)


def _sent(change: ChangeRecord, message: Message, deps: Deps) -> ChangeRecord:
    """What was claimed, and not sent by whoever claimed it, is proved and sent."""
    if change.kind is ChangeKind.ROLLBACK and was_claimed(change, deps):
        note_rollback(change, deps)
    return go_on(change, deps, message.options)


def _verified(change: ChangeRecord, message: Message, deps: Deps) -> TargetResult | None:
    """Have a reading tell what is right; again later where nothing can be read now, as long as there is
    patience."""
    target, options = change.change.target, message.options
    tries = attempts(target, deps)
    try:
        return unless_raced(lambda: reconcile(target, change.cause, next(tries), options, change))
    except Transient as trouble:
        age = deps.clock.now() - change.created_at
        if age > PATIENCE:
            return _result(give_up(change, trouble, deps, options), deps)
        pause = min(max(LOOK_AGAIN, age.total_seconds() / 4), LONGEST_PAUSE_EXPOSED)
        return _slow(_put_off(change, message, deps, trouble.retry_after or pause), deps)


def _put_off(change: ChangeRecord, message: Message, deps: Deps, delay: float) -> ChangeRecord:
    waits, soon = waiting(change, delay, deps.clock.now())
    after = watched(waits, deps, message.options, soon, message.attempt + 1)
    lease = minded_until(deps.clock.now(), soon)
    save_step(change, after, deps, lambda record: deps.store.save(replace(record, lease_until=lease)))
    return after


def _result(change: ChangeRecord, deps: Deps) -> TargetResult:
    return TargetResult(
        target=change.change.target,
        outcomes={change.change.policy: change.outcome},
        changes=(view_of(change),),
        arm_calls=tuple(deps.gateway.calls),
    )
