"""What runs: the simulator, the storage on its disk, and hosts that are killed and come again.

Everything is started from the main thread (see ``local.dev.processes``) and ends with the stack.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from random import choice
from typing import Final

from local.demo import stack as demo
from local.dev.emulator import Disk, azurite_on_disk
from local.dev.processes import Running, is_free

_SWEPT: Final = re.compile(r"local\.host sweep \S+ (?:ok|failed) ")


_LASTING: Final = range(15_000, 32_000)
"""Ports that no system gives to a connection by itself: somebody else's, while we are down, would be ours."""


def _lasting_ports() -> tuple[int, int, int]:
    free = (port for port in iter(lambda: choice(_LASTING), None) if is_free(port))
    return next(free), next(free), next(free)


class Storage:
    """The storage emulator: stopped and started again on the same disk and ports, or paused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._starts = 0
        self._running: Running | None = None
        self._ports = _lasting_ports()
        self.connection = ""
        self.answers = False
        """Whether it runs and is not paused."""

    def start(self) -> None:
        """Raises ProcessFailed."""
        disk = Disk(folder=self._folder / "storage", ports=self._ports)
        log = self._folder / f"azurite-{self._starts}.log"
        self._running, self.connection = self._stack.enter_context(azurite_on_disk(disk, log))
        self._starts += 1
        self.answers = True

    def stop(self) -> None:
        self.answers = False
        self._stack.close()
        self._running = None

    def pause(self) -> None:
        self.answers = False
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)
        self.answers = True

    def _signal(self, number: signal.Signals) -> None:
        if self._running is not None:
            os.kill(self._running.pid, number)


class Worker:
    """One host, which may be killed and started again."""

    def __init__(self, number: int, folder: Path, settings: Mapping[str, str], queue_lease: int) -> None:
        self.number = number
        self._folder = folder
        self._settings = settings
        self._options = ("--queue-lease", str(queue_lease))
        self._stack = ExitStack()
        self._starts = 0
        self._host: demo.Host | None = None

    @property
    def url(self) -> str:
        return self._host.url if self._host else ""

    @property
    def webhook(self) -> str:
        return self._host.webhook if self._host else ""

    def sweeps(self) -> int:
        """How many sweeps this host has come to the end of since it was started."""
        return len(_SWEPT.findall(self._host.process.log())) if self._host else 0

    def start(self) -> None:
        """Raises ProcessFailed."""
        folder = self._folder / f"host-{self.number}-{self._starts}"
        folder.mkdir()
        self._starts += 1
        self._host = self._stack.enter_context(demo.host(folder, self._settings, *self._options))

    def kill(self) -> float:
        """SIGKILL, whatever it is at; when that was."""
        if self._host is None:
            return time.time()
        running, self._host = self._host.process, None
        os.killpg(running.pid, signal.SIGKILL)
        killed = time.time()
        self._stack.close()
        return killed

    def stop(self) -> None:
        self._host = None
        self._stack.close()
