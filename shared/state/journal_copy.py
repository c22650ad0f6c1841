"""The journal as it lies there, with all that its check reads, one piece at a time.

Nothing is judged and nothing left out that a check would find wrong: a text that is not what its name says is
copied as it is, and one that is gone is gone in the copy too. The chains come last, for the reason that the
check reads them last: while the app writes, they hold whatever was copied before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias

from shared.model import codec
from shared.model.anchors import Inherited
from shared.model.chain import Link
from shared.model.deeds import Deed
from shared.model.errors import StoreError
from shared.model.interfaces import Blobs, Entity, Tables
from shared.model.values import value
from shared.state.blob_archive import ANCHORS, SNAPSHOTS
from shared.state.exemption_rows import EXEMPTION_PREFIX
from shared.state.table_layout import (
    ALERTS,
    CHANGE_PREFIX,
    CHANGES,
    HEAD_PREFIX,
    LINK_PREFIX,
    TARGET_PREFIX,
    TARGETS,
    anchor_place,
    is_alert,
)
from shared.state.table_rows import Rows

_ROWS: Final = (
    *((TARGETS, HEAD_PREFIX), (CHANGES, CHANGE_PREFIX), (ALERTS, "")),
    *((TARGETS, TARGET_PREFIX), (TARGETS, EXEMPTION_PREFIX), (TARGETS, LINK_PREFIX)),
)
_REACH: Final = "rolledBack"
"""What a deed names by the hash of a text that is kept, beside its blobs."""


@value
class CopiedRow:
    table: str
    entity: Entity


@value
class CopiedBlob:
    container: str
    name: str
    data: bytes


Copied: TypeAlias = CopiedRow | CopiedBlob


class JournalCopy:
    """Every piece may come more than once. Raises ``StoreError`` where the store does not answer."""

    def __init__(self, tables: Tables, rows: Rows, blobs: Blobs) -> None:
        self._tables = tables
        self._rows = rows
        self._blobs = blobs

    def pieces(self) -> Iterator[Copied]:
        """All that ``EvidenceReader`` reads."""
        place = anchor_place()
        newest = self._tables.get(place.table, place.partition, place.row)
        yield from [CopiedRow(table=place.table, entity=newest)] if newest is not None else []
        for name in self._blobs.names(ANCHORS):
            yield from self._blob(ANCHORS, name)
        for table, prefix in _ROWS:
            for entity in self._tables.query(table, None, prefix):
                if table != ALERTS or is_alert(entity.row):
                    yield CopiedRow(table=table, entity=entity)
                    yield from self._texts_of(entity, is_link=prefix == LINK_PREFIX)

    def _texts_of(self, entity: Entity, *, is_link: bool) -> Iterator[Copied]:
        """The text that the row has elsewhere, and those that its link names."""
        elsewhere = self._rows.text_elsewhere(entity)
        if elsewhere is not None:
            yield from self._blob(SNAPSHOTS, elsewhere)
        with suppress(StoreError):  # what is no link names nothing
            for reference in self._named_in(entity) if is_link else ():
                yield from self._blob(SNAPSHOTS, reference)

    def _named_in(self, entity: Entity) -> Iterator[str]:
        link = self._rows.value(Link, entity)
        yield from _references(link)
        inherited = self._blobs.get(SNAPSHOTS, link.blobs["inherited"]) if "inherited" in link.blobs else None
        if inherited is not None:
            for _, deed in codec.load(Inherited, inherited.decode(errors="replace")).deeds:
                yield from _references(deed)

    def _blob(self, container: str, name: str) -> Iterator[Copied]:
        data = self._blobs.get(container, name)
        if data is not None:
            yield CopiedBlob(container=container, name=name, data=data)


def _references(told: Link | Deed) -> Iterator[str]:
    """The texts that a link or an inherited deed names."""
    yield from told.blobs.values()
    reach = told.what.get(_REACH)
    if isinstance(reach, str):
        yield reach
