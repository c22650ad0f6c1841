"""The last event that was heard in a subscription, by the rows in which events are coalesced.

No row of its own: an event would cost a write more. So all keys of the subscription are read, which is right
where somebody asks why no event came, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from shared.model import Cause, CauseKind
from shared.model.errors import NotReadable, TextGone
from shared.model.interfaces import Entity, Tables
from shared.model.memory import TargetRecord
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.state.coalescing import Coalesced
from shared.state.table_layout import QUEUE_PREFIX, TARGET_PREFIX, TARGETS
from shared.state.table_rows import Place, Rows


@value
class LastEvent:
    """The newest event that the app accepted."""

    time: datetime
    """When what it tells of happened."""
    cause: Cause
    target: ResourceId | None
    """Whose look it asked for; None where that is no target that is known."""


class Heard:
    """``Store.heard``."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def last_event(self, subscription: str) -> LastEvent | None:
        """None where none was ever heard."""
        entities = self._tables.query(TARGETS, subscription.lower(), QUEUE_PREFIX)
        events = (found for entity in entities for found in self._events(entity))
        newest = max(events, key=lambda found: found[0].time, default=None)
        if newest is None:
            return None
        cause, entity = newest
        return LastEvent(time=cause.time, cause=cause, target=self._target_of(entity))

    def _events(self, entity: Entity) -> Iterator[tuple[Cause, Entity]]:
        with suppress(NotReadable, TextGone):  # one odd row hides no other
            for heard in self._rows.value(Coalesced, entity).heard:
                for one in (heard, *heard.earlier):
                    if one.kind is CauseKind.EVENT:
                        yield one, entity

    def _target_of(self, entity: Entity) -> ResourceId | None:
        """What is remembered lies under the same hash."""
        row = f"{TARGET_PREFIX}{entity.row.removeprefix(QUEUE_PREFIX)}"
        known = self._rows.get(Place(table=TARGETS, partition=entity.partition, row=row))
        record = self._rows.readable(TargetRecord, known) if known is not None else None
        return record.target.id if record is not None else None
