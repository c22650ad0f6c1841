"""Child processes: readiness, failure with the log's tail, and nothing left behind however we end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.dev.emulator import PROJECT_ROOT
from local.dev.processes import ProcessFailed, Program, free_port, running
from tests.local.host.support import eventually

PARENT = """
import os, sys, time
from pathlib import Path
from local.dev.processes import Program, running
code = "import time; print('up', flush=True); time.sleep(600)"
program = Program(name="child", argv=[sys.executable, "-c", code], env=os.environ,
                  log_path=Path(sys.argv[1]), ready="up")
with running(program) as child:
    print(child.pid, flush=True)
    time.sleep(600)
"""
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(f"grandchild {grandchild.pid}", flush=True)
time.sleep(600)
"""


def program(
    folder: Path, code: str, ready: str | int, *, ready_seconds: float = 30, stop_seconds: float = 3
) -> Program:
    return Program(
        name="child",
        argv=[sys.executable, "-c", code],
        env={**os.environ},
        log_path=folder / "child.log",
        ready=ready,
        ready_seconds=ready_seconds,
        stop_seconds=stop_seconds,
    )


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped yet does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_program_is_ready_when_its_log_says_so_and_gone_afterwards(tmp_path: Path) -> None:
    code = "import time; print('port 81', flush=True); time.sleep(600)"
    with running(program(tmp_path, code, r"port (\d+)")) as child:
        assert child.announced is not None
        assert (child.announced[1], child.log()) == ("81", "port 81\n")
        assert alive(child.pid)
    assert not alive(child.pid)


def test_a_program_is_ready_when_its_port_accepts(tmp_path: Path) -> None:
    port = free_port()
    code = f"import socket, time; held = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    with running(program(tmp_path, code, port)) as child:
        assert child.announced is None
        assert alive(child.pid)


def test_a_program_that_ends_early_is_reported_with_the_tail_of_its_log(tmp_path: Path) -> None:
    code = "import sys; print('first words'); sys.exit('last words')"
    with (
        pytest.raises(ProcessFailed, match=r"(?s)child ended with 1 .*first words\nlast words"),
        running(program(tmp_path, code, "never")),
    ):
        pytest.fail("it was never ready")


def test_a_program_that_is_not_ready_in_time_is_reported_and_ended(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with (
        pytest.raises(ProcessFailed, match=r"not ready after 0\.5 s"),
        running(program(tmp_path, code, "never", ready_seconds=0.5)),
    ):
        pytest.fail("it was never ready")
    assert not alive(int((tmp_path / "child.log").read_text()))


def test_a_child_that_ignores_the_request_and_its_own_child_are_killed(tmp_path: Path) -> None:
    with running(program(tmp_path, FAMILY, r"grandchild (\d+)", stop_seconds=0.3)) as child:
        assert child.announced is not None
        grandchild = int(child.announced[1])
        assert alive(grandchild)
    assert not alive(child.pid)
    eventually(lambda: not alive(grandchild), "the grandchild is gone")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_does_not_outlive_a_parent_that_is_shot(tmp_path: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "child.log")], cwd=PROJECT_ROOT, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(number)
    eventually(lambda: not alive(child), "the child is gone")
