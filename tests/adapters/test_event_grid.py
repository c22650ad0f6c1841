"""Event subscriptions as the adapter reads them, from the simulator and from bodies as Azure writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import pytest

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject
from shared.adapters.arm.reading.event_grid import event_subscriptions
from shared.adapters.arm.session.clients import ArmClients
from shared.adapters.arm.session.session import Session
from shared.adapters.arm.wire import event_grid
from shared.adapters.clock import SystemClock
from shared.config.settings import Settings
from shared.controller.event_subscriptions import Wanted, faults_of
from shared.model.event_grid import AdvancedFilter, Endpoint, EndpointKind

SCOPE = f"/subscriptions/{seeds.SUBSCRIPTION}"
GROUP = f"{SCOPE}/resourceGroups/rg-driftward"
TOPICS = f"{SCOPE}/providers/Microsoft.EventGrid/systemTopics"
EXTENSIONS = f"{SCOPE}/providers/Microsoft.EventGrid/eventSubscriptions"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/driftward-events"
FUNCTION = f"{GROUP}/providers/Microsoft.Web/sites/driftward/functions/resource_events"
FILTER = json.loads((Path(__file__).parents[2] / "docs" / "event-filter.json").read_text())


def topic(source: str = SCOPE) -> JsonObject:
    kind = "Microsoft.Resources.Subscriptions"
    return {
        "location": "global",
        "identity": {"type": "SystemAssigned"},
        "properties": {"source": source, "topicType": kind},
    }


def subscription(**more: object) -> JsonObject:
    letters = {
        "endpointType": "StorageBlob",
        "properties": {"resourceId": f"{GROUP}/s", "blobContainerName": "eventgrid-deadletters"},
    }
    properties = {
        "destination": {"endpointType": "AzureFunction", "properties": {"resourceId": FUNCTION}},
        "filter": FILTER,
        "deadLetterWithResourceIdentity": {
            "identity": {"type": "SystemAssigned"},
            "deadLetterDestination": letters,
        },
    }
    return {"properties": json.loads(json.dumps(properties | more))}


@pytest.fixture
def client() -> Iterator[SimulatorClient]:
    with SimulatorServer() as server:
        yield SimulatorClient(server.url)


@pytest.fixture
def session(client: SimulatorClient) -> Iterator[Session]:
    clients = ArmClients(Settings(arm_endpoint=client.url))
    yield Session(clients, SystemClock(), lambda _: None)
    clients.close()


def test_what_is_subscribed_as_the_documentation_says_is_read_whole_and_has_no_fault(
    client: SimulatorClient, session: Session
) -> None:
    client.put(TOPIC, topic())
    client.put(f"{TOPIC}/eventSubscriptions/driftward", subscription())
    seen = event_subscriptions(session, seeds.SUBSCRIPTION)
    (one,) = seen.found
    assert (one.name, one.source, one.topic, one.state) == ("driftward", SCOPE, TOPIC, "Succeeded")
    assert one.endpoint == Endpoint(kind=EndpointKind.FUNCTION, address=FUNCTION)
    assert (one.topic_identity, one.dead_letters_as) == ("SystemAssigned", "SystemAssigned")
    assert one.dead_letters.endswith("/containers/eventgrid-deadletters")
    now = datetime(2026, 11, 30, tzinfo=UTC)
    wanted = Wanted(subscription=seeds.SUBSCRIPTION, scopes=(), site="driftward", now=now)
    assert faults_of(seen, wanted) == ()


def test_an_extension_is_read_beside_topics_and_one_of_a_single_resource_is_not(
    client: SimulatorClient, session: Session
) -> None:
    client.put(TOPIC, topic(source=f"{GROUP}/providers/Microsoft.Storage/storageAccounts/s"))
    client.put(f"{TOPIC}/eventSubscriptions/other", subscription())
    hook = {"endpointUrl": "https://driftward.example.com/runtime/webhooks/EventGrid?code=secret"}
    client.put(
        f"{EXTENSIONS}/driftward",
        subscription(destination={"endpointType": "WebHook", "properties": hook}),
    )
    (one,) = event_subscriptions(session, seeds.SUBSCRIPTION).found
    assert (one.name, one.source, one.topic) == ("driftward", SCOPE, "")
    address = "https://driftward.example.com/runtime/webhooks/EventGrid"
    assert one.endpoint == Endpoint(kind=EndpointKind.WEB_HOOK, address=address)


def test_what_both_lists_name_is_told_once(client: SimulatorClient, session: Session) -> None:
    client.put(TOPIC, topic())
    for place in (f"{TOPIC}/eventSubscriptions", EXTENSIONS):
        client.put(f"{place}/driftward", subscription())
    (one,) = event_subscriptions(session, seeds.SUBSCRIPTION).found
    assert one.topic == TOPIC


def test_a_list_that_our_role_does_not_open_is_told_with_the_missing_action(
    client: SimulatorClient, session: Session
) -> None:
    client.put(f"{EXTENSIONS}/driftward", subscription())
    client.deny(session.clients.identity().app_id or "", ["Microsoft.EventGrid/systemTopics/read"])
    seen = event_subscriptions(session, seeds.SUBSCRIPTION)
    assert [one.name for one in seen.found] == ["driftward"]
    said = f"our identity may not perform Microsoft.EventGrid/systemTopics/read on {SCOPE}"
    assert seen.unread == (said,)


def test_a_list_that_fails_is_told_and_leaves_the_others(client: SimulatorClient, session: Session) -> None:
    client.put(TOPIC, topic())
    client.put(f"{TOPIC}/eventSubscriptions/driftward", subscription())
    client.fault({"status": 500, "code": "InternalServerError"}, path_contains=EXTENSIONS, times=9)
    seen = event_subscriptions(session, seeds.SUBSCRIPTION)
    assert [one.name for one in seen.found] == ["driftward"]
    assert len(seen.unread) == 1


def test_a_source_has_one_system_topic(client: SimulatorClient) -> None:
    client.put(TOPIC, topic())
    client.put(TOPIC, topic())
    with pytest.raises(ArmCallFailed, match="Only one system topic"):
        client.put(f"{TOPIC}-2", topic())
    with pytest.raises(ArmCallFailed, match="cannot be modified"):
        client.put(TOPIC, topic(source=GROUP))


def test_a_subscription_needs_a_destination_and_a_filter_that_is_not_too_long(
    client: SimulatorClient,
) -> None:
    many = [{"operatorType": "StringIn", "key": "subject", "values": [str(n) for n in range(26)]}]
    for body in (subscription(destination=None), subscription(filter={"advancedFilters": many})):
        with pytest.raises(ArmCallFailed) as refused:
            client.put(f"{EXTENSIONS}/driftward", body)
        assert refused.value.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("body", [None, "text", [], {}, {"properties": []}, {"properties": {"filter": 3}}])
def test_an_odd_body_is_a_subscription_of_which_nothing_is_known(body: object) -> None:
    one = event_grid.subscription(body)
    assert (one.endpoint, one.source) == (Endpoint(kind=EndpointKind.OTHER, address=""), "")


def test_a_queue_with_an_identity_and_filters_of_other_kinds_are_read() -> None:
    queue = {"endpointType": "StorageQueue", "properties": {"resourceId": "/s", "queueName": "events"}}
    number = {"operatorType": "NumberIn", "key": "data.x", "values": [1, 2]}
    body = {
        "deliveryWithResourceIdentity": {"identity": {"type": "SystemAssigned"}, "destination": queue},
        "filter": {"includedEventTypes": ["All"], "advancedFilters": [number]},
        "expirationTimeUtc": "2026-11-30T00:00:00Z",
    }
    one = event_grid.subscription({"name": "x", "properties": body})
    assert one.endpoint == Endpoint(kind=EndpointKind.STORAGE_QUEUE, address="/s/queues/events")
    assert one.filter.types is None
    assert one.filter.advanced == (AdvancedFilter(operator="NumberIn", key="data.x"),)
    assert one.expires == datetime(2026, 11, 30, tzinfo=UTC)
