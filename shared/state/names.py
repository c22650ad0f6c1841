"""Host names of servers, each with the target that has it and, where that is gone, what was known of it.

A row is written when a server is first seen, when it is gone and when another id takes its name; an ordinary
look touches none.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from shared.model.errors import EntityChanged
from shared.model.interfaces import Tables
from shared.model.memory import NameRecord
from shared.state.table_layout import NAMES, TARGETS, name_place
from shared.state.table_rows import Rows, timestamp

KEPT: Final = timedelta(days=7)
"""For how long it is known whom a server was that is gone."""


class Names:
    """The records of host names, compared without case. Every method may raise ``StoreError``."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def find(self, host_name: str, now: datetime) -> NameRecord | None:
        """Who has the name, or had it not too long ago."""
        found = self._rows.find(NameRecord, name_place(host_name))
        if found is None or found.gone_at is None or found.gone_at > now - KEPT:
            return found
        return NameRecord(target=found.target, gone_at=found.gone_at, etag=found.etag)

    def put(self, host_name: str, record: NameRecord) -> NameRecord:
        """Write who has it; raises ``EntityChanged`` when somebody else was faster."""
        plain = {"goneAt": timestamp(record.gone_at) if record.gone_at is not None else ""}
        return self._rows.put(name_place(host_name), record, plain)

    def forget_old(self, now: datetime) -> None:
        """Remove the names of servers that have been gone for too long."""
        oldest = timestamp(now - KEPT)
        for row in self._tables.query(TARGETS, NAMES, properties=("goneAt",)):
            if "" < str(row.properties.get("goneAt", "")) < oldest:
                with suppress(EntityChanged):  # somebody has it again
                    self._tables.delete(TARGETS, NAMES, row.row, row.etag)
