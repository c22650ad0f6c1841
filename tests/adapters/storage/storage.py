"""What the contract and store tests run on: fresh state in memory or on the emulator.

The emulator is shared by a whole test process, and the store's table names are fixed, so each test
gets its own tables and containers by a suffix. For queues there is also the receiving side, which in
production belongs to the Functions host.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal, Protocol
from uuid import uuid4

from azure.storage.queue import QueueClient, TextBase64DecodePolicy

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import AzureBlobs
from shared.adapters.storage.queues import AzureQueue
from shared.adapters.storage.tables import AzureTables
from shared.model.interfaces import Blobs, Entity, Queue, Tables, TableWrite, Written
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables

Backend = Literal["memory", "azurite"]


def no_sleep(seconds: float) -> None:
    raise AssertionError(f"a healthy emulator needs no second attempt (asked to wait {seconds} s)")


def unique() -> str:
    return uuid4().hex[:12]


class OwnTables:
    """Tables whose names carry a suffix, so that tests on one emulator do not meet."""

    def __init__(self, tables: Tables, suffix: str) -> None:
        self._tables = tables
        self._suffix = suffix

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        return self._tables.get(table + self._suffix, partition, row)

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
        name = table + self._suffix
        return self._tables.query(name, partition, row_prefix, properties, behind=behind, page=page)

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        return self._tables.write(table + self._suffix, *writes)

    def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> None:
        self._tables.delete(table + self._suffix, partition, row, etag)

    def remove(self, table: str, partition: str, rows: Collection[str]) -> None:
        self._tables.remove(table + self._suffix, partition, rows)


class OwnBlobs:
    """Containers whose names carry a suffix."""

    def __init__(self, blobs: Blobs, suffix: str) -> None:
        self._blobs = blobs
        self._suffix = suffix

    def put(self, container: str, name: str, data: bytes) -> None:
        self._blobs.put(container + self._suffix, name, data)

    def get(self, container: str, name: str) -> bytes | None:
        return self._blobs.get(container + self._suffix, name)

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        return self._blobs.names(container + self._suffix, prefix)

    def written(self, container: str, prefix: str = "") -> Iterator[Written]:
        return self._blobs.written(container + self._suffix, prefix)

    def delete(self, container: str, name: str, etag: str | None = None) -> None:
        self._blobs.delete(container + self._suffix, name, etag)


class QueueProbe(Protocol):
    """A queue with its receiving side."""

    @property
    def queue(self) -> Queue: ...

    def take(self) -> str | None:
        """Receive and delete one visible message."""
        ...

    def wait(self, seconds: float) -> None: ...


class MemoryQueueProbe:
    def __init__(self) -> None:
        self._clock = FakeClock()
        self.queue = MemoryQueue(self._clock)

    def take(self) -> str | None:
        message = self.queue.receive()
        if message is None:
            return None
        self.queue.delete(message)
        return message.body

    def wait(self, seconds: float) -> None:
        self._clock.advance(seconds)


class AzuriteQueueProbe:
    def __init__(self, connection_string: str) -> None:
        name = f"reconcile-{unique()}"
        account = StorageAccount(connection_string=connection_string)
        self.queue = AzureQueue(account, no_sleep, name)
        self.client = QueueClient.from_connection_string(
            connection_string, name, message_decode_policy=TextBase64DecodePolicy()
        )
        self.undecoded = QueueClient.from_connection_string(connection_string, name)

    def take(self) -> str | None:
        message = self.client.receive_message()
        if message is None:
            return None
        self.client.delete_message(message)
        return str(message.content)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


def tables_on(backend: Backend, connection_string: Callable[[], str]) -> Tables:
    if backend == "memory":
        return MemoryTables()
    account = StorageAccount(connection_string=connection_string())
    return OwnTables(AzureTables(account, no_sleep), unique())


def blobs_on(backend: Backend, connection_string: Callable[[], str]) -> Blobs:
    if backend == "memory":
        return MemoryBlobs()
    account = StorageAccount(connection_string=connection_string())
    return OwnBlobs(AzureBlobs(account, no_sleep), f"-{unique()}")


def queue_on(backend: Backend, connection_string: Callable[[], str]) -> QueueProbe:
    return MemoryQueueProbe() if backend == "memory" else AzuriteQueueProbe(connection_string())
