"""What the README shows of a run: shortened as the data says, and stable from run to run."""

import re
import subprocess
from pathlib import Path

import pytest

from local.dev.environments import ROOT
from local.pages import transcript
from local.pages.loading import CannotGenerate
from local.pages.transcript import STORED, LeftOut, keep, left_out, same_story, shortened

RUN = """
 Setting up, on free ports  ────────────
  ✓ simulated ARM (http://127.0.0.1:42103)  4.2 s

 Before anything happens  ────────────
  9 servers read:
  pg-a: public
  pg-b: private

 Enforce mode: again  ────────────

12:00:01.2  Jane opens pg-a
            found      High
            fixed in   3.1 s
            ARM calls  12 reads, 1 write

12:00:01.4  Ravi ticks pg-b
            found      High
            fixed in   3.0 s

            found      Low
            ARM calls  4 reads, 1 write

12:00:01.6  Mei adds a rule
            found      High

  ARM calls in this act: 53 reads, 5 polls.

 How it ended  ────────────
   what    because   \n\
✓  public  reverted  \n\

all 1 as expected, in 17 s
"""
OUT = LeftOut(sections=("Setting up",), parts={"Enforce mode": ("Ravi ticks", "Mei adds")})
SHOWN = """\
 Before anything happens  ────────────
  9 servers read:
  pg-a: public
  pg-b: private

 Enforce mode: again  ────────────

12:00:01.2  Jane opens pg-a
            found      High
            fixed in   3.1 s
            ARM calls  12 reads, 1 write

[…]

  ARM calls in this act: 53 reads, 5 polls.

 How it ended  ────────────
   what    because
✓  public  reverted

all 1 as expected, in 17 s
"""


def test_what_is_named_is_left_out_with_a_mark_and_nothing_else() -> None:
    assert shortened(RUN, OUT) == SHOWN


@pytest.mark.parametrize(
    ("out", "absent"),
    [
        (LeftOut(sections=("Coda",), parts={}), "'Coda'"),
        (LeftOut(sections=(), parts={"Coda": ("a",)}), "'Coda'"),
        (LeftOut(sections=(), parts={"Enforce mode": ("Jane", "Nobody")}), "'Nobody'"),
    ],
)
def test_a_story_without_what_is_to_be_left_out_is_refused(out: LeftOut, absent: str) -> None:
    with pytest.raises(CannotGenerate, match=f"does not print {absent}: see"):
        shortened(RUN, out)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("12:00:01.2", "23:59:59.9"),
        ("fixed in   3.1 s", "fixed in   11.0 s"),
        ("in 17 s", "in 8 s"),
        ("12 reads", "1 read"),
        ("5 polls", "1 poll"),
        ("  pg-a: public\n  pg-b: private", "  pg-b: private\n  pg-a: public"),
    ],
)
def test_what_differs_from_run_to_run_is_the_same_story(old: str, new: str, tmp_path: Path) -> None:
    other = SHOWN.replace(old, new)
    assert other != SHOWN
    assert same_story(SHOWN, other)
    (tmp_path / "demo.txt").write_text(SHOWN, encoding="utf-8")
    keep(other, tmp_path / "demo.txt")
    assert (tmp_path / "demo.txt").read_text(encoding="utf-8") == SHOWN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1 write", "2 writes"),
        ("High", "Low"),
        ("[…]\n\n", ""),
        ("all 1 as expected", "1 of 1 are wrong"),
        ("pg-a: public", "pg-a: private"),
    ],
)
def test_anything_else_is_another_story_and_is_kept(old: str, new: str, tmp_path: Path) -> None:
    other = SHOWN.replace(old, new)
    assert not same_story(SHOWN, other)
    (tmp_path / "demo.txt").write_text(SHOWN, encoding="utf-8")
    keep(other, tmp_path / "demo.txt")
    assert (tmp_path / "demo.txt").read_text(encoding="utf-8") == other


def test_the_stored_transcript_is_of_a_run_that_ended_well() -> None:
    stored = (ROOT / STORED).read_text(encoding="utf-8")
    assert re.search(r"^all \d+ as expected, in \d+ s$", stored, re.MULTILINE)
    assert "✗" not in stored
    assert not [part for parts in left_out().parts.values() for part in parts if part in stored.splitlines()]
    assert max(len(line) for line in stored.splitlines()) <= 100


@pytest.mark.parametrize(
    ("code", "printed", "ends_with", "kept"),
    [(0, RUN, 0, SHOWN), (1, RUN, 1, None), (0, RUN.replace("Mei", "Lin"), 2, None)],
    ids=["as expected", "a wrong end", "another story"],
)
def test_only_a_run_that_ended_well_and_can_be_shortened_is_kept(
    code: int, printed: str, ends_with: int, kept: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = subprocess.CompletedProcess(args=[], returncode=code, stdout=printed)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: ran)
    monkeypatch.setattr(transcript, "ROOT", tmp_path)
    monkeypatch.setattr(transcript, "left_out", lambda: OUT)
    file = tmp_path / STORED
    file.parent.mkdir(parents=True)
    assert transcript.main() == ends_with
    assert (file.read_text(encoding="utf-8") if file.exists() else None) == kept
