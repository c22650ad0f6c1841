"""Changes in the table ``changes``: each under the time when it was made, newest first, and under its id.

While a change is in flight its target's row holds it, and what lies here is a copy for listings and by id,
which may be a step behind. Whoever goes on with the change writes the copy again (``project``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Final

from shared.model import Outcome, Target
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged
from shared.model.interfaces import Entity, Tables
from shared.state.filled import Fillings
from shared.state.listing_rows import Listed, ListingRows, place_of
from shared.state.listings import COLUMNS, Page, Wanted, cut
from shared.state.table_layout import CHANGE_PREFIX, CHANGES, change_entry, change_place, change_row
from shared.state.table_rows import Place, Rows, conditional

_RACES: Final = 4
"""How often a copy is tried again that somebody else wrote meanwhile."""


class Changes:
    """The records of changes; see ``Store`` for what its methods promise."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows
        self._lists = ListingRows(tables, CHANGES)
        self._fillings = Fillings(tables, rows)

    def put(self, record: ChangeRecord) -> ChangeRecord:
        """Write a change; a new one (no etag) is entered under its id too."""
        place, row = change_place(record), change_row(record)
        listed = Listed(place=place.row.removeprefix(CHANGE_PREFIX), row=row, known=record.listed)
        is_new = record.etag is None
        record = replace(record, listed=listed.rows)
        write = self._rows.write_of(place, record, row)
        entry = [conditional(change_entry(record.id), {"row": place.row}, None)] if is_new else []
        etag, *_ = self._rows.write(CHANGES, write, *entry, *self._lists.writes(listed))
        self._lists.clear(listed)
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
            self.put(replace(record, etag=None, listed=()))
        elif known.revision < record.revision:
            kept = replace(record, etag=known.etag, listed=known.listed)
            self.put(replace(kept, rolled_back_by=known.rolled_back_by))

    def find(self, change_id: str) -> ChangeRecord | None:
        entry = self._rows.get(change_entry(change_id))
        if entry is None:
            return None
        place = Place(table=CHANGES, partition=CHANGES, row=str(entry.properties["row"]))
        return self._rows.find(ChangeRecord, place)

    def remove(self, change_id: str) -> None:
        """Remove a change that is over, with everything that names it, and last of all what it is found by;
        absent is success."""
        entry = self._rows.get(change_entry(change_id))
        if entry is not None:
            record = self.find(change_id)
            listed = record.listed if record is not None else ()
            self._tables.remove(CHANGES, CHANGES, [*listed, str(entry.properties["row"]), entry.row])

    def newest(
        self,
        limit: int = 100,
        target: Target | None = None,
        policy: str | None = None,
        outcome: Outcome | None = None,
    ) -> list[ChangeRecord]:
        """The newest changes that fit, newest first."""
        wanted = Wanted(target=target, policies=frozenset({policy}) if policy else None, state=outcome)
        if wanted != Wanted() and self._fillings.is_done(CHANGES):
            return list(islice(self._records(self._lists.all(wanted)), limit))
        fitting = filter(wanted.fits, self._tables.query(CHANGES, CHANGES, CHANGE_PREFIX))
        return [self._rows.record(ChangeRecord, entity) for entity in islice(fitting, limit)]

    def page(self, wanted: Wanted, limit: int, after: str) -> Page[ChangeRecord]:
        """A page of the changes that are wanted, newest first."""
        if self._fillings.is_done(CHANGES):
            listed = self._lists.cut(wanted, limit, after.removeprefix(CHANGE_PREFIX))
            return Page(tuple(self._records(listed.entities)), listed.total, listed.after)
        rows = self._tables.query(CHANGES, CHANGES, CHANGE_PREFIX, COLUMNS)
        found = cut(filter(wanted.fits, rows), lambda row: row.row, limit, after)
        places = (Place(table=CHANGES, partition=CHANGES, row=row.row) for row in found.entities)
        records = (self._rows.find(ChangeRecord, place) for place in places)
        return Page(tuple(record for record in records if record is not None), found.total, found.after)

    def fill(self, most: int) -> None:
        """List up to ``most`` changes that are in no list. One that cannot be read keeps back no other."""
        filling = self._fillings.find(CHANGES)
        step = filling.at_once(most)
        rows = self._tables.query(CHANGES, CHANGES, CHANGE_PREFIX, behind=filling.behind, page=step)
        entities = list(islice(rows, step))
        for entity in entities:
            record = self._rows.readable(ChangeRecord, entity)
            if record is not None and not record.listed:
                with suppress(EntityChanged):  # whoever was faster has listed it
                    self.put(record)
        self._fillings.put(CHANGES, "", filling.after([entity.row for entity in entities], most))

    def _records(self, listed: Iterable[Entity]) -> Iterator[ChangeRecord]:
        """The records that are listed; a row that was left behind is removed. A record that says nothing of
        lists was written by a version that knows none."""
        for entity in listed:
            row = CHANGE_PREFIX + place_of(entity.row)
            record = self._rows.find(ChangeRecord, Place(table=CHANGES, partition=CHANGES, row=row))
            if record is not None and (not record.listed or entity.row in record.listed):
                yield record
            else:
                self._lists.remove([entity.row])
