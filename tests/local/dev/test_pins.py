"""Every package that pip installs is known by its hash, and the locks say what the files bring."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from packaging.requirements import InvalidRequirement

from local.dev.environments import ROOT
from local.dev.pins import FILES, CannotLock, faults, lock_of, locked, main, read_lock

HASH = "--hash=sha256:" + "0" * 64


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for file in FILES:
        shutil.copy(ROOT / file, tmp_path)
        shutil.copy(ROOT / lock_of(file), tmp_path)
    return tmp_path


def rewrite(path: Path, pattern: str, text: str) -> None:
    old = path.read_text("utf-8")
    new = re.sub(pattern, text, old, count=1, flags=re.MULTILINE)
    assert new != old
    path.write_text(new, "utf-8")


def test_whoever_installs_the_project_checks_the_hash_of_every_package() -> None:
    assert main([]) == 0


def test_a_package_without_a_hash_is_found(copied: Path) -> None:
    rewrite(copied / "requirements.lock", r"^idna==(\S+) \\\n(    --hash\S+( \\)?\n)+", r"idna==\1\n")
    assert [fault for fault in faults(copied) if "hash" in fault] == [
        "requirements.lock: idna==3.20 has no hash"
    ]


def test_a_package_that_is_not_pinned_is_found(copied: Path) -> None:
    rewrite(copied / "requirements.lock", r"^idna==", "idna>=")
    assert "requirements.lock: idna>=3.20 is not pinned" in faults(copied)


def test_a_pin_that_was_raised_and_not_locked_is_found(copied: Path) -> None:
    rewrite(copied / "requirements.txt", r"^tenacity==\S+", "tenacity==99.0")
    assert "requirements.lock has not tenacity==99.0 of requirements.txt: `make pins`" in faults(copied)


def test_what_a_package_needs_and_no_lock_holds_is_found(copied: Path) -> None:
    rewrite(copied / "requirements.lock", r"^yarl==\S+ \\\n(    --hash\S+( \\)?\n)+", "")
    found = faults(copied)
    assert found[0] == "requirements.lock: yarl is needed and not locked: `make pins`"


def test_what_nothing_needs_any_more_is_found(copied: Path) -> None:
    with (copied / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write(f"left-over==1.0 \\\n    {HASH}\n")
    assert "requirements.lock: left-over is locked and not needed: `make pins`" in faults(copied)


def test_pins_that_are_read_before_their_lock_are_found(copied: Path) -> None:
    """pip looks no further than the entry that it meets first for a package's hashes."""
    rewrite(copied / "requirements.txt", r"^-r requirements.lock\n", "")
    assert faults(copied) == ["requirements.txt must read requirements.lock before all else"]


@pytest.mark.parametrize("line", ["--index-url https://packages.example/simple", "https://example.org/a.whl"])
def test_a_lock_names_no_place_that_packages_come_from(line: str) -> None:
    with pytest.raises(InvalidRequirement):
        read_lock(f"idna==3.20 \\\n    {HASH}\n{line}\n")


def test_writing_the_locks_without_uv_says_what_is_missing(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotLock, match="uv is not on the path"):
        locked(copied)
