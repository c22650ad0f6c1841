"""Many events, few readings, none lost: how messages for one queue key become one.

The state of a queue key is one row, changed only by conditional writes::

    idle ──arm──► pending(T1) ──start(T1)──► running(T1) ──finish(T1)──► idle
                    ▲  │ arm: merge the cause       │ arm
                    └──┘                            ▼
                               running(T1) + pending(T2) ──start(T2)──► running(T2)

*The promise*: every event has a reading that begins after it, if its sender repeats deliveries that
were not acknowledged and the queue repeats messages that were not deleted. What keeps it:

- ``arm`` reads the row, sends a message with a fresh token, and only then writes the token into the
  row. So a token in the row always has a message on its way, and joining it is safe for anybody. A
  crash before the write leaves a message whose token nobody knows, and an event that comes again.
- ``start`` moves the token by a conditional write *before* the reading. An event either is in the row
  by then or finds nothing pending and arms anew.
- ``start`` with a token that the row does not hold has nothing to do: a younger reading began since,
  or the token was never written. It writes the row all the same. Should the sender of that token be
  slow rather than dead, its write now fails and it arms anew; without this its token would enter the
  row after its message was gone. For the same reason a row, once there, is never deleted.
- ``start`` with the token that already runs means that an earlier attempt crashed: read again.
- ``finish`` forgets the token; a crash before it costs a row that the next ``start`` overwrites. It writes
  the row as ``start`` left it, and reads it only when somebody has written it meanwhile.
- ``last`` is the newest event that a reading took up. A look that finds nothing new saves nothing, so the
  record of the target may not hold who wrote; the row does, and ``heard`` tells it to whoever needs it.
- A message that the queue gave up (poison, purged) would leave a token that waits for ever, so a token
  that waits longer than a message can take is replaced.

Events that arm an idle key at the same moment send a message each; all but one find their token
unknown and cost two table calls, never a reading. The functions on ``Coalesced`` decide and are pure;
``Coalescing`` reads, writes and sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.model import Cause, CauseKind, Target
from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import Tables
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.values import value
from shared.state.table_layout import queue_place_of
from shared.state.table_rows import Place, Rows, conditional

_ACTORS_KEPT: Final = 4
_LOST_AFTER: Final = timedelta(seconds=300)
"""How long beyond its delay a message may take before it is thought lost."""
_ATTEMPTS: Final = 64
"""In every round of writers at least one succeeds, so this is how many may meet in one row."""


@value
class Pending:
    """A reading that was asked for and has not begun; ``since`` is the first event's time of arrival."""

    token: str
    since: datetime
    cause: Cause


@value
class Running:
    """A reading that has begun."""

    token: str
    since: datetime
    cause: Cause


@value
class Coalesced:
    """The state of one queue key; both None is idle."""

    pending: Pending | None = None
    running: Running | None = None
    last: Cause | None = None
    """The newest event whose reading has ended; rows from before the field have none."""

    @property
    def heard(self) -> tuple[Cause, ...]:
        """What has arrived, oldest first: read and perhaps not saved, being read, waiting for its look."""
        asked = (one.cause for one in (self.running, self.pending) if one is not None)
        return ((self.last,) if self.last is not None else ()) + tuple(asked)


@value
class Started:
    """A reading that may begin: why, and the row as it is then, for ``finish``."""

    cause: Cause
    state: Coalesced = Coalesced()
    etag: str | None = None
    """None where nothing was written: the message was never armed."""


def merged(old: Cause, new: Cause) -> Cause:
    """One cause for both: the newest, but the sweep never hides who wrote; counts add up.

    The newest of every other actor goes along: ours must not hide somebody else's write.
    """
    chosen = max(old, new, key=lambda cause: (cause.kind is not CauseKind.SWEEP, cause.time))
    newest: dict[object, Cause] = {}
    for cause in sorted((old, *old.earlier, new, *new.earlier), key=lambda cause: cause.time):
        newest[cause.kind, cause.actor] = replace(cause, earlier=(), count=1)
    newest.pop((chosen.kind, chosen.actor), None)
    others = sorted(newest.values(), key=lambda cause: cause.time, reverse=True)
    return replace(chosen, count=old.count + new.count, earlier=tuple(others[:_ACTORS_KEPT]))


def joined(state: Coalesced, cause: Cause, lost_before: datetime) -> Coalesced | None:
    """The state with the cause in the pending reading; None when a new message is needed."""
    pending = state.pending
    if pending is None or pending.since < lost_before:
        return None
    return replace(state, pending=replace(pending, cause=merged(pending.cause, cause)))


def armed(state: Coalesced, fresh: Pending) -> Coalesced:
    """The state with a fresh token, which takes along the causes of one that was lost."""
    if state.pending is not None:
        fresh = replace(fresh, cause=merged(state.pending.cause, fresh.cause))
    return replace(state, pending=fresh)


def started(state: Coalesced, token: str, now: datetime) -> tuple[Coalesced, Cause | None]:
    """The state once the reading for ``token`` has begun, and its cause; None when it is stale."""
    pending, running = state.pending, state.running
    if pending is not None and pending.token == token:
        cause = pending.cause if running is None else merged(running.cause, pending.cause)
        return replace(state, pending=None, running=Running(token=token, since=now, cause=cause)), cause
    if running is not None and running.token == token:
        return state, running.cause
    return state, None


def ended(state: Coalesced) -> Coalesced:
    """The state once the reading that runs has ended."""
    cause = state.running.cause if state.running is not None else None
    told = cause is not None and any(one.kind is CauseKind.EVENT for one in (cause, *cause.earlier))
    return replace(state, running=None, last=cause if told else state.last)


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
        lost_before = now - timedelta(seconds=delay_seconds) - _LOST_AFTER
        for etag, state in self._readings(place):
            after = joined(state, message.cause, lost_before)
            sends = after is None
            if after is None:
                fresh = Pending(token=self._new_token(), since=now, cause=message.cause)
                self._send(replace(message, token=fresh.token), delay_seconds)
                after = armed(state, fresh)
            if self._written(place, after, etag) is not None:
                return sends
        raise _crowded(place)

    def heard(self, target: Target) -> tuple[Cause, ...]:
        """See ``Store.heard``."""
        return next(state for _, state in self._readings(queue_place_of(target))).heard

    def start(self, place: Place, message: Message, now: datetime) -> Started | None:
        """See ``Store.start``."""
        if message.token is None:
            return Started(cause=message.cause)
        for etag, state in self._readings(place):
            after, cause = started(state, message.token, now)
            is_repeated = cause is not None and after == state
            if not is_repeated:
                etag = self._written(place, after, etag)
                if etag is None:
                    continue
            return Started(cause=cause, state=after, etag=etag) if cause is not None else None
        raise _crowded(place)

    def finish(self, place: Place, message: Message, began: Started) -> None:
        """See ``Store.finish``."""
        if began.etag is None or self._written(place, ended(began.state), began.etag) is not None:
            return
        for etag, state in self._readings(place):
            is_ours = state.running is not None and state.running.token == message.token
            if not is_ours or self._written(place, ended(state), etag) is not None:
                return
        raise _crowded(place)

    def _readings(self, place: Place) -> Iterator[tuple[str | None, Coalesced]]:
        """The row as often as it takes to write it before anybody else does."""
        for _ in range(_ATTEMPTS):
            entity = self._tables.get(place.table, place.partition, place.row)
            if entity is None:
                yield None, Coalesced()
            else:
                yield entity.etag, self._rows.value(Coalesced, entity)

    def _written(self, place: Place, state: Coalesced, etag: str | None) -> str | None:
        """The etag of the row that is now ``state``; None when it was not as it was read any more."""
        try:
            (written,) = self._rows.write(place.table, conditional(place, self._rows.properties(state), etag))
        except EntityChanged:
            return None
        return written


def _crowded(place: Place) -> StoreError:
    return StoreError(f"{place.row} changed {_ATTEMPTS} times while it was being written")
