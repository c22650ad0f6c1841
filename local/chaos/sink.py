"""Where notifications go: a topic that keeps every event that it took, and takes none while it is down."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping

from local.chaos.endpoint import Answer
from local.simulator.values import JsonObject

_UNAVAILABLE = 503


class Sink:
    """Thread-safe. ``refused`` counts what came while it was down."""

    def __init__(self) -> None:
        self.is_down = False
        self.refused = 0
        self._taken: list[JsonObject] = []
        self._lock = threading.Lock()

    def take(self, _headers: Mapping[str, str], body: bytes) -> Answer:
        """One delivery: CloudEvents, one or several."""
        with self._lock:
            if self.is_down:
                self.refused += 1
                return _UNAVAILABLE, b"{}"
            said = json.loads(body)
            events = said if isinstance(said, list) else [said]
            self._taken += [{"at": time.time(), "event": event} for event in events]
        return 200, b""

    @property
    def taken(self) -> list[JsonObject]:
        """What was delivered, in the order in which it came."""
        with self._lock:
            return list(self._taken)
