"""`python -m local.dev.pins [--write [--upgrade]]`: everything that pip installs here is known by its hash.

A requirement file names what is wanted; the ``.lock`` beside it, which it reads first, holds every package
that this brings beyond the file before it, pinned, with the hashes of its archives. One hash in what pip
reads makes it check them all, so no plain ``pip install -r`` goes without: neither Azure's build nor a
laptop's.

The check needs no network: it asks what is installed which packages it needs, so it holds for the Python that
runs it, and CI runs it on more than one. ``--write`` asks ``uv`` for the whole closure on every Python and
platform, and keeps the versions that are locked unless a pin or ``--upgrade`` says otherwise.

Exit codes: 0 all well or written, 1 the check failed (every fault is named), 2 ``uv`` is absent or refused.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from local.dev.environments import ROOT
from shared.model.values import value

FILES: Final = (
    "requirements.txt",
    "requirements-cli.txt",
    "requirements-roles.txt",
    "requirements-dev.txt",
    "requirements-telemetry.txt",
)
_READS: Final = {
    "requirements-cli.txt": "requirements.txt",
    "requirements-roles.txt": "requirements-cli.txt",
    "requirements-dev.txt": "requirements-roles.txt",
    "requirements-telemetry.txt": "requirements.txt",
}
"""Which file another one reads after its own lock."""
_INSTALLED: Final = FILES[:4]
"""What `make setup` installs; telemetry goes into the package alone, so nothing here says what it needs."""
_HEADER: Final = "# Written by `make pins` with uv: what {file} brings, for Python 3.11 and later.\n"
_HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_PIN: Final = re.compile(r"==[A-Za-z0-9.!+_-]+")
_COMPILE: Final = (
    *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-header", "--no-annotate"),
)


@value
class Pin:
    """One entry of a lock: a package at a version, and how many archives of it are known."""

    requirement: Requirement
    hashes: int
    text: str

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)


def hashes_of(pin: Pin) -> list[str]:
    """`sha256:…` of every archive that is known."""
    return [found.removeprefix("--hash=") for found in _HASH.findall(pin.text)]


class CannotLock(Exception):
    """`uv` is absent, or found no versions that fit together."""


def main(argv: Sequence[str]) -> int:
    """Check the locks, or write them."""
    if "--write" in argv:
        return _write(upgrade="--upgrade" in argv)
    found = faults(ROOT)
    for fault in found:
        print(fault)
    return 1 if found else 0


def lock_of(file: str) -> str:
    """The lock that stands beside a requirement file."""
    return file.removesuffix(".txt") + ".lock"


def faults(root: Path) -> list[str]:
    """What is wrong with the requirement files below `root` and their locks, a line each."""
    locks = {file: read_lock((root / lock_of(file)).read_text("utf-8")) for file in FILES}
    return [
        *(fault for file in FILES for fault in _faults_of_form(root, file)),
        *(f"{lock_of(file)}: {fault}" for file, pins in locks.items() for fault in _faults_of_pins(pins)),
        *_faults_of_versions(root, locks),
        *_faults_of_closures(root, locks),
    ]


def read_lock(text: str) -> tuple[Pin, ...]:
    """The entries of a lock. Raises InvalidRequirement for a line that is none: an option, an address."""
    blocks = (block for block in re.split(r"(?m)^(?![ #\n])", text) if block.strip())
    return tuple(_pin(block) for block in blocks if not block.startswith("#"))


def _pin(block: str) -> Pin:
    lines = [line for line in block.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = " ".join(line.removesuffix("\\").strip() for line in lines)
    named, _, _ = joined.partition(" --hash")
    if named.startswith("-"):
        raise InvalidRequirement(f"{named}: an option is no pin")
    return Pin(requirement=Requirement(named), hashes=len(_HASH.findall(joined)), text=block.rstrip() + "\n")


def _faults_of_form(root: Path, file: str) -> Iterator[str]:
    """pip takes the hashes of the entry that it meets first, so a lock is read before its pins."""
    lines = [line for line in _lines(root / file) if line.startswith("-")]
    if not lines or lines[0] != f"-r {lock_of(file)}":
        yield f"{file} must read {lock_of(file)} before all else"


def _faults_of_pins(pins: Iterable[Pin]) -> Iterator[str]:
    for pin in pins:
        if not pin.hashes:
            yield f"{pin.requirement} has no hash"
        if pin.requirement.url or not _PIN.fullmatch(str(pin.requirement.specifier)):
            yield f"{pin.requirement} is not pinned"


def _faults_of_versions(root: Path, locks: Mapping[str, Sequence[Pin]]) -> Iterator[str]:
    """What a requirement file pins itself must be locked at that version."""
    for file in FILES:
        pinned = {(pin.name, str(pin.requirement.specifier)) for pin in _read_with(locks, file)}
        for wanted in _wanted(root / file):
            if (canonicalize_name(wanted.name), str(wanted.specifier)) not in pinned:
                yield f"{lock_of(file)} has not {wanted.name}{wanted.specifier} of {file}: `make pins`"


def _faults_of_closures(root: Path, locks: Mapping[str, Sequence[Pin]]) -> Iterator[str]:
    """Each lock has what its file brings on this Python: nothing is absent, nothing is left over."""
    for file in _INSTALLED:
        wanted = [one for name in _chain(file) for one in _wanted(root / name)]
        try:
            needed = closure(wanted)
        except PackageNotFoundError as absent:
            yield f"{absent}: `make setup`"
            return
        yield from _difference(lock_of(file), needed, _held(_read_with(locks, file)))


def _difference(lock: str, needed: Mapping[str, str], held: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(needed.keys() | held.keys()):
        if name not in held:
            yield f"{lock}: {name} is needed and not locked: `make pins`"
        elif name not in needed:
            yield f"{lock}: {name} is locked and not needed: `make pins`"
        elif needed[name] != held[name]:
            yield f"{lock}: {name} {held[name]} is locked and {needed[name]} is installed: `make setup`"


def closure(wanted: Iterable[Requirement]) -> dict[str, str]:
    """The packages that these need on this Python, each with the version that is installed.

    Raises PackageNotFoundError for one that is not.
    """
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        found[name] = version(name)
        new = {(name, extra) for extra in ("", *one.extras)} - seen
        seen |= new
        waiting += [needed for _, extra in new for needed in _needs(name, extra)]
    return found


def _needs(name: str, extra: str) -> list[Requirement]:
    needs = map(Requirement, requires(name) or ())
    return [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]


def _held(pins: Iterable[Pin]) -> dict[str, str]:
    """Names and versions of what is locked for this Python."""
    here = (pin for pin in pins if pin.requirement.marker is None or pin.requirement.marker.evaluate())
    return {pin.name: str(pin.requirement.specifier).removeprefix("==") for pin in here}


def _read_with(locks: Mapping[str, Sequence[Pin]], file: str) -> list[Pin]:
    """Every entry that pip reads with a file."""
    return [pin for name in _chain(file) for pin in locks[name]]


def _chain(file: str) -> tuple[str, ...]:
    """A file after all that it reads."""
    return (*(_chain(_READS[file]) if file in _READS else ()), file)


def _wanted(path: Path) -> list[Requirement]:
    return [Requirement(line) for line in _lines(path) if not line.startswith("-")]


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _write(*, upgrade: bool) -> int:
    try:
        written = locked(ROOT, upgrade=upgrade)
    except CannotLock as error:
        print(error, file=sys.stderr)
        return 2
    for name, text in written.items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print(f"{name} written")
    return 0


def locked(root: Path, *, upgrade: bool = False) -> dict[str, str]:
    """What the locks of the requirement files below `root` should say, by name. Raises CannotLock."""
    with TemporaryDirectory() as folder:
        there = Path(folder)
        for file in FILES:
            (there / file).write_text(_without_locks(root / file), encoding="utf-8")
        whole = there / "whole.lock"
        known = "" if upgrade else "".join(map(_present, (root / lock_of(file) for file in FILES)))
        whole.write_text(known, encoding="utf-8")
        _uv(*_COMPILE, *(str(there / file) for file in FILES), "--output-file", str(whole))
        closures = {file: _closure_of(there / file, whole) for file in FILES}
    return {lock_of(file): _share(closures, file) for file in FILES}


def _closure_of(file: Path, whole: Path) -> tuple[Pin, ...]:
    """The part of the whole that one file needs."""
    output = file.with_suffix(".lock")
    _uv(*_COMPILE, str(file), "--constraint", str(whole), "--output-file", str(output))
    return read_lock(output.read_text("utf-8"))


def _share(closures: Mapping[str, Sequence[Pin]], file: str) -> str:
    """Of a closure what those that its file reads have not, as the text of a lock."""
    before = {pin.name for name in _chain(file)[:-1] for pin in closures[name]}
    return _HEADER.format(file=file) + "".join(pin.text for pin in closures[file] if pin.name not in before)


def _without_locks(path: Path) -> str:
    lines = path.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.endswith(".lock")) + "\n"


def _present(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _uv(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotLock("uv is not on the path: `pipx install uv`") from error
    if done.returncode:
        raise CannotLock(done.stderr.strip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
