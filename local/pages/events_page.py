"""docs/events.md and docs/event-filter.json: which events are looked at, made from ``events.HANDLED``.

The page says for every operation what is looked at and how that is found; the filter is the `filter` of an
Event Grid event subscription on the subscription's system topic, and lets through what the page lists and
nothing that the app would ignore by its operation. A text that exists only here would be a second truth, so
only the words around the tables are here, and those in their cells in `data/events.yaml`.

Limits of a filter (article "Understand event filtering for Event Grid subscriptions"): 25 advanced filters
and 25 values in all of them together, 512 characters a value; texts compare without case; a key with a dot in
its own name cannot be addressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final, assert_never

from local.pages.families import policy_link
from local.pages.loading import DATA, Entry, Mistake, Said, load
from local.pages.markdown import GENERATED, code, fenced, page, table
from shared.controller.events import EVENT_TYPES
from shared.controller.handled_types import HANDLED, Handled, operation_prefixes
from shared.model import LocatorKind, TargetKind
from shared.policies import discover
from shared.posture.policy import AnyPolicy

MOST_VALUES: Final = 25
LONGEST_VALUE: Final = 512


class Ways(Entry):
    """How targets are found from a locator: what is read, and what is remembered."""

    read: Said
    remembered: Said


class Words(Entry):
    """How the tables call targets, and how they are found from locators."""

    targets: Mapping[TargetKind, Said]
    locators: Mapping[LocatorKind, Ways]


@cache
def words() -> Words:
    """Raises CannotGenerate."""
    return load(DATA / "events.yaml", Words, nameless)


def nameless(held: Words) -> Iterator[Mistake]:
    """The kinds of targets and of locators without words."""
    for kind in TargetKind:
        if kind not in held.targets:
            yield Mistake(path=("targets",), reason=f"has no words for {kind}")
    for locator in LocatorKind:
        if locator not in held.locators:
            yield Mistake(path=("locators",), reason=f"has no words for {locator}")


def event_filter() -> dict[str, object]:
    """The `filter` of the event subscription. Raises ValueError when Event Grid would refuse it."""
    values = list(operation_prefixes())
    if len(values) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in values):
        raise ValueError(f"a filter holds at most {MOST_VALUES} values of {LONGEST_VALUE} characters")
    return {
        "includedEventTypes": list(EVENT_TYPES),
        "advancedFilters": [
            {"operatorType": "StringBeginsWith", "key": "data.operationName", "values": values}
        ],
    }


def events_page() -> str:
    """The whole page."""
    return page(
        [
            "# Events",
            GENERATED,
            "An event says *look here*, never *this changed to that*: what it names is read again whole. "
            "Order, duplicates and losses therefore need no care, and a look too many costs a few reads. "
            "Successes, failures and cancellations count alike, because a write that failed may have "
            "been half carried out. Names and ids compare without case.",
            "## What an operation names",
            "The last column names the parts of a reading that such an operation may change; a policy that "
            "reads one of them is judged anew (with all others of the target). Every other operation below "
            "these types is looked at in the same way, except below resource groups, where only the two that "
            "are listed count.",
            table(("operation", "names", "may change"), _operations()),
            "## What hangs on a resource",
            "The subject of a lock, of a diagnostic setting and of tags is the resource that it hangs on, "
            "followed by `/providers/…`; tags also come without that. The resource is looked at, or the "
            "parent that the table knows: a lock on a record of a DNS zone names the zone.",
            table(("it hangs on", "names"), _hanging()),
            "## How targets are found",
            "Where the event alone cannot say which targets are meant, both ways below are taken. After a "
            "delete, and where our identity may not read the resource, only the second is left.",
            table(("what the event names", "read", "remembered from readings and sweeps"), _found()),
            "## How each policy notices",
            "A policy that only the sweep wakes reads something of which Azure raises no resource event. "
            "A policy on a subnet that asks about the servers in it (`subnetServers`: high availability, "
            "PgBouncer, Entra sign-in, a customer's key) is woken by events of the subnet and its NSG; that "
            "such a server was reconfigured is found by the sweep.",
            table(("policy", "noticed by", "reads"), map(_policy, _by_id())),
            "## The filter of the event subscription",
            f"`docs/event-filter.json`, made from the same table: {len(operation_prefixes())} of the "
            f"{MOST_VALUES} values that Event Grid allows in all advanced filters of a subscription. Several "
            "values are alternatives; texts compare without case.",
            fenced(event_filter()),
        ]
    )


def _operations() -> list[tuple[str, str, str]]:
    return [
        (code(f"{row.type}/{name}"), _named(row), ", ".join(map(code, sorted(listed.changes))))
        for row in HANDLED
        for listed in row.operations
        for name in listed.names
    ]


def _named(row: Handled) -> str:
    match row.names:
        case None:
            return "the resource that it hangs on"
        case TargetKind() as kind:
            return words().targets[kind]
        case LocatorKind() as locator:
            return f"locator `{locator}:`"
        case _:
            assert_never(row.names)


def _hanging() -> list[tuple[str, str]]:
    handled = [(code(row.type), _named(row)) for row in HANDLED if row.names is not None and row.whole]
    inherited = " and ".join(code(row.type) for row in HANDLED if row.on_group)
    return [
        *handled,
        ("a resource group", f"for {inherited}, which everything in the group inherits: locator `scope:`"),
        ("a subscription, or any other resource", "nothing: ignored, the sweep looks"),
    ]


def _found() -> list[tuple[str, str, str]]:
    ways = words().locators
    return [(f"`{kind}:`", ways[kind].read, ways[kind].remembered) for kind in LocatorKind]


def _by_id() -> Iterable[AnyPolicy]:
    return sorted(discover(), key=lambda policy: policy.id)


def _policy(policy: AnyPolicy) -> tuple[str, str, str]:
    return policy_link(policy.id), policy.raised_by, ", ".join(map(code, sorted(policy.reads)))
