"""Which targets' memories hold exemptions: rows that are found where the exemptions are listed.

A row is written with the memory, in one transaction, and removed by whoever meets it when the memory holds
none any more. Memories from before there were such rows are gone through once, by the first who asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from shared.model.errors import EntityChanged
from shared.model.interfaces import Entity, Put, Tables
from shared.model.memory import TargetRecord
from shared.state.filled import Filled, Fillings
from shared.state.table_layout import TARGET_PREFIX, TARGETS, partition_of
from shared.state.table_rows import Place, Rows, digest

_PREFIX: Final = "v-"
_FILLING: Final = "exempt"


class ExemptTargets:
    """``Store.exempt``. Every method may raise ``StoreError``."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows
        self._fillings = Fillings(tables, rows)

    def all(self, subscription: str) -> Iterator[TargetRecord]:
        """The memories in a subscription that hold an exemption, in the order of their keys. One that cannot
        be read hides no other."""
        partition = subscription.lower()
        if not self._fillings.is_done(_FILLING, partition):
            self._fill(partition)
        for listed in self._tables.query(TARGETS, partition, _PREFIX):
            held = self._rows.get(_memory_of(listed))
            record = self._rows.readable(TargetRecord, held) if held is not None else None
            if record is not None and record.exemptions:
                yield record
            elif record is not None or held is None:
                with suppress(EntityChanged):  # it holds one again
                    self._tables.delete(TARGETS, partition, listed.row, listed.etag)

    def enter(self, record: TargetRecord) -> None:
        """List a memory that an older version may have written."""
        self._tables.write(TARGETS, *rows_of_exempt(record))

    def _fill(self, partition: str) -> None:
        for entity in self._tables.query(TARGETS, partition, TARGET_PREFIX):
            record = self._rows.readable(TargetRecord, entity)
            if record is not None and record.exemptions:
                self.enter(record)
        self._fillings.put(_FILLING, partition, Filled(done=True))


def rows_of_exempt(record: TargetRecord) -> tuple[Put, ...]:
    """What lists a memory, if it holds an exemption."""
    if not record.exemptions:
        return ()
    row, told = f"{_PREFIX}{digest(record.target.key)}", {"target": record.target.key}
    return (Put(partition=partition_of(record.target), row=row, properties=told),)


def _memory_of(listed: Entity) -> Place:
    row = TARGET_PREFIX + listed.row.removeprefix(_PREFIX)
    return Place(table=TARGETS, partition=listed.partition, row=row)
