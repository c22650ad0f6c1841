"""The app in the real engine, with a storage emulator and a simulator of its own, once per module."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.dev.emulator import PROJECT_ROOT, install_azurite
from local.dev.emulator import azurite as run_azurite
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from tests.fixtures_local import HttpReply, LocalHost, StartHost

KEY = "a-function-key"
WEBHOOK = "/runtime/webhooks/EventGrid?functionName=resource_events"
PATIENCE = 300.0

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The running app and what it works on."""

    host: LocalHost
    storage: str
    simulator: SimulatorClient

    def notify(self, content: object) -> HttpReply:
        """Deliver events as Event Grid does; bytes are sent as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"aeg-event-type": "Notification", "Content-Type": "application/json"}
        return self.host.call("POST", WEBHOOK, body=body, headers=headers)

    def api(self, method: str, path: str, body: object = None, *, key: str | None = KEY) -> HttpReply:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"x-functions-key": key} if key else {})
        return self.host.call(method, f"/api/{path}", body=data, headers=headers)

    def alerts(self, resource: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.api("GET", f"alerts?resourceId={quote(resource)}").body)
        return found

    def dead_letters(self) -> list[dict[str, Any]]:
        """Everything that was put aside, oldest first."""
        with BlobServiceClient.from_connection_string(self.storage) as service:
            container = service.get_container_client("deadletters")
            try:
                names = sorted(container.list_blob_names())
            except ResourceNotFoundError:
                return []
            return [json.loads(container.download_blob(name).readall()) for name in names]

    def enqueue(self, queue: str, body: str) -> None:
        """A message as somebody else would send it."""
        policy = TextBase64EncodePolicy()
        with QueueClient.from_connection_string(self.storage, queue, message_encode_policy=policy) as client:
            with suppress(ResourceExistsError):  # the host may have made it already
                client.create_queue()
            client.send_message(body)

    def reads_of(self, resource: str) -> int:
        """How often Driftward has read a resource."""
        return sum(call["method"] == "GET" for call in self.simulator.calls(path=resource.rsplit("/", 1)[-1]))


@pytest.fixture(scope="module")
def app(start_module_host: StartHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The project's own app; events and messages are worked on at once."""
    install_azurite()
    log = tmp_path_factory.mktemp("azurite") / "azurite.log"
    with run_azurite(log) as storage, SimulatorServer() as simulator:
        environment = {
            "AzureWebJobsStorage": storage,
            "ARM_ENDPOINT": simulator.url,
            "COALESCE_SECONDS": "0",
            "SCOPES": f"/subscriptions/{seeds.SUBSCRIPTION}",
        }
        host = start_module_host(PROJECT_ROOT, environment, "--function-key", KEY)
        yield Running(host=host, storage=storage, simulator=SimulatorClient(simulator.url))


def eventually(question: Callable[[], _Answer | None], what: str) -> _Answer:
    """The first truthy answer; fails when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.1)
    pytest.fail(f"waited {PATIENCE} s for {what}")
