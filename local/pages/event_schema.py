"""The JSON Schema of the events that Driftward publishes: CloudEvents 1.0, with an alert or a change.

What an event carries is what the HTTP API answers, so the schemas are its own; but parts that would make an
event too large are left out, and are then null and named by ``omitted``. Fields may be added, so a subscriber
must take those that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from shared.alerts.lifecycle import SPARE_OF_ALERTS, SPARE_OF_CHANGES
from shared.api.openapi import document
from shared.api.routes import ROUTES
from shared.model import Json
from shared.model.alert_records import NotificationType

_COMPONENTS: Final = "#/components/schemas/"
_DEFINITIONS: Final = "#/$defs/"
_ALERTS: Final = [kind.value for kind in NotificationType if ".Alert." in kind.value]
_CHANGES: Final = [kind.value for kind in NotificationType if ".Change." in kind.value]
_TYPES: Final = (
    "Opened: for the first time or again, advice too. Updated: seen in another light (graver or milder, "
    "another decision, another plan), acknowledged, approved, or without an approval that has ended unused. "
    "Resolved: with why in `resolution`. A mere recount is no event."
)
_TIME: Final = "When it became so: of two events of one alert the later one is newer, whichever comes first."


def event_schema() -> Json:
    """The document below ``docs/schemas``."""
    shown = document(ROUTES)["components"]["schemas"]
    components = {
        **shown,
        "Alert": _sparing(shown["Alert"], SPARE_OF_ALERTS),
        "Change": _sparing(shown["Change"], SPARE_OF_CHANGES),
    }
    used = _used(["Alert", "Change"], components)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of Driftward",
        "description": "CloudEvents 1.0. `id` is the same when an event comes twice.",
        **_envelope(),
        "oneOf": [_with_data(_ALERTS, "Alert"), _with_data(_CHANGES, "Change")],
        "$defs": {name: _here(components[name]) for name in sorted(used)},
    }


def _envelope() -> dict[str, Json]:
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "description": "What is told; the same when it is told twice."},
            "source": {**text, "description": "Driftward in the resource's subscription."},
            "type": {"enum": [*_ALERTS, *_CHANGES], "description": _TYPES},
            "subject": {**text, "description": "The resource's id."},
            "time": {"type": "string", "format": "date-time", "description": _TIME},
            "datacontenttype": {"const": "application/json"},
        },
    }


def _with_data(types: Iterable[str], name: str) -> Json:
    return {"properties": {"type": {"enum": list(types)}, "data": {"$ref": f"{_DEFINITIONS}{name}"}}}


def _sparing(schema: Json, spare: Iterable[str]) -> Json:
    """The schema where these parts may be left out."""
    parts = dict(schema["properties"])
    parts |= {name: {"anyOf": [parts[name], {"type": "null"}]} for name in spare if name in parts}
    parts["omitted"] = {
        "type": "array",
        "items": {"enum": sorted(spare)},
        "description": "Parts that made the event too large; the HTTP API shows them.",
    }
    return {**schema, "properties": parts}


def _used(names: Iterable[str], components: Mapping[str, Json]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _named(components[name])
    return found


def _named(part: Json) -> Iterable[str]:
    match part:
        case {"$ref": str(text)}:
            yield text.removeprefix(_COMPONENTS)
        case dict():
            yield from (name for inner in part.values() for name in _named(inner))
        case list():
            yield from (name for inner in part for name in _named(inner))


def _here(part: Json) -> Json:
    match part:
        case {"$ref": str(text)}:
            return {**part, "$ref": _DEFINITIONS + text.removeprefix(_COMPONENTS)}
        case dict():
            return {name: _here(inner) for name, inner in part.items()}
        case list():
            return [_here(inner) for inner in part]
        case _:
            return part
