"""What is wrong with the event subscriptions of a subscription, compared with the filter that is wanted.

``faults_of`` is pure and total: it takes what the gateway saw and gives what keeps events from us, in words.
One subscription that stands, leads to us and lets everything through is enough, whatever others there are;
several may do it together. A condition whose effect on our events is not known counts as leaving some out.
What was read is in ``model.event_grid``; the wanted operations are those of ``handled_types``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import islice, product
from typing import Final

from shared.config.event_queue import QUEUE
from shared.controller.events import EVENT_TYPES
from shared.controller.handled_types import operation_prefixes
from shared.model.event_grid import (
    AdvancedFilter,
    Endpoint,
    EndpointKind,
    EventFilter,
    EventSubscription,
    EventSubscriptions,
)
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

FUNCTION: Final = "resource_events"
"""The function that events are delivered to."""
_WEB_HOOK: Final = "/runtime/webhooks/eventgrid"
_SITES: Final = "microsoft.web/sites"
_STANDS: Final = ("", "succeeded", "updating")
_OPERATION: Final = "data.operationname"
_MOST_NAMED: Final = 5


class EventFaultKind(StrEnum):
    NOT_READABLE = "not-readable"
    NO_SUBSCRIPTION = "no-subscription"
    ELSEWHERE = "elsewhere"
    """Its endpoint is not ours."""
    NOT_IN_SERVICE = "not-in-service"
    """It or its topic was never made whole, is being deleted, or has expired."""
    FILTERED = "filtered"
    """Operations or types that we handle are not let through."""
    NARROWED = "narrowed"
    """It asks for more than types and operations."""
    NOT_EVERYWHERE = "not-everywhere"
    """Its events are those of a resource group alone."""
    DROPPED = "dropped"
    """What cannot be delivered is kept nowhere."""


@value
class EventFault:
    kind: EventFaultKind
    said: str


@value
class Wanted:
    """Whose events, and where they are to arrive."""

    subscription: str
    scopes: tuple[ResourceId, ...]
    """What is watched in the subscription; () is all of it."""
    site: str
    """The name of our app; ``""`` where it is not known: any app's function of that name counts as ours."""
    now: datetime
    by_queue: bool = False
    """Whether we read the queue for events; in which account it lies is not compared."""


def faults_of(seen: EventSubscriptions, wanted: Wanted) -> tuple[EventFault, ...]:
    """What keeps events from us; () where they all arrive, as far as it can be seen."""
    ours = [one for one in seen.found if leads_to_us(one.endpoint, wanted)]
    standing = [one for one in ours if not _out_of_service(one, wanted.now)]
    clear = [one for one in standing if not any(_narrowings(one, wanted))]
    if not _left_out(clear):
        return tuple(_dropping(clear))
    unread = (EventFault(kind=EventFaultKind.NOT_READABLE, said=one) for one in seen.unread)
    return (*_in_the_way(seen, ours, standing, wanted), *unread, *_dropping(ours))


def leads_to_us(endpoint: Endpoint, wanted: Wanted) -> bool:
    """Whether it is the function that takes events, of our app where its name is known, or the queue that we
    read."""
    if endpoint.kind is EndpointKind.STORAGE_QUEUE:
        return wanted.by_queue and endpoint.address.lower().endswith(f"/queues/{QUEUE}")
    if endpoint.kind is EndpointKind.WEB_HOOK:
        return endpoint.address.lower().rstrip("/").endswith(_WEB_HOOK)
    function = parse_resource_id(endpoint.address) if endpoint.kind is EndpointKind.FUNCTION else None
    app = function.ancestor(_SITES) if function is not None else None
    if function is None or app is None or function.name.lower() != FUNCTION:
        return False
    return not wanted.site or app.name.lower() == wanted.site.lower()


def _in_the_way(
    seen: EventSubscriptions,
    ours: list[EventSubscription],
    standing: list[EventSubscription],
    wanted: Wanted,
) -> Iterator[EventFault]:
    if not ours:
        yield from _none_of_ours(seen, wanted)
    for one in ours:
        for said in _out_of_service(one, wanted.now):
            yield _fault(EventFaultKind.NOT_IN_SERVICE, one, said)
    if standing:
        yield from _filtered(_left_out(standing))
    for one in standing:
        yield from _narrowings(one, wanted)


def _none_of_ours(seen: EventSubscriptions, wanted: Wanted) -> Iterator[EventFault]:
    """Others may be there, of other people; nothing is said of what may be hidden from us."""
    if seen.found:
        lead = (f"{one.name!r} to {one.endpoint.address or 'what is not shown'}" for one in seen.found)
        said = (
            f"no event subscription leads to our function {FUNCTION}: {', '.join(islice(lead, _MOST_NAMED))}"
        )
        yield EventFault(kind=EventFaultKind.ELSEWHERE, said=said)
    elif not seen.unread:
        said = f"/subscriptions/{wanted.subscription} has no event subscription"
        yield EventFault(kind=EventFaultKind.NO_SUBSCRIPTION, said=said)


def _fault(kind: EventFaultKind, of: EventSubscription, said: str) -> EventFault:
    return EventFault(kind=kind, said=f"event subscription {of.name!r} {said}")


# --- one that stands -------------------------------------------------------------------------------


def _out_of_service(one: EventSubscription, now: datetime) -> tuple[str, ...]:
    states = (("is", one.state), ("hangs on a system topic that is", one.topic_state))
    odd = [f"{words} {state}" for words, state in states if state.lower() not in _STANDS]
    if one.expires is not None and one.expires <= now:
        odd.append(f"expired at {one.expires.isoformat()}")
    return tuple(odd)


def _dropping(subscriptions: Iterable[EventSubscription]) -> Iterator[EventFault]:
    for one in subscriptions:
        if not one.dead_letters:
            yield _fault(EventFaultKind.DROPPED, one, "has no dead-letter destination")
        elif one.topic and one.dead_letters_as.lower() not in one.topic_identity.lower():
            said = f"dead-letters as {one.dead_letters_as}, an identity that its system topic does not have"
            yield _fault(EventFaultKind.DROPPED, one, said)


# --- what is let through ---------------------------------------------------------------------------


def _left_out(subscriptions: Iterable[EventSubscription]) -> set[tuple[str, str]]:
    """Types and operations that none of them lets through for sure."""
    let: set[tuple[str, str]] = set()
    for one in subscriptions:
        let.update(product(_types(one.filter), _operations(one.filter)))
    return set(product(EVENT_TYPES, operation_prefixes())) - let


def _types(held: EventFilter) -> Iterator[str]:
    listed = None if held.types is None else {one.lower() for one in held.types}
    return (one for one in EVENT_TYPES if listed is None or one.lower() in listed)


def _operations(held: EventFilter) -> Iterator[str]:
    conditions = [one for one in held.advanced if one.key.lower() == _OPERATION]
    return (one for one in operation_prefixes() if all(_lets(each, one.lower()) for each in conditions))


def _lets(condition: AdvancedFilter, prefix: str) -> bool:
    """Whether every operation that begins with a prefix meets the condition; texts compare without case."""
    values = [one.lower() for one in condition.values]
    match condition.operator.lower():
        case "stringbeginswith":
            return any(prefix.startswith(one) for one in values)
        case "stringcontains":
            return any(one in prefix for one in values)
        case "stringin":
            return prefix in values and not prefix.endswith("/")
        case "stringnotbeginswith":
            return not any(prefix.startswith(one) or one.startswith(prefix) for one in values)
        case "stringnotin":
            return not any(one.startswith(prefix) for one in values)
        case "isnotnull":
            return True
        case _:
            return False


def _filtered(left_out: set[tuple[str, str]]) -> Iterator[EventFault]:
    types = [one for one in EVENT_TYPES if all((one, op) in left_out for op in operation_prefixes())]
    rest = {operation for kind, operation in left_out if kind not in types}
    for words, names in (("of type", types), ("of", [one for one in operation_prefixes() if one in rest])):
        if names:
            said = f"no event {words} {', '.join(names)} is sure to be let through"
            yield EventFault(kind=EventFaultKind.FILTERED, said=said)


def _narrowings(one: EventSubscription, wanted: Wanted) -> Iterator[EventFault]:
    scopes = wanted.scopes or (ResourceId(f"/subscriptions/{wanted.subscription}"),)
    source = parse_resource_id(one.source)
    if source is not None and not all(scope.within(source) for scope in scopes):
        yield _fault(EventFaultKind.NOT_EVERYWHERE, one, f"has the events of {source} alone")
    for said in _further_conditions(one.filter, scopes):
        yield _fault(EventFaultKind.NARROWED, one, f"lets through only {said}")


def _further_conditions(held: EventFilter, scopes: Iterable[ResourceId]) -> Iterator[str]:
    begins = held.subject_begins.lower()
    if not all(f"{scope.key}/".startswith(begins) for scope in scopes):
        yield f"subjects that begin with {held.subject_begins}"
    if held.subject_ends:
        yield f"subjects that end with {held.subject_ends}"
    for condition in held.advanced:
        if condition.key.lower() != _OPERATION:
            yield f"{condition.key} {condition.operator} {', '.join(condition.values)}".rstrip()
