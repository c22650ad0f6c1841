"""The list of targets of which nothing can be read: one small row for each, in the target's partition.

A row names the target and nothing else: since when and why is in the target's record, which alone decides. A
row enters after the record and leaves before it, so none is missing for longer than to the next look; one
that a worker left behind is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from shared.model.errors import EntityExists
from shared.model.interfaces import Tables
from shared.model.memory import TargetRecord
from shared.model.targets import Target
from shared.state.table_layout import TARGET_PREFIX, TARGETS, UNKNOWN_PREFIX, unknown_place
from shared.state.table_rows import Place, Rows, conditional


class UnknownTargets:
    """``Store.unknown``."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def add(self, target: Target) -> None:
        """List it; it may be listed already."""
        with suppress(EntityExists):
            self._tables.write(TARGETS, conditional(unknown_place(target), {"target": target.key}, None))

    def remove(self, target: Target) -> None:
        place = unknown_place(target)
        self._tables.delete(place.table, place.partition, place.row)

    def all(self, subscription: str) -> Iterator[TargetRecord]:
        """The records of those in a subscription, in the order of their keys."""
        for entity in self._tables.query(TARGETS, subscription.lower(), UNKNOWN_PREFIX):
            row = TARGET_PREFIX + entity.row.removeprefix(UNKNOWN_PREFIX)
            place = Place(table=TARGETS, partition=entity.partition, row=row)
            record = self._rows.find(TargetRecord, place)
            if record is not None and record.unread is not None and record.unread.whole:
                yield record
