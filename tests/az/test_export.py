"""The script of `driftward scan --from-export`, run by bash with azure-cli itself, and what a scan finds.

``az`` is a program that hands its words to the azure-cli that runs already: a start takes seconds, and the
script makes dozens.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from driftward.scanning.documents.script import SCRIPT
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from tests.az.session import AzureCli, signed_in
from tests.catalogue.stage import everything_on
from tests.driftward.documents.test_export import ESTATE, without_commands

pytestmark = [pytest.mark.az, pytest.mark.long]

_SHIM = """#!{python}
import json, socket, sys
with socket.socket(socket.AF_UNIX) as way:
    way.connect({place!r})
    way.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    said = json.loads(way.makefile().readline())
sys.stdout.write(said["out"])
sys.stderr.write(said["errors"])
sys.exit(said["code"])
"""


@contextmanager
def as_program(cli: AzureCli, folder: Path) -> Iterator[Path]:
    """A folder with an ``az`` in it."""
    place = str(folder / "az.sock")
    program = folder / "az"
    program.write_text(_SHIM.format(python=sys.executable, place=place))
    program.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        threading.Thread(target=_serve, args=(listening, cli), daemon=True).start()
        yield folder


def _serve(listening: socket.socket, cli: AzureCli) -> None:
    while True:
        try:
            way, _ = listening.accept()
        except OSError:
            return
        with way:
            words = json.loads(way.makefile().readline())
            said = cli.run(shlex.join(["az", *words]))
            answer = {"code": said.code, "out": said.out, "errors": said.errors}
            way.sendall(json.dumps(answer).encode() + b"\n")


def report(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["scan", "--file", "all.yaml", "-o", "json", *options]) == 1
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_what_the_script_writes_is_found_as_azure_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.yaml").write_text(everything_on([]))
    with SimulatorServer() as server:
        SimulatorClient(server.url).seed([*ESTATE])
        with signed_in(server.url, [seeds.SUBSCRIPTION]) as cli, as_program(cli, tmp_path) as programs:
            path = f"{programs}{os.pathsep}{os.environ['PATH']}"
            done = subprocess.run(
                ["bash", "-c", SCRIPT],
                cwd=tmp_path,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
        written = len(list((tmp_path / "export").iterdir()))
        assert written > 40, done.stderr
        by_export = report(capsys, "--from-export", "export")
        monkeypatch.setenv("ARM_ENDPOINT", server.url)
        by_scan = report(capsys, "--subscription", seeds.SUBSCRIPTION)
    assert without_commands(by_export) == without_commands(by_scan), done.stderr
    assert by_export["targets"] == by_scan["targets"]
    assert by_export["unlisted"] == []
