"""Makes a virtual environment with the pins: `python3 -m local.dev.environments [--quiet] [HOME]`.

This is the one module that the machine's own Python runs before anything is installed: it imports nothing
but the standard library, and keeps to syntax that an old `python3` can parse, so that such a one is told
which version is needed instead of being shown a traceback.

A stamp inside the environment holds a hash of the requirement files and the Python version; with the
right stamp nothing is done at all. pip checks the hash of everything that it installs, and what it prints is
shown only when it fails. Below Python 3.13 the Functions engine is installed in a step of its own: it
declares >= 3.13 and runs on 3.11 (the requirement files say so where they pin it). Exit codes: 0 the
environment is ready, 2 it could not be made.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)
NEWEST = (3, 13)
_REQUIREMENTS = tuple(
    f"requirements{which}.{kind}" for kind in ("txt", "lock") for which in ("", "-cli", "-roles", "-dev")
)
_ENGINE = re.compile(r"^(azure-functions-runtime==[^\s;]+)[^\\\n]*((?:\\\n +--hash=\S+ ?)+)", re.MULTILINE)
_STAMP = "driftward.stamp"
_TAIL_LINES = 15


class SetupFailed(Exception):
    """The environment could not be made. The text says what was run and how its output ended."""


def main(argv: Sequence[str]) -> int:
    """Make the environment named last (default `.venv`) with the Python that runs this."""
    arguments = [argument for argument in argv if argument != "--quiet"]
    home = ROOT / (arguments[0] if arguments else ".venv")
    try:
        ensure(home, sys.executable, quiet="--quiet" in argv)
    except SetupFailed as error:
        print(f"set-up failed: {error}", file=sys.stderr)
        return 2
    return 0


def ensure(home: Path, python: str, *, quiet: bool = False) -> Path:
    """The interpreter of an environment at `home` with everything installed, made by `python` if need be.

    Raises SetupFailed, also for a `python` that is too old or too new.
    """
    version = _version(python)
    if not OLDEST <= version <= NEWEST:
        found = ".".join(str(part) for part in version)
        raise SetupFailed(
            f"Python 3.11, 3.12 or 3.13 is needed, and {python} is {found}: make PYTHON=python3.13"
        )
    stamp, wanted = home / _STAMP, stamp_text(version)
    interpreter = home / "bin" / "python"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and interpreter.exists():
        return interpreter
    stamp.unlink(missing_ok=True)
    with _progress(f"installing dependencies into {home.name} (once, a minute or two)", quiet=quiet):
        if not _usable(interpreter, version):
            _run([python, "-m", "venv", "--clear", str(home)])
        _install(interpreter, version)
    stamp.write_text(wanted, encoding="utf-8")
    return interpreter


def _install(interpreter: Path, version: tuple[int, int]) -> None:
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    pip.append("--require-hashes")
    _run([*pip, "-r", str(ROOT / "requirements-dev.txt")])
    if version < (3, 13):
        with tempfile.TemporaryDirectory() as folder:
            engine = Path(folder) / "engine.txt"
            engine.write_text(engine_pin(), encoding="utf-8")
            _run([*pip, "--no-deps", "--ignore-requires-python", "-r", str(engine)])


def engine_pin() -> str:
    """`azure-functions-runtime==…` with its hashes, as the lock has it, for any Python."""
    found = _ENGINE.search((ROOT / "requirements-dev.lock").read_text(encoding="utf-8"))
    if found is None:
        raise SetupFailed("requirements-dev.lock does not pin azure-functions-runtime")
    return f"{found[1]} {found[2]}\n"


def stamp_text(version: tuple[int, int]) -> str:
    """What the stamp of a complete environment says."""
    texts = b"".join((ROOT / name).read_bytes() for name in _REQUIREMENTS)
    return f"{hashlib.sha256(texts).hexdigest()} Python {version[0]}.{version[1]}\n"


def _version(python: str) -> tuple[int, int]:
    if python == sys.executable:
        return sys.version_info[0], sys.version_info[1]
    told = _run([python, "-c", "import sys; print(*sys.version_info[:2])"]).split()
    return int(told[0]), int(told[1])


def _usable(interpreter: Path, version: tuple[int, int]) -> bool:
    """Whether an environment that is there already can be completed instead of being made anew."""
    try:
        return _version(str(interpreter)) == version and bool(
            _run([str(interpreter), "-m", "pip", "--version"])
        )
    except SetupFailed:
        return False


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    except OSError as error:
        raise SetupFailed(f"{command[0]}: {error}") from error
    told = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        tail = "\n".join(told.splitlines()[-_TAIL_LINES:])
        raise SetupFailed(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
    return told


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[None]:
    """One line that says what is going on; on a terminal it counts the seconds."""
    if quiet:
        yield
        return
    started, ended = time.monotonic(), threading.Event()
    print(f"{what} …", end="", file=sys.stderr, flush=True)
    counter = threading.Thread(target=_count, args=(what, started, ended), daemon=True)
    if sys.stderr.isatty():
        counter.start()
    try:
        yield
    finally:
        ended.set()
        if counter.ident is not None:
            counter.join()
        print(f" {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _count(what: str, started: float, ended: threading.Event) -> None:
    while not ended.wait(1.0):
        print(f"\r{what} … {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)
    print(f"\r{what} …", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
