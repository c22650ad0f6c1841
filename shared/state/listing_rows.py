"""What a listing is read by: a row for each side that it selects by, in the order of the listing.

Beside the record of an alert or a change lie rows that hold nothing but its plain properties: one in the list
of all, and one in the list of its target, its policy, its state and its severity, and of both of the last:
what is open and severe must not hide behind what is open. They are written in the transaction that writes the
record, whose ``listed`` names them; those of before are removed after it. A row that was left behind names a
record that does not name it, and is removed by whoever meets it.

A page reads the narrowest list from where it begins, and never more than a bounded number of rows: where few
of them fit the rest of the question, a page is short and says where to go on. So no page costs more when
more has happened. How many there are in all is said where they are few.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import islice
from typing import Final

from shared.model.alert_records import AlertStatus
from shared.model.interfaces import Entity, Put, Row, Tables
from shared.model.values import value
from shared.state.listings import COLUMNS, Cut, Wanted
from shared.state.table_layout import INDEX_PREFIX
from shared.state.table_rows import digest

COUNTED: Final = 100
"""A list of up to so many says how many it holds."""
_MOST_READ: Final = 100
"""Rows of a list that a page reads beyond those that fit."""
_SIDES: Final = {"target": "t", "policy": "p", "status": "s", "outcome": "s", "severity": "v"}
"""The plain properties that a listing has a list for, and what tells the lists apart."""
_STATE_AND_SEVERITY: Final = "e"


@value
class Listed:
    """Where a record stands, and what it is listed by."""

    place: str
    row: Row
    known: tuple[str, ...] = field(default=())
    """The rows that name it, as its record has them."""

    @property
    def rows(self) -> tuple[str, ...]:
        sides = [_side(name, str(self.row[name])) for name in _SIDES if name in self.row]
        state, severity = self.row.get("status"), self.row.get("severity")
        both = [_both(str(state), str(severity))] if state is not None and severity is not None else []
        return tuple(side + self.place for side in (_side("", ""), *sides, *both))


def place_of(row: str) -> str:
    """Where a row of a list stands in it."""
    return row.split("-", 2)[2]


class ListingRows:
    """The lists over one table, which has one partition of the same name."""

    def __init__(self, tables: Tables, table: str) -> None:
        self._tables = tables
        self._table = table

    def writes(self, listed: Listed) -> list[Put]:
        """What goes into the transaction that writes the record. All of them say what it is now: a list of
        one side is asked for the others too."""
        plain = {name: listed.row[name] for name in COLUMNS if name in listed.row}
        return [Put(partition=self._table, row=row, properties=plain) for row in listed.rows]

    def clear(self, listed: Listed) -> None:
        """Remove the rows that name the record as it was."""
        self.remove([row for row in listed.known if row not in listed.rows])

    def remove(self, rows: list[str]) -> None:
        if rows:
            self._tables.remove(self._table, self._table, rows)

    def all(self, wanted: Wanted) -> Iterator[Entity]:
        """The rows of everything that is wanted, in order."""
        return filter(wanted.is_met_by, self._rows(wanted, "", None))

    def oldest(self, behind: str) -> Iterator[Entity]:
        """The rows of everything behind a row of the list of all, which is what is older."""
        return self._tables.query(self._table, self._table, _side("", ""), COLUMNS, behind=behind)

    def last_before(self, place: str) -> str:
        """The row of the list of all behind which everything stands that is at a place or after it."""
        return _side("", "") + place

    def cut(self, wanted: Wanted, limit: int, after: str) -> Cut:
        """The rows of one page."""
        found: list[Entity] = []
        behind = after
        rows = self._rows(wanted, after, limit + 1)
        for entity in islice(rows, limit + 1 + _MOST_READ):
            if wanted.is_met_by(entity):
                if len(found) == limit:
                    return Cut(tuple(found), self._counted(wanted), behind)
                found.append(entity)
            behind = place_of(entity.row)
        is_over = next(rows, None) is None
        total = len(found) if is_over and not after else self._counted(wanted)
        return Cut(tuple(found), total, None if is_over else behind)

    def count(self, wanted: Wanted) -> int:
        """How many are wanted, up to ``COUNTED``; where more are listed, no more is known."""
        counted = self._counted(wanted)
        return COUNTED if counted is None else counted

    def _counted(self, wanted: Wanted) -> int | None:
        """How many are wanted in all, where they are few."""
        rows = list(islice(self._rows(wanted, "", COUNTED + 1), COUNTED + 1))
        return sum(map(wanted.is_met_by, rows)) if len(rows) <= COUNTED else None

    def _rows(self, wanted: Wanted, after: str, page: int | None) -> Iterator[Entity]:
        """The narrowest list that holds all that is wanted."""
        prefix = _list_of(wanted)
        behind = prefix + after if after else ""
        return self._tables.query(self._table, self._table, prefix, COLUMNS, behind=behind, page=page)


def _list_of(wanted: Wanted) -> str:
    if wanted.target is not None:
        return _side("target", wanted.target.key)
    if wanted.policies is not None and len(wanted.policies) == 1:
        return _side("policy", *wanted.policies)
    if wanted.severity is not None and isinstance(wanted.state, AlertStatus):
        return _both(str(wanted.state), str(wanted.severity))
    if wanted.state is not None:
        return _side("status", str(wanted.state))
    return _side("severity", str(wanted.severity)) if wanted.severity is not None else _side("", "")


def _side(name: str, text: str) -> str:
    """What the rows of a list begin with."""
    return f"{INDEX_PREFIX}{_SIDES[name]}{digest(text)}-" if name else f"{INDEX_PREFIX}a-"


def _both(state: str, severity: str) -> str:
    return f"{INDEX_PREFIX}{_STATE_AND_SEVERITY}{digest(f'{state} {severity}')}-"


def is_no_list(entity: Entity) -> bool:
    """Whether the row comes before the lists, which are the last of a table of alerts."""
    return not entity.row.startswith(INDEX_PREFIX)
