"""System topics and event subscriptions: ARM's JSON to values.

Shapes: REST reference of Event Grid, System Topics and System Topic Event Subscriptions, 2025-02-15. A
destination stands in ``destination``, or with an identity in ``deliveryWithResourceIdentity``; the URL of a
web hook is never shown, only its base. What must not live here: requests, what a filter means.
"""

from __future__ import annotations

from shared.adapters.arm.wire import fields
from shared.model import Json
from shared.model.event_grid import (
    AdvancedFilter,
    Endpoint,
    EndpointKind,
    EventFilter,
    EventSubscription,
)
from shared.model.values import value

_ALL_TYPES = "all"


@value
class Topic:
    """A system topic, which holds subscriptions of the events of one source."""

    id: str
    source: str
    state: str = ""
    identity: str = ""


def topic(body: Json) -> Topic:
    return Topic(
        id=fields.text(body, "id"),
        source=fields.text(body, "properties", "source"),
        state=fields.text(body, "properties", "provisioningState"),
        identity=_identity(fields.text(body, "identity", "type")),
    )


def subscription(body: Json, of: Topic | None = None) -> EventSubscription:
    """One of a topic, or an extension, which names its source itself."""
    properties = fields.part(body, "properties")
    letters, letters_as = _either(properties, "deadLetterDestination", "deadLetterWithResourceIdentity")
    target, _ = _either(properties, "destination", "deliveryWithResourceIdentity")
    return EventSubscription(
        id=fields.text(body, "id"),
        name=fields.called(body),
        source=of.source if of is not None else fields.text(properties, "topic"),
        state=fields.text(properties, "provisioningState"),
        endpoint=_endpoint(target),
        filter=_filter(fields.part(properties, "filter")),
        expires=fields.moment(properties, "expirationTimeUtc"),
        topic=of.id if of is not None else "",
        topic_state=of.state if of is not None else "",
        topic_identity=of.identity if of is not None else "",
        dead_letters=_place(letters, "containers", "blobContainerName"),
        dead_letters_as=letters_as,
    )


def _either(properties: Json, plain: str, with_identity: str) -> tuple[Json, str]:
    """What stands under either name, and the kind of the identity that goes with the second."""
    other = fields.part(properties, with_identity)
    found = fields.part(other, plain)
    if found:
        return found, _identity(fields.text(other, "identity", "type"))
    return fields.part(properties, plain), ""


def _identity(kind: str) -> str:
    return "" if kind.lower() == "none" else kind


def _endpoint(body: Json) -> Endpoint:
    said = fields.text(body, "endpointType")
    kind = fields.member(EndpointKind, said, EndpointKind.OTHER)
    match kind:
        case EndpointKind.WEB_HOOK:
            address = fields.text(body, "properties", "endpointBaseUrl")
        case EndpointKind.STORAGE_QUEUE:
            address = _place(body, "queues", "queueName")
        case EndpointKind.FUNCTION:
            address = fields.text(body, "properties", "resourceId")
        case EndpointKind.OTHER:
            address = f"{said} {fields.text(body, 'properties', 'resourceId')}".strip()
    return Endpoint(kind=kind, address=address)


def _place(body: Json, collection: str, name: str) -> str:
    account, called = fields.text(body, "properties", "resourceId"), fields.text(body, "properties", name)
    return f"{account}/{collection}/{called}" if account else ""


def _filter(body: Json) -> EventFilter:
    types = tuple(fields.texts(fields.get(body, "includedEventTypes")))
    is_all = not types or any(one.lower() == _ALL_TYPES for one in types)
    return EventFilter(
        types=None if is_all else types,
        advanced=tuple(map(_advanced, fields.listed(fields.get(body, "advancedFilters")))),
        subject_begins=fields.text(body, "subjectBeginsWith"),
        subject_ends=fields.text(body, "subjectEndsWith"),
    )


def _advanced(body: Json) -> AdvancedFilter:
    """Of numbers and truth values there is one ``value``, of texts a list of ``values``."""
    return AdvancedFilter(
        operator=fields.text(body, "operatorType"),
        key=fields.text(body, "key"),
        values=tuple(fields.texts(fields.get(body, "values"))),
    )
