"""Event Grid between the simulated Azure and the hosts: at least once, in no order.

It takes each event from the simulator at once, keeps it, and delivers it to some host that runs: with a delay
of its own, so that events overtake each other, three in ten twice, and again with growing pauses until a host
has taken it, as Event Grid does for a day.
"""

from __future__ import annotations

import heapq
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Final
from urllib.parse import urlsplit

from local.chaos.endpoint import Answer
from local.simulator.values import JsonObject, JsonValue, as_object, dig

DUPLICATES: Final = 0.3
_LONGEST_DELAY: Final = 2.0
_LATER: Final = 5.0
"""A duplicate comes within so many seconds."""
_LONGEST_PAUSE: Final = 8.0
_WORKERS: Final = 6
_ANSWER_SECONDS: Final = 30.0


class Grid:
    """Thread-safe. ``webhooks`` are the addresses of the hosts that run now."""

    def __init__(self, webhooks: Callable[[], list[str]], seed: int) -> None:
        self._webhooks = webhooks
        self._chance = Random(seed)
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, int, JsonObject]] = []
        self._raised: list[JsonObject] = []
        self._number = self._busy = self.delivered = self.refused = 0
        self._stopped = False
        self._threads = [threading.Thread(target=self._work, name="grid") for _ in range(_WORKERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def take(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the simulator sends: the validation, then events."""
        said: JsonValue = json.loads(body)
        events = said if isinstance(said, list) else [said]
        if headers.get("aeg-event-type") == "SubscriptionValidation":
            code = dig(as_object(events[0]), "data", "validationCode")
            return 200, json.dumps({"validationResponse": code}).encode()
        for event in events:
            self._offer(as_object(event))
        return 200, b""

    @property
    def raised(self) -> list[JsonObject]:
        """Every event once, as it was raised."""
        with self._changed:
            return list(self._raised)

    @property
    def waiting(self) -> int:
        """Deliveries that no host has taken yet."""
        with self._changed:
            return len(self._due) + self._busy

    def _offer(self, event: JsonObject) -> None:
        with self._changed:
            self._raised.append(event)
            self._push(self._chance.random() * _LONGEST_DELAY, 0, event)
            if self._chance.random() < DUPLICATES:
                self._push(self._chance.random() * _LATER, 0, event)

    def _push(self, delay: float, attempt: int, event: JsonObject) -> None:
        self._number += 1
        heapq.heappush(self._due, (time.monotonic() + delay, self._number, attempt, event))
        self._changed.notify()

    def _work(self) -> None:
        while (due := self._next()) is not None:
            attempt, event = due
            taken = self._deliver(event)
            with self._changed:
                self._busy -= 1
                if taken:
                    self.delivered += 1
                else:
                    self.refused += 1
                    self._push(min(0.5 * 2**attempt, _LONGEST_PAUSE), attempt + 1, event)

    def _next(self) -> tuple[int, JsonObject] | None:
        with self._changed:
            while not self._stopped:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    _, _, attempt, event = heapq.heappop(self._due)
                    self._busy += 1
                    return attempt, event
                self._changed.wait(left)
            return None

    def _deliver(self, event: JsonObject) -> bool:
        webhooks = self._webhooks()
        return bool(webhooks) and _post(self._chance.choice(webhooks), event)


def _post(url: str, event: JsonObject) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_SECONDS)
    headers = {"Content-Type": "application/json", "aeg-event-type": "Notification"}
    try:
        connection.request("POST", f"{parts.path}?{parts.query}", json.dumps([event]).encode(), headers)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
