"""Child processes that never outlive us: the storage emulator, the simulator, the host.

Three things can leave a process behind, and each has its answer here. An exception or a normal end:
`running` is a context manager that terminates, then kills, the child's whole process group. A grandchild:
the group again. Our own death by SIGKILL (a test run that is shot, an out-of-memory kill), where no code of
ours runs any more: on Linux the kernel itself kills the child, because each child asks it to with
`prctl(PR_SET_PDEATHSIG)`. No such call exists elsewhere; there the first two have to do.

The kernel counts the *thread* that started the child as its parent: enter `running` in a thread that lives
as long as the child should, normally the main thread.
"""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start. It is ready when its log matches `ready`, or when that port of 127.0.0.1 accepts."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log_path: Path
    ready: str | int
    cwd: Path | None = None
    ready_seconds: float = 30.0
    stop_seconds: float = 3.0


class ProcessFailed(Exception):
    """A program ended, or did not become ready in time. The text ends with the last lines of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A program that is ready. `announced` is what `ready` matched, None when a port was waited for."""

    name: str
    pid: int
    log_path: Path
    announced: re.Match[str] | None

    def log(self) -> str:
        """Everything it has written so far, standard output and error together."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")


@contextmanager
def running(program: Program) -> Iterator[Running]:
    """Start the program, wait until it is ready, and leave nothing of it behind. Raises ProcessFailed."""
    with program.log_path.open("wb") as log:
        child = subprocess.Popen(
            program.argv,
            env=dict(program.env),
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=_die_with_parent(),
        )
    try:
        announced = _await_ready(program, child)
        yield Running(name=program.name, pid=child.pid, log_path=program.log_path, announced=announced)
    finally:
        _end_group(child, program.stop_seconds)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago. Prefer programs that choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nothing listens on that port of 127.0.0.1 at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port at rest is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _die_with_parent() -> Callable[[], None] | None:
    """What the child runs before its program; everything is looked up before the fork, where it is safe."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died between the fork and the call
            os._exit(1)

    return ask_kernel


def _await_ready(program: Program, child: "subprocess.Popen[bytes]") -> re.Match[str] | None:
    deadline = time.monotonic() + program.ready_seconds
    while time.monotonic() < deadline:
        ended = child.poll()
        text = program.log_path.read_text(encoding="utf-8", errors="replace")
        if ended is not None:
            raise ProcessFailed(_told(f"{program.name} ended with {ended} before it was ready", text))
        if isinstance(program.ready, int):
            if _accepts(program.ready):
                return None
        elif found := re.search(program.ready, text):
            return found
        time.sleep(0.02)
    text = program.log_path.read_text(encoding="utf-8", errors="replace")
    raise ProcessFailed(_told(f"{program.name} was not ready after {program.ready_seconds:g} s", text))


def _told(what: str, log: str) -> str:
    return "\n".join([what, *log.splitlines()[-_TAIL_LINES:]])


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end_group(child: "subprocess.Popen[bytes]", seconds: float) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    # Whoever is left: the child itself, or a grandchild of a child that is gone.
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
