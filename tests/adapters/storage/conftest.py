"""Every test of this package runs in memory and on the emulator."""

import pytest

from shared.model.interfaces import Blobs, Tables
from tests.adapters.storage.storage import Backend, QueueProbe, blobs_on, queue_on, tables_on


@pytest.fixture(params=["memory", pytest.param("azurite", marks=pytest.mark.azurite)])
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.param
    return chosen


@pytest.fixture
def tables(backend: Backend, request: pytest.FixtureRequest) -> Tables:
    return tables_on(backend, lambda: request.getfixturevalue("azurite"))


@pytest.fixture
def blobs(backend: Backend, request: pytest.FixtureRequest) -> Blobs:
    return blobs_on(backend, lambda: request.getfixturevalue("azurite"))


@pytest.fixture
def probe(backend: Backend, request: pytest.FixtureRequest) -> QueueProbe:
    return queue_on(backend, lambda: request.getfixturevalue("azurite"))
