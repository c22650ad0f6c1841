"""Alerts in the table ``alerts``: one row each, under its id. Listings have those seen last first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile
from typing import Final

from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.errors import EntityChanged
from shared.model.interfaces import Entity, Tables, TableWrite
from shared.model.retention import Position, Retired, Terms
from shared.model.targets import Target
from shared.state.filled import Fillings
from shared.state.listing_rows import COUNTED, Listed, ListingRows, is_no_list, place_of
from shared.state.listings import COLUMNS, Page, Wanted, cut
from shared.state.table_layout import ALERTS, alert_place, alert_row, is_alert
from shared.state.table_rows import Rows, newest_first

_LOOKED_AT: Final = 500
_FILLING: Final = "alerts-by-state-and-severity"
"""Another name when there is another list: what is in the others is entered again."""
"""Alerts that are gone over at a time for those that are old."""


class Alerts:
    """The records of alerts; see ``Store`` for what its methods promise."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows
        self._lists = ListingRows(tables, ALERTS)
        self._fillings = Fillings(tables, rows)

    def put(self, record: AlertRecord, others: Iterable[TableWrite] = ()) -> AlertRecord:
        """Write a record, the rows that it is listed by and ``others`` beside it in one transaction."""
        listed = _listed(record)
        record = replace(record, listed=listed.rows)
        write = self._rows.write_of(alert_place(record.id), record, listed.row)
        etag, *_ = self._rows.write(ALERTS, write, *others, *self._lists.writes(listed))
        self._lists.clear(listed)
        return replace(record, etag=etag)

    def find(self, alert_id: str) -> AlertRecord | None:
        return self._rows.find(AlertRecord, alert_place(alert_id))

    def last_seen(
        self,
        limit: int | None,
        status: AlertStatus | None = None,
        policy: str | None = None,
        target: Target | None = None,
    ) -> list[AlertRecord]:
        """The alerts that fit, last seen first; all of them without a limit: then every row is read as it
        comes, and none is asked for by itself."""
        wanted = Wanted(target=target, policies=frozenset({policy}) if policy else None, state=status)
        is_whole = wanted == Wanted() and limit is None
        if not is_whole and self._fillings.is_done(_FILLING):
            return list(islice(self._records(self._lists.all(wanted)), limit))
        fitting = filter(wanted.fits, _of_alerts(self._tables.query(ALERTS, ALERTS)))
        return [self._rows.record(AlertRecord, entity) for entity in sorted(fitting, key=_place)[:limit]]

    def page(self, wanted: Wanted, limit: int, after: str) -> Page[AlertRecord]:
        """A page of the alerts that are wanted, last seen first."""
        if self._fillings.is_done(_FILLING):
            listed = self._lists.cut(wanted, limit, after)
            return Page(tuple(self._records(listed.entities)), listed.total, listed.after)
        rows = _of_alerts(self._tables.query(ALERTS, ALERTS, properties=COLUMNS))
        found = cut(filter(lambda row: self._is_wanted(row, wanted), rows), _place, limit, after)
        records = (self.find(entity.row) for entity in found.entities)
        return Page(tuple(one for one in records if one is not None), found.total, found.after)

    def count(self, wanted: Wanted) -> int:
        """How many alerts are wanted, up to ``COUNTED``."""
        if self._fillings.is_done(_FILLING):
            return self._lists.count(wanted)
        return min(self.page(wanted, 1, "").total or 0, COUNTED)

    def fill(self, most: int) -> None:
        """List up to ``most`` alerts that are not in every list that they belong to. One that cannot be read
        keeps back no other."""
        filling = self._fillings.find(_FILLING)
        step = filling.at_once(most)
        rows = takewhile(is_no_list, self._tables.query(ALERTS, ALERTS, behind=filling.behind, page=step))
        entities = list(islice(_of_alerts(rows), step))
        for entity in entities:
            record = self._rows.readable(AlertRecord, entity)
            if record is not None and set(record.listed) != set(_listed(record).rows):
                with suppress(EntityChanged):  # whoever was faster has listed it
                    self.put(record)
        self._fillings.put(_FILLING, "", filling.after([entity.row for entity in entities], most))

    def retire(self, position: Position, terms: Terms) -> Retired:
        """Remove some of the alerts that were over before a time, and rows of lists that name none any more.

        An alert that opens again meanwhile stays: it is not as it was read."""
        behind = position.row or self._lists.last_before(newest_first(terms.until))
        listed = list(islice(self._lists.oldest(behind), _LOOKED_AT))
        gone = sum(self._retire_listed(entity, terms) for entity in listed)
        is_over = len(listed) < _LOOKED_AT
        return Retired(count=gone, position=None if is_over else Position(row=listed[-1].row))

    def _retire_listed(self, entity: Entity, terms: Terms) -> bool:
        held = self._rows.get(alert_place(place_of(entity.row).partition("-")[2]))
        record = self._rows.readable(AlertRecord, held) if held is not None else None
        if held is None or (record is not None and record.listed and entity.row not in record.listed):
            named = Listed(place=place_of(entity.row), row=entity.properties).rows
            self._lists.remove([row for row in named if record is None or row not in record.listed])
            return False
        if record is None or not _is_over(record, terms.until):
            return False
        with suppress(EntityChanged):
            self._tables.delete(ALERTS, ALERTS, alert_place(record.id).row, record.etag)
            self._lists.remove(list(record.listed))
            return True
        return False

    def _is_wanted(self, row: Entity, wanted: Wanted) -> bool:
        if not wanted.fits(row):
            return False
        return wanted.severity is None or self._severity(row) == wanted.severity

    def _severity(self, row: Entity) -> object:
        """A row that was written before severities were says it in the record."""
        if "severity" in row.properties:
            return row.properties["severity"]
        record = self.find(row.row)
        return None if record is None else record.severity

    def _records(self, listed: Iterable[Entity]) -> Iterator[AlertRecord]:
        """The records that are listed; a row that was left behind is removed. A record that says nothing of
        lists was written by a version that knows none."""
        for entity in listed:
            record = self.find(place_of(entity.row).partition("-")[2])
            if record is not None and (not record.listed or entity.row in record.listed):
                yield record
            else:
                self._lists.remove([entity.row])


def _is_over(record: AlertRecord, until: datetime) -> bool:
    """Whether it was resolved before a time, and nobody is to be told of it any more."""
    resolved = record.resolved_at if record.status is AlertStatus.RESOLVED else None
    return resolved is not None and max(resolved, record.last_seen) < until and not record.unsent


def _of_alerts(rows: Iterable[Entity]) -> Iterator[Entity]:
    return (row for row in rows if is_alert(row.row))


def _listed(record: AlertRecord) -> Listed:
    return Listed(place=_place_of(record), row=alert_row(record), known=record.listed)


def _place_of(record: AlertRecord) -> str:
    return f"{newest_first(record.last_seen)}-{record.id}"


def _place(entity: Entity) -> str:
    seen = datetime.fromisoformat(str(entity.properties["lastSeen"]))
    return f"{newest_first(seen)}-{entity.row}"
