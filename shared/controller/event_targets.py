"""Which targets an event names, or from what they are found; an event only says *look here*.

``map_event`` says that an event is none of our business (``Ignored``), or raises ``Unmappable`` when it is
and cannot be followed: such an event is dead-lettered, because delivering it again cannot help.

- Failures and cancellations count like successes: a half-applied write or delete must be looked at,
  and looking costs two reads.
- ``operationName`` says what kind of thing was written, ``subject`` which one; both are compared
  without case. A child maps to its parent, because targets are read as a whole; what hangs on a resource
  (a lock, a diagnostic setting, tags) maps to that resource.
- What an event without an operation is about, ``subject`` alone says, whatever its ``data`` are.
- A child that the table of handled types does not list counts too: Azure adds types, and a look too many
  is cheap.
- Moving resources out of a group and deleting a group name the group as a locator. The deletion of a
  group should raise one event per resource in it, but those may be lost, and one query is cheap.
  Where moved resources arrived is not in the event (its subject is the group that they left, as in the
  request: ``POST …/resourceGroups/<source>/moveResources``); what is new in the scopes is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from shared.controller.events import EVENT_TYPES, ResourceEvent, text_of
from shared.controller.handled_types import HANDLED, Named
from shared.model import Cause, CauseKind, Locator, LocatorKind, Target, TargetKind
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.sweeping import Touched
from shared.model.values import value

_ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SUBJECT_LIMIT: Final = 2048
"""Longer than any id that ARM accepts in a URL."""

_SUBSCRIPTION_LIMIT: Final = 64
"""A subscription's id is a GUID; it is a key of the store's tables, which may not be long."""

_SLASHES: Final = re.compile("/{2,}")
_ELSEWHERE: Final = re.compile(
    r"/?(?:subscriptions/[^/]+/)?providers/[^/]+(?:/[^/]+/[^/]+)+/?", re.IGNORECASE
)
"""What lies in no resource group (a role assignment, a policy): nobody's business here."""

_WRITES: Final = "microsoft.resources.resourcewrite"
_LOCKS: Final = "microsoft.authorization/locks/"
_GROUP: Final = "microsoft.resources/subscriptions/resourcegroups"
_EVENT_TYPES: Final = frozenset(name.lower() for name in EVENT_TYPES)


class IgnoredReason(StrEnum):
    """Why an event names nothing that we look at; counted, never an error."""

    EVENT_TYPE = "event-type"
    OPERATION = "operation"


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
class Mapped:
    """What must be looked at, and why. From locators targets are found later (``dispatch``)."""

    targets: tuple[Target, ...] = ()
    locators: tuple[Locator, ...] = ()
    cause: Cause


@value
class Ignored:
    reason: IgnoredReason


_HANGS_ON: Final = re.compile(
    r"/providers/(?:{})/[^/]+/?\Z".format(
        "|".join(re.escape(row.type) for row in HANDLED if row.names is None)
    ),
    re.IGNORECASE,
)


def map_event(event: ResourceEvent) -> Mapped | Ignored:
    """Which targets or locators the event names. Raises ``Unmappable``."""
    if not event.type:
        raise Unmappable(UnmappableReason.NO_EVENT_TYPE)
    if event.type.lower() not in _EVENT_TYPES:
        return Ignored(reason=IgnoredReason.EVENT_TYPE)
    found = _kind_of_event(event)
    if found is None:
        return Ignored(reason=IgnoredReason.OPERATION)
    resource_type, kind = found
    return _mapped(kind, _resource(event, resource_type), event)


def what_was_touched(touched: Touched) -> Target | Locator | None:
    """What must be looked at for a resource that Azure's own records tell of; None for what is nobody's
    business, or cannot be followed: its turn comes whatever they say.
    """
    verb = touched.operation.rpartition("/")[2].lower()
    deed = {"delete": "Delete", "action": "Action"}.get(verb, "Write")
    event = ResourceEvent(
        id="",
        type=f"Microsoft.Resources.Resource{deed}Success",
        subject=touched.resource,
        time=_ANY_TIME,
        operation_name=touched.operation or None,
    )
    try:
        mapped = map_event(event)
    except Unmappable:
        return None
    if isinstance(mapped, Ignored):
        return None
    named: tuple[Target | Locator, ...] = (*mapped.targets, *mapped.locators)
    return named[0]


def may_be_moved(cause: Cause) -> bool:
    """Whether resources may have left a group for another: all but a lock on it can mean that."""
    named = {(one.operation_name or "").lower() for one in (cause, *cause.earlier)}
    return not all(name.startswith(_LOCKS) for name in named)


def locate(resource: ResourceId) -> Target | Locator | None:
    """What must be looked at for a resource that a person names; None when no policy looks at its type.

    A child is looked at as part of its parent, as for events.
    """
    found = _kind_of_type(resource.type)
    named = resource.ancestor(found[0]) if found is not None else None
    if found is None or named is None:
        return None
    kind = found[1]
    return Target(kind=kind, id=named) if isinstance(kind, TargetKind) else Locator(kind=kind, id=named)


def _kind_of_event(event: ResourceEvent) -> tuple[str, Named] | None:
    """The resource type that is handled and its kind: by operation, else by subject; None for no other."""
    operation = (event.operation_name or "").lower()
    if not operation:
        return _kind_of_subject(event)
    row = next((row for row in HANDLED if row.covers(operation)), None)
    if row is None:
        return None
    if row.names is not None:
        return row.type.lower(), row.names
    held_by = _parsed_subject(event)
    if row.on_group and held_by.type == _GROUP:
        return _GROUP, LocatorKind.SCOPE
    return _kind_of_type(held_by.type)


def _kind_of_subject(event: ResourceEvent) -> tuple[str, Named] | None:
    """What the subject is. A group that was not written counts: it is gone, or resources have left it."""
    subject = _resource_in(event)
    if subject is None:
        if _ELSEWHERE.fullmatch(_subject(event)):
            return None
        raise _says_nothing(event)
    if subject.type == _GROUP and not event.type.lower().startswith(_WRITES):
        return _GROUP, LocatorKind.SCOPE
    return _kind_of_type(subject.type)


def _says_nothing(event: ResourceEvent) -> Unmappable:
    if not isinstance(event.data, Mapping):
        return Unmappable(UnmappableReason.DATA_NOT_AN_OBJECT, type(event.data).__name__)
    return Unmappable(UnmappableReason.NO_OPERATION_AND_NO_SUBJECT, text_of(event.subject) or "")


def _kind_of_type(resource_type: str) -> tuple[str, Named] | None:
    """The handled type that ``resource_type``, in lower case, is or lies below."""
    for row in HANDLED:
        handled = row.type.lower()
        if row.names is not None and row.whole and f"{resource_type}/".startswith(f"{handled}/"):
            return handled, row.names
    return None


def _resource(event: ResourceEvent, resource_type: str) -> ResourceId:
    """The resource of ``resource_type`` that the subject is, or lies below."""
    resource = _parsed_subject(event).ancestor(resource_type)
    if resource is None:
        raise Unmappable(UnmappableReason.SUBJECT_OF_ANOTHER_TYPE, text_of(event.subject) or "")
    return resource


def _parsed_subject(event: ResourceEvent) -> ResourceId:
    if not event.subject:
        raise Unmappable(UnmappableReason.SUBJECT_MISSING, event.operation_name or "")
    subject = _resource_in(event)
    if subject is None:
        raise Unmappable(UnmappableReason.SUBJECT_NOT_A_RESOURCE, text_of(event.subject) or "")
    return subject


def _resource_in(event: ResourceEvent) -> ResourceId | None:
    subject = parse_resource_id(_subject(event))
    return subject if subject is not None and len(subject.subscription) <= _SUBSCRIPTION_LIMIT else None


def _subject(event: ResourceEvent) -> str:
    """The subject without what hangs on it (that of tags occurs with and without the suffix), and with one
    slash where it has several, as ARM reads it."""
    if len(event.subject) > _SUBJECT_LIMIT:
        return ""
    return _HANGS_ON.sub("", _SLASHES.sub("/", event.subject))


def _mapped(kind: Named, resource: ResourceId, event: ResourceEvent) -> Mapped:
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
