"""What is published keeps to the schema that is published, and the sample consumer reads it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from shared.adapters.sinks import cloud_event
from shared.model import Json
from shared.model.alert_records import NotificationType
from tests.alerts.golden_alerts import golden

ROOT: Final = Path(__file__).parent.parent.parent
SCHEMA: Final = json.loads((ROOT / "docs/schemas/driftward-event.schema.json").read_text(encoding="utf-8"))
EVENTS: Final = {name: cloud_event(told) for name, told in golden()}


def _document(name: str) -> dict[str, Json]:
    event = EVENTS[name]
    assert event.time is not None
    return {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "datacontenttype": event.datacontenttype,
        "data": json.loads(json.dumps(event.data)),
    }


def _problems(document: Json) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(document)]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_keeps_to_the_schema(name: str) -> None:
    assert _problems(_document(name)) == []


def test_the_schema_itself_is_one_and_names_every_type() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]["type"]["enum"]) == {kind.value for kind in NotificationType}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Driftward.Alert.Forgotten"},
        {"id": ""},
        {"specversion": "0.3"},
        {"data": {"id": "only this"}},
        {"type": "Driftward.Change.Applied"},
    ],
)
def test_an_event_of_another_form_does_not(wrong: dict[str, Json]) -> None:
    assert _problems({**_document("opened"), **wrong})


def test_what_made_an_event_too_large_is_null_and_named() -> None:
    data = _document("huge")["data"]
    assert data["omitted"]
    assert all(data[name] is None for name in data["omitted"])


# --- the sample consumer ---------------------------------------------------------------------------

CONSUMER: Final = runpy.run_path(str(ROOT / "docs/examples/event-consumer/function_app.py"))


@pytest.mark.parametrize("name", EVENTS)
def test_the_sample_consumer_finds_the_alert_or_the_change_of_an_event(name: str) -> None:
    document = _document(name)
    line = CONSUMER["line_of"](document)
    assert line.startswith(str(document["data"]["id"]))
    assert line.endswith(document["subject"])


def test_the_sample_consumer_tells_an_event_once() -> None:
    seen: set[str] = set()
    one, other = _document("opened"), _document("resolved")
    assert len(list(CONSUMER["lines_of"]([one, one, other], seen))) == 2
    assert list(CONSUMER["lines_of"](one, seen)) == []
    assert list(CONSUMER["lines_of"]({"id": "x", "type": "New", "subject": "s", "data": {}}, seen)) == [
        "x New s"
    ]
