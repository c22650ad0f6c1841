"""Messages that nobody can process, and the HTTP API, through the real engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.api.openapi import document
from shared.api.routes import ROUTES
from shared.model import Cause, CauseKind, Target, TargetKind, codec
from shared.model.messages import look
from shared.model.resource_id import ResourceId
from tests.engine.conftest import KEY, Running, eventually

pytestmark = [pytest.mark.engine, pytest.mark.azurite]


def reasons(app: Running) -> list[str]:
    return [letter["reason"] for letter in app.dead_letters()]


def test_a_body_that_is_no_message_is_put_aside_at_once(app: Running) -> None:
    app.enqueue("reconcile", "no message at all")
    letter = eventually(app.dead_letters, "a dead letter")[0]
    assert (letter["reason"], letter["body"]) == ("not-a-message", "no message at all")


def test_a_poisoned_message_is_kept_and_opens_an_alert(app: Running) -> None:
    server = seeds.flexible_server_id(name="pg-poisoned")
    target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(server))
    body = codec.dump(look(target, Cause(kind=CauseKind.EVENT, time=datetime(2026, 11, 2, tzinfo=UTC))))
    app.enqueue("reconcile-poison", body)
    (alert,) = eventually(lambda: app.alerts(server), "an alert")
    assert (alert["policy"], alert["status"], alert["decision"]["reason"]) == (
        "poisoned-message",
        "open",
        "poisoned",
    )
    assert "poisoned" in reasons(app)


def test_the_sweep_finds_a_server_that_no_event_named(app: Running) -> None:
    server = seeds.flexible_server_id(name="pg-quiet")
    app.simulator.seed([seeds.flexible_server(name="pg-quiet", public_access="Disabled")])
    headers = {"x-functions-key": KEY, "Content-Type": "application/json"}
    assert (
        app.host.call("POST", "/admin/functions/sweep", body=b'{"input": ""}', headers=headers).status == 202
    )
    eventually(lambda: app.reads_of(server), "a read of pg-quiet")


def test_health_needs_no_key_and_everything_else_does(app: Running) -> None:
    reply = app.api("GET", "health", key=None)
    fine = {"settings": "ok", "policies": "ok", "store": "ok", "sinks": "none"}
    health: Any = reply.json()
    assert (reply.status, health["status"], health["parts"]) == (200, "ok", fine)
    status: Any = app.api("GET", "status").json()
    shut = [one["route"].removeprefix("POST /api/").replace("{id}", "nothing") for one in status["shut"]]
    assert (status["shut"], len(shut)) == (health["shut"], 7)
    assert {app.api("POST", path, {"scope": "any", "adopt": True}).status for path in shut} == {403}
    assert app.api("GET", "alerts", key=None).status == 401
    assert app.api("GET", "alerts").status == 200


def test_a_run_answers_with_findings_and_the_calls_it_made(app: Running) -> None:
    app.simulator.seed([seeds.flexible_server(name="pg-run")])
    server = seeds.flexible_server_id(name="pg-run")
    reply = app.api("POST", "runs", {"resourceId": server})
    run: Any = reply.json()
    assert (reply.status, run["status"], run["enforcement"]) == (200, "Done", "audit")
    assert {"NonCompliant"} <= {finding["state"] for finding in run["findings"]}
    assert run["armCalls"]
    assert app.api("GET", f"runs/{run['id']}").json() == run


def test_an_nsg_is_explained_by_its_id_with_the_tags_of_its_region_and_no_write(app: Running) -> None:
    properties: JsonObject = {"destinationAddressPrefix": "Storage", "destinationPortRange": "443"}
    allow = seeds.security_rule(
        name="storage", priority=100, direction="Outbound", access="Allow", properties=properties
    )
    rules = [allow, seeds.security_rule(name="deny-all", priority=200, direction="Outbound")]
    tags = seeds.service_tags(prefixes={"Storage": ["20.60.0.0/16"]}, change_number="84")
    app.simulator.seed([seeds.nsg(name="nsg-asked", rules=rules), tags])
    question = {
        "nsg": seeds.nsg_id(name="nsg-asked"),
        "direction": "Outbound",
        "source": "10.20.1.0/24",
        "destination": "20.60.7.0/24",
        "ports": "443",
    }
    before = max(int(str(call["seq"])) for call in app.simulator.calls())
    reply = app.api("POST", "nsg/explain", question)
    found: Any = reply.json()
    assert (reply.status, found["verdict"], found["nsgId"]) == (200, "allowed", question["nsg"])
    assert found["tagsAsOf"]["changeNumber"] == "84"
    assert {call["method"] for call in app.simulator.calls(since=before)} == {"GET"}
    assert app.api("POST", "nsg/explain", question, key=None).status == 401
    refused: Any = app.api("POST", "nsg/explain", {**question, "ports": "70000"}).json()
    assert (refused["type"], refused["field"]) == ("/problems/invalid-input", "ports")


def test_problems_keep_their_media_type(app: Running) -> None:
    nowhere = {"resourceId": seeds.flexible_server_id(name="pg-nowhere")}
    for reply, status, name in (
        (app.api("POST", "runs", nowhere), 404, "not-found"),
        (
            app.api("POST", "runs", {**nowhere, "enforcement": "enforce"}),
            409,
            "enforcement-disabled",
        ),
        (app.api("POST", "runs", {"resourceId": "x" * 1_000_000}), 413, "too-large"),
        (app.api("POST", "runs", {}), 400, "invalid-input"),
        (app.api("GET", "changes/nothing"), 404, "not-found"),
    ):
        body: Any = reply.json()
        assert (reply.status, body["type"]) == (status, f"/problems/{name}")
        headers = {header.lower(): text for header, text in reply.headers.items()}
        assert headers["content-type"].startswith("application/problem+json")


def test_the_document_is_served_as_it_is(app: Running) -> None:
    reply = app.api("GET", "openapi.json")
    assert (reply.status, reply.json()) == (200, json.loads(json.dumps(document(ROUTES))))
