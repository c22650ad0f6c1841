"""The chains of the journal in the table of targets: links are inserted and never written again.

A chain has one row for each link and one that names the newest. Both are written in one transaction, the
link as an insert, so of two who append at the same moment one is told so (``EntityChanged``) and looks again.
Since a target's chain lies in the target's own partition, its links are written together with the record that
they are about. What is said of every chain at once is an anchor: a blob that holds all heads and the hash of
the anchor before, so that the end of a chain cannot be taken away in silence either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.model import Target, codec
from shared.model.anchors import Anchor, AnchorMark
from shared.model.chain import Entry, Head, after, beginning, hash_of, tells_of
from shared.model.deeds import Deed
from shared.model.errors import EntityChanged, NotReadable, StoreError
from shared.model.happened import switch_seen
from shared.model.interfaces import Entity, Tables, TableWrite
from shared.model.values import value
from shared.state.blob_archive import Archive
from shared.state.table_layout import (
    HEAD_PREFIX,
    JOURNAL,
    TARGETS,
    anchor_place,
    head_place,
    link_number,
    link_place,
    links_of,
    partition_of,
    switches_place,
)
from shared.state.table_rows import Rows, conditional, timestamp

SWITCHES: Final = "switches"
"""The chain of switches, and of the journal's own beginning."""

NO_TARGETS: Final = JOURNAL
"""The partition of the chains that belong to no target."""

_ANCHORS: Final = "anchors/"
_NUMBERED: Final = len(_ANCHORS) + 10
"""Characters of an anchor's name up to the end of its number."""

_KEYS: Final = ("chain",)
_ROUNDS: Final = 16
"""How many may append to one chain at the same moment."""


@value
class NewestLink:
    """The newest link of a chain, and the etag of the row that names it."""

    head: Head
    etag: str


@value
class Standing:
    """The switches that were on when they were last looked at, with what stood in them."""

    switches: Mapping[str, str]


class Journal:
    """The chains and their anchors. Every method may raise ``StoreError``."""

    def __init__(self, tables: Tables, rows: Rows, archive: Archive) -> None:
        self._tables = tables
        self._rows = rows
        self._archive = archive

    def writes(self, partition: str, chain: str, deeds: Iterable[Deed]) -> list[TableWrite]:
        """What appends ``deeds``, for the transaction that they belong to; without deeds nothing is read."""
        pending = list(deeds)
        if not pending:
            return []
        place = head_place(partition, chain)
        entity = self._rows.get(place)
        head = self._rows.value(Head, entity) if entity is not None else self._found(partition, chain)
        inserts: list[TableWrite] = []
        for deed in pending:
            entry = after(head, deed)
            inserts.append(self._insert(partition, entry, chain))
            head = Head(chain=chain, sequence=entry.sequence, hash=entry.hash)
        return [*inserts, conditional(place, self._rows.properties(head), entity.etag if entity else None)]

    def _insert(self, partition: str, entry: Entry, chain: str) -> TableWrite:
        row = self._rows.text_properties(entry.text, {"chain": chain, "hash": entry.hash})
        return conditional(link_place(partition, chain, entry.sequence), row, None)

    def _found(self, partition: str, chain: str) -> Head:
        """Where a chain without a newest link goes on: behind its links, if only that row was taken away."""
        last = max(self.read(partition, chain), key=lambda entry: entry.sequence, default=None)
        return beginning(chain) if last is None else Head(chain=chain, sequence=last.sequence, hash=last.hash)

    def append(self, target: Target, *deeds: Deed) -> None:
        """Append what happened to a target by itself, where no record is written with it."""
        self._append(partition_of(target), target.key, deeds)

    def entries(self, target: Target) -> list[Entry]:
        """The chain of a target, in its order."""
        return self.read(partition_of(target), target.key)

    def tells_of(self, target: Target, deed: Deed) -> bool:
        """Whether the chain of a target holds the deed. A link that cannot be read tells nothing."""
        for entry in self.entries(target):
            with suppress(StoreError):
                link = entry.link()
                if tells_of(link, deed) and link.blobs == deed.blobs:
                    return True
        return False

    def read(self, partition: str, chain: str) -> list[Entry]:
        """A chain, in its order."""
        return [self.entry(row) for row in self._tables.query(TARGETS, partition, links_of(chain))]

    def entry(self, row: Entity) -> Entry:
        return Entry(sequence=link_number(row.row), text=self._rows.text(row))

    # --- cuts --------------------------------------------------------------------------------------

    def newest(self, partition: str, chain: str) -> NewestLink | None:
        """The newest link of a chain, to append behind exactly that."""
        entity = self._rows.get(head_place(partition, chain))
        return None if entity is None else NewestLink(head=self._rows.value(Head, entity), etag=entity.etag)

    def first_number(self, partition: str, chain: str) -> int | None:
        """The number of the first link that is there."""
        first = next(self._tables.query(TARGETS, partition, links_of(chain), _KEYS, page=1), None)
        return None if first is None else link_number(first.row)

    def append_behind(self, partition: str, newest: NewestLink, deed: Deed) -> None:
        """Append a deed; raises ``EntityChanged`` where anything else was appended meanwhile."""
        chain, entry = newest.head.chain, after(newest.head, deed)
        head = Head(chain=chain, sequence=entry.sequence, hash=entry.hash)
        moved = conditional(head_place(partition, chain), self._rows.properties(head), newest.etag)
        self._rows.write(TARGETS, self._insert(partition, entry, chain), moved)

    def remove(self, partition: str, chain: str, numbers: Sequence[int]) -> None:
        """Remove links, from the front on."""
        rows = [link_place(partition, chain, number).row for number in sorted(numbers)]
        self._tables.remove(TARGETS, partition, rows)

    # --- switches ----------------------------------------------------------------------------------

    def note_switches(self, further: Iterable[str], now: datetime) -> None:
        """Enter the switches that are on and were not, and those that are off again.

        ``further`` are those that do not lie in the store: what the settings say.
        """
        place = switches_place()
        entity = self._rows.get(place)
        before = self._rows.value(Standing, entity).switches if entity else {}
        there = self._notes(now) | dict.fromkeys(further, "")
        if there == before:
            return
        book = conditional(
            place, self._rows.properties(Standing(switches=there)), entity.etag if entity else None
        )
        links = self.writes(JOURNAL, SWITCHES, _switched(before, there, now))
        self._rows.write(TARGETS, book, *links)

    def _notes(self, now: datetime) -> dict[str, str]:
        """What stands in each switch, kept where it is not deleted with the switch."""
        return {
            name: self._archive.keep_text(data.decode(errors="replace"))
            for name, data in self._archive.switches(now).items()
        }

    # --- anchors -----------------------------------------------------------------------------------

    def begin(self, deed: Deed) -> None:
        """Enter that the chains begin."""
        self._append(JOURNAL, SWITCHES, [deed])

    def newest_anchor(self) -> AnchorMark | None:
        """Which anchor is the newest; None before there was one."""
        entity = self._rows.get(anchor_place())
        return None if entity is None else replace(self._rows.value(AnchorMark, entity), etag=entity.etag)

    def anchored(self, mark: AnchorMark) -> Anchor | None:
        """What an anchor holds; None where it is gone."""
        text = self._archive.anchor(mark.name)
        return None if text is None else codec.load(Anchor, text)

    def heads(self, partition: str) -> list[Head]:
        """The newest link of every chain in a partition."""
        rows = self._tables.query(TARGETS, partition, HEAD_PREFIX)
        return [self._rows.value(Head, row) for row in rows]

    def anchor_of(self, time: datetime) -> tuple[str, Anchor] | None:
        """The newest anchor that was made by a time, with its hash; None before there was one.

        Of two with one number one was kept in vain, and no name tells which: neither is taken."""
        names = self._archive.anchor_names()
        numbers = Counter(name[:_NUMBERED] for name in names)
        for name in reversed(names):
            if numbers[name[:_NUMBERED]] == 1 and (found := self._made_by(time, name)) is not None:
                return found
        return None

    def _made_by(self, time: datetime, name: str) -> tuple[str, Anchor] | None:
        if name[_NUMBERED + 1 :] > f"{timestamp(time)}.json":
            return None
        text = self._archive.anchor(name) or ""
        with suppress(NotReadable):
            anchor = codec.load(Anchor, text)
            return (hash_of(text), anchor) if anchor.time <= time else None
        return None

    def put_anchor(self, anchor: Anchor, before: AnchorMark | None) -> AnchorMark:
        """Keep an anchor behind another. Raises ``EntityChanged`` when somebody else was faster: what was
        kept then belongs to no chain of anchors, and does no harm."""
        text = codec.dump(anchor)
        name = f"{_ANCHORS}{anchor.sequence:010d}-{timestamp(anchor.time)}.json"
        self._archive.put_anchor(name, text)
        mark = AnchorMark(name=name, hash=hash_of(text), sequence=anchor.sequence, time=anchor.time)
        etag = before.etag if before is not None else None
        self._rows.write(TARGETS, conditional(anchor_place(), self._rows.properties(mark), etag))
        return mark

    def _append(self, partition: str, chain: str, deeds: Sequence[Deed]) -> None:
        for _ in range(_ROUNDS):
            try:
                self._rows.write(TARGETS, *self.writes(partition, chain, deeds))
            except EntityChanged:
                continue
            return
        raise StoreError(f"the chain of {chain} grew {_ROUNDS} times while it was appended to")


def _switched(before: Mapping[str, str], there: Mapping[str, str], now: datetime) -> list[Deed]:
    """What changed between two looks at the switches; one with another note was thrown anew."""
    off = [switch_seen(name, now, on=False) for name in sorted(before.keys() - there.keys())]
    on = [
        switch_seen(name, now, on=True, note=there[name])
        for name in sorted(there)
        if before.get(name) != there[name]
    ]
    return [*off, *on]
