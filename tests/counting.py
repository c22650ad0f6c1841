"""State in memory that counts what is asked of it: operations of the storage protocols, and rows read.

An operation is one request to the service: a point read, one write or transaction, a deletion, a page of up
to a thousand entities or five thousand names. The rows of a listing are counted one by one, since a service
that has to pass over rows works as hard as one that returns them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.model.interfaces import Blobs, Entity, Queue, Tables, TableWrite, Written
from shared.state.store import Store
from tests.fakes import World

_ENTITIES_A_PAGE: Final = 1_000
_NAMES_A_PAGE: Final = 5_000
LISTINGS: Final = frozenset({"query", "names"})


@dataclass
class Counts:
    """What was asked since the last ``take``."""

    operations: list[tuple[str, str]] = field(default_factory=list)
    """Kind and table, container or queue, in order."""
    rows: int = 0

    def take(self) -> Counts:
        """What was counted, which begins anew."""
        taken = Counts(self.operations, self.rows)
        self.operations, self.rows = [], 0
        return taken

    @property
    def kinds(self) -> Counter[str]:
        return Counter(kind for kind, _ in self.operations)

    @property
    def listings(self) -> int:
        return sum(kind in LISTINGS for kind, _ in self.operations)

    @property
    def cost(self) -> int:
        """Operations and rows read: what grows where something is searched for."""
        return len(self.operations) + self.rows

    def note(self, kind: str, where: str, rows: int = 0) -> None:
        self.operations.append((kind, where))
        self.rows += rows


class CountingTables:
    """Implements ``Tables`` over others."""

    def __init__(self, tables: Tables, counts: Counts) -> None:
        self._tables, self._counts = tables, counts

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        self._counts.note("get", table, 1)
        return self._tables.get(table, partition, row)

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
        self._counts.note("query", table)
        size = page or _ENTITIES_A_PAGE
        found = self._tables.query(table, partition, row_prefix, properties, behind=behind, page=page)
        for number, entity in enumerate(found, start=1):
            self._counts.rows += 1
            if number % size == 0:
                self._counts.note("query", table)
            yield entity

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        self._counts.note("write", table)
        return self._tables.write(table, *writes)

    def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> None:
        self._counts.note("delete", table)
        self._tables.delete(table, partition, row, etag)

    def remove(self, table: str, partition: str, rows: Collection[str]) -> None:
        self._counts.note("delete", table)
        self._tables.remove(table, partition, rows)


class CountingBlobs:
    """Implements ``Blobs`` over others."""

    def __init__(self, blobs: Blobs, counts: Counts) -> None:
        self._blobs, self._counts = blobs, counts

    def put(self, container: str, name: str, data: bytes) -> None:
        self._counts.note("put", container)
        self._blobs.put(container, name, data)

    def get(self, container: str, name: str) -> bytes | None:
        self._counts.note("read", container)
        return self._blobs.get(container, name)

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        self._counts.note("names", container)
        for number, name in enumerate(self._blobs.names(container, prefix), start=1):
            self._counts.rows += 1
            if number % _NAMES_A_PAGE == 0:
                self._counts.note("names", container)
            yield name

    def written(self, container: str, prefix: str = "") -> Iterator[Written]:
        self._counts.note("names", container)
        for one in self._blobs.written(container, prefix):
            self._counts.rows += 1
            yield one

    def delete(self, container: str, name: str, etag: str | None = None) -> None:
        self._counts.note("remove", container)
        self._blobs.delete(container, name, etag)


class CountingQueue:
    """Implements ``Queue`` over another; what the platform does with messages is not counted."""

    def __init__(self, queue: Queue, counts: Counts) -> None:
        self._queue, self._counts = queue, counts

    def send(self, body: str, delay_seconds: float = 0) -> None:
        self._counts.note("send", "queue")
        self._queue.send(body, delay_seconds)


def counted(world: World) -> Counts:
    """Count what the world's store asks from now on."""
    counts = Counts()
    world.store = Store(
        CountingTables(world.tables, counts),
        CountingBlobs(world.blobs, counts),
        CountingQueue(world.queue, counts),
    )
    return counts
