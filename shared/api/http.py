"""Requests and answers as values, and problem details (RFC 9457) as the answer to everything else.

``PROBLEMS`` is the list of every problem type that the API can answer: the OpenAPI document and the
docs are made from it, and a type that is not in it cannot be raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from shared.api.principal import NOBODY, Principal
from shared.model import Json
from shared.model.values import value

LONGEST_BODY: Final = 65_536
"""Bytes; what is asked for takes a hundredth of it."""
LONGEST_NSG_BODY: Final = 1_000_000
"""Bytes of a request that brings an NSG; the largest that Azure permits takes less than half of it."""

_UNAUTHORIZED: Final = 401


@value
class ApiRequest:
    """A request in plain parts; names of ``headers`` are in lower case, ``parameters`` are the route's."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""
    """As the platform has it; ``""`` where it is not known."""
    caller: Principal = NOBODY
    """Who asks, once the door has looked (``admission``)."""


@value
class ApiResponse:
    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


@value
class ProblemType:
    """A kind of problem; ``/problems/<name>`` is its stable ``type``."""

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        return f"/problems/{self.name}"


@value
class Problem:
    """The body of ``application/problem+json``.

    ``field`` names the part of the input that is wrong, ``rule`` the security rule in it.
    """

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    rule: str | None = None


_TYPES: Final = (
    ProblemType(name="malformed-json", status=400, title="The body is not JSON"),
    ProblemType(name="invalid-input", status=400, title="The input cannot be used"),
    ProblemType(name="sign-in-required", status=401, title="Nobody is known to ask"),
    ProblemType(name="not-permitted", status=403, title="It takes a role that the caller does not have"),
    ProblemType(name="own-write", status=403, title="Nobody approves what follows from their own write"),
    ProblemType(name="not-found", status=404, title="There is no such thing"),
    ProblemType(name="enforcement-disabled", status=409, title="Nothing is written in audit mode"),
    ProblemType(name="illegal-transition", status=409, title="The alert is past that step"),
    ProblemType(name="exemption-in-file", status=409, title="The exemption stands in policies.yaml"),
    ProblemType(name="exemption-forbidden", status=409, title="policies.yaml lets nobody exempt from this"),
    ProblemType(name="concurrent-change", status=409, title="Somebody else is changing the same thing"),
    ProblemType(name="not-applied", status=409, title="Only a reverted change can be rolled back"),
    ProblemType(name="already-rolled-back", status=409, title="The change was rolled back before"),
    ProblemType(name="changed-since", status=409, title="The resource was changed since"),
    ProblemType(name="not-recorded", status=409, title="The recorded readings are gone"),
    ProblemType(name="not-proved", status=409, title="The rollback could not be proved right"),
    ProblemType(name="outside-scopes", status=409, title="Nothing is written outside of SCOPES"),
    ProblemType(name="policy-unknown", status=409, title="The policy of the change is gone"),
    ProblemType(name="break-glass", status=409, title="The break-glass switch is on"),
    ProblemType(name="break-glass-unreadable", status=409, title="The break-glass switch could not be read"),
    ProblemType(name="budget-exhausted", status=409, title="The budget of writes is used up"),
    ProblemType(name="azure-conflict", status=409, title="Azure reports a conflict"),
    ProblemType(name="azure-locked", status=409, title="A management lock forbids it"),
    ProblemType(name="server-stopped", status=409, title="The server is stopped"),
    ProblemType(name="too-large", status=413, title="The body is too large"),
    ProblemType(name="too-complex", status=422, title="No answer was found within the engine's budget"),
    ProblemType(name="unexpected", status=500, title="Something went wrong here"),
    ProblemType(name="not-configured", status=500, title="The configuration cannot be used"),
    ProblemType(name="azure-denied", status=502, title="Azure does not let Driftward do this"),
    ProblemType(name="azure-refused", status=502, title="Azure refused the request"),
    ProblemType(name="azure-throttled", status=503, title="Azure is throttling"),
    ProblemType(name="azure-busy", status=503, title="Azure is busy with the resource"),
    ProblemType(name="azure-unavailable", status=503, title="Azure cannot answer now"),
    ProblemType(name="store-unavailable", status=503, title="The store cannot answer now"),
)
PROBLEMS: Final[Mapping[str, ProblemType]] = {kind.name: kind for kind in _TYPES}


class Refused(Exception):
    """The request is answered by a problem; ``name`` is one of ``PROBLEMS``."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        field: str | None = None,
        rule: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = PROBLEMS[name]
        self.field = field
        self.rule = rule
        self.retry_after = retry_after


def invalid(field: str, detail: str, *, rule: str | None = None) -> Refused:
    """What to raise for input that cannot be used."""
    return Refused("invalid-input", detail, field=field, rule=rule)


def not_found(what: str, *, field: str | None = None) -> Refused:
    """What to raise when ``what`` does not exist."""
    return Refused("not-found", f"there is no {what}", field=field)


def problem_response(refused: Refused) -> ApiResponse:
    """The answer that says why not."""
    kind = refused.kind
    body: dict[str, Json] = {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "detail": str(refused),
    }
    if refused.field is not None:
        body["field"] = refused.field
    if refused.rule is not None:
        body["rule"] = refused.rule
    return ApiResponse(
        status=kind.status, body=body, headers=_headers(refused), media_type="application/problem+json"
    )


def _headers(refused: Refused) -> dict[str, str]:
    """When to ask again, and with what; RFC 9110 (15.5.2) wants the latter of every 401."""
    waits = refused.retry_after
    again = {} if waits is None else {"Retry-After": str(max(1, round(waits)))}
    return again | ({"WWW-Authenticate": "Bearer"} if refused.kind.status == _UNAUTHORIZED else {})
