"""HTTP functions, keys and the admin endpoints, through a running host."""

import json
from pathlib import Path

import pytest

from tests.fixtures_local import LocalHost, StartHost
from tests.local.host.support import SAMPLE_APP, eventually, records, sample_env

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("front") / "record.jsonl"


@pytest.fixture(scope="module")
def host(start_module_host: StartHost, record: Path) -> LocalHost:
    return start_module_host(SAMPLE_APP, sample_env(record), "--http-limit", "1")


@pytest.fixture(scope="module")
def guarded_host(start_module_host: StartHost, record: Path) -> LocalHost:
    return start_module_host(SAMPLE_APP, sample_env(record), "--function-key", "k3y")


def test_an_http_function_gets_route_parameters_query_headers_and_body(host: LocalHost) -> None:
    path = "/api/items/7/a%2Fb/c%20d?one=1&many=1&many=2&empty="
    reply = host.call("POST", path, body=b"\xffhi", headers={"X-Test": "yes"})
    assert reply.status == 201
    assert reply.json() == {
        "method": "POST",
        "url": host.url + path,
        "params": {"id": "7", "rest": "a%2Fb/c d"},
        "query": {"one": "1", "many": "1,2"},
        "header": "yes",
        "body": "\u00ffhi",
        "cwd": "sample",
    }


def test_a_route_parameter_that_fails_its_constraint_is_not_found(host: LocalHost) -> None:
    assert host.call("GET", "/api/items/seven").status == 404


def test_a_method_that_no_function_serves_is_not_found(host: LocalHost) -> None:
    assert host.call("DELETE", "/api/items/7").status == 404
    assert host.call("HEAD", "/api/items/7").status == 404


def test_an_unknown_route_is_not_found_and_the_root_says_what_this_is(host: LocalHost) -> None:
    assert host.call("GET", "/api/nothing").status == 404
    assert b"emulation" in host.call("GET", "/").body


def test_a_coroutine_answers_bytes_headers_and_cookies(host: LocalHost) -> None:
    reply = host.call("POST", "/api/bytes", body=bytes(range(256)))
    assert reply.body == bytes(reversed(range(256)))
    assert reply.headers["X-Answer"] == "yes"
    assert reply.headers["Set-Cookie"] == "seen=1; HttpOnly; Path=/"
    assert reply.headers["content-type"] == "application/octet-stream"


def test_a_returned_string_is_plain_text_for_any_method(host: LocalHost) -> None:
    reply = host.call("PUT", "/api/text")
    assert (reply.status, reply.body) == (200, b"plain PUT")


def test_a_function_that_raises_is_an_empty_500_and_its_stack_is_in_the_log(host: LocalHost) -> None:
    reply = host.call("GET", "/api/boom")
    assert (reply.status, reply.body) == (500, b"")
    assert "RuntimeError: boom is what it does" in eventually(
        lambda: host.log() if "boom is" in host.log() else None, "the stack in the log"
    )


def test_an_answer_that_takes_longer_than_the_limit_is_a_504(host: LocalHost) -> None:
    assert host.call("GET", "/api/slow?seconds=0.1").body == b"awake"
    assert host.call("GET", "/api/slow?seconds=1.6").status == 504


def test_without_a_function_key_every_level_is_open(host: LocalHost) -> None:
    assert host.call("GET", "/api/guarded").body == b"opened"
    assert host.call("GET", "/admin/functions").status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/guarded", {}, 401),
        ("/api/guarded", {"x-functions-key": "wrong"}, 401),
        ("/api/guarded", {"x-functions-key": "k3y"}, 200),
        ("/api/guarded?code=k3y", {}, 200),
        ("/api/text", {}, 200),
        ("/admin/functions", {}, 401),
        ("/admin/functions?code=k3y", {}, 200),
        ("/admin/host/ping", {}, 200),
    ],
)
def test_a_function_key_is_asked_for_where_the_level_is_not_anonymous(
    guarded_host: LocalHost, path: str, headers: dict[str, str], status: int
) -> None:
    assert guarded_host.call("GET", path, headers=headers).status == status


def test_admin_lists_functions_with_the_bindings_that_the_engine_reports(host: LocalHost) -> None:
    listed = host.call("GET", "/admin/functions").json()
    assert isinstance(listed, list)
    assert [function["name"] for function in listed] == [
        *("echo", "reverse", "text", "boom", "slow", "guarded", "events", "tick")
    ]
    one = host.call("GET", "/admin/functions/EVENTS").json()
    assert isinstance(one, dict)
    assert one["config"]["bindings"] == [{"type": "eventGridTrigger", "direction": "IN", "name": "event"}]
    assert host.call("GET", "/admin/functions/nothing").status == 404


def test_admin_runs_any_function_and_answers_202(host: LocalHost, record: Path) -> None:
    before = len(records(record, "tick"))
    assert host.call("POST", "/admin/functions/tick", body=b"{}").status == 202
    event = json.dumps({"input": json.dumps({"id": "by-hand", "data": {}})}).encode()
    assert host.call("POST", "/admin/functions/events", body=event).status == 202
    eventually(lambda: len(records(record, "tick")) > before, "the timer's run")
    eventually(lambda: [r for r in records(record, "event") if r["id"] == "by-hand"], "the event's run")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"'])
def test_admin_refuses_a_body_that_is_no_object(host: LocalHost, body: bytes) -> None:
    assert host.call("POST", "/admin/functions/tick", body=body).status == 400


def test_admin_tells_the_state_of_the_host(host: LocalHost) -> None:
    status = host.call("GET", "/admin/host/status").json()
    assert isinstance(status, dict)
    assert (status["state"], status["functions"]) == ("Running", 8)
