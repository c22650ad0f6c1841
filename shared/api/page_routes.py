"""The routes that people look at with a browser; ``routes`` has them in its table."""

from __future__ import annotations

from typing import Final

from shared.api.alert_page import acknowledge_on_page, approve_on_page, show_alert_page
from shared.api.bodies import PageForm
from shared.api.report import report
from shared.api.rights import Right
from shared.api.route import Route, Success, with_deps

_FORM: Final = ("invalid-input", "too-large", "form-not-ours", "form-expired")
_BACK: Final = Success(status=303, text="Done: the page shows it", shown="Page", located=True)

PAGES: Final[tuple[Route, ...]] = (
    Route(
        name="show_alert_page",
        method="GET",
        path="alerts/{id}/page",
        summary="The page of an alert for whoever signed in; nothing is done by looking at it",
        handler=show_alert_page,
        successes=(Success(status=200, text="The alert, or how to act without a sign-in", shown="Page"),),
        problems=("sign-in-required", "not-found"),
        right=Right.SIGN_IN,
        page=True,
    ),
    Route(
        name="acknowledge_on_page",
        method="POST",
        path="alerts/{id}/page/acknowledge",
        summary="Acknowledge what the page has shown",
        handler=with_deps(acknowledge_on_page),
        successes=(_BACK,),
        problems=(*_FORM, "not-found", "illegal-transition", "changed-since", "concurrent-change"),
        right=Right.OPERATE,
        body=PageForm,
        page=True,
    ),
    Route(
        name="approve_on_page",
        method="POST",
        path="alerts/{id}/page/approve",
        summary="Approve what the page has shown",
        handler=with_deps(approve_on_page),
        successes=(_BACK,),
        problems=(
            *_FORM,
            "own-write",
            "not-found",
            "enforcement-disabled",
            "illegal-transition",
            "changed-since",
            "concurrent-change",
        ),
        right=Right.APPROVE,
        body=PageForm,
        page=True,
    ),
    Route(
        name="report",
        method="GET",
        path="report",
        summary="The report on everything that is watched, as one HTML page that needs nothing else",
        handler=with_deps(report),
        successes=(Success(status=200, text="The page", shown="Page"),),
    ),
)
