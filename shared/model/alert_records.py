"""Alerts as they are kept, and the notifications that tell of them. Times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from shared.model.changes import Edit, TrafficBox
from shared.model.decisions import Decision
from shared.model.kinds import Severity
from shared.model.resource_id import ResourceId
from shared.model.sections import Link, Section
from shared.model.targets import Actor, Cause, Target
from shared.model.values import Json, value


class AlertStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@value
class Reach:
    """Somebody who loses or gains access: public sources as inclusive spans of IPv4 addresses, what has a
    name (every Azure address, a subnet, an endpoint), and packets."""

    sources: tuple[tuple[int, int], ...] = ()
    named: tuple[str, ...] = ()
    packets: tuple[TrafficBox, ...] = ()


@value
class Planned:
    """The change that an alert shows, as far as an approval is bound to it."""

    edits: tuple[str, ...]
    """The hash of each."""
    does: tuple[str, ...]
    """Each in words."""
    digest: str
    """The same as long as the edits are the same and do the same to the traffic."""
    loses: Reach = Reach()
    gains: Reach = Reach()
    is_told: bool = True
    """False where the rules are too many to tell who loses or gains access."""


@value
class Approval:
    """A person's consent to one drift, for a short time; proved again before writing."""

    by: str
    at: datetime
    expires_at: datetime
    fingerprint: str
    planned: Planned | None = None
    """What the alert showed: what is wider asks again. None in approvals older than the field."""
    actor: Actor | None = None
    """Who ``by`` is, by id where the platform knows it; None in what was written before this was kept."""
    not_known: str = ""
    """What kept the approver from being compared with the writers; ``""`` where they were."""


@value
class Alternative:
    """One way of several to close an alert, of which a person chooses one."""

    when: str
    """For whom it is right, as a sentence."""
    commands: tuple[str, ...]
    advice: tuple[str, ...] = ()
    """Its steps that are no command."""
    in_commands: bool = False
    """Whether the alert's ``commands`` hold those of this way: the safe one."""


@value
class AlertRecord:
    """An alert: what, where, who, when, why it matters, what was decided and how to fix it.

    ``id`` is the hash of policy, target and drift fingerprint, so the same drift is one alert however
    often it is seen; ``count`` says how often it opened or recurred.
    """

    id: str
    status: AlertStatus
    policy: str
    title: str
    severity: Severity
    target: Target
    resource_id: ResourceId
    portal: str
    cause: Cause
    why: str
    controls: tuple[Mapping[str, str], ...]
    reason: str
    evidence: Mapping[str, Json]
    decision: Decision
    commands: tuple[str, ...]
    """In the order in which they are pasted."""
    fingerprint: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    resolved_at: datetime | None = None
    resolution: str = ""
    acknowledged_by: str | None = None
    writers: tuple[Actor, ...] = ()
    """Whose writes it was seen with since it opened, beside that of ``cause``."""
    approval: Approval | None = None
    edits: tuple[Edit, ...] = ()
    """What the commands do, for what is planned beside them; none where no edit of ours says it."""
    unsent: tuple[str, ...] = ()
    """Event types that a version without letters had not queued yet; they go with the next news."""
    told: int = 0
    """How much there was to tell of it so far: the number of its newest letter."""
    told_to: tuple[str, ...] | None = None
    """The sinks that heard of it since it opened; None in records older than the field: all of them."""
    alternatives: tuple[tuple[Alternative, ...], ...] = ()
    """Choices that only a person can make: one way of each is taken."""
    no_command: str = ""
    """Why no command exists that would close it, where none does."""
    planned: Planned | None = None
    """What an approval would be for; None where no change is planned, and in records older than the field."""
    ends_on_new_server: bool = False
    """Whether what is to be done makes a new server: the alert stays until the old one is deleted."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Those tags of its server by which alerts are routed, their names in lower case; as it was seen last."""
    incident: str | None = None
    """The alert that tells of it together with others: nobody was told of this one singly."""
    listed: tuple[str, ...] = ()
    """The rows of the lists that name it; the store's, as ``etag`` is. Records older than lists have none."""
    etag: str | None = None


class NotificationType(StrEnum):
    """The event types that we publish (CloudEvents 1.0)."""

    ALERT_OPENED = "Driftward.Alert.Opened"
    ALERT_UPDATED = "Driftward.Alert.Updated"
    ALERT_RESOLVED = "Driftward.Alert.Resolved"
    CHANGE_APPLIED = "Driftward.Change.Applied"
    CHANGE_ROLLED_BACK = "Driftward.Change.RolledBack"


@value
class Notification:
    """What the sinks are told: one message, which each channel shows in its way. ``data`` is the alert or
    change as in the HTTP API."""

    id: str
    type: NotificationType
    subject: str
    time: datetime
    title: str
    body: str
    """The sections as Markdown, for channels that have no form of their own."""
    severity: Severity
    data: Mapping[str, Json]
    sections: tuple[Section, ...] = ()
    """None in letters that are older than the field: their ``body`` says it all."""
    links: tuple[Link, ...] = ()
