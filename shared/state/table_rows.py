"""How values lie in table rows: keys, JSON cut into properties, conditional writes.

A row holds the JSON of one value in ``json0``, ``json1``, … and beside it a few plain properties that
listings select by. A text too long for an entity goes to the archive and the row keeps its reference.
Etags never enter the JSON: they belong to the row, and are put into the value when it is read.

This module knows no table and no prefix; ``shared.state.store`` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from shared.model import codec
from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged, EntityExists, NotReadable, TextGone
from shared.model.interfaces import Entity, Insert, Replace, Row, Tables, TableWrite
from shared.model.memory import NameRecord, TargetRecord
from shared.model.results import RunRecord
from shared.model.retention import RetentionPass
from shared.model.scope_exemptions import ScopeExemption
from shared.model.values import value
from shared.state.blob_archive import Archive

if TYPE_CHECKING:
    from typing_extensions import TypeForm

_T = TypeVar("_T")
_Record = TypeVar(
    "_Record",
    TargetRecord,
    NameRecord,
    ChangeRecord,
    AlertRecord,
    RunRecord,
    RetentionPass,
    ScopeExemption,
)

_PIECE: Final = 30_000
"""Characters per property: the service takes 64 KiB of UTF-16, and our JSON is ASCII."""
_LONGEST: Final = 12 * _PIECE
"""Characters per row: 720 KB of the 1 MiB that an entity may hold."""
_REFERENCE: Final = "jsonBlob"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FAR_FUTURE: Final = 10**18


@value
class Place:
    """Where a row is."""

    table: str
    partition: str
    row: str


def digest(text: str) -> str:
    """A text of any length as 32 characters that every key may hold."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds: equal lengths, so that texts sort like times."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def newest_first(time: datetime) -> str:
    """A key part that sorts later times before earlier ones."""
    return f"{_FAR_FUTURE - (time - _EPOCH) // timedelta(microseconds=1):019d}"


class Rows:
    """Reads and writes values as rows; long texts go through the archive."""

    def __init__(self, tables: Tables, archive: Archive) -> None:
        self._tables = tables
        self._archive = archive

    def properties(self, value: object, plain: Row | None = None) -> Row:
        """The properties of a row that holds ``value``, with ``plain`` beside it."""
        return self.text_properties(codec.dump(value), plain)

    def text_properties(self, text: str, plain: Row | None = None) -> Row:
        """The properties of a row that holds JSON as it is."""
        if len(text) > _LONGEST:
            return {**(plain or {}), _REFERENCE: self._archive.keep_text(text)}
        pieces = {f"json{at // _PIECE}": text[at : at + _PIECE] for at in range(0, len(text), _PIECE)}
        return {**(plain or {}), **pieces}

    def value(self, form: TypeForm[_T], entity: Entity) -> _T:
        """The value in a row. Raises ``StoreError`` when it holds none."""
        return codec.load(form, self.text(entity))

    def text(self, entity: Entity) -> str:
        """The JSON in a row as it was written."""
        return self._text(entity.properties)

    def text_elsewhere(self, entity: Entity) -> str | None:
        """The reference of a text that is too long for its row."""
        reference = entity.properties.get(_REFERENCE)
        return None if reference is None else str(reference)

    def words(self, entity: Entity) -> str:
        """Everything that stands in a row, the text that it has elsewhere among it, unless that is gone."""
        plain = " ".join(str(said) for name, said in entity.properties.items() if not _is_piece(name))
        try:
            return f"{plain} {self._text(entity.properties)}"
        except TextGone:
            return plain

    def record(self, form: type[_Record], entity: Entity) -> _Record:
        """The record in a row, with the row's etag."""
        return replace(self.value(form, entity), etag=entity.etag)

    def readable(self, form: type[_Record], entity: Entity) -> _Record | None:
        """The record in a row; None where it cannot be taken for one."""
        try:
            return self.record(form, entity)
        except (NotReadable, TextGone):
            return None

    def get(self, place: Place) -> Entity | None:
        """What lies there, as it lies there."""
        return self._tables.get(place.table, place.partition, place.row)

    def find(self, form: type[_Record], place: Place) -> _Record | None:
        """The record that lies there."""
        entity = self.get(place)
        return None if entity is None else self.record(form, entity)

    def write_of(self, place: Place, record: _Record, plain: Row) -> TableWrite:
        """The conditional write of a record: an insert when it has no etag yet."""
        properties = self.properties(replace(record, etag=None), plain)
        return conditional(place, properties, record.etag)

    def put(self, place: Place, record: _Record, plain: Row) -> _Record:
        """Write a record if it is as it was read; raises ``EntityChanged`` when it is not."""
        (etag,) = self.write(place.table, self.write_of(place, record, plain))
        return replace(record, etag=etag)

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        """A transaction where an insert that comes too late counts as a lost race like any other."""
        try:
            return self._tables.write(table, *writes)
        except EntityExists as error:
            raise EntityChanged(str(error)) from error

    def _text(self, properties: Mapping[str, str | int | bool]) -> str:
        reference = properties.get(_REFERENCE)
        if reference is None:
            count = sum(map(_is_piece, properties))
            return "".join(str(properties.get(f"json{index}", "")) for index in range(count))
        text = self._archive.text(str(reference))
        if text is None:
            raise TextGone(f"the text {reference} of a row is gone")
        return text


def _is_piece(name: str) -> bool:
    return name.startswith("json") and name != _REFERENCE


def conditional(place: Place, properties: Row, etag: str | None) -> TableWrite:
    """Insert if absent (no etag), or replace if unchanged."""
    if etag is None:
        return Insert(partition=place.partition, row=place.row, properties=properties)
    return Replace(partition=place.partition, row=place.row, properties=properties, etag=etag)


def wanted_properties(**properties: str | None) -> Row:
    """What a listing selects by: None selects nothing."""
    return {name: text for name, text in properties.items() if text is not None}


def fits(entity: Entity, wanted: Row) -> bool:
    """Whether a row has the wanted properties."""
    return all(entity.properties.get(name) == text for name, text in wanted.items())
