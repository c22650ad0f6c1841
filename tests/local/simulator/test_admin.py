"""The simulator's own interface: faults, the log, seeds, switches, topics, and what it says of bad input."""

from __future__ import annotations

import time

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.core.messaging import CloudEvent
from azure.core.rest import HttpResponse
from azure.eventgrid import EventGridPublisherClient

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, dig
from tests.local.simulator.conftest import Sdk

SERVER = seeds.flexible_server_id()
CLOSE: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}


def admin(
    client: SimulatorClient, method: str, path: str, body: JsonObject | None = None
) -> tuple[int, JsonObject]:
    status, _, answer = client.arm(method, f"/_sim/{path}", body)
    return status, as_object(answer)


def test_a_refusal_is_injected_as_often_as_asked_with_its_headers(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    refusal: JsonObject = {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "3"}}
    client.fault(refusal, method="GET", path_contains="flexibleservers", times=2)
    for _ in range(2):
        with pytest.raises(HttpResponseError) as throttled:
            sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)
        assert throttled.value.status_code == 429
        assert isinstance(throttled.value.response, HttpResponse)
        assert throttled.value.response.headers["Retry-After"] == "3"
    assert sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER).name == seeds.SERVER


def test_a_policy_denial_is_injected_with_its_code(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    client.fault({"status": 403, "code": "RequestDisallowedByPolicy", "message": "No."}, method="PATCH")
    with pytest.raises(ArmCallFailed) as denied:
        client.patch(SERVER, CLOSE)
    assert (denied.value.status, denied.value.code, denied.value.message) == (
        403,
        "RequestDisallowedByPolicy",
        "No.",
    )


def test_a_fault_hits_only_the_caller_it_names(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    client.fault({"status": 500, "emptyCode": True}, app_id="someone-else")
    sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)
    client.clear_faults()
    client.fault({"status": 500, "emptyCode": True}, app_id=client.actor.app_id)
    status, _, body = client.arm("GET", SERVER)
    assert (status, dig(body, "error", "code")) == (500, "")


def test_a_dropped_connection_reaches_the_sdk_as_no_answer(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    client.fault({"drop": True}, method="PATCH")
    with pytest.raises(ServiceResponseError):
        sdk.flexible.servers.begin_update(seeds.GROUP, seeds.SERVER, CLOSE)  # type: ignore[call-overload]  # a plain dict is accepted
    [call] = client.calls(method="PATCH")
    assert call["status"] == 0
    assert dig(client.get(SERVER), "properties", "state") == "Ready"


def test_a_call_that_hangs_is_answered_late_and_does_not_hold_up_others(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    client.fault({"hang": 0.2}, path_contains="firewallRules")
    began = time.monotonic()
    assert client.list_all(f"{SERVER}/firewallRules") == []
    assert time.monotonic() - began >= 0.2


def test_a_fault_with_a_chance_hits_that_part_of_the_calls(client: SimulatorClient) -> None:
    client.fault({"status": 500}, method="GET", times=1000, chance=0.25)
    answers = [client.arm("GET", "/subscriptions")[0] for _ in range(80)]
    assert 5 <= answers.count(500) <= 40
    assert [fault["hits"] for fault in client.faults()] == [answers.count(500)]


def test_the_faults_that_wait_are_listed_with_what_is_left(client: SimulatorClient) -> None:
    client.fault({"status": 500}, times=2)
    client.arm("GET", SERVER)
    _, listed = admin(client, "GET", "faults")
    [fault] = as_list(listed["faults"])
    assert (as_object(fault)["left"], as_object(fault)["hits"]) == (1, 1)
    client.clear_faults()
    assert admin(client, "GET", "faults")[1] == {"faults": []}


def test_the_log_is_filtered_and_reset(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    client.get(SERVER)
    client.patch(SERVER, CLOSE)
    assert [call["kind"] for call in client.calls(method="PATCH")] == ["write"]
    assert {call["kind"] for call in client.calls()} == {"read", "write", "poll"}
    assert len(client.calls(path="FLEXIBLESERVERS", kind="read")) == 2
    last = client.calls()[-1]["seq"]
    assert isinstance(last, int)
    client.get(SERVER)
    assert [call["method"] for call in client.calls(since=last)] == ["GET"]
    client.reset_calls()
    assert client.calls() == []


def test_the_whole_state_can_be_read_replaced_and_seeded_again(client: SimulatorClient) -> None:
    client.seed(
        [
            seeds.flexible_server(),
            seeds.nsg(rules=[seeds.security_rule(name="deny", priority=100)]),
            seeds.vnet(subnets=[seeds.subnet()]),
        ]
    )
    before = [as_object(one) for one in as_list(client.state()["resources"])]
    client.seed([], replace=True)
    assert client.state()["resources"] == []
    client.seed(before)
    ids = {str(one["id"]) for one in before}
    assert {str(as_object(one)["id"]) for one in as_list(client.state()["resources"])} == ids
    assert [one["name"] for one in client.list_all(f"{seeds.nsg_id()}/securityRules")] == ["deny"]


def test_a_seed_may_hold_any_type_and_it_can_be_read(client: SimulatorClient) -> None:
    setting = f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings/audit"
    client.seed([seeds.flexible_server(), {"id": setting, "properties": {"workspaceId": "/w"}}])
    assert dig(client.get(setting), "properties", "workspaceId") == "/w"
    assert len(client.list_all(f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings")) == 1


def test_a_server_can_be_seeded_in_any_state(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(state="Stopped")])
    assert dig(client.get(SERVER), "properties", "state") == "Stopped"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PATCH", "switches", {"noSuchSwitch": 1}, "noSuchSwitch"),
        ("PATCH", "switches", {"eventAt": "sometimes"}, "eventAt"),
        ("PATCH", "switches", {"operationSeconds": "fast"}, "operationSeconds"),
        ("PATCH", "switches", {"duplicateEvents": 1}, "duplicateEvents"),
        ("PATCH", "switches", {"pageSize": -1}, "pageSize"),
        ("PATCH", "switches", {"deliveryRetrySeconds": 1}, "deliveryRetrySeconds"),
        ("POST", "faults", {"then": {"status": 200}}, "then.status"),
        ("POST", "faults", {"then": {}}, "then"),
        ("POST", "faults", {"match": {"verb": "GET"}, "then": {"drop": True}}, "match.verb"),
        ("POST", "faults", {"times": 0, "then": {"drop": True}}, "times"),
        ("POST", "faults", {"chance": 0, "then": {"drop": True}}, "chance"),
        ("POST", "faults", {"chance": "often", "then": {"drop": True}}, "chance"),
        ("POST", "subscribers", {"url": "ftp://x"}, "url"),
        ("POST", "subscribers", {"url": "http://127.0.0.1:9", "schema": "Avro"}, "schema"),
        ("POST", "subscribers", {"url": "http://127.0.0.1:9"}, "url"),
        ("POST", "state", {"resources": [{"name": "no id"}]}, "resources[0].id"),
        ("PUT", "state", {"resources": "all"}, "resources"),
        ("PUT", "roles", {"app": "everything"}, "app"),
        ("PUT", "roles", {"app": {"notActions": "none"}}, "app.notActions"),
        ("PUT", "roles", {"app": {"denied": []}}, "app.denied"),
        ("PATCH", "state", {"resources": [{"id": "nothing"}]}, "resources[0].id"),
        ("GET", "calls?since=yesterday", None, "since"),
        ("GET", "idle?timeout=long", None, "timeout"),
    ],
)
def test_bad_input_is_refused_with_the_name_of_the_field(
    client: SimulatorClient, method: str, path: str, body: JsonObject | None, field: str
) -> None:
    status, answer = admin(client, method, path, body)
    assert (status, dig(answer, "error", "field")) == (400, field)


def test_an_unusable_seed_leaves_the_state_as_it_was(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    assert admin(client, "PUT", "state", {"resources": [{"id": "/nowhere"}]})[0] == 400
    assert client.get(SERVER)["name"] == seeds.SERVER


def test_unknown_routes_and_methods_are_told(client: SimulatorClient) -> None:
    assert admin(client, "GET", "nothing")[0] == 404
    assert admin(client, "DELETE", "switches")[0] == 405
    _, index = admin(client, "GET", "")
    assert len(as_list(index["routes"])) > 15
    assert all(as_object(route)["does"] for route in as_list(index["routes"]))


def test_the_switches_are_shown_as_they_are_set(client: SimulatorClient) -> None:
    shown = client.switches(event_at="accepted", page_size=3, delivery_retry_seconds=[0.5])
    assert (shown["eventAt"], shown["pageSize"], shown["deliveryRetrySeconds"]) == ("accepted", 3, [0.5])
    assert client.switches() == shown


def test_a_topic_takes_what_the_publisher_client_sends(client: SimulatorClient) -> None:
    publisher = EventGridPublisherClient(
        client.topic_url("alerts"), AzureKeyCredential("not-checked"), retry_total=0
    )
    with publisher:
        publisher.send(
            CloudEvent(source="/driftward", type="Driftward.Alert.Opened", data={"policy": "p"}, subject="s")
        )
        [event] = client.topic_events("alerts")
        assert (event["type"], event["data"]) == ("Driftward.Alert.Opened", {"policy": "p"})
        client.fault({"status": 403}, path_contains="topics/alerts")
        with pytest.raises(HttpResponseError):
            publisher.send(CloudEvent(source="/driftward", type="Driftward.Alert.Updated", data={}))
    assert len(client.topic_events("alerts")) == 1
    assert client.topic_events("others") == []


def test_waiting_for_quiet_says_when_it_took_too_long(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    client.switches(operation_seconds=30)
    client.arm("PATCH", SERVER, CLOSE)
    assert client.wait_idle(0.05) is False


def test_the_calls_of_one_resource_are_told_from_those_of_its_namesakes(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.flexible_server(name=f"{seeds.SERVER}-2")])
    server = seeds.flexible_server_id()
    for path in (server, f"{server}/configurations", f"{server}-2"):
        client.get(path)
    assert len(client.calls(path=server)) == 3
    reads = client.calls(kind="read", under=server.upper())
    assert [one["path"] for one in reads] == [server, f"{server}/configurations"]


def test_calls_are_found_by_their_correlation_id(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    wanted = "c0ffee00-0000-4000-8000-00000000000a"
    client.arm("GET", seeds.flexible_server_id(), headers={"x-ms-correlation-request-id": wanted})
    client.get(seeds.flexible_server_id())
    _, answer = admin(client, "GET", f"calls?correlationId={wanted}")
    assert [as_object(one)["correlationId"] for one in as_list(answer["calls"])] == [wanted]
