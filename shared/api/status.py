"""How the app is set: mode, scopes, who may write, which switches are on, and what is shut.

This is what health must not say to everybody. It has a path of its own, not one below ``/api/health``: what
the platform's authentication leaves out may stand for everything below it, and there nobody is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from shared.api.admission import ShutRoute, shut
from shared.api.http import ApiResponse
from shared.api.route import Route
from shared.api.sources import Sources
from shared.model import EnforcementMode
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
class StatusView:
    mode: EnforcementMode
    scopes: tuple[str, ...]
    authentication: bool
    """Whether the platform has checked who asks."""
    operator_keys: bool
    """Whether a function key is enough to write."""
    break_glass: tuple[BreakGlassView, ...]
    shut: tuple[ShutRoute, ...]


def status(sources: Sources, routes: Iterable[Route]) -> ApiResponse:
    """Everything at once; a switch that cannot be read is told as such."""
    settings = sources.settings
    view = StatusView(
        mode=settings.mode,
        scopes=tuple(str(scope) for scope in settings.scopes),
        authentication=settings.authentication,
        operator_keys=settings.operator_keys and not settings.authentication,
        break_glass=break_glass(sources),
        shut=shut(routes, settings),
    )
    return ApiResponse(status=200, body=to_json(view))


def break_glass(sources: Sources) -> tuple[BreakGlassView, ...]:
    """The switch of each subscription that is watched, with the blobs that throw it."""
    subscriptions = dict.fromkeys(scope.subscription for scope in sources.settings.scopes)
    try:
        thrown = sources.store.break_glass_switches(sources.settings.scopes)
    except StoreError:
        return tuple(BreakGlassView(subscription=one, switch=Switch.UNREADABLE) for one in subscriptions)
    return tuple(_view(one, thrown) for one in subscriptions)


def _view(subscription: str, thrown: tuple[BreakGlassSwitch, ...]) -> BreakGlassView:
    blobs = tuple(switch for switch in thrown if switch.concerns(subscription))
    return BreakGlassView(subscription=subscription, switch=Switch.ON if blobs else Switch.OFF, blobs=blobs)
