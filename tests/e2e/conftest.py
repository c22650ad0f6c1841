"""A whole Driftward for tests: simulator, storage emulator, and the app in the real engine.

One ``Installation`` serves a module. Tests use servers and subnets of their own names, so that they
do not meet; call logs are filtered by name.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from local.dev.emulator import PROJECT_ROOT, install_azurite
from local.dev.emulator import azurite as run_azurite
from local.dev.processes import running
from local.simulator import seeds
from local.simulator.client import Actor, SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.switches import Switches
from tests.fixtures_local import LocalHost, host_program

JANE = Actor(app_id="portal-app", object_id="jane-object", name="Jane Doe", upn="jane@example.com")
DRIFTWARD_APP = "d21f7a2d-0000-4000-8000-00000000a001"
TOPIC = "alerts"
PATIENCE = 300.0
COALESCE_SECONDS = 1

_Answer = TypeVar("_Answer")


@dataclass
class Installation:
    simulator: SimulatorClient
    host: LocalHost
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # --- the app's HTTP API ---

    def api(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        reply = self.host.call(
            method, f"/api/{path}", body=data, headers={"Content-Type": "application/json"}
        )
        return reply.status, json.loads(reply.body) if reply.body else None

    def look(self, resource: str, **options: object) -> dict[str, Any]:
        """An operator's run on one resource, waited for."""
        status, run = self.api("POST", "runs", {"resourceId": resource, **options})
        assert status in {200, 202}, run
        return self.wait_for_run(run["id"])

    def wait_for_run(self, run_id: str) -> dict[str, Any]:
        def done() -> dict[str, Any] | None:
            _, run = self.api("GET", f"runs/{run_id}")
            return run if run["status"] in {"Done", "Failed"} else None

        return until(done, f"run {run_id} to end")

    def alerts(self, resource: str, **query: str) -> list[dict[str, Any]]:
        words = "&".join(f"{name}={quote(text)}" for name, text in {"resourceId": resource, **query}.items())
        return self._listed(f"alerts?{words}")

    def changes(self, resource: str) -> list[dict[str, Any]]:
        return self._listed(f"changes?resourceId={quote(resource)}")

    def _listed(self, path: str) -> list[dict[str, Any]]:
        """What a list holds. A store that is busy (503) is asked again, as its answer says."""

        def answered() -> tuple[list[dict[str, Any]]] | None:
            status, body = self.api("GET", path)
            assert status in {200, 503}, body
            return (body,) if status == 200 else None

        (listed,) = until(answered, f"an answer to {path}")
        return listed

    def wait_for_change(self, resource: str, outcome: str, count: int = 1) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            changes = [change for change in self.changes(resource) if change["outcome"] == outcome]
            return changes[0] if len(changes) >= count else None

        return until(found, f"{count} × {outcome} on {resource}: {self.changes(resource)}")

    def wait_for_alert(self, resource: str, policy: str, status: str = "open") -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            return next(iter(self.alerts(resource, policy=policy, status=status)), None)

        return until(found, f"an alert of {policy} on {resource}")

    # --- Azure ---

    def server(self, name: str, *, public: bool, endpoint: bool = True, rules: Sequence[str] = ()) -> str:
        """A server that has stood there since before us; no events."""
        network = f"vnet-{name}"
        stands = seeds.flexible_server(name=name, public_access="Enabled" if public else "Disabled")
        stands["systemData"] = {"createdAt": "2024-03-01T08:00:00Z"}
        resources = seeds.well_kept(stands)
        resources += [
            seeds.firewall_rule(server=seeds.flexible_server_id(name=name), name=r, start="198.51.100.7")
            for r in rules
        ]
        if endpoint:
            resources.append(
                seeds.vnet(name=network, subnets=[seeds.subnet(name="endpoints", delegated=False)])
            )
            resources += seeds.way_in(
                name=f"{name}-endpoint",
                server=seeds.flexible_server_id(name=name),
                vnet=network,
                subnet="endpoints",
            )
        self.simulator.seed(resources)
        return seeds.flexible_server_id(name=name)

    def published(self, about: str) -> dict[str, dict[str, Any]]:
        """The CloudEvents on our topic about a resource, the newest of each type."""
        events = self.simulator.topic_events(TOPIC)
        return {str(event["type"]): dict(event) for event in events if about in str(event.get("subject"))}

    def settle(self) -> None:
        """Nothing runs in Azure and no event is on its way."""
        assert self.simulator.wait_idle()

    def our_calls(self, about: str, since: int = 0) -> list[dict[str, Any]]:
        """Driftward's calls whose path names ``about``."""
        calls = self.simulator.calls(path=about, app_id=DRIFTWARD_APP, since=since)
        return [dict(call) for call in calls]

    def last_call(self) -> int:
        return max((int(str(call["seq"])) for call in self.simulator.calls()), default=0)


def kinds(calls: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many calls of each kind: read, write, delete, poll."""
    counts: dict[str, int] = {}
    for call in calls:
        counts[call["kind"]] = counts.get(call["kind"], 0) + 1
    return counts


def until(question: Callable[[], _Answer | None], what: str, patience: float = PATIENCE) -> _Answer:
    """Ask until there is an answer (not None, not empty); fails when patience ends."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    pytest.fail(f"waited {patience} s for {what}")


def stays(question: Callable[[], bool], seconds: float) -> bool:
    """Whether the answer stays true for ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not question():
            return False
        time.sleep(0.1)
    return True


def told_singly(policies_file: str) -> str:
    """What is deployed, but that the drifts of many tests in one installation are no incident."""
    assert "massDrift:\n" in policies_file
    return policies_file.replace("massDrift:\n", "massDrift:\n  enabled: false\n")


@dataclass
class Site:
    """Starts installations that end together."""

    stack: ExitStack
    folder: Path
    storage: Callable[[], str]

    def install(
        self, switches: Switches | None = None, *, subscribe: bool = True, **settings: str
    ) -> Installation:
        simulator = SimulatorServer(switches=switches or Switches(retry_after_seconds=1))
        simulator.start()
        self.stack.callback(simulator.stop)
        number = len(list(self.folder.iterdir()))
        policies = self.folder / f"policies-{number}.yaml"
        policies.write_text(told_singly((PROJECT_ROOT / "policies.yaml").read_text()))
        environment = {
            "POLICIES_FILE": str(policies),
            "AzureWebJobsStorage": self.storage(),
            "ARM_ENDPOINT": simulator.url,
            "ENFORCEMENT_MODE": "enforce",
            "COALESCE_SECONDS": str(COALESCE_SECONDS),
            "SETTLE_SECONDS": "0",
            "SCOPES": f"/subscriptions/{seeds.SUBSCRIPTION}",
            "OPERATOR_KEYS": "allow",
            "ALERT_TOPIC_ENDPOINT": f"{simulator.url}/_sim/topics/{TOPIC}/api/events",
            **settings,
        }
        program = host_program(
            PROJECT_ROOT, environment, self.folder / f"host-{number}.log", "--queue-lease", "30"
        )
        host_stack = self.stack.enter_context(ExitStack())
        process = host_stack.enter_context(running(program))
        assert process.announced is not None
        host = LocalHost(url=process.announced[1], process=process, stack=host_stack)
        client = SimulatorClient(simulator.url, JANE)
        if subscribe:
            client.subscribe(
                f"{host.url}/runtime/webhooks/EventGrid?functionName=resource_events", "EventGridSchema"
            )
        return Installation(simulator=client, host=host)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Each installation gets a storage account of its own: queues and tables are not shared."""
    folder = tmp_path_factory.mktemp("site")
    logs = tmp_path_factory.mktemp("azurite")
    install_azurite()
    with ExitStack() as stack:
        count = itertools.count()

        def storage() -> str:
            return stack.enter_context(run_azurite(logs / f"azurite-{next(count)}.log"))

        yield Site(stack=stack, folder=folder, storage=storage)


@pytest.fixture(scope="module")
def enforcing(site: Site) -> Installation:
    return site.install()
