"""A fresh simulator for each test, the real SDK clients pointed at it, and a webhook that keeps what it gets.

Operations last 50 ms here. The SDKs' own retries are off and they poll without a pause; the token is an
unsigned JWT that names the caller.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.rdbms.postgresql import PostgreSQLManagementClient as SingleServerClient
from azure.mgmt.resourcegraph import ResourceGraphClient

from local.simulator.client import Actor, SimulatorClient, fake_token
from local.simulator.seeds import SUBSCRIPTION
from local.simulator.server import SimulatorServer
from local.simulator.switches import Switches
from local.simulator.values import JsonObject, JsonValue

BOT = Actor(
    app_id="11111111-aaaa-4bbb-8ccc-000000000001",
    object_id="22222222-aaaa-4bbb-8ccc-000000000002",
    name="driftward",
)
OPERATION_SECONDS = 0.05


class TokenOf(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Sends an actor's token over plain http, which azure-core's own policy refuses to do."""

    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self._token = fake_token(actor.app_id, actor.object_id, actor.name)

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"


class NoCredential:
    """What the clients' constructors ask for and, with a policy of our own, never use."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        raise AssertionError(f"no token should be asked for: {scopes} {options}")


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(switches=Switches(operation_seconds=OPERATION_SECONDS)) as server:
        yield server


@pytest.fixture
def client(simulator: SimulatorServer) -> SimulatorClient:
    return SimulatorClient(simulator.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """The real clients, as one caller."""

    flexible: PostgreSQLManagementClient
    single: SingleServerClient
    network: NetworkManagementClient
    dns: PrivateDnsManagementClient
    graph: ResourceGraphClient


def sdk_as(url: str, actor: Actor) -> Sdk:
    policy = TokenOf(actor)
    credential = NoCredential()
    # Keyword arguments that the clients take as Any.
    options: dict[str, Any] = {"authentication_policy": policy, "retry_total": 0, "polling_interval": 0}
    return Sdk(
        flexible=PostgreSQLManagementClient(credential, SUBSCRIPTION, url, **options),
        single=SingleServerClient(credential, SUBSCRIPTION, url, **options),
        network=NetworkManagementClient(credential, SUBSCRIPTION, url, **options),
        dns=PrivateDnsManagementClient(credential, SUBSCRIPTION, url, **options),
        graph=ResourceGraphClient(credential, url, **options),
    )


@pytest.fixture
def sdk(simulator: SimulatorServer) -> Iterator[Sdk]:
    clients = sdk_as(simulator.url, BOT)
    yield clients
    for one in (clients.flexible, clients.single, clients.network, clients.dns, clients.graph):
        one.close()


@dataclass(slots=True)
class Webhook:
    """An endpoint as the Functions host offers it: answers the validation, keeps notifications.

    `statuses` are the answers to the next notifications; 202 when none is left.
    """

    url: str = ""
    validations: list[JsonValue] = field(default_factory=list)
    notifications: list[JsonValue] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    proves_itself: bool = True

    def answer(self, event_type: str, content_type: str, body: JsonValue) -> tuple[int, JsonObject]:
        if event_type == "SubscriptionValidation":
            self.validations.append(body)
            return 200, {"validationResponse": _code(body)} if self.proves_itself else {}
        if event_type != "Notification":
            return 400, {}
        self.content_types.append(content_type)
        status = self.statuses.pop(0) if self.statuses else 202
        if status < 300:
            self.notifications.append(body)
        return status, {}


def _code(body: JsonValue) -> JsonValue:
    """The code as the Functions extension finds it: in an array's first event, or in a CloudEvent's text."""
    if isinstance(body, list):
        first = body[0]
        assert isinstance(first, dict)
        data = first["data"]
    else:
        assert isinstance(body, dict)
        assert isinstance(body["data"], str)
        data = json.loads(body["data"])
    assert isinstance(data, dict)
    return data["validationCode"]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = hook.answer(
                self.headers["aeg-event-type"], self.headers["Content-Type"], json.loads(raw)
            )
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    hook.url = (
        f"http://127.0.0.1:{server.server_address[1]}/runtime/webhooks/EventGrid?functionName=resource_events"
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield hook
    server.shutdown()
    server.server_close()
    thread.join()
