"""Kept texts that nothing names any more: marked through all rows, then looked for among the blobs.

Whatever looks like a reference in any row of any table is one, whoever wrote it: what a newer version keeps
is found as well. A pass marks them a few rows at a time, then goes over the texts that nobody wrote for as
long as the retention says. One that no row names is noted; one that was noted in the pass before goes, unless
it was written again meanwhile. So a reference that moved from row to row during one pass loses nothing, and
neither does a text that was just written for a row that comes next: what is needed anew is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Final

from shared.model.errors import TextGone
from shared.model.interfaces import Entity, Put, Tables, Written
from shared.model.retention import Position, RetentionPass, Retired, Terms
from shared.state.blob_archive import Archive
from shared.state.table_layout import ALERTS, CHANGES, MARKS, RUNS, TARGETS
from shared.state.table_rows import Rows

_REFERENCE: Final = re.compile(r"[0-9a-f]{64}")
_INHERITED: Final = re.compile(r'"inherited":"([0-9a-f]{64})"')
"""What a link names that names further texts."""
_TABLES: Final = (TARGETS, CHANGES, ALERTS, RUNS)
_ROWS_AT_ONCE: Final = 4_000
_PARTS: Final = tuple(f"{number:02x}" for number in range(256))
"""What references begin with: the texts of one of these are gone over at a time."""
_PARTS_AT_ONCE: Final = 64
_TEXTS_AT_ONCE: Final = 5_000
"""No further part is begun when so many texts and marks were seen."""
_WRITES: Final = 100


class UnneededTexts:
    """The marks in a table of their own. Every method may raise ``StoreError``."""

    def __init__(self, tables: Tables, rows: Rows, archive: Archive) -> None:
        self._tables = tables
        self._rows = rows
        self._archive = archive

    def mark(self, now_in: RetentionPass) -> Retired:
        """Mark what the next rows name."""
        table = now_in.position.table or _TABLES[0]
        found = list(self._next_rows(table, now_in.position))
        named = {one for entity in found for one in self._named_by(entity)}
        self._put(named, now_in.number, is_named=True)
        return Retired(count=0, position=_after(table, found))

    def clear(self, now_in: RetentionPass, terms: Terms) -> Retired:
        """Go over the next texts; what is named by nothing is noted, or goes."""
        seen = gone = 0
        parts = [part for part in _PARTS if part > now_in.position.row]
        for number, part in enumerate(parts, 1):
            marks = {row.row: row for row in self._tables.query(MARKS, MARKS, part)}
            old = self._archive.texts_before(part, terms.until)
            gone += self._clear(old, marks, now_in.number)
            seen += len(marks) + len(old)
            if number == _PARTS_AT_ONCE or seen >= _TEXTS_AT_ONCE:
                is_over = part == _PARTS[-1]
                return Retired(count=gone, position=None if is_over else Position(row=part))
        return Retired(count=gone, position=None)

    # --- rows --------------------------------------------------------------------------------------

    def _next_rows(self, table: str, position: Position) -> Iterator[Entity]:
        """The rest of a partition, and the partitions behind it."""
        partition, row = position.partition, position.row
        taken = 0
        if partition:
            rest = self._tables.query(table, partition, behind=row, page=_ROWS_AT_ONCE)
            for entity in islice(rest, _ROWS_AT_ONCE):
                taken += 1
                yield entity
        further = self._tables.query(table, None, behind=partition, page=_ROWS_AT_ONCE)
        yield from islice(further, _ROWS_AT_ONCE - taken)

    def _named_by(self, entity: Entity) -> set[str]:
        words = self._rows.words(entity)
        inherited = "".join(self._text(one) for one in _INHERITED.findall(words))
        return {*_REFERENCE.findall(words), *_REFERENCE.findall(inherited)}

    def _text(self, reference: str) -> str:
        with suppress(TextGone):
            return self._archive.text(reference) or ""
        return ""

    # --- texts -------------------------------------------------------------------------------------

    def _clear(self, old: Iterable[Written], marks: Mapping[str, Entity], number: int) -> int:
        """Remove what two passes have found unneeded; the marks of earlier ones go with it."""
        unneeded = [one for one in old if not _is_named(marks.get(one.name), number)]
        going = [one for one in unneeded if _was_unneeded(marks.get(one.name), number - 1)]
        gone = [one.name for one in going if self._archive.remove_text(one)]
        noted = {one.name for one in unneeded} - {one.name for one in going}
        self._put(noted, number, is_named=False)
        stale = [name for name, mark in marks.items() if name not in noted and _number(mark) != number]
        self._tables.remove(MARKS, MARKS, stale)
        return len(gone)

    def _put(self, names: Iterable[str], number: int, *, is_named: bool) -> None:
        properties = {"pass": number, "isNamed": is_named}
        writes = [Put(partition=MARKS, row=name, properties=properties) for name in sorted(names)]
        for at in range(0, len(writes), _WRITES):
            self._tables.write(MARKS, *writes[at : at + _WRITES])


def _after(table: str, found: list[Entity]) -> Position | None:
    if len(found) == _ROWS_AT_ONCE:
        return Position(table=table, partition=found[-1].partition, row=found[-1].row)
    further = _TABLES[_TABLES.index(table) + 1 :]
    return Position(table=further[0]) if further else None


def _is_named(mark: Entity | None, number: int) -> bool:
    return mark is not None and _number(mark) == number and bool(mark.properties.get("isNamed"))


def _was_unneeded(mark: Entity | None, number: int) -> bool:
    return mark is not None and _number(mark) == number and not mark.properties.get("isNamed")


def _number(mark: Entity) -> int:
    return int(mark.properties.get("pass", 0))
