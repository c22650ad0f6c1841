"""Many events, few readings, none lost: how messages for one queue key become one.

The state of a queue key is one row, changed only by conditional writes::

    idle ──arm──► pending(1) ──start──► running(1) ──finish──► idle
                    ▲  │ arm: merge the cause  │ arm
                    └──┘                       ▼
                              running(1) + pending(2) ──start──► running(2)

Readings have generations: the row says which one is pending and which was the newest that began.

*The promise*: every event has a reading that begins after it, if its sender repeats deliveries that
were not acknowledged and the queue repeats messages that were not deleted. What keeps it:

- ``arm`` reads the row, sends a message of the next generation, and only then writes that into the row. So
  what is pending always has a message on its way, and joining it is safe for anybody. A crash before the
  write leaves a message of a generation that nobody waits for, and an event that comes again.
- A message whose generation has not begun begins whatever is pending, also a later generation: messages
  overtake each other, and in a queue that lags the oldest is the one that comes first.
- ``start`` notes the generation by a conditional write *before* the reading. An event either is in the row
  by then or finds nothing pending and arms anew.
- ``start`` for a generation that is not in the row yet begins nothing, and notes it all the same. Should its
  sender be slow rather than dead, its write now fails and it arms anew; without this its generation would be
  pending after its message was gone. For the same reason a row, once there, is never deleted.
- ``start`` with the token that already runs means that an earlier attempt crashed: read again.
- ``finish`` forgets the token; a crash before it costs a row that the next ``start`` overwrites. It writes
  the row as ``start`` left it, and reads it only when somebody has written it meanwhile.
- ``last`` is the newest event that a reading took up. A look that finds nothing new saves nothing, so the
  record of the target may not hold who wrote; the row does, and ``heard`` tells it to whoever needs it.
- ``readings`` counts what begins, a second delivery of the same message too: by it a look finds out that
  another reading has begun since its own, though nothing was saved of that one.
- A message that the queue gave up (poison, purged) would leave a reading pending for ever, so one that waits
  longer than a message can take, or will wait longer than is asked for now, gets another message. The clocks
  of two instances may disagree about that: at worst there is a message too many. No message stops counting
  because another was sent.

Events that arm an idle key at the same moment send a message each; all but one find their generation begun
and cost one read of the row, never a reading. The functions on ``Coalesced`` decide and are pure;
``Coalescing`` reads, writes and sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.model import Cause, CauseKind, Target
from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import Put, Tables
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.values import value
from shared.state.heard_rows import Heard
from shared.state.table_layout import queue_place_of
from shared.state.table_rows import Place, Rows, conditional

_ACTORS_KEPT: Final = 4
_LOST_AFTER: Final = timedelta(seconds=300)
"""How long beyond its delay a message may take before another is sent."""
_SKEW: Final = timedelta(seconds=30)
"""How far clocks are apart in good order: what is further ahead says nothing of how long ago it is."""
_SOON: Final = 60.0
"""Seconds of delay that everybody who joins may be kept waiting."""
_ATTEMPTS: Final = 64
"""In every round of writers at least one succeeds, so this is how many may meet in one row."""


@value
class Pending:
    """A reading that was asked for and has not begun; ``since`` is when its newest message was sent, by the
    sender's clock."""

    token: str
    since: datetime
    cause: Cause
    generation: int = 0
    """0 in a row that was written before there were generations: only its token begins it."""
    delay: float = 0.0
    """Seconds for which its newest message is not to be seen."""


@value
class Running:
    """A reading that has begun."""

    token: str
    since: datetime
    cause: Cause


@value
class Coalesced:
    """The state of one queue key; neither pending nor running is idle."""

    pending: Pending | None = None
    running: Running | None = None
    last: Cause | None = None
    """The newest event whose reading has ended; rows from before the field have none."""
    begun: int = 0
    """The newest generation that has begun."""
    readings: int = 0
    """How many readings have begun."""

    @property
    def heard(self) -> tuple[Cause, ...]:
        """What has arrived, oldest first: read and perhaps not saved, being read, waiting for its look."""
        asked = (one.cause for one in (self.running, self.pending) if one is not None)
        return ((self.last,) if self.last is not None else ()) + tuple(asked)

    @property
    def next_generation(self) -> int:
        return max(self.begun, self.pending.generation if self.pending is not None else 0) + 1


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


def joined(state: Coalesced, cause: Cause, now: datetime, delay_seconds: float) -> Coalesced | None:
    """The state with the cause in the pending reading; None when another message is needed."""
    pending = state.pending
    if pending is None or not _is_on_its_way(pending, now) or pending.delay > delay_seconds + _SOON:
        return None
    return replace(state, pending=replace(pending, cause=merged(pending.cause, cause)))


def _is_on_its_way(pending: Pending, now: datetime) -> bool:
    """Whether the newest message may still come, as far as this clock can tell."""
    late = now - pending.since - timedelta(seconds=pending.delay)
    return late <= _LOST_AFTER and pending.since - now <= _SKEW


def armed(state: Coalesced, fresh: Pending) -> Coalesced:
    """The state with a fresh message, which takes along the causes of what was pending."""
    if state.pending is not None:
        fresh = replace(fresh, cause=merged(state.pending.cause, fresh.cause))
    return replace(state, pending=fresh)


def started(state: Coalesced, message: Message, now: datetime) -> tuple[Coalesced, Cause | None]:
    """The state once the reading for ``message`` has begun, and its cause; None when there is none for it."""
    pending, running, token = state.pending, state.running, message.token
    if running is not None and running.token == token:
        return replace(state, readings=state.readings + 1), running.cause
    held = pending is not None and pending.token == token
    if token is None or not (held or message.generation > state.begun):
        return state, None
    begun = max(min(message.generation, state.next_generation), state.next_generation - 1)
    if pending is None:
        return replace(state, begun=begun), None
    cause = pending.cause if running is None else merged(running.cause, pending.cause)
    running = Running(token=token, since=now, cause=cause)
    after = replace(state, pending=None, running=running, begun=begun, readings=state.readings + 1)
    return after, cause


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
        heard: Heard,
    ) -> None:
        self._tables = tables
        self._rows = rows
        self._heard = heard
        self._send = send
        self._new_token = new_token

    def arm(self, place: Place, message: Message, now: datetime, delay_seconds: float) -> bool:
        """See ``Store.arm``."""
        if message.kind is not MessageKind.LOOK or message.options != RunOptions():
            raise ValueError("only a look without options is coalesced: merging would lose the options")
        notes = self._heard.note_of(message, now)
        for etag, state in self._readings(place):
            after = joined(state, message.cause, now, delay_seconds)
            sends = after is None
            if after is None:
                after = armed(state, self._sent(message, state.next_generation, now, delay_seconds))
            if self._written(place, after, etag, *notes) is not None:
                self._heard.noted(notes, now)
                return sends
        raise _crowded(place)

    def _sent(self, message: Message, generation: int, now: datetime, delay_seconds: float) -> Pending:
        token = self._new_token()
        self._send(replace(message, token=token, generation=generation), delay_seconds)
        return Pending(
            token=token, since=now, cause=message.cause, generation=generation, delay=delay_seconds
        )

    def state_of(self, target: Target) -> Coalesced:
        """See ``Store.coalesced``."""
        return next(state for _, state in self._readings(queue_place_of(target)))

    def start(self, place: Place, message: Message, now: datetime) -> Started | None:
        """See ``Store.start``."""
        if message.token is None:
            return Started(cause=message.cause)
        for etag, state in self._readings(place):
            after, cause = started(state, message, now)
            if after != state or _is_unnumbered(message, cause):
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

    def _written(self, place: Place, state: Coalesced, etag: str | None, *notes: Put) -> str | None:
        """The etag of the row that is now ``state``; None when it was not as it was read any more."""
        row = conditional(place, self._rows.properties(state), etag)
        try:
            written, *_ = self._rows.write(place.table, row, *notes)
        except EntityChanged:
            return None
        return written


def _is_unnumbered(message: Message, cause: Cause | None) -> bool:
    """Whether a message that has nothing to begin was sent before there were generations: its sender may be
    slow rather than dead, and only a write makes its own fail."""
    return cause is None and message.generation == 0


def _crowded(place: Place) -> StoreError:
    return StoreError(f"{place.row} changed {_ATTEMPTS} times while it was being written")
