"""PagerDuty, Events API v2: one incident for each alert, under the alert's id.

An alert triggers, is acknowledged and resolved under its key, whichever process sends it. A change that was
made is a change event, which pages nobody. Limits: a summary of 1,024 characters, a key of 255, an event of
512 KB (developer.pagerduty.com, Events API v2).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from shared.alerts.channels.meaning import Step, about, sections_of, step_of
from shared.alerts.channels.runs import Sections, fitted, plain_text
from shared.alerts.phrases import clip
from shared.model import Json, Severity
from shared.model.alert_records import Notification
from shared.model.renderings import Call
from shared.model.sections import Section

SUMMARY: Final = 1_024
KEY: Final = 255
EVENT: Final = 512_000
"""Bytes, whichever of the two that are called 512 KB is meant."""

_ACTIONS: Final = {Step.RESOLVED: "resolve", Step.ACKNOWLEDGED: "acknowledge"}
_SEVERITIES: Final = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
    Severity.INFORMATIONAL: "info",
}


def pagerduty_call(told: Notification, routing_key: str) -> Call:
    """What is posted below the address of the Events API."""
    is_change = step_of(told) is Step.CHANGED
    event, path = (_change, "/v2/change/enqueue") if is_change else (_alert, "/v2/enqueue")
    sections = fitted(sections_of(told), lambda left: _size(event(told, routing_key, left)) <= EVENT)
    return Call(method="POST", path=path, body=event(told, routing_key, sections))


def _size(event: Json) -> int:
    return len(json.dumps(event).encode())


def _alert(told: Notification, routing_key: str, sections: Sections) -> dict[str, Json]:
    payload: dict[str, Json] = {
        "summary": clip(told.title, SUMMARY),
        "severity": _SEVERITIES[told.severity],
        "source": told.subject,
        "timestamp": told.time.isoformat(),
        "class": str(told.data.get("policy") or ""),
        "custom_details": _details(sections),
    }
    return {
        "routing_key": routing_key,
        "event_action": _ACTIONS.get(step_of(told), "trigger"),
        "dedup_key": about(told)[:KEY],
        "client": "Driftward",
        "links": _links(told),
        "payload": payload,
    }


def _change(told: Notification, routing_key: str, sections: Sections) -> dict[str, Json]:
    payload: dict[str, Json] = {
        "summary": clip(told.title, SUMMARY),
        "source": told.subject,
        "timestamp": told.time.isoformat(),
        "custom_details": _details(sections),
    }
    return {"routing_key": routing_key, "links": _links(told), "payload": payload}


def _links(told: Notification) -> list[Json]:
    return [{"href": link.url, "text": link.label} for link in told.links]


def _details(sections: Sections) -> dict[str, Json]:
    """By lead, as a table shows them; what has none stands with the one before."""
    details: dict[str, Json] = {}
    name = "note"
    for section in sections:
        name = section.lead.strip(":,").lower() or name
        said = plain_text((_bare(section),))
        details[name] = f"{details[name]}\n{said}" if name in details else said
    return details


def _bare(section: Section) -> Section:
    return replace(section, lead="")
