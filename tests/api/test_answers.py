"""What every route answers alike, and the routes that ask nothing of a target: policies, health, problems."""

from __future__ import annotations

import json
from typing import Any

import pytest

from driftward.policies import policy_views
from local.dev.environments import ROOT
from shared.api import ApiRequest, answer, unexpected
from shared.api.problems import refusal
from shared.controller.rollback import RollbackRefused
from shared.model import Reason
from shared.model.errors import (
    Busy,
    ConfigurationError,
    Conflict,
    Denied,
    EntityChanged,
    GatewayError,
    Gone,
    Locked,
    Permanent,
    Stopped,
    StoreError,
    Throttled,
    Transient,
)
from shared.state.store import Store
from tests.api.calling import (
    PUBLIC,
    BrokenBlobs,
    WorldSources,
    call,
    problem,
)
from tests.fakes import World
from tests.memory import MemoryTables


def test_the_catalogue_is_the_one_of_the_command_line() -> None:
    text = f"version: 1\npolicies: {{{PUBLIC}: {{effect: alert}}}}\n"
    world = World(policies_file=text)
    policies = call(world, "list_policies").body
    assert policies == policy_views(world.deps().configuration)
    assert {p["effect"] for p in policies if p["id"] == PUBLIC} == {"alert"}
    assert all(p["permissions"] for p in policies)


def test_every_policy_says_where_it_is_described() -> None:
    for policy in call(World(), "list_policies").body:
        page, _, anchor = policy["docs"].partition("#")
        assert f"\n## {anchor}\n" in (ROOT / page).read_text(encoding="utf-8")
        assert anchor == policy["id"]


def test_health_is_fine_when_every_part_is() -> None:
    response = answer("health", ApiRequest(), WorldSources(World()))
    fine = {"settings": "ok", "policies": "ok", "store": "ok", "sinks": "ok"}
    assert (response.status, response.body) == (200, {"status": "ok", "parts": fine, "shut": []})


def test_health_says_that_nobody_is_told_and_is_fine_without_sinks() -> None:
    world = World()
    world.sinks = ()
    response = answer("health", ApiRequest(), WorldSources(world))
    assert (response.status, response.body["status"], response.body["parts"]["sinks"]) == (200, "ok", "none")


def test_the_deep_look_is_elsewhere_where_somebody_is_known() -> None:
    led = answer("health", ApiRequest(query={"deep": "true"}), WorldSources(World()))
    assert (led.status, led.headers["Location"]) == (307, "/api/doctor")
    plain = answer("health", ApiRequest(query={"deep": "false"}), WorldSources(World()))
    assert (plain.status, plain.body["status"]) == (200, "ok")
    found = answer("doctor", ApiRequest(), WorldSources(World()))
    assert (found.status, found.body) == (200, {"verdict": "well", "checks": []})


@pytest.mark.parametrize("part", ["settings", "policies", "store", "sinks"])
def test_health_names_the_part_that_is_wrong_and_no_secret(part: str) -> None:
    response = answer("health", ApiRequest(), WorldSources(World(), broken=(part,)))
    assert (response.status, response.body["status"]) == (503, "failed")
    assert {name for name, state in response.body["parts"].items() if state == "failed"} == {part}
    assert "hunter2" not in json.dumps(response.body)


def test_health_fails_when_the_store_does() -> None:
    world = World()
    world.store = Store(MemoryTables(), BrokenBlobs(), world.queue)
    response = answer("health", ApiRequest(), WorldSources(world))
    assert response.body["parts"]["store"] == "failed"


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (Gone("x"), 404, "not-found"),
        (Conflict("x"), 409, "azure-conflict"),
        (Locked("x"), 409, "azure-locked"),
        (Stopped("x"), 409, "server-stopped"),
        (Denied("x"), 502, "azure-denied"),
        (Permanent("x"), 502, "azure-refused"),
        (GatewayError("x"), 502, "azure-refused"),
        (Throttled("x"), 503, "azure-throttled"),
        (Busy("x"), 503, "azure-busy"),
        (Transient("x"), 503, "azure-unavailable"),
        (EntityChanged("x"), 409, "concurrent-change"),
        (StoreError("x"), 503, "store-unavailable"),
        (ConfigurationError("x"), 500, "not-configured"),
        (RollbackRefused(Reason.TARGET_BUSY, "x"), 503, "azure-busy"),
        (RollbackRefused(Reason.TARGET_STOPPED, "x"), 409, "server-stopped"),
        (RollbackRefused(Reason.BUDGET, "x"), 409, "budget-exhausted"),
    ],
)
def test_every_error_has_its_problem(error: Any, status: int, name: str) -> None:
    refused = refusal(error)
    assert (refused.kind.status, refused.kind.name) == (status, name)
    assert (refused.retry_after is not None) == (status == 503)


def test_what_nobody_expected_tells_nothing() -> None:
    problem(unexpected(), 500, "unexpected")
