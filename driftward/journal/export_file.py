"""The file of an exported journal: an SQLite database with the rows and blobs as they lay in the storage.

It is written under another name and renamed when it is whole, so whoever sees it under its own name has all
of it. It is read behind the same interfaces as the storage, a row at a time, by the same check; whatever
stands in it is a stranger's word, so nothing of it is executed and a row that is none is a finding.
https://www.sqlite.org/fileformat2.html, https://www.sqlite.org/pragma.html#pragma_trusted_schema
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Never

from driftward.documents import NotJson, read_json
from shared.model.errors import StoreError
from shared.model.interfaces import Entity, Row, TableWrite, Written
from shared.model.values import value
from shared.state.blob_archive import Archive
from shared.state.journal_copy import Copied, CopiedBlob, CopiedRow
from shared.state.journal_evidence import EvidenceReader
from shared.state.table_rows import Rows

_FORM: Final = "driftward-journal-1"
_TABLES: Final = """
CREATE TABLE about (name TEXT PRIMARY KEY, said TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
  kept_in TEXT NOT NULL, partition TEXT NOT NULL, row TEXT NOT NULL, properties TEXT NOT NULL,
  PRIMARY KEY (kept_in, partition, row)
) WITHOUT ROWID;
CREATE TABLE blobs (
  container TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (container, name)
) WITHOUT ROWID;
"""
_ROW: Final = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)"
_BLOB: Final = "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)"
_READ_ONLY: Final = "an exported journal is only read"


@value
class About:
    """What an export says of itself; no hash vouches for it."""

    exported_at: datetime
    version: str
    """Of Driftward."""
    kept_days: int | None
    """For how long links were to be kept; 0: for good. None where that was not at hand."""


@value
class Exported:
    rows: int
    blobs: int


# --- writing ---------------------------------------------------------------------------------------


def write_export(pieces: Iterable[Copied], about: About, path: Path) -> Exported:
    """Write an export that is whole or not there. Raises ``OSError``, also for a file that is there
    already, and ``StoreError`` of the store."""
    if path.exists():
        raise FileExistsError(f"{path} is there already: an export is never written over")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        _write(pieces, about, unfinished)
        os.rename(unfinished, path)
        return _counted(path)
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _write(pieces: Iterable[Copied], about: About, path: Path) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.executescript(_TABLES)
        said = {
            "form": _FORM,
            "exportedAt": about.exported_at.isoformat(),
            "version": about.version,
            "keptDays": "" if about.kept_days is None else str(about.kept_days),
        }
        base.executemany("INSERT INTO about VALUES (?, ?)", said.items())
        for piece in pieces:
            _add(piece, base)
        base.commit()


def _add(piece: Copied, base: sqlite3.Connection) -> None:
    match piece:
        case CopiedRow(table=table, entity=entity):
            properties = json.dumps(dict(entity.properties), separators=(",", ":"))
            base.execute(_ROW, (table, entity.partition, entity.row, properties))
        case CopiedBlob(container=container, name=name, data=data):
            base.execute(_BLOB, (container, name, data))


def _counted(path: Path) -> Exported:
    with opened(path) as export:
        return Exported(rows=export.count("rows"), blobs=export.count("blobs"))


# --- reading ---------------------------------------------------------------------------------------


class Export:
    """An export that is open. Every method raises ``StoreError`` for a damaged one."""

    def __init__(self, path: Path, base: sqlite3.Connection) -> None:
        self._path = path
        self._base = base

    def ask(self, asked: str, given: Sequence[str | int] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._base.execute(asked, given)
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: no journal that can be read: {error}") from error

    def count(self, table: str) -> int:
        return sum(int(number) for (number,) in self.ask(f"SELECT count(*) FROM {table}"))

    def about(self) -> About:
        """What it says of itself. Raises ``StoreError`` for what is no export."""
        said = {str(name): str(text) for name, text in self.ask("SELECT name, said FROM about")}
        try:
            return _about(said)
        except (KeyError, ValueError) as error:
            raise StoreError(f"{self._path}: it does not say what was exported, and when: {error}") from error


@contextmanager
def opened(path: Path) -> Iterator[Export]:
    """Raises ``StoreError`` for what is no such file."""
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file")
    where = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(_connected(path, where)) as base:
        base.text_factory = _text
        export = Export(path, base)
        list(export.ask("PRAGMA trusted_schema = OFF"))
        yield export


def _connected(path: Path, where: str) -> sqlite3.Connection:
    """SQLite opens what we may read, and no path of more than 512 bytes."""
    try:
        return sqlite3.connect(where, uri=True)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error


def _text(data: bytes) -> str:
    """What is no UTF-8 was changed, and is found to be none of ours."""
    return data.decode(errors="replace")


def _about(said: Mapping[str, str]) -> About:
    if said["form"] != _FORM:
        raise ValueError(f"{said['form']!r} is no form that this version reads")
    exported_at = datetime.fromisoformat(said["exportedAt"])
    if exported_at.tzinfo is None:
        raise ValueError("the time has no zone")
    kept = int(said["keptDays"]) if said["keptDays"] else None
    if kept is not None and kept < 0:
        raise ValueError("links are kept for less than no time")
    return About(exported_at=exported_at, version=said["version"], kept_days=kept)


class ExportedTables:
    """Implements ``Tables`` over an export, which is read and never written."""

    def __init__(self, export: Export) -> None:
        self._export = export

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        found = self.query(table, partition, row)
        return next((entity for entity in found if entity.row == row), None)

    def query(
        self,
        table: str,
        partition: str | None = None,
        row_prefix: str = "",
        properties: Sequence[str] = (),
        *,
        behind: str = "",
        page: int | None = None,
    ) -> Iterator[Entity]:
        del page
        asked = "SELECT partition, row, properties FROM rows WHERE kept_in = ? AND substr(row, 1, ?) = ?"
        given: list[str | int] = [table, len(row_prefix), row_prefix]
        if partition is not None:
            asked, given = f"{asked} AND partition = ? AND row > ?", [*given, partition, behind]
        else:
            asked, given = f"{asked} AND partition > ?", [*given, behind]
        for of, row, text in self._export.ask(f"{asked} ORDER BY partition, row", given):
            held = _properties(text)
            kept = {name: held[name] for name in properties if name in held} if properties else held
            yield Entity(partition=str(of), row=str(row), properties=kept, etag="")

    def write(self, table: str, *writes: TableWrite) -> Never:
        raise StoreError(f"{table}, {len(writes)} writes: {_READ_ONLY}")

    def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> Never:
        raise StoreError(f"{table}/{partition}/{row} {etag}: {_READ_ONLY}")

    def remove(self, table: str, partition: str, rows: Collection[str]) -> Never:
        raise StoreError(f"{table}/{partition}, {len(rows)} rows: {_READ_ONLY}")


def _properties(text: object) -> Row:
    """None for a text that holds none: whoever reads the row finds that it is no record."""
    try:
        held = read_json(text) if isinstance(text, str) else None
    except NotJson:
        held = None
    if not isinstance(held, Mapping):
        return {}
    return {name: said for name, said in held.items() if isinstance(said, str | int | bool)}


class ExportedBlobs:
    """Implements ``Blobs`` over an export, which is read and never written."""

    def __init__(self, export: Export) -> None:
        self._export = export

    def get(self, container: str, name: str) -> bytes | None:
        asked = "SELECT data FROM blobs WHERE container = ? AND name = ?"
        return next((_bytes(data) for (data,) in self._export.ask(asked, (container, name))), None)

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        asked = "SELECT name FROM blobs WHERE container = ? AND substr(name, 1, ?) = ? ORDER BY name"
        yield from (str(name) for (name,) in self._export.ask(asked, (container, len(prefix), prefix)))

    def put(self, container: str, name: str, data: bytes) -> Never:
        raise StoreError(f"{container}/{name}, {len(data)} bytes: {_READ_ONLY}")

    def written(self, container: str, prefix: str = "") -> Iterator[Written]:
        raise StoreError(f"{container}/{prefix}: an export does not say when a blob was written")

    def delete(self, container: str, name: str, etag: str | None = None) -> Never:
        raise StoreError(f"{container}/{name} {etag}: {_READ_ONLY}")


def _bytes(data: object) -> bytes:
    return data if isinstance(data, bytes) else str(data).encode(errors="replace")


def evidence_in(export: Export) -> EvidenceReader:
    """What the check reads, as it does from the storage."""
    tables, archive = ExportedTables(export), Archive(ExportedBlobs(export))
    return EvidenceReader(tables, Rows(tables, archive), archive)
