"""Fixtures for tests that need the storage emulator or a running local host (a pytest plugin module).

`azurite` is one emulator per test process (per xdist worker), so tests name their queues and tables
themselves and share nothing else. `start_host` starts the local host on an app folder in a child process
with a clean environment; hosts end with the test. `start_module_host` is the same for hosts that a whole
module shares.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from local.dev.emulator import PROJECT_ROOT, install_azurite
from local.dev.emulator import azurite as run_azurite
from local.dev.processes import Program, Running, running


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        content: object = json.loads(self.body)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalHost:
    """A running host. `stop` ends it now rather than with the fixture."""

    url: str
    process: Running
    stack: ExitStack

    def log(self) -> str:
        return self.process.log()

    def stop(self) -> None:
        self.stack.close()

    def call(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpReply:
        """One request; an error status is a reply like any other."""
        request = urllib.request.Request(
            f"{self.url}{path}", data=body, headers=dict(headers or {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=300) as reply:
                return HttpReply(status=reply.status, headers=dict(reply.headers), body=reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return HttpReply(status=error.code, headers=dict(error.headers), body=error.read())


class StartHost(Protocol):
    def __call__(self, app_root: Path, env: Mapping[str, str], *options: str) -> LocalHost: ...


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a storage emulator that lives as long as this test process."""
    install_azurite()
    with run_azurite(tmp_path_factory.mktemp("azurite") / "azurite.log") as connection:
        yield connection


@pytest.fixture
def start_host(tmp_path: Path) -> Iterator[StartHost]:
    """Starts local hosts that end with the test."""
    yield from _starter(tmp_path)


@pytest.fixture(scope="module")
def start_module_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartHost]:
    """Starts local hosts that end with the module."""
    yield from _starter(tmp_path_factory.mktemp("hosts"))


def host_program(app_root: Path, env: Mapping[str, str], log_path: Path, *options: str) -> Program:
    """The local host on a port of its choice, with nothing of our environment but what finds programs."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "PYENV_VERSION") if name in os.environ}
    return Program(
        name="host",
        argv=[sys.executable, "-m", "local.host", "--app-root", str(app_root), "--port", "0", *options],
        env={**inherited, **env},
        log_path=log_path,
        ready=r"host ready (http://\S+) functions=(\d+)",
        ready_seconds=300,
        cwd=PROJECT_ROOT,
    )


def _starter(folder: Path) -> Iterator[StartHost]:
    with ExitStack() as all_hosts:
        count = iter(range(1000))

        def start(app_root: Path, env: Mapping[str, str], *options: str) -> LocalHost:
            program = host_program(app_root, env, folder / f"host-{next(count)}.log", *options)
            stack = all_hosts.enter_context(ExitStack())
            process = stack.enter_context(running(program))
            assert process.announced is not None
            return LocalHost(url=process.announced[1], process=process, stack=stack)

        yield start
