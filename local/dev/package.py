"""`python -m local.dev.package [--python 3.13] [--out FILE] [--no-figures]`: the zip that is deployed.

It holds what `.funcignore` leaves, and what `requirements.lock` and `requirements-telemetry.lock` pin for the
chosen Python on Linux (x86-64), in `.python_packages/lib/site-packages`, where the Functions worker looks for
packages (learn.microsoft.com/azure/azure-functions/python-build-options). Each archive is checked by its
hash. Azure's own build is not asked: by the same page it may take 60 s, and what becomes of bytecode there
is not said.

Bytecode comes along and is never compared with its source (`unchecked-hash`, PEP 552): a zip keeps no time
that fits, and without bytecode every cold start compiles what it imports. It is made by the Python that the
app will run on, so that one has to be on this machine.

Nothing in the zip depends on when or where it was made: entries are sorted, have one time and one mode, and
name no folder of this machine. The same sources give the same bytes with the same Python and zlib.

Exit codes: 0 made, 2 it could not be made.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from local.dev import package_figures
from local.dev.environments import ROOT, SetupFailed, ensure
from local.dev.pins import Pin, hashes_of, read_lock
from local.dev.suite import find_313
from shared.model.values import value

LOCKS: Final = ("requirements.lock", "requirements-telemetry.lock")
PACKAGES: Final = ".python_packages/lib/site-packages"
OUT: Final = ROOT / ".driftward" / "package" / "driftward.zip"
VERSIONS: Final = ("3.11", "3.12", "3.13")
_PLATFORMS: Final = (*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)), "manylinux2014_x86_64")
"""What the images of the Functions worker can load: they have glibc 2.31 or newer."""
_NO_USE: Final = ("bin", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED")
"""What an installation leaves for the next one: commands with this machine's paths, and lists of files."""
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16


class PackageFailed(Exception):
    """The zip could not be made. The text says why."""


@value
class Package:
    """A zip that was made: where it is, what it holds, and which Python its bytecode is of."""

    path: Path
    python: str
    size: int
    unpacked: int
    files: int
    sha256: str


def main(argv: Sequence[str]) -> int:
    """Make the zip, and tell what it costs."""
    options = _options(argv)
    try:
        interpreter = interpreter_of(options.python)
        made = build(ROOT, options.out, options.python, interpreter)
        print(told(made))
        if not options.no_figures:
            print(package_figures.report(made.path, made.size, interpreter))
    except (PackageFailed, SetupFailed, package_figures.DoesNotStart) as error:
        print(f"no package: {error}", file=sys.stderr)
        return 2
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.dev.package")
    parser.add_argument("--python", choices=VERSIONS, default="3.13")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--no-figures", action="store_true", help="do not start the app")
    return parser.parse_args(argv)


def interpreter_of(version: str) -> Path:
    """A Python of that version with the engine: this one, or that of `.venv-3.13`. Raises PackageFailed."""
    if version == ".".join(map(str, sys.version_info[:2])):
        return Path(sys.executable)
    found = find_313(os.environ) if version == "3.13" else None
    if found is None:
        raise PackageFailed(
            f"the bytecode of Python {version} is made by Python {version}, and none was found: "
            f"install it, or package for this one (`make package PYTHON_VERSION=…`)"
        )
    return ensure(ROOT / ".venv-3.13", found)


def build(root: Path, out: Path, version: str, interpreter: Path) -> Package:
    """Gather the app and its packages, and zip them. Raises PackageFailed."""
    with TemporaryDirectory(prefix="driftward-package-") as name:
        stage = Path(name) / "app"
        gather(root, stage)
        install(root, stage / PACKAGES, version, interpreter)
        return seal(stage, out, interpreter)


def gather(root: Path, stage: Path) -> None:
    """Copy what goes to Azure of the app below `root`."""
    for file in deployed(root):
        (stage / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, stage / file)


def seal(stage: Path, out: Path, interpreter: Path) -> Package:
    """The zip of an app with its packages, compiled. Raises PackageFailed."""
    strip(stage / PACKAGES)
    compile_all(stage, interpreter)
    return _zipped(stage, out, _version_of(interpreter))


def deployed(root: Path) -> Iterator[Path]:
    """The files below `root` that go to Azure, relative to it, in order.

    Hidden files and folders stay, whether `.funcignore` names them or not; old bytecode is made anew.
    """
    lines = (root / ".funcignore").read_text("utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    for path in sorted(_left(root, (".*", "__pycache__", *patterns))):
        yield path.relative_to(root)


def _left(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    for path in folder.iterdir():
        if any(fnmatch(path.name, pattern) for pattern in patterns):
            continue
        if path.is_dir():
            yield from _left(path, patterns)
        else:
            yield path


def install(root: Path, folder: Path, version: str, interpreter: Path) -> None:
    """What the locks pin for Linux and that Python, into a folder. Raises PackageFailed."""
    # pip judges markers and required Pythons by the one that it runs on; the lines have neither any more.
    how = (
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--no-compile",
        "--ignore-requires-python",
    )
    where = ("--implementation", "cp", "--python-version", version, "--target", str(folder))
    platforms = [word for platform in _PLATFORMS for word in ("--platform", platform)]
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    _run(
        [str(interpreter), "-m", "pip", "install", *quiet, *how, *where, *platforms, "-r", "/dev/stdin"],
        stdin="\n".join(requirements(root, version)) + "\n",
    )


def requirements(root: Path, version: str) -> list[str]:
    """The pins of both locks that hold there, with their hashes and without their markers."""
    pins = [pin for lock in LOCKS for pin in read_lock((root / lock).read_text("utf-8"))]
    return [_line(pin) for pin in pins if _holds(pin, _environment(version))]


def _holds(pin: Pin, environment: Mapping[str, str]) -> bool:
    marker = pin.requirement.marker
    return marker is None or marker.evaluate(dict(environment))


def _line(pin: Pin) -> str:
    hashes = " ".join(f"--hash={one}" for one in hashes_of(pin))
    return f"{pin.requirement.name}{pin.requirement.specifier} {hashes}"


def _environment(version: str) -> dict[str, str]:
    """What markers are judged by (packaging.python.org: dependency specifiers), of the worker's image."""
    return {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "extra": "",
    }


def strip(packages: Path) -> None:
    """Take away what only the next installation would read; it differs from machine to machine."""
    for path in (path for pattern in _NO_USE for path in sorted(packages.glob(pattern))):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def compile_all(stage: Path, interpreter: Path) -> None:
    """Bytecode beside every source, by one process in order. Raises PackageFailed."""
    how = ("-q", "-f", "-j", "1", "-s", str(stage), "--invalidation-mode", "unchecked-hash")
    _run([str(interpreter), "-I", "-m", "compileall", *how, str(stage)])


def _zipped(stage: Path, out: Path, python: str) -> Package:
    files = sorted((path for path in stage.rglob("*") if path.is_file()), key=lambda path: path.as_posix())
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w") as archive:
        for file in files:
            archive.writestr(_entry(file.relative_to(stage)), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return Package(
        path=out,
        python=python,
        size=out.stat().st_size,
        unpacked=sum(file.stat().st_size for file in files),
        files=len(files),
        sha256=hashlib.sha256(out.read_bytes()).hexdigest(),
    )


def _entry(name: Path) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name.as_posix(), date_time=_TIME)
    entry.create_system, entry.external_attr = 3, _MODE
    return entry


def told(made: Package) -> str:
    """What was made, for people."""
    return (
        f"package   {_shown(made.path)}\n"
        f"sha256    {made.sha256}\n"
        f"size      {made.size / 1e6:.1f} MB, unpacked {made.unpacked / 1e6:.1f} MB in {made.files} files\n"
        f"for       Linux x86-64 and the bytecode of Python {made.python}"
    )


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _version_of(interpreter: Path) -> str:
    return _run([str(interpreter), "-I", "-c", "import platform; print(platform.python_version())"]).strip()


def _run(command: Sequence[str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        told = re.sub(r"(?m)^WARNING: .*\n?", "", done.stdout + done.stderr).strip()
        raise PackageFailed(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{told[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
