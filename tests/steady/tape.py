"""A tape around every protocol of the world: it numbers the I/O operations, and breaks one of them.

What is taped are the objects that the app is made of (tables, blobs, queues, a gateway, the sinks), each in
its place, so that no operation is missed and none is listed by hand. Nothing is numbered while the tape is
off: what a test reads for itself is no operation of the app.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeAlias

from shared.model.errors import GatewayError, SinkError, StoreError, Transient
from shared.model.values import value

STORE: Final = {
    "tables": ("get", "query", "write", "delete", "remove"),
    "blobs": ("put", "get", "names", "delete"),
    "queue": ("send",),
}
GATEWAY: Final = (
    *("read", "more", "security_group", "find_targets", "enumerate"),
    *("submit", "poll", "dependants"),
)


_ANSWERS: Final = (GatewayError, StoreError, SinkError)
"""What an operation may answer but that it is done."""


class Killed(BaseException):
    """The worker is gone: no handler of the app hears of it."""


class Breaks(StrEnum):
    """What happens at an operation."""

    KILLED = "killed"
    """The worker dies before it; everything before it took effect."""
    FAILS = "fails"
    """It fails and has not taken effect; of the store, so do some of the operations after it."""
    LOST = "answer lost"
    """It fails although it took effect; of the store, some of the operations after it fail as well."""


@value
class Fault:
    """``at`` is the number of an operation. Without ``breaks`` only what others do meanwhile happens."""

    at: int
    breaks: Breaks | None
    lasts: int = 1
    """How many operations of the store fail in all."""
    meanwhile: str = ""
    """What others do at this moment, by name."""

    def __str__(self) -> str:
        more = f" x{self.lasts}" if self.lasts > 1 else ""
        return f"{self.breaks or 'whole'}{more} at {self.at}" + (f", {self.meanwhile}" * bool(self.meanwhile))


@value
class Operation:
    """One I/O operation as it was taped."""

    name: str
    """The protocol, the method and what it was about: ``tables.write targets/t+j``."""
    call: str = ""
    """The function of the app in whose call it happened: ``message``, ``event``, ``request``, ``sweep``."""

    @property
    def is_of_sweep(self) -> bool:
        return self.call == "sweep"

    @property
    def is_of_store(self) -> bool:
        return self.name.partition(".")[0] in STORE

    @property
    def may_fail(self) -> bool:
        """Not the host's own: a message that cannot be deleted is one whose worker died just before."""
        return not self.name.startswith("host.")


Trouble: TypeAlias = Callable[[str], Exception]


def _broken(name: str) -> Exception:
    match name.partition(".")[0]:
        case "gateway" | "tags":
            return Transient(f"{name}: no answer", status=503)
        case "sink":
            return SinkError(f"{name}: no answer")
        case _:
            return StoreError(f"{name}: no answer")


@dataclass
class Tape:
    """Numbers operations from 1; ``fault`` strikes once."""

    fault: Fault | None = None
    meanwhile: Callable[[str], object] = lambda _: None
    turn: Callable[[], None] = lambda: None
    """Called before each operation: where another worker may come in between."""
    struck: Callable[[], object] = lambda: None
    """Called when the fault has struck."""
    down: Callable[[str], bool] = lambda _: False
    """Whether an operation of this name fails for now: an outage that belongs to the scenario."""
    on: bool = False
    call: str = ""
    """What the host calls now."""
    operations: list[Operation] = field(default_factory=list)
    _failing: int = 0

    def run(self, name: str, do: Callable[[], Any]) -> Any:
        """Do it, unless this is where something breaks."""
        if not self.on:
            return do()
        self.turn()
        operation = Operation(name=name, call=self.call)
        self.operations.append(operation)
        fault = self.fault
        if fault is not None and fault.at == len(self.operations):
            return self._strike(fault, operation, do)
        if self._failing and operation.is_of_store:
            self._failing -= 1
            raise _broken(name)
        if self.down(name):
            raise _broken(name)
        return do()

    def _strike(self, fault: Fault, operation: Operation, do: Callable[[], Any]) -> Any:
        if fault.breaks is Breaks.LOST:
            with suppress(*_ANSWERS):  # nobody hears of it, whatever it is
                do()
        self.meanwhile(fault.meanwhile)
        self.struck()
        if fault.breaks is Breaks.KILLED:
            raise Killed
        if fault.breaks is None:
            return do()
        self._failing = fault.lasts - 1 if operation.is_of_store else 0
        raise _broken(operation.name)

    # --- what is taped -----------------------------------------------------------------------------

    def around(self, protocol: str, taped: object, methods: tuple[str, ...]) -> None:
        """Put the tape around these methods of an object, for everybody who holds it."""
        for method in methods:
            setattr(taped, method, self.around_call(f"{protocol}.{method}", getattr(taped, method)))

    def around_call(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def taped(*args: Any, **named: Any) -> Any:
            return self.run(f"{name} {_about(name, args)}".rstrip(), partial(_whole, call, args, named))

        return taped


def _whole(call: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """A listing is one operation, and happens when it is asked for."""
    came = call(*args, **named)
    return iter(list(came)) if isinstance(came, Iterator) else came


# --- what an operation was about -------------------------------------------------------------------


def _about(name: str, args: tuple[Any, ...]) -> str:
    match name:
        case "tables.write":
            return f"{args[0]}/{'+'.join(dict.fromkeys(_sort(write.row) for write in args[1:]))}"
        case "tables.query":
            return f"{args[0]}/{args[2] if len(args) > 2 else ''}*"
        case "tables.get" | "tables.delete":
            return f"{args[0]}/{_sort(args[2])}"
        case "queue.send":
            return _kind_of(args[0])
        case "gateway.submit":
            return str(args[0].kind)
        case _ if name.startswith("blobs."):
            return str(args[0])
        case _:
            return ""


def _sort(row: str) -> str:
    """The letter that says what lies in a row; of an alert's or a run's, nothing."""
    letter, dash, _ = row.partition("-")
    return letter if dash and len(letter) == 1 else "_"


def _kind_of(body: str) -> str:
    said = json.loads(body)
    return str(said.get("kind", "reference"))
