"""ARM's clients without ARM: what they send is answered by a function, and no connection is ever made.

So whoever holds an estate as documents judges it by the very reading that judges Azure. The SDK's clients run
whole, down to the HTTP library; only the connection is another. They are signed in at a loopback address, as
for a simulator. What must not live here: what is answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from shared.adapters.arm.session.clients import ArmClients
from shared.config.settings import Settings
from shared.model import Json
from shared.model.values import value

if TYPE_CHECKING:
    from shared.adapters.arm.session.clients import Options

NOWHERE: Final = "http://127.0.0.1:9"
"""An address to be signed in at: port 9 discards, and nothing is sent there."""


@value
class Sent:
    """A request as it is meant: the path is not encoded, ``body`` is None where there is none."""

    method: str
    path: str
    body: Json


@value
class Reply:
    status: int
    body: Json


Answer: TypeAlias = Callable[[Sent], Reply]


class AnsweredClients(ArmClients):
    """The clients of an ARM that ``answer`` stands for. ``answer`` is called from several threads."""

    def __init__(self, settings: Settings, answer: Answer) -> None:
        super().__init__(replace(settings, arm_endpoint=NOWHERE))
        self._connection = requests.Session()
        self._connection.mount("http://", _Answering(answer))

    def close(self) -> None:
        super().close()
        self._connection.close()

    def _options(self) -> Options:
        transport = RequestsTransport(session=self._connection, session_owner=False)
        return {**super()._options(), "transport": transport}


class _Answering(HTTPAdapter):
    """What stands where a connection would."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        reply = self._answer(_meant(request))
        raw = HTTPResponse(
            body=BytesIO(json.dumps(reply.body).encode()),
            status=reply.status,
            headers={"Content-Type": "application/json"},
            preload_content=False,
        )
        return self.build_response(request, raw)


def _meant(request: requests.PreparedRequest) -> Sent:
    sent = request.body if isinstance(request.body, str | bytes) else b""
    return Sent(
        method=request.method or "GET",
        path=unquote(urlsplit(request.url or "").path),
        body=json.loads(sent) if sent else None,
    )
