"""What keeps events from us, as their subscriptions show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.controller.event_subscriptions import FUNCTION, EventFaultKind, Wanted, faults_of, leads_to_us
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
from shared.model.resource_id import ResourceId
from tests.fakes import START, SUBSCRIPTION

SCOPE = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SCOPE}/resourceGroups/rg-driftward"
FUNCTIONS = f"{GROUP}/providers/Microsoft.Web/sites/Driftward/functions"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/driftward-events"
OURS = Endpoint(kind=EndpointKind.FUNCTION, address=f"{FUNCTIONS}/{FUNCTION}")
THEIRS = Endpoint(kind=EndpointKind.FUNCTION, address=f"{FUNCTIONS}/something")
OPERATIONS = AdvancedFilter(
    operator="StringBeginsWith", key="data.operationName", values=operation_prefixes()
)
WHOLE = EventFilter(types=EVENT_TYPES, advanced=(OPERATIONS,))
GOOD = EventSubscription(
    id=f"{TOPIC}/eventSubscriptions/driftward",
    name="driftward",
    source=SCOPE,
    state="Succeeded",
    endpoint=OURS,
    filter=WHOLE,
    topic=TOPIC,
    topic_state="Succeeded",
    topic_identity="SystemAssigned",
    dead_letters="/letters",
    dead_letters_as="SystemAssigned",
)
WANTED = Wanted(subscription=SUBSCRIPTION, scopes=(ResourceId(SCOPE),), site="driftward", now=START)
NSGS, REST = operation_prefixes()[3], operation_prefixes()[4:]


def kinds(*found: EventSubscription, unread: tuple[str, ...] = (), wanted: Wanted = WANTED) -> list[str]:
    return [fault.kind.value for fault in faults_of(EventSubscriptions(found=found, unread=unread), wanted)]


def said(*found: EventSubscription) -> str:
    return "; ".join(fault.said for fault in faults_of(EventSubscriptions(found=found), WANTED))


def with_filter(*conditions: AdvancedFilter) -> EventSubscription:
    return filtered(replace(WHOLE, advanced=conditions))


def filtered(held: EventFilter) -> EventSubscription:
    return replace(GOOD, filter=held)


def operations(operator: str, *values: str) -> AdvancedFilter:
    return AdvancedFilter(operator=operator, key="data.operationName", values=values)


def test_the_subscription_of_the_documentation_has_no_fault() -> None:
    assert kinds(GOOD) == []
    assert kinds(replace(GOOD, endpoint=THEIRS), GOOD, unread=("a list",)) == []


def test_the_function_is_one_that_the_app_has(functions: dict[str, Callable[[Any], Any]]) -> None:
    assert FUNCTION in functions


def test_without_any_that_is_said_and_with_a_refusal_only_the_refusal() -> None:
    assert kinds() == [EventFaultKind.NO_SUBSCRIPTION]
    assert kinds(unread=("our identity may not perform x",)) == [EventFaultKind.NOT_READABLE]


def test_one_that_leads_elsewhere_is_named_with_where_it_leads() -> None:
    assert kinds(replace(GOOD, endpoint=THEIRS))[0] == EventFaultKind.ELSEWHERE
    assert f"'driftward' to {THEIRS.address}" in said(replace(GOOD, endpoint=THEIRS))


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        (f"{FUNCTIONS}/RESOURCE_EVENTS".upper(), True),
        (f"{GROUP}/providers/Microsoft.Web/sites/driftward/slots/next/functions/resource_events", True),
        (f"{GROUP}/providers/Microsoft.Web/sites/other/functions/resource_events", False),
        (f"{GROUP}/providers/Microsoft.Web/sites/driftward", False),
        ("no id", False),
    ],
)
def test_a_function_is_ours_by_the_app_and_its_name(address: str, is_ours: bool) -> None:
    assert leads_to_us(Endpoint(kind=EndpointKind.FUNCTION, address=address), WANTED) is is_ours


def test_where_our_name_is_not_known_the_function_is_enough() -> None:
    other = Endpoint(kind=EndpointKind.FUNCTION, address=f"{FUNCTIONS.lower()}/{FUNCTION}")
    assert leads_to_us(other, replace(WANTED, site=""))
    hook = Endpoint(kind=EndpointKind.WEB_HOOK, address="https://x.example/runtime/webhooks/EventGrid")
    assert leads_to_us(hook, WANTED)


def test_the_queue_of_events_is_ours_where_we_read_it() -> None:
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/driftward"
    by_queue = replace(WANTED, by_queue=True)

    def at(queue: str) -> Endpoint:
        return Endpoint(kind=EndpointKind.STORAGE_QUEUE, address=f"{account}/queues/{queue}")

    queue = replace(GOOD, endpoint=at("Events"))
    other = replace(GOOD, endpoint=at("others"))
    assert kinds(queue, wanted=by_queue) == kinds(GOOD, wanted=by_queue) == []
    assert kinds(other, wanted=by_queue) == [EventFaultKind.ELSEWHERE]
    assert kinds(queue) == [EventFaultKind.ELSEWHERE]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (replace(GOOD, state="Failed"), "'driftward' is Failed"),
        (replace(GOOD, topic_state="Deleting"), "system topic that is Deleting"),
        (replace(GOOD, expires=START - timedelta(hours=1)), "expired at 2026-11-02T07:00"),
    ],
    ids=["failed", "topic", "expired"],
)
def test_one_that_does_not_stand_is_told_with_what_it_is(one: EventSubscription, words: str) -> None:
    assert kinds(one) == [EventFaultKind.NOT_IN_SERVICE]
    assert words in said(one)
    assert kinds(one, replace(GOOD, name="second")) == []


@pytest.mark.parametrize(
    "one",
    [
        with_filter(operations("StringBeginsWith", "Microsoft.")),
        with_filter(operations("stringbeginswith", *(v.upper() for v in operation_prefixes()))),
        with_filter(operations("StringContains", "/"), operations("IsNotNull")),
        with_filter(operations("StringNotBeginsWith", "Microsoft.Compute/")),
        with_filter(operations("StringNotIn", "Microsoft.Compute/virtualMachines/write")),
        filtered(replace(WHOLE, types=None)),
        filtered(replace(WHOLE, types=tuple(one.lower() for one in EVENT_TYPES))),
        filtered(replace(WHOLE, subject_begins=f"{SCOPE.upper()}/")),
        replace(GOOD, state="", topic_state="Updating", expires=START + timedelta(days=1)),
    ],
    ids=["wider", "case", "contains", "other", "not in", "all types", "types in case", "subject", "updating"],
)
def test_a_filter_that_lets_everything_of_ours_through_has_no_fault(one: EventSubscription) -> None:
    assert kinds(one) == []


@pytest.mark.parametrize(
    ("condition", "left_out"),
    [
        (operations("StringBeginsWith", *(v for v in operation_prefixes() if v != NSGS)), NSGS),
        (operations("StringBeginsWith", *operation_prefixes()[:3], f"{NSGS}securityRules/", *REST), NSGS),
        (operations("StringNotBeginsWith", NSGS), NSGS),
        (operations("StringNotBeginsWith", f"{NSGS}securityRules/write"), NSGS),
        (operations("StringNotIn", f"{NSGS}write"), NSGS),
    ],
    ids=["missing", "narrower", "excluded", "a child excluded", "one excluded"],
)
def test_an_operation_that_a_filter_leaves_out_is_named(condition: AdvancedFilter, left_out: str) -> None:
    assert kinds(with_filter(condition)) == [EventFaultKind.FILTERED]
    assert said(with_filter(condition)) == f"no event of {left_out} is sure to be let through"


def test_a_condition_that_is_not_known_counts_as_leaving_everything_out() -> None:
    assert kinds(with_filter(operations("StringSoundsLike", "Microsoft."))) == [EventFaultKind.FILTERED]


def test_a_whole_operation_may_be_named_by_equality() -> None:
    deletes = operation_prefixes()[-2]
    assert deletes not in said(with_filter(operations("StringIn", deletes)))


def test_a_type_that_is_left_out_is_named_once() -> None:
    one = filtered(replace(WHOLE, types=EVENT_TYPES[1:]))
    assert said(one) == f"no event of type {EVENT_TYPES[0]} is sure to be let through"


def test_two_that_let_through_a_part_each_are_enough() -> None:
    halves = operation_prefixes()[:6], operation_prefixes()[6:]
    first, second = (with_filter(operations("StringBeginsWith", *half)) for half in halves)
    assert kinds(first, second) == []
    assert kinds(first) == [EventFaultKind.FILTERED]


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (with_filter(OPERATIONS, AdvancedFilter(operator="StringIn", key="data.status")), "narrowed"),
        (filtered(replace(WHOLE, subject_begins=GROUP)), "narrowed"),
        (filtered(replace(WHOLE, subject_ends="/default")), "narrowed"),
        (replace(GOOD, source=GROUP), "not-everywhere"),
    ],
    ids=["status", "subject begins", "subject ends", "a group's"],
)
def test_what_is_asked_for_beyond_operations_is_told(one: EventSubscription, kind: str) -> None:
    assert kinds(one) == [kind]


def test_a_groups_subscription_is_enough_where_only_the_group_is_watched() -> None:
    watched = replace(WANTED, scopes=(ResourceId(f"{GROUP}"),))
    assert kinds(replace(filtered(replace(WHOLE, subject_begins=GROUP)), source=GROUP), wanted=watched) == []


@pytest.mark.parametrize(
    "one",
    [
        replace(GOOD, dead_letters=""),
        replace(GOOD, topic_identity=""),
        replace(GOOD, topic_identity="UserAssigned"),
    ],
    ids=["nowhere", "no identity", "another identity"],
)
def test_that_what_cannot_be_delivered_is_dropped_is_told_of_one_that_is_whole(
    one: EventSubscription,
) -> None:
    assert kinds(one) == [EventFaultKind.DROPPED]
