"""Resources that hang on other resources' ids: diagnostic settings, health, locks; read by plain GETs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core import ARMPipelineClient

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject, as_list, as_object, dig
from tests.local.simulator.conftest import BOT, TokenOf, Webhook
from tests.local.simulator.test_events import events, listen

SERVER = seeds.flexible_server_id()
SETTINGS = f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings"
STATUS = f"{SERVER}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
SUBSCRIPTION = f"/subscriptions/{seeds.SUBSCRIPTION}"


Read: TypeAlias = Callable[[str, str], JsonObject]


@pytest.fixture
def read(simulator: SimulatorServer) -> Iterator[Read]:
    """A GET of a path under an api-version, as the project makes it where a whole SDK would be too much."""
    client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
        base_url=simulator.url, policies=[TokenOf(BOT)]
    )

    def send(path: str, version: str) -> JsonObject:
        request = HttpRequest("GET", f"{simulator.url}{path}", params={"api-version": version})
        answer = client.send_request(request)
        answer.raise_for_status()
        return as_object(answer.json())

    yield send
    client.close()


def test_diagnostic_settings_are_listed_with_the_resource_in_lower_case(
    client: SimulatorClient, read: Read
) -> None:
    client.seed([seeds.flexible_server(), seeds.diagnostic_setting(resource=SERVER, groups=["audit"])])
    listed = read(SETTINGS, "2021-05-01-preview")
    assert set(listed) == {"value"}
    [setting] = [as_object(one) for one in as_list(listed["value"])]
    assert setting["id"] == (f"{SERVER.lower()}/providers/microsoft.insights/diagnosticSettings/to-workspace")
    assert setting["type"] == "Microsoft.Insights/diagnosticSettings"
    assert dig(as_list(dig(setting, "properties", "logs"))[0], "categoryGroup") == "audit"


def test_settings_of_other_resources_are_not_listed_nor_cut_into_pages(client: SimulatorClient) -> None:
    client.seed(
        [
            seeds.flexible_server(),
            seeds.flexible_server(name="pg-other"),
            seeds.diagnostic_setting(resource=SERVER, name="a"),
            seeds.diagnostic_setting(resource=SERVER, name="b"),
            seeds.diagnostic_setting(resource=seeds.flexible_server_id(name="pg-other"), name="c"),
        ]
    )
    client.switches(page_size=1)
    page = client.get(SETTINGS)
    assert [as_object(one)["name"] for one in as_list(page["value"])] == ["a", "b"]
    assert "nextLink" not in page


def test_a_server_without_settings_lists_none_and_one_that_is_not_there_is_not_found(
    client: SimulatorClient,
) -> None:
    client.seed([seeds.flexible_server()])
    assert client.get(SETTINGS) == {"value": []}
    with pytest.raises(ArmCallFailed) as missing:
        client.get(SETTINGS.replace(seeds.SERVER, "pg-none"))
    assert missing.value.status == 404


def test_a_setting_is_written_read_and_deleted(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    body = seeds.diagnostic_setting(resource=SERVER)
    path = f"{SETTINGS}/to-workspace"
    status, _, _ = client.arm("PUT", path, {"properties": body["properties"]})
    assert status == 200
    assert dig(client.get(path), "properties", "workspaceId") == dig(body, "properties", "workspaceId")
    client.delete(path)
    assert client.get(SETTINGS) == {"value": []}
    status, _, _ = client.arm("DELETE", path)
    assert status == 204


def test_a_setting_that_sends_nowhere_is_refused(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    with pytest.raises(ArmCallFailed) as refused:
        client.put(f"{SETTINGS}/nowhere", {"properties": {"logs": []}})
    assert refused.value.status == 400


def test_settings_go_with_their_resource(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.diagnostic_setting(resource=SERVER)])
    client.delete(SERVER)
    client.seed([seeds.flexible_server()])
    assert client.get(SETTINGS) == {"value": []}


def test_writing_and_deleting_a_setting_is_told_in_lower_case(
    client: SimulatorClient, webhook: Webhook
) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    path = f"{SETTINGS}/to-workspace"
    client.put(path, {"properties": seeds.diagnostic_setting(resource=SERVER)["properties"]})
    client.delete(path)
    written, deleted = events(client, webhook)
    assert written["subject"] == path
    assert dig(written, "data", "operationName") == "microsoft.insights/diagnosticsettings/write"
    assert dig(written, "data", "resourceProvider") == "microsoft.insights"
    assert deleted["eventType"] == "Microsoft.Resources.ResourceDeleteSuccess"
    assert dig(deleted, "data", "operationName") == "microsoft.insights/diagnosticsettings/delete"


def test_a_resource_is_available_until_something_else_is_seeded(client: SimulatorClient, read: Read) -> None:
    client.seed([seeds.flexible_server()])
    status = read(STATUS, "2025-05-01")
    assert dig(status, "properties", "availabilityState") == "Available"
    assert dig(status, "properties", "occuredTime")
    client.seed([seeds.health(resource=SERVER)])
    status = read(STATUS, "2025-05-01")
    assert status["name"] == "current"
    assert status["location"] == "canadacentral"
    assert dig(status, "properties", "availabilityState") == "Degraded"
    assert dig(status, "properties", "summary") == seeds.HA_BLOCKED


def test_health_changes_without_a_call_or_an_event(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server(), seeds.health(resource=SERVER)])
    listen(client, webhook)
    client.amend(STATUS, {"properties": {"availabilityState": "Unavailable"}})
    assert dig(client.get(STATUS), "properties", "availabilityState") == "Unavailable"
    assert dig(client.get(STATUS), "properties", "summary") == seeds.HA_BLOCKED
    assert events(client, webhook) == []


def test_health_is_listed_for_the_servers_of_a_scope_and_written_by_nobody(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.single_server(name="pg-legacy")])
    listed = client.list_all(f"{seeds.group_id()}/providers/Microsoft.ResourceHealth/availabilityStatuses")
    assert [str(one["id"]).split("/providers/")[1].rsplit("/", 1)[-1] for one in listed] == [
        seeds.SERVER,
        "pg-legacy",
    ]
    status, _, _ = client.arm("PUT", STATUS, {"properties": {"availabilityState": "Available"}})
    assert status == 405


def test_locks_of_the_scopes_above_are_listed_too(client: SimulatorClient) -> None:
    client.seed(
        [
            seeds.flexible_server(),
            seeds.lock(scope=SUBSCRIPTION, name="all"),
            seeds.lock(scope=seeds.group_id(), name="group"),
            seeds.lock(scope=SERVER, name="own", level="ReadOnly"),
            seeds.lock(scope=seeds.group_id(group="rg-other"), name="elsewhere"),
        ]
    )
    listed = client.list_all(f"{SERVER}/providers/Microsoft.Authorization/locks")
    assert {(one["name"], dig(one, "properties", "level")) for one in listed} == {
        ("all", "CanNotDelete"),
        ("group", "CanNotDelete"),
        ("own", "ReadOnly"),
    }


def test_a_lock_is_told_with_its_own_id(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    path = f"{SERVER}/providers/Microsoft.Authorization/locks/keep"
    client.put(path, {"properties": {"level": "CanNotDelete"}})
    client.delete(path)
    told = [(one["subject"], dig(one, "data", "operationName")) for one in events(client, webhook)]
    assert told == [
        (path, "Microsoft.Authorization/locks/write"),
        (path, "Microsoft.Authorization/locks/delete"),
    ]
