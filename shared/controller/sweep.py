"""The sweep: what no event told us. A pass over every subscription, and what else is due from time to time.

The timer asks for the passes through the queue, one message for each subscription, so that none of them is
longer than the host lets a function run and one that fails holds up no other (``passes``).
"""

from __future__ import annotations

from typing import Final

from shared.controller.delivering import call_again
from shared.controller.deps import Deps
from shared.controller.ended_exemptions import resolve_what_is_over
from shared.controller.expired_exemptions import tell_of_expired_exemptions
from shared.controller.journaling import keep_journal
from shared.controller.nearly_spent import end_warnings
from shared.model import Cause, CauseKind, Locator, LocatorKind
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId

_FILLED_AT_ONCE: Final = 2_000
"""Rows of each kind from before an index that one sweep enters into it."""


def sweep(deps: Deps) -> None:
    """Ask for a pass over every subscription in the configured scopes."""
    cause = Cause(kind=CauseKind.SWEEP, time=deps.clock.now())
    resolve_what_is_over(cause, deps)
    subscriptions = sorted({scope.subscription.lower() for scope in deps.settings.scopes})
    for subscription in subscriptions:
        everything = Locator(kind=LocatorKind.SCOPE, id=ResourceId(f"/subscriptions/{subscription}"))
        deps.store.send(Message(kind=MessageKind.SWEEP, locator=everything, cause=cause))
    tell_of_expired_exemptions(cause, deps)
    end_warnings(cause, deps)
    deps.store.names.forget_old(cause.time)
    call_again(cause, deps)
    keep_journal(deps)
    for subscription in subscriptions:
        deps.store.upkeep.fill(subscription, _FILLED_AT_ONCE)
