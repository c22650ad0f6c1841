"""Throwing the break-glass switch, and taking it back: the deed stands in the journal at once.

Once writes are allowed again, what was left is looked at now: a pass over a subscription that was stopped
asks for everything. That a switch has ended by its time is found by the sweep.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from shared.controller.deps import Deps
from shared.controller.journaling import note_switches
from shared.controller.sweep import ask_for_pass
from shared.model import Actor, Cause, CauseKind
from shared.model.errors import EntityChanged
from shared.model.values import value


@value
class Order:
    """What somebody wants of the switch; without a subscription it is that of everything."""

    on: bool
    actor: Actor
    reason: str
    subscription: str | None = None
    until: datetime | None = None


def throw(order: Order, deps: Deps) -> None:
    """Raises ``StoreError`` where it is not known what became of it."""
    now, named = deps.clock.now(), order.actor.name or order.actor.object_id or "operator"
    deps.store.set_break_glass(
        order.on, order.subscription, by=named, reason=order.reason, now=now, until=order.until
    )
    with suppress(EntityChanged):  # another worker has just seen the same
        note_switches(deps)
    deps.log({"message": "break-glass", "on": order.on, "subscription": order.subscription, "by": named})
    if not order.on:
        _look_again(order, Cause(kind=CauseKind.OPERATOR, time=now, actor=order.actor), deps)


def _look_again(order: Order, cause: Cause, deps: Deps) -> None:
    watched = sorted({scope.subscription.lower() for scope in deps.settings.scopes})
    for subscription in watched:
        if order.subscription in (None, subscription):
            ask_for_pass(subscription, cause, deps)
