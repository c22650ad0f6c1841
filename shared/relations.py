"""The relation index: which targets hang on an NSG or a virtual network, as far as was ever seen.

Every reconcile and sweep adds what it saw. A relation that no longer holds is harmless (one reading
too many), a missing one is not: after a delete, the index is all that can say who is concerned. So
relations go only with their target.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from shared.errors import EntityExists
from shared.interfaces import Insert, Relation, Tables
from shared.layout import RELATION_PREFIX, TARGETS, partition_of, relation_prefix
from shared.model import Locator, Target
from shared.rows import Rows, digest, timestamp

_TRANSACTION: Final = 100


class Relations:
    """The index over the table of targets."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def relate(self, relations: Iterable[Relation], now: datetime) -> None:
        """See ``Store.relate``. One query per source, and writes only for what is new."""
        by_source: dict[str, list[Relation]] = {}
        for relation in relations:
            by_source.setdefault(relation.source.key, []).append(relation)
        for group in by_source.values():
            missing = self._missing(group, now)
            for at in range(0, len(missing), _TRANSACTION):
                self._insert_absent(missing[at : at + _TRANSACTION])

    def related(self, locator: Locator) -> tuple[Target, ...]:
        """See ``Store.related``."""
        entities = self._tables.query(TARGETS, partition_of(locator), relation_prefix(locator))
        return tuple(self._rows.value(Relation, entity).target for entity in entities)

    def unrelate(self, target: Target) -> None:
        """See ``Store.unrelate``."""
        for entity in list(self._tables.query(TARGETS, partition_of(target), RELATION_PREFIX)):
            if entity.row.endswith(digest(target.key)):
                self._tables.delete(TARGETS, entity.partition, entity.row)

    def _missing(self, relations: list[Relation], now: datetime) -> list[Insert]:
        source = relations[0].source
        partition, prefix = partition_of(source), relation_prefix(source)
        known = {entity.row for entity in self._tables.query(TARGETS, partition, prefix)}
        by_row = {prefix + digest(relation.target.key): relation for relation in relations}
        since = {"since": timestamp(now)}
        return [
            Insert(partition=partition, row=row, properties=self._rows.properties(relation, since))
            for row, relation in by_row.items()
            if row not in known
        ]

    def _insert_absent(self, inserts: list[Insert]) -> None:
        """All at once; one by one when another worker has inserted some of them meanwhile."""
        try:
            self._tables.write(TARGETS, *inserts)
        except EntityExists:
            if len(inserts) > 1:
                for insert in inserts:
                    self._insert_absent([insert])
