"""The record of a target with what happened to it: row and links in one transaction, or neither."""

from __future__ import annotations

from dataclasses import replace

from shared.model.interfaces import TableWrite
from shared.model.memory import TargetRecord
from shared.state.exempt_rows import rows_of_exempt
from shared.state.journal import Journal
from shared.state.relation_rows import Relations
from shared.state.table_layout import TARGETS, partition_of, target_place, target_row
from shared.state.table_rows import Rows


class TargetRows:
    """Writes records of targets; see ``Store`` for what that promises."""

    def __init__(self, rows: Rows, journal: Journal, relations: Relations) -> None:
        self._rows = rows
        self._journal = journal
        self._relations = relations

    def put(self, record: TargetRecord, *others: TableWrite) -> TargetRecord:
        """Write a record, its deeds and ``others`` of the same partition, or none of them.

        Raises ``EntityChanged`` when somebody else was faster at any of it.
        """
        bare = replace(record, deeds=())
        own = self._rows.write_of(target_place(record.target), bare, target_row(record))
        links = self._journal.writes(partition_of(record.target), record.target.key, record.deeds)
        known = [self._relations.write_of_known(record.target)] if record.etag is None else []
        exempt = rows_of_exempt(record)
        etag, *_ = self._rows.write(TARGETS, own, *others, *links, *known, *exempt)
        return replace(bare, etag=etag)

    def is_as_read(self, record: TargetRecord) -> bool:
        """Whether nobody has written the record since it was read."""
        entity = self._rows.get(target_place(record.target))
        return (entity.etag if entity is not None else None) == record.etag
