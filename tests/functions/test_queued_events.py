"""Events that come by the queue become what they would have become by a call."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.queued_events import bp, taken_out
from functions.resource_events import take_apart
from local.dev.emulator import PROJECT_ROOT
from shared.model.errors import StoreError
from shared.state.store import Store
from tests.builders import SERVER
from tests.fakes import World
from tests.functions.conftest import Function
from tests.functions.test_resource_events import Down, event, letters, queued

SAMPLES = Path(__file__).parent.parent / "events"
SCHEMAS = ("event_grid_schema", "cloud_event")
APP = """
import sys
sys.path.insert(0, {root!r})
import function_app
print(*[one.get_function_name() for one in function_app.app.get_functions()])
"""


def message(body: str | bytes) -> func.QueueMessage:
    return func.QueueMessage(id="1", body=body)


def sample(schema: str) -> dict[str, object]:
    held: dict[str, object] = json.loads((SAMPLES / f"{schema}.json").read_text("utf-8"))
    return {**held, "subject": str(SERVER)}


@pytest.fixture(scope="module")
def of_queues() -> dict[str, Function]:
    """The functions that are registered only where the setting says so."""
    app = func.FunctionApp()
    app.register_functions(bp)
    return {str(one.get_function_name()): one.get_user_function() for one in app.get_functions()}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_event_of_either_schema_is_asked_about(
    schema: str, world: World, of_queues: dict[str, Function]
) -> None:
    of_queues["queued_events"](message(json.dumps(sample(schema))))
    (asked,) = queued(world)
    assert asked.target is not None
    assert asked.cause.event_id == sample(schema)["id"]


def test_its_parts_are_those_that_a_call_would_have_brought() -> None:
    called = take_apart(event())
    text = json.dumps(
        {
            "id": called.id,
            "eventType": called.type,
            "subject": called.subject,
            "eventTime": called.time.isoformat() if called.time else None,
            "data": called.data,
        }
    )
    taken = taken_out(text.encode())
    assert (taken.id, taken.type, taken.subject, taken.time, taken.data) == (
        called.id,
        called.type,
        called.subject,
        called.time,
        called.data,
    )


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b"null", b"{}", b'{"id": 1}'], ids=range(7)
)
def test_what_is_no_event_is_kept_whole_in_a_letter(
    body: bytes, world: World, of_queues: dict[str, Function]
) -> None:
    of_queues["queued_events"](message(body))
    assert queued(world) == []
    (letter,) = letters(world)
    assert body.decode("utf-8", "replace") in json.dumps(letter, ensure_ascii=False).replace('\\"', '"')


@given(
    body=st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: json.dumps({"eventTime": text}).encode())
)
def test_taking_a_message_apart_never_fails(body: bytes) -> None:
    taken_out(body)


@pytest.mark.parametrize("function", ["queued_events", "queued_events_poison"])
def test_what_cannot_be_asked_now_stays_in_the_queue(
    function: str, world: World, of_queues: dict[str, Function]
) -> None:
    world.store = Store(Down(), world.blobs, world.queue)
    with pytest.raises(StoreError):
        of_queues[function](message(json.dumps(sample("cloud_event"))))


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({}, set()),
        ({"EVENTS_QUEUE": " "}, set()),
        ({"EVENTS_QUEUE": "events"}, {"queued_events", "queued_events_poison"}),
        ({"EVENTS_QUEUE": " Events"}, {"queued_events", "queued_events_poison"}),
        ({"EVENTS_QUEUE": "true"}, set()),
    ],
    ids=["absent", "blank", "events", "spelled otherwise", "another, which the settings refuse"],
)
def test_the_queue_is_read_only_where_the_setting_says_so(
    setting: dict[str, str], expected: set[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", APP.format(root=str(PROJECT_ROOT))],
        env=setting,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    names = set(done.stdout.split())
    assert {name for name in names if name.startswith("queued")} == expected
    assert "resource_events" in names
