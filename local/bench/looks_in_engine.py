"""The process that ``looks`` measures: the app in the engine, fed with events and messages one by one.

Prints one JSON list of ``[figure, value, unit]`` as its last line.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from statistics import median, quantiles
from typing import Any, Final
from unittest.mock import patch

import requests
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

from local.dev.emulator import PROJECT_ROOT
from local.host.engine import Engine, InvocationResult, JsonPayload, Metadata, Payload, TextPayload
from local.host.queues import QueueListener, QueueSource
from local.host.settings import host_options
from local.simulator import seeds
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.queues import AzureQueue
from shared.adapters.storage.tables import AzureTables
from shared.model.interfaces import Put

_RUNS: Final = {"quick": 20, "full": 60}
_BURST: Final = 500
_SENDERS: Final = 8


class Storage:
    """The requests to storage, counted by kind."""

    def __init__(self, connection: str) -> None:
        self.counts: Counter[str] = Counter()
        named = re.findall(r"(Blob|Queue|Table)Endpoint=(http://[^;]+)", connection)
        self._services = {address: service.lower() for service, address in named}

    def watch(self) -> None:
        send = requests.Session.send

        def counted(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
            self._note(str(request.method), str(request.url))
            return send(session, request, **options)

        patch.object(requests.Session, "send", counted).start()

    def _note(self, method: str, url: str) -> None:
        for address, service in self._services.items():
            if url.startswith(address):
                listed = "comp=list" in url or "filter=" in url
                self.counts["list" if listed else f"{service} {method}"] += 1

    def during(self, step: Callable[[], object]) -> tuple[float, Counter[str]]:
        """Milliseconds of processor time, and what was asked of storage."""
        before, began = self.counts.copy(), time.process_time()
        step()
        return (time.process_time() - began) * 1000, self.counts - before


class App:
    """The app, its events and its queue."""

    def __init__(self, connection: str) -> None:
        self.engine = Engine(PROJECT_ROOT)
        self.queue = QueueClient.from_connection_string(
            connection, "reconcile", message_decode_policy=TextBase64DecodePolicy()
        )
        self._numbers = iter(range(10**9))

    def accept(self, server: str) -> None:
        done = self.engine.invoke("resource_events", {"event": JsonPayload(text=self._event(server))})
        if not done.ok:
            raise RuntimeError(done.stack)

    def looks(self) -> Iterator[Callable[[], None]]:
        """What is queued, to be worked on."""
        for message in self.queue.receive_messages(max_messages=32):
            yield partial(self._look, message.content)
            self.queue.delete_message(message)

    def _look(self, text: str) -> None:
        done = self.engine.invoke("reconcile", {"message": TextPayload(text=text)})
        if not done.ok:
            raise RuntimeError(done.stack)

    def _event(self, server: str) -> str:
        said = {
            "id": f"event-{next(self._numbers)}",
            "topic": f"/subscriptions/{seeds.SUBSCRIPTION}",
            "subject": seeds.flexible_server_id(name=server),
            "eventType": "Microsoft.Resources.ResourceWriteSuccess",
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "data": {
                "operationName": "Microsoft.DBforPostgreSQL/flexibleServers/write",
                "correlationId": "c0ffee00-0000-4000-8000-000000000001",
                "claims": {"name": "Jane Doe", "appid": "portal"},
            },
            "dataVersion": "2",
            "metadataVersion": "1",
        }
        return json.dumps(said)


def storage_account() -> str:
    """The storage account, as the host's settings name it."""
    return next(text for name, text in os.environ.items() if name == "AzureWebJobsStorage")


def main(extent: str, servers: list[str]) -> list[tuple[str, float, str]]:
    """Measure, in one run."""
    connection = storage_account()
    storage, app = Storage(connection), App(connection)
    storage.watch()
    for server in [servers[0]] * 3 + servers:  # each is known afterwards
        app.accept(server)
    while [look() for look in app.looks()]:
        pass
    calm = _one_by_one(app, storage, servers[0], _RUNS[extent])
    return [*calm, *_waits(app, connection, servers, _RUNS[extent])]


def _one_by_one(app: App, storage: Storage, server: str, runs: int) -> list[tuple[str, float, str]]:
    accepts, looks = [], []
    for _ in range(runs):
        accepts.append(storage.during(lambda: app.accept(server)))
        looks += [storage.during(look) for look in app.looks()]
    (_, accepted), (_, looked) = accepts[-1], looks[-1]
    of_look, of_accept = (median(cpu for cpu, _ in spent) for spent in (looks, accepts))
    return [
        ("look.compliant.storageOperations", sum(looked.values()), "1"),
        ("look.compliant.listOperations", looked["list"], "1"),
        ("look.compliant.hostCpu", round(of_look, 1), "ms"),
        ("look.compliant.perCoreSecond", round(1000 / of_look, 1), "1/s"),
        ("event.accept.storageOperations", sum(accepted.values()), "1"),
        ("event.accept.hostCpu", round(of_accept, 1), "ms"),
        ("event.accept.perCoreSecond", round(1000 / of_accept, 1), "1/s"),
        ("event.accept.sdkCpu", round(_of_the_sdk(storage, runs), 1), "ms"),
    ]


def _of_the_sdk(storage: Storage, runs: int) -> float:
    """What the requests of one accepted event cost without the app: a read, a message, a write."""
    account = StorageAccount(connection_string=storage_account())
    tables, queue = AzureTables(account, time.sleep), AzureQueue(account, time.sleep, "bench")
    row = Put(partition="bench", row="bench", properties={"json0": "x" * 900})

    def requested() -> None:
        tables.get("targets", "bench", "bench")
        queue.send("{}", 3600)
        tables.write("targets", row)

    return median(storage.during(requested)[0] for _ in range(runs))


# --- from event to decision -------------------------------------------------------------------------


class Decisions:
    """When looks began and ended, by server, while a listener feeds the app from its queue."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._ended: dict[str, list[tuple[float, float]]] = {}
        self._changed = threading.Condition()
        self._newest = time.perf_counter()

    def start(self, payload: Payload, metadata: Metadata) -> Future[InvocationResult]:
        text = payload.text if isinstance(payload, TextPayload) else ""
        began, server = time.perf_counter(), json.loads(text)["target"]["id"].rsplit("/", 1)[-1]
        running = self._app.engine.submit("reconcile", {"message": payload}, metadata)
        running.add_done_callback(lambda _: self._note(server, began))
        return running

    def wait(self, server: str, since: float, patience: float = 300) -> float:
        """Seconds from an event that was accepted at ``since`` to the end of a look that began after it."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._decided(server, since), patience)
        return (found or float("inf")) - since

    def settle(self, seconds: float = 3, patience: float = 300) -> None:
        """Wait until nothing runs and nothing has ended for so long."""
        until = time.perf_counter() + patience
        while time.perf_counter() < min(until, self._newest + seconds):
            time.sleep(0.1)

    def seconds(self, server: str, since: float) -> float:
        """From an event to its decision, once all is settled: the first look that was taken from the queue
        after it, or one that was on its way and took it along."""
        ended = self._ended.get(server, [])
        later = [end for began, end in ended if began >= since] or [end for _, end in ended if end >= since]
        return min(later, default=float("inf")) - since

    @property
    def newest(self) -> float:
        return self._newest

    def _decided(self, server: str, since: float) -> float | None:
        ends = [end for began, end in self._ended.get(server, []) if began >= since]
        return min(ends, default=None)

    def _note(self, server: str, began: float) -> None:
        with self._changed:
            self._newest = time.perf_counter()
            self._ended.setdefault(server, []).append((began, self._newest))
            self._changed.notify_all()


def _waits(app: App, connection: str, servers: list[str], runs: int) -> list[tuple[str, float, str]]:
    decisions, stop = Decisions(app), threading.Event()
    options = host_options(PROJECT_ROOT).queues
    source = QueueSource(connection=connection, queue="reconcile", options=options)
    listener = QueueListener(source=source, start=decisions.start, stop=stop)
    threading.Thread(target=listener.run, daemon=True).start()
    idle = [_decided_after(app, decisions, servers[number % len(servers)]) for number in range(runs)]
    sent = [servers[number % len(servers)] for number in range(_BURST)]
    began = time.perf_counter()
    with ThreadPoolExecutor(_SENDERS) as pool:
        accepted = list(pool.map(lambda server: (server, _accepted(app, server)), sent))
    seconds = time.perf_counter() - began
    decisions.settle()
    burst = [decisions.seconds(server, since) for server, since in accepted]
    worked = decisions.newest - began
    stop.set()
    return [
        *_percentiles("event.decision.idle", idle),
        *_percentiles("event.decision.burst", burst),
        ("event.burst.acceptedPerSecond", round(_BURST / seconds, 1), "1/s"),
        ("event.burst.decidedPerSecond", round(len(servers) / worked, 1), "1/s"),
    ]


def _decided_after(app: App, decisions: Decisions, server: str) -> float:
    return decisions.wait(server, _accepted(app, server))


def _accepted(app: App, server: str) -> float:
    """When an event was handed to the app; a look that begins later has it."""
    at = time.perf_counter()
    app.accept(server)
    return at


def _percentiles(name: str, waits: list[float]) -> list[tuple[str, float, str]]:
    cuts = quantiles(waits, n=20)
    return [(f"{name}.p50", round(median(waits), 2), "s"), (f"{name}.p95", round(cuts[-1], 2), "s")]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2:])))
