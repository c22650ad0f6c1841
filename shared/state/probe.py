"""Whether the store can be written: a row of its own table is written, read and deleted."""

from __future__ import annotations

from typing import Final

from shared.model.errors import StoreError
from shared.model.interfaces import Put, Tables

TABLE: Final = "probe"
_PARTITION: Final = "doctor"


def probe(tables: Tables, row: str) -> None:
    """Raises ``StoreError`` where any of it fails."""
    tables.write(TABLE, Put(partition=_PARTITION, row=row, properties={"written": True}))
    try:
        found = tables.get(TABLE, _PARTITION, row)
    finally:
        tables.delete(TABLE, _PARTITION, row)
    if found is None:
        raise StoreError(f"table {TABLE}: a row that was written is not there")
