"""The stage: one simulator, one set of SDK clients and one webhook for all scenarios, and an app for each.

What is real: the simulator's HTTP and its Event Grid delivery, the trigger's own reading of an event, the
gateway with the SDK clients, arrivals, dispatch, reconcile, sweep, approval and rollback. What is not:
storage is the in-memory implementation that passes the same contract tests, the Functions engine is left
out, and time is the machine's plus whatever a scenario has waited, so that settling takes no time. Each play
begins with an Azure that holds its seed and nothing else, and with an app that knows nothing.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, assert_never

import azure.functions as func
import yaml

from functions.resource_events import take_apart
from local.pages.roles import further_actions
from local.simulator.client import Actor, SimulatorClient
from local.simulator.events import EventSchema
from local.simulator.server import SimulatorServer
from local.simulator.switches import Switches
from local.simulator.values import JsonObject, JsonValue
from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.service_tags import ArmServiceTags, TagLists
from shared.adapters.arm.session.clients import ArmClients
from shared.alerts.commands import PUBLIC_ARM, fix_commands
from shared.alerts.portal import portal_link
from shared.api.alerts import approve_alert
from shared.api.http import ApiRequest
from shared.config.configuration import Configuration
from shared.config.file_reading import parse_policies_file
from shared.config.settings import Settings
from shared.controller.arrivals import Arrived, receive_event, receive_message
from shared.controller.deps import Deps
from shared.controller.rollback import RollbackRequest, roll_back
from shared.controller.runs import RunRequest, start_run
from shared.controller.sweep import sweep
from shared.model import Actor as Person
from shared.model import EnforcementMode, Finding, Json, Outcome, Target
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeRecord
from shared.model.memory import PolicyMemory
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.state.store import Store
from tests.catalogue.scenario import Call, Happening, Scenario, Step
from tests.memory import MemoryBlobs, MemoryQueue, MemoryTables

JANE = Actor(app_id="portal-app", object_id="jane-object", name="Jane Doe", upn="jane@example.com")
PERSON = Person(name="Olive Operator")
SWITCHES = Switches(operation_seconds=0.01)
PATIENCE = 300.0
LONG_ENOUGH = 200.0
"""Seconds of the app's clock that coalescing, settling and the polls of a change are given."""
STEP = 5.0
_PASSING = frozenset(
    {"etag", "resourceguid", "createdat", "lastmodifiedat", "changedtime", "provisioningstate", "source"}
)
"""Fields that differ from one writing of the same thing to the next; ``source`` says of a parameter whether
anybody ever set it."""


class Clock:
    """The machine's time, and what the play has waited on top of it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Mailbox:
    """A webhook as Event Grid wants it: proves itself and keeps what is delivered."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, event_type: str, body: list[dict[str, Any]]) -> JsonObject:
        if event_type == "SubscriptionValidation":
            return {"validationResponse": body[0]["data"]["validationCode"]}
        self.events.extend(body)
        return {}

    def take(self) -> list[dict[str, Any]]:
        """What has been delivered since the last time."""
        taken = self.events[:]
        del self.events[: len(taken)]
        return taken


@contextmanager
def _listening(mailbox: Mailbox) -> Iterator[str]:
    """The address at which the mailbox gets its post."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            payload = json.dumps(mailbox.answer(self.headers["aeg-event-type"], body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/events"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Stage:
    """What all plays share."""

    server: SimulatorServer
    azure: SimulatorClient
    clients: ArmClients
    mailbox: Mailbox
    tag_lists: TagLists = field(default_factory=TagLists)

    @property
    def app_id(self) -> str:
        """As whom Driftward calls ARM."""
        app_id = self.clients.identity().app_id
        assert app_id is not None
        return app_id

    def settle(self) -> None:
        """Nothing runs in Azure and no event is on its way."""
        assert self.server.world.wait_idle(PATIENCE), "an operation or a delivery does not end"

    def play(self, scenario: Scenario) -> Play:
        """A new app before an Azure that holds the scenario's seed and nothing else."""
        return self._play(scenario, settings_of(scenario))

    def play_among_all(self, scenario: Scenario) -> Play:
        """The same where every policy of the catalogue is on."""
        return self._play(scenario, everything_on([scenario.settings]))

    def _play(self, scenario: Scenario, settings: str) -> Play:
        play = self.play_on(scenario.seed, settings, ResourceId(scenario.resource))
        if scenario.switches:
            self.azure.switches(**scenario.switches)
        return play

    def play_on(self, bodies: Sequence[JsonObject], settings: str, resource: ResourceId) -> Play:
        self.settle()
        self.azure.roles({})
        self.azure.clear_faults()
        self.server.world.switches = SWITCHES
        self.azure.seed(bodies, replace=True)
        self.mailbox.take()
        return Play(stage=self, settings=settings, resource=resource)


@contextmanager
def opened() -> Iterator[Stage]:
    """A stage; nothing of it is left afterwards."""
    mailbox = Mailbox()
    with (
        SimulatorServer(switches=SWITCHES) as server,
        _listening(mailbox) as address,
    ):
        azure = SimulatorClient(server.url, JANE)
        azure.subscribe(address, EventSchema.EVENT_GRID)
        clients = ArmClients(Settings(arm_endpoint=server.url))
        yield Stage(server=server, azure=azure, clients=clients, mailbox=mailbox)
        clients.close()


@dataclass
class Play:
    """One app with its own memory, and what happens to its one target."""

    stage: Stage
    settings: str
    resource: ResourceId
    mode: EnforcementMode = EnforcementMode.ENFORCE
    endpoint: str = ""
    """``ARM_ENDPOINT`` of the app, for which commands are printed; none is the public cloud's."""
    lines: list[Mapping[str, Json]] = field(default_factory=list)
    """The canonical lines that the app wrote."""

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.queue = MemoryQueue(self.clock)
        self.store = Store(MemoryTables(), MemoryBlobs(), self.queue)
        self._ids = itertools.count(1)
        self._configuration = self.configured(self.settings)
        self._began = self.last_call()

    @staticmethod
    def configured(settings: str) -> Configuration:
        """What the text of ``policies.yaml`` says."""
        return Configuration(parse_policies_file(settings, discover(), name="policies.yaml"))

    # --- the app ---

    def deps(self) -> Deps:
        """What one invocation works with."""
        clients, clock = self.stage.clients, self.clock
        return Deps(
            gateway=ArmGateway(clients, clock, clock.sleep),
            service_tags=ArmServiceTags(clients, clock, clock.sleep, self.stage.tag_lists),
            store=self.store,
            clock=clock,
            settings=Settings(mode=self.mode, scopes=(self._scope,), arm_endpoint=self.endpoint),
            configuration=self._configuration,
            policies=discover(),
            sinks=(),
            deliver=lambda _sink, _notification: None,
            log=self.lines.append,
            new_id=lambda: f"id{next(self._ids)}",
            commands=partial(fix_commands, management_endpoint=self.endpoint or PUBLIC_ARM),
            portal_link=partial(portal_link, cloud="public"),
        )

    @property
    def _scope(self) -> ResourceId:
        return ResourceId(f"/subscriptions/{self.resource.subscription}")

    def sweep(self) -> None:
        """The timer fires, and everything that follows from it happens."""
        sweep(self.deps())
        self.wait()

    def receive_events(self) -> int:
        """What Event Grid has delivered reaches the app; how many events that were."""
        self.stage.settle()
        events = self.stage.mailbox.take()
        for event in events:
            receive_event(arrived(event, self.clock.ahead), self.deps())
        return len(events)

    def wait(self, seconds: float = LONG_ENOUGH) -> None:
        """Time passes: the queue is worked off, and what our own writes raise arrives as well."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while True:
            self.receive_events()
            message = self.queue.receive()
            if message is not None:
                receive_message(message.body.encode(), self.deps())
                self.queue.delete(message)
            elif self.clock.now() < until:
                self.clock.sleep(STEP)
            else:
                return

    def approve(self, alert: AlertRecord) -> None:
        """An operator agrees to what the alert proposes, and it is done."""
        body = json.dumps({"by": PERSON.name}).encode()
        answer = approve_alert(ApiRequest(parameters={"id": alert.id}, body=body), self.deps())
        assert answer.status == 202, answer.body
        self.wait()

    def roll_back(self, change: ChangeRecord) -> None:
        """An operator wants the change undone, and it is."""
        until = self.clock.now() + timedelta(days=1)
        request = RollbackRequest(change_id=change.id, actor=PERSON, reason="it is needed", expires_at=until)
        assert roll_back(request, self.deps()) is not None
        self.wait()

    def findings(self, resource: ResourceId | None = None) -> dict[str, Finding]:
        """What an operator's look at the play's resource or another one finds now, by policy."""
        run = start_run(RunRequest(actor=PERSON, resource=resource or self.resource), self.deps())
        assert run.results, run
        return {finding.policy: finding for finding in run.results[0].findings}

    # --- what has become of it ---

    def memory(self, target: Target, policy: str) -> PolicyMemory | None:
        """What the app remembers of the policy on the target."""
        return self.store.recall(target, self.clock.now()).memories.get(policy)

    def alert(self, target: Target, policy: str) -> AlertRecord | None:
        """The open alert of the policy on the target."""
        found = self.store.alerts(policy=policy, target=target)
        return next((alert for alert in found if alert.status is not AlertStatus.RESOLVED), None)

    def changes(self, policy: str) -> list[ChangeRecord]:
        """The changes that were begun for the policy, the oldest first."""
        found = [record for record in self.store.changes() if record.change.policy == policy]
        return sorted(found, key=lambda record: record.created_at)

    def change(self, policy: str, outcome: Outcome) -> ChangeRecord | None:
        """The newest change of the policy that came to this."""
        found = [record for record in self.changes(policy) if record.outcome is outcome]
        return found[-1] if found else None

    # --- Azure ---

    def drift(self, steps: Sequence[Step]) -> None:
        """Somebody else does what the scenario says."""
        for step in steps:
            match step:
                case Call():
                    self._call(step)
                case Happening():
                    self.stage.azure.seed(step.bodies)
                case _:
                    assert_never(step)
        self.stage.settle()

    def _call(self, step: Call) -> None:
        azure = self.stage.azure
        calls: dict[str, Callable[[], object]] = {
            "PUT": lambda: azure.put(step.path, step.body or {}),
            "PATCH": lambda: azure.patch(step.path, step.body or {}),
            "POST": lambda: azure.post(step.path, step.body),
            "DELETE": lambda: azure.delete(step.path),
        }
        calls[step.method]()

    def state(self) -> dict[str, JsonValue]:
        """Everything that stands in Azure, by id, without what differs from writing to writing."""
        self.stage.settle()
        resources = self.stage.azure.state()["resources"]
        assert isinstance(resources, list)
        return {one["id"].lower(): _lasting(one) for one in resources if isinstance(one, dict)}  # type: ignore[union-attr]  # an id is a text

    def last_call(self) -> int:
        """The number of the newest call in the simulator's log."""
        return self.stage.server.world.calls.last

    def our_calls(self, since: int = 0) -> list[JsonObject]:
        """Driftward's calls in this play after call number ``since``."""
        return self.stage.azure.calls(app_id=self.stage.app_id, since=max(since, self._began))

    def our_writes(self) -> list[str]:
        """Driftward's calls that are more than reading."""
        return [
            f"{call['method']} {call['path']}"
            for call in self.our_calls()
            if call["kind"] not in {"read", "poll"}
        ]

    def allow(self, *actions: str, but: str = "") -> None:
        """From now on Driftward may do this in Azure, and what no policy declares, and nothing else."""
        allowed = {*actions, *further_actions()} - {but}
        self.stage.azure.roles({self.stage.app_id: sorted(allowed)})


def settings_of(scenario: Scenario) -> str:
    """``policies.yaml`` for a scenario: its policy reverts, every other is off, and its own settings."""
    base: dict[str, Json] = {
        "version": 1,
        "defaults": {"effect": "off"},
        "policies": {scenario.policy: {"effect": "revert"}},
    }
    return json.dumps(_laid_over(base, yaml.safe_load(scenario.settings) or {}))


def everything_on(settings: Sequence[str]) -> str:
    """``policies.yaml`` with every policy reverting, with the parameters that any of the settings give."""
    said: dict[str, Json] = {
        "version": 1,
        "policies": {policy.id: {"effect": "revert"} for policy in discover()},
    }
    for text in settings:
        policies = (yaml.safe_load(text) or {}).get("policies", {})
        parameters = {name: {"parameters": one.get("parameters", {})} for name, one in policies.items()}
        said = _laid_over(said, {"policies": parameters})
    return json.dumps(said)


def _laid_over(base: Mapping[str, Json], more: Mapping[str, Json]) -> dict[str, Json]:
    return {**base, **{name: _joined(base.get(name), said) for name, said in more.items()}}


def _joined(base: Json, more: Json) -> Json:
    return _laid_over(base, more) if isinstance(base, dict) and isinstance(more, dict) else more


def arrived(event: Mapping[str, Any], ahead: timedelta = timedelta()) -> Arrived:
    """An event as the trigger takes it apart, moved to the app's clock."""
    time = datetime.fromisoformat(event["eventTime"]) + ahead
    return take_apart(
        func.EventGridEvent(
            id=event["id"],
            data=event["data"],
            topic=event["topic"],
            subject=event["subject"],
            event_type=event["eventType"],
            event_time=time,
            data_version=event["dataVersion"],
        )
    )


def _lasting(shown: JsonValue) -> JsonValue:
    if isinstance(shown, dict):
        return {name: _lasting(one) for name, one in shown.items() if name.lower() not in _PASSING}
    return [_lasting(one) for one in shown] if isinstance(shown, list) else shown


def differing(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> set[str]:
    """Ids of what is there in one of the two only, or differs."""
    return {one for one in {*before, *after} if before.get(one) != after.get(one)}
