"""When Event Grid last delivered to us, by its own count.

That nothing was delivered for a day is no fault by itself, for nothing may have been written; beside what the
app says of the last event that it accepted (``driftward status``) it tells on which side of the door events
are lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from shared.controller.doctor.checks import Check, Installation, State
from shared.model.errors import Denied, GatewayError
from shared.model.event_grid import EventSubscription

LOOKED_BACK: Final = timedelta(days=1)


def deliveries(
    name: str, ours: list[EventSubscription], installation: Installation, remedy: tuple[str, ...]
) -> Iterator[Check]:
    """One check for each of our event subscriptions on a system topic; an extension counts nowhere that we
    may look. ``remedy`` is what lets our identity read the count."""
    for one in ours:
        if one.topic:
            yield _of(name, one, installation, remedy)


def _of(name: str, one: EventSubscription, installation: Installation, remedy: tuple[str, ...]) -> Check:
    now = installation.clock.now()
    try:
        last = installation.surroundings().last_delivery(one, now - LOOKED_BACK, now)
    except Denied as error:
        return Check(name=name, state=State.MISSING, said=f"deliveries are not shown: {error}", remedy=remedy)
    except GatewayError as error:
        return Check(name=name, state=State.UNKNOWN, said=f"deliveries are not known: {error}")
    if last is None:
        return Check(name=name, state=State.OK, said=f"nothing was delivered to {one.name!r} for a day")
    return Check(name=name, state=State.OK, said=f"last delivered to {one.name!r} at {last.isoformat()}")
