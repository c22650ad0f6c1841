"""How the queue listeners of several instances share one queue, with what our own ``host.json`` says."""

from __future__ import annotations

import json
import re
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from azure.storage.queue import QueueClient

from local.host.engine import InvocationResult, Metadata, Payload, TextPayload
from local.host.queues import QueueListener, QueueSource
from local.host.settings import QueueOptions, host_options
from tests.local.host.support import eventually

pytestmark = [pytest.mark.azurite]

ROOT = Path(__file__).parents[3]
SLOTS = 8
DONE = InvocationResult(invocation_id="1", ok=True, milliseconds=0)


class Instance:
    """One instance's function: it ends a message at once, unless the message is held until it is let go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken: list[str] = []
        self.running: dict[str, Future[InvocationResult]] = {}
        self.most = 0

    def start(self, payload: Payload, _: Metadata) -> Future[InvocationResult]:
        assert isinstance(payload, TextPayload)
        run: Future[InvocationResult] = Future()
        with self._lock:
            self.taken.append(payload.text)
            if not payload.text.startswith("held"):
                run.set_result(DONE)
                return run
            self.running[payload.text] = run
            self.most = max(self.most, len(self.running))
        return run

    def let_go(self) -> None:
        with self._lock:
            for run in self.running.values():
                run.set_result(DONE)
            self.running.clear()


class Shared:
    """A queue of its own, and instances that listen on it."""

    def __init__(self, connection: str) -> None:
        options = replace(queue_options(), max_polling_interval=timedelta(milliseconds=100))
        name = f"slots-{uuid.uuid4().hex[:12]}"
        self.source = QueueSource(connection=connection, queue=name, options=options)
        self.queue = QueueClient.from_connection_string(connection, name)
        self.queue.create_queue()
        self.stop = threading.Event()

    def send(self, *texts: str) -> None:
        for text in texts:
            self.queue.send_message(b64encode(text.encode()).decode())

    def is_empty(self) -> bool:
        return self.queue.get_queue_properties().approximate_message_count == 0

    @contextmanager
    def instances(self, number: int) -> Iterator[list[Instance]]:
        made = [Instance() for _ in range(number)]
        listeners = [QueueListener(source=self.source, start=one.start, stop=self.stop) for one in made]
        threads = [Thread(target=listener.run, daemon=True) for listener in listeners]
        for thread in threads:
            thread.start()
        try:
            yield made
        finally:
            self.stop.set()
            for one in made:
                one.let_go()
            for thread in threads:
                thread.join()


def queue_options() -> QueueOptions:
    return host_options(ROOT).queues


@pytest.fixture
def shared(azurite: str) -> Shared:
    return Shared(azurite)


@pytest.mark.field(
    "steady",
    "A slow target keeps one slot of its instance: seven of them leave one, through which all else goes",
    source="docs/adr/0019-generations-and-slots.md",
    date="2026-11-29",
)
def test_slow_messages_hold_up_nobody_while_one_slot_is_free(shared: Shared) -> None:
    slow = [f"held {number}" for number in range(SLOTS - 1)]
    quick = [f"quick {number}" for number in range(12)]
    with shared.instances(1) as (only,):
        shared.send(*slow, *quick)
        eventually(lambda: set(quick) <= set(only.taken), "the quick ones, while the slow ones run")
        assert sorted(only.running) == slow


@pytest.mark.field(
    "steady",
    "Two instances on one queue take no more than they can work on, share it, and run no message twice",
    source="docs/adr/0019-generations-and-slots.md",
    date="2026-11-29",
)
def test_two_instances_share_a_queue_and_neither_hoards(shared: Shared) -> None:
    held = [f"held {number}" for number in range(2 * SLOTS + 4)]
    with shared.instances(2) as both:
        shared.send(*held)
        eventually(lambda: sum(len(one.running) for one in both) == 2 * SLOTS, "every slot is taken")
        assert [len(one.running) for one in both] == [SLOTS, SLOTS]

        def let_go() -> bool:
            for one in both:
                one.let_go()
            return shared.is_empty()

        eventually(let_go, "the rest")
    assert sorted(text for one in both for text in one.taken) == sorted(held)
    assert [one.most for one in both] == [SLOTS, SLOTS]


def test_the_worker_has_a_thread_for_every_message_and_some_for_the_rest() -> None:
    options = queue_options()
    only_by_setting = "queued_events.py"  # tests/infra counts it where the setting is
    modules = [path for path in (ROOT / "functions").glob("*.py") if path.name != only_by_setting]
    triggers = [path.read_text(encoding="utf-8") for path in modules]
    queues = sum(text.count("@bp.queue_trigger(") for text in triggers)
    (threads,) = re.findall(r"PYTHON_THREADPOOL_THREAD_COUNT=(\d+)", (ROOT / "docs/deploy.md").read_text())
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    assert options.batch_size + options.new_batch_threshold == SLOTS
    assert int(threads) >= queues * SLOTS + 8
    assert sample["PYTHON_THREADPOOL_THREAD_COUNT"] == threads
