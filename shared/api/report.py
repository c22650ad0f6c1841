"""The report over HTTP: the very page that a scan writes, of what the app remembers, with its past.

Nothing of Azure is read for it. All memories of targets, alerts and changes are: whoever wants a number asks
the routes that list them. A browser is told what the page says itself: nothing but its own script runs, and
nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from shared.api.html import HEADERS
from shared.api.http import HTML, ApiRequest, ApiResponse
from shared.controller.deps import Deps
from shared.controller.exemptions import Given, all_given
from shared.model.change_records import ChangeRecord
from shared.model.memory import TargetRecord
from shared.report.estate import Estate, Unlisted
from shared.report.history import Ending, Kept, history_of
from shared.report.page import document
from shared.report.page.assets import assets
from shared.report.remembered import InForce, remembered
from shared.report.rows import Report, report_of

_POLICY: Final = "Content-Security-Policy"
MOST_CHANGES: Final = 20_000
"""The newest; what is older than the time of the report is in none of its figures."""
_NEVER: Final = "no pass of the sweep has come to its end yet: not every target may be known"


def report(_request: ApiRequest, deps: Deps) -> ApiResponse:
    page = document.text(whole_report(deps))
    return ApiResponse(status=200, body=page, headers=_headers(), media_type=HTML)


@cache
def _headers() -> Mapping[str, str]:
    return {**HEADERS, _POLICY: f"{assets().policy}; frame-ancestors 'none'"}


def whole_report(deps: Deps) -> Report:
    """Everything that is remembered of the targets in the scopes, and their past."""
    kept = kept_by(deps, tuple(deps.store.changes(limit=MOST_CHANGES)))
    return report_of(estate_of(kept, deps), "", history=history_of(kept, deps.clock.now()))


def kept_by(deps: Deps, changes: tuple[ChangeRecord, ...] = ()) -> Kept:
    """What is kept; the changes are those that are given."""
    alerts, exemptions = tuple(deps.store.alerts(limit=None)), tuple(map(_ending, all_given(deps)))
    return Kept(alerts=alerts, changes=changes, exemptions=exemptions)


def estate_of(kept: Kept, deps: Deps) -> Estate:
    """The targets in the scopes, as they were when they were last looked at."""
    scopes, now = [str(scope) for scope in deps.settings.scopes], deps.clock.now()
    in_force = InForce(may_be_on=deps.configuration.may_be_on, exemptions=kept.exemptions, now=now)
    return remembered(_records(deps), kept.alerts, scopes, list(_unlisted(deps)), in_force)


def _ending(given: Given) -> Ending:
    return Ending(
        policy=given.policy,
        scope=str(given.scope),
        reason=given.reason,
        approver=given.approver,
        expires_at=given.expires_at,
    )


def _subscriptions(deps: Deps) -> list[str]:
    return sorted({scope.subscription.lower() for scope in deps.settings.scopes})


def _records(deps: Deps) -> Iterator[TargetRecord]:
    """The targets of the scopes: what is remembered from wider ones is nobody's concern now."""
    watched = deps.settings.scopes
    for subscription in _subscriptions(deps):
        for record in deps.store.known_targets(subscription):
            if any(record.target.id.within(scope) for scope in watched):
                yield record


def _unlisted(deps: Deps) -> Iterator[Unlisted]:
    """Where a target may be that nobody knows yet."""
    for subscription in _subscriptions(deps):
        last = deps.store.passes.last(subscription)
        if last is None or last.failed:
            reason = _NEVER if last is None else last.failed
            yield Unlisted(scope=f"/subscriptions/{subscription}", reason=reason)
