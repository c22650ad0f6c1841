"""What is going on in each subscription that is watched, for ``GET /api/status``: the last pass of the sweep,
the last event, and what is left of the hour's writes. What cannot be read is null, and keeps nothing else
from being told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shared.api.sources import Sources
from shared.guardrails.budget import Budget
from shared.model import Actor, Purse
from shared.model.errors import ConfigurationError, StoreError
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class SweepView:
    """The last pass that came to its end; nulls before there was one."""

    subscription: str
    began: datetime | None
    targets: int | None
    """How many it found; null where not everything could be listed."""
    failed: str
    """What could not be listed, and why."""
    looks_until: datetime | None
    """When the last of its looks is due."""


@value
class EventView:
    """The last event that was accepted, to a minute; nulls before there was one."""

    subscription: str
    time: datetime | None = None
    """When what it tells of happened."""
    operation: str | None = None
    target: ResourceId | None = None
    """Whose look it asked for, where that is a target that is known."""
    actor: Actor | None = None


@value
class BudgetView:
    """The writes of the last hour in a subscription, out of one purse."""

    subscription: str
    purse: Purse
    used: int
    cap: int


def sweeps(sources: Sources) -> tuple[SweepView, ...] | None:
    try:
        return tuple(_sweep(one, sources) for one in watched(sources))
    except StoreError:
        return None


def events(sources: Sources) -> tuple[EventView, ...] | None:
    try:
        return tuple(_event(one, sources) for one in watched(sources))
    except StoreError:
        return None


def budgets(sources: Sources) -> tuple[BudgetView, ...] | None:
    try:
        return tuple(view for one in watched(sources) for view in _budgets(one, sources))
    except (StoreError, ConfigurationError):
        return None


def watched(sources: Sources) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scope.subscription for scope in sources.settings.scopes))


def _sweep(subscription: str, sources: Sources) -> SweepView:
    last = sources.store.passes.last(subscription)
    if last is None:
        return SweepView(subscription=subscription, began=None, targets=None, failed="", looks_until=None)
    return SweepView(
        subscription=subscription,
        began=last.began,
        targets=last.targets,
        failed=last.failed,
        looks_until=last.spread_until,
    )


def _event(subscription: str, sources: Sources) -> EventView:
    last = sources.store.heard.last_event(subscription)
    if last is None:
        return EventView(subscription=subscription)
    return EventView(
        subscription=subscription,
        time=last.time,
        operation=last.cause.operation_name,
        target=last.target,
        actor=last.cause.actor,
    )


def _budgets(subscription: str, sources: Sources) -> Iterator[BudgetView]:
    spent = sources.store.budget(subscription, sources.clock.now())
    for purse in Purse:
        cap = sources.configuration.limits.caps(purse).subscription
        yield BudgetView(subscription=subscription, purse=purse, used=_used(spent, purse), cap=cap)


def _used(spent: Budget, purse: Purse) -> int:
    return sum(entry.writes for entry in spent.spent if entry.purse is purse)
