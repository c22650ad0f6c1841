"""System topics of Event Grid and event subscriptions, on topics and as extensions of what they watch.

They are answered at once and deliver nothing: who gets the simulator's events subscribes at `/_sim`
(`delivery.py`). One system topic per source, whose source stays; a subscription names one destination, and
shows of a web hook the base of its URL alone. Shapes: the REST reference of Event Grid, 2025-02-15; the words
of a second topic are those of the service. What must not live here: what a filter lets through.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from urllib.parse import urlsplit

from local.simulator.plain import put_plain
from local.simulator.shapes import show
from local.simulator.store import Record
from local.simulator.values import (
    TENANT,
    Accepted,
    ArmRequest,
    JsonObject,
    as_list,
    as_object,
    as_text,
    bad_request,
    dig,
    fill,
    key,
)
from local.simulator.world import World

TOPIC = "Microsoft.EventGrid/systemTopics"
SUBSCRIPTION = f"{TOPIC}/eventSubscriptions"
EXTENSION = "Microsoft.EventGrid/eventSubscriptions"
MOST_VALUES = 25
"""Of all advanced filters of a subscription together; the code of the refusal is ours."""


def put_topic(world: World, request: ArmRequest, kind: str) -> Accepted:
    """Raises 400 for a second topic of a source, and for another source than the topic has."""
    source = as_text(request.properties.get("source"))
    known = world.store.get(request.address.path)
    if known is not None and key(source) != key(_source(known)):
        raise bad_request("InvalidRequest", "System topic source cannot be modified.")
    if any(key(_source(one)) == key(source) for one in world.store.of_type(TOPIC, "") if one != known):
        raise bad_request(
            "InvalidRequest",
            f"There is an existing tracked system topic for the given source {source}. Only one system topic "
            "is allowed per source.",
        )
    made: JsonObject = {"provisioningState": "Succeeded", "metricResourceId": str(uuid.uuid4())}
    body = request.body | {"properties": made | request.properties, "identity": _identity(request)}
    return put_plain(world, replace(request, body=body), kind)


def _source(topic: Record) -> str:
    return as_text(topic.properties.get("source"))


def _identity(request: ArmRequest) -> JsonObject:
    """With the principal that a system-assigned identity gets."""
    asked = as_object(request.body.get("identity")) or {"type": "None"}
    if "systemassigned" not in as_text(asked.get("type")).lower():
        return asked
    principal = str(uuid.uuid5(uuid.NAMESPACE_URL, key(request.address.path)))
    return asked | {"principalId": principal, "tenantId": TENANT}


def put_subscription(world: World, request: ArmRequest, kind: str) -> Accepted:
    """Raises 400 without a destination, and for a filter with too many values."""
    properties = request.properties
    if not _destination(properties):
        raise bad_request("InvalidRequest", "Event subscription destination cannot be null or empty.")
    filters = as_list(dig(properties, "filter", "advancedFilters"))
    if sum(len(as_list(dig(one, "values"))) for one in filters) > MOST_VALUES:
        raise bad_request("InvalidRequest", f"At most {MOST_VALUES} advanced filter values are allowed.")
    shown = fill(properties, _defaults(request))
    return put_plain(world, replace(request, body=request.body | {"properties": shown}), kind)


def _destination(properties: JsonObject) -> JsonObject:
    with_identity = as_object(dig(properties, "deliveryWithResourceIdentity", "destination"))
    return with_identity or as_object(properties.get("destination"))


def _defaults(request: ArmRequest) -> JsonObject:
    return {
        "provisioningState": "Succeeded",
        "topic": request.address.parent,
        "eventDeliverySchema": "EventGridSchema",
        "labels": [],
        "filter": {"subjectBeginsWith": "", "subjectEndsWith": ""},
        "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
    }


def show_subscription(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    """Without the URL of a web hook, which holds a key."""
    shown = show(record)
    destination = as_object(record.properties.get("destination"))
    url = as_text(dig(destination, "properties", "endpointUrl"))
    if not url:
        return shown
    base = urlsplit(url)._replace(query="", fragment="").geturl()
    hidden: JsonObject = {**destination, "properties": {"endpointUrl": None, "endpointBaseUrl": base}}
    properties: JsonObject = {**record.properties, "destination": hidden}
    return shown | {"properties": properties}
