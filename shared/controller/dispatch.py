"""What becomes of one message of the queue: a look, a check on a change, a fan-out, a delivery.

Nothing is judged here. A target that cannot be read now is tried again later by re-enqueueing the same
message with the wait that ARM asked for; when that has happened too often the message is allowed to fail,
and the platform hands it to the poison queue, which opens an alert.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.controller.delivering import deliver
from shared.controller.deps import Deps
from shared.controller.event_targets import may_be_moved
from shared.controller.following import follow
from shared.controller.overtaking import attempts
from shared.controller.passes import pass_over
from shared.controller.reconcile import reconcile
from shared.controller.run_results import keep_result
from shared.controller.spreading import ask_for
from shared.controller.trying_again import unless_raced
from shared.model import Cause, CauseKind, Locator, LocatorKind, Target
from shared.model.errors import Denied, Gone, Transient, said_of
from shared.model.interfaces import Enumerated
from shared.model.messages import Message, MessageKind, RunOptions, look
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.state.coalescing import Started

MOST_ATTEMPTS: Final = 8
"""Re-enqueues of one message because ARM was throttling, busy or broken: about half an hour."""
LONGEST_WAIT: Final = 300.0
LISTING_LAGS: Final = 180.0
"""Seconds after which Resource Graph lists what was moved; it says of itself a minute or two."""


def dispatch(message: Message, deps: Deps) -> TargetResult | None:
    """Do what ``message`` asks. Raises what the platform should retry; None means nothing to tell."""
    message = message.not_after(deps.clock.now())
    if message.cause.kind is CauseKind.SWEEP and message.kind is not MessageKind.CHECK:
        deps.gateway.give_way()
    try:
        return _by_kind(message, deps)
    except Transient as trouble:
        if message.attempt >= MOST_ATTEMPTS:
            raise
        wait = trouble.retry_after or min(2.0**message.attempt * 5, LONGEST_WAIT)
        again = replace(message, attempt=message.attempt + 1, trouble=said_of(trouble))
        deps.store.send(again, wait)
        return None


def _by_kind(message: Message, deps: Deps) -> TargetResult | None:
    match message.kind:
        case MessageKind.LOOK:
            return _look(message, deps)
        case MessageKind.RECHECK:
            return _recheck(message, deps)
        case MessageKind.CHECK:
            return _check(message, deps)
        case MessageKind.SCOPE:
            _fan_out(message, deps)
            return None
        case MessageKind.SWEEP:
            pass_over(message, deps)
            return None
        case MessageKind.SPREAD:
            ask_for(message, deps)
            return None
        case MessageKind.NOTIFY:
            deliver(message, deps)
            return None


def look_at(
    target: Target,
    cause: Cause,
    deps: Deps,
    options: RunOptions | None = None,
    began: Started | None = None,
) -> TargetResult:
    """Reconcile, again when another worker was faster; and keep the result for the run that asked."""
    tries = attempts(target, deps, began)
    result = unless_raced(lambda: reconcile(target, cause, next(tries), options))
    keep_result(result, options, deps)
    return result


def _recheck(message: Message, deps: Deps) -> TargetResult:
    """Ask again."""
    assert message.target is not None
    unless_raced(lambda: _note_early(message, deps))
    return look_at(message.target, message.cause, deps, message.options)


def _note_early(message: Message, deps: Deps) -> None:
    """A question that comes before it is due was put off by a clock that is ahead of ours: what is noted of
    it would look like a message that is still on its way."""
    assert message.target is not None
    if message.due is None or message.due <= deps.clock.now():
        return
    record = deps.store.recall(message.target, deps.clock.now())
    if record.recheck_at == message.due:
        deps.store.save(replace(record, recheck_at=None))


def _look(message: Message, deps: Deps) -> TargetResult | None:
    began = deps.store.start(message, deps.clock.now())
    if began is None:
        return None
    result = None
    if message.target is not None:
        result = look_at(message.target, began.cause, deps, message.options, began)
    elif message.locator is not None:
        _expand(message.locator, began.cause, deps)
    deps.store.finish(message, began)
    return result


def _expand(locator: Locator, cause: Cause, deps: Deps) -> None:
    """Ask for a look at every target that the locator names now or was known to name.

    After a delete only what was known tells where to look: the relation index, and for a resource
    group that was deleted or emptied the targets that are remembered in it. What is in a group may matter to
    targets elsewhere: a lock on the hub's group is one on the zone that holds their names.
    """
    known = _known(locator, deps)
    if locator.kind is not LocatorKind.SCOPE:
        found = _named_now(locator, deps)
        ask(replace(found, targets=tuple({*found.targets, *known})), cause, deps)
        return
    ask(Enumerated(targets=known), cause, deps)
    for page in _listed_now(locator.id, deps):
        ask(page, cause, deps)
    if may_be_moved(cause):
        _look_for_newcomers(locator, cause, deps)


def _look_for_newcomers(left: Locator, cause: Cause, deps: Deps) -> None:
    """What was moved out of a group is elsewhere in the scopes, at an id that nobody remembers.

    Something that arrived with it may hang on it already: only what was looked at is remembered. The listing
    may lag behind a move: it is asked once more, a little later.
    """
    for scope in deps.settings.scopes:
        remembered = {one.target.key for one in deps.store.passes.watched(scope.subscription)}
        for page in _listed_now(scope, deps):
            new = tuple(target for target in page.targets if target.key not in remembered)
            ask(replace(page, targets=new), cause, deps)
    if cause.kind is CauseKind.EVENT:
        again = replace(cause, kind=CauseKind.SWEEP, earlier=())
        message = Message(kind=MessageKind.LOOK, locator=left, cause=again)
        deps.store.arm(message, deps.clock.now(), LISTING_LAGS)


def _known(locator: Locator, deps: Deps) -> tuple[Target, ...]:
    if locator.kind is not LocatorKind.SCOPE:
        return deps.store.related(locator)
    return deps.store.known_in(locator.id)


def _named_now(locator: Locator, deps: Deps) -> Enumerated:
    """What the locator names by a read: nothing where it is gone, or lies where our identity may not read.

    Events tell of every endpoint of a subscription, also in groups that are none of ours.
    """
    try:
        return deps.gateway.find_targets(locator)
    except Gone:
        return Enumerated(targets=())
    except Denied as refusal:
        _log_unreadable(locator, refusal, deps)
        return Enumerated(targets=())


def _listed_now(scope: ResourceId, deps: Deps) -> Iterator[Enumerated]:
    """What lies in a scope now, as far as our identity may know."""
    try:
        yield from deps.gateway.enumerate(scope)
    except Denied as refusal:
        _log_unreadable(Locator(kind=LocatorKind.SCOPE, id=scope), refusal, deps)


def _log_unreadable(locator: Locator, refusal: Denied, deps: Deps) -> None:
    deps.log({"message": "locator-not-readable", "locator": locator.key, "reason": str(refusal)})


def ask(page: Enumerated, cause: Cause, deps: Deps) -> int:
    """Remember how things hang together and ask for a look at every target within the scopes.

    Returns how many."""
    now = deps.clock.now()
    deps.store.relate(page.relations, now)
    covered = [target for target in page.targets if deps.settings.covers(target.id)]
    for target in sorted(covered, key=lambda target: target.key):
        deps.store.arm(look(target, cause), now, 0)
    return len(covered)


def _check(message: Message, deps: Deps) -> TargetResult | None:
    """Go on with a change in flight; a message that its target does not wait for is stale."""
    result = follow(message, deps)
    if result is not None:
        keep_result(result, message.options, deps)
    return result


def nothing_in(scope: ResourceId) -> str:
    """What to say of a scope in which no target is found."""
    return (
        f"no PostgreSQL server and no subnet of one is found in {scope}: it does not exist, holds none, or "
        "lies where Driftward may not read; new resources show after a minute or two"
    )


def _fan_out(message: Message, deps: Deps) -> None:
    """Enumerate the scope of an operator's run; every target gets a message with the run's options."""
    assert message.locator is not None
    try:
        targets = {target for page in _pages(message.locator.id, deps) for target in page.targets}
    except Denied as refusal:
        _end_run(message, str(refusal), deps)
        return
    if not targets:
        _end_run(message, nothing_in(message.locator.id), deps)
        return
    for target in sorted(targets, key=lambda target: target.key):
        deps.store.send(
            Message(kind=MessageKind.RECHECK, target=target, cause=message.cause, options=message.options)
        )
    run = deps.store.run(message.options.run_id) if message.options.run_id else None
    if run is not None:
        deps.store.put_run(replace(run, total=len(targets)))


def _end_run(message: Message, error: str, deps: Deps) -> None:
    """The run has failed: nothing is looked at."""
    run = deps.store.run(message.options.run_id) if message.options.run_id else None
    if run is not None:
        deps.store.put_run(replace(run, total=0, error=error))


def _pages(scope: ResourceId, deps: Deps) -> list[Enumerated]:
    pages = list(deps.gateway.enumerate(scope))
    for page in pages:
        deps.store.relate(page.relations, deps.clock.now())
    return pages
