"""How far an index has been filled with rows from before it was kept; a step at a time, by the sweep."""

from __future__ import annotations

from shared.model.interfaces import Put, Tables
from shared.model.values import value
from shared.state.table_layout import JOURNAL, TARGETS, filling_row
from shared.state.table_rows import Rows


@value
class Filled:
    """``behind`` is the row where a stage goes on; nothing is asked of an index that is done."""

    stage: str = ""
    behind: str = ""
    done: bool = False


class Fillings:
    """One row for each index and each part of it."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows
        self._done: set[tuple[str, str]] = set()

    def is_done(self, index: str, part: str = "") -> bool:
        """Whether every row is in the index; asked no more once it is so."""
        return (index, part) in self._done or self.find(index, part).done

    def find(self, index: str, part: str = "") -> Filled:
        entity = self._tables.get(TARGETS, JOURNAL, filling_row(index, part))
        filled = Filled() if entity is None else self._rows.value(Filled, entity)
        if filled.done:
            self._done.add((index, part))
        return filled

    def put(self, index: str, part: str, filled: Filled) -> None:
        """Two who fill at once do the same twice."""
        row = Put(partition=JOURNAL, row=filling_row(index, part), properties=self._rows.properties(filled))
        self._tables.write(TARGETS, row)
