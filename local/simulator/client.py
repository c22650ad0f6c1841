"""A small client of the simulator for tests and the demo: ARM calls as a person would make them, and
`/_sim`.

`arm` makes one call; `put`, `patch`, `post` and `delete` also wait for the operation and raise
`ArmCallFailed` when the call or its operation fails. It stands in for an operator, not for the project's
gateway, which speaks through the SDKs. One request at a time per client; make one per thread.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode, urlsplit

from local.simulator.access import fake_token
from local.simulator.events import EventSchema
from local.simulator.values import JsonObject, JsonValue, as_list, as_object, as_text, dig, parse_address

__all__ = ["Actor", "ActorLike", "ArmCallFailed", "SimulatorClient", "fake_token"]

_POLL_SECONDS = 0.02
_OPERATION_SECONDS = 60.0
_API_VERSIONS = {
    "microsoft.dbforpostgresql/flexibleservers": "2026-10-01",
    "microsoft.dbforpostgresql/servers": "2017-12-01",
    "microsoft.network/privatednszones": "2024-06-01",
    "microsoft.network": "2026-03-01",
    "microsoft.authorization": "2020-05-01",
    "microsoft.insights": "2021-05-01-preview",
    "microsoft.resourcegraph": "2024-04-01",
    "microsoft.resourcehealth": "2025-05-01",
}
_DEFAULT_API_VERSION = "2024-11-01"


class ActorLike(Protocol):
    """Whoever has an app id, an object id and a name."""

    @property
    def app_id(self) -> str: ...
    @property
    def object_id(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A caller of ARM. `upn` makes it a user."""

    app_id: str
    object_id: str
    name: str
    upn: str = ""


OPERATOR = Actor(
    app_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    object_id="7d3c9c7e-52a1-4c5e-9a55-2f7c1c0a1001",
    name="Olive Operator",
    upn="olive@orders.example",
)


class ArmCallFailed(Exception):
    """A call that was refused, or whose operation failed (then `status` is 200)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class SimulatorClient:
    """Talks to one simulator as one actor."""

    def __init__(self, url: str, actor: ActorLike = OPERATOR) -> None:
        self.url = url.rstrip("/")
        self.actor = actor

    def arm(
        self,
        method: str,
        path: str,
        body: JsonValue = None,
        *,
        api_version: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], JsonValue]:
        """One ARM call as it is: status, headers (names in lower case), body."""
        version = urlencode({"api-version": api_version or default_api_version(path)})
        separator = "&" if "?" in path else "?"
        url = f"{self.url}{quote(path, safe='/?&=$%:,')}{separator}{version}"
        return self._send(method, url, body, dict(headers or {}))

    def get(self, path: str, *, api_version: str = "") -> JsonObject:
        return self._checked(self.arm("GET", path, api_version=api_version))

    def list_all(self, path: str) -> list[JsonObject]:
        """All pages of a list."""
        page = self.get(path)
        items = as_list(page.get("value"))
        while link := as_text(page.get("nextLink")):
            page = self._checked(self._send("GET", link, None, {}))
            items = items + as_list(page.get("value"))
        return [as_object(item) for item in items]

    def put(self, path: str, body: JsonObject) -> JsonObject:
        """Write and wait; the resource as it is afterwards."""
        self._perform("PUT", path, body)
        return self.get(path)

    def patch(self, path: str, body: JsonObject) -> JsonObject:
        """Change and wait; the resource as it is afterwards."""
        self._perform("PATCH", path, body)
        return self.get(path)

    def post(self, path: str, body: JsonObject | None = None) -> None:
        self._perform("POST", path, body)

    def delete(self, path: str) -> None:
        self._perform("DELETE", path, None)

    def _perform(self, method: str, path: str, body: JsonObject | None) -> None:
        status, headers, answer = self.arm(method, path, body)
        self._checked((status, headers, answer))
        poll = headers.get("azure-asyncoperation")
        deadline = time.monotonic() + _OPERATION_SECONDS
        while poll:
            shown = self._checked(self._send("GET", poll, None, {}))
            match shown.get("status"):
                case "Succeeded":
                    return
                case "InProgress" if time.monotonic() < deadline:
                    time.sleep(_POLL_SECONDS)
                case _:
                    code = as_text(dig(shown, "error", "code")) or "OperationTimedOut"
                    raise ArmCallFailed(200, code, as_text(dig(shown, "error", "message")))

    def calls(
        self,
        *,
        method: str = "",
        path: str = "",
        under: str = "",
        kind: str = "",
        app_id: str = "",
        since: int = 0,
    ) -> list[JsonObject]:
        """The log of ARM calls, filtered; `path` is a part of the path, `under` an id at or below which the
        calls went, both without case.

        The reads of a target are `calls(kind="read", under=id, app_id=…)`; what was read beside it shows
        without `under`, from the last `seq` seen before (`since`).
        """
        filters = {
            "method": method,
            "path": path,
            "under": under,
            "kind": kind,
            "appId": app_id,
            "since": str(since),
        }
        query = urlencode({name: value for name, value in filters.items() if value})
        return [as_object(call) for call in as_list(self._admin("GET", f"calls?{query}").get("calls"))]

    def reset_calls(self) -> None:
        self._admin("DELETE", "calls")

    def fault(
        self,
        then: JsonObject,
        *,
        method: str = "",
        path_contains: str = "",
        app_id: str = "",
        times: int = 1,
        chance: float = 1,
    ) -> None:
        """Inject a fault; `then` and `chance` as in `faults.py`."""
        match: JsonObject = {"method": method, "pathContains": path_contains, "appId": app_id}
        self._admin("POST", "faults", {"match": match, "times": times, "chance": chance, "then": then})

    def faults(self) -> list[JsonObject]:
        """The faults that were injected, each with its `hits`."""
        return [as_object(one) for one in as_list(self._admin("GET", "faults").get("faults"))]

    def clear_faults(self) -> None:
        self._admin("DELETE", "faults")

    def subscribe(
        self, url: str, schema: str = EventSchema.EVENT_GRID, included: Sequence[str] = ()
    ) -> JsonObject:
        """Subscribe an endpoint that answers the validation; its subscriber as listed."""
        body: JsonObject = {"url": url, "schema": str(schema), "includedEventTypes": list(included)}
        return self._admin("POST", "subscribers", body)

    def subscribers(self) -> list[JsonObject]:
        return [as_object(one) for one in as_list(self._admin("GET", "subscribers").get("subscribers"))]

    def unsubscribe(self, subscriber_id: str) -> None:
        self._admin("DELETE", f"subscribers/{subscriber_id}")

    def switches(self, **changes: JsonValue) -> JsonObject:
        """Set switches by their Python names (`event_at="accepted"`); the switches as they are then."""
        if not changes:
            return self._admin("GET", "switches")
        return self._admin("PATCH", "switches", {_json_name(name): value for name, value in changes.items()})

    def roles(self, roles: Mapping[str, Sequence[str]]) -> None:
        """Replace the roles: app id to actions."""
        self._admin("PUT", "roles", {app_id: list(actions) for app_id, actions in roles.items()})

    def deny(self, app_id: str, actions: Sequence[str]) -> None:
        """Let a caller do everything but these actions; replaces all roles."""
        self._admin("PUT", "roles", {app_id: {"actions": ["*"], "notActions": list(actions)}})

    def seed(self, resources: Sequence[JsonObject], *, replace: bool = False) -> None:
        """Take bodies in without events; with `replace` nothing else remains."""
        self._admin("PUT" if replace else "POST", "state", {"resources": list(resources)})

    def amend(self, resource_id: str, change: JsonObject) -> None:
        """Merge a change into what is held, as Azure itself would make it: no call, no event."""
        self._admin("PATCH", "state", {"resources": [{"id": resource_id, **change}]})

    def state(self) -> JsonObject:
        return self._admin("GET", "state")

    def topic_url(self, name: str) -> str:
        return f"{self.url}/_sim/topics/{name}/api/events"

    def topic_events(self, name: str) -> list[JsonObject]:
        """The events that a custom topic got, oldest first."""
        kept = as_list(self._admin("GET", f"topics/{name}").get("events"))
        return [as_object(as_object(one).get("event")) for one in kept]

    def wait_idle(self, timeout: float = 30.0) -> bool:
        """Wait until no operation runs and no event waits; False when it took longer."""
        return self._admin("GET", f"idle?timeout={timeout}").get("idle") is True

    def _admin(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        return self._checked(self._send(method, f"{self.url}/_sim/{path}", body, {}))

    @staticmethod
    def _checked(answer: tuple[int, dict[str, str], JsonValue]) -> JsonObject:
        status, _, body = answer
        if status >= 400:
            raise ArmCallFailed(
                status, as_text(dig(body, "error", "code")), as_text(dig(body, "error", "message"))
            )
        return as_object(body)

    def _send(
        self, method: str, url: str, body: JsonValue, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], JsonValue]:
        parts = urlsplit(url)
        token = fake_token(
            self.actor.app_id, self.actor.object_id, self.actor.name, getattr(self.actor, "upn", "")
        )
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | headers
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=90)
        try:
            payload = None if body is None else json.dumps(body).encode()
            connection.request(method, f"{parts.path}?{parts.query}", payload, sent)
            answer = connection.getresponse()
            raw = answer.read()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, names, json.loads(raw) if raw else None
        finally:
            connection.close()


def default_api_version(path: str) -> str:
    """The api-version that the SDK pinned by the project would send for this path."""
    address = parse_address(path.split("?", 1)[0])
    first = address.segments[0] if address.segments else ""
    for name in (f"{address.provider}/{first}".lower(), address.provider.lower()):
        if name in _API_VERSIONS:
            return _API_VERSIONS[name]
    return _DEFAULT_API_VERSION


def _json_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
