"""Letters in the table ``alerts``, beside the alerts that they tell of: a row each, until its sink has it.

They are written in one transaction with the alert, so that nothing is told that is not so, and nothing is so
that is not told. The key begins with the sink, then the thing, then the number: what a sink waits for is
found by key, in order. Of a change, which is told once, a mark stays for a while when its letter is gone:
whoever tells it again finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from shared.model.errors import EntityExists
from shared.model.interfaces import Entity, Insert, Row, Tables, TableWrite
from shared.model.letters import Letter, Waiting
from shared.state.table_layout import (
    ALERTS,
    MARK_PREFIX,
    behind_letters,
    letter_place,
    letters_about,
    letters_for,
    mark_place,
)
from shared.state.table_rows import Rows, conditional, digest, timestamp

SOME: Final = 100
MOST_ASKED: Final = 1_000
"""What the service answers at once."""
MARKS_KEPT: Final = timedelta(days=7)
_COLUMNS: Final = ("sink", "about", "dueAt", "isRefused", "isTold", "bundle")
_DELIVERED: Final = "deliveredAt"


class Letters:
    """The rows of what is to be told; see ``Store`` for where they are written."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def writes(self, letters: Iterable[Letter]) -> list[TableWrite]:
        """What a transaction inserts that makes something so of which they tell."""
        return [self._write_of(letter) for letter in letters]

    def post(self, letter: Letter) -> None:
        """Write a letter about what is told once; one that was written or delivered stays as it is."""
        if self._rows.get(mark_place(letter)) is not None:
            return
        try:
            self._tables.write(ALERTS, self._write_of(letter))
        except EntityExists:
            return

    def about(self, sink: str, about: str) -> list[Letter]:
        """What a sink has not been told of one thing, in order."""
        found = self._tables.query(ALERTS, ALERTS, letters_about(sink, about))
        return [replace(self._rows.value(Letter, entity), etag=entity.etag) for entity in found]

    def newest(self, sinks: Iterable[str], about: str) -> int:
        """The highest number of a letter about one thing that waits at any of these sinks; 0 without any."""
        return max((one.number for sink in sinks for one in self.about(sink, about)), default=0)

    def waiting(self, sink: str | None = None) -> Iterator[Waiting]:
        """Everything that was not delivered, to one sink or to all."""
        return map(_waiting, self._tables.query(ALERTS, ALERTS, letters_for(sink), _COLUMNS))

    def some_waiting(self, sink: str, about: str) -> list[Waiting]:
        """Some of what else was not delivered to a sink, what comes after one thing first: workers that
        deliver side by side find different ones. A backlog is not read whole for each of its letters."""
        first = self._page(sink, "")
        if len(first) < SOME:
            after = [one for one in first if digest(one.about) > digest(about)]
            return [*after, *(one for one in first if digest(one.about) < digest(about))]
        return self._page(sink, behind_letters(sink, about)) + [one for one in first if one.about != about]

    def _page(self, sink: str, behind: str, most: int = SOME) -> list[Waiting]:
        found = self._tables.query(ALERTS, ALERTS, letters_for(sink), _COLUMNS, behind=behind, page=most)
        return [_waiting(entity) for entity in islice(found, most)]

    def beside(self, letter: Letter) -> list[str]:
        """About what else there are letters to the sink that are one message with this one, in order of keys;
        of a long backlog the first."""
        words = set(map(digest, letter.bundle))
        waiting = self._page(letter.sink, "", MOST_ASKED) if words else ()
        found = (one.about for one in waiting if words.intersection(one.bundle))
        return [about for about in dict.fromkeys(found) if about != letter.about]

    def put(self, letter: Letter) -> Letter:
        """Write a letter as it is now; raises ``EntityChanged`` when somebody else was faster."""
        (written,) = self.put_all([letter])
        return written

    def put_all(self, letters: Sequence[Letter]) -> list[Letter]:
        """The same of several, all or none."""
        etags = self._rows.write(ALERTS, *self.writes(letters))
        return [replace(letter, etag=etag) for letter, etag in zip(letters, etags, strict=True)]

    def remove(self, letter: Letter, now: datetime) -> None:
        """The sink has it; raises ``EntityChanged`` when somebody else has taken it meanwhile."""
        place = letter_place(letter)
        if letter.number == 0:
            self._mark(letter, now)
        self._tables.delete(place.table, place.partition, place.row, letter.etag)

    def forget_marks(self, now: datetime) -> None:
        """Remove the marks of what was delivered long ago."""
        before = timestamp(now - MARKS_KEPT)
        for entity in self._tables.query(ALERTS, ALERTS, MARK_PREFIX):
            if str(entity.properties[_DELIVERED]) < before:
                self._tables.delete(ALERTS, entity.partition, entity.row)

    def _write_of(self, letter: Letter) -> TableWrite:
        properties = self._rows.properties(replace(letter, etag=None), _row(letter))
        return conditional(letter_place(letter), properties, letter.etag)

    def _mark(self, letter: Letter, now: datetime) -> None:
        place, row = mark_place(letter), {_DELIVERED: timestamp(now)}
        try:
            self._tables.write(ALERTS, Insert(partition=place.partition, row=place.row, properties=row))
        except EntityExists:
            return


def _row(letter: Letter) -> Row:
    return {
        "sink": letter.sink,
        "about": letter.about,
        "dueAt": timestamp(letter.due_at),
        "isRefused": letter.refused_since is not None,
        "isTold": letter.is_told,
        "bundle": "\n".join(map(digest, letter.bundle)),
    }


def _waiting(entity: Entity) -> Waiting:
    row = entity.properties
    return Waiting(
        sink=str(row["sink"]),
        about=str(row["about"]),
        due_at=datetime.fromisoformat(str(row["dueAt"])),
        is_refused=bool(row["isRefused"]),
        is_told=bool(row["isTold"]),
        bundle=tuple(filter(None, str(row.get("bundle", "")).split("\n"))),
    )
