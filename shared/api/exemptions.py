"""Exemptions over HTTP: list those of the file and of the memory, revoke one of the memory."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.api.bodies import RevokeBody, id_in, read_body
from shared.api.http import ApiRequest, ApiResponse, Refused, not_found
from shared.api.operator import operator
from shared.api.paging import paged, place_in
from shared.api.queries import ExemptionQuery, policies_of, read_query, target_of
from shared.controller.deps import Deps
from shared.controller.exemptions import Given, StandsInTheFile, all_given, revoke
from shared.model import Json
from shared.model.codec import to_json
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.state.listings import Page

_PATH: Final = "exemptions"


class Source(StrEnum):
    FILE = "file"
    ROLLBACK = "rollback"


@value
class ExemptionView:
    """A stated reason not to act on a policy, until its end."""

    id: str
    source: Source
    place: str | None
    """The line of `policies.yaml` that says so; null for one that came with a rollback."""
    policy: str
    scope: ResourceId
    reason: str
    approver: str
    expires_at: datetime
    standing: bool
    """False once it has ended."""
    rollback: str | None
    """The change that it came with."""
    covers: tuple[str, ...]
    """What the rollback undid: nothing else is exempt. Empty: whatever the policy finds."""


def list_exemptions(request: ApiRequest, deps: Deps) -> ApiResponse:
    """Those that end first come first."""
    query, now = read_query(ExemptionQuery, request), deps.clock.now()
    after = place_in(query.after, _PATH)
    listed = sorted((one for one in all_given(deps) if _is_wanted(one, query, now)), key=by_end)
    behind = [one for one in listed if by_end(one) > after]
    shown, more = behind[: query.limit], len(behind) > query.limit
    page = Page(tuple(shown), len(listed), by_end(shown[-1]) if more else None)
    return paged(request, _PATH, page, lambda one: exemption_view(one, now))


def revoke_exemption(request: ApiRequest, deps: Deps) -> ApiResponse:
    """What it covered is drift again, and the target is looked at now."""
    body = read_body(RevokeBody, request, optional=True)
    try:
        ended = revoke(id_in(request, "exemption"), operator(request, body.by), deps)
    except StandsInTheFile as error:
        raise Refused("exemption-in-file", str(error)) from None
    if ended is None:
        raise not_found("exemption with this id")
    return ApiResponse(status=200, body={**exemption_view(ended, deps.clock.now()), "standing": False})


def exemption_view(given: Given, now: datetime) -> dict[str, Json]:
    return to_json(
        ExemptionView(
            id=given.id,
            source=Source.FILE if given.place else Source.ROLLBACK,
            place=given.place or None,
            policy=given.policy,
            scope=given.scope,
            reason=given.reason,
            approver=given.approver,
            expires_at=given.expires_at,
            standing=given.expires_at > now,
            rollback=given.rollback,
            covers=given.covers,
        )
    )


def _is_wanted(given: Given, query: ExemptionQuery, now: datetime) -> bool:
    policies, target = policies_of(query), target_of(query)
    fits = query.standing is None or query.standing == (given.expires_at > now)
    return (
        fits
        and (policies is None or given.policy in policies)
        and (target is None or target.id.within(given.scope))
    )


def by_end(given: Given) -> str:
    return f"{given.expires_at.isoformat()} {given.id}"
