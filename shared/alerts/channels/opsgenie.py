"""Opsgenie, alert API v2: created, acknowledged and closed by alias, which is the alert's id.

A change is an alert of the lowest priority that is closed at once: it is in the list and wakes nobody.
Limits: a message of 130 characters, an alias and an entity of 512, a description of 15,000, a note of 25,000,
details of 8,000 in all (docs.opsgenie.com/docs/alert-api).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.alerts.channels.meaning import Step, about, sections_of, step_of
from shared.alerts.channels.runs import text_within
from shared.alerts.phrases import clip
from shared.model import Json, Severity
from shared.model.alert_records import Notification
from shared.model.renderings import Call

MESSAGE: Final = 130
ALIAS: Final = 512
DESCRIPTION: Final = 15_000
NOTE: Final = 25_000

_SOURCE: Final = "Driftward"
_PRIORITIES: Final = {
    Severity.CRITICAL: "P1",
    Severity.HIGH: "P2",
    Severity.MEDIUM: "P3",
    Severity.LOW: "P4",
    Severity.INFORMATIONAL: "P5",
}


def opsgenie_calls(told: Notification) -> tuple[Call, ...]:
    """What is asked for below ``/v2/alerts``, in this order; each may be asked for twice."""
    return tuple(_calls(told))


def _calls(told: Notification) -> Iterator[Call]:
    match step_of(told):
        case Step.OPENED:
            yield _create(told, _PRIORITIES[told.severity])
        case Step.UPDATED:
            yield _create(told, _PRIORITIES[told.severity])
            yield _of_alias(told, "PUT", "priority", {"priority": _PRIORITIES[told.severity]})
        case Step.ACKNOWLEDGED:
            yield _of_alias(told, "POST", "acknowledge", _note(told))
        case Step.RESOLVED:
            yield _of_alias(told, "POST", "close", _note(told))
        case Step.CHANGED:
            yield _create(told, "P5")
            yield _of_alias(told, "POST", "close", {"source": _SOURCE, "note": "A change that was made."})


def _create(told: Notification, priority: str) -> Call:
    policy = str(told.data.get("policy") or "")
    links: dict[str, Json] = {link.label: link.url for link in told.links}
    body: dict[str, Json] = {
        "message": clip(told.title, MESSAGE),
        "alias": _alias(told),
        "description": text_within(sections_of(told), DESCRIPTION),
        "entity": told.subject[:ALIAS],
        "source": _SOURCE,
        "priority": priority,
        "details": {**links, **({"policy": policy} if policy else {}), "event": told.type.value},
    }
    return Call(method="POST", path="", body=body)


def _of_alias(told: Notification, method: str, what: str, body: dict[str, Json]) -> Call:
    return Call(method=method, path=f"/{_alias(told)}/{what}?identifierType=alias", body=body)


def _note(told: Notification) -> dict[str, Json]:
    return {"source": _SOURCE, "note": text_within(sections_of(told), NOTE)}


def _alias(told: Notification) -> str:
    return about(told)[:ALIAS]
