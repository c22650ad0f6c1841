"""Alerts in the table ``alerts``: one row each, under its id. Listings have those seen last first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.interfaces import Entity, Tables, TableWrite
from shared.model.targets import Target
from shared.state.listings import COLUMNS, Page, Wanted, cut
from shared.state.table_layout import ALERTS, alert_place, alert_row, is_alert
from shared.state.table_rows import Rows, fits, newest_first, wanted_properties


class Alerts:
    """The records of alerts; see ``Store`` for what its methods promise."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def put(self, record: AlertRecord, others: Iterable[TableWrite] = ()) -> AlertRecord:
        """Write a record and ``others`` beside it in one transaction."""
        write = self._rows.write_of(alert_place(record.id), record, alert_row(record))
        etag, *_ = self._rows.write(ALERTS, write, *others)
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
        """The alerts that fit, last seen first; all of them without a limit."""
        wanted = wanted_properties(status=status, policy=policy, target=target.key if target else None)
        rows = self._tables.query(ALERTS, ALERTS)
        fitting = [row for row in rows if is_alert(row.row) and fits(row, wanted)]
        return [self._rows.record(AlertRecord, entity) for entity in sorted(fitting, key=_place)[:limit]]

    def page(self, wanted: Wanted, limit: int, after: str) -> Page[AlertRecord]:
        """A page of the alerts that are wanted, last seen first."""
        rows = self._tables.query(ALERTS, ALERTS, properties=COLUMNS)
        found = cut(filter(lambda row: self._is_wanted(row, wanted), rows), _place, limit, after)
        return Page(tuple(self._records(found.entities)), found.total, found.after)

    def _is_wanted(self, row: Entity, wanted: Wanted) -> bool:
        if not is_alert(row.row) or not wanted.fits(row):
            return False
        return wanted.severity is None or self._severity(row) == wanted.severity

    def _severity(self, row: Entity) -> object:
        """A row that was written before severities were says it in the record."""
        if "severity" in row.properties:
            return row.properties["severity"]
        record = self.find(row.row)
        return None if record is None else record.severity

    def _records(self, entities: tuple[Entity, ...]) -> Iterator[AlertRecord]:
        """The records of rows that were listed; what was deleted meanwhile is left out."""
        found = (self.find(entity.row) for entity in entities)
        return (record for record in found if record is not None)


def _place(entity: Entity) -> str:
    seen = datetime.fromisoformat(str(entity.properties["lastSeen"]))
    return f"{newest_first(seen)}-{entity.row}"
