"""Events: what they say, when they come, in which schema, and what happens when nobody takes them."""

from __future__ import annotations

import pytest

from local.simulator import seeds
from local.simulator.client import OPERATOR, ArmCallFailed, SimulatorClient
from local.simulator.events import EventSchema
from local.simulator.values import JsonObject, JsonValue, as_list, as_object, as_text, dig
from tests.local.simulator.conftest import Webhook

SERVER = seeds.flexible_server_id()
RULE = f"{SERVER}/firewallRules/office"
RULE_BODY: JsonObject = {"properties": {"startIpAddress": "9.9.9.9", "endIpAddress": "9.9.9.9"}}
CLOSE: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}
TAGGED: JsonObject = {"tags": {"owner": "orders"}}


def listen(client: SimulatorClient, webhook: Webhook, schema: EventSchema = EventSchema.EVENT_GRID) -> None:
    client.subscribe(webhook.url, schema)


def events(client: SimulatorClient, webhook: Webhook) -> list[JsonObject]:
    """All events that came, once nothing moves any more."""
    assert client.wait_idle()
    return [as_object(one) for body in webhook.notifications for one in (as_list(body) or [body])]


def operations(client: SimulatorClient, webhook: Webhook) -> list[JsonValue]:
    return [dig(event, "data", "operationName") for event in events(client, webhook)]


def test_a_firewall_write_tells_who_did_what_to_which_resource(
    client: SimulatorClient, webhook: Webhook
) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    headers = {"x-ms-correlation-request-id": "c0ffee00-0000-4000-8000-000000000001"}
    client.arm("PUT", RULE, RULE_BODY, headers=headers)
    [event] = events(client, webhook)
    assert event["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert event["subject"] == RULE
    assert event["topic"] == f"/subscriptions/{seeds.SUBSCRIPTION}"
    assert event["dataVersion"] == "2"
    data = as_object(event["data"])
    assert data["operationName"] == "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/write"
    assert data["correlationId"] == headers["x-ms-correlation-request-id"]
    assert data["status"] == "Succeeded"
    assert dig(data, "authorization", "action") == data["operationName"]
    claims = as_object(data["claims"])
    assert claims["appid"] == OPERATOR.app_id
    assert claims["http://schemas.microsoft.com/identity/claims/objectidentifier"] == OPERATOR.object_id
    assert claims["name"] == OPERATOR.name
    assert claims["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] == OPERATOR.upn
    assert "httpRequest" not in data


def test_an_update_and_a_delete_carry_the_http_request(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server(), seeds.firewall_rule(server=SERVER, name="office", start="1.1.1.1")])
    listen(client, webhook)
    client.put(RULE, RULE_BODY)
    client.delete(RULE)
    updated, deleted = events(client, webhook)
    assert dig(updated, "data", "httpRequest", "method") == "PUT"
    assert deleted["eventType"] == "Microsoft.Resources.ResourceDeleteSuccess"
    assert (
        dig(deleted, "data", "operationName")
        == "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/delete"
    )
    assert dig(deleted, "data", "httpRequest", "method") == "DELETE"


def test_a_cloud_event_is_delivered_alone_with_its_content_type(
    client: SimulatorClient, webhook: Webhook
) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook, EventSchema.CLOUD_EVENTS)
    client.patch(SERVER, CLOSE)
    assert client.wait_idle()
    [event] = webhook.notifications
    assert isinstance(event, dict)
    assert event["specversion"] == "1.0"
    assert event["source"] == f"/subscriptions/{seeds.SUBSCRIPTION}"
    assert event["type"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert webhook.content_types == ["application/cloudevents+json; charset=utf-8"]


def test_an_event_grid_event_is_delivered_as_an_array_of_one(
    client: SimulatorClient, webhook: Webhook
) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    client.patch(SERVER, CLOSE)
    assert client.wait_idle()
    [body] = webhook.notifications
    assert isinstance(body, list)
    assert len(body) == 1


def test_the_validation_of_a_cloud_event_subscription_holds_its_data_as_text(
    client: SimulatorClient, webhook: Webhook
) -> None:
    listen(client, webhook, EventSchema.CLOUD_EVENTS)
    [validation] = webhook.validations
    assert isinstance(dig(validation, "data"), str)


def test_an_endpoint_that_does_not_prove_itself_gets_no_subscription(
    client: SimulatorClient, webhook: Webhook
) -> None:
    webhook.proves_itself = False
    with pytest.raises(ArmCallFailed) as refused:
        client.subscribe(webhook.url)
    assert refused.value.status == 400
    assert "validationResponse" in refused.value.message
    assert client.subscribers() == []


def test_nothing_is_told_of_seeds_reads_polls_and_refused_writes(
    client: SimulatorClient, webhook: Webhook
) -> None:
    listen(client, webhook)
    client.seed([seeds.flexible_server(public_access="Disabled")])
    client.get(SERVER)
    assert client.arm("PUT", RULE, RULE_BODY)[0] == 400
    assert client.arm("DELETE", f"{seeds.nsg_id()}")[0] == 204
    assert events(client, webhook) == []


def test_an_event_comes_when_its_operation_ends_unless_switched(
    client: SimulatorClient, webhook: Webhook
) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    client.switches(operation_seconds=30)
    client.arm("PATCH", SERVER, CLOSE)
    [subscriber] = client.subscribers()
    assert (subscriber["delivered"], subscriber["waiting"]) == (0, 0)


def test_an_event_comes_with_the_202_where_the_switch_says_so(
    client: SimulatorClient, webhook: Webhook
) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    client.switches(event_at="accepted", operation_seconds=30)
    client.arm("PATCH", SERVER, CLOSE)
    assert not client.wait_idle(0.3)
    [body] = webhook.notifications
    assert dig(as_list(body)[0], "data", "operationName") == "Microsoft.DBforPostgreSQL/flexibleServers/write"
    assert dig(client.get(SERVER), "properties", "network", "publicNetworkAccess") == "Enabled"


def test_a_failed_operation_is_told_as_a_failure(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    client.fault({"operationFails": {"code": "InternalServerError"}}, method="PATCH")
    with pytest.raises(ArmCallFailed):
        client.patch(SERVER, CLOSE)
    [event] = events(client, webhook)
    assert event["eventType"] == "Microsoft.Resources.ResourceWriteFailure"
    assert dig(event, "data", "status") == "Failed"


def test_an_action_is_told_as_an_action(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    client.post(f"{SERVER}/restart", {})
    [event] = events(client, webhook)
    assert event["eventType"] == "Microsoft.Resources.ResourceActionSuccess"
    assert event["subject"] == SERVER
    assert dig(event, "data", "operationName") == "Microsoft.DBforPostgreSQL/flexibleServers/restart/action"


def test_a_whole_put_tells_of_the_parent_alone(client: SimulatorClient, webhook: Webhook) -> None:
    listen(client, webhook)
    rules: list[JsonValue] = [seeds.security_rule(name="deny", priority=100)]
    client.put(seeds.nsg_id(), {"location": "canadacentral", "properties": {"securityRules": rules}})
    client.put(seeds.vnet_id(), seeds.vnet(subnets=[seeds.subnet()]))
    assert operations(client, webhook) == [
        "Microsoft.Network/networkSecurityGroups/write",
        "Microsoft.Network/virtualNetworks/write",
    ]


def test_a_rule_write_tells_of_the_rule(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.nsg()])
    listen(client, webhook)
    path = f"{seeds.nsg_id()}/securityRules/deny"
    client.put(path, seeds.security_rule(name="deny", priority=100))
    client.delete(path)
    assert operations(client, webhook) == [
        "Microsoft.Network/networkSecurityGroups/securityRules/write",
        "Microsoft.Network/networkSecurityGroups/securityRules/delete",
    ]


def test_tags_tell_of_the_tagged_resource(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    path = f"{SERVER}/providers/Microsoft.Resources/tags/default"
    status, _, body = client.arm("PATCH", path, {"operation": "Merge", "properties": TAGGED})
    assert (status, dig(body, "properties", "tags")) == (200, {"owner": "orders"})
    [event] = events(client, webhook)
    assert event["subject"] == SERVER
    assert dig(event, "data", "operationName") == "Microsoft.Resources/tags/write"
    assert client.get(SERVER)["tags"] == {"owner": "orders"}
    client.arm("PATCH", path, {"operation": "Delete", "properties": TAGGED})
    assert client.get(SERVER)["tags"] == {}


def test_the_subject_keeps_the_spelling_of_the_caller(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    spelled = SERVER.replace("resourceGroups", "resourcegroups").replace("DBforPostgreSQL", "DBForPostgreSql")
    client.patch(spelled, CLOSE)
    [event] = events(client, webhook)
    assert event["subject"] == spelled
    assert dig(event, "data", "operationName") == "Microsoft.DBforPostgreSQL/flexibleServers/write"


def test_duplicates_are_the_same_event_twice(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    client.switches(duplicate_events=True)
    client.patch(SERVER, CLOSE)
    first, second = events(client, webhook)
    assert first == second


def test_reordered_events_overtake_each_other(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    listen(client, webhook)
    client.switches(reorder_events=True)
    client.post(f"{SERVER}/restart", {})
    client.patch(SERVER, CLOSE)
    told = [as_text(one).rsplit("/", 1)[-1] for one in operations(client, webhook)]
    assert told == ["write", "action"]


def test_a_subscriber_gets_only_the_types_it_asked_for(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    client.subscribe(webhook.url, included=["Microsoft.Resources.ResourceActionSuccess"])
    client.patch(SERVER, CLOSE)
    client.post(f"{SERVER}/restart", {})
    assert [event["eventType"] for event in events(client, webhook)] == [
        "Microsoft.Resources.ResourceActionSuccess"
    ]


def test_an_event_that_is_not_taken_is_delivered_again(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    client.switches(delivery_retry_seconds=[0.01, 0.01])
    listen(client, webhook)
    webhook.statuses[:] = [500, 404]
    client.patch(SERVER, CLOSE)
    assert len(events(client, webhook)) == 1
    [subscriber] = client.subscribers()
    assert (subscriber["attempts"], subscriber["delivered"], subscriber["deadLettered"]) == (3, 1, [])


@pytest.mark.parametrize(("statuses", "attempts"), [([500] * 3, 3), ([400], 1), ([403], 1)])
def test_an_event_that_is_never_taken_is_dead_lettered(
    client: SimulatorClient, webhook: Webhook, statuses: list[int], attempts: int
) -> None:
    client.seed([seeds.flexible_server()])
    client.switches(delivery_retry_seconds=[0.01, 0.01])
    listen(client, webhook)
    webhook.statuses[:] = statuses
    client.patch(SERVER, CLOSE)
    assert events(client, webhook) == []
    [subscriber] = client.subscribers()
    [dead] = as_list(subscriber["deadLettered"])
    assert as_object(dead)["subject"] == SERVER
    assert as_object(dead)["deliveryAttempts"] == attempts


def test_an_ended_subscription_gets_nothing_more(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server()])
    subscriber = client.subscribe(webhook.url)
    client.unsubscribe(str(subscriber["id"]))
    client.patch(SERVER, CLOSE)
    assert events(client, webhook) == []
    assert client.subscribers() == []
