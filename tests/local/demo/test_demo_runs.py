"""The commands as a person runs them: `demo` and `up`, from start to the last process gone."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from local.dev.emulator import install_azurite
from local.dev.environments import ROOT
from local.pages.transcript import STORED, left_out, shortened

pytestmark = [pytest.mark.azurite, pytest.mark.engine]

_ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install_azurite()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


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


@contextmanager
def _started(
    command: str, env: Mapping[str, str] | None = None, project: Path = ROOT
) -> Iterator["subprocess.Popen[str]"]:
    """`python -m local <command>` in a session of its own, its output piped."""
    child = subprocess.Popen(
        [sys.executable, "-u", "-m", "local", command],
        cwd=project,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        child.communicate(timeout=600)


def _read_until(child: "subprocess.Popen[str]", wanted: str) -> str:
    """What was printed until `wanted` was in it."""
    assert child.stdout is not None
    printed = ""
    while wanted not in printed:
        line = child.stdout.readline()
        assert line, f"ended before it printed {wanted!r}:\n{printed}"
        printed += line
    return printed


def _interrupt(child: "subprocess.Popen[str]") -> tuple[int, str]:
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=600)
    return child.returncode, rest


def _nothing_is_left(session: int, printed: str) -> None:
    assert _of_session(session) == []
    assert [port for port in map(int, _ADDRESS.findall(printed)) if _listens(port)] == []


def test_the_demo_ends_as_expected_and_leaves_nothing_behind() -> None:
    with _started("demo", {"COLUMNS": ""}) as child:
        printed, _ = child.communicate(timeout=600)
        assert child.returncode == 0, printed
        _nothing_is_left(child.pid, printed)
    assert "\x1b" not in printed
    assert "all 15 as expected" in printed
    assert max(len(line) for line in printed.splitlines()) <= 100
    stored = (ROOT / STORED).read_text(encoding="utf-8")
    assert _plot(shortened(printed, left_out())) == _plot(stored), (
        "the README's transcript is old: `make docs`"
    )


def _plot(transcript: str) -> list[str]:
    """The headings, who did what, and how it ended: what no slow machine can change.

    How many looks a change took, and which of two alerts came first, differs from run to run.
    """
    lines = transcript.splitlines()
    deeds = [line.split("  ", 1)[1] for line in lines if re.match(r"\d\d:\d\d:\d\d\.\d  ", line)]
    return [*deeds, *(line for line in lines if line.startswith("✓") or line.endswith("──"))]


@pytest.mark.long
def test_the_demo_can_be_interrupted_and_leaves_nothing_behind() -> None:
    with _started("demo") as child:
        printed = _read_until(child, "Audit mode:")
        code, rest = _interrupt(child)
        _nothing_is_left(child.pid, printed + rest)
    assert code == 130
    assert "interrupted" in rest


def _copy(folder: Path) -> Path:
    """The project without what a run does not need; the emulator is shared."""
    for name in ("local", "shared", "functions", "driftward"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("function_app.py", "host.json", "policies.yaml", "package.json"):
        shutil.copy(ROOT / name, folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


@pytest.mark.long
def test_a_demo_that_cannot_be_set_up_says_so_with_exit_2(tmp_path: Path) -> None:
    project = _copy(tmp_path)
    (project / "function_app.py").write_text("raise RuntimeError('no app today')\n", encoding="utf-8")
    with _started("demo", project=project) as child:
        printed, _ = child.communicate(timeout=600)
        _nothing_is_left(child.pid, printed)
    assert child.returncode == 2
    assert "the set-up failed" in printed
    assert "no app today" in printed


@pytest.mark.long
def test_a_wrong_end_state_is_shown_with_exit_1(tmp_path: Path) -> None:
    """A policy that only alerts leaves the subnet blocked, which the simulator's state tells."""
    project = _copy(tmp_path)
    policies = project / "policies.yaml"
    lenient = "  nsg-blocks-postgres-in-subnet:\n    effect: alert\n"
    text = policies.read_text(encoding="utf-8").replace("  nsg-blocks-postgres-in-subnet:\n", lenient)
    policies.write_text(text, encoding="utf-8")
    with _started("demo", project=project) as child:
        printed, _ = child.communicate(timeout=600)
        _nothing_is_left(child.pid, printed)
    assert child.returncode == 1, printed
    wrong = [line.split("  ")[1] for line in printed.splitlines() if line.startswith("✗ WRONG")]
    assert wrong == ["audit: decisions", "nsg-data: 5432 and 6432"]
    assert (project / ".driftward" / "demo-logs" / "host-enforce.log").exists()


@pytest.mark.long
def test_up_prints_calls_that_work_and_ends_with_ctrl_c() -> None:
    with _started("up") as child:
        printed = _read_until(child, "Ctrl-C ends everything")
        calls = [line.strip() for line in printed.splitlines() if line.strip().startswith("curl ")]
        answers = [_perform(call) for call in calls]
        shown = _read_until(child, "postgres-public-access-enabled: WouldRevert")
        code, rest = _interrupt(child)
        _nothing_is_left(child.pid, printed)
    assert len(answers) >= 12
    assert all(status in {200, 201, 202} for status in answers), list(zip(calls, answers, strict=True))
    assert re.search(r"^\d\d:\d\d:\d\d  pg-orders  .*; \d+ ARM calls$", shown, re.MULTILINE), shown
    assert not [line for line in shown.splitlines() if '"findings"' in line]
    host = re.search(r"^  host       (\S+)", printed, re.MULTILINE)
    key = re.search(r"^  key        (\S+)", printed, re.MULTILINE)
    assert host is not None
    assert key is not None
    assert f"\n  export HOST={host[1]} KEY={key[1]}\n" in printed
    assert code == 0
    assert "nothing listens any more" in rest


@pytest.mark.long
def test_up_starts_the_core_tools_where_they_are_on_the_path(tmp_path: Path) -> None:
    """Stands in for `func start --port N`: the real one cannot be installed here."""
    func = tmp_path / "func"
    func.write_text(
        textwrap.dedent(
            f"""\
            #!{sys.executable}
            import subprocess, sys
            if sys.argv[1:] == ["--version"]:
                sys.exit(print("4.99.0"))
            _, start, _, port = sys.argv
            assert start == "start"
            argv = [sys.executable, "-m", "local.host", "--app-root", ".", "--port", port]
            host = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
            print(host.stdout.readline(), "Worker process started and initialized.", flush=True)
            host.wait()
            """
        ),
        encoding="utf-8",
    )
    func.chmod(0o755)
    with _started("up", {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}) as child:
        printed = _read_until(child, "Ctrl-C ends everything")
        code, _ = _interrupt(child)
        _nothing_is_left(child.pid, printed)
    assert f"the Core Tools ({func})" in printed
    assert code == 0


def _perform(call: str) -> int:
    """The status of a printed curl call; only the options that are printed are understood."""
    words = iter(shlex.split(call)[1:])
    method, headers, body, url = "", {}, None, ""
    for word in words:
        match word:
            case "-s":
                continue
            case "-X":
                method = next(words)
            case "-H":
                name, _, text = next(words).partition(": ")
                headers[name] = text
            case "-d":
                body = next(words).encode()
                json.loads(body)
            case _:
                url = word
    request = urllib.request.Request(
        url, data=body, headers=headers, method=method or ("POST" if body else "GET")
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
