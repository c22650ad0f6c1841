"""The Event Grid webhook: handshakes, one execution per event, and what becomes of bad bodies."""

import json
from pathlib import Path

import pytest

from tests.fixtures_local import HttpReply, LocalHost, StartHost
from tests.local.host.support import SAMPLE_APP, records, sample_env

WEBHOOK = "/runtime/webhooks/EventGrid?functionName=events"

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webhook") / "record.jsonl"


@pytest.fixture(scope="module")
def host(start_module_host: StartHost, record: Path) -> LocalHost:
    return start_module_host(SAMPLE_APP, sample_env(record))


def send(host: LocalHost, kind: str, content: object) -> HttpReply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"aeg-event-type": kind, "Content-Type": "application/json"}
    return host.call("POST", WEBHOOK, body=body, headers=headers)


def seen(record: Path, prefix: str) -> list[str]:
    ids = [content["id"] for content in records(record, "event")]
    return sorted(str(held) for held in ids if str(held).startswith(prefix))


@pytest.mark.parametrize(
    "content",
    [
        [{"id": "1", "eventType": "…", "data": {"validationCode": "c0de"}}],
        {"specversion": "1.0", "data": json.dumps({"validationCode": "c0de"})},
    ],
    ids=["Event Grid schema", "CloudEvents"],
)
def test_the_subscription_handshake_echoes_the_code(host: LocalHost, content: object) -> None:
    reply = send(host, "SubscriptionValidation", content)
    assert (reply.status, reply.json()) == (200, {"validationResponse": "c0de"})


@pytest.mark.parametrize("content", [b"", b"[", [], [{}], {"data": "not JSON"}, {}, 7])
def test_a_handshake_without_a_code_is_a_500(host: LocalHost, content: object) -> None:
    assert send(host, "SubscriptionValidation", content).status == 500


def test_options_allows_delivery_from_the_origin_that_asks(host: LocalHost) -> None:
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    reply = host.call("OPTIONS", WEBHOOK, headers=asked)
    assert reply.status == 200
    assert reply.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert reply.headers["WebHook-Allowed-Rate"] == "120"
    assert host.call("OPTIONS", WEBHOOK).status == 400


def test_every_event_of_a_batch_is_one_execution(host: LocalHost, record: Path) -> None:
    batch = [{"id": f"batch-{n}", "eventType": "t", "subject": "s", "data": {"n": n}} for n in range(5)]
    assert send(host, "Notification", batch).status == 202
    assert seen(record, "batch-") == [f"batch-{n}" for n in range(5)]


def test_a_single_object_is_one_execution_and_a_cloud_event_arrives_as_one(
    host: LocalHost, record: Path
) -> None:
    event = {"specversion": "1.0", "id": "cloud", "source": "s", "type": "t", "data": {"n": 1}}
    assert send(host, "notification", event).status == 202
    [found] = [content for content in records(record, "event") if content["id"] == "cloud"]
    assert (found["class"], found["data"]) == ("CloudEvent", {"n": 1})


def test_one_failure_fails_the_whole_request_and_the_others_still_ran(host: LocalHost, record: Path) -> None:
    batch = [{"id": f"mixed-{n}", "data": {"fail": n == 1}} for n in range(3)]
    reply = send(host, "Notification", batch)
    assert (reply.status, reply.body) == (500, b"RuntimeError: event mixed-1 was told to fail")
    assert seen(record, "mixed-") == ["mixed-0", "mixed-1", "mixed-2"]


def test_a_function_that_leaves_by_sys_exit_has_failed_and_the_host_serves_on(host: LocalHost) -> None:
    reply = send(host, "Notification", {"id": "exit", "data": {"exit": True}})
    assert (reply.status, reply.body) == (500, b"SystemExit: 3")
    assert send(host, "Notification", {"id": "after-exit", "data": {}}).status == 202


def test_an_empty_batch_is_accepted(host: LocalHost) -> None:
    assert send(host, "Notification", []).status == 202


@pytest.mark.parametrize("body", [b"", b'[{"id": ', b"\xff\xfe", b"7", b'"text"', b"null", b"[" * 100_000])
def test_a_body_that_holds_no_events_is_a_500_without_an_execution(
    host: LocalHost, record: Path, body: bytes
) -> None:
    before = len(records(record, "event"))
    assert send(host, "Notification", body).status == 500
    assert len(records(record, "event")) == before


@pytest.mark.parametrize("element", [7, "text", None, [], {"id": "late", "eventTime": "yesterday"}])
def test_an_element_that_the_converter_rejects_fails_its_execution(
    host: LocalHost, record: Path, element: object
) -> None:
    before = len(records(record, "event"))
    assert send(host, "Notification", [element]).status == 500
    assert len(records(record, "event")) == before


def test_a_body_of_a_megabyte_is_delivered_whole(host: LocalHost, record: Path) -> None:
    assert send(host, "Notification", [{"id": "huge", "data": {"text": "x" * 1_000_000}}]).status == 202
    [found] = [content for content in records(record, "event") if content["id"] == "huge"]
    assert found["data"] == {"text": "x" * 1_000_000}


def test_unsubscribe_is_accepted(host: LocalHost) -> None:
    assert send(host, "Unsubscribe", []).status == 202


def test_a_missing_or_unknown_event_type_header_is_a_400(host: LocalHost) -> None:
    assert host.call("POST", WEBHOOK, body=b"[]").status == 400
    assert send(host, "Something", []).status == 400


@pytest.mark.parametrize("name", ["nothing", "tick", "EVENTS", ""])
def test_a_name_that_is_no_event_grid_function_is_a_404(host: LocalHost, name: str) -> None:
    reply = host.call("POST", f"/runtime/webhooks/EventGrid?functionName={name}", body=b"[]")
    assert reply.status == 404
