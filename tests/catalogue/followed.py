"""One event, followed from the trigger to the write to ARM and on: which modules it enters, in which order.

What is real: the triggers as the engine calls them, the composition root, the gateway with Azure's clients,
the simulator's HTTP and its event. Storage is in memory and the clock moves when it is told to. Everything
happens once before it is recorded, so that no import and no filled cache hides a module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, TypeAlias

import azure.functions as func
import pytest

from local.dev.environments import ROOT
from local.simulator import seeds
from shared.adapters.arm.gateway import ArmGateway
from shared.state.store import Store
from shared.wiring import Wiring
from tests.catalogue.stage import Mailbox, Stage, opened
from tests.memory import MemoryBlobs, MemoryQueue, MemoryTables

POLICY: Final = "postgres-firewall-allows-all-azure"
SERVER: Final = seeds.flexible_server_id(name="followed")
RULE: Final = f"{SERVER}/firewallRules/everybody-in-azure"
SEED: Final = (
    seeds.flexible_server(name="followed"),
    seeds.firewall_rule(server=SERVER, name="office", start="203.0.113.17"),
)
POLICIES_FILE: Final = f"version: 1\ndefaults: {{effect: off}}\npolicies: {{{POLICY}: {{effect: revert}}}}\n"
LEFT_OUT: Final = ("shared/model/", "shared/adapters/storage/", "shared/adapters/memory.py")
"""The words, which are everywhere, and what storage in memory takes the place of."""
WRITE: Final = ArmGateway.submit.__code__
"""The call that writes to ARM: what is entered after it has returned comes afterwards."""


Triggers: TypeAlias = Mapping[str, Callable[[Any], Any]]


class MovedClock:
    """The machine's time, and what was waited on top of it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Way:
    """The modules of ``functions/`` and ``shared/`` in the order of their first entry, stage by stage."""

    asked: list[str] = field(default_factory=list)
    """From the event's trigger to the question on the queue."""
    done: list[str] = field(default_factory=list)
    """From the queue's trigger to the write."""
    told: list[str] = field(default_factory=list)
    """After it: the check, the record, the alert's end."""

    def __post_init__(self) -> None:
        self._seen: set[str] = set()
        self._written = False

    @contextmanager
    def recording(self, asking: bool) -> Iterator[None]:
        def note(frame: FrameType, event: str, _argument: object) -> None:
            if event == "call":
                self._enter(frame.f_code, asking)
            elif event == "return" and frame.f_code is WRITE:
                self._written = True

        sys.setprofile(note)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _enter(self, code: CodeType, asking: bool) -> None:
        name = module_of(code)
        if name and name not in self._seen:
            self._seen.add(name)
            (self.asked if asking else self.told if self._written else self.done).append(name)


def module_of(code: CodeType) -> str:
    """`shared/controller/events.py`; nothing for imports, for code of others, and for what is left out."""
    path = Path(code.co_filename)
    if code.co_name == "<module>" or not path.is_relative_to(ROOT):
        return ""
    name = path.relative_to(ROOT).as_posix()
    return name if name.startswith(("functions/", "shared/")) and not name.startswith(LEFT_OUT) else ""


def follow(triggers: Triggers, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Way, list[str]]:
    """The way of the event, and Driftward's writes to ARM by the simulator's log."""
    (folder / "policies.yaml").write_text(POLICIES_FILE, encoding="utf-8")
    with opened() as stage:
        for _ in range(2):
            wiring, queue, clock = wired(stage, folder)
            monkeypatch.setattr("shared.wiring.wiring", lambda wiring=wiring: wiring)
            way, writes = _play(stage, triggers, queue, clock)
    return way, writes


def wired(stage: Stage, folder: Path) -> tuple[Wiring, MemoryQueue, MovedClock]:
    """A composition root like that of a new process, but for its storage and its clock."""
    environment = {
        "ENFORCEMENT_MODE": "enforce",
        "SCOPES": f"/subscriptions/{seeds.SUBSCRIPTION}",
        "SETTLE_SECONDS": "0",
        "ARM_ENDPOINT": stage.server.url,
    }
    wiring, clock = Wiring(environment, folder), MovedClock()
    queue = MemoryQueue(clock)
    wiring.__dict__.update(clock=clock, store=Store(MemoryTables(), MemoryBlobs(), queue))
    return wiring, queue, clock


def _play(stage: Stage, triggers: Triggers, queue: MemoryQueue, clock: MovedClock) -> tuple[Way, list[str]]:
    way = Way()
    stage.azure.seed(SEED, replace=True)
    stage.settle()
    stage.mailbox.take()
    triggers["sweep"](None)
    _work(queue, clock, triggers["reconcile"], None)
    began = stage.server.world.calls.last
    stage.azure.put(RULE, {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}})
    stage.settle()
    with way.recording(asking=True):
        triggers["resource_events"](_event(stage.mailbox))
    _work(queue, clock, triggers["reconcile"], way)
    calls = stage.azure.calls(app_id=stage.app_id, since=began)
    writes = [f"{call['method']} {call['path']}" for call in calls if call["kind"] in {"write", "delete"}]
    return way, writes


def _event(mailbox: Mailbox) -> func.EventGridEvent:
    (event,) = mailbox.take()
    return func.EventGridEvent(
        id=event["id"],
        data=event["data"],
        topic=event["topic"],
        subject=event["subject"],
        event_type=event["eventType"],
        event_time=datetime.fromisoformat(event["eventTime"]),
        data_version=event["dataVersion"],
    )


def _work(queue: MemoryQueue, clock: MovedClock, reconcile: Callable[[Any], Any], way: Way | None) -> None:
    """What is on the queue is done, and what is put there meanwhile."""
    until = clock.now() + timedelta(seconds=60)
    while clock.now() < until:
        message = queue.receive()
        if message is None:
            clock.sleep(1)
            continue
        request = func.QueueMessage(body=message.body.encode())
        if way is None:
            reconcile(request)
        else:
            with way.recording(asking=False):
                reconcile(request)
        queue.delete(message)
