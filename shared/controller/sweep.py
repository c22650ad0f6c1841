"""The sweep: what no event told us. A pass over every subscription, and what else is due from time to time.

The timer asks for the passes through the queue, one message for each subscription, so that none of them is
longer than the host lets a function run and one that fails holds up no other (``passes``). What else is due
stands each on its own as well: what fails is logged and raised when the rest is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from shared.controller.alert_lines import log_open_alerts
from shared.controller.delivering import call_again
from shared.controller.deps import Deps
from shared.controller.ended_exemptions import resolve_what_is_over
from shared.controller.ended_scopes import look_after_given
from shared.controller.expired_exemptions import tell_of_expired_exemptions
from shared.controller.journaling import keep_journal
from shared.controller.mass_drift import look_after_incident
from shared.controller.measuring import measure_standing
from shared.controller.nearly_spent import end_warnings
from shared.controller.retiring import retire_what_is_old
from shared.controller.sink_alerts import end_alerts_of_former_sinks
from shared.model import Cause, CauseKind, Locator, LocatorKind
from shared.model.errors import GatewayError, StoreError
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId

_FILLED_AT_ONCE: Final = 2_000
"""Rows of each kind from before an index that one sweep enters into it."""


def sweep(deps: Deps) -> None:
    """Ask for a pass over every subscription in the configured scopes, and do what else is due.

    Raises the first error of its parts, when each has had its turn.
    """
    failures = [error for part in _parts(deps) if (error := _failure_of(part, deps)) is not None]
    if failures:
        raise failures[0]


def _parts(deps: Deps) -> Iterator[Callable[[], object]]:
    cause = Cause(kind=CauseKind.SWEEP, time=deps.clock.now())
    subscriptions = sorted({scope.subscription.lower() for scope in deps.settings.scopes})
    yield partial(resolve_what_is_over, cause, deps)
    yield from (partial(ask_for_pass, subscription, cause, deps) for subscription in subscriptions)
    yield from (partial(look_after_incident, subscription, cause, deps) for subscription in subscriptions)
    yield partial(tell_of_expired_exemptions, cause, deps)
    yield partial(look_after_given, cause, deps)
    yield partial(end_warnings, deps)
    yield partial(end_alerts_of_former_sinks, deps)
    yield partial(deps.store.names.forget_old, cause.time)
    yield partial(call_again, cause, deps)
    yield partial(log_open_alerts, deps)
    yield partial(measure_standing, deps)
    yield partial(keep_journal, deps)
    yield partial(retire_what_is_old, deps)
    yield from (partial(deps.store.upkeep.fill, one, _FILLED_AT_ONCE) for one in subscriptions)


def _failure_of(part: Callable[[], object], deps: Deps) -> Exception | None:
    """Why a part failed: what is stored or asked, or a value that it cannot work with."""
    try:
        part()
    except (StoreError, GatewayError, ValueError, LookupError) as error:
        deps.log({"message": "sweep-part-failed", "reason": f"{type(error).__name__}: {error}"})
        return error
    return None


def ask_for_pass(subscription: str, cause: Cause, deps: Deps) -> None:
    """Have a subscription passed over, through the queue."""
    everything = Locator(kind=LocatorKind.SCOPE, id=ResourceId(f"/subscriptions/{subscription}"))
    deps.store.send(Message(kind=MessageKind.SWEEP, locator=everything, cause=cause))
