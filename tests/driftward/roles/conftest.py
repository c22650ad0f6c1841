"""A PostgreSQL server for a module, kept as the service keeps one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.driftward.roles import world
from tests.driftward.roles.postgres import NoServer, Postgres, program, running


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """Where there is none the tests are not run, and say so; in CI that is a failure."""
    try:
        program("initdb")
    except NoServer as absent:
        if os.environ.get("CI"):
            pytest.fail(str(absent))
        pytest.skip(str(absent))
    with running() as server:
        server.run(*world.NO_FAULT)
        server.run(*world.IN_SHOP, database="shop")
        yield server
