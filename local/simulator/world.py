"""Everything that a running simulator holds, in one place, under one lock.

A `World` is passed to whoever needs it; there is no other state. The lock is taken once per call by the
pipeline and by the operations' thread; deliveries have locks of their own and run outside it. What must not
live here: ARM's rules and shapes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from local.simulator.access import Role
from local.simulator.activity_log import ActivityLog
from local.simulator.buckets import Buckets
from local.simulator.calls import CallLog
from local.simulator.delivery import Pace, Subscriber, Subscription
from local.simulator.events import Deed, Outcome, event_of
from local.simulator.faults import Faults
from local.simulator.operations import Operations
from local.simulator.store import Record, Store, new_etag
from local.simulator.switches import Switches
from local.simulator.values import ArmRequest, JsonObject, JsonValue


class World:
    """The state of one simulator. Unless said otherwise a method is called with `lock` held."""

    def __init__(
        self, switches: Switches, log: Callable[[str], None], now: Callable[[], float] = time.time
    ) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.stopping = threading.Event()
        self.switches = switches
        self.log = log
        self._now = now
        self.store = Store()
        self.operations = Operations(self.changed)
        self.faults = Faults()
        self.calls = CallLog()
        self.activity = ActivityLog()
        self.buckets = Buckets()
        self.graph_rows: tuple[int, dict[str, list[JsonObject]]] = (-1, {})
        """What Resource Graph shows, with the version of the store that it was made from."""
        self.roles: dict[str, Role] = {}
        self.topics: dict[str, list[JsonValue]] = {}
        self.subscribers: dict[str, Subscriber] = {}

    def start(self) -> None:
        """Called without the lock."""
        self.operations.start()

    def stop(self) -> None:
        """End every thread; called without the lock."""
        self.stopping.set()
        self.operations.stop()
        for subscriber in list(self.subscribers.values()):
            subscriber.stop()
        self.subscribers.clear()

    def now(self) -> float:
        """Seconds since the epoch: the machine's, unless a play has its own time."""
        return self._now()

    def save(self, record: Record) -> Record:
        """Keep a record under a new etag."""
        self.store.put(replace(record, etag=new_etag()), self.now())
        return self.store.get(record.id) or record

    def save_new(self, resource_id: str, kind: str, body: JsonObject) -> Record:
        return self.save(Record(id=resource_id, type=kind, body=body, etag=""))

    def remove(self, resource_id: str) -> None:
        self.store.remove(resource_id, self.now())

    def raise_event(self, request: ArmRequest, deed: Deed, outcome: Outcome) -> None:
        """Hand the event of a call to every subscriber."""
        event = event_of(request, deed, outcome, self.now())
        pace = Pace(
            delay=self.switches.event_delay_seconds,
            retries=self.switches.delivery_retry_seconds,
            duplicate=self.switches.duplicate_events,
            reorder=self.switches.reorder_events,
        )
        for subscriber in self.subscribers.values():
            subscriber.offer(event, pace)

    def subscribe(self, subscription: Subscription) -> Subscriber:
        """Validate, then deliver from now on; called without the lock. Raises BadInput."""
        subscriber = Subscriber(subscription)
        subscriber.validate()
        with self.lock:
            self.subscribers[subscriber.id] = subscriber
        subscriber.start()
        return subscriber

    def unsubscribe(self, subscriber_id: str) -> bool:
        """Called without the lock."""
        with self.lock:
            subscriber = self.subscribers.pop(subscriber_id, None)
        if subscriber is None:
            return False
        subscriber.stop()
        return True

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no operation runs and no event waits; called without the lock. False: it took too
        long.
        """
        deadline = time.monotonic() + timeout
        while not self._is_idle():
            if time.monotonic() >= deadline or self.stopping.wait(0.01):
                return False
        return True

    def _is_idle(self) -> bool:
        with self.lock:
            if self.operations.any_running():
                return False
            subscribers = list(self.subscribers.values())
        return all(subscriber.is_quiet() for subscriber in subscribers)
