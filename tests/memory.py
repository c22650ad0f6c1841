"""State in memory with the semantics of Azure Storage: for unit tests, and for trying things out.

The same contract suite runs over these and over the real clients, so what a test learns here holds
there: conditional writes by etag, transactions that apply as a whole or not at all, messages that are
invisible until their time has come. Everything may be used from many threads. Nothing is durable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import RLock

from shared.adapters.storage.table_rules import check_size, check_transaction, encode_key
from shared.model.errors import EntityChanged, EntityExists
from shared.model.interfaces import Clock, Entity, Insert, Replace, TableWrite, Written
from shared.model.values import value


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


class MemoryTables:
    """Implements ``shared.model.interfaces.Tables``."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._entities: dict[tuple[str, str, str], Entity] = {}
        self._versions = count(1)

    def copy(self) -> MemoryTables:
        """The same entities, to go on differently."""
        with self._lock:
            other = MemoryTables()
            other._entities, other._versions = dict(self._entities), count(next(self._versions))
            return other

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        with self._lock:
            return self._entities.get((table, partition, row))

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
        with self._lock:
            found = [
                entity
                for (name, _, _), entity in self._entities.items()
                if name == table
                and partition in (None, entity.partition)
                and entity.row.startswith(row_prefix)
                and (not behind or encode_key(_place(entity, partition)) > encode_key(behind))
            ]
        for entity in sorted(
            found, key=lambda entity: (encode_key(entity.partition), encode_key(entity.row))
        ):
            kept = {name: entity.properties[name] for name in properties if name in entity.properties}
            yield replace(entity, properties=kept) if properties else entity

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        check_transaction(writes)
        with self._lock:
            for write in writes:
                check_size(write.properties)
                self._check(table, write)
            return tuple(self._apply(table, write) for write in writes)

    def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> None:
        with self._lock:
            present = self._entities.get((table, partition, row))
            if present is not None and etag not in (None, present.etag):
                raise EntityChanged(f"{table}/{partition}/{row} is not as it was read")
            self._entities.pop((table, partition, row), None)

    def remove(self, table: str, partition: str, rows: Collection[str]) -> None:
        for row in rows:
            self.delete(table, partition, row)

    def _check(self, table: str, write: TableWrite) -> None:
        present = self._entities.get((table, write.partition, write.row))
        match write:
            case Insert() if present is not None:
                raise EntityExists(f"{table}/{write.partition}/{write.row} exists")
            case Replace() if present is None or present.etag != write.etag:
                raise EntityChanged(f"{table}/{write.partition}/{write.row} is not as it was read")

    def _apply(self, table: str, write: TableWrite) -> str:
        etag = f'W/"{next(self._versions)}"'
        self._entities[table, write.partition, write.row] = Entity(
            partition=write.partition, row=write.row, properties=dict(write.properties), etag=etag
        )
        return etag


def _place(entity: Entity, partition: str | None) -> str:
    """What a listing of one partition or of all of them goes on behind."""
    return entity.partition if partition is None else entity.row


class MemoryBlobs:
    """Implements ``shared.model.interfaces.Blobs``."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._lock = RLock()
        self._clock = clock or FakeClock()
        self._blobs: dict[tuple[str, str], bytes] = {}
        self._written: dict[tuple[str, str], Written] = {}
        self._versions = count(1)

    def copy(self) -> MemoryBlobs:
        """The same blobs, to go on differently."""
        with self._lock:
            other = MemoryBlobs(self._clock)
            other._blobs, other._written = dict(self._blobs), dict(self._written)
            other._versions = count(next(self._versions))
            return other

    def put(self, container: str, name: str, data: bytes) -> None:
        with self._lock:
            self._blobs[container, name] = bytes(data)
            etag = f'"{next(self._versions)}"'
            self._written[container, name] = Written(name=name, at=self._clock.now(), etag=etag)

    def get(self, container: str, name: str) -> bytes | None:
        with self._lock:
            return self._blobs.get((container, name))

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        with self._lock:
            found = [name for held, name in self._blobs if held == container and name.startswith(prefix)]
        yield from sorted(found)

    def written(self, container: str, prefix: str = "") -> Iterator[Written]:
        for name in self.names(container, prefix):
            yield self._written[container, name]

    def delete(self, container: str, name: str, etag: str | None = None) -> None:
        with self._lock:
            if (container, name) in self._blobs and etag not in (None, self._written[container, name].etag):
                raise EntityChanged(f"{container}/{name} was written since")
            self._blobs.pop((container, name), None)


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
