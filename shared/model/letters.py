"""What a sink has not taken yet: one letter for each notification and sink."""

from __future__ import annotations

from datetime import datetime

from shared.model.alert_records import Notification
from shared.model.targets import Cause
from shared.model.values import value


@value
class Letter:
    """A notification on its way to one sink. Letters about one thing reach a sink in order."""

    sink: str
    about: str
    """The id of the alert or change: what its number is counted in."""
    number: int
    notification: Notification
    cause: Cause
    written_at: datetime
    taken_by: str | None = None
    """The token of the message that delivers it now."""
    taken_at: datetime | None = None
    put_off_by: str | None = None
    """The token of the message that comes back for it; any other leaves it to that one."""
    due_at: datetime
    """When a message should have come for it, at the latest: after that it was left behind."""
    refused_since: datetime | None = None
    """When the sink did not take it for the first time."""
    is_told: bool = False
    """Whether people were told that the sink does not take it."""
    not_before: datetime | None = None
    """Until when it waits, for quiet hours, a digest or others of its kind; None: it goes at once."""
    bundle: tuple[str, ...] = ()
    """Letters to its sink that share a word of these are one message."""
    etag: str | None = None


@value
class Waiting:
    """What is known of a letter without reading it."""

    sink: str
    about: str
    due_at: datetime
    is_refused: bool
    """Whether the sink did not take it."""
    is_told: bool
    bundle: tuple[str, ...] = ()
