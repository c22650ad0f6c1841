"""Watches Driftward as an operator could: through its HTTP API, and through the simulator's log of ARM calls.

A deed is followed until every policy that it violates has its answer: an alert, or a change that has ended.
What Driftward says is gathered here as it is said; whether it is true is asked of the simulator elsewhere.
What must not live here: the scenario, printing.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from local.demo.world import Deed
from local.simulator.client import SimulatorClient
from local.simulator.values import as_text
from shared.model import Json
from shared.model.values import value

PATIENCE_SECONDS: Final = 45.0
_POLL_SECONDS: Final = 0.15
_ANSWER_SECONDS: Final = 30
_ASKED_AGAIN: Final = 5
_CONCURRENT: Final = "/problems/concurrent-change"
_WRITES: Final = ("write", "delete", "action")


class DriftwardFailed(Exception):
    """The HTTP API answered something that the demonstration cannot go on with."""


class AskAgain(DriftwardFailed):
    """Somebody else, Driftward itself perhaps, was writing the same record at that moment."""


@value
class DriftwardClient:
    """Driftward's HTTP API; `name` is who asks, as a holder of the key says it of themselves."""

    url: str
    name: str = "demo"
    key: str | None = None

    def get(self, path: str, **query: str) -> Json:
        return self._send("GET", f"{path}?{urllib.parse.urlencode(query)}", None)

    def post(self, path: str, body: Mapping[str, Json]) -> Json:
        return self._send("POST", path, {**body, "by": self.name})

    def _send(self, method: str, path: str, body: Json) -> Json:
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "x-functions-key": self.key or "",
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode("utf-8", "replace")
            kind = AskAgain if _CONCURRENT in said else DriftwardFailed
            raise kind(f"{method} /api/{path} was answered {error.code}: {said[:400]}") from error
        except OSError as error:
            raise DriftwardFailed(f"{method} /api/{path} got no answer: {error}") from error


@value
class Started:
    """A deed that was done: when, and the number of the last ARM call before it."""

    deed: Deed
    at: datetime
    after_call: int


@value
class Episode:
    """What became of a deed. `answered` is False when the patience ran out first."""

    started: Started
    alerts: tuple[Json, ...]
    changes: tuple[Json, ...]
    calls: Mapping[str, int]
    answered: bool


@value
class Watcher:
    """Whom to ask, as whom Driftward calls ARM, and in which mode it runs."""

    driftward: DriftwardClient
    azure: SimulatorClient
    app_id: str
    audit: bool

    def follow(self, started: Started, waiting: Callable[[], None] = lambda: None) -> Episode:
        """The episode, once every policy of the deed has its answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            episode = self._look(started)
            if episode.answered or time.monotonic() > deadline:
                return episode
            waiting()
            time.sleep(_POLL_SECONDS)

    def calls_since(self, seq: int, parts: Sequence[str] = ("",)) -> Mapping[str, int]:
        """Driftward's ARM calls by kind; `parts`: only those with one of these in the path."""
        made = self.azure.calls(app_id=self.app_id, since=seq)
        paths = [(as_text(call.get("path")).lower(), as_text(call.get("kind"))) for call in made]
        return Counter(kind for path, kind in paths if any(part.lower() in path for part in parts))

    def writes_since(self, seq: int) -> int:
        """How often Driftward wrote, deleted or acted."""
        calls = self.calls_since(seq)
        return sum(calls.get(kind, 0) for kind in _WRITES)

    def write_order_since(self, seq: int, part: str) -> str:
        """Driftward's accepted writes below a path, in the order in which ARM got them: `DELETE, PATCH`."""
        made = self.azure.calls(app_id=self.app_id, path=part, since=seq)
        return ", ".join(as_text(call.get("method")) for call in made if call.get("kind") in _WRITES)

    def last_call(self) -> int:
        numbers = [call.get("seq") for call in self.azure.calls()]
        return max((number for number in numbers if isinstance(number, int)), default=0)

    def _look(self, started: Started) -> Episode:
        deed = started.deed
        alerts = [alert for alert in self._alerts(deed) if moment(alert["lastSeen"]) >= started.at]
        changes = [change for change in self._changes(deed) if moment(change["createdAt"]) >= started.at]
        ended = [change for change in changes if change["outcome"] != "InProgress"]
        answers = ended if deed.reverted and not self.audit else alerts
        return Episode(
            started=started,
            alerts=tuple(alerts),
            changes=tuple(sorted(ended, key=lambda change: str(change["createdAt"]))),
            calls=self.calls_since(started.after_call, deed.parts),
            answered={answer["policy"] for answer in answers} >= set(deed.policies),
        )

    def _alerts(self, deed: Deed) -> list[Json]:
        found = self.driftward.get("alerts", resourceId=deed.target, status="open")
        return [alert for alert in found if alert["policy"] in deed.policies]

    def _changes(self, deed: Deed) -> list[Json]:
        found = self.driftward.get("changes", resourceId=deed.target)
        return [change for change in found if change["policy"] in deed.policies]

    def until_resolved(self, deeds: Sequence[Deed], waiting: Callable[[], None] = lambda: None) -> int:
        """Wait until no alert of these deeds is open any more; returns how many still are."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            left = sum(len(self._alerts(deed)) for deed in deeds)
            if not left or time.monotonic() > deadline:
                return left
            waiting()
            time.sleep(_POLL_SECONDS)

    def run(self, body: Mapping[str, Json], waiting: Callable[[], None] = lambda: None) -> Json:
        """A run to its end. Raises DriftwardFailed when it does not end."""
        run = self.driftward.post("runs", body)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while run["status"] not in {"Done", "Failed"}:
            if time.monotonic() > deadline:
                raise DriftwardFailed(f"run {run['id']} is still {run['status']}")
            waiting()
            time.sleep(_POLL_SECONDS)
            run = self.driftward.get(f"runs/{run['id']}")
        return run

    def decision(self, target: str, policy: str) -> str:
        """`Skip (exempt)`: what a run decides about a policy, once no change of the target is under way."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        run = self.driftward.post("runs", {"resourceId": target})
        while run["status"] == "InProgress" and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            run = self.driftward.post("runs", {"resourceId": target})
        found = next((one for one in run["decisions"] if one["policy"] == policy), None)
        return f"{found['action']} ({found['reason']})" if found else "none"

    def roll_back(self, change_id: str, reason: str, expires_at: datetime) -> Json:
        """The rollback as a change that has ended, or that is still in progress when patience ran out."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        change = self._begin_rollback(change_id, {"reason": reason, "expiresAt": expires_at.isoformat()})
        while change["outcome"] == "InProgress" and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            change = self.driftward.get(f"changes/{change['id']}")
        return change

    def _begin_rollback(self, change_id: str, body: Mapping[str, Json]) -> Json:
        for _ in range(_ASKED_AGAIN):
            try:
                return self.driftward.post(f"changes/{change_id}/rollback", body)
            except AskAgain:
                time.sleep(1)
        return self.driftward.post(f"changes/{change_id}/rollback", body)


def moment(text: str) -> datetime:
    """An RFC 3339 time with its zone."""
    return datetime.fromisoformat(text)
