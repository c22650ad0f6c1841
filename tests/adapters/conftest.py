"""Fixtures for the adapters: the simulator, a scripted ARM, a standing clock, a sleep that is only noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.switches import Switches
from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.session.clients import ArmClients
from shared.config.settings import Settings
from shared.model import Operation
from tests.adapters.scripted_arm import ScriptedArm, scripted_arm

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class StandingClock:
    """A clock that always says ``NOW``."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Bench:
    """A gateway over a scripted ARM, and how long it wanted to sleep."""

    arm: ScriptedArm
    clients: ArmClients
    gateway: ArmGateway
    slept: list[float] = field(default_factory=list)

    @property
    def statuses(self) -> list[tuple[str, int]]:
        return [(call.method, call.status) for call in self.gateway.calls]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with scripted_arm() as arm:
        slept: list[float] = []
        clients = ArmClients(Settings(arm_endpoint=arm.url))
        yield Bench(arm, clients, ArmGateway(clients, StandingClock(), slept.append), slept)
        clients.close()


@dataclass
class Azure:
    """A gateway over the simulator, and the simulator as an operator sees it."""

    simulator: SimulatorClient
    clients: ArmClients
    slept: list[float] = field(default_factory=list)

    def gateway(self) -> ArmGateway:
        """A gateway for one run."""
        return ArmGateway(self.clients, StandingClock(), self.slept.append)

    def finish(self, gateway: ArmGateway, operation: Operation) -> int:
        """Poll until the operation has succeeded; how many looks it took."""
        looks = 0
        following: Operation | None = operation
        while following is not None and looks < 1000:
            following = gateway.poll(following)
            looks += 1
            self.simulator.wait_idle(5)
        return looks


@pytest.fixture
def azure() -> Iterator[Azure]:
    with SimulatorServer(switches=Switches(operation_seconds=0.02)) as server:
        clients = ArmClients(Settings(arm_endpoint=server.url))
        yield Azure(SimulatorClient(server.url), clients)
        clients.close()
