"""Event Grid's subscriptions to the events of a subscription's resources, as Azure holds them.

One hangs on a system topic, or on the subscription or a resource group itself (an extension). Values alone:
what is wrong with one is said by ``controller.event_subscriptions``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.model.values import value


class EndpointKind(StrEnum):
    """Where events go, as far as Driftward can be behind it."""

    FUNCTION = "AzureFunction"
    WEB_HOOK = "WebHook"
    STORAGE_QUEUE = "StorageQueue"
    OTHER = "other"


@value
class Endpoint:
    kind: EndpointKind
    address: str
    """The id of the function; the URL without its query, which Azure shows nobody; the storage account's id
    with ``/queues/<name>`` behind it; for any other kind that kind in Azure's word and the id."""


@value
class AdvancedFilter:
    """One condition on an event. Its values are alternatives; all filters of a subscription must hold."""

    operator: str
    """``StringBeginsWith``…, as Azure spells it."""
    key: str
    values: tuple[str, ...] = ()
    """Texts, as far as they are texts."""


@value
class EventFilter:
    """What a subscription lets through."""

    types: tuple[str, ...] | None = None
    """None: all."""
    advanced: tuple[AdvancedFilter, ...] = ()
    subject_begins: str = ""
    subject_ends: str = ""


@value
class EventSubscription:
    id: str
    """As Azure has it; an extension of a subscription has an id below no resource group."""
    name: str
    source: str
    """The subscription or resource group whose events these are."""
    state: str
    """Its provisioning state: ``Succeeded``, ``Failed``, ``Creating``…; ``""`` where none is told."""
    endpoint: Endpoint
    filter: EventFilter
    expires: datetime | None = None
    topic: str = ""
    """The id of its system topic; ``""`` for an extension."""
    topic_state: str = ""
    topic_identity: str = ""
    """``SystemAssigned``, ``UserAssigned``, both, or ``""`` where the topic has none."""
    dead_letters: str = ""
    """The storage account's id with ``/containers/<name>`` behind it; ``""``: what cannot be delivered is
    dropped."""
    dead_letters_as: str = ""
    """The identity with which they are written there; ``""``: with the account's key."""


@value
class EventSubscriptions:
    """What there is in a subscription, as far as our identity may see it."""

    found: tuple[EventSubscription, ...] = ()
    unread: tuple[str, ...] = ()
    """What could not be read, and why: the missing action where one is missing."""
