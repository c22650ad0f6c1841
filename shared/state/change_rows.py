"""Changes in the table ``changes``: each under the time when it was made, newest first, and under its id.

While a change is in flight its target's row holds it, and what lies here is a copy for listings and by id,
which may be a step behind. Whoever goes on with the change writes the copy again (``project``)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Final

from shared.model import Outcome, Target
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged
from shared.model.interfaces import Tables
from shared.state.listings import COLUMNS, Page, Wanted, cut
from shared.state.table_layout import CHANGE_PREFIX, CHANGES, change_entry, change_place, change_row
from shared.state.table_rows import Place, Rows, conditional, fits, wanted_properties

_RACES: Final = 4
"""How often a copy is tried again that somebody else wrote meanwhile."""


class Changes:
    """The records of changes; see ``Store`` for what its methods promise."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def put(self, record: ChangeRecord) -> ChangeRecord:
        """Write a change; a new one (no etag) is entered under its id too."""
        place = change_place(record)
        write = self._rows.write_of(place, record, change_row(record))
        if record.etag is not None:
            (etag,) = self._rows.write(CHANGES, write)
            return replace(record, etag=etag)
        entry = conditional(change_entry(record.id), {"row": place.row}, None)
        etag, _ = self._rows.write(CHANGES, write, entry)
        return replace(record, etag=etag)

    def project(self, record: ChangeRecord) -> None:
        """Write a copy of a change, unless one that is as new is there; who rolled it back stays noted.

        Raises ``EntityChanged`` where others write it again and again.
        """
        for _ in range(_RACES - 1):
            with suppress(EntityChanged):
                return self._copy(record)
        return self._copy(record)

    def _copy(self, record: ChangeRecord) -> None:
        known = self._rows.find(ChangeRecord, change_place(record))
        if known is None:
            self.put(replace(record, etag=None))
        elif known.revision < record.revision:
            self.put(replace(record, etag=known.etag, rolled_back_by=known.rolled_back_by))

    def find(self, change_id: str) -> ChangeRecord | None:
        entry = self._rows.get(change_entry(change_id))
        if entry is None:
            return None
        place = Place(table=CHANGES, partition=CHANGES, row=str(entry.properties["row"]))
        return self._rows.find(ChangeRecord, place)

    def newest(
        self,
        limit: int = 100,
        target: Target | None = None,
        policy: str | None = None,
        outcome: Outcome | None = None,
    ) -> list[ChangeRecord]:
        """The newest changes that fit, newest first."""
        wanted = wanted_properties(target=target.key if target else None, policy=policy, outcome=outcome)
        entities = self._tables.query(CHANGES, CHANGES, CHANGE_PREFIX)
        fitting = (entity for entity in entities if fits(entity, wanted))
        return [self._rows.record(ChangeRecord, entity) for entity in islice(fitting, limit)]

    def page(self, wanted: Wanted, limit: int, after: str) -> Page[ChangeRecord]:
        """A page of the changes that are wanted, newest first."""
        rows = self._tables.query(CHANGES, CHANGES, CHANGE_PREFIX, COLUMNS)
        found = cut(filter(wanted.fits, rows), lambda row: row.row, limit, after)
        places = (Place(table=CHANGES, partition=CHANGES, row=row.row) for row in found.entities)
        records = (self._rows.find(ChangeRecord, place) for place in places)
        return Page(tuple(record for record in records if record is not None), found.total, found.after)
