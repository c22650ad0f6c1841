"""What each refusal of ARM means, as a table: code, status, what was asked and the server's state."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.adapters.arm.session.errors import Asked, Refusal, classify, codes_of, retry_after
from shared.adapters.arm.session.refusals import told
from shared.model import Json, ServerState
from shared.model.errors import (
    Busy,
    Conflict,
    Denied,
    GatewayError,
    Gone,
    Locked,
    Permanent,
    Stopped,
    Throttled,
    Transient,
)

READY, BUSY, STOPPED = ServerState.READY, ServerState.BUSY, ServerState.STOPPED
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "codes", "server", "expected"),
    [
        # a PostgreSQL server that does something else
        (409, ["ServerIsBusy"], READY, Busy),
        (409, ["ServerBusy"], READY, Busy),
        (409, [], READY, Busy),
        (409, [], BUSY, Busy),
        (400, [], BUSY, Busy),
        (500, ["InternalServerError"], BUSY, Busy),
        (409, ["OperationNotAllowed"], BUSY, Busy),
        (500, ["InternalServerError"], READY, Transient),
        (400, [], READY, Permanent),
        (409, ["OperationNotAllowed"], READY, Permanent),
        (400, ["InvalidParameterValue"], BUSY, Permanent),
        # a stopped one
        (400, ["ServerStoppedError"], READY, Stopped),
        (409, ["Conflict"], STOPPED, Stopped),
        (500, ["InternalServerError"], STOPPED, Stopped),
        (502, [], STOPPED, Transient),
        (503, [], BUSY, Transient),
        # locks, roles and policies say no whatever the server does
        (409, ["ScopeLocked"], BUSY, Locked),
        (403, ["AuthorizationFailed"], BUSY, Denied),
        (403, ["LinkedAuthorizationFailed"], None, Denied),
        (403, ["RequestDisallowedByPolicy"], None, Denied),
        (403, ["SomethingNew"], None, Denied),
        (401, ["InvalidAuthenticationToken"], None, Denied),
        # somebody was faster
        (412, ["PreconditionFailed"], None, Conflict),
        (412, [], BUSY, Conflict),
        (400, ["SecurityRuleConflict"], None, Conflict),
        (409, ["CanceledAndSupersededDueToAnotherOperation"], None, Conflict),
        # Microsoft.Network works on something that hangs together with it
        (429, ["RetryableError", "RetryableErrorDueToAnotherOperation"], None, Busy),
        (429, ["RetryableErrorOfANewKind"], None, Busy),
        (429, ["RetryableError", "ReferencedResourceNotProvisioned"], None, Busy),
        (409, ["AnotherOperationInProgress"], None, Busy),
        (409, ["Conflict", "AnotherOperationInProgress"], None, Busy),
        # throttling
        (429, ["TooManyRequests"], None, Throttled),
        (429, ["SubscriptionRequestsThrottled"], BUSY, Throttled),
        (429, [], BUSY, Throttled),
        # the rest by status
        (404, ["ResourceNotFound"], BUSY, Gone),
        (404, [], None, Gone),
        (408, [], None, Transient),
        (500, [], None, Transient),
        (502, [], None, Transient),
        (503, ["ServiceUnavailable"], None, Transient),
        (504, ["GatewayTimeout"], None, Transient),
        (400, ["BadRequest"], None, Permanent),
        (409, ["MissingSubscriptionRegistration"], None, Permanent),
    ],
)
def test_a_refused_write_is_classified_by_code_status_and_state(
    status: int, codes: list[str], server: ServerState | None, expected: type[GatewayError]
) -> None:
    error = classify(Refusal(asked=Asked.WRITE, status=status, codes=tuple(codes), server=server))
    assert type(error) is expected
    assert (error.status, error.code) == (status, codes[0] if codes else "")


@pytest.mark.parametrize("code", ["scopelocked", "SCOPELOCKED"])
def test_codes_compare_without_case(code: str) -> None:
    assert type(classify(Refusal(asked=Asked.WRITE, status=409, codes=(code,)))) is Locked


@pytest.mark.parametrize(("server", "expected"), [(STOPPED, Stopped), (BUSY, Busy), (READY, Transient)])
def test_an_opaque_error_of_a_read_is_judged_by_the_servers_state(
    server: ServerState, expected: type[GatewayError]
) -> None:
    refusal = Refusal(asked=Asked.READ, status=500, codes=("InternalServerError",), server=server)
    assert type(classify(refusal)) is expected


def test_an_operation_that_failed_inside_azure_may_be_begun_again() -> None:
    refusal = Refusal(asked=Asked.POLL, status=200, codes=("InternalServerError",))
    assert type(classify(refusal)) is Transient


def test_a_wait_is_kept_where_the_error_is_worth_asking_again() -> None:
    error = classify(Refusal(asked=Asked.WRITE, status=429, codes=("RetryableError",), retry_after=7))
    assert isinstance(error, Busy)
    assert error.retry_after == 7


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": "A", "details": [{"code": "B"}, {"code": "C"}]}}, ["A", "B", "C"]),
        ({"error": {"code": "A", "innererror": {"code": "B", "details": [{"code": "C"}]}}}, ["A", "B", "C"]),
        ({"status": "Failed", "error": {"code": "A", "details": None}}, ["A"]),
        ({"code": "A", "message": "without the envelope"}, ["A"]),
        ({"error": {"code": "", "message": "busy"}}, []),
        ({"error": "a text"}, []),
        ([], []),
        (None, []),
    ],
)
def test_every_code_of_a_body_is_found_outermost_first(body: Json, expected: list[str]) -> None:
    assert list(codes_of(body)) == expected


def test_the_message_is_the_outermost_one() -> None:
    body = {"error": {"code": "A", "message": "outer", "details": [{"message": "inner"}]}}
    assert told(body) == "outer"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after": "0"}, 0.0),
        ({"Retry-After": "Mon, 02 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Mon, 02 Nov 2026 11:59:00 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5),
        ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"}, 3.0),
        ({"x-ms-user-quota-resets-after": "01:00:05"}, 3605.0),
        ({"x-ms-ratelimit-remaining-subscription-reads": "0"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_from_every_header_that_names_one(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, NOW) == seconds
