"""How far an index has been filled with rows that it does not hold yet; a step at a time, by the sweep.

Once every row was seen the index is done. What an older version writes beside or after that, in an upgrade
that rolls or is taken back, is found by going on: from the beginning again, a few rows at a time.
"""

from __future__ import annotations

from typing import Final

from shared.model.interfaces import Put, Tables
from shared.model.values import value
from shared.state.table_layout import JOURNAL, TARGETS, filling_row
from shared.state.table_rows import Rows

_SEEN_AGAIN: Final = 200
"""Rows that are gone through again at a time."""


@value
class Filled:
    """``behind`` is the row where a stage goes on."""

    stage: str = ""
    behind: str = ""
    done: bool = False

    def at_once(self, most: int) -> int:
        """How many rows the next step goes through."""
        return min(most, _SEEN_AGAIN) if self.done else most

    def after(self, rows: list[str], most: int) -> Filled:
        """Where the step that has seen these rows leaves it."""
        is_through = len(rows) < self.at_once(most)
        return Filled(behind="" if is_through else rows[-1], done=self.done or is_through)


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
