"""Injected faults: which calls they hit, how often, and what happens then.

A fault is `{"match": {"method"?, "pathContains"?, "appId"?}, "times": n, "chance"?: 0…1, "then": …}`. `then`
is one of `{"status", "code"?, "message"?, "headers"?, "emptyCode"?, "details"?, "additionalInfo"?}`,
`{"operationFails": {"code", "message"}}`, `{"hang": seconds}` and `{"drop": true}`. The oldest fault that
matches and has uses left is the one that happens; with a chance, only to that part of the calls that match,
drawn from a sequence that is always the same. `operationFails` is spent only by a call that begins an
operation. What must not live here: making it happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from local.simulator.operations import OperationFailure
from local.simulator.switches import BadInput
from local.simulator.values import ArmError, JsonObject, JsonValue, as_object, as_text, dig


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer with an error instead of doing anything. An empty code is sent as an empty text."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str]
    details: list[JsonValue] | None = None
    info: list[JsonValue] | None = None

    def error(self) -> ArmError:
        beside = {"details": self.details, "info": self.info}
        return ArmError(self.status, self.code, self.message, headers=self.headers, **beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Wait, then go on as if nothing had happened."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Close the connection without an answer; nothing is done."""


Then: TypeAlias = Refuse | Hang | Drop | OperationFailure


@dataclass(slots=True, kw_only=True)
class Fault:
    """One injected fault; `left` counts down and is all that ever changes."""

    id: int
    method: str
    path_contains: str
    app_id: str
    then: Then
    source: JsonObject
    left: int
    chance: float = 1.0
    hits: int = 0

    def hits_call(self, method: str, path: str, app_id: str) -> bool:
        return (
            self.left > 0
            and self.method in ("", method)
            and self.path_contains in path.lower()
            and self.app_id in ("", app_id.lower())
        )

    def to_json(self) -> JsonObject:
        return {"id": self.id, **self.source, "left": self.left, "hits": self.hits}


@dataclass(slots=True)
class Faults:
    """The faults that wait. Callers hold the simulator's lock."""

    _faults: list[Fault] = field(default_factory=list)
    _last: int = 0
    _drawn: Random = field(default_factory=lambda: Random(0))

    def add(self, source: JsonObject) -> Fault:
        """Parse and keep one; BadInput names the unusable field."""
        self._last += 1
        fault = parse_fault(source, self._last)
        self._faults.append(fault)
        return fault

    def take(self, method: str, path: str, app_id: str) -> Refuse | Hang | Drop | None:
        """The fault that hits this call before it is done, used up once."""
        for fault in self._faults:
            then = fault.then
            if not isinstance(then, OperationFailure) and self._happens(fault, method, path, app_id):
                _use(fault)
                return then
        return None

    def take_failure(self, method: str, path: str, app_id: str) -> OperationFailure | None:
        """The failure that the operation of this accepted call ends with, used up once."""
        for fault in self._faults:
            then = fault.then
            if isinstance(then, OperationFailure) and self._happens(fault, method, path, app_id):
                _use(fault)
                return then
        return None

    def _happens(self, fault: Fault, method: str, path: str, app_id: str) -> bool:
        if not fault.hits_call(method, path, app_id):
            return False
        return fault.chance >= 1 or self._drawn.random() < fault.chance

    def to_json(self) -> list[JsonValue]:
        return [fault.to_json() for fault in self._faults]

    def clear(self) -> None:
        self._faults.clear()


def _use(fault: Fault) -> None:
    fault.left -= 1
    fault.hits += 1


def parse_fault(source: JsonObject, fault_id: int) -> Fault:
    match = source.get("match", {})
    if not isinstance(match, dict):
        raise BadInput("match", "an object is expected")
    for name in match:
        if name not in ("method", "pathContains", "appId"):
            raise BadInput(f"match.{name}", "unknown; known are method, pathContains, appId")
    times = source.get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise BadInput("times", "a whole number, 1 or more, is expected")
    chance = source.get("chance", 1)
    if not isinstance(chance, int | float) or isinstance(chance, bool) or not 0 < chance <= 1:
        raise BadInput("chance", "a number above 0, up to 1, is expected")
    return Fault(
        id=fault_id,
        method=as_text(match.get("method")).upper(),
        path_contains=as_text(match.get("pathContains")).lower(),
        app_id=as_text(match.get("appId")).lower(),
        then=_parse_then(source.get("then")),
        source={"match": match, "times": times, "chance": chance, "then": source.get("then")},
        left=times,
        chance=float(chance),
    )


def _parse_then(then: JsonValue) -> Then:
    match then:
        case {"drop": True}:
            return Drop()
        case {"hang": int() | float() as seconds} if seconds >= 0:
            return Hang(seconds=float(seconds))
        case {"operationFails": {"code": str() as code}}:
            return OperationFailure(
                code=code, message=as_text(dig(then, "operationFails", "message")) or code
            )
        case {"status": int() as status} if 400 <= status <= 599:
            return _parse_refusal(status, as_object(then))
        case {"status": _}:
            raise BadInput("then.status", "a status from 400 to 599 is expected")
        case _:
            raise BadInput("then", 'one of "status", "operationFails", "hang", "drop": true is expected')


def _parse_refusal(status: int, then: JsonObject) -> Refuse:
    code = "" if then.get("emptyCode") is True else as_text(then.get("code")) or "InjectedFault"
    headers = as_object(then.get("headers"))
    return Refuse(
        status=status,
        code=code,
        message=as_text(then.get("message")) or f"Injected fault: {code or 'no code'}.",
        headers={name: str(value) for name, value in headers.items()},
        details=_listed(then, "details"),
        info=_listed(then, "additionalInfo"),
    )


def _listed(then: JsonObject, name: str) -> list[JsonValue] | None:
    match then.get(name):
        case None:
            return None
        case list() as listed:
            return listed
        case _:
            raise BadInput(f"then.{name}", "a list is expected")
