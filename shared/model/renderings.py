"""How a notification is spelt for the channels that have a form of their own.

The forms are made by ``shared.alerts.channels`` and posted by the adapters, which know nothing of alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from shared.model.alert_records import Notification
from shared.model.values import Json, value


@value
class Call:
    """A request to a channel's API, below its address."""

    method: str
    path: str
    body: Mapping[str, Json]


@value
class Mail:
    """A mail but for its sender and receivers."""

    subject: str
    time: datetime
    headers: Mapping[str, str]
    text: str
    html: str


@value
class Renderings:
    teams: Callable[[Notification], Mapping[str, Json]]
    """A message for a Workflows web hook."""
    slack: Callable[[Notification], Mapping[str, Json]]
    """A message without its channel."""
    pagerduty: Callable[[Notification, str], Call]
    """An event with this routing key, below the address of the Events API."""
    opsgenie: Callable[[Notification], tuple[Call, ...]]
    """Calls below ``/v2/alerts``, in order; each may be made twice."""
    mail: Callable[[Notification, str], Mail]
    """A mail from this domain."""
    web_hook: Callable[[Notification], Mapping[str, Json]]
    """What stands beside apprise's own fields."""
