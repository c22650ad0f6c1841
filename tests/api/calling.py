"""How tests ask the HTTP API without the platform, and worlds that have something to answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.api import ApiRequest, ApiResponse, answer
from shared.api.http import PROBLEMS
from shared.config.configuration import Configuration
from shared.config.settings import Settings
from shared.controller.deps import Deps
from shared.controller.doctor import Asked, Report, Verdict
from shared.model import Json, Outcome
from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeRecord
from shared.model.errors import (
    ConfigurationError,
    StoreError,
)
from shared.state.store import Store
from tests.builders import (
    ALL_AZURE,
    OFFICE,
    public_server,
    server,
)
from tests.fakes import START, SUBSCRIPTION, World
from tests.memory import FakeClock, MemoryBlobs

PUBLIC = "postgres-public-access-enabled"
FIREWALL = "postgres-firewall-allows-all-azure"
SCOPE = f"/subscriptions/{SUBSCRIPTION}"
IN_AN_HOUR = (START + timedelta(hours=1)).isoformat()


@dataclass
class WorldSources:
    """The composition root of a world; ``broken`` names parts that cannot be had."""

    world: World
    broken: tuple[str, ...] = ()

    def deps(self) -> Deps:
        return self.world.deps()

    def examined(self, asked: Asked) -> Report:
        return Report(verdict=Verdict.WELL, checks=())

    @property
    def has_sinks(self) -> bool:
        self._unless("sinks")
        return bool(self.world.sinks)

    @property
    def settings(self) -> Settings:
        self._unless("settings")
        return self.world.deps().settings

    @property
    def configuration(self) -> Configuration:
        self._unless("policies")
        return self.world.deps().configuration

    @property
    def store(self) -> Store:
        self._unless("store")
        return self.world.store

    @property
    def clock(self) -> FakeClock:
        return self.world.clock

    def _unless(self, part: str) -> None:
        if part in self.broken:
            raise ConfigurationError(f"{part}: the password is hunter2")


def call(
    world: World,
    name: str,
    body: Json = None,
    *,
    id: str | None = None,  # noqa: A002  # the name in the route
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiResponse:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    request = ApiRequest(
        parameters={} if id is None else {"id": id},
        query=query or {},
        headers=headers or {},
        body=raw,
    )
    response = answer(name, request, WorldSources(world))
    json.dumps(response.body, allow_nan=False)
    return response


def problem(response: ApiResponse, status: int, name: str, field: str | None = None) -> str:
    """Checks a problem and returns its detail."""
    assert (response.status, response.body["type"]) == (status, f"/problems/{name}"), response.body
    assert response.body.get("field") == field
    assert (response.body["status"], response.media_type) == (status, "application/problem+json")
    assert response.body["title"] == PROBLEMS[name].title
    assert "Traceback" not in response.body["detail"]
    detail: str = response.body["detail"]
    return detail


def drifted() -> World:
    """A server that was compliant, and to which somebody has let every Azure address in."""
    world = World()
    world.azure.put(public_server())
    world.look(public_server().target)
    world.drain()
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    return world


def alerted() -> tuple[World, AlertRecord]:
    """Public access was opened, and a rule older than that makes closing it wait for an approval."""
    world = World()
    world.azure.put(server(firewall_rules=(OFFICE,)))
    world.look(server().target)
    world.drain()
    world.azure.put(public_server())
    world.event(server().target)
    world.drain()
    (alert,) = world.store.alerts(policy=PUBLIC)
    return world, alert


def reverted() -> tuple[World, ChangeRecord]:
    world = drifted()
    world.event(public_server().target)
    world.drain(30)
    (change,) = world.store.changes(outcome=Outcome.REVERTED)
    return world, change


class BrokenBlobs(MemoryBlobs):
    """Nothing can be listed here."""

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        raise StoreError(f"{container}/{prefix}: the account's key is wrong")
