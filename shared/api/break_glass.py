"""Break-glass over HTTP: what the switch says of each subscription, and how it is thrown.

The blob that is the switch can be made without us as well, and counts the same.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.api.bodies import BreakGlassBody, expiry_in, read_body
from shared.api.http import ApiRequest, ApiResponse, invalid
from shared.api.operator import operator
from shared.api.sources import Sources
from shared.controller.throwing import Order, throw
from shared.model.codec import to_json
from shared.model.errors import StoreError
from shared.model.values import value
from shared.state.break_glass import BreakGlassSwitch


class Switch(StrEnum):
    ON = "on"
    OFF = "off"
    UNREADABLE = "unreadable"
    """Counts as on: nothing is written."""


@value
class BreakGlassView:
    """The switch of one subscription, and with it that of all."""

    subscription: str
    switch: Switch
    blobs: tuple[BreakGlassSwitch, ...] = ()
    """Those that throw it, with what they say."""


@value
class BreakGlassState:
    """The switch as it is now."""

    break_glass: tuple[BreakGlassView, ...]


def break_glass(sources: Sources) -> tuple[BreakGlassView, ...]:
    """The switch of each subscription that is watched, with the blobs that throw it."""
    subscriptions = dict.fromkeys(scope.subscription for scope in sources.settings.scopes)
    try:
        thrown = sources.store.break_glass_switches(sources.settings.scopes, sources.clock.now())
    except StoreError:
        return tuple(BreakGlassView(subscription=one, switch=Switch.UNREADABLE) for one in subscriptions)
    return tuple(_view(one, thrown) for one in subscriptions)


def set_break_glass(request: ApiRequest, sources: Sources) -> ApiResponse:
    """Throw the switch or take it back; answers with what is thrown now."""
    body, deps = read_body(BreakGlassBody, request), sources.deps()
    order = Order(
        on=body.on,
        actor=operator(request, body.by),
        reason=body.reason,
        subscription=_watched(body.subscription, sources),
        until=_end(body, deps.clock.now()),
    )
    throw(order, deps)
    return ApiResponse(status=200, body=to_json(BreakGlassState(break_glass=break_glass(sources))))


def _watched(named: str | None, sources: Sources) -> str | None:
    """Raises ``Refused`` for a subscription that is not watched: its switch would stop every write."""
    watched = {scope.subscription.lower() for scope in sources.settings.scopes}
    if named is not None and named.strip().lower() not in watched:
        raise invalid("subscription", f"subscription: none of {', '.join(sorted(watched)) or 'no scopes'}")
    return None if named is None else named.strip().lower()


def _end(body: BreakGlassBody, now: datetime) -> datetime | None:
    if body.expires_at is not None and not body.on:
        raise invalid("expiresAt", "expiresAt: only a switch that is thrown has an end")
    return None if body.expires_at is None else expiry_in(body.expires_at, now)


def _view(subscription: str, thrown: tuple[BreakGlassSwitch, ...]) -> BreakGlassView:
    blobs = tuple(switch for switch in thrown if switch.concerns(subscription))
    return BreakGlassView(subscription=subscription, switch=Switch.ON if blobs else Switch.OFF, blobs=blobs)
