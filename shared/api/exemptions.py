"""Exemptions over HTTP: list them wherever they were given, give one, revoke one that no file gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.alerts.approving import wrote
from shared.api.bodies import (
    ExemptionBody,
    RevokeBody,
    expiry_in,
    id_in,
    known_policy,
    read_body,
    resource_in,
)
from shared.api.http import ApiRequest, ApiResponse, Refused, invalid, not_found
from shared.api.operator import called, operator
from shared.api.paging import paged, place_in
from shared.api.queries import ExemptionQuery, policies_of, read_query, target_of
from shared.config.file_values import KINDS_INSIDE
from shared.controller.deps import Deps
from shared.controller.exemptions import Given, Source, all_given, of_scope
from shared.controller.giving_exemptions import covered, exemption_given, give
from shared.controller.revoking import StandsInTheFile, revoke
from shared.model import Actor, Json
from shared.model.alert_records import AlertStatus
from shared.model.codec import to_json
from shared.model.memory import Exemption
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.policies import find
from shared.posture.policy import AnyPolicy
from shared.state.listings import Page

_PATH: Final = "exemptions"


@value
class ExemptionView:
    """A stated reason not to act on a policy, until its end."""

    id: str
    source: Source
    place: str | None
    """The line of `policies.yaml` that says so; null for every other."""
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
    targets: int | None = None
    """How many targets it covers that are known now; told when it is given."""


def list_exemptions(request: ApiRequest, deps: Deps) -> ApiResponse:
    """Those that end first come first."""
    query, now = read_query(ExemptionQuery, request), deps.clock.now()
    after = place_in(query.after, _PATH)
    listed = sorted((one for one in all_given(deps) if _is_wanted(one, query, now)), key=by_end)
    behind = [one for one in listed if by_end(one) > after]
    shown, more = behind[: query.limit], len(behind) > query.limit
    page = Page(tuple(shown), len(listed), by_end(shown[-1]) if more else None)
    return paged(request, _PATH, page, lambda one: exemption_view(one, now))


def add_exemption(request: ApiRequest, deps: Deps) -> ApiResponse:
    """Give an exemption. Raises ``Refused`` where the file forbids it, and for one's own write."""
    body, now = read_body(ExemptionBody, request), deps.clock.now()
    policy, scope = _policy(body.policy, deps), _scope(body.scope, deps)
    _refuse_idle(policy, scope)
    actor = operator(request, body.by)
    _refuse_own_write(policy, scope, actor, deps)
    exemption = Exemption(
        policy=policy.id,
        reason=body.reason,
        approver=called(actor),
        expires_at=expiry_in(body.expires_at, now, deps.configuration.file.given_exemptions.days),
    )
    given = give(exemption_given(exemption, scope, actor, now), deps)
    view = exemption_view(of_scope(given), now)
    return ApiResponse(status=200, body={**view, "targets": len(covered(given, deps))})


def _policy(named: str, deps: Deps) -> AnyPolicy:
    known_policy(named, "policy")
    policy = find(named)
    assert policy is not None  # it is known
    if not deps.configuration.lets_exempt(policy.id):
        name = deps.configuration.file.place(("givenExemptions",))
        raise Refused("exemption-forbidden", f"{name}: {policy.id} is exempted in the file alone")
    return policy


def _scope(text: str, deps: Deps) -> ResourceId:
    """Where events are followed to, all of it or a part."""
    scope, watched = resource_in(text, "scope"), deps.settings.scopes
    if watched and not any(scope.within(one) or one.within(scope) for one in watched):
        raise invalid("scope", f"scope: {scope} is in none of {', '.join(map(str, watched))}")
    return scope


def _refuse_idle(policy: AnyPolicy, scope: ResourceId) -> None:
    """Raises ``Refused`` for a scope that holds nothing that the policy looks at."""
    if not policy.targets & KINDS_INSIDE.get(scope.type, frozenset()):
        kinds = " and ".join(sorted(policy.targets))
        raise invalid("scope", f"scope: {policy.id} looks at a {kinds}, and a {scope.type} holds none")


def _refuse_own_write(policy: AnyPolicy, scope: ResourceId, actor: Actor, deps: Deps) -> None:
    """Nobody exempts what they opened: of that an alert is open, or was acknowledged."""
    for alert in deps.store.alerts(policy=policy.id, limit=None):
        stands = alert.status is not AlertStatus.RESOLVED and alert.target.id.within(scope)
        if stands and wrote(alert, actor):
            said = f"you wrote to {alert.target.id} since alert {alert.id} opened"
            raise Refused("own-write", f"{said}: somebody else has to exempt it")


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
            source=given.source,
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
