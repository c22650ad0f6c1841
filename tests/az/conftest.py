"""The stage and a signed-in azure-cli that the closed loop's tests share, and how long it all took."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from _pytest.terminal import TerminalReporter

from tests.az.closed_loop import SUBSCRIPTIONS
from tests.az.session import AzureCli, signed_in
from tests.catalogue.stage import Stage, opened

_TOOK = pytest.StashKey[list[float]]()


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with opened() as stage:
        yield stage


@pytest.fixture(scope="session")
def cli(stage: Stage, request: pytest.FixtureRequest) -> Iterator[AzureCli]:
    """azure-cli in the cloud that the stage is."""
    started = time.monotonic()
    with signed_in(stage.server.url, SUBSCRIPTIONS) as cli:
        yield cli
    request.config.stash.setdefault(_TOOK, []).append(time.monotonic() - started)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    for seconds in config.stash.get(_TOOK, []):
        terminalreporter.write_line(f"the closed loop with azure-cli took {seconds:.0f} s")
