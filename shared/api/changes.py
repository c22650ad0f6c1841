"""Changes over HTTP: list, read, roll back."""

from __future__ import annotations

from typing import Final

from shared.alerts.views import change_view
from shared.api.bodies import RollbackBody, expiry_in, id_in, read_body
from shared.api.http import ApiRequest, ApiResponse, not_found
from shared.api.operator import operator
from shared.api.paging import paged, place_in
from shared.api.queries import ChangeQuery, policies_of, read_query, target_of
from shared.controller.deps import Deps
from shared.controller.rollback import RollbackRequest, roll_back
from shared.state.listings import Wanted

_PATH: Final = "changes"


def list_changes(request: ApiRequest, deps: Deps) -> ApiResponse:
    query = read_query(ChangeQuery, request)
    wanted = Wanted(target=target_of(query), policies=policies_of(query), state=query.outcome)
    page = deps.store.change_page(wanted, query.limit, place_in(query.after, _PATH))
    return paged(request, _PATH, page, change_view)


def get_change(request: ApiRequest, deps: Deps) -> ApiResponse:
    change = deps.store.change(id_in(request, "change"))
    if change is None:
        raise not_found("change with this id")
    return ApiResponse(status=200, body=change_view(change))


def rollback_change(request: ApiRequest, deps: Deps) -> ApiResponse:
    """Begin the rollback; it is a change of its own, and its outcome is found under its own id."""
    change_id = id_in(request, "change")
    body = read_body(RollbackBody, request)
    rollback = RollbackRequest(
        change_id=change_id,
        actor=operator(request, body.by),
        reason=body.reason,
        expires_at=expiry_in(body.expires_at, deps.clock.now()),
    )
    change = roll_back(rollback, deps)
    if change is None:
        raise not_found("change with this id")
    where = {"Location": f"/api/changes/{change.id}"}
    return ApiResponse(status=202, body=change_view(change), headers=where)
