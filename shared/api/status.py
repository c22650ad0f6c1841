"""How the app is set: mode, scopes, who may write, which switches are on, what is shut, and which targets
nobody can judge now.

This is what health must not say to everybody. It has a path of
its own, not one below ``/api/health``: what the platform's authentication leaves out may stand for everything
below it, and there nobody is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Final

from shared.api.admission import ShutRoute, shut
from shared.api.break_glass import BreakGlassView, break_glass
from shared.api.http import ApiResponse
from shared.api.route import Route
from shared.api.sources import Sources
from shared.api.standing import BudgetView, EventView, SweepView, budgets, events, sweeps
from shared.model import EnforcementMode, Severity, Target
from shared.model.alert_records import AlertStatus
from shared.model.codec import to_json
from shared.model.errors import StoreError
from shared.model.memory import TargetRecord, Unread
from shared.model.values import value
from shared.state.listing_rows import COUNTED
from shared.state.listings import Wanted

MOST_COUNTED: Final = COUNTED
"""Open alerts of one severity that are counted: more of them are as bad."""
MOST_UNKNOWN: Final = 200
"""Targets that are listed: where more are unknown, it is no matter of single ones."""


@value
class UnknownTargetView:
    """A target of which nothing could be read when it was last looked at: drift on it goes unseen."""

    target: Target
    since: datetime
    why: str
    """Request and answer: method, path, status, code and what was said."""
    again_at: datetime | None = None
    """When it is asked for again."""


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
    unknown_targets: tuple[UnknownTargetView, ...] | None = ()
    """The first of those that nobody can judge now; None where it cannot be told which they are."""
    sweeps: tuple[SweepView, ...] | None = ()
    events: tuple[EventView, ...] | None = ()
    budgets: tuple[BudgetView, ...] | None = ()
    open_alerts: Mapping[Severity, int] | None = None
    """Those that nobody looks after yet, by severity: of each no more than are counted at once."""


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
        unknown_targets=unknown_targets(sources),
        sweeps=sweeps(sources),
        events=events(sources),
        budgets=budgets(sources),
        open_alerts=open_alerts(sources),
    )
    return ApiResponse(status=200, body=to_json(view))


def open_alerts(sources: Sources) -> Mapping[Severity, int] | None:
    """The severest first; None where they cannot be read."""
    try:
        return {severity: open_of(severity, sources) for severity in Severity}
    except StoreError:
        return None


def open_of(severity: Severity, sources: Sources, state: AlertStatus = AlertStatus.OPEN) -> int:
    """Up to ``MOST_COUNTED``."""
    return sources.store.alert_count(Wanted(state=state, severity=severity))


def unknown_targets(sources: Sources) -> tuple[UnknownTargetView, ...] | None:
    """In the order of the subscriptions; None where they cannot be read."""
    subscriptions = dict.fromkeys(scope.subscription for scope in sources.settings.scopes)
    try:
        listed = (record for one in subscriptions for record in sources.store.unknown.all(one))
        return tuple(map(_unknown, islice(listed, MOST_UNKNOWN)))
    except StoreError:
        return None


def _unknown(record: TargetRecord) -> UnknownTargetView:
    unread = record.unread or Unread(since=record.first_seen, why="")
    return UnknownTargetView(
        target=record.target, since=unread.since, why=unread.why, again_at=unread.again_at
    )
