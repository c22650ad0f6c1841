"""A pass over a subscription: everything is listed, and what may be another than before is looked at.

Listing costs a call for many targets, a look some ten calls for one. So a pass asks for a look at

- what was touched, by the Activity Log (children and what hangs on a resource too) and Resource Graph's
changes,
- what its provider lists with another body or etag than in the last pass, what is new, and what is gone,
- what is remembered and not listed,
- what every pass looks at (``guardrails.attention``), and what an entry of ``policies.yaml`` exempts no more,
- and whose turn it is: every target has one in each ``TURN``, spread evenly, whatever anybody told;

and for a look at everything where none of this can be relied on: the first time, where something could not be
listed or told, and where other code, other policies or another switch judges. What each kind of change is
found by, and how soon, is in docs/adr/0021. Nothing is judged here, and Resource Graph alone leaves nothing
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from shared.controller.choosing_looks import Choice, Looks, Survey
from shared.controller.deps import Deps
from shared.controller.ended_exemptions import tell_of_ended_exemptions
from shared.controller.event_targets import what_was_touched
from shared.controller.lost_passes import pass_is_whole
from shared.controller.spreading import spread
from shared.model import Cause, Target
from shared.model.errors import EntityChanged, GatewayError, Permanent, StoreError, Transient, said_of
from shared.model.messages import Message
from shared.model.resource_id import ResourceId
from shared.model.sweeping import Listed, PassRecord, Watched

TOLD_LATE: Final = timedelta(minutes=20)
"""How much later than it happened the Activity Log and Resource Graph may tell of something."""
PATIENCE: Final = 3
"""How often a pass waits for what passes (throttling) before it goes without and looks at everything."""
SKEW: Final = timedelta(minutes=10)
"""How far the clocks of two workers may be apart."""
TELLS_FOR: Final = timedelta(days=14)
"""How long the last pass is one to go on from: Resource Graph keeps changes for so long."""
_THERE: Final = "there"
"""The digest of what is listed by name only."""


def pass_over(message: Message, deps: Deps) -> None:
    """Do what the timer asked for. Raises what is worth another try, and at the end ``Permanent`` where a
    scope could not be listed: what is remembered there is looked at all the same."""
    assert message.locator is not None
    subscription, cause = message.locator.id.subscription, message.cause
    last = deps.store.passes.last(subscription)
    if last is None or last.began < cause.time or not _is_sane(last, deps):
        last = _pass(subscription, last, message, deps)
    if last.began == cause.time and last.failed:
        raise Permanent(last.failed, code="NotListed")
    if not last.failed:
        pass_is_whole(subscription, deps)


def _pass(subscription: str, known: PassRecord | None, message: Message, deps: Deps) -> PassRecord:
    began = deps.clock.now()
    last = known if known is not None and _is_sane(known, deps) else None
    survey = _survey(subscription, last, message.attempt, deps)
    noted, watched = deps.store.passes.noted(subscription), tuple(deps.store.passes.watched(subscription))
    _tell_of_ends(watched, message.cause, deps)
    choice = Choice(survey=survey, noted=noted, watched=watched, last=last, deps=deps)
    record = _asked(choice, _judged_by(subscription, deps), message.cause)
    deps.store.passes.note(subscription, survey.listed.values(), noted)
    if not survey.unlisted:
        deps.store.passes.forget(subscription, noted.gone(survey.listed.keys()))
        _complete_first_pass(subscription, began, deps)
    _keep(subscription, replace(record, etag=known.etag if known is not None else None), deps)
    return record


def _is_sane(last: PassRecord, deps: Deps) -> bool:
    """Whether a pass began when one can have: none would be newer than one that a wrong clock dated later."""
    now = deps.clock.now()
    return now - TELLS_FOR <= last.began <= now + SKEW


def _asked(choice: Choice, judged_by: str, cause: Cause) -> PassRecord:
    """Ask for the looks, what is urgent first."""
    last, deps = choice.last, choice.deps
    needs_all = choice.needs_all(judged_by)
    is_whole = needs_all and not _is_under_way(last, judged_by, deps)
    urgent = choice.urgent()
    routine = choice.all(but=urgent) if is_whole else choice.turns(but=urgent)
    until = spread(urgent, routine, last, cause, deps)
    _log((choice, urgent, routine), until)
    return PassRecord(
        began=cause.time,
        judged_by=judged_by,
        spread_until=until,
        whole_began=cause.time if is_whole or last is None else last.whole_began,
        whole_until=until if is_whole or last is None else last.whole_until,
        owes_whole=needs_all and not is_whole,
        targets=_targets_in(choice.survey),
        failed="; ".join(choice.survey.unlisted),
    )


def _targets_in(survey: Survey) -> int | None:
    """How many there are; not known where something could not be listed."""
    found = sum(isinstance(one.what, Target) for one in survey.listed.values())
    return None if survey.unlisted else found


def _keep(subscription: str, record: PassRecord, deps: Deps) -> None:
    """Another pass that was faster has asked for the same."""
    try:
        deps.store.passes.keep(subscription, record)
    except EntityChanged:
        return


def _is_under_way(last: PassRecord | None, judged_by: str, deps: Deps) -> bool:
    """Whether looks at everything are still due: they are not asked for twice, but owed once more."""
    if last is None or last.whole_until is None or last.judged_by != judged_by:
        return False
    return last.whole_until > deps.clock.now()


def _judged_by(subscription: str, deps: Deps) -> str:
    """What judges now. Where writes were forbidden and are not any more, all that was left is looked at."""
    try:
        stopped = deps.store.break_glass(subscription, deps.settings.scopes, deps.clock.now())
    except StoreError:
        return f"{deps.judged_by()} unreadable"
    return f"{deps.judged_by()} {deps.settings.mode}{' stopped' if stopped else ''}"


def _tell_of_ends(watched: Iterable[Watched], cause: Cause, deps: Deps) -> None:
    now = deps.clock.now()
    for one in watched:
        if one.look_at is not None and one.look_at <= now:
            tell_of_ended_exemptions(deps.store.recall(one.target, now), cause, deps)


def _complete_first_pass(subscription: str, began: datetime, deps: Deps) -> None:
    """The line between what was inherited and what is new: when the pass began that listed everything."""
    if any(not scope.resource_group for scope in _scopes(subscription, deps)):
        deps.store.first_passes.complete(subscription, began)


def _scopes(subscription: str, deps: Deps) -> list[ResourceId]:
    return [scope for scope in deps.settings.scopes if scope.subscription.lower() == subscription.lower()]


# --- what is there, and what was touched -----------------------------------------------------------


def _survey(subscription: str, last: PassRecord | None, attempt: int, deps: Deps) -> Survey:
    survey = Survey()
    for scope in _scopes(subscription, deps):
        _try(partial(_list, scope, survey, deps), attempt, survey.unlisted)
        _try(partial(_enumerate, scope, survey, deps), attempt, survey.unlisted)
        if last is not None:
            since = last.began - TOLD_LATE
            _try(partial(_touch, scope, since, survey, deps), attempt, survey.untold)
    return survey


def _try(source: Callable[[], None], attempt: int, troubles: list[str]) -> None:
    """One source of three: without it there is more to look at, never less. What passes is waited for."""
    try:
        source()
    except GatewayError as error:
        if isinstance(error, Transient) and attempt < PATIENCE:
            raise
        troubles.append(said_of(error))


def _list(scope: ResourceId, survey: Survey, deps: Deps) -> None:
    for one in deps.gateway.listed(scope):
        survey.listed[one.what.key] = one


def _enumerate(scope: ResourceId, survey: Survey, deps: Deps) -> None:
    for page in deps.gateway.enumerate(scope):
        for target in page.targets:
            survey.listed.setdefault(target.key, Listed(what=target, digest=_THERE))


def _touch(scope: ResourceId, since: datetime, survey: Survey, deps: Deps) -> None:
    for one in deps.gateway.touched(scope, since):
        what = what_was_touched(one)
        if what is not None:
            survey.touched[what.key] = what


def _log(chosen: tuple[Choice, Looks, Looks], until: datetime) -> None:
    choice, urgent, routine = chosen
    choice.deps.log(
        {
            "message": "pass",
            "cause": "sweep",
            "listed": len(choice.survey.listed),
            "touched": len(choice.survey.touched),
            "changed": len(urgent),
            "due": len(routine),
            "until": until.isoformat(),
            "unlisted": "; ".join(choice.survey.unlisted),
            "untold": "; ".join(choice.survey.untold),
            "armCalls": len(choice.deps.gateway.calls),
        }
    )
