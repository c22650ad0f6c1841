"""Fixtures for the adapters: a scripted ARM, a clock that stands still, and a sleep that is only noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.adapters.arm.clients import ArmClients
from shared.adapters.arm.gateway import ArmGateway
from shared.settings import Settings
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
