"""What becomes of an event: asked about, ignored, dead-lettered or raised."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.resource_events import take_apart
from shared.controller.arrivals import receive_event, receive_message
from shared.model import Cause, EnforcementMode
from shared.model.errors import StoreError
from shared.model.interfaces import Entity
from shared.model.messages import Message
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from tests.builders import GROUP, NSG, SERVER
from tests.fakes import START, World
from tests.functions.conftest import Function
from tests.memory import MemoryTables

SAMPLES = Path(__file__).parent.parent / "events"
WRITE = "Microsoft.Resources.ResourceWriteSuccess"
SERVER_WRITE = "Microsoft.DBforPostgreSQL/flexibleServers/write"


def event(
    subject: object = str(SERVER), operation: object = SERVER_WRITE, **parts: Any
) -> func.EventGridEvent:
    """An event of the Event Grid schema about a write to the server."""
    given = {
        "id": "event-1",
        "topic": f"/subscriptions/{SERVER.subscription}",
        "event_type": WRITE,
        "event_time": START - timedelta(seconds=3),
        "data": {"operationName": operation, "correlationId": "correlation-1"},
        "data_version": "2",
        **parts,
    }
    return func.EventGridEvent(subject=subject, **given)  # type: ignore[arg-type]  # events are whatever was sent


def cloud_event(**parts: Any) -> func.CloudEvent:
    given = {
        "id": "event-1",
        "source": f"/subscriptions/{SERVER.subscription}",
        "type": WRITE,
        "specversion": "1.0",
        "time": START,
        "subject": str(SERVER),
        "data": {"operationName": SERVER_WRITE},
        **parts,
    }
    return func.CloudEvent(**given)


def queued(world: World) -> list[Message]:
    return [world.store.read_message(body) for body in world.queue.bodies()]


def cause_of(world: World) -> Cause:
    """The cause with which the queued look will begin."""
    (message,) = queued(world)
    began = world.store.start(message, world.clock.now())
    assert began is not None
    return began.cause


def letters(world: World) -> list[dict[str, Any]]:
    """The dead letters, as they lie in the container."""
    found = [world.blobs.get("deadletters", name) for name in world.blobs.names("deadletters")]
    return [json.loads(letter) for letter in found if letter is not None]


@pytest.fixture
def resource_events(functions: dict[str, Function]) -> Function:
    return functions["resource_events"]


@pytest.mark.parametrize("sent", [event(), cloud_event()], ids=["EventGridEvent", "CloudEvent"])
def test_an_event_of_either_schema_asks_for_a_look(
    resource_events: Function, world: World, sent: Any
) -> None:
    resource_events(sent)
    (message,) = queued(world)
    assert (message.kind, message.target and message.target.id) == ("look", SERVER)
    cause = cause_of(world)
    assert (cause.kind, cause.event_id, cause.operation_name) == ("event", "event-1", SERVER_WRITE)
    assert world.lines[-1]["cameTo"] == "asked"


@pytest.mark.parametrize("sample", ["event_grid_schema.json", "cloud_event.json"])
def test_a_real_event_passes_through_the_librarys_own_converter(
    resource_events: Function, world: World, sample: str
) -> None:
    content = json.loads((SAMPLES / sample).read_text())
    one = content[0] if isinstance(content, list) else content
    world.scopes, world.mode = (), EnforcementMode.AUDIT
    resource_events(decoded(one))
    assert len(queued(world)) == 1


def decoded(content: object) -> Any:
    from azure.functions import meta
    from azure.functions.eventgrid import EventGridEventInConverter

    datum = meta.Datum(json.dumps(content), "json")
    return EventGridEventInConverter.decode(datum, trigger_metadata={})


def test_the_look_waits_until_the_events_of_a_deployment_have_arrived(
    resource_events: Function, world: World
) -> None:
    for number in range(31):
        resource_events(event(id=f"event-{number}"))
    assert len(world.queue) == 1
    assert world.queue.receive() is None
    world.clock.advance(world.deps().settings.coalesce_seconds)
    assert world.queue.receive() is not None
    assert cause_of(world).count == 31


def test_an_nsg_is_asked_about_as_a_locator(resource_events: Function, world: World) -> None:
    resource_events(
        event(f"{NSG}/securityRules/deny", "Microsoft.Network/networkSecurityGroups/securityRules/write")
    )
    (message,) = queued(world)
    assert message.locator is not None
    assert message.locator.id == NSG


def test_an_event_that_concerns_nobody_is_counted_and_done(resource_events: Function, world: World) -> None:
    resource_events(
        event(
            f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm",
            "Microsoft.Compute/virtualMachines/write",
        )
    )
    assert (len(world.queue), letters(world)) == (0, [])
    assert (world.lines[-1]["cameTo"], world.lines[-1]["reason"]) == ("ignored", "operation")


def test_an_event_outside_the_scopes_is_acknowledged_and_not_followed(
    resource_events: Function, world: World
) -> None:
    world.scopes = (ResourceId(f"/subscriptions/{SERVER.subscription}/resourceGroups/other"),)
    resource_events(event())
    assert len(world.queue) == 0
    assert world.lines[-1]["cameTo"] == "outside-scopes"


def test_without_scopes_audit_follows_events_wherever_they_come_from(
    resource_events: Function, world: World
) -> None:
    world.scopes, world.mode = (), EnforcementMode.AUDIT
    resource_events(event(str(SERVER).replace(SERVER.subscription, "another")))
    assert len(world.queue) == 1


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (event(event_type=None), "no-event-type"),
        (event(event_type=7), "no-event-type"),
        (event(data=None, subject="somewhere"), "data-not-an-object"),
        (event(data=["a"], subject=None), "data-not-an-object"),
        (event(data="x" * 1_000_000, subject=""), "data-not-an-object"),
        (event(subject=f"{SERVER}\ud800"), "subject-not-a-resource"),
        (event(subject=f"{SERVER}/firewallRules/../../legacy"), "subject-not-a-resource"),
        (event(subject=f"{SERVER}/firewallRules/%2e%2e"), "subject-not-a-resource"),
        (event(subject=None), "subject-missing"),
        (event(subject={"a": 1}), "subject-missing"),
        (event(subject="somewhere"), "subject-not-a-resource"),
        (event(subject="/" * 5000), "subject-not-a-resource"),
        (event(subject=str(NSG)), "subject-of-another-type"),
        (event(subject="", operation=None), "no-operation-and-no-subject"),
        (cloud_event(subject="somewhere"), "subject-not-a-resource"),
        (cloud_event(type=None), "no-event-type"),
    ],
)
def test_what_cannot_be_followed_is_put_aside_whole_and_with_the_reason(
    resource_events: Function, world: World, sent: Any, reason: str
) -> None:
    resource_events(sent)
    (letter,) = letters(world)
    assert letter["reason"].partition(":")[0] == reason
    kept = json.loads(letter["body"])
    assert (kept["id"], kept["data"]) == (sent.id, sent.get_json())
    assert len(world.queue) == 0
    assert world.lines[-1]["cameTo"] == "dead-lettered"


def test_a_dead_letter_reads_like_the_event_that_was_sent(resource_events: Function, world: World) -> None:
    resource_events(cloud_event(subject="somewhere"))
    (letter,) = letters(world)
    kept = json.loads(letter["body"])
    assert (kept["specversion"], kept["type"], kept["source"]) == (
        "1.0",
        WRITE,
        f"/subscriptions/{SERVER.subscription}",
    )


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, START),
        (START + timedelta(days=400), START),
        (START - timedelta(seconds=3), START - timedelta(seconds=3)),
        (datetime.fromisoformat("2026-11-02T07:00:00"), datetime(2026, 11, 2, 7, tzinfo=UTC)),
        (datetime.min.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_no_event_happened_later_than_now(
    resource_events: Function, world: World, time: datetime | None, expected: datetime
) -> None:
    resource_events(event(event_time=time))
    assert cause_of(world).time == expected


_SEGMENTS = st.sampled_from(
    [
        *(
            "subscriptions",
            SERVER.subscription,
            "resourceGroups",
            "data",
            "providers",
            "Microsoft.Network",
            "locks",
        ),
        *("Microsoft.DBforPostgreSQL", "flexibleServers", "orders", "firewallRules", "networkSecurityGroups"),
        *(
            "",
            " ",
            "\ud800",
            "\x00",
            "..",
            "%2F",
            "é",
            "x" * 300,
            "Microsoft.Authorization",
            "subnets",
            "PROVIDERS",
        ),
    ]
)
_TAILS = st.lists(_SEGMENTS, max_size=8).map("/".join)
_HEADS = st.sampled_from(["", str(GROUP), str(SERVER), str(NSG), f"{GROUP}/providers"])
_SUBJECTS = st.builds(lambda head, tail: f"{head}/{tail}", _HEADS, _TAILS) | st.text(max_size=30)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)
_OPERATIONS = st.sampled_from(
    [SERVER_WRITE, SERVER_WRITE.upper(), "Microsoft.Network/networkSecurityGroups/write", "x/y/write"]
)
_DATA = _JSON | st.fixed_dictionaries({"operationName": _OPERATIONS | _JSON}, optional={"claims": _JSON})
_EVENTS = st.fixed_dictionaries(
    {"subject": _SUBJECTS | _JSON, "eventType": st.just(WRITE) | _JSON, "data": _DATA},
    optional={"id": _JSON, "topic": _JSON, "dataVersion": _JSON},
)


@given(_EVENTS, st.booleans())
def test_whatever_arrives_is_ignored_followed_or_put_aside(sent: dict[str, Any], as_cloud: bool) -> None:
    world = World(scopes=())
    content = {**sent, "type": sent["eventType"], "specversion": "1.0"} if as_cloud else sent
    receive_event(take_apart(decoded(content)), world.deps())
    came_to = world.lines[-1]["cameTo"]
    assert (came_to == "dead-lettered") == bool(letters(world))
    assert (came_to == "asked") == bool(len(world.queue))
    for body in world.queue.bodies():
        receive_message(body.encode(), world.deps())


def test_an_event_needs_nothing_of_azure(resource_events: Function, world: World) -> None:
    resource_events(event())
    resource_events(event(str(NSG), "Microsoft.Network/networkSecurityGroups/write"))
    assert (world.azure.reads, world.azure.writes) == (0, [])


def test_an_event_that_nobody_could_be_asked_about_comes_again(
    resource_events: Function, world: World
) -> None:
    world.store = Store(Down(), world.blobs, world.queue)
    with pytest.raises(StoreError):
        resource_events(event())


class Down(MemoryTables):
    """Tables that cannot be reached."""

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        raise StoreError(f"{table}: no connection")


def test_an_old_library_that_leaves_parts_of_a_cloud_event_empty_does_no_harm() -> None:
    old = func.EventGridEvent(
        id="event-1",
        topic=None,  # type: ignore[arg-type]  # what version 1.24 makes of a CloudEvent
        subject=str(SERVER),
        event_type=None,  # type: ignore[arg-type]
        event_time=None,
        data={},
        data_version=None,  # type: ignore[arg-type]
    )
    arrived = take_apart(old)
    assert (arrived.type, arrived.time, arrived.subject) == (None, None, str(SERVER))
