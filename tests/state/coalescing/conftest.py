"""A bench for each test."""

import pytest

from tests.state.coalescing.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
