"""When the first complete pass over a subscription began: what is older was inherited."""

from __future__ import annotations

from datetime import datetime

from shared.model.errors import EntityExists
from shared.model.interfaces import Tables
from shared.state.table_layout import first_pass_place
from shared.state.table_rows import Rows, conditional, timestamp


class FirstPasses:
    """``Store.first_passes``: one row for each subscription. Every method may raise ``StoreError``."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def find(self, subscription: str) -> datetime | None:
        """When it began; None before there was one."""
        entity = self._rows.get(first_pass_place(subscription))
        return None if entity is None else datetime.fromisoformat(str(entity.properties["startedAt"]))

    def complete(self, subscription: str, started_at: datetime) -> None:
        """Note it; later calls change nothing."""
        place = first_pass_place(subscription)
        row = {"startedAt": timestamp(started_at)}
        try:
            self._tables.write(place.table, conditional(place, row, None))
        except EntityExists:
            return
