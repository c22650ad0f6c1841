"""Whether the hosts are behind: how many messages of the queue of looks anybody could take now.

People wait while it is long. The storage emulator has one thread, and a queue that is longer than it can
serve would measure the emulator: how long a message waits for its turn, and not how soon that of a killed
worker is taken up.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Final

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient

_QUEUE: Final = "reconcile"
_LONG: Final = 16
"""Messages; three hosts take four each at a time."""
_ASKED_EVERY: Final = 1.0


class Backlog:
    """Asked by many threads; the storage is asked once a second at most."""

    def __init__(self, connection: str) -> None:
        self._queue = QueueClient.from_connection_string(
            connection, _QUEUE, retry_total=0, connection_timeout=2, read_timeout=5
        )
        self._lock = Lock()
        self._asked = 0.0
        self._is_long = False

    def is_long(self) -> bool:
        """False while the storage does not answer: people write on during its outage."""
        with self._lock:
            if time.monotonic() - self._asked >= _ASKED_EVERY:
                self._is_long = self._ask()
                self._asked = time.monotonic()
            return self._is_long

    def _ask(self) -> bool:
        try:
            return len(self._queue.peek_messages(_LONG)) >= _LONG
        except AzureError:
            return False

    def close(self) -> None:
        self._queue.close()
