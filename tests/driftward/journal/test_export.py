"""An exported journal: whole or not there, and judged as the storage was. What somebody did to the storage
before is compared in every other test of the check (``worlds.checked``)."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from driftward.journal.asking import Asked, Verified
from driftward.journal.export_file import About, ExportedBlobs, ExportedTables, opened, write_export
from driftward.journal.exported import verify_export
from driftward.journal.keeping import kept
from shared.model.chain import FaultKind
from shared.model.errors import StoreError
from shared.model.interfaces import Entity
from shared.state.journal_copy import Copied, CopiedRow
from tests.driftward.journal.worlds import rows, world_with_a_change
from tests.fakes import START, World

_SET = "UPDATE rows SET properties ="
_GONE = "link-missing"
ABOUT = About(exported_at=START + timedelta(days=1), version="1", kept_days=400)


def export(world: World, path: Path, about: About = ABOUT) -> Path:
    write_export(world.store.copy.pieces(), about, path)
    return path


def judged(path: Path) -> Verified:
    with opened(path) as found:
        return verify_export(found, Asked(), START + timedelta(days=2))


def faults(path: Path) -> set[FaultKind]:
    return {one.kind for one in judged(path).findings.faults}


def edited(path: Path, statement: str, *given: object) -> Path:
    with closing(sqlite3.connect(path)) as base:
        assert base.execute(statement, given).rowcount > 0
        base.commit()
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = export(world_with_a_change(), tmp_path_factory.mktemp("export") / "journal.sqlite")
    assert not faults(path)
    return path.read_bytes()


@pytest.fixture
def path(whole: bytes, tmp_path: Path) -> Path:
    there = tmp_path / "copy of journal.sqlite"
    there.write_bytes(whole)
    return there


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"{_SET} replace(properties, 'Jane', 'Joan') WHERE row LIKE 'j-%'", "link-changed"),
        ("DELETE FROM rows WHERE row LIKE 'j-%-00000000000000000001' AND partition != 'journal'", _GONE),
        ("DELETE FROM rows WHERE kept_in = 'changes'", "entry-missing"),
        (f"{_SET} replace(properties, 'Reverted', 'Failed') WHERE kept_in = 'changes'", "entry-changed"),
        (f"{_SET} '[1]' WHERE kept_in = 'changes'", "entry-unreadable"),
        (f"{_SET} x'00ff' WHERE row LIKE 'j-%'", "link-unreadable"),
        ("DELETE FROM blobs WHERE container = 'snapshots'", "blob-missing"),
        ("UPDATE blobs SET data = data || x'20' WHERE container = 'snapshots'", "blob-changed"),
        ("DELETE FROM blobs WHERE container = 'journal'", "anchor-changed"),
        ("UPDATE blobs SET data = 'text' WHERE container = 'journal'", "anchor-changed"),
    ],
)
def test_what_somebody_does_to_the_file_is_found(path: Path, statement: str, kind: str) -> None:
    assert FaultKind(kind) in faults(edited(path, statement))


@pytest.mark.field(
    "steady",
    "A byte of an exported journal that is changed is found, or was no part of the journal",
    source="docs/adr/0015-the-journal-proves-itself.md",
    date="2026-11-30",
)
def test_a_changed_byte_anywhere_is_found_or_changes_nothing_of_the_journal(path: Path, whole: bytes) -> None:
    sound, random = judged(path), Random(4711)
    for _ in range(60):
        at = random.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << random.randrange(8))]) + whole[at + 1 :])
        try:
            found = judged(path)
        except StoreError:
            continue
        assert found == sound or found.findings.faults, f"byte {at}"


def test_an_export_that_is_dated_back_passes_nothing_off_as_pending(path: Path) -> None:
    edited(path, "DELETE FROM rows WHERE kept_in = 'changes'")
    edited(path, "UPDATE about SET said = ? WHERE name = 'exportedAt'", START.isoformat())
    assert FaultKind.ENTRY_MISSING in faults(path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE about SET said = 'driftward-journal-2' WHERE name = 'form'",
        "DELETE FROM about WHERE name = 'exportedAt'",
        "UPDATE about SET said = '2026-11-02T08:00:00' WHERE name = 'exportedAt'",
        "UPDATE about SET said = 'many' WHERE name = 'keptDays'",
        "UPDATE about SET said = '-5' WHERE name = 'keptDays'",
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_no_export(path: Path, statement: str) -> None:
    with pytest.raises(StoreError):
        judged(edited(path, statement))


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 200])
def test_what_is_no_export_cannot_be_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    for name in ("a", "nothing"):
        with pytest.raises(StoreError):
            judged(tmp_path / name)


# --- whole or not there ----------------------------------------------------------------------------


def test_a_path_that_is_too_long_to_be_opened_is_told(path: Path, tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["d" * 200] * 3)
    deep.mkdir(parents=True)
    there = deep / "journal.sqlite"
    there.write_bytes(path.read_bytes())
    with pytest.raises(StoreError, match="unable to open"), opened(there):
        pass
    with pytest.raises(OSError, match="unable to open"):
        write_export([], ABOUT, deep / "other.sqlite")


def test_links_that_are_kept_for_longer_than_can_be_counted_are_kept_for_good(path: Path) -> None:
    edited(path, "UPDATE about SET said = '999999999999' WHERE name = 'keptDays'")
    assert not faults(path)
    assert kept(999_999_999_999) == kept(0) == timedelta.max


def test_an_export_is_never_written_over(path: Path, whole: bytes) -> None:
    with pytest.raises(FileExistsError, match="is there already"):
        export(world_with_a_change(), path)
    assert path.read_bytes() == whole


def test_what_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def failing() -> Iterator[Copied]:
        yield from list(world_with_a_change().store.copy.pieces())[:5]
        raise StoreError("the account does not answer")

    with pytest.raises(StoreError):
        write_export(failing(), ABOUT, tmp_path / "journal.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_an_export_of_many_entries_is_not_held_in_memory(tmp_path: Path) -> None:
    def many() -> Iterator[Copied]:
        for number in range(20_000):
            entity = Entity(partition="p", row=f"n-{number:06}", properties={"json0": "x" * 1_000}, etag="")
            yield CopiedRow(table="changes", entity=entity)

    tracemalloc.start()
    try:
        written = write_export(many(), ABOUT, tmp_path / "journal.sqlite")
        with opened(tmp_path / "journal.sqlite") as found:
            read = sum(1 for _ in ExportedTables(found).query("changes"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (written.rows, read) == (20_000, 20_000)
    assert peak < 4_000_000


def test_a_piece_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    world = world_with_a_change()
    pieces = [*world.store.copy.pieces()]
    once = write_export(pieces, ABOUT, tmp_path / "once")
    assert write_export([*pieces, *pieces], ABOUT, tmp_path / "twice") == once


# --- read as the storage is ------------------------------------------------------------------------


def test_the_tables_of_an_export_answer_as_those_of_the_storage_do(path: Path) -> None:
    world = world_with_a_change()
    with opened(path) as found:
        tables = ExportedTables(found)
        for prefix in ("j-", "h-", "t-"):
            there = [(one.partition, one.row, one.properties) for one in rows(world, "targets", prefix)]
            assert [
                (one.partition, one.row, one.properties) for one in tables.query("targets", None, prefix)
            ] == there
        first, *behind = rows(world, "targets", "j-")
        same = [one for one in behind if one.partition == first.partition]
        after = tables.query("targets", first.partition, "j-", ("hash",), behind=first.row)
        assert [one.row for one in after] == [one.row for one in same]
        held = tables.get("targets", first.partition, first.row)
        assert held is not None
        assert replace(held, etag=first.etag) == first
        assert tables.get("targets", first.partition, f"{first.row}0") is None


def test_an_export_is_only_read(path: Path) -> None:
    with opened(path) as found:
        tables, blobs = ExportedTables(found), ExportedBlobs(found)
        writes: list[Callable[[], object]] = [
            lambda: tables.write("targets"),
            lambda: tables.delete("targets", "p", "r"),
            lambda: tables.remove("targets", "p", ["r"]),
            lambda: blobs.put("snapshots", "a", b""),
            lambda: blobs.written("snapshots"),
            lambda: blobs.delete("snapshots", "a"),
        ]
        for write in writes:
            with pytest.raises(StoreError):
                write()
