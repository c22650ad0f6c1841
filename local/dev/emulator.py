"""The storage emulator of the local runs: Azurite from `node_modules`, on ports that the system picks.

Azurite is installed as ``local.dev.npm`` says and run by the same node.

The flags: current SDKs send an API version that 3.35.0 does not know (`--skipApiVersionCheck`), nothing may
stay on disk (`--inMemoryPersistence`; what is to survive a restart is kept in a folder, `--location`), and
nobody is told about it (`--disableTelemetry`).
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.dev.npm import Package, install, node_executable
from local.dev.processes import Program, Running, running
from local.host.settings import emulator_connection_string

AZURITE_VERSION = "3.35.0"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
_LISTENING = r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)"


_AZURITE = Package(
    name="azurite", version=AZURITE_VERSION, what=f"the storage emulator (azurite {AZURITE_VERSION})"
)


def install_azurite(project_root: Path = PROJECT_ROOT) -> None:
    """Install Azurite into `node_modules` unless exactly that version is there. Raises InstallFailed."""
    install(_AZURITE, project_root)


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
