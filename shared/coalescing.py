"""Many events, few readings, none lost: how messages for one queue key become one.

The state of a queue key is one row, changed only by conditional writes::

    idle ──arm──► pending(T1) ──start(T1)──► running(T1) ──finish(T1)──► idle
                    ▲  │ arm: merge the cause       │ arm
                    └──┘                            ▼
                               running(T1) + pending(T2) ──start(T2)──► running(T2)

*The promise*: every event has a reading that begins after it, if its sender repeats deliveries that
were not acknowledged, the queue repeats messages that were not deleted, and something (the sweep) asks
for every key now and then. What keeps it, step by step:

- ``arm`` writes the row, then sends the message. A crash between the two leaves a token that nobody
  holds. The event was not acknowledged, so it comes again, is recognised by its id (``armed_by``) and
  sends the same token. Should it never come again, any later event sends it once the row is older
  than a message can be on its way.
- An event that meets a pending token only adds its cause: the reading has not begun. ``start`` moves
  the token by a conditional write *before* the reading, so an event either is in the row by then or
  finds nothing pending and arms anew.
- ``start`` with the token that already runs means that an earlier attempt crashed: read again. With
  any other token it means that a younger reading began since; there is nothing left to do.
- ``finish`` forgets the token; a crash before it costs one row that the next ``start`` overwrites.

The functions on ``Coalesced`` decide and are pure; ``Coalescing`` reads, writes and sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from shared.errors import EntityChanged, StoreError
from shared.interfaces import Tables
from shared.model import Cause, CauseKind
from shared.records import Message, MessageKind, RunOptions
from shared.rows import Place, Rows, conditional
from shared.values import value

_T = TypeVar("_T")

_LOST_AFTER: Final = timedelta(seconds=300)
"""How long beyond its delay a message may take before it is thought lost."""
_ATTEMPTS: Final = 64
"""In every round of writers at least one succeeds, so this is how many may meet in one row."""


@value
class Pending:
    """A reading that was asked for and has not begun."""

    token: str
    since: datetime
    armed_by: str | None
    """The event whose delivery vouches for the message."""
    cause: Cause


@value
class Running:
    """A reading that has begun."""

    token: str
    since: datetime
    cause: Cause


@value
class Coalesced:
    """The state of one queue key; both None is idle, and then there is no row."""

    pending: Pending | None = None
    running: Running | None = None


def merged(old: Cause, new: Cause) -> Cause:
    """One cause for both: the newest, but the sweep never hides who wrote; counts add up."""
    chosen = max(old, new, key=lambda cause: (cause.kind is not CauseKind.SWEEP, cause.time))
    return replace(chosen, count=old.count + new.count)


def armed(state: Coalesced, fresh: Pending, lost_after: timedelta) -> tuple[Coalesced, Pending | None]:
    """The state after an event, and what must be sent for it; None when a message is on its way."""
    pending = state.pending
    if pending is None:
        return replace(state, pending=fresh), fresh
    if fresh.armed_by is not None and fresh.armed_by == pending.armed_by:
        return state, pending
    together = replace(pending, cause=merged(pending.cause, fresh.cause))
    if fresh.since - pending.since <= lost_after:
        return replace(state, pending=together), None
    again = replace(together, since=fresh.since, armed_by=fresh.armed_by)
    return replace(state, pending=again), again


def started(state: Coalesced, token: str, now: datetime) -> tuple[Coalesced, Cause | None]:
    """The state once the reading for ``token`` has begun, and its cause; None when it is stale."""
    pending, running = state.pending, state.running
    if pending is not None and pending.token == token:
        cause = pending.cause if running is None else merged(running.cause, pending.cause)
        return Coalesced(running=Running(token=token, since=now, cause=cause)), cause
    if running is not None and running.token == token:
        return state, running.cause
    return state, None


def finished(state: Coalesced, token: str) -> tuple[Coalesced, None]:
    """The state once the reading for ``token`` has ended."""
    if state.running is None or state.running.token != token:
        return state, None
    return replace(state, running=None), None


class Coalescing:
    """The protocol over a table of rows and a way to send."""

    def __init__(
        self,
        tables: Tables,
        rows: Rows,
        send: Callable[[Message, float], None],
        new_token: Callable[[], str],
    ) -> None:
        self._tables = tables
        self._rows = rows
        self._send = send
        self._new_token = new_token

    def arm(self, place: Place, message: Message, now: datetime, delay_seconds: float) -> bool:
        """See ``Store.arm``."""
        if message.kind is not MessageKind.LOOK or message.options != RunOptions():
            raise ValueError("only a look without options is coalesced: merging would lose the options")
        delay = timedelta(seconds=delay_seconds)
        cause = message.cause
        fresh = Pending(token=self._new_token(), since=now, armed_by=cause.event_id, cause=cause)
        due = self._update(place, lambda state: armed(state, fresh, delay + _LOST_AFTER))
        if due is None:
            return False
        wait = max(0.0, (due.since + delay - now).total_seconds())
        self._send(replace(message, token=due.token), wait)
        return True

    def start(self, place: Place, message: Message, now: datetime) -> Cause | None:
        """See ``Store.start``."""
        token = message.token
        if token is None:
            return message.cause
        return self._update(place, lambda state: started(state, token, now))

    def finish(self, place: Place, message: Message) -> None:
        """See ``Store.finish``."""
        token = message.token
        if token is not None:
            self._update(place, lambda state: finished(state, token))

    def _update(self, place: Place, step: Callable[[Coalesced], tuple[Coalesced, _T]]) -> _T:
        """Read, decide, write if nobody wrote since; on a lost race the decision is taken anew."""
        for _ in range(_ATTEMPTS):
            entity = self._tables.get(place.table, place.partition, place.row)
            before = Coalesced() if entity is None else self._rows.value(Coalesced, entity)
            after, answer = step(before)
            if after == before:
                return answer
            try:
                self._write(place, after, None if entity is None else entity.etag)
            except EntityChanged:
                continue
            return answer
        raise StoreError(f"{place.row} changed {_ATTEMPTS} times while it was being written")

    def _write(self, place: Place, state: Coalesced, etag: str | None) -> None:
        if state == Coalesced():
            self._tables.delete(place.table, place.partition, place.row, etag)
        else:
            self._rows.write(place.table, conditional(place, self._rows.properties(state), etag))
