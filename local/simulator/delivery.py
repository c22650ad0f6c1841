"""Event Grid's delivery: subscribers, the validation handshake, one event per POST, bounded retries.

Each subscriber has a worker thread of its own, so that a slow one does not hold up another. An event is
delivered again after any answer but 2xx until the retries are used up; 400, 401, 403 and 413 are final at
once, as Event Grid treats them. What could not be delivered is kept as dead-lettered. What must not live
here: what an event says.
"""

from __future__ import annotations

import heapq
import http.client
import json
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from local.simulator.events import EventSchema, GridEvent, validation_request
from local.simulator.switches import BadInput
from local.simulator.values import JsonObject, JsonValue, as_object

ANSWER_SECONDS = 30.0
_FINAL_STATUSES = (400, 401, 403, 413)
# With reordering an event waits this long for another that overtakes it.
_HELD_BACK_SECONDS = 1.0
_OVERTAKEN_SECONDS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Where events go, in which schema, and which types; no types means all."""

    url: str
    schema: EventSchema
    included: tuple[str, ...] = ()

    def wants(self, event: GridEvent) -> bool:
        return not self.included or event.type.lower() in (one.lower() for one in self.included)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How an event is delivered: after `delay` seconds, then again after each of `retries`; twice if
    `duplicate`; each held back if `reorder` until the next overtakes it."""

    delay: float
    retries: tuple[float, ...]
    duplicate: bool
    reorder: bool


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Due:
    """One delivery attempt that waits; ordered by time, then by age."""

    at: float
    seq: int
    attempt: int
    event: GridEvent = field(compare=False)
    retries: tuple[float, ...] = field(compare=False)


class Post:
    """One POST at a time over a fresh connection that `close` can cut from another thread."""

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body. Raises OSError or http.client.HTTPException where there is no answer."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
        self._connection = connection
        try:
            path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
            self._connection = None

    def close(self) -> None:
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it was closed in this moment: nothing is left to cut


class Subscriber:
    """A subscription at work. Thread-safe; has its own lock and never takes another."""

    def __init__(self, subscription: Subscription) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.subscription = subscription
        self._changed = threading.Condition()
        self._due: list[_Due] = []
        self._held: _Due | None = None
        self._busy = False
        self._stopping = False
        self._seq = 0
        self._delivered = 0
        self._attempts = 0
        self._dead: list[JsonValue] = []
        self._post = Post()
        self._thread = threading.Thread(target=self._work, name=f"simulator-delivery-{self.id}")

    def validate(self) -> None:
        """The handshake; BadInput where the endpoint does not prove that it wants the events."""
        code = uuid.uuid4().hex
        body = validation_request(self.subscription.schema, code, "/subscriptions/simulator", time.time())
        try:
            status, answer = self._post.send(
                self.subscription.url, body, self._headers("SubscriptionValidation")
            )
        except (OSError, http.client.HTTPException) as error:
            raise BadInput("url", f"the validation request got no answer: {error}") from error
        if status != 200:
            raise BadInput("url", f"the validation request was answered {status}; 200 is expected")
        if _validation_response(answer) != code:
            raise BadInput("url", "the answer to the validation request lacks the right validationResponse")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        while self._thread.is_alive():
            # Again and again: the connection may be opened between a look and the cut.
            self._post.close()
            self._thread.join(0.02)

    def offer(self, event: GridEvent, pace: Pace) -> None:
        if not self.subscription.wants(event):
            return
        with self._changed:
            for _ in range(2 if pace.duplicate else 1):
                self._enter(event, pace)
            self._changed.notify_all()

    def _enter(self, event: GridEvent, pace: Pace) -> None:
        at = time.time() + pace.delay
        overtaken = self._held if self._held in self._due else None
        self._held = None
        if overtaken is not None:
            self._due.remove(overtaken)
            heapq.heapify(self._due)
            self._push(at, 0, event, pace.retries)
            self._push(at + _OVERTAKEN_SECONDS, 0, overtaken.event, overtaken.retries)
        elif pace.reorder:
            self._held = self._push(at + _HELD_BACK_SECONDS, 0, event, pace.retries)
        else:
            self._push(at, 0, event, pace.retries)

    def is_quiet(self) -> bool:
        with self._changed:
            return not self._due and not self._busy

    def to_json(self) -> JsonObject:
        with self._changed:
            return {
                "id": self.id,
                "url": self.subscription.url,
                "schema": self.subscription.schema.value,
                "includedEventTypes": list(self.subscription.included),
                "delivered": self._delivered,
                "attempts": self._attempts,
                "waiting": len(self._due) + self._busy,
                "deadLettered": list(self._dead),
            }

    def _push(self, at: float, attempt: int, event: GridEvent, retries: tuple[float, ...]) -> _Due:
        self._seq += 1
        due = _Due(at=at, seq=self._seq, attempt=attempt, event=event, retries=retries)
        heapq.heappush(self._due, due)
        return due

    def _work(self) -> None:
        while (due := self._next()) is not None:
            problem, final = self._deliver(due.event)
            with self._changed:
                self._settle(due, problem, final)
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> _Due | None:
        with self._changed:
            while not self._stopping:
                now = time.time()
                if self._due and self._due[0].at <= now:
                    self._busy = True
                    return heapq.heappop(self._due)
                self._changed.wait(self._due[0].at - now if self._due else None)
            return None

    def _deliver(self, event: GridEvent) -> tuple[str, bool]:
        """What went wrong (empty: nothing), and whether trying again is useless."""
        try:
            status, _ = self._post.send(
                self.subscription.url, self._body(event), self._headers("Notification")
            )
        except (OSError, http.client.HTTPException) as error:
            return f"no answer: {error}", False
        return ("", False) if 200 <= status < 300 else (f"status {status}", status in _FINAL_STATUSES)

    def _settle(self, due: _Due, problem: str, final: bool) -> None:
        self._attempts += 1
        if not problem:
            self._delivered += 1
        elif final or due.attempt >= len(due.retries):
            dead = due.event.to_event_grid() | {
                "deadLetterReason": "MaxDeliveryAttemptsExceeded"
                if not final
                else "UndeliverableDueToClientError",
                "deliveryAttempts": due.attempt + 1,
                "lastDeliveryOutcome": problem,
            }
            self._dead.append(dead)
        else:
            self._push(time.time() + due.retries[due.attempt], due.attempt + 1, due.event, due.retries)

    def _body(self, event: GridEvent) -> bytes:
        if self.subscription.schema is EventSchema.CLOUD_EVENTS:
            return json.dumps(event.to_cloud_event()).encode()
        return json.dumps([event.to_event_grid()]).encode()

    def _headers(self, event_type: str) -> dict[str, str]:
        cloud = self.subscription.schema is EventSchema.CLOUD_EVENTS
        content_type = "application/cloudevents+json" if cloud else "application/json"
        return {
            "Content-Type": f"{content_type}; charset=utf-8",
            "aeg-event-type": event_type,
            "aeg-subscription-name": self.id.upper(),
        }


def _validation_response(answer: bytes) -> JsonValue:
    try:
        return as_object(json.loads(answer)).get("validationResponse")
    except ValueError:
        return None
