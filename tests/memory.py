"""The clock that tests set, state that lasts as long as a test, and messages that are invisible until their
time has come, with the semantics of Azure Storage. Everything may be used from many threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import RLock
from typing import TypeVar

from shared.adapters import memory
from shared.adapters.memory import MemoryTables
from shared.model.errors import EntityChanged
from shared.model.interfaces import Clock, Entity, Tables, TableWrite
from shared.model.values import value

__all__ = ["FakeClock", "MemoryBlobs", "MemoryQueue", "MemoryTables", "QueuedMessage", "TablesOver"]

_T = TypeVar("_T")


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, time: datetime) -> None:
        self._now = time

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        """What ``SystemClock.sleep`` is to adapters, without the wait."""
        self.advance(seconds)


class TablesOver:
    """Implements ``Tables`` over others; every operation goes through ``_do``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def _do(self, operation: Callable[[], _T]) -> _T:
        return operation()

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        return self._do(lambda: self._tables.get(table, partition, row))

    def query(
        self,
        table: str,
        partition: str | None = None,
        row_prefix: str = "",
        properties: Sequence[str] = (),
        *,
        behind: str = "",
        page: int | None = None,
    ) -> Iterator[Entity]:
        return self._do(
            lambda: self._tables.query(table, partition, row_prefix, properties, behind=behind, page=page)
        )

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        return self._do(lambda: self._tables.write(table, *writes))

    def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> None:
        self._do(lambda: self._tables.delete(table, partition, row, etag))

    def remove(self, table: str, partition: str, rows: Collection[str]) -> None:
        self._do(lambda: self._tables.remove(table, partition, rows))


class MemoryBlobs(memory.MemoryBlobs):
    """Written at the time of a clock that stands still, where none is given."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or FakeClock())


@value
class QueuedMessage:
    """A message as its receiver holds it; ``receipt`` is good until it is received again."""

    id: int
    body: str
    visible_at: datetime
    dequeue_count: int = 0
    receipt: int = 0


class MemoryQueue:
    """Implements ``shared.model.interfaces.Queue``, and the receiving side for tests to drive."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = RLock()
        self._messages: dict[int, QueuedMessage] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        """How many messages there are, visible or not."""
        return len(self._messages)

    def send(self, body: str, delay_seconds: float = 0) -> None:
        with self._lock:
            number = next(self._numbers)
            visible_at = self._clock.now() + timedelta(seconds=delay_seconds)
            self._messages[number] = QueuedMessage(id=number, body=body, visible_at=visible_at)

    def receive(self, visibility_seconds: float = 30) -> QueuedMessage | None:
        """The visible message that has waited longest, hidden from others for a while; None if none is."""
        with self._lock:
            now = self._clock.now()
            visible = [message for message in self._messages.values() if message.visible_at <= now]
            if not visible:
                return None
            first = min(visible, key=lambda message: (message.visible_at, message.id))
            taken = replace(
                first,
                visible_at=now + timedelta(seconds=visibility_seconds),
                dequeue_count=first.dequeue_count + 1,
                receipt=next(self._numbers),
            )
            self._messages[first.id] = taken
            return taken

    def delete(self, message: QueuedMessage) -> None:
        """Done with it; raises ``EntityChanged`` when somebody else has received it since."""
        with self._lock:
            held = self._messages.get(message.id)
            if held is not None and held.receipt != message.receipt:
                raise EntityChanged(f"message {message.id} was received again")
            self._messages.pop(message.id, None)

    def release(self, message: QueuedMessage, after_seconds: float = 0) -> None:
        """Done with it in vain: others may receive it after so many seconds. Raises as ``delete`` does."""
        with self._lock:
            held = self._messages.get(message.id)
            if held is None or held.receipt != message.receipt:
                raise EntityChanged(f"message {message.id} was received again")
            visible_at = self._clock.now() + timedelta(seconds=after_seconds)
            self._messages[message.id] = replace(held, visible_at=visible_at)

    def next_visible_at(self) -> datetime | None:
        """When the next message can be received; None when there is none."""
        with self._lock:
            return min((message.visible_at for message in self._messages.values()), default=None)

    def bodies(self) -> list[str]:
        """What is queued, visible or not, oldest first."""
        with self._lock:
            return [message.body for message in self._messages.values()]
