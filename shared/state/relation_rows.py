"""The relation index: which targets depend on something, and which are known in a resource group.

Every reconcile and sweep adds what it saw. A relation that no longer holds is harmless (one reading too
many), a missing one is not: after a delete, the index is all that can say who is concerned. So relations go
only with their target, and then all of them. Each is found by its key from three sides, and nothing is
searched for:

- by what is depended on, in its partition: ``r-<source>-<target>``;
- by the target, in the target's: ``s-<target>-<source>`` says where the other two lie. It is written first,
  so what is interrupted leaves nothing that nobody would remove;
- by the resource group of either, in its partition: ``g-<group>-<target>``.

Rows from before the last two are read as they were until ``fill`` has been through a partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Final

from shared.model import Locator, Target
from shared.model.interfaces import Entity, Put, Relation, Tables
from shared.model.memory import TargetRecord
from shared.model.resource_id import ResourceId
from shared.state.filled import Filled, Fillings
from shared.state.table_layout import (
    ELSEWHERE_PREFIX,
    RELATION_PREFIX,
    SOURCE_PREFIX,
    TARGET_PREFIX,
    TARGETS,
    elsewhere_prefix,
    group_prefix,
    group_row,
    partition_of,
    relation_prefix,
    source_prefix,
)
from shared.state.table_rows import Rows, digest, timestamp

_TRANSACTION: Final = 100
_FEW: Final = 20
"""Relations of one source that are looked for one by one; of more, the source's are listed."""
_FILLING: Final = "relations"
_ALL: Final = "all-relations"
"""Those of a partition with those that lie in others."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Relations:
    """The index over the table of targets; see ``Store`` for what its methods promise."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows
        self._fillings = Fillings(tables, rows)

    def relate(self, relations: Iterable[Relation], now: datetime) -> None:
        """Enter what is new."""
        by_source: dict[str, dict[str, Relation]] = {}
        for relation in relations:
            by_source.setdefault(relation.source.key, {})[_row(relation)] = relation
        new = [relation for group in by_source.values() for relation in self._missing(group)]
        writes = [write for relation in new for write in self._writes(relation, now)]
        self._put([write for write in writes if write.row.startswith(SOURCE_PREFIX)])
        self._put([write for write in writes if not write.row.startswith(SOURCE_PREFIX)])

    def related(self, locator: Locator) -> tuple[Target, ...]:
        """See ``Store.related``."""
        entities = self._tables.query(TARGETS, partition_of(locator), relation_prefix(locator))
        return tuple(self._rows.value(Relation, entity).target for entity in entities)

    def known_in(self, group: ResourceId) -> tuple[Target, ...]:
        """See ``Store.known_in``."""
        partition = group.subscription.lower()
        entities = self._tables.query(TARGETS, partition, group_prefix(group))
        found = dict.fromkeys(self._rows.value(Target, entity) for entity in entities)
        if not group.resource_group or not self._fillings.is_done(_FILLING, partition):
            found |= dict.fromkeys(self._searched(group))
        return tuple(found)

    def unrelate(self, target: Target) -> None:
        """See ``Store.unrelate``. What says where the rest lies goes last."""
        here, prefix = partition_of(target), source_prefix(target)
        noted = list(self._tables.query(TARGETS, here, prefix))
        for partition in dict.fromkeys(str(entity.properties["partition"]) for entity in noted):
            self._tables.remove(TARGETS, partition, list(_lying_in(partition, noted)))
        self._remove_unnoted(target)
        self._tables.remove(TARGETS, here, [group_row(target.id, target), *(entity.row for entity in noted)])

    def write_of_known(self, target: Target) -> Put:
        """What makes a target known in its resource group."""
        row = group_row(target.id, target)
        return Put(partition=partition_of(target), row=row, properties=self._rows.properties(target))

    # --- rows from before ---------------------------------------------------------------------------

    def fill(self, partition: str, most: int) -> None:
        """Enter rows of before into the index, up to ``most`` of each partition that holds relations of what
        lies in this one."""
        if self._fillings.is_done(_ALL, partition):
            return
        notes = self._tables.query(TARGETS, partition, ELSEWHERE_PREFIX)
        partitions = dict.fromkeys((partition, *(note.row.split("-", 2)[2] for note in notes)))
        for one in partitions:
            self._fill(one, most)
        if all(self._fillings.is_done(_FILLING, one) for one in partitions):
            self._fillings.put(_ALL, partition, Filled(done=True))

    def _fill(self, partition: str, most: int) -> None:
        filling = self._fillings.find(_FILLING, partition)
        if filling.done:
            return
        rows = self._tables.query(TARGETS, partition, filling.stage or RELATION_PREFIX, behind=filling.behind)
        entities = list(islice(rows, most))
        self._put([write for entity in entities for write in self._writes_for_old(entity)])
        self._fillings.put(_FILLING, partition, _after(filling, entities, most))

    def _writes_for_old(self, entity: Entity) -> list[Put]:
        """All but the row itself, which stays as it is."""
        if entity.row.startswith(TARGET_PREFIX):
            record = self._rows.readable(TargetRecord, entity)
            return [self.write_of_known(record.target)] if record is not None else []
        writes = self._writes(self._rows.value(Relation, entity), _LONG_AGO)
        return [write for write in writes if write.row != entity.row]

    def _searched(self, group: ResourceId) -> Iterator[Target]:
        partition = group.subscription.lower()
        for entity in self._tables.query(TARGETS, partition, RELATION_PREFIX):
            relation = self._rows.value(Relation, entity)
            if relation.source.id.within(group):
                yield relation.target
        for entity in self._tables.query(TARGETS, partition, TARGET_PREFIX):
            record = self._rows.record(TargetRecord, entity)
            if record.target.id.within(group):
                yield record.target

    def _remove_unnoted(self, target: Target) -> None:
        """Rows that only their end tells from others, here and where a row beside the target says."""
        here, prefix = partition_of(target), elsewhere_prefix(target)
        notes = [entity.row for entity in self._tables.query(TARGETS, here, prefix)]
        for partition in (here, *(note.removeprefix(prefix) for note in notes)):
            if not self._fillings.is_done(_FILLING, partition):
                rows = (entity.row for entity in self._tables.query(TARGETS, partition, RELATION_PREFIX))
                gone = [row for row in rows if row.endswith(digest(target.key))]
                self._tables.remove(TARGETS, partition, gone)
        self._tables.remove(TARGETS, here, notes)

    # --- rows ---------------------------------------------------------------------------------------

    def _missing(self, group: dict[str, Relation]) -> list[Relation]:
        """Those of one source that the index does not hold, by their rows."""
        source = next(iter(group.values())).source
        partition = partition_of(source)
        if len(group) > _FEW:
            known = {one.row for one in self._tables.query(TARGETS, partition, relation_prefix(source))}
        else:
            known = {row for row in group if self._tables.get(TARGETS, partition, row) is not None}
        return [relation for row, relation in group.items() if row not in known]

    def _writes(self, relation: Relation, now: datetime) -> Iterator[Put]:
        source, target = relation.source, relation.target
        there, row, group = partition_of(source), _row(relation), group_row(source.id, target)
        where = {"partition": there, "relation": row, "group": group}
        noted = source_prefix(target) + digest(source.key)
        yield Put(partition=partition_of(target), row=noted, properties=where)
        since = {"since": timestamp(now)}
        yield Put(partition=there, row=row, properties=self._rows.properties(relation, since))
        yield Put(partition=there, row=group, properties=self._rows.properties(target))

    def _put(self, writes: list[Put]) -> None:
        """Each row once, as many at a time as a transaction holds."""
        unique = {(write.partition, write.row): write for write in writes}
        ordered = (unique[place] for place in sorted(unique))
        for _, group in groupby(ordered, lambda write: write.partition):
            rest = list(group)
            for at in range(0, len(rest), _TRANSACTION):
                self._tables.write(TARGETS, *rest[at : at + _TRANSACTION])


def _row(relation: Relation) -> str:
    return relation_prefix(relation.source) + digest(relation.target.key)


def _lying_in(partition: str, noted: Iterable[Entity]) -> Iterator[str]:
    """The rows in a partition that are noted beside a target."""
    for entity in noted:
        if entity.properties["partition"] == partition:
            yield from (str(entity.properties[name]) for name in ("relation", "group"))


def _after(filling: Filled, entities: list[Entity], most: int) -> Filled:
    """How far it is once these were entered: relations first, then targets."""
    if len(entities) == most:
        return Filled(stage=filling.stage or RELATION_PREFIX, behind=entities[-1].row)
    is_last = filling.stage == TARGET_PREFIX
    return Filled(stage=TARGET_PREFIX, done=is_last)
