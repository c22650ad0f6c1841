"""The routes of figures for dashboards, as the table of routes has them."""

from __future__ import annotations

from typing import Final

from shared.api.dashboards import compliance, summary
from shared.api.queries import ComplianceQuery
from shared.api.route import Route, Success, with_deps

DASHBOARD_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        name="summary",
        method="GET",
        path="summary",
        summary="How things stand in a few figures: targets, open alerts, what was resolved lately",
        handler=summary,
        successes=(Success(status=200, text="The figures", shown="Summary"),),
    ),
    Route(
        name="compliance",
        method="GET",
        path="compliance",
        summary="How each framework is met: controls met, not met, exempt, unknown",
        handler=with_deps(compliance),
        successes=(Success(status=200, text="The frameworks", shown="Compliance"),),
        query=ComplianceQuery,
    ),
)
