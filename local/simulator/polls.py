"""The long-running side of a call: the headers of a 202 and what the operation's URLs answer.

PostgreSQL polls at `azureAsyncOperation` ({name, status, startTime}), Microsoft.Network at `operations`
({status} alone), both say the end at `operationResults`; a failure is HTTP 200 with `status: Failed`.
What must not live here: beginning an operation.
"""

from __future__ import annotations

from http import HTTPStatus

from local.simulator.operations import Operation
from local.simulator.values import (
    Accepted,
    Address,
    Answer,
    ArmError,
    ArmRequest,
    JsonObject,
    short_location,
    utc_text,
)
from local.simulator.world import World

_STATUS_PATHS = ("azureasyncoperation", "operations")
_RESULT_PATHS = ("operationresults",)


def is_poll(address: Address) -> bool:
    segments = [segment.lower() for segment in address.segments]
    return len(segments) == 4 and segments[0] == "locations" and segments[2] in _STATUS_PATHS + _RESULT_PATHS


def poll_action(address: Address) -> str:
    return f"{address.provider}/locations/{address.segments[2]}/read"


def operation_headers(
    world: World, request: ArmRequest, accepted: Accepted, operation_id: str
) -> dict[str, str]:
    """Where to poll. Network sends Location on deletes only; a DNS-free name in the URL is the short
    location.
    """
    provider = request.address.provider
    base = (
        f"{request.base_url}/subscriptions/{request.address.subscription}/providers/{provider}"
        f"/locations/{short_location(accepted.location) or 'global'}"
    )
    version = f"?api-version={request.api_version}"
    status_path = "operations" if provider.lower() == "microsoft.network" else "azureAsyncOperation"
    headers = {"Azure-AsyncOperation": f"{base}/{status_path}/{operation_id}{version}"}
    if accepted.sends_location:
        headers["Location"] = f"{base}/operationResults/{operation_id}{version}"
    return headers | retry_after(world)


def retry_after(world: World) -> dict[str, str]:
    seconds = world.switches.retry_after_seconds
    return {"Retry-After": str(seconds)} if seconds else {}


def answer_poll(world: World, request: ArmRequest) -> Answer:
    """Raises 404 for an operation that is not known (any more)."""
    operation = world.operations.get(request.address.segments[3])
    if operation is None:
        raise ArmError(
            HTTPStatus.NOT_FOUND,
            "OperationNotFound",
            f"The operation '{request.address.segments[3]}' was not found.",
        )
    if request.address.segments[2].lower() in _RESULT_PATHS:
        return _answer_result(world, request, operation)
    return _answer_status(world, request, operation)


def _answer_status(world: World, request: ArmRequest, operation: Operation) -> Answer:
    running = world.operations.is_running(operation)
    failure = None if running else operation.failure
    status = "InProgress" if running else "Failed" if failure else "Succeeded"
    body: JsonObject = {"status": status}
    if request.address.segments[2].lower() == "azureasyncoperation":
        body = {"name": operation.id, "status": status, "startTime": utc_text(operation.started)}
    if failure:
        body["error"] = {"code": failure.code, "message": failure.message}
    return Answer(status=HTTPStatus.OK, body=body, headers=retry_after(world) if running else {})


def _answer_result(world: World, request: ArmRequest, operation: Operation) -> Answer:
    if world.operations.is_running(operation):
        url = f"{request.base_url}{request.address.path}?api-version={request.api_version}"
        return Answer(status=HTTPStatus.ACCEPTED, headers={"Location": url} | retry_after(world))
    if operation.failure:
        raise ArmError(HTTPStatus.CONFLICT, operation.failure.code, operation.failure.message)
    body = operation.result()
    if body is None:
        done = HTTPStatus.NO_CONTENT if operation.method == "DELETE" else HTTPStatus.OK
        return Answer(status=done)
    return Answer(status=HTTPStatus.OK, body=body)
