"""A pass of the sweep that the platform gave up is an alert of its subscription, until a pass is whole again.

It stands beside the alerts of messages that were about targets: nobody has looked for what no event told.
"""

from __future__ import annotations

from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert
from shared.controller.deps import Deps
from shared.controller.incidents import place_of
from shared.controller.notifying import open_once, resolve_if_open

LOST_PASS: Final = Pattern(
    id=patterns.POISONED,
    title="A pass of the sweep was given up",
    why="Until a pass is whole, drift of which no event tells may go unseen in this subscription.",
    no_command="mend what the reason names; the next pass is asked for by the timer",
)


def tell_of_lost_pass(subscription: str, sighting: Sighting, deps: Deps) -> None:
    """Open the alert, unless it is open."""
    portal = deps.portal_link(place_of(subscription).id)
    open_once(_alert_of(subscription), lambda: open_alert(LOST_PASS, sighting, portal), sighting.cause, deps)


def pass_is_whole(subscription: str, deps: Deps) -> None:
    resolve_if_open(_alert_of(subscription), "a pass over the subscription was whole", deps)


def _alert_of(subscription: str) -> str:
    return alert_id(LOST_PASS.id, place_of(subscription), patterns.OF_LOOKS)
