"""The HTTP trigger functions: requests taken apart, answers put together."""

from __future__ import annotations

import json
import logging
from typing import Any

import azure.functions as func
import pytest

from local.pages.callers import principal_header
from shared.api.routes import ROUTES
from tests.builders import SERVER, server
from tests.fakes import World
from tests.functions.conftest import Function


def request(
    method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None, **parts: Any
) -> func.HttpRequest:
    return func.HttpRequest(method, "http://127.0.0.1/api", headers=headers or {}, body=body, **parts)


def test_every_route_of_the_table_has_its_function(functions: dict[str, Function]) -> None:
    others = {"resource_events", "reconcile", "poison", "notify", "notify_poison", "sweep"}
    assert set(functions) == {route.name for route in ROUTES} | others


def test_an_answer_has_its_status_type_and_headers(functions: dict[str, Function], world: World) -> None:
    world.azure.put(server())
    world.authentication = True
    headers = {name.title(): text for name, text in principal_header("Driftward.Operator").items()}
    body = json.dumps({"resourceId": str(SERVER)}).encode()
    response = functions["start_run"](request("POST", body, headers))
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert json.loads(response.get_body())["cause"]["actor"]["name"] == "Jane Doe"


def test_query_and_route_parameters_reach_the_route(functions: dict[str, Function], world: World) -> None:
    refused = functions["list_alerts"](request(params={"limit": "none"}))
    assert (refused.status_code, json.loads(refused.get_body())["field"]) == (400, "limit")
    missing = functions["get_change"](request(route_params={"id": "nothing"}))
    assert (missing.status_code, missing.mimetype) == (404, "application/problem+json")


@pytest.mark.field(
    "http",
    "A filter without a value is refused, though the host drops it: it would show everything.",
    source="https://github.com/Azure/azure-functions-host, GrpcMessageConversionExtensions.ToRpcHttp",
    date="2026-11-29",
)
def test_a_filter_without_a_value_is_refused(functions: dict[str, Function], world: World) -> None:
    url = "https://app.example.net/api/alerts?status=&code=&limit=5"
    assert not world.store.alerts()
    asked = func.HttpRequest("GET", url, params={"limit": "5"}, body=b"")
    refused = functions["list_alerts"](asked)
    assert (refused.status_code, json.loads(refused.get_body())["field"]) == (400, "status")


def test_a_list_says_how_much_there_is(functions: dict[str, Function], world: World) -> None:
    asked = func.HttpRequest(
        "GET", "https://app.example.net/api/alerts?limit=5", params={"limit": "5"}, body=b""
    )
    assert functions["list_alerts"](asked).headers["X-Total-Count"] == str(len(world.store.alerts()))


def test_what_nobody_expected_is_logged_and_told_to_nobody(
    functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("shared.wiring.wiring", broken)
    with caplog.at_level(logging.ERROR):
        response = functions["list_alerts"](request())
    assert (response.status_code, json.loads(response.get_body())["type"]) == (500, "/problems/unexpected")
    assert b"hunter2" not in response.get_body()
    assert "hunter2" in caplog.text
