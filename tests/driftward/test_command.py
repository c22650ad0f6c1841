"""The command `driftward` as a whole: help, exit codes, errors in a line, and no traceback for anybody."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import driftward
from driftward.cli import COMMANDS, main
from local.__main__ import main as local_main
from local.dev.environments import ROOT

SERVER = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/data"
    "/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
)
NSG = {"name": "nsg-data", "properties": {"securityRules": []}}
QUESTION = (
    *("--direction", "Inbound", "--source", "10.0.1.0/24", "--destination", "10.0.1.0/24"),
    *("--ports", "5432"),
)


def run(
    *words: str, cwd: Path = ROOT, module: str = "driftward", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def on_terminal(*words: str, environment: Mapping[str, str]) -> str:
    """What is written to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "driftward", *words],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ):
        os.close(theirs)
        read = b"".join(iter(lambda: _piece(ours), b""))
    os.close(ours)
    return read.decode()


def _piece(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says so when the other side has closed a terminal
        return b""


@pytest.fixture
def nsg(tmp_path: Path) -> str:
    path = tmp_path / "nsg.json"
    path.write_text(json.dumps(NSG), encoding="utf-8")
    return str(path)


# --- help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("called", [main, local_main])
def test_every_command_has_help_with_an_example_and_its_exit_codes(
    name: str, called: object, capsys: pytest.CaptureFixture[str]
) -> None:
    command = main if called is main else local_main
    assert command([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"driftward {name} " in said
    assert "xit codes:" in said
    assert "--debug" in said


def test_the_list_of_commands_is_said_in_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert "_DRIFTWARD_COMPLETE=bash_source" in said
    assert max(len(line) for line in said.splitlines()) <= 88  # examples are not folded


@pytest.mark.parametrize("name", ["demo", "up"])
def test_a_laptops_own_commands_have_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert local_main([name, "--help"]) == 0
    assert "Exit codes:" in capsys.readouterr().out


def test_the_version_is_said_and_nothing_is_imported_for_it() -> None:
    program = (
        "import sys\nfrom driftward.cli import main\nassert main(['--version']) == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"driftward {driftward.__version__}\n"
    assert not {"shared", "rich", "pydantic", "azure"} & {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from driftward.cli import run, driftward; run(driftward, [], 'driftward')"],
        cwd=ROOT,
        env={**os.environ, "_DRIFTWARD_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_DRIFTWARD_COMPLETE" in done.stdout or "Couldn't detect Bash" in done.stderr


def test_completion_knows_commands_and_options() -> None:
    words = {"_DRIFTWARD_COMPLETE": "zsh_complete", "COMP_WORDS": "driftward expl", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from driftward.cli import run, driftward; run(driftward, [], 'driftward')"],
        cwd=ROOT,
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("expl")] == [
        "explain-nsg",
        "explain-flows",
    ]


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["polices"], "No such command 'polices'"),
        (["policies", "--colour"], "No such option"),
        (["policies", "-o", "xml"], "'xml' is not one of"),
        (["policies", "shew"], "No such command 'shew'"),
        (["policies", "show"], "Missing argument 'ID'"),
        (["explain-nsg", "--nsg"], "requires an argument"),
        (["explain-flows"], "Missing argument"),
        (["diagnose"], "Missing argument 'SERVER'"),
        (["replay", "event.json"], "Missing option '--to'"),
    ],
)
def test_a_wrong_call_is_exit_2_with_one_message(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    first, second = printed.err.splitlines()
    assert said in first
    assert second.endswith("--help` says what there is.")


def test_a_call_without_a_command_shows_the_help_and_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["policies", "--file", "absent.yaml"],
        ["explain-nsg", "--nsg", "absent.json", *QUESTION],
        ["explain-flows", "absent.json"],
        ["explain-flows", "--server", "absent.json", "also-absent.json"],
        ["replay", "absent.json", "--to", "http://127.0.0.1/"],
        ["explain-nsg", "--batch", "absent.jsonl"],
    ],
)
def test_an_absent_file_is_named_in_a_line(words: list[str]) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "absent" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_the_system_refuses_is_a_line_and_debug_has_the_rest() -> None:
    program = (
        "import sys, click\nfrom driftward.cli import LazyGroup, run\nfrom driftward.options import debug\n"
        "@click.group(cls=LazyGroup, places={})\n@debug\ndef group(): ...\n"
        "@group.command('up')\n@debug\ndef up():\n"
        "    import socket\n    held = socket.create_server(('127.0.0.1', 0))\n"
        "    socket.create_server(held.getsockname())\n"
        "sys.exit(run(group, sys.argv[1:], 'driftward'))"
    )

    def called(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, text=True, check=False
        )

    plain, everything = called("up"), called("up", "--debug")
    assert plain.returncode == 2
    assert "Address already in use" in plain.stderr
    assert len(plain.stderr.splitlines()) == 1
    assert "Traceback" in everything.stderr


@pytest.mark.parametrize("words", [["policies", "--json"], ["policies"], ["--help"], ["policies", "--help"]])
def test_whoever_stops_reading_sees_no_traceback(words: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "driftward", *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writing)
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert "Traceback" not in told
    assert "Broken" not in told
    assert process.returncode == 1


def test_a_full_disk_is_told_in_a_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "driftward", "policies", "--json"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


# --- signing in ------------------------------------------------------------------------------------

SIGNED_OUT = {"ARM_ENDPOINT": "", "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", "PATH": "/nowhere"}
"""The one credential that is looked for is az's, and there is no az."""


def test_without_a_credential_a_line_says_what_to_do_and_debug_says_why() -> None:
    done = run("diagnose", SERVER, environment=SIGNED_OUT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "not signed in to Azure: `az login`, or set ARM_ENDPOINT\n"
    debugged = run("diagnose", SERVER, "--debug", environment=SIGNED_OUT).stderr
    assert "Azure CLI not found on path" in debugged
    assert "Traceback" in debugged


def test_the_same_holds_where_flows_are_explained_for_machines() -> None:
    log = str(ROOT / "tests" / "driftward" / "flows" / "logs" / "nsg_thread.json")
    done = run("explain-flows", log, "--server", SERVER, "--json", environment=SIGNED_OUT)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "not signed in to Azure: `az login`, or set ARM_ENDPOINT"
    assert len(done.stderr.splitlines()) == 1


# --- forms -----------------------------------------------------------------------------------------


def test_json_can_be_asked_for_in_three_ways(nsg: str) -> None:
    told = [
        {**json.loads(run("explain-nsg", "--nsg", nsg, *QUESTION, *form).stdout), "ms": 0}
        for form in (["--json"], ["-o", "json"], ["--output", "JSON"])
    ]
    assert told[0] == told[1] == told[2]
    assert run("explain-nsg", "--nsg", nsg, *QUESTION, "-o", "table").stdout.startswith("DEPENDS")


def test_a_terminal_gets_colours_unless_it_wants_none(nsg: str) -> None:
    for words in (["policies"], ["explain-nsg", "--nsg", nsg, *QUESTION]):
        assert "\x1b[" in on_terminal(*words, environment={"NO_COLOR": ""})
        assert "\x1b[" not in on_terminal(*words, environment={"NO_COLOR": "1"})


@pytest.mark.parametrize(
    "words",
    [
        ["policies", "--json"],
        ["policies"],
        ["policies", "--explain", SERVER],
        ["policies", "show", "postgres-tls-not-required"],
        ["policies", "--file", "absent.yaml"],
        ["diagnose", "nobody"],
        ["replay", "absent.json", "--to", "http://127.0.0.1/"],
    ],
)
def test_the_old_names_give_the_same_answer(words: list[str]) -> None:
    ours, theirs = run(*words), run(*words, module="local")
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


def test_an_old_name_is_called_by_its_old_name_in_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert local_main(["policies", "--colour"]) == 2
    assert capsys.readouterr().err.startswith("python -m local policies: ")


# --- what a shell or a machine can do to a call ----------------------------------------------------


def shell(line: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A line of `sh` in which `$D` is the command."""
    return subprocess.run(
        ["sh", "-c", line],
        cwd=ROOT,
        env={**os.environ, "D": f"{sys.executable} -m driftward", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$D policies >&-", 0),
        ("$D policies show postgres-tls-not-required >&- 2>&- <&-", 0),
        ("$D polices 2>/dev/full", 2),
        ("$D 2>/dev/full", 2),
        ("$D diagnose nobody 2>/dev/full", 2),
        ("$D explain-nsg 2>/dev/full", 2),
        ("$D explain-nsg --batch <&-", 2),
        ("$D explain-flows - <&-", 2),
        (f"$D explain-nsg --nsg - {' '.join(QUESTION)} <&-", 2),
    ],
)
def test_a_closed_or_full_stream_changes_no_exit_code(line: str, code: int) -> None:
    done = shell(line)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert ("standard input is closed" in done.stderr) == ("<&-" in line and code == 2)


def test_an_error_writes_nothing_to_the_terminal_but_text(tmp_path: Path) -> None:
    server = tmp_path / "server.json"
    server.write_text(json.dumps({"type": "a\x1b[31mb"}), encoding="utf-8")
    for words in (
        ["explain-nsg", "--nsg", str(server), *QUESTION],
        ["explain-flows", "--server", str(server), "absent.json"],
        ["policies", "--file", "a\x1b[31mb"],
    ):
        done = run(*words)
        assert done.returncode == 2
        assert "a\ufffd[31mb" in done.stderr


def test_two_forms_that_contradict_each_other_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "--json", "-o", "table"]) == 2
    assert "contradict" in capsys.readouterr().err
    assert main(["policies", "--json", "-o", "json"]) == 0


def test_diagnose_goes_by_the_folders_policies_like_every_command(tmp_path: Path) -> None:
    (tmp_path / "policies.yaml").write_text("version: one\n", encoding="utf-8")
    done = run("diagnose", SERVER, cwd=tmp_path, environment=SIGNED_OUT)
    assert done.returncode == 2
    assert done.stderr.startswith("policies.yaml:1: version")


def test_a_reason_of_azures_says_whose_it_is() -> None:
    closed = {"ARM_ENDPOINT": "http://127.0.0.1:9"}
    done = run("diagnose", SERVER, environment=closed)
    assert done.returncode == 2
    assert done.stderr.startswith("Azure: no usable answer: ")
    wrong = {"ARM_ENDPOINT": "", "AZURE_TOKEN_CREDENTIALS": "nonsense"}
    assert "AZURE_TOKEN_CREDENTIALS" in run("diagnose", SERVER, environment=wrong).stderr.splitlines()[0]
