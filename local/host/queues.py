"""Emulates the queue listener of the Functions host for one queue-triggered function.

The behaviour is that of the storage queues extension (azure-sdk-for-net, `QueueListener`, `QueueProcessor`):

- a batch of `batchSize` is fetched while at most `newBatchThreshold` messages run, so that with a batch of
  one each slot is filled again as soon as it is free; a fetched message is invisible for ten minutes and that
  lease is renewed at half time for as long as the function runs;
- success deletes the message; a failure makes it visible again after `visibilityTimeout`; at
  `maxDequeueCount` it moves to `<queue>-poison`, and so does a message that was dequeued too often without
  an outcome (a killed host) or whose base64 is broken;
- a queue whose name ends in `-poison` has no poison queue of its own: a message that fails there is left
  invisible until its lease ends, which keeps it from a fast loop;
- an empty queue is asked less and less often, up to `maxPollingInterval`, and quickly again after a hit.

Unlike the extension it creates a missing queue. Storage errors are logged and tried again; they end nothing.
"""

import base64
import binascii
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import LinearRetry, QueueClient, QueueMessage

from local.host.engine import BytesPayload, InvocationResult, Metadata, Payload, TextPayload
from local.host.settings import MessageEncoding, QueueOptions

LEASE_SECONDS = 600
_SHORTEST_POLL_SECONDS = 0.1
_log = logging.getLogger("local.host.queues")

Start = Callable[[Payload, Metadata], "Future[InvocationResult]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """Where messages come from. `connection` is a connection string; tests shorten `lease_seconds`."""

    connection: str
    queue: str
    options: QueueOptions
    lease_seconds: int = LEASE_SECONDS

    def client(self, queue: str) -> QueueClient:
        """A client that takes texts as they are, so that a broken message can be moved unchanged."""
        once_more = LinearRetry(backoff=1, retry_total=1, random_jitter_range=0)
        return QueueClient.from_connection_string(
            self.connection, queue, retry_policy=once_more, connection_timeout=5, read_timeout=30
        )


@dataclass(slots=True, kw_only=True)
class QueueListener:
    """Feeds one function from one queue until `stop` is set. `run` blocks; each message has a thread."""

    source: QueueSource
    start: Start
    stop: threading.Event
    _running: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def run(self) -> None:
        options = self.source.options
        wait = _SHORTEST_POLL_SECONDS
        queue = self.source.client(self.source.queue)
        _create(queue)
        while self._has_room():
            if self._fetch(queue):
                wait = _SHORTEST_POLL_SECONDS
            else:
                self.stop.wait(wait)
                wait = min(wait * 2, options.max_polling_interval.total_seconds())

    def _has_room(self) -> bool:
        """Wait until few enough messages run; False when stopped."""
        with self._changed:
            while not self.stop.is_set() and self._running > self.source.options.new_batch_threshold:
                self._changed.wait(0.2)
        return not self.stop.is_set()

    def _fetch(self, queue: QueueClient) -> bool:
        size = self.source.options.batch_size
        try:
            batch = list(
                queue.receive_messages(max_messages=size, visibility_timeout=self.source.lease_seconds)
            )
        except ResourceNotFoundError:
            _create(queue)
            return False
        except AzureError as error:
            _log.warning("queue %s cannot be read: %s", queue.queue_name, error)
            return False
        for message in batch:
            self._count(1)
            threading.Thread(target=self._process, args=(queue, message), daemon=True).start()
        return bool(batch)

    def _count(self, by: int) -> None:
        with self._changed:
            self._running += by
            self._changed.notify_all()

    def _process(self, queue: QueueClient, message: QueueMessage) -> None:
        try:
            self._run_message(queue, message)
        except AzureError as error:
            # The lease ends by itself and the message is delivered again: at least once, as in Azure.
            _log.warning("message %s of queue %s: %s", message.id, queue.queue_name, error)
        finally:
            self._count(-1)

    def _run_message(self, queue: QueueClient, message: QueueMessage) -> None:
        options = self.source.options
        payload = _decode(str(message.content), options.message_encoding)
        tries = message.dequeue_count or 0
        if payload is None or (tries > options.max_dequeue_count and not _is_poison(queue)):
            self._move(queue, message)
        elif self._await(queue, message, self.start(payload, _metadata(message))).ok:
            queue.delete_message(message)
        elif _is_poison(queue):
            return
        elif tries >= options.max_dequeue_count:
            self._move(queue, message)
        else:
            queue.update_message(message, visibility_timeout=int(options.visibility_timeout.total_seconds()))

    def _await(
        self, queue: QueueClient, message: QueueMessage, running: "Future[InvocationResult]"
    ) -> InvocationResult:
        while True:
            try:
                return running.result(timeout=self.source.lease_seconds / 2)
            except TimeoutError:
                renewed = queue.update_message(message, visibility_timeout=self.source.lease_seconds)
                message.pop_receipt = renewed.pop_receipt

    def _move(self, queue: QueueClient, message: QueueMessage) -> None:
        poison = self.source.client(f"{self.source.queue}-poison")
        _create(poison)
        poison.send_message(message.content)
        queue.delete_message(message)
        _log.warning("message %s moved to %s", message.id, poison.queue_name)


def _create(queue: QueueClient) -> None:
    try:
        queue.create_queue()
    except ResourceExistsError:
        return
    except AzureError as error:
        _log.warning("queue %s cannot be created: %s", queue.queue_name, error)


def _is_poison(queue: QueueClient) -> bool:
    return queue.queue_name.endswith("-poison")


def _decode(content: str, encoding: MessageEncoding) -> Payload | None:
    """The message as the worker gets it, None where base64 is broken."""
    if encoding is MessageEncoding.NONE:
        return TextPayload(text=content)
    try:
        data = base64.b64decode(content, validate=True)
    except binascii.Error:
        return None
    try:
        return TextPayload(text=data.decode())
    except UnicodeDecodeError:
        return BytesPayload(data=data)


def _metadata(message: QueueMessage) -> Metadata:
    times = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": message.id,
        "DequeueCount": str(message.dequeue_count),
        "PopReceipt": message.pop_receipt or "",
        **{name: time.isoformat() for name, time in times.items() if isinstance(time, datetime)},
    }
