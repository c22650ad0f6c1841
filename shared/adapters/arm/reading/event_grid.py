"""Who has subscribed to the events of a subscription's resources: its system topics, and its extensions.

``GET /subscriptions/<id>/providers/Microsoft.EventGrid/systemTopics`` lists the topics of every source in the
subscription; those of the subscription itself and of its resource groups count, and each lists its event
subscriptions. One that was made on the subscription without a topic of ours is listed by ``GET
…/providers/Microsoft.EventGrid/eventSubscriptions`` (REST reference, Event Subscriptions - List Global By
Subscription). Nobody has seen on a real subscription whether that list names those of system topics again, so
what is there twice is told once. What must not live here: what is wrong with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from shared.adapters.arm.reading.lists import bodies
from shared.adapters.arm.reading.optional_parts import tried
from shared.adapters.arm.session.session import Session
from shared.adapters.arm.wire import event_grid
from shared.adapters.arm.wire.event_grid import Topic
from shared.model import Json
from shared.model.event_grid import EventSubscription, EventSubscriptions
from shared.model.resource_id import ResourceId, parse_resource_id

VERSION: Final = "2025-02-15"
_SOURCES: Final = ("microsoft.resources/subscriptions", "microsoft.resources/subscriptions/resourcegroups")


def event_subscriptions(session: Session, subscription: str) -> EventSubscriptions:
    """All that are there. Raises no ``GatewayError``: a list that is refused is told as unread."""
    scope = ResourceId(f"/subscriptions/{subscription}")
    topics, no_topics = tried(lambda: list(_topics(session, scope)))
    listed = [tried(partial(_of_topic, session, topic)) for topic in topics or ()]
    extensions, no_extensions = tried(lambda: list(_extensions(session, scope)))
    found = [one for of_topic, _ in listed for one in of_topic or ()]
    known = [_what_it_is(one) for one in found]
    found += [one for one in extensions or () if _what_it_is(one) not in known]
    unread = filter(None, (no_topics, *(reason for _, reason in listed), no_extensions))
    return EventSubscriptions(found=tuple(found), unread=tuple(dict.fromkeys(unread)))


def _topics(session: Session, scope: ResourceId) -> Iterator[Topic]:
    topics = map(event_grid.topic, _listed(session, scope, "systemTopics"))
    return (topic for topic in topics if _is_of(scope, topic.source) and parse_resource_id(topic.id))


def _of_topic(session: Session, topic: Topic) -> list[EventSubscription]:
    listed = bodies(session, f"{topic.id}/eventSubscriptions", VERSION)
    return [event_grid.subscription(body, topic) for body in listed]


def _extensions(session: Session, scope: ResourceId) -> Iterator[EventSubscription]:
    listed = map(event_grid.subscription, _listed(session, scope, "eventSubscriptions"))
    return (one for one in listed if _is_of(scope, one.source))


def _listed(session: Session, scope: ResourceId, kind: str) -> Iterator[Json]:
    return bodies(session, f"{scope}/providers/Microsoft.EventGrid/{kind}", VERSION)


def _is_of(scope: ResourceId, source: str) -> bool:
    """Whether these are events of the subscription or of a group in it, and of no single resource."""
    found = parse_resource_id(source)
    return found is not None and found.type in _SOURCES and found.within(scope)


def _what_it_is(one: EventSubscription) -> tuple[object, ...]:
    return one.name.lower(), one.source.lower(), one.endpoint, one.filter
