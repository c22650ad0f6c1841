"""Runs of chaos as a person makes them, short ones: nothing may be off, and nothing may be left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from local.chaos.counters import COUNTERS
from local.dev.emulator import install_azurite
from local.dev.environments import ROOT

pytestmark = [pytest.mark.azurite, pytest.mark.engine]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install_azurite()


def _of_session(session: int) -> list[str]:
    """The live processes of a session; children in process groups of their own stay in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # After the name in brackets: state, parent, group, session.
            state, _, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state != "Z":
                found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


def _started(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.chaos", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _is_right(size: str) -> None:
    child = _started("--size", size)
    try:
        printed, told = child.communicate(timeout=1500)
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=60)
    assert _of_session(child.pid) == []
    assert child.returncode == 0, f"{printed}\n{told}"
    shown = json.loads(printed.splitlines()[-1])
    assert {name: shown[name] for name in COUNTERS} == dict.fromkeys(COUNTERS, 0)
    assert shown["chainValid"] is True
    assert shown["kills"] >= 1
    assert shown["ourWrites"] >= 1


@pytest.mark.field(
    "steady",
    "A host that is killed while calls fail and the sink is down loses no event, writes nothing twice, and "
    "leaves no alert, lease or notification behind.",
    source="docs/chaos.md",
    date="2026-11-29",
)
def test_a_host_that_is_killed_among_faults_loses_nothing_and_does_nothing_twice() -> None:
    _is_right("quick")


@pytest.mark.long
def test_two_hosts_that_are_killed_among_faults_and_outages_lose_nothing_and_do_nothing_twice() -> None:
    _is_right("minutes")


@pytest.mark.long
def test_a_run_that_is_interrupted_leaves_nothing_behind() -> None:
    child = _started("--size", "quick")
    assert child.stderr is not None
    while "are read first" not in (line := child.stderr.readline()):
        assert line, "ended before it began"
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted" in told
    assert _of_session(child.pid) == []


def test_sizes_and_choices_that_do_not_exist_are_refused() -> None:
    child = _started("--size", "enormous")
    _, told = child.communicate(timeout=60)
    assert child.returncode == 2
    assert "invalid choice" in told
