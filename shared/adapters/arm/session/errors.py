"""What ARM's refusals mean: one table from codes, status and server state to the project's errors.

409 means many things, a busy server also answers with an empty code or ``InternalServerError``, and a
stopped one with 400: so a refusal is judged by every code in its body (the nested ``details`` and
``innererror`` too), the status, what was asked and the state of the server that was asked. Only codes are
matched, never messages: their wording has changed over the years. Sources: the error articles of Azure
Resource Manager and the recorded answers in the project's reference data.

Pure, apart from reading the exception that the SDK raised. What must not live here: requests, retries,
clocks (the time that a ``Retry-After`` date is compared with comes in as a value).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from azure.core.exceptions import AzureError, DeserializationError, HttpResponseError, SerializationError
from azure.core.rest import HttpResponse

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
from shared.model.values import value, whole_number

LONGEST_ASKED: Final = 86_400.0
"""Seconds that anybody waits because an answer says so: Azure names seconds to minutes."""
SDK_ERRORS: Final = (AzureError, ValueError, OverflowError, RecursionError)
"""Everything that an SDK client raises for a request that went wrong: errors of its own, of JSON and of its
readers, which are ``ValueError``s, and what a number without end or a depth without bottom makes of them."""


class Asked(StrEnum):
    """What the refused request asked for."""

    READ = "read"
    WRITE = "write"
    POLL = "poll"


@value
class Refusal:
    """An answer that is no success, as far as it can be understood.

    ``codes`` holds every error code of the body, outermost first, without empty ones. ``retry_after`` is
    in seconds. ``server`` is the state of the server that was asked, None where none is involved.
    """

    asked: Asked
    status: int
    codes: tuple[str, ...] = ()
    message: str = ""
    retry_after: float | None = None
    server: ServerState | None = None

    @property
    def code(self) -> str:
        return self.codes[0] if self.codes else ""


_BY_CODE: Final[tuple[tuple[type[GatewayError], frozenset[str]], ...]] = (
    (Locked, frozenset({"scopelocked"})),
    (
        Denied,
        frozenset(
            {
                "authorizationfailed",
                "linkedauthorizationfailed",
                "requestdisallowedbypolicy",
                "authenticationfailed",
                "invalidauthenticationtoken",
                "subscriptionnotfound",  # 404 when our tenant or role does not show it: nothing is gone
            }
        ),
    ),
    (Stopped, frozenset({"serverstoppederror"})),
    (
        Conflict,
        frozenset(
            {"securityruleconflict", "canceledandsupersededduetoanotheroperation", "preconditionfailed"}
        ),
    ),
    (
        Busy,
        frozenset(
            {
                "serverisbusy",
                "serverbusy",
                "anotheroperationinprogress",
                "referencedresourcenotprovisioned",
                "retryableerror",
                "retryableerrorduetoanotheroperation",
            }
        ),
    ),
)
"""The first row that names any code of the body decides; ``RetryableError*`` comes as a 429, so codes are
asked before the status."""

_RETRYABLE_PREFIX: Final = "retryableerror"
_STATUS: Final[Mapping[int, type[GatewayError]]] = {
    401: Denied,
    403: Denied,
    404: Gone,
    408: Transient,
    410: Gone,
    412: Conflict,
    429: Throttled,
}


def classify(refusal: Refusal) -> GatewayError:
    """The error that says what the caller may do about ``refusal``. Total: the last word is Permanent."""
    kind = _by_code(refusal.codes) or _by_server(refusal) or _STATUS.get(refusal.status) or _by_class(refusal)
    message = refusal.message or f"ARM answered {refusal.status} {refusal.code}".rstrip()
    if issubclass(kind, Transient):
        return kind(message, code=refusal.code, status=refusal.status, retry_after=refusal.retry_after)
    return kind(message, code=refusal.code, status=refusal.status)


def _by_code(codes: tuple[str, ...]) -> type[GatewayError] | None:
    lowered = {code.lower() for code in codes}
    for kind, known in _BY_CODE:
        if lowered & known:
            return kind
    return Busy if any(code.startswith(_RETRYABLE_PREFIX) for code in lowered) else None


def _by_server(refusal: Refusal) -> type[GatewayError] | None:
    """A server that is not ready refuses with an empty code or ``InternalServerError`` too.

    That a ready one answers 409 with an empty code means that it became busy since its state was read.
    """
    if refusal.server is None or refusal.status in _STATUS or refusal.status > 500:
        return None
    vague = not refusal.codes or refusal.code.lower() == "internalservererror"
    if refusal.server is ServerState.READY:
        return Busy if refusal.status == 409 and not refusal.codes else None
    if not vague and refusal.status != 409:
        return None
    return Stopped if refusal.server is ServerState.STOPPED else Busy


def _by_class(refusal: Refusal) -> type[GatewayError]:
    failed_later = refusal.asked is Asked.POLL and refusal.code.lower() == "internalservererror"
    return Transient if refusal.status >= 500 or failed_later else Permanent


def translate(
    error: Exception, asked: Asked, *, now: datetime, server: ServerState | None = None
) -> GatewayError:
    """The classified form of what an SDK client raised (see ``SDK_ERRORS``)."""
    response = error.response if isinstance(error, HttpResponseError) else None
    if not isinstance(response, HttpResponse):
        return _without_answer(error)
    status = response.status_code
    if status < 300:
        return Transient(f"the answer cannot be read: {error}", status=status)
    body = _body(response)
    return classify(
        Refusal(
            asked=asked,
            status=status,
            codes=tuple(codes_of(body)),
            message=told(body) or response.reason,
            retry_after=retry_after(response.headers, now),
            server=server,
        )
    )


def _without_answer(error: Exception) -> GatewayError:
    """No answer came (connection, timeout, token), or it is not what the SDK can read."""
    if isinstance(error, DeserializationError | SerializationError | OverflowError | RecursionError):
        return Permanent(f"the answer has an unexpected shape: {error}")
    return Transient(f"no usable answer: {error}")


def _body(response: HttpResponse) -> Json:
    """The JSON of the refusal; {} where it holds none (a proxy's page, an empty body)."""
    try:
        return response.json()
    except (ValueError, AzureError, RecursionError):
        return {}


def codes_of(body: Json) -> Iterator[str]:
    """Every error code in an error body or in the body of a failed operation, outermost first."""
    if isinstance(body, list):
        for item in body:
            yield from codes_of(item)
    if not isinstance(body, Mapping):
        return
    code = body.get("code")
    if isinstance(code, str) and code.strip():
        yield code.strip()
    for nested in ("error", "details", "innererror", "innerError"):
        yield from codes_of(body.get(nested))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """How many seconds ARM asks to wait; None when it does not say.

    ``Retry-After`` holds seconds or an HTTP date (RFC 9110 §10.2.3). Resource Graph says it as
    ``x-ms-user-quota-resets-after: hh:mm:ss`` (its article on throttled requests). The headers
    ``x-ms-ratelimit-remaining-*`` count what is left and name no time.
    """
    lowered = {name.lower(): text for name, text in headers.items()}
    milliseconds = _number(lowered.get("retry-after-ms") or lowered.get("x-ms-retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = lowered.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    return _until(text, now) if text else _duration(lowered.get("x-ms-user-quota-resets-after"))


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return min(number, LONGEST_ASKED) if number is not None and 0 <= number < float("inf") else None


def _until(text: str, now: datetime) -> float | None:
    try:
        return min(max(0.0, (parsedate_to_datetime(text) - now).total_seconds()), LONGEST_ASKED)
    except (ValueError, TypeError):  # not a date, or one without a zone
        return None


def _duration(text: str | None) -> float | None:
    parts = (text or "").split(":")
    numbers = [number for part in parts if (number := whole_number(part)) is not None]
    if len(parts) != 3 or len(numbers) != 3:
        return None
    hours, minutes, seconds = numbers
    return min(float(hours * 3600 + minutes * 60 + seconds), LONGEST_ASKED)
