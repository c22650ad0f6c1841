"""The log of ARM calls, which tests and benchmarks read.

Every call that reached the ARM side is logged once, when its answer is known: refused ones too.
What must not live here: deciding what a call is; the pipeline says it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from local.simulator.values import Caller, JsonObject, JsonValue, key, utc_text

_KEPT_CALLS = 200_000
HEADERS_OF_INTEREST = ("if-match", "if-none-match")


class CallKind(StrEnum):
    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    POLL = "poll"
    ACTION = "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One ARM call. `seq` counts from 1 and is not reset with the log; `status` 0 is a dropped connection."""

    seq: int
    time: float
    method: str
    path: str
    api_version: str
    status: int
    kind: CallKind
    caller: Caller
    body: JsonValue
    headers: Mapping[str, str]
    correlation_id: str

    def to_json(self) -> JsonObject:
        shown: JsonObject = {
            "seq": self.seq,
            "time": utc_text(self.time),
            "method": self.method,
            "path": self.path,
            "apiVersion": self.api_version,
            "status": self.status,
            "kind": self.kind.value,
            "caller": {
                "appId": self.caller.app_id,
                "objectId": self.caller.object_id,
                "name": self.caller.name,
            },
            "requestBody": self.body,
            "correlationId": self.correlation_id,
        }
        shown["requestHeaders"] = dict(self.headers)
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """What to show; an empty text and 0 filter nothing.

    `path` is a part of the path and `under` the id at or below which a call went, both without case: with
    `under`, `pg-1` does not stand for `pg-10` too.
    """

    method: str = ""
    path: str = ""
    under: str = ""
    kind: str = ""
    correlation_id: str = ""
    app_id: str = ""
    since: int = 0

    def admits(self, call: Call) -> bool:
        return (
            call.seq > self.since
            and self.method.upper() in ("", call.method)
            and self.kind in ("", call.kind.value)
            and self.app_id.lower() in ("", call.caller.app_id.lower())
            and self.path.lower() in call.path.lower()
            and (not self.under or f"{key(call.path)}/".startswith(f"{key(self.under)}/"))
            and self.correlation_id in ("", call.correlation_id)
        )


class CallLog:
    """The latest calls, in the order in which they were answered. Callers hold the simulator's lock."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self.last = 0

    def next_seq(self) -> int:
        self.last += 1
        return self.last

    def add(self, call: Call) -> None:
        self._calls.append(call)

    def matching(self, wanted: CallFilter) -> list[Call]:
        """Those that are wanted, oldest first. With `since` nothing older is looked at."""
        newest = takewhile(lambda call: call.seq > wanted.since, reversed(self._calls))
        return [call for call in newest if wanted.admits(call)][::-1]

    def clear(self) -> None:
        self._calls.clear()
