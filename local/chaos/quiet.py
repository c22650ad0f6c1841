"""Waiting until nothing happens any more, on conditions: Azure is not called, and nothing is under way.

The storage is read only once Azure has not been called for a while: reading it costs those who work there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from local.chaos.asking import Account, AskingFailed, Kept
from local.chaos.plan import Plan
from local.simulator.client import SimulatorClient
from local.simulator.values import JsonObject, as_object, as_text
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model.values import value

WRITES: Final = ("write", "delete", "action")
"""The kinds of calls that change something."""
_LOOK_EVERY: Final = 1.0
_SOON: Final = 60.0
"""A look that is due within so many seconds is waited for."""
_STUCK_AFTER: Final = 90.0
"""What has not moved for so long, beyond the time for which a message is hidden, is stuck."""
_LATER_TOO: Final = "reconcile"
"""The queue in which messages wait for what is due much later."""


class Calls:
    """Driftward's calls of ARM, as the simulator's log has them."""

    def __init__(self, azure: SimulatorClient) -> None:
        self._azure = azure
        self._last = 0
        self._wrote = 0

    def last(self) -> int:
        """The number of the newest."""
        self._ask()
        return self._last

    def last_write(self) -> int:
        """The number of the newest that writes or deletes."""
        self._ask()
        return self._wrote

    def _ask(self) -> None:
        for call in self._azure.calls(app_id=LOCAL_IDENTITY.app_id or "", since=self._last):
            number = int(str(call["seq"]))
            self._last = max(self._last, number)
            if call["kind"] in WRITES:
                self._wrote = max(self._wrote, number)


@value
class Quiet:
    """What was waited for: what the storage held then, and what had not come to its end."""

    kept: Kept
    moving: tuple[str, ...]
    seconds: float

    def told(self) -> str:
        more = f" and {len(self.moving) - 3} more" if len(self.moving) > 3 else ""
        left = f", but for {'; '.join(self.moving[:3])}{more}" if self.moving else ""
        return f"{self.seconds:.0f} s{left}"


class _Still:
    """For how long two things have been the same: the last call, and what is under way."""

    def __init__(self) -> None:
        self._call = -1
        self._moving: tuple[str, ...] = ()
        self._called = self._moved = time.monotonic()

    def since(self, call: int) -> float:
        """Seconds since the last call was another one."""
        if call != self._call:
            self._call, self._called = call, time.monotonic()
        return time.monotonic() - self._called

    def of(self, moving: tuple[str, ...]) -> float:
        """Seconds since something else was under way, or Azure was called."""
        if moving != self._moving or self._moved < self._called:
            self._moving, self._moved = moving, time.monotonic()
        return time.monotonic() - self._moved


@value
class Watch:
    """What is watched. ``elsewhere`` says what is under way outside Azure and the storage."""

    plan: Plan
    account: Account
    calls: Calls
    elsewhere: Callable[[], tuple[str, ...]]

    def until_quiet(self, known: int = 0) -> Quiet:
        """Wait until nothing is under way and so many targets are known; until what is under way no longer
        moves; or until the plan's patience ends. Raises AskingFailed where the storage never answers."""
        began = time.monotonic()
        still = _Still()
        while True:
            time.sleep(_LOOK_EVERY)
            is_late = time.monotonic() - began > self.plan.patience
            if still.since(self.calls.last()) < self.plan.calm and not is_late:
                continue
            kept = self.account.kept() if is_late else self._kept()
            moving = ("the storage",) if kept is None else self._moving(kept, known)
            enough = still.of(moving) > self.plan.queue_lease + _STUCK_AFTER if moving else True
            if kept is not None and (enough or is_late):
                return Quiet(kept=kept, moving=moving, seconds=time.monotonic() - began)

    def _kept(self) -> Kept | None:
        try:
            return self.account.kept()
        except AskingFailed:
            return None

    def _moving(self, kept: Kept, known: int) -> tuple[str, ...]:
        missing = len(kept.targets) < known
        few = (f"{len(kept.targets)} of {known} targets",) if missing else ()
        return (*unrest(kept, time.time()), *few, *self.elsewhere())


def unrest(kept: Kept, now: float) -> Iterator[str]:
    """What is under way, as a text each."""
    for name, count in kept.visible.items():
        if count:
            yield f"{count} messages in {name}"
    for name, count in kept.messages.items():
        if count and name != _LATER_TOO:
            yield f"{count} messages wait in {name}"
    for row in kept.coalesced:
        yield f"a reading of {row['row']}"
    for record in kept.targets:
        yield from _under_way(record, now)


def _under_way(record: JsonObject, now: float) -> Iterator[str]:
    """A change that is on its way, and a look that is due soon."""
    target = as_text(as_object(record.get("target")).get("id"))
    if record.get("activeChange") or record.get("change") or record.get("leaseUntil"):
        yield f"a change of {target}"
    due = as_text(record.get("recheckAt"))
    if due and 0 < datetime.fromisoformat(due).timestamp() - now < _SOON:
        yield f"a look at {target}"
