"""The stage that all plays of one process share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.catalogue.stage import Stage, opened


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with opened() as stage:
        yield stage
