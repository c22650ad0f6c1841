"""The templates deployed into the simulator: what it knows it judges as Azure would, the rest it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.dev.bicep.deploying import Made, Scope, deploy
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.switches import Switches
from tests.infra.azure import HOME, INFRA, FakeAzure, subscribed


class Simulated(FakeAzure):
    """Sends every resource to the simulator, waits for its operation, and adds what only Azure knows."""

    def __init__(self, client: SimulatorClient) -> None:
        super().__init__()
        self._client = client
        self.shown: dict[str, Mapping[str, Any]] = {}

    def make(self, made: Made) -> Mapping[str, Any]:
        self.shown[made.id] = self._client.put(made.id, dict(made.body))
        return super().make(made)


@pytest.fixture
def azure() -> Iterator[Simulated]:
    with SimulatorServer(switches=Switches(operation_seconds=0)) as server:
        yield Simulated(SimulatorClient(server.url))


@pytest.mark.parametrize("network", ["public", "closed"])
def test_nothing_is_refused_and_what_is_shown_is_what_was_sent(network: str, azure: Simulated) -> None:
    given = {"environmentName": "dw", "location": "canadacentral", "network": network, "signInClientId": "c"}
    outputs = deploy(INFRA / "main.bicep", Scope(subscription=HOME), given, azure)
    subscribed(azure, outputs, HOME)
    assert len(azure.shown) == len(azure.made)
    for made in azure.made.values():
        shown = azure.shown[made.id]
        assert str(shown["id"]).lower() == made.id.lower()
        assert set(made.body) <= set(shown), made.id
        assert made.body.get("properties", {}).keys() <= shown.get("properties", {}).keys(), made.id


def test_the_network_is_one_that_private_endpoints_stand_in(azure: Simulated) -> None:
    given = {"environmentName": "dw", "location": "canadacentral", "network": "closed"}
    deploy(INFRA / "main.bicep", Scope(subscription=HOME), given, azure)
    endpoints = azure.of("Microsoft.Network/privateEndpoints")
    assert len(endpoints) == 4
    subnets = {azure.shown[one.id]["properties"]["subnet"]["id"].rpartition("/")[2] for one in endpoints}
    assert subnets == {"endpoints"}
