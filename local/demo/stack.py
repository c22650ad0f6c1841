"""What `make demo` and `make up` run: the storage emulator, the simulator, and the host with the app.

Everything listens on 127.0.0.1, on ports that the system chooses unless one is given, and ends with its
context manager. The host gets every setting of the project explicitly: a `local.settings.json` on this
machine may name real channels and a real identity, and none of it may reach a demonstration.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.dev.environments import ROOT
from local.dev.processes import Program, Running, free_port, running
from local.simulator.client import SimulatorClient
from shared.config.settings_table import SETTINGS
from shared.model.values import value

WEBHOOK = "/runtime/webhooks/EventGrid?functionName=resource_events"
ALERT_TOPIC = "alerts"


@value
class Host:
    """A running host and where Event Grid delivers to it."""

    url: str
    process: Running

    @property
    def webhook(self) -> str:
        return f"{self.url}{WEBHOOK}"


@contextmanager
def simulator(folder: Path, port: int = 0) -> Iterator[SimulatorClient]:
    """The simulator without any resource. Raises ProcessFailed."""
    program = Program(
        name="simulator",
        argv=[sys.executable, "-m", "local.simulator", "--port", str(port)],
        env=_inherited(),
        log_path=folder / "simulator.log",
        ready=r"(?m)^(http://\S+)$",
        cwd=ROOT,
    )
    with running(program) as process:
        yield SimulatorClient(_announced(process))


@contextmanager
def host(folder: Path, settings: Mapping[str, str], *options: str, port: int = 0) -> Iterator[Host]:
    """Our emulation of the Functions host with the app in the real engine. Raises ProcessFailed."""
    program = Program(
        name="host",
        argv=[sys.executable, "-m", "local.host", "--app-root", str(ROOT), "--port", str(port), *options],
        env={**_inherited(), **settings},
        log_path=folder / f"host-{settings['ENFORCEMENT_MODE']}.log",
        ready=r"host ready (http://\S+) functions=\d+",
        cwd=ROOT,
        ready_seconds=180,
    )
    with running(program) as process:
        yield Host(url=_announced(process), process=process)


@contextmanager
def core_tools_host(folder: Path, settings: Mapping[str, str], func: str, port: int = 0) -> Iterator[Host]:
    """`func start` with the app and this Python. Raises ProcessFailed."""
    port = port or free_port()
    here = Path(sys.executable).parent
    path = f"{here}{os.pathsep}{os.environ.get('PATH', '')}"
    program = Program(
        name="func start",
        argv=[func, "start", "--port", str(port)],
        env={**_inherited(), **settings, "PATH": path, "VIRTUAL_ENV": str(here.parent)},
        log_path=folder / "func.log",
        ready=r"(?i)worker process started and initialized",
        cwd=ROOT,
        ready_seconds=120,
    )
    with running(program) as process:
        yield Host(url=f"http://127.0.0.1:{port}", process=process)


def app_settings(storage: str, azure: SimulatorClient, chosen: Mapping[str, str]) -> dict[str, str]:
    """Every setting of the app: its default, what running here needs, and what was chosen."""
    return {
        **{setting.name: setting.default for setting in SETTINGS},
        "AzureWebJobsStorage": storage,
        "ARM_ENDPOINT": azure.url,
        "ALERT_TOPIC_ENDPOINT": azure.topic_url(ALERT_TOPIC),
        "OPERATOR_KEYS": "allow",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHON_THREADPOOL_THREAD_COUNT": "40",
        **chosen,
    }


def _announced(process: Running) -> str:
    assert process.announced is not None  # it became ready by its log, not by a port
    return process.announced[1]


def _inherited() -> dict[str, str]:
    """Nothing of our environment but what finds programs and folders."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "PYENV_VERSION")
    return {name: os.environ[name] for name in kept if name in os.environ}
