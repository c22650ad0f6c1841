"""Long-running operations: begun by an accepted write, ended by one background thread.

An operation occupies a resource (`holds`) until it is due; then its `done` callback runs under the
simulator's lock. Whoever waits for quiet waits on the same condition. What must not live here: what an
operation does, the shape of its polls, events.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from local.simulator.values import JsonObject, key

_KEPT_OPERATIONS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailure:
    """How an injected fault ends an operation: reported by the poll, with HTTP 200."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `started` and `due` are seconds since the epoch; `subject` is the id that the call
    addressed, `holds` the one that is busy meanwhile."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    method: str
    subject: str
    holds: str
    state: str
    started: float
    due: float
    failure: OperationFailure | None
    done: Callable[[], None]
    result: Callable[[], JsonObject | None]


class Operations:
    """The operations of a simulator. All methods but `start` and `stop` are called under the lock."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._running: dict[str, Operation] = {}
        self._ended: dict[str, Operation] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="simulator-operations")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def begin(self, operation: Operation) -> None:
        """Run it; one that is due already ends before this returns."""
        self._running[operation.id] = operation
        if operation.due <= operation.started:
            self._end(operation)
        self._changed.notify_all()

    def get(self, operation_id: str) -> Operation | None:
        return self._running.get(operation_id) or self._ended.get(operation_id)

    def is_running(self, operation: Operation) -> bool:
        return operation.id in self._running

    def holding(self, resource_id: str) -> Operation | None:
        """The operation that keeps this resource busy, if any."""
        wanted = key(resource_id)
        return next((one for one in self._running.values() if key(one.holds) == wanted), None)

    def any_running(self) -> bool:
        return bool(self._running)

    def clear(self) -> None:
        """Forget everything; operations that run are dropped without effect."""
        self._running.clear()
        self._ended.clear()

    def _end(self, operation: Operation) -> None:
        # Moved first: what `done` shows must no longer be busy.
        self._ended[operation.id] = self._running.pop(operation.id)
        if len(self._ended) > _KEPT_OPERATIONS:
            del self._ended[next(iter(self._ended))]
        operation.done()

    def _work(self) -> None:
        with self._changed:
            while not self._stopping:
                now = time.time()
                for operation in [one for one in self._running.values() if one.due <= now]:
                    self._end(operation)
                    self._changed.notify_all()
                self._changed.wait(self._pause())

    def _pause(self) -> float | None:
        if not self._running:
            return None
        return max(0.0, min(one.due for one in self._running.values()) - time.time())
