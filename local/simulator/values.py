"""The values that travel through the simulator: JSON, ARM addresses, requests, answers, refusals.

Everything here is pure. An `ArmRequest` is what a caller sent, already parsed at the edge; an `Answer`
is what goes back; an `ArmError` is a refusal in ARM's own words (status, code, message); an `Accepted`
is a write that passed every check and tells what remains to be done when its operation ends.

Resource ids compare without case (`key`), and keep the spelling in which they were created.
What must not live here: sockets, threads, clocks, and any knowledge of a resource type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

TENANT = "72f00000-0000-4000-8000-00000000d1d1"


def as_object(value: JsonValue) -> JsonObject:
    """The object itself, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def dig(value: JsonValue, *path: str) -> JsonValue:
    """Follow `path` through objects; None where a step is missing."""
    for step in path:
        value = as_object(value).get(step)
    return value


def merge(base: JsonObject, patch: JsonObject) -> JsonObject:
    """RFC 7396 merge patch of two objects, without changing either; null removes."""
    merged = dict(base)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = merge(as_object(merged.get(name)), value)
        else:
            merged[name] = value
    return merged


def fill(body: JsonObject, defaults: JsonObject) -> JsonObject:
    """`body` with what it leaves out taken from `defaults`, object by object."""
    filled = dict(defaults)
    for name, value in body.items():
        default = filled.get(name)
        filled[name] = (
            fill(value, default) if isinstance(value, dict) and isinstance(default, dict) else value
        )
    return filled


def key(resource_id: str) -> str:
    """The form in which ids are compared."""
    return resource_id.rstrip("/").lower()


def utc_text(moment: float) -> str:
    """Seconds since the epoch as RFC 3339 with milliseconds and `Z`."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def short_location(name: str) -> str:
    """`Canada Central` and `canadacentral` are one place; the latter is used in URLs."""
    return name.replace(" ", "").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a bearer token says is calling; empty texts where the token is silent."""

    app_id: str
    object_id: str = ""
    name: str = ""
    upn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An ARM path taken apart.

    `scope` is what stands before the last `/providers/`; `segments` are the type and name segments after
    that provider. An odd number of segments is a collection or an action.
    """

    path: str
    subscription: str = ""
    group: str = ""
    scope: str = ""
    provider: str = ""
    segments: tuple[str, ...] = ()

    @property
    def is_item(self) -> bool:
        return len(self.segments) % 2 == 0

    @property
    def type(self) -> str:
        """`Microsoft.X/a/b` in the caller's spelling; the last segment of an odd path counts as a type."""
        return "/".join((self.provider, *self.segments[::2]))

    @property
    def name(self) -> str:
        return self.segments[-1] if self.segments and self.is_item else ""

    @property
    def parent(self) -> str:
        """The id that holds this item or collection: a resource, or the scope for a top-level type."""
        if "/providers/" not in self.path.lower():
            return self.scope
        kept = self.segments[: -2 if self.is_item else -1]
        return "/".join((self.scope, "providers", self.provider, *kept)) if kept else self.scope


def parse_address(path: str) -> Address:
    """Take an ARM path apart; scopes without a provider get the type names that Azure uses for them.

    Slashes that follow each other count as one, as ARM takes them.
    """
    parts = [part for part in path.split("/") if part] or [""]
    lowered = [part.lower() for part in parts]
    subscription = parts[1] if len(parts) > 1 and lowered[0] == "subscriptions" else ""
    group = parts[3] if len(parts) > 3 and lowered[2] == "resourcegroups" else ""
    if "providers" in lowered:
        cut = len(lowered) - 1 - lowered[::-1].index("providers")
        return Address(
            path="/" + "/".join(parts),
            subscription=subscription,
            group=group,
            scope="/" + "/".join(parts[:cut]) if cut else "",
            provider=parts[cut + 1] if cut + 1 < len(parts) else "",
            segments=tuple(parts[cut + 2 :]),
        )
    return Address(
        path="/" + "/".join(parts),
        subscription=subscription,
        group=group,
        scope=f"/subscriptions/{subscription}" if len(parts) > 2 else "",
        provider="Microsoft.Resources",
        segments=tuple(parts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back over the wire; a None body sends no bytes."""

    status: int
    body: JsonValue = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ArmError(Exception):
    """A refusal, in the error shape of ARM: {"error": {"code", "message", "details"?,
    "additionalInfo"?}}."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: list[JsonValue] | None = None,
        headers: Mapping[str, str] | None = None,
        info: list[JsonValue] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.info = info
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        error: JsonObject = {"code": self.code, "message": self.message}
        if self.details is not None:
            error["details"] = self.details
        if self.info is not None:
            error["additionalInfo"] = self.info
        return Answer(status=self.status, body={"error": error}, headers=self.headers)


def bad_request(code: str, message: str) -> ArmError:
    return ArmError(HTTPStatus.BAD_REQUEST, code, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRequest:
    """One call as the simulator understood it; `path` and `address` keep the caller's spelling."""

    method: str
    address: Address
    query: Mapping[str, str]
    body: JsonObject
    headers: Mapping[str, str]
    caller: Caller
    correlation_id: str
    base_url: str

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")

    @property
    def properties(self) -> JsonObject:
        return as_object(self.body.get("properties"))


def _nothing() -> None:
    """The finish of a write that was done at once."""


def _no_body() -> JsonObject | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A write that passed every check.

    `holds` is the id of the resource that is busy until the operation ends; an empty text makes the write
    synchronous. `finish` is called under the simulator's lock when the operation succeeds, `undo` when an
    injected fault fails it. `body` is asked for after the operation began, so that it shows `Updating`;
    `result` is what `operationResults` gives at the end. `state` is what a server shows meanwhile.
    """

    status: int
    existed: bool
    holds: str = ""
    location: str = ""
    state: str = "Updating"
    finish: Callable[[], None] = _nothing
    undo: Callable[[], None] = _nothing
    body: Callable[[], JsonObject | None] = _no_body
    result: Callable[[], JsonObject | None] = _no_body
    headers: Mapping[str, str] = field(default_factory=dict)
    sends_location: bool = True
