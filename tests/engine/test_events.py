"""Every kind of payload through the real engine: acknowledged, dead-lettered or raised.

Acknowledged is 202; dead-lettered is 202 and a blob with the reason; raised is 500, which makes Event
Grid deliver again and dead-letter by itself in the end.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.dev.emulator import PROJECT_ROOT
from local.dev.processes import free_port
from local.simulator import seeds
from tests.engine.conftest import WEBHOOK, Running, eventually
from tests.fixtures_local import StartHost

pytestmark = [pytest.mark.engine, pytest.mark.azurite]

WRITE = "Microsoft.Resources.ResourceWriteSuccess"
OPERATION = "Microsoft.DBforPostgreSQL/flexibleServers/write"
ELSEWHERE = f"{seeds.group_id()}/providers/Microsoft.Compute/virtualMachines/vm"


def grid(name: str = "pg", **parts: Any) -> dict[str, Any]:
    """An event of the Event Grid schema about a write to the server of this name."""
    return {
        "id": f"event-{name}",
        "topic": f"/subscriptions/{seeds.SUBSCRIPTION}",
        "subject": seeds.flexible_server_id(name=name),
        "eventType": WRITE,
        "eventTime": "2026-11-02T08:00:00.1234567Z",
        "data": {"operationName": OPERATION},
        "dataVersion": "2",
        "metadataVersion": "1",
        **parts,
    }


def cloud(name: str = "pg", **parts: Any) -> dict[str, Any]:
    return {
        "id": f"event-{name}",
        "source": f"/subscriptions/{seeds.SUBSCRIPTION}",
        "subject": seeds.flexible_server_id(name=name),
        "type": WRITE,
        "time": "2026-11-02T08:00:00Z",
        "specversion": "1.0",
        "data": {"operationName": OPERATION},
        **parts,
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pg-grid", [grid("pg-grid")]),
        ("pg-single", grid("pg-single")),
        ("pg-cloud", cloud("pg-cloud")),
        ("pg-clouds", [cloud("pg-clouds", traceparent="00-1-1-00")]),
        ("pg-huge", [grid("pg-huge", data={"operationName": OPERATION, "text": "x" * 1_000_000})]),
        ("pg-timeless", [grid("pg-timeless", eventTime=None)]),
        ("pg-numbered", [grid("pg-numbered", id=7)]),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_an_event_that_names_a_server_is_acknowledged_and_the_server_is_read(
    app: Running, name: str, content: object
) -> None:
    app.simulator.seed([seeds.flexible_server(name=name, public_access="Disabled")])
    letters = len(app.dead_letters())
    assert app.notify(content).status == 202
    eventually(lambda: app.reads_of(seeds.flexible_server_id(name=name)), f"a read of {name}")
    assert len(app.dead_letters()) == letters


@pytest.mark.parametrize(
    "content",
    [
        [],
        [grid(eventType="Microsoft.Storage.BlobCreated")],
        [cloud(type="com.example.something")],
        [grid(subject=ELSEWHERE, data={"operationName": "Microsoft.Compute/virtualMachines/write"})],
    ],
    ids=["empty batch", "other type", "other cloud event", "other resource"],
)
def test_what_concerns_nobody_is_acknowledged_and_left_no_trace(app: Running, content: object) -> None:
    letters = len(app.dead_letters())
    assert app.notify(content).status == 202
    assert len(app.dead_letters()) == letters


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "no-event-type"),
        ([{"id": "1"}], "no-event-type"),
        (grid(eventType=["a"]), "no-event-type"),
        (grid(data="x" * 1_000_000, subject="somewhere"), "data-not-an-object"),
        (grid(data=None, subject=None), "data-not-an-object"),
        (cloud(data=[1, 2], subject=""), "data-not-an-object"),
        (grid(subject=None), "subject-missing"),
        (grid(subject={"id": 1}), "subject-missing"),
        (grid(subject="/subscriptions"), "subject-not-a-resource"),
        (grid(subject=seeds.flexible_server_id() + "\ud800"), "subject-not-a-resource"),
        (grid(subject=seeds.flexible_server_id() + "/providers/providers/a/b"), "subject-not-a-resource"),
        (cloud(subject="a" * 100_000), "subject-not-a-resource"),
        (grid(subject=ELSEWHERE), "subject-of-another-type"),
        (grid(subject=None, data={}), "no-operation-and-no-subject"),
    ],
)
def test_what_cannot_be_followed_is_acknowledged_and_put_aside_with_the_reason(
    app: Running, content: dict[str, Any], reason: str
) -> None:
    letters = len(app.dead_letters())
    assert app.notify(content).status == 202
    found = app.dead_letters()
    assert len(found) == letters + 1
    assert found[-1]["reason"].partition(":")[0] == reason
    one = content[0] if isinstance(content, list) else content
    kept = json.loads(found[-1]["body"])
    assert (kept["id"], kept["data"]) == (one.get("id"), one.get("data"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        json.dumps([grid()]).encode()[:-20],
        b"\x00" * 1_000_000,
        7,
        [7],
        ["text"],
        [None],
        [[]],
        [grid(eventTime="yesterday")],
        [grid(eventTime=5)],
        cloud(time="2026-13-45"),
    ],
    ids=[
        "empty",
        "truncated",
        "a megabyte of zeros",
        "a number",
        "a number in a batch",
        "a text in a batch",
        "null in a batch",
        "a list in a batch",
        "no time",
        "a number for a time",
        "an impossible time",
    ],
)
def test_what_the_converter_rejects_is_raised_and_put_aside_by_nobody(app: Running, content: object) -> None:
    letters = len(app.dead_letters())
    assert app.notify(content).status == 500
    assert len(app.dead_letters()) == letters


def test_one_event_that_is_rejected_fails_the_batch_and_the_others_are_followed(app: Running) -> None:
    app.simulator.seed([seeds.flexible_server(name="pg-batch", public_access="Disabled")])
    assert app.notify([grid(eventTime="yesterday"), grid("pg-batch")]).status == 500
    eventually(lambda: app.reads_of(seeds.flexible_server_id(name="pg-batch")), "a read of pg-batch")


def test_a_store_that_cannot_be_reached_is_raised(start_host: StartHost) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/devstoreaccount1"
    storage = (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9ib2R5;"
        f"BlobEndpoint={nobody};QueueEndpoint={nobody};TableEndpoint={nobody};"
    )
    others = ("reconcile", "poison", "notify", "notify_poison", "sweep")
    disabled = {f"AzureWebJobs.{name}.Disabled": "true" for name in others}
    host = start_host(PROJECT_ROOT, {"AzureWebJobsStorage": storage, **disabled})
    body = json.dumps([grid()]).encode()
    reply = host.call("POST", WEBHOOK, body=body, headers={"aeg-event-type": "Notification"})
    assert (reply.status, reply.body.partition(b":")[0]) == (500, b"StoreError")
    health = host.call("GET", "/api/health")
    assert (health.status, json.loads(health.body)["parts"]["store"]) == (503, "failed")
