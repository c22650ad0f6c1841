"""Which service the store stands on: memory, and where a test asks for it the emulator too."""

import pytest

from shared.state.store import Store
from tests.adapters.storage.storage import Backend, blobs_on, queue_on, tables_on
from tests.state.store.bench import Bench


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = getattr(request, "param", "memory")
    return chosen


@pytest.fixture
def bench(backend: Backend, request: pytest.FixtureRequest) -> Bench:
    def emulator() -> str:
        connection_string: str = request.getfixturevalue("azurite")
        return connection_string

    return Bench(tables_on(backend, emulator), blobs_on(backend, emulator), queue_on(backend, emulator))


@pytest.fixture
def store(bench: Bench) -> Store:
    return bench.store
