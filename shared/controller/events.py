"""A resource event of Event Grid as a value: what was written, which resource, by whom, when.

``parse_event`` takes the plain parts of an Event Grid event or a CloudEvent and never refuses: what is
missing or odd becomes absent. What the event claims to have happened is never believed; whose target it
names is said by ``event_targets``. No clock, no I/O, no Azure type: triggers take events apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from shared.model import Actor, Json
from shared.model.values import value

_TEXT_LIMIT: Final = 256
"""Texts of an event travel in queue messages (64 KiB) and logs; nothing that we use is longer."""

_OBJECT_ID_CLAIM: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"

_NAME_CLAIMS: Final = (
    "name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
)

EVENT_TYPES: Final = tuple(
    f"Microsoft.Resources.Resource{deed}{end}"
    for deed in ("Write", "Delete", "Action")
    for end in ("Success", "Failure", "Cancel")
)
"""The event types that are looked at, in Azure's spelling."""


@value
class ResourceEvent:
    """One resource event with the parts that we use; ``data`` is what the event carried, untouched."""

    id: str
    type: str
    subject: str
    time: datetime
    operation_name: str | None = None
    status: str | None = None
    actor: Actor = Actor()
    correlation_id: str | None = None
    data: Json = None


# --- parsing ---------------------------------------------------------------------------------------


def parse_event(
    *, event_id: str | None, event_type: str | None, subject: str | None, time: datetime, data: Json
) -> ResourceEvent:
    """An event from its plain parts. Total: what is missing or odd becomes absent.

    ``time`` without a zone is UTC; a caller whose event has none passes the time of arrival.
    The shape of ``data`` is Event Grid's "Azure subscription" schema, version 2.
    """
    body = _object(data)
    return ResourceEvent(
        id=text_of(event_id) or "",
        type=text_of(event_type) or "",
        subject=subject.strip() if isinstance(subject, str) else "",
        time=time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC),
        operation_name=text_of(body.get("operationName")),
        status=text_of(body.get("status")),
        actor=_actor(body),
        correlation_id=text_of(body.get("correlationId")),
        data=data,
    )


def _actor(data: Mapping[str, Json]) -> Actor:
    claims = _object(data.get("claims"))
    evidence = _object(_object(data.get("authorization")).get("evidence"))
    object_id = text_of(claims.get(_OBJECT_ID_CLAIM)) or text_of(evidence.get("principalId"))
    names = (text_of(claims.get(claim)) for claim in _NAME_CLAIMS)
    return Actor(
        app_id=_guid(text_of(claims.get("appid"))),
        object_id=_guid(object_id),
        name=next((name for name in names if name), None),
    )


def _guid(text: str | None) -> str | None:
    """``evidence.principalId`` is printed without dashes, claims with them: one spelling for both."""
    if text is None:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        return text


def _object(json: Json) -> Mapping[str, Json]:
    return json if isinstance(json, Mapping) else {}


def text_of(json: Json) -> str | None:
    """A text that may be logged and queued: printable, one line, not long; None when there is none."""
    if not isinstance(json, str):
        return None
    clipped = json.strip()[:_TEXT_LIMIT]
    return "".join(char if char.isprintable() else " " for char in clipped).strip() or None
