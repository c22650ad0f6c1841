"""Event Grid's resource events: what happened, who did it, and which targets must be looked at.

An event only says *look here*. ``parse_event`` turns the plain parts of an Event Grid event or a
CloudEvent into a ``ResourceEvent``; ``map_event`` says which targets or locators it names, that it is
none of our business (``Ignored``), or raises ``Unmappable`` when it is and cannot be followed: such an
event is dead-lettered, because delivering it again cannot help. Choices made here:

- Failures and cancellations count like successes: a half-applied write or delete must be looked at,
  and looking costs two reads. What the event claims to have happened is never believed.
- ``operationName`` says what kind of thing was written, ``subject`` which one; both are compared
  without case. A child maps to its parent, because targets are read as a whole.
- Moving resources out of a group and deleting a group name the group as a locator. The deletion of a
  group should raise one event per resource in it, but those may be lost, and one query is cheap.
  Where moved resources arrived is not in the event; the sweep finds them.
- A private endpoint, a route table or a private DNS zone names no server, and no policy reads them
  yet. A server's own ``privateEndpointConnections`` child raises an event of its own.

No clock, no I/O, no Azure type: triggers take events apart and pass their parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from shared.model import Actor, Cause, CauseKind, Json, Locator, LocatorKind, Target, TargetKind
from shared.resource_id import ResourceId, parse_resource_id
from shared.values import value

_TEXT_LIMIT: Final = 256
"""Texts of an event travel in queue messages (64 KiB) and logs; nothing that we use is longer."""

_SUBJECT_LIMIT: Final = 2048
"""Longer than any id that ARM accepts in a URL."""

_EVENT_TYPE: Final = re.compile(
    r"microsoft\.resources\.resource(write|delete|action)(success|failure|cancel)", re.IGNORECASE
)
_TAGS_SUFFIX: Final = re.compile(r"/providers/microsoft\.resources/tags/default/?\Z", re.IGNORECASE)
_TAGS_OPERATION: Final = "microsoft.resources/tags/"

_OBJECT_ID_CLAIM: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_NAME_CLAIMS: Final = (
    "name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
)

_GROUP_TYPE: Final = "microsoft.resources/subscriptions/resourcegroups"
_GROUP_OPERATIONS: Final = (f"{_GROUP_TYPE}/delete", f"{_GROUP_TYPE}/moveresources/action")


class IgnoredReason(StrEnum):
    """Why an event names nothing that we look at; counted, never an error."""

    EVENT_TYPE = "event-type"
    OPERATION = "operation"
    NO_POLICY_YET = "no-policy-yet"


class UnmappableReason(StrEnum):
    """Why an event that concerns us cannot be followed; the reason of the dead letter."""

    NO_EVENT_TYPE = "no-event-type"
    DATA_NOT_AN_OBJECT = "data-not-an-object"
    NO_OPERATION_AND_NO_SUBJECT = "no-operation-and-no-subject"
    SUBJECT_MISSING = "subject-missing"
    SUBJECT_NOT_A_RESOURCE = "subject-not-a-resource"
    SUBJECT_OF_ANOTHER_TYPE = "subject-of-another-type"


class Unmappable(ValueError):
    """The event concerns us and cannot be mapped; asking again cannot help."""

    def __init__(self, reason: UnmappableReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


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


@value
class Mapped:
    """What must be looked at, and why. Targets are known; locators are resolved by the worker."""

    targets: tuple[Target, ...] = ()
    locators: tuple[Locator, ...] = ()
    cause: Cause


@value
class Ignored:
    reason: IgnoredReason


_Kind: TypeAlias = TargetKind | LocatorKind | IgnoredReason

_KINDS: Final[tuple[tuple[str, _Kind], ...]] = (
    ("microsoft.dbforpostgresql/flexibleservers", TargetKind.FLEXIBLE_SERVER),
    ("microsoft.dbforpostgresql/servers", TargetKind.SINGLE_SERVER),
    ("microsoft.network/virtualnetworks/subnets", TargetKind.SUBNET),
    ("microsoft.network/virtualnetworks", LocatorKind.VIRTUAL_NETWORK),
    ("microsoft.network/networksecuritygroups", LocatorKind.NSG),
    ("microsoft.network/privateendpoints", IgnoredReason.NO_POLICY_YET),
    ("microsoft.network/routetables", IgnoredReason.NO_POLICY_YET),
    ("microsoft.network/privatednszones", IgnoredReason.NO_POLICY_YET),
)
"""What is done about a resource type and everything below it; the most specific type comes first."""

_OTHER: Final = ("", IgnoredReason.OPERATION)


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
        id=_text(event_id) or "",
        type=_text(event_type) or "",
        subject=subject.strip() if isinstance(subject, str) else "",
        time=time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC),
        operation_name=_text(body.get("operationName")),
        status=_text(body.get("status")),
        actor=_actor(body),
        correlation_id=_text(body.get("correlationId")),
        data=data,
    )


def _actor(data: Mapping[str, Json]) -> Actor:
    claims = _object(data.get("claims"))
    evidence = _object(_object(data.get("authorization")).get("evidence"))
    object_id = _text(claims.get(_OBJECT_ID_CLAIM)) or _text(evidence.get("principalId"))
    names = (_text(claims.get(claim)) for claim in _NAME_CLAIMS)
    return Actor(
        app_id=_guid(_text(claims.get("appid"))),
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


def _text(json: Json) -> str | None:
    """A text that may be logged and queued: printable, one line, not long; None when there is none."""
    if not isinstance(json, str):
        return None
    clipped = json.strip()[:_TEXT_LIMIT]
    return "".join(char if char.isprintable() else " " for char in clipped).strip() or None


# --- mapping ---------------------------------------------------------------------------------------


def map_event(event: ResourceEvent) -> Mapped | Ignored:
    """Which targets or locators the event names. Raises ``Unmappable``."""
    if not event.type:
        raise Unmappable(UnmappableReason.NO_EVENT_TYPE)
    if not _EVENT_TYPE.fullmatch(event.type):
        return Ignored(reason=IgnoredReason.EVENT_TYPE)
    if not isinstance(event.data, Mapping):
        raise Unmappable(UnmappableReason.DATA_NOT_AN_OBJECT, type(event.data).__name__)
    resource_type, kind = _kind_of_event(event)
    if isinstance(kind, IgnoredReason):
        return Ignored(reason=kind)
    return _mapped(kind, _resource(event, resource_type), event)


def locate(resource: ResourceId) -> Target | Locator | None:
    """What must be looked at for a resource that a person names; None when no policy looks at its type.

    A child is looked at as part of its parent, as for events.
    """
    resource_type, kind = _kind_of(resource.type)
    named = resource.ancestor(resource_type)
    if named is None or isinstance(kind, IgnoredReason):
        return None
    return Target(kind=kind, id=named) if isinstance(kind, TargetKind) else Locator(kind=kind, id=named)


def _kind_of_event(event: ResourceEvent) -> tuple[str, _Kind]:
    """The resource type that is handled and its kind: by operation, else by subject."""
    operation = (event.operation_name or "").lower()
    if operation in _GROUP_OPERATIONS:
        return _GROUP_TYPE, LocatorKind.SCOPE
    if operation and not operation.startswith(_TAGS_OPERATION):
        return _kind_of(operation)
    subject = parse_resource_id(_subject(event))
    if subject is not None:
        return _kind_of(subject.type)
    if operation:
        raise Unmappable(UnmappableReason.SUBJECT_NOT_A_RESOURCE, _text(event.subject) or "")
    raise Unmappable(UnmappableReason.NO_OPERATION_AND_NO_SUBJECT, _text(event.subject) or "")


def _kind_of(name: str) -> tuple[str, _Kind]:
    """By an operation name or a resource type, both in lower case."""
    found = (row for row in _KINDS if name == row[0] or name.startswith(row[0] + "/"))
    return next(found, _OTHER)


def _resource(event: ResourceEvent, resource_type: str) -> ResourceId:
    """The resource of ``resource_type`` that the subject is, or lies below."""
    if not event.subject:
        raise Unmappable(UnmappableReason.SUBJECT_MISSING, event.operation_name or "")
    subject = parse_resource_id(_subject(event))
    if subject is None:
        raise Unmappable(UnmappableReason.SUBJECT_NOT_A_RESOURCE, _text(event.subject) or "")
    resource = subject.ancestor(resource_type)
    if resource is None:
        raise Unmappable(UnmappableReason.SUBJECT_OF_ANOTHER_TYPE, _text(event.subject) or "")
    return resource


def _subject(event: ResourceEvent) -> str:
    """The tagged resource for a tags operation, whose subject occurs with and without the suffix."""
    if len(event.subject) > _SUBJECT_LIMIT:
        return ""
    return _TAGS_SUFFIX.sub("", event.subject)


def _mapped(kind: TargetKind | LocatorKind, resource: ResourceId, event: ResourceEvent) -> Mapped:
    cause = Cause(
        kind=CauseKind.EVENT,
        time=event.time,
        actor=event.actor,
        correlation_id=event.correlation_id,
        operation_name=event.operation_name,
        event_id=event.id or None,
    )
    if isinstance(kind, TargetKind):
        return Mapped(targets=(Target(kind=kind, id=resource),), cause=cause)
    return Mapped(locators=(Locator(kind=kind, id=resource),), cause=cause)
