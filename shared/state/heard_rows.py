"""The last event that was heard in a subscription.

It has a row of its own, in the partition of the rows in which events are coalesced: it is written with one
of those, in one transaction, so that no event costs a request more. Every instance writes it once in a minute
at most, so that a burst does not pay for a transaction each. So what is told is the last event to a minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.model import Cause, CauseKind
from shared.model.interfaces import Put
from shared.model.messages import Message
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.state.table_layout import TARGETS, queue_place
from shared.state.table_rows import Place, Rows

_NOTED_EVERY: Final = timedelta(minutes=1)


@value
class LastEvent:
    """An event that the app accepted, none long before the newest."""

    cause: Cause
    target: ResourceId | None
    """Whose look it asked for; None where it asked for what depends on something else."""

    @property
    def time(self) -> datetime:
        """When what it tells of happened."""
        return self.cause.time


class Heard:
    """``Store.heard``."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._noted: dict[str, datetime] = {}
        """When this process last noted an event, by partition."""

    def last_event(self, subscription: str) -> LastEvent | None:
        """None where none was ever heard."""
        entity = self._rows.get(_place(subscription))
        return None if entity is None else self._rows.value(LastEvent, entity)

    def note_of(self, message: Message, now: datetime) -> tuple[Put, ...]:
        """What is to be written with the row of the key that an event asks for: mostly nothing."""
        place = _place(queue_place(message).partition)
        noted = self._noted.get(place.partition)
        recent = noted is not None and abs(now - noted) < _NOTED_EVERY
        if message.cause.kind is not CauseKind.EVENT or recent:
            return ()
        event = LastEvent(
            cause=message.cause, target=message.target.id if message.target is not None else None
        )
        return (Put(partition=place.partition, row=place.row, properties=self._rows.properties(event)),)

    def noted(self, notes: tuple[Put, ...], now: datetime) -> None:
        """They are written."""
        self._noted.update((note.partition, now) for note in notes)


def _place(subscription: str) -> Place:
    return Place(table=TARGETS, partition=subscription.lower(), row="p-heard")
