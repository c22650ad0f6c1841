"""Long-running operations: what was begun, and one look at how it goes.

ARM answers a write with ``Azure-AsyncOperation`` (a URL whose body holds a status), with ``Location`` (a
URL that answers 202 while it runs), with both (the former is preferred) or with neither (it is done).
Source: the article on asynchronous operations of Azure Resource Manager. The URLs carry signed query
parameters and go back as they came. What must not live here: waiting, repeating, resource shapes.
"""

from __future__ import annotations

from typing import Final

from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.arm.session.clients import same_host
from shared.adapters.arm.session.errors import Asked, Refusal, classify, codes_of, retry_after
from shared.adapters.arm.session.refusals import told
from shared.adapters.arm.session.session import Accepted, Hooks, Session
from shared.adapters.arm.wire.fields import text
from shared.model import Json, Operation
from shared.model.errors import GatewayError, Permanent, Transient

_ACCEPTED: Final = 202
_REDIRECTED: Final = 300
_FAILED: Final = frozenset({"failed", "canceled", "cancelled"})
_SUPERSEDED: Final = "CanceledAndSupersededDueToAnotherOperation"


def operation_of(accepted: Accepted, sent_correlation_id: str) -> Operation:
    """The operation that an accepted write began; style ``none`` when it ended at once."""
    correlation_id = accepted.correlation_id or sent_correlation_id
    wait = accepted.retry_after_seconds
    if accepted.async_operation:
        return Operation(
            url=accepted.async_operation,
            style="asyncOperation",
            retry_after_seconds=wait,
            correlation_id=correlation_id,
        )
    if accepted.location and accepted.status == _ACCEPTED:
        return Operation(
            url=accepted.location,
            style="location",
            retry_after_seconds=wait,
            correlation_id=correlation_id,
        )
    return finished(correlation_id)


def finished(correlation_id: str) -> Operation:
    """An operation that ended at once."""
    return Operation(url=None, style="none", correlation_id=correlation_id)


def poll(session: Session, operation: Operation) -> Operation | None:
    """None when ``operation`` has succeeded, the operation with a new wait while it runs.

    One GET, to the ARM endpoint's own host only. Raises the classified error, marked as the operation's end
    (``is_end``), when the operation failed or was cancelled, ``Gone`` when ARM no longer knows it.
    """
    if operation.url is None:
        return None
    if not same_host(operation.url, session.clients.endpoint):
        raise Permanent("refused to poll an operation on another host", code="ForeignHost")
    url = operation.url
    response = session.ask(lambda hooks: _get(session, url, hooks), Asked.POLL)
    if not session.classified(lambda: _is_running(operation, response), Asked.POLL):
        return None
    return Operation(
        url=operation.url,
        style=operation.style,
        retry_after_seconds=retry_after(response.headers, session.clock.now()),
        correlation_id=operation.correlation_id,
    )


def _get(session: Session, url: str, hooks: Hooks) -> HttpResponse:
    response = session.clients.pipeline().send_request(HttpRequest("GET", url), **hooks)
    response.raise_for_status()
    return response


def _is_running(operation: Operation, response: HttpResponse) -> bool:
    if operation.style == "location":
        if response.status_code >= _REDIRECTED:
            raise classify(Refusal(asked=Asked.POLL, status=response.status_code))
        return response.status_code == _ACCEPTED
    return _runs_on(response.json())


def _runs_on(body: Json) -> bool:
    status = text(body, "status").lower()
    if not status:
        raise Transient("the operation's answer holds no status")
    if status in _FAILED:
        codes = tuple(codes_of(body))
        cancelled = () if codes or status == "failed" else (_SUPERSEDED,)
        message = told(body) or f"the operation ended as {status}"
        raise _as_end(Refusal(asked=Asked.POLL, status=200, codes=codes or cancelled, message=message))
    return status != "succeeded"


def _as_end(refusal: Refusal) -> GatewayError:
    """What the operation ended with: asking again will answer the same."""
    error = classify(refusal)
    error.is_end = True
    return error
