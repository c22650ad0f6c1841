"""Event Grid's resource events: what happened, who did it, and which targets must be looked at.

An event only says *look here*. ``parse_event`` turns the plain parts of an Event Grid event or a
CloudEvent into a ``ResourceEvent``; ``map_event`` says which targets or locators it names, that it is
none of our business (``Ignored``), or raises ``Unmappable`` when it is and cannot be followed: such an
event is dead-lettered, because delivering it again cannot help. ``HANDLED`` is the one table of what is
handled: the mapping, the filter of the Event Grid subscription and docs/events.md are made from it.

- Failures and cancellations count like successes: a half-applied write or delete must be looked at,
  and looking costs two reads. What the event claims to have happened is never believed.
- ``operationName`` says what kind of thing was written, ``subject`` which one; both are compared
  without case. A child maps to its parent, because targets are read as a whole; what hangs on a resource
  (a lock, a diagnostic setting, tags) maps to that resource.
- A child that the table does not list counts too: Azure adds types, and a look too many is cheap.
- Moving resources out of a group and deleting a group name the group as a locator. The deletion of a
  group should raise one event per resource in it, but those may be lost, and one query is cheap.
  Where moved resources arrived is not in the event; the sweep finds them.

No clock, no I/O, no Azure type: triggers take events apart and pass their parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from shared.model import Actor, Aspect, Cause, CauseKind, Json, Locator, LocatorKind, Target, TargetKind
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

_TEXT_LIMIT: Final = 256
"""Texts of an event travel in queue messages (64 KiB) and logs; nothing that we use is longer."""

_SUBJECT_LIMIT: Final = 2048
"""Longer than any id that ARM accepts in a URL."""

_OBJECT_ID_CLAIM: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_NAME_CLAIMS: Final = (
    "name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
)

_GROUP: Final = "microsoft.resources/subscriptions/resourcegroups"

EVENT_TYPES: Final = tuple(
    f"Microsoft.Resources.Resource{deed}{end}"
    for deed in ("Write", "Delete", "Action")
    for end in ("Success", "Failure", "Cancel")
)
"""The event types that are looked at, in Azure's spelling."""

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


# --- the table -------------------------------------------------------------------------------------

Named: TypeAlias = TargetKind | LocatorKind
"""What an event names: a target, or something from which targets are found."""


@value
class Operations:
    """Operations below a resource type, as ``write`` or ``firewallRules/write``, and what they may change."""

    names: tuple[str, ...]
    changes: frozenset[Aspect]


@value
class Handled:
    """A resource type whose events are looked at."""

    type: str
    """In Azure's spelling."""
    names: Named | None
    """None: the resource that it hangs on (a lock, a diagnostic setting, tags)."""
    operations: tuple[Operations, ...]
    """What is known to matter to the policies."""
    whole: bool = True
    """Whether every other operation below the type counts as well."""
    on_group: bool = False
    """Whether it concerns everything in a resource group when it hangs on the group."""

    def covers(self, operation: str) -> bool:
        """Whether ``operation``, in lower case, is one of this type."""
        if self.whole:
            return operation.startswith(f"{self.type.lower()}/")
        return operation in {name.lower() for name in self.operation_names}

    @property
    def operation_names(self) -> tuple[str, ...]:
        """The full names of the listed operations."""
        return tuple(f"{self.type}/{name}" for listed in self.operations for name in listed.names)


def _written(*children: str, changes: tuple[Aspect, ...]) -> Operations:
    """Writing and deleting the type itself (``""``) or its children."""
    names = (f"{child}/{verb}" if child else verb for child in children for verb in ("write", "delete"))
    return Operations(names=tuple(names), changes=frozenset(changes))


def _done(*names: str, changes: tuple[Aspect, ...]) -> Operations:
    return Operations(names=names, changes=frozenset(changes))


HANDLED: Final[tuple[Handled, ...]] = (
    Handled(
        type="Microsoft.DBforPostgreSQL/flexibleServers",
        names=TargetKind.FLEXIBLE_SERVER,
        operations=(
            _written("", changes=(Aspect.SERVER, Aspect.PARAMETERS)),
            _done(
                "restart/action", "start/action", "stop/action", changes=(Aspect.SERVER, Aspect.PARAMETERS)
            ),
            _done("migrateNetwork/action", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS)),
            _written("firewallRules", changes=(Aspect.FIREWALL_RULES,)),
            _done("configurations/write", changes=(Aspect.PARAMETERS,)),
            _written("administrators", changes=(Aspect.ADMINISTRATORS,)),
            _written("privateEndpointConnections", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS)),
            _done("advancedThreatProtectionSettings/write", changes=(Aspect.THREAT_PROTECTION,)),
        ),
    ),
    Handled(
        type="Microsoft.DBforPostgreSQL/servers",
        names=TargetKind.SINGLE_SERVER,
        operations=(
            _written("", changes=(Aspect.SERVER,)),
            _done("restart/action", changes=(Aspect.SERVER, Aspect.PARAMETERS)),
            _written("firewallRules", changes=(Aspect.FIREWALL_RULES,)),
            _written("virtualNetworkRules", changes=(Aspect.VIRTUAL_NETWORK_RULES,)),
            _done("configurations/write", "updateConfigurations/action", changes=(Aspect.PARAMETERS,)),
            _written("administrators", changes=(Aspect.ADMINISTRATORS,)),
            _written("privateEndpointConnections", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS)),
            _done("securityAlertPolicies/write", changes=(Aspect.THREAT_PROTECTION,)),
            _written("keys", changes=(Aspect.SERVER,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/virtualNetworks/subnets",
        names=TargetKind.SUBNET,
        operations=(
            _written(
                "", changes=(Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.ROUTES, Aspect.SUBNET_ENDPOINTS)
            ),
        ),
    ),
    Handled(
        type="Microsoft.Network/virtualNetworks",
        names=LocatorKind.VIRTUAL_NETWORK,
        operations=(
            # Its subnets are inline in it, and its DNS servers decide what names resolve to.
            _written(
                "",
                changes=(
                    Aspect.VIRTUAL_NETWORK,
                    Aspect.SUBNET,
                    Aspect.SECURITY_GROUP,
                    Aspect.ROUTES,
                    Aspect.PRIVATE_DNS,
                ),
            ),
            _written("virtualNetworkPeerings", changes=(Aspect.VIRTUAL_NETWORK,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/networkSecurityGroups",
        names=LocatorKind.NSG,
        operations=(
            _written("", "securityRules", changes=(Aspect.SECURITY_GROUP,)),
            # Azure documents no write of a default rule; should one appear, it is looked at.
            _done("defaultSecurityRules/write", changes=(Aspect.SECURITY_GROUP,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/routeTables",
        names=LocatorKind.ROUTE_TABLE,
        operations=(_written("", "routes", changes=(Aspect.ROUTES,)),),
    ),
    Handled(
        type="Microsoft.Network/privateEndpoints",
        names=LocatorKind.PRIVATE_ENDPOINT,
        operations=(
            _written("", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS, Aspect.SUBNET_ENDPOINTS)),
            _written("privateDnsZoneGroups", changes=(Aspect.PRIVATE_DNS,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/privateDnsZones",
        names=LocatorKind.PRIVATE_DNS_ZONE,
        operations=(
            _written("", "A", "AAAA", "CNAME", "virtualNetworkLinks", changes=(Aspect.PRIVATE_DNS,)),
        ),
    ),
    Handled(
        type="Microsoft.Authorization/locks",
        names=None,
        operations=(_written("", changes=(Aspect.DNS_LOCKS,)),),
        on_group=True,
    ),
    Handled(
        type="Microsoft.Insights/diagnosticSettings",
        names=None,
        operations=(_written("", changes=(Aspect.DIAGNOSTIC_SETTINGS,)),),
    ),
    # Defender's own way to the same switch; single resources are also set through it (Microsoft.Security).
    Handled(
        type="Microsoft.Security/advancedThreatProtectionSettings",
        names=None,
        operations=(_done("write", changes=(Aspect.THREAT_PROTECTION,)),),
    ),
    # Tags decide which scope of policies.yaml holds; on a group or a subscription they are not inherited.
    Handled(
        type="Microsoft.Resources/tags",
        names=None,
        operations=(_written("", changes=(Aspect.SERVER,)),),
    ),
    Handled(
        type="Microsoft.Resources/subscriptions/resourceGroups",
        names=LocatorKind.SCOPE,
        operations=(_done("delete", "moveResources/action", changes=(Aspect.SERVER, Aspect.SUBNET)),),
        whole=False,
    ),
)
"""What is handled, the more specific type first."""

_HANGS_ON: Final = re.compile(
    r"/providers/(?:{})/[^/]+/?\Z".format(
        "|".join(re.escape(row.type) for row in HANDLED if row.names is None)
    ),
    re.IGNORECASE,
)


def operation_prefixes() -> tuple[str, ...]:
    """What the name of a handled operation begins with, in Azure's spelling: the filter of the subscription.

    An operation that begins with none of these is ignored by ``map_event`` as well.
    """
    wanted = [
        prefix for row in HANDLED for prefix in ([f"{row.type}/"] if row.whole else row.operation_names)
    ]
    return tuple(one for one in wanted if not any(one != other and one.startswith(other) for other in wanted))


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
    if event.type.lower() not in _EVENT_TYPES:
        return Ignored(reason=IgnoredReason.EVENT_TYPE)
    if not isinstance(event.data, Mapping):
        raise Unmappable(UnmappableReason.DATA_NOT_AN_OBJECT, type(event.data).__name__)
    found = _kind_of_event(event)
    if found is None:
        return Ignored(reason=IgnoredReason.OPERATION)
    resource_type, kind = found
    return _mapped(kind, _resource(event, resource_type), event)


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
    subject = parse_resource_id(_subject(event))
    if subject is None:
        raise Unmappable(UnmappableReason.NO_OPERATION_AND_NO_SUBJECT, _text(event.subject) or "")
    return _kind_of_type(subject.type)


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
        raise Unmappable(UnmappableReason.SUBJECT_OF_ANOTHER_TYPE, _text(event.subject) or "")
    return resource


def _parsed_subject(event: ResourceEvent) -> ResourceId:
    if not event.subject:
        raise Unmappable(UnmappableReason.SUBJECT_MISSING, event.operation_name or "")
    subject = parse_resource_id(_subject(event))
    if subject is None:
        raise Unmappable(UnmappableReason.SUBJECT_NOT_A_RESOURCE, _text(event.subject) or "")
    return subject


def _subject(event: ResourceEvent) -> str:
    """The subject without what hangs on it: that of tags occurs with and without the suffix."""
    if len(event.subject) > _SUBJECT_LIMIT:
        return ""
    return _HANGS_ON.sub("", event.subject)


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
