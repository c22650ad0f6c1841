"""Runs over HTTP: start one, ask what became of it."""

from __future__ import annotations

from typing import Final

from shared.api.bodies import RunBody, id_in, known_policy, read_body, resource_in
from shared.api.http import ApiRequest, ApiResponse, invalid, not_found
from shared.api.operator import operator
from shared.api.queries import RunQuery, read_query
from shared.api.views import run_view, without_compliant
from shared.config.setting_values import parse_scope
from shared.config.settings import Settings
from shared.controller.deps import Deps
from shared.controller.event_targets import locate
from shared.controller.runs import RunRequest, read_run
from shared.controller.runs import start_run as start
from shared.model import EnforcementMode, Target
from shared.model.codec import to_json
from shared.model.errors import ConfigurationError
from shared.model.resource_id import ResourceId
from shared.model.results import RunStatus
from shared.policies import find

_ENDED: Final = {RunStatus.DONE, RunStatus.FAILED}


def may_write(request: ApiRequest, settings: Settings) -> bool:
    """Whether the run that is asked for may write to Azure, or adopts, which audit mode answers as if it
    wrote. Asking to enforce while the app audits is refused to everybody, later and by its own name.

    Raises ``Refused`` for a body that cannot be read.
    """
    body = read_body(RunBody, request)
    return body.adopt or {body.enforcement or settings.mode, settings.mode} == {EnforcementMode.ENFORCE}


def start_run(request: ApiRequest, deps: Deps) -> ApiResponse:
    """200 when everything is done, 202 and where to ask when something goes on."""
    body = read_body(RunBody, request)
    run = start(_request(body, request), deps)
    if any(result.gone for result in run.results):
        raise not_found(f"resource {body.resource_id}", field="resourceId")
    view = to_json(run_view(run))
    if run.status in _ENDED:
        return ApiResponse(status=200, body=view)
    return ApiResponse(status=202, body=view, headers={"Location": f"/api/runs/{run.id}"})


def get_run(request: ApiRequest, deps: Deps) -> ApiResponse:
    query = read_query(RunQuery, request)
    run = read_run(id_in(request, "run"), deps)
    if run is None:
        raise not_found("run with this id")
    view = run_view(run)
    return ApiResponse(status=200, body=to_json(view if query.compliant else without_compliant(view)))


def _request(body: RunBody, request: ApiRequest) -> RunRequest:
    if (body.resource_id is None) == (body.scope is None):
        raise invalid("resourceId", "exactly one of resourceId and scope says what to look at")
    resource = resource_in(body.resource_id, "resourceId") if body.resource_id is not None else None
    _refuse_policies_of_others(body.policies or [], resource)
    return RunRequest(
        actor=operator(request, body.by),
        resource=resource,
        scope=_scope(body.scope) if body.scope is not None else None,
        enforcement=body.enforcement,
        policies=tuple(body.policies) if body.policies is not None else None,
        adopt=body.adopt,
    )


def _refuse_policies_of_others(policies: list[str], resource: ResourceId | None) -> None:
    """Raises ``Refused`` for a policy that does not exist, and where none of them is about the target: such a
    run would judge nothing and be done."""
    for policy_id in policies:
        known_policy(policy_id, "policies")
    target = locate(resource) if resource is not None else None
    kinds = {kind for policy_id in policies if (policy := find(policy_id)) for kind in policy.targets}
    if policies and isinstance(target, Target) and target.kind not in kinds:
        raise invalid("policies", f"none of these policies is about a target of the kind {target.kind}")


def _scope(text: str) -> ResourceId:
    try:
        return parse_scope(text, "scope")
    except ConfigurationError as error:
        raise invalid("scope", str(error)) from None
