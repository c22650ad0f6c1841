"""The page, the filter and the mapping are one table: what the page lists passes and maps as it says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, cast

import pytest

from local.pages.events_page import LONGEST_VALUE, MOST_VALUES, event_filter, events_page
from local.pages.families import policy_link
from shared.controller.event_targets import Ignored, Mapped, map_event
from shared.controller.events import EVENT_TYPES, parse_event
from shared.controller.handled_types import HANDLED
from shared.model import Aspect, Locator, LocatorKind, Target, TargetKind
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.policy import RaisedBy

NOON: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GROUP: Final = "/subscriptions/8d1f2c3b-0001-4a5b-9c6d-7e8f90a1b2c3/resourceGroups/shop"
LISTED: Final = [
    pytest.param(row.type, name, id=f"{row.type}/{name}")
    for row in HANDLED
    for listed in row.operations
    for name in listed.names
]
OUTSIDE: Final = [
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Resources/deployments/write",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Network/networkInterfaces/write",
    "Microsoft.Network/virtualNetworkGateways/write",
    "Microsoft.DBforPostgreSQL/serverGroupsv2/write",
    "Microsoft.DBforMySQL/flexibleServers/firewallRules/write",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Insights/metricAlerts/write",
    "X/Microsoft.DBforPostgreSQL/flexibleServers/write",
]


def passes(operation: str, event_type: str = EVENT_TYPES[0]) -> bool:
    """What Event Grid does with the filter: every filter must hold, any value of one suffices, no case."""
    found = event_filter()
    types = cast(Sequence[str], found["includedEventTypes"])
    (advanced,) = cast(Sequence[Mapping[str, object]], found["advancedFilters"])
    assert (advanced["operatorType"], advanced["key"]) == ("StringBeginsWith", "data.operationName")
    values = cast(Sequence[str], advanced["values"])
    return event_type in types and any(operation.lower().startswith(value.lower()) for value in values)


def subject_of(resource_type: str, child: str) -> str:
    """An id of the type, or of a child of it, as an event has it."""
    if resource_type.endswith("/resourceGroups"):
        return GROUP
    if resource_type in _HANGING:
        return f"{server_id()}/providers/{resource_type}/one"
    provider, *types = resource_type.split("/")
    path = [*types, child] if child else types
    names = "/".join(f"{each}/a{number}" for number, each in enumerate(path))
    return f"{GROUP}/providers/{provider}/{names}"


def server_id() -> str:
    return f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/a0"


_HANGING: Final = {row.type for row in HANDLED if row.names is None}


def named(resource_type: str, name: str, *, odd_case: bool) -> Target | Locator:
    """What an event of a listed operation names, with its subject in one or another spelling."""
    child = name.rpartition("/")[0]
    operation, subject = f"{resource_type}/{name}", subject_of(resource_type, child)
    if odd_case:
        subject = subject.replace("resourceGroups", "resourcegroups")
        subject = subject.replace("Microsoft.DBforPostgreSQL", "Microsoft.DBForPostgreSql")
        operation = operation.upper()
    data = {"operationName": operation}
    event = parse_event(event_id="e", event_type=EVENT_TYPES[0], subject=subject, time=NOON, data=data)
    mapped = map_event(event)
    assert isinstance(mapped, Mapped)
    both: list[Target | Locator] = [*mapped.targets, *mapped.locators]
    assert len(both) == 1
    return both[0]


def words(found: Target | Locator, *, hanging: bool) -> str:
    """How the page puts it."""
    if hanging:
        return "the resource that it hangs on"
    if isinstance(found, Locator):
        return f"locator `{found.kind}:`"
    return {
        TargetKind.FLEXIBLE_SERVER: "the flexible server",
        TargetKind.SINGLE_SERVER: "the single server",
        TargetKind.SUBNET: "the subnet",
    }[found.kind]


@pytest.mark.parametrize(("resource_type", "name"), LISTED)
def test_a_listed_operation_passes_the_filter_and_maps_as_the_page_says(
    resource_type: str, name: str
) -> None:
    operation = f"{resource_type}/{name}"
    assert passes(operation)
    assert passes(operation.upper())
    found = named(resource_type, name, odd_case=False)
    assert named(resource_type, name, odd_case=True) == found
    said = words(found, hanging=resource_type in _HANGING)
    assert re.search(rf"^\| `{re.escape(operation)}` \| {re.escape(said)} \| ", events_page(), re.MULTILINE)


@pytest.mark.parametrize("operation", OUTSIDE)
def test_an_operation_outside_the_filter_is_ignored_by_the_mapping_too(operation: str) -> None:
    assert not passes(operation)
    data = {"operationName": operation}
    event = parse_event(event_id="e", event_type=EVENT_TYPES[0], subject=server_id(), time=NOON, data=data)
    assert isinstance(map_event(event), Ignored)


@pytest.mark.parametrize(
    "event_type", ["Microsoft.Resources.ResourceReadSuccess", "Microsoft.Storage.BlobCreated"]
)
def test_an_event_type_outside_the_filter_is_ignored_by_the_mapping_too(event_type: str) -> None:
    operation = "Microsoft.DBforPostgreSQL/flexibleServers/write"
    assert not passes(operation, event_type)
    data = {"operationName": operation}
    event = parse_event(event_id="e", event_type=event_type, subject=server_id(), time=NOON, data=data)
    assert isinstance(map_event(event), Ignored)


def test_an_unlisted_child_of_a_handled_type_passes_and_is_looked_at() -> None:
    assert passes("Microsoft.DBforPostgreSQL/flexibleServers/inventions/write")
    found = named("Microsoft.DBforPostgreSQL/flexibleServers", "inventions/write", odd_case=False)
    assert found == Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(server_id()))


def test_the_filter_keeps_the_limits_of_event_grid() -> None:
    advanced = cast(Sequence[Mapping[str, object]], event_filter()["advancedFilters"])
    values = [value for one in advanced for value in cast(Sequence[str], one["values"])]
    assert len(values) <= MOST_VALUES
    assert all(len(value) <= LONGEST_VALUE for value in values)
    assert not [one for one in values for other in values if one != other and one.startswith(other)]
    assert all("." not in part for one in advanced for part in str(one["key"]).split(".")[1:])


def test_every_operation_is_listed_once() -> None:
    names = [f"{listed.values[0]}/{listed.values[1]}" for listed in LISTED]
    assert len(set(names)) == len(names)


def test_the_page_says_how_every_locator_is_resolved() -> None:
    page = events_page()
    for kind in LocatorKind:
        assert f"| `{kind}:` | " in page


def test_every_policy_that_an_event_wakes_reads_what_an_operation_may_change() -> None:
    changed = {aspect for row in HANDLED for listed in row.operations for aspect in listed.changes}
    for policy in discover():
        if policy.raised_by is RaisedBy.EVENT:
            # The servers in a subnet are found by the sweep, as the page says.
            particular = policy.reads - {Aspect.SERVER, Aspect.SUBNET, Aspect.SUBNET_SERVERS}
            assert (particular or policy.reads) & changed, policy.id
        assert f"| {policy_link(policy.id)} | {policy.raised_by} | " in events_page()
