"""Figures for dashboards: how things stand, and how each framework is met.

A summary reads lists and counts, a bounded number of rows however large the estate is. How a framework is met
is told from what is remembered of each target, all of which is read: ``GET /api/report`` shows the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from shared.api.http import ApiRequest, ApiResponse, invalid
from shared.api.queries import ComplianceQuery, read_query
from shared.api.report import estate_of, kept_by
from shared.api.sources import Sources
from shared.api.standing import SweepView, sweeps
from shared.api.status import MOST_COUNTED, MOST_UNKNOWN, open_of, unknown_targets
from shared.controller.deps import Deps
from shared.model import Severity
from shared.model.alert_records import AlertStatus
from shared.model.codec import to_json
from shared.model.errors import StoreError
from shared.model.values import value
from shared.posture.controls import Control
from shared.report.controls import ControlState, Framework, Standing, frameworks_of
from shared.report.estate import Unlisted
from shared.report.lately import Lately, lately

MOST_LATELY: Final = 100
"""Alerts that are over, and changes, of which a summary tells."""


@value
class SummaryView:
    """What cannot be read is null, and keeps nothing else from being told."""

    taken_at: datetime
    targets: int | None
    """As the last passes of the sweep found them; null before there was one, or where one was not whole."""
    unknown_targets: int | None
    """Those that nobody can judge now: no more than are counted at once."""
    open_alerts: Mapping[Severity, int] | None
    acknowledged_alerts: Mapping[Severity, int] | None
    """Those that somebody looks after; both counts are no more than are counted at once."""
    counted_up_to: int = MOST_COUNTED
    unknown_counted_up_to: int = MOST_UNKNOWN
    lately: Lately | None = None
    sweeps: tuple[SweepView, ...] | None = ()


@value
class ControlView:
    """One control: how it stands, and how many targets stand how."""

    control: Control
    standing: Standing
    not_met: int
    unknown: int
    exempt: int
    met: int
    policies: tuple[str, ...]
    not_asked: tuple[str, ...]
    """Policies that cite it and that judged nothing: without them *met* is not said."""


@value
class FrameworkView:
    name: str
    version: str
    counts: Mapping[Standing, int]
    """Controls by how they stand."""
    controls: tuple[ControlView, ...] | None = None
    """Null where no framework was asked for by name."""


@value
class ComplianceView:
    taken_at: datetime
    targets: int
    unlisted: tuple[Unlisted, ...]
    """Scopes in which there may be targets that nobody knows yet."""
    frameworks: tuple[FrameworkView, ...]


def summary(_request: ApiRequest, sources: Sources) -> ApiResponse:
    now = sources.clock.now()
    passes, unknown = sweeps(sources), unknown_targets(sources)
    view = SummaryView(
        taken_at=now,
        targets=_targets(passes),
        unknown_targets=len(unknown) if unknown is not None else None,
        open_alerts=_alerts(AlertStatus.OPEN, sources),
        acknowledged_alerts=_alerts(AlertStatus.ACKNOWLEDGED, sources),
        lately=_lately(sources, now),
        sweeps=passes,
    )
    return ApiResponse(status=200, body=to_json(view))


def _targets(passes: Sequence[SweepView] | None) -> int | None:
    counts = [one.targets for one in passes or ()]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _alerts(status: AlertStatus, sources: Sources) -> Mapping[Severity, int] | None:
    """The severest first; None where they cannot be read."""
    try:
        return {severity: open_of(severity, sources, status) for severity in Severity}
    except StoreError:
        return None


def _lately(sources: Sources, now: datetime) -> Lately | None:
    try:
        over = list(sources.store.alerts(status=AlertStatus.RESOLVED, limit=MOST_LATELY))
        changes = list(sources.store.changes(limit=MOST_LATELY))
    except StoreError:
        return None
    return lately(over, changes, now, whole=max(len(over), len(changes)) < MOST_LATELY)


# --- frameworks ------------------------------------------------------------------------------------


def compliance(request: ApiRequest, deps: Deps) -> ApiResponse:
    """Without ``framework`` the frameworks with their counts; with it each of its controls. Raises
    ``Refused`` for one that no policy cites."""
    wanted = read_query(ComplianceQuery, request).framework
    estate = estate_of(kept_by(deps), deps)
    found = frameworks_of(estate.results)
    view = ComplianceView(
        taken_at=estate.taken_at,
        targets=len(estate.results),
        unlisted=estate.unlisted,
        frameworks=tuple(_framework(one, whole=wanted is not None) for one in _named(wanted, found)),
    )
    return ApiResponse(status=200, body=to_json(view))


def _named(wanted: str | None, found: Iterable[Framework]) -> list[Framework]:
    """Those whose name begins so, in any letter case: ``CIS`` is every one of CIS, in every version."""
    known = list(found)
    if wanted is None:
        return known
    named = [one for one in known if one.name.lower().startswith(wanted.strip().lower())]
    if not named or not wanted.strip():
        names = ", ".join(dict.fromkeys(one.name for one in known))
        raise invalid("framework", f"no framework is called {wanted[:100]!r}; there are {names}")
    return named


def _framework(one: Framework, *, whole: bool) -> FrameworkView:
    counts = {standing: one.count(standing) for standing in Standing}
    controls = tuple(map(_control, one.controls)) if whole else None
    return FrameworkView(name=one.name, version=one.version, counts=counts, controls=controls)


def _control(one: ControlState) -> ControlView:
    return ControlView(
        control=one.control,
        standing=one.standing,
        not_met=one.unmet,
        unknown=one.unknown,
        exempt=one.exempt,
        met=one.met,
        policies=one.policies,
        not_asked=one.not_asked,
    )
