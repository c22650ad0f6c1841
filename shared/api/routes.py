"""The table of routes: the one place that says what the API consists of.

The functions of ``functions/http_api.py`` have the names, methods and paths of this table (a test
compares them as the engine reports them); the OpenAPI document is generated from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.api.alerts import acknowledge_alert, approve_alert, get_alert, list_alerts
from shared.api.bodies import (
    AcknowledgeBody,
    ApproveBody,
    BreakGlassBody,
    ExplainBody,
    RollbackBody,
    RunBody,
)
from shared.api.break_glass import set_break_glass
from shared.api.changes import get_change, list_changes, rollback_change
from shared.api.dashboard_routes import DASHBOARD_ROUTES
from shared.api.doctor import PATH, DeepQuery, doctor, is_deep, led_there
from shared.api.exemption_routes import EXEMPTION_ROUTES
from shared.api.health import health
from shared.api.http import ApiRequest, ApiResponse
from shared.api.nsg import explain_nsg
from shared.api.page_routes import PAGES
from shared.api.queries import AlertQuery, ChangeQuery, RunQuery
from shared.api.rights import Right
from shared.api.route import BAD_BODY, Raised, Route, Success, with_deps
from shared.api.runs import get_run, may_write, start_run
from shared.api.sources import Sources
from shared.api.status import status
from shared.api.views import policy_view
from shared.controller.deps import Deps
from shared.model.codec import to_json


def list_policies(_request: ApiRequest, deps: Deps) -> ApiResponse:
    """The catalogue, in the order in which changes are made."""
    views = [to_json(policy_view(policy, deps.configuration)) for policy in deps.policies]
    return ApiResponse(status=200, body=views)


def openapi(_request: ApiRequest, _sources: Sources) -> ApiResponse:
    """The document that describes all this."""
    from shared.api.openapi import document

    return ApiResponse(status=200, body=document(ROUTES))


_AZURE: Final = (
    "azure-conflict",
    "azure-locked",
    "server-stopped",
    "azure-denied",
    "azure-refused",
    "azure-throttled",
    "azure-busy",
    "azure-unavailable",
)
_ROLLBACK: Final = (
    "not-applied",
    "already-rolled-back",
    "changed-since",
    "not-recorded",
    "not-proved",
    "outside-scopes",
    "policy-unknown",
    "break-glass",
    "break-glass-unreadable",
    "budget-exhausted",
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        name="health",
        method="GET",
        path="health",
        summary="Whether settings, policies.yaml and the store are usable",
        handler=lambda request, sources: led_there() if is_deep(request) else health(sources, ROUTES),
        successes=(
            Success(status=200, text="Everything is fine", shown="Health"),
            Success(status=503, text="Some part is not", shown="Health"),
        ),
        query=DeepQuery,
        problems=("invalid-input",),
        right=Right.NONE,
    ),
    Route(
        name="doctor",
        method="GET",
        path=PATH,
        summary="What the installation lacks, with the commands that mend it; nothing is sent to anybody",
        handler=lambda _, sources: doctor(sources),
        successes=(
            Success(status=200, text="Nothing is missing", shown="Examination"),
            Success(status=503, text="Something is missing, or not known", shown="Examination"),
        ),
    ),
    Route(
        name="status",
        method="GET",
        path="status",
        summary="In which mode the app is, where, which switches are on, and what is shut",
        handler=lambda _, sources: status(sources, ROUTES),
        successes=(Success(status=200, text="How the app is set", shown="Status"),),
    ),
    Route(
        name="set_break_glass",
        method="POST",
        path="break-glass",
        summary="Stop every write, for a while or until it is taken back; or take that back",
        handler=set_break_glass,
        successes=(Success(status=200, text="What is stopped now", shown="BreakGlass"),),
        problems=BAD_BODY,
        body=BreakGlassBody,
        right=Right.OPERATE,
    ),
    Route(
        name="start_run",
        method="POST",
        path="runs",
        summary="Look at one resource now, or at everything in a scope through the queue",
        handler=with_deps(start_run),
        successes=(
            Success(status=200, text="Done: nothing long-running was begun", shown="Run"),
            Success(status=202, text="Queued or in progress", shown="Run", located=True),
        ),
        problems=(*BAD_BODY, "not-found", "enforcement-disabled", "concurrent-change", *_AZURE),
        body=RunBody,
        raised=Raised(right=Right.OPERATE, when="the run enforces or adopts", applies=may_write),
    ),
    Route(
        name="get_run",
        method="GET",
        path="runs/{id}",
        summary="What became of a run so far",
        handler=with_deps(get_run),
        successes=(Success(status=200, text="The run", shown="Run"),),
        problems=("not-found",),
        query=RunQuery,
    ),
    Route(
        name="list_alerts",
        method="GET",
        path="alerts",
        summary="Alerts, last seen first",
        handler=with_deps(list_alerts),
        successes=(Success(status=200, text="The alerts that fit", shown="Alert", many=True, paged=True),),
        query=AlertQuery,
    ),
    Route(
        name="get_alert",
        method="GET",
        path="alerts/{id}",
        summary="One alert",
        handler=with_deps(get_alert),
        successes=(Success(status=200, text="The alert", shown="Alert"),),
        problems=("not-found",),
    ),
    Route(
        name="acknowledge_alert",
        method="POST",
        path="alerts/{id}/acknowledge",
        summary="Say that somebody looks after an alert",
        handler=with_deps(acknowledge_alert),
        successes=(Success(status=200, text="The alert, acknowledged", shown="Alert"),),
        problems=(*BAD_BODY, "not-found", "illegal-transition", "concurrent-change"),
        right=Right.OPERATE,
        body=AcknowledgeBody,
        body_required=False,
    ),
    Route(
        name="approve_alert",
        method="POST",
        path="alerts/{id}/approve",
        summary="Consent to reverting this drift, for a short time; it is proved again before writing",
        handler=with_deps(approve_alert),
        successes=(
            Success(status=202, text="The alert, approved; a look is queued", shown="Alert", located=True),
        ),
        problems=(
            *BAD_BODY,
            "own-write",
            "not-found",
            "enforcement-disabled",
            "illegal-transition",
            "changed-since",
            "concurrent-change",
        ),
        right=Right.APPROVE,
        body=ApproveBody,
        body_required=False,
    ),
    Route(
        name="list_changes",
        method="GET",
        path="changes",
        summary="Changes, newest first",
        handler=with_deps(list_changes),
        successes=(Success(status=200, text="The changes that fit", shown="Change", many=True, paged=True),),
        query=ChangeQuery,
    ),
    Route(
        name="get_change",
        method="GET",
        path="changes/{id}",
        summary="One change",
        handler=with_deps(get_change),
        successes=(Success(status=200, text="The change", shown="Change"),),
        problems=("not-found",),
    ),
    Route(
        name="rollback_change",
        method="POST",
        path="changes/{id}/rollback",
        summary="Undo a change; what is put back is exempt from its policy until the expiry",
        handler=with_deps(rollback_change),
        successes=(Success(status=202, text="The rollback, itself a change", shown="Change", located=True),),
        problems=(
            *BAD_BODY,
            "not-found",
            "enforcement-disabled",
            *_ROLLBACK,
            "concurrent-change",
            *_AZURE,
        ),
        body=RollbackBody,
        right=Right.OPERATE,
    ),
    *EXEMPTION_ROUTES,
    Route(
        name="list_policies",
        method="GET",
        path="policies",
        summary="The catalogue of policies, in the order in which their changes are made",
        handler=with_deps(list_policies),
        successes=(Success(status=200, text="The policies", shown="Policy", many=True),),
    ),
    Route(
        name="explain_nsg",
        method="POST",
        path="nsg/explain",
        summary="What an NSG does to some traffic, why, and which rule to add; nothing is written",
        handler=with_deps(explain_nsg),
        successes=(Success(status=200, text="The answer", shown="Explanation"),),
        problems=(*BAD_BODY, "not-found", "too-complex", *_AZURE),
        body=ExplainBody,
    ),
    Route(
        name="openapi",
        method="GET",
        path="openapi.json",
        summary="This document",
        handler=openapi,
        successes=(Success(status=200, text="OpenAPI 3.1", shown="OpenApi"),),
    ),
    *PAGES,
    *DASHBOARD_ROUTES,
)
BY_NAME: Final[Mapping[str, Route]] = {route.name: route for route in ROUTES}
