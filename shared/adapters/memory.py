"""State that lasts as long as the process, with the semantics of Azure Storage.

For what needs state and keeps none, such as a scan, and for tests: the same contract suite runs over these
and over the real clients, so what holds here holds there: conditional writes by etag, transactions that apply
as a whole or not at all. Everything may be used from many threads.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import count
from threading import RLock
from typing import Self

from shared.adapters.storage.table_rules import check_size, check_transaction, encode_key
from shared.model.errors import EntityChanged, EntityExists
from shared.model.interfaces import Clock, Entity, Insert, Replace, TableWrite, Written


class MemoryTables:
    """Implements ``shared.model.interfaces.Tables``, with an index of each partition: a query costs what it
    finds."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._entities: dict[tuple[str, str, str], Entity] = {}
        self._index: dict[tuple[str, str], list[tuple[str, str]]] = {}
        """Of each table and partition the keys of rows as the service has them, in order, with the rows."""
        self._versions = count(1)

    def copy(self) -> MemoryTables:
        """The same entities, to go on differently."""
        with self._lock:
            other = MemoryTables()
            other.take(self)
            other._versions = count(next(self._versions))
            return other

    def take(self, other: MemoryTables) -> None:
        """Hold what others hold, and nothing else."""
        self._entities = dict(other._entities)
        self._index = {place: list(rows) for place, rows in other._index.items()}

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
        del page  # everything is at hand
        with self._lock:
            if partition is not None:
                found = self._within((table, partition), row_prefix, behind)
            else:
                places = self._partitions(table, behind)
                found = [one for place in places for one in self._within(place, row_prefix, "")]
        for entity in found:
            kept = {name: entity.properties[name] for name in properties if name in entity.properties}
            yield replace(entity, properties=kept) if properties else entity

    def _partitions(self, table: str, behind: str) -> list[tuple[str, str]]:
        """Those with a name behind another, in the order of the service."""
        named = [
            place for place in self._index if place[0] == table and encode_key(place[1]) > encode_key(behind)
        ]
        return sorted(named, key=lambda place: encode_key(place[1]))

    def _within(self, place: tuple[str, str], row_prefix: str, behind: str) -> list[Entity]:
        rows, prefix, after = self._index.get(place, []), encode_key(row_prefix), encode_key(behind)
        first = max(bisect_left(rows, (prefix,)), bisect_left(rows, (f"{after}\0",)) if behind else 0)
        last = bisect_left(rows, (f"{prefix}\x7f",)) if prefix else len(rows)
        return [self._entities[(*place, row)] for _, row in rows[first:last]]

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
            if self._entities.pop((table, partition, row), None) is not None:
                rows = self._index[table, partition]
                del rows[bisect_left(rows, (encode_key(row), row))]

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
        if (table, write.partition, write.row) not in self._entities:
            rows = self._index.setdefault((table, write.partition), [])
            insort(rows, (encode_key(write.row), write.row))
        self._entities[table, write.partition, write.row] = Entity(
            partition=write.partition, row=write.row, properties=dict(write.properties), etag=etag
        )
        return etag


class MemoryBlobs:
    """Implements ``shared.model.interfaces.Blobs``."""

    def __init__(self, clock: Clock) -> None:
        self._lock = RLock()
        self._clock = clock
        self._blobs: dict[tuple[str, str], bytes] = {}
        self._written: dict[tuple[str, str], Written] = {}
        self._versions = count(1)

    def copy(self) -> Self:
        """The same blobs, to go on differently."""
        with self._lock:
            other = type(self)(self._clock)
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


class NoQueue:
    """Implements ``shared.model.interfaces.Queue`` for whoever asks nothing of anybody."""

    def send(self, body: str, delay_seconds: float = 0) -> None:
        """Forget it."""
