"""`python -m local.pages.transcript`: runs the demonstration and keeps a shortened transcript for the README.

What is kept in `docs/examples/demo.txt` was printed by one real run, with that run's own times. No two runs
agree on times, durations, ports, how often something was read, and the order of what was inherited; a run
that differs from the kept one in nothing else leaves the file alone. For the figures of another run, delete
the file first. What is left out is named in `data/transcript.yaml`. `python -m local.pages` puts the file
into the README, and its `--check` compares the two without a run; a test of the demonstration compares its
own run with the file.

Exit codes: 0 written or as before, 1 the run did not end as expected and nothing is written, 2 it cannot be
shortened as `data/transcript.yaml` says.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from local.dev.environments import ROOT
from local.pages.loading import DATA, CannotGenerate, Entry, Said, load
from shared.model.values import value

STORED: Final = "docs/examples/demo.txt"
_CUT: Final = "[…]"
_HEADING: Final = re.compile(r" (?P<title>\S.*?)  ─+")
_GOES_ON: Final = " " * 12
"""How a second finding of one deed begins: it belongs to the part before."""
_TIME: Final = re.compile(r"\d\d:\d\d:\d\d\.\d")
_VARIES: Final = (
    (_TIME, "TIME"),
    (re.compile(r"\d+(?:\.\d)? s$", re.MULTILINE), "SECONDS"),
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"\d+ (read|poll)s?"), r"SOME \1s"),
)


class LeftOut(Entry):
    """Sections that are left out whole, and parts of others, by how they begin."""

    sections: tuple[Said, ...]
    parts: Mapping[str, tuple[Said, ...]]


@value
class Section:
    """A heading with the parts below it: a deed with what became of it, notes, or a table."""

    title: str
    parts: tuple[str, ...]


@cache
def left_out() -> LeftOut:
    """Raises CannotGenerate."""
    return load(DATA / "transcript.yaml", LeftOut)


# --- shortening ------------------------------------------------------------------------------------


def shortened(printed: str, out: LeftOut) -> str:
    """What the README shows of a run. Raises CannotGenerate when what is to be left out is absent."""
    sections = _sections(printed)
    if missing := [*_missing(sections, out)]:
        raise CannotGenerate(
            f"the demonstration does not print {'; '.join(missing)}: see data/transcript.yaml"
        )
    kept = [section for section in sections if not section.title.startswith(out.sections)]
    return "\n\n".join(part for section in kept for part in _kept(section, out)) + "\n"


def _sections(printed: str) -> list[Section]:
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    found: list[Section] = []
    for part in re.split(r"\n{2,}", lines.strip("\n")):
        heading = _HEADING.match(part)
        if heading is not None:
            found.append(Section(title=heading["title"], parts=(part,)))
        elif found:
            found[-1] = _longer(found[-1], part)
    return found


def _longer(section: Section, part: str) -> Section:
    *before, last = section.parts
    joined = (*before, f"{last}\n\n{part}") if part.startswith(_GOES_ON) else (*section.parts, part)
    return Section(title=section.title, parts=joined)


def _kept(section: Section, out: LeftOut) -> Iterator[str]:
    """The parts that stay, with one mark for all that are missing between two of them."""
    hidden, cut = _hidden(section, out), False
    for part in section.parts:
        gone = _text(part).startswith(hidden)
        if gone and not cut:
            yield _CUT
        if not gone:
            yield part
        cut = gone


def _hidden(section: Section, out: LeftOut) -> tuple[str, ...]:
    named = (parts for title, parts in out.parts.items() if section.title.startswith(title))
    return tuple(beginning for parts in named for beginning in parts)


def _text(part: str) -> str:
    """Without the time that a deed begins with."""
    return _TIME.sub("", part, count=1).lstrip() if _TIME.match(part) else part.lstrip()


def _missing(sections: Sequence[Section], out: LeftOut) -> Iterator[str]:
    for title in (*out.sections, *out.parts):
        here = [section for section in sections if section.title.startswith(title)]
        if not here:
            yield repr(title)
        texts = [_text(part) for section in here for part in section.parts]
        absent = [b for b in out.parts.get(title, ()) if not any(text.startswith(b) for text in texts)]
        yield from (repr(beginning) for beginning in absent if here)


# --- comparing -------------------------------------------------------------------------------------


def same_story(one: str, other: str) -> bool:
    """Whether two transcripts differ in nothing but what differs from run to run."""
    return _story(one) == _story(other)


def _story(transcript: str) -> list[str]:
    for pattern, instead in _VARIES:
        transcript = pattern.sub(instead, transcript)
    first, *rest = transcript.split("\n\n")
    return [*sorted(first.splitlines()), *rest]


# --- the command -----------------------------------------------------------------------------------


def main() -> int:
    run = subprocess.run(
        [sys.executable, "-m", "local", "demo"],
        cwd=ROOT,
        env={name: said for name, said in os.environ.items() if name != "COLUMNS"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if run.returncode != 0:
        print(f"{run.stdout}\nthe demonstration ended with {run.returncode}", file=sys.stderr)
        return 1
    try:
        keep(shortened(run.stdout, left_out()), ROOT / STORED)
    except CannotGenerate as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def keep(transcript: str, file: Path) -> None:
    """Write it, unless the file tells the same story already."""
    if file.exists() and same_story(transcript, file.read_text(encoding="utf-8")):
        return
    file.write_text(transcript, encoding="utf-8")
    print(f"{STORED} written")


if __name__ == "__main__":
    sys.exit(main())
