"""An app at work, with everything around it that goes on when a worker dies.

The host delivers a message again when its lease has run out, and gives it up after five deliveries. Event
Grid sends an event again that was not acknowledged, an operator asks again who got no answer, the timer comes
around. Azure's operations take their time, and others write to what Driftward keeps. Time jumps from one
thing that happens to the next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import count
from typing import Final

from shared.api import ApiRequest, answer
from shared.config.configuration import Configuration
from shared.config.settings import Settings
from shared.controller.arrivals import Arrived, receive_event, receive_message
from shared.controller.deps import Deps
from shared.controller.doctor import Asked, Report
from shared.controller.poison import poisoned
from shared.controller.sweep import sweep
from shared.model import Aspect, Edit, Json, Operation, ServerSnapshot, ServerState, Snapshot, Target
from shared.model.alert_records import Notification
from shared.model.errors import Busy, ConfigurationError, EntityChanged, GatewayError, SinkError, StoreError
from shared.model.interfaces import Clock
from shared.model.values import value
from shared.state.store import Store
from tests.fakes import SOMEBODY, FakeGateway, World
from tests.memory import MemoryQueue, QueuedMessage
from tests.steady.tape import GATEWAY, STORE, Killed, Tape

LEASE: Final = 600.0
"""Seconds for which the host hides a message that it works on, renewed while it lives."""
AGAIN: Final = 30.0
"""Seconds after which the host delivers a message again whose function failed: ``host.json``."""
MOST_DELIVERIES: Final = 5
POLLED: Final = 2.0
"""Seconds until the host looks into a queue that was empty."""
EVENT_AGAIN: Final = 10.0
"""Seconds after which Event Grid tries again first."""
CALL_AGAIN: Final = 61.0
"""Seconds after which an operator asks again who got no answer, or that the app is in trouble."""
SWEPT_AGAIN: Final = 1800.0
"""Seconds after which the timer comes around again: the default of ``SWEEP_SCHEDULE``."""
_OURS: Final = 500
"""From this status on the trouble is the app's."""
_ASK_AGAIN: Final = "/problems/concurrent-change"
_APP: Final = (GatewayError, StoreError, SinkError, ConfigurationError)
"""What the app's functions are known to raise; anything else is a fault of its own."""
_UNEXPECTED: Final = (AssertionError, LookupError, ValueError, TypeError, AttributeError, StopIteration)

Work = Callable[[Deps], object]


class Came(StrEnum):
    """What came of one call of a function of the app."""

    DONE = "done"
    FAILED = "failed"
    KILLED = "killed"


@dataclass
class Task:
    """A call of the app that is no message of a queue: an event, a request, the timer."""

    due: datetime
    call: str
    work: Work
    again_after: float | None
    """Seconds after which it is made again if nothing came of it; None: it is not."""


@value
class Due:
    """A call that a worker has taken, and what the host does when something has come of it."""

    call: str
    work: Work
    settle: Callable[[Came], None]


@value
class Sent:
    """A write as Azure took it; ``written`` counts what others had written to the target by then."""

    at: datetime
    edit: Edit
    target: str
    written: int


@dataclass
class _Running:
    done_at: datetime
    edit: Edit
    target: str
    error: GatewayError | None


class _Slow(FakeGateway):
    """A gateway whose writes take their time, and to whom Azure says no where the scenario wants it."""

    def __init__(self, plant: Plant) -> None:
        super().__init__(plant.azure)
        self._plant = plant

    def read(self, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
        snapshot = super().read(target, aspects)
        if isinstance(snapshot, ServerSnapshot) and self._plant.is_written(target.key):
            return replace(snapshot, state=ServerState.BUSY, state_text="Updating")
        return snapshot

    def submit(self, edit: Edit, snapshot: Snapshot) -> Operation:
        plant, key = self._plant, snapshot.target.key
        there = self._azure.snapshots.get(key)
        busy = isinstance(there, ServerSnapshot) and there.state is ServerState.BUSY
        if busy or (isinstance(there, ServerSnapshot) and plant.is_written(key)):
            raise Busy("another operation is running", code="ServerIsBusy", status=409, retry_after=10)
        refusal = plant.refuses(edit)
        if refusal is not None:
            raise refusal
        written = plant.foreign_writes.get(key, 0)
        plant.sent.append(Sent(at=plant.clock.now(), edit=edit, target=key, written=written))
        if not plant.operation_seconds:
            return super().submit(edit, snapshot)
        self._call("WRITE", edit.kind)
        self._azure.writes.append(edit)
        url = f"operation-{len(plant.sent)}"
        done_at = plant.clock.now() + timedelta(seconds=plant.operation_seconds)
        plant.running[url] = _Running(done_at=done_at, edit=edit, target=key, error=plant.ends_with(edit))
        return Operation(url=url, style="asyncOperation", retry_after_seconds=plant.operation_seconds)

    def poll(self, operation: Operation) -> Operation | None:
        self._azure.polls += 1
        plant, url = self._plant, operation.url or ""
        if url in plant.running:
            left = (plant.running[url].done_at - plant.clock.now()).total_seconds()
            return replace(operation, retry_after_seconds=max(left, 1.0))
        if url in plant.ended_badly:
            raise plant.ended_badly[url]
        return None


@dataclass
class Plant(World):
    """A world with its host, its operators and its Azure, all of which go on."""

    operation_seconds: float = 0.0
    on: tuple[str, ...] = ()
    """The policies that are asked; none: all."""
    tape: Tape = field(default_factory=Tape)
    refuses: Callable[[Edit], GatewayError | None] = lambda _: None
    """What Azure says of an edit when it is sent."""
    ends_with: Callable[[Edit], GatewayError | None] = lambda _: None
    """How the operation of an edit ends badly."""
    sent: list[Sent] = field(default_factory=list)
    running: dict[str, _Running] = field(default_factory=dict)
    ended_badly: dict[str, GatewayError] = field(default_factory=dict)
    foreign_writes: dict[str, int] = field(default_factory=dict)
    written_at: list[datetime] = field(default_factory=list)
    """When others wrote, whatever it was."""
    last_written: str = ""
    """What others wrote to last, by key."""
    taken: str = ""
    """The body of the message that was taken last."""
    tasks: list[Task] = field(default_factory=list)
    responses: list[Mapping[str, Json]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    asked_again: list[datetime] = field(default_factory=list)
    """When an operator repeated a request."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._events = count(1)
        self.poison = MemoryQueue(self.clock)
        self.queues = (
            (self.queue, lambda body, deps: receive_message(body.encode(), deps)),
            (self.poison, lambda body, deps: poisoned(body.encode(), deps)),
        )
        self.tape.around("tables", self.tables, STORE["tables"])
        self.tape.around("blobs", self.blobs, STORE["blobs"])
        self.tape.around("queue", self.queue, STORE["queue"])

    def deps(self) -> Deps:
        deps = super().deps()
        gateway = _Slow(self)
        self.tape.around("gateway", gateway, GATEWAY)
        self.tape.around("tags", deps.service_tags, ("read",))
        policies = tuple(policy for policy in deps.policies if not self.on or policy.id in self.on)
        deliver = self.tape.around_call("sink.deliver", deps.deliver)
        return replace(deps, gateway=gateway, policies=policies, deliver=deliver)

    # --- what others do ----------------------------------------------------------------------------

    def write(self, snapshot: Snapshot) -> Target:
        """Somebody writes; the event arrives."""
        self.put(snapshot)
        self._written(snapshot.target, "Write")
        return snapshot.target

    def delete(self, target: Target) -> None:
        """Somebody deletes it; the event arrives."""
        self.remove(target)
        self._written(target, "Delete")

    def put(self, snapshot: Snapshot) -> None:
        """Somebody writes; the event has not arrived."""
        self.azure.put(snapshot)
        self._noted(snapshot.target)

    def remove(self, target: Target) -> None:
        """Somebody deletes it; the event has not arrived."""
        self.azure.snapshots.pop(target.key, None)
        self._noted(target)

    def _noted(self, target: Target) -> None:
        self.last_written = target.key
        self.written_at.append(self.clock.now())
        self.foreign_writes[target.key] = self.foreign_writes.get(target.key, 0) + 1

    def _written(self, target: Target, deed: str) -> None:
        number = next(self._events)
        claims = {
            "appid": SOMEBODY.app_id,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": SOMEBODY.object_id,
            "name": SOMEBODY.name,
        }
        arrived = Arrived(
            id=f"event-{number}",
            type=f"Microsoft.Resources.Resource{deed}Success",
            subject=str(target.id),
            time=self.clock.now(),
            data={
                "operationName": f"{target.id.type}/{deed.lower()}",
                "status": "Succeeded",
                "claims": claims,
            },
            original="{}",
        )
        self.task("event", lambda deps: receive_event(arrived, deps), EVENT_AGAIN)

    def down(self, names: str, seconds: float) -> None:
        """Operations whose names begin so fail for so many seconds."""
        until = self.clock.now() + timedelta(seconds=seconds)
        self.tape.down = lambda name: name.startswith(names) and self.clock.now() < until

    def sweep(self) -> None:
        """The timer comes around; where its function fails, it comes around again."""
        self.task("sweep", sweep, SWEPT_AGAIN)

    def call(self, name: str, body: Json = None, *, of: str | None = None) -> None:
        """An operator asks by HTTP, and again who is not answered."""
        request = ApiRequest(
            parameters={} if of is None else {"id": of},
            query={},
            headers={},
            body=b"" if body is None else json.dumps(body).encode(),
        )

        def ask(deps: Deps) -> None:
            response = answer(name, request, _Sources(self, deps))
            if response.status >= _OURS or response.body.get("type") == _ASK_AGAIN:
                raise StoreError(f"{name}: {response.body}")
            self.responses.append(response.body)

        self.task("request", ask, CALL_AGAIN)

    def task(self, call: str, work: Work, again_after: float | None) -> None:
        self.tasks.append(Task(due=self.clock.now(), call=call, work=work, again_after=again_after))

    # --- the host ----------------------------------------------------------------------------------

    def attempt(self, due: Due) -> Came:
        """Call a function of the app, as the host does."""
        self.tape.on, self.tape.call = True, due.call
        try:
            due.work(self.deps())
        except Killed:
            return Came.KILLED
        except _APP:
            return Came.FAILED
        except _UNEXPECTED as fault:
            self.unexpected.append(f"{type(fault).__name__}: {fault}")
            return Came.FAILED
        finally:
            self.tape.on = False
        return Came.DONE

    def work(self, seconds: float, watch: Callable[[], object] = lambda: None) -> None:
        """Everything that happens within so many seconds, in order; ``watch`` looks on."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while (due := self._next()) is not None and due <= until:
            self.clock.set(max(due, self.clock.now()))
            self.finish_operations()
            if self._do_one():
                watch()
        self.clock.set(until)

    def _next(self) -> datetime | None:
        times = [
            *(task.due for task in self.tasks),
            *(queue.next_visible_at() for queue, _ in self.queues),
            *(one.done_at for one in self.running.values()),
        ]
        return min((time for time in times if time is not None), default=None)

    def finish_operations(self) -> None:
        for url, one in list(self.running.items()):
            if one.done_at <= self.clock.now():
                del self.running[url]
                if one.error is None:
                    self.azure.apply(one.edit)
                else:
                    vars(one.error)["is_end"] = True
                    self.ended_badly[url] = one.error

    def _do_one(self) -> bool:
        due = self.take()
        if due is not None:
            due.settle(self.attempt(due))
        return due is not None

    def take(self) -> Due | None:
        """What is due first is taken by a worker; None if nothing is."""
        task = next((task for task in self.tasks if task.due <= self.clock.now()), None)
        if task is not None:
            self.tasks.remove(task)
            return Due(call=task.call, work=task.work, settle=partial(self._settle_task, task))
        for queue, handle in self.queues:
            message = queue.receive(LEASE)
            if message is not None and message.dequeue_count > MOST_DELIVERIES and queue is not self.poison:
                self._give_up(queue, message)
            elif message is not None:
                self.taken = message.body
                return self._due(queue, message, handle)
        return None

    def _due(self, queue: MemoryQueue, message: QueuedMessage, handle: Callable[[str, Deps], object]) -> Due:
        work = partial(handle, message.body)
        return Due(call="message", work=work, settle=partial(self._settle, queue, message))

    def _settle_task(self, task: Task, came: Came) -> None:
        if came is Came.DONE or task.again_after is None:
            return
        due = self.clock.now() + timedelta(seconds=task.again_after)
        self.tasks.append(replace(task, due=due))
        if task.again_after == CALL_AGAIN:
            self.asked_again.append(due)

    def _settle(self, queue: MemoryQueue, message: QueuedMessage, came: Came) -> None:
        """What the host does with a message after its function: delete it, or have it delivered again."""
        match came:
            case Came.DONE:
                self._delete(queue, message)
            case Came.FAILED if queue is self.poison:
                return
            case Came.FAILED if message.dequeue_count >= MOST_DELIVERIES:
                self._give_up(queue, message)
            case Came.FAILED:
                queue.release(message, AGAIN)
            case Came.KILLED:
                return

    def _delete(self, queue: MemoryQueue, message: QueuedMessage) -> None:
        """The last operation of a message's call."""

        def work(_: Deps) -> None:
            with suppress(EntityChanged):  # somebody else has received it since, and deletes it
                self.tape.run("host.delete", lambda: queue.delete(message))

        self.attempt(Due(call="message", work=work, settle=lambda _: None))

    def _give_up(self, queue: MemoryQueue, message: QueuedMessage) -> None:
        self.given_up.append(message.body)
        self.poison.send(message.body, POLLED)
        queue.delete(message)

    # --- what is so --------------------------------------------------------------------------------

    def is_written(self, key: str) -> bool:
        return any(one.target == key for one in self.running.values())

    def distinct(self) -> dict[str, Notification]:
        """What people were told, each id once: what is delivered again has the same."""
        told: dict[str, Notification] = {}
        for one in self.delivered:
            told.setdefault(one.id, one)
        return told


@dataclass
class _Sources:
    """The composition root of one request."""

    plant: Plant
    of: Deps

    def deps(self) -> Deps:
        return self.of

    def examined(self, asked: Asked) -> Report:
        raise AssertionError("no scenario asks the doctor")

    @property
    def has_sinks(self) -> bool:
        return bool(self.of.sinks)

    @property
    def settings(self) -> Settings:
        return self.of.settings

    @property
    def configuration(self) -> Configuration:
        return self.of.configuration

    @property
    def store(self) -> Store:
        return self.of.store

    @property
    def clock(self) -> Clock:
        return self.of.clock
