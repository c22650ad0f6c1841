"""The simulator's answers without its sockets, with nonsense in them where a case wants some.

The SDK's clients run whole, down to the HTTP library: only the connection is another.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from local.simulator import seeding
from local.simulator.arm import serve
from local.simulator.calls import CallFilter, CallKind
from local.simulator.switches import Switches
from local.simulator.values import Answer, ArmRequest, Caller, JsonObject, as_object, parse_address
from local.simulator.world import World
from shared.adapters.arm.session.clients import ArmClients
from shared.config.settings import Settings

ENDPOINT = "http://127.0.0.1:9"
_READING = (CallKind.READ, CallKind.POLL)
Spoil = Callable[[str, Any], bytes]
"""From a path and the JSON that the simulator answers to the bytes that arrive."""


def as_it_is(_path: str, body: Any) -> bytes:
    return json.dumps(body).encode()


class AzureInProcess(HTTPAdapter):
    """Answers what the clients send; ``spoil`` has the last word on what can be read."""

    def __init__(self, resources: list[JsonObject]) -> None:
        super().__init__()
        self.world = World(Switches(operation_seconds=0.0), lambda _line: None)
        seeding.seed(self.world, {"resources": [*resources]})
        self.spoil: Spoil = as_it_is

    def written(self) -> list[str]:
        """The calls that wanted to change something."""
        calls = self.world.calls.matching(CallFilter())
        return [f"{call.method} {call.path}" for call in calls if call.kind not in _READING]

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        answer = serve(self.world, _as_arm_sees_it(request))
        body = b"" if answer.body is None else self._spoiled(urlsplit(request.url or "").path, answer)
        raw = HTTPResponse(
            body=BytesIO(body),
            status=answer.status,
            headers={"Content-Type": "application/json", **answer.headers},
            preload_content=False,
        )
        return self.build_response(request, raw)

    def _spoiled(self, path: str, answer: Answer) -> bytes:
        last = self.spoil if answer.status == 200 else as_it_is
        return last(path, answer.body)


class ClientsInProcess(ArmClients):
    """The real clients, over ``AzureInProcess`` instead of a connection."""

    def __init__(self, azure: AzureInProcess) -> None:
        super().__init__(Settings(arm_endpoint=ENDPOINT))
        self._session = requests.Session()
        self._session.mount("http://", azure)

    def _options(self) -> Any:
        return {
            **super()._options(),
            "transport": RequestsTransport(session=self._session, session_owner=False),
        }


def _as_arm_sees_it(request: requests.PreparedRequest) -> ArmRequest:
    parts = urlsplit(request.url or "")
    sent = request.body if isinstance(request.body, str | bytes) else b""
    return ArmRequest(
        method=request.method or "GET",
        address=parse_address(unquote(parts.path)),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        body=as_object(json.loads(sent)) if sent else {},
        headers={name.lower(): str(text) for name, text in request.headers.items()},
        caller=Caller(app_id=""),
        correlation_id=str(uuid.uuid4()),
        base_url=ENDPOINT,
    )
