"""What goes into an answer about a flow log, and times as the answer has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime

from driftward.flows.advice import Advice, Denied
from driftward.flows.counting import Counting, Group
from driftward.flows.faults import Faults
from driftward.flows.labels import Setting
from shared.model import Json, SecurityGroup
from shared.model.values import value


@value
class Told:
    """What goes into an answer."""

    files: Sequence[str]
    counting: Counting
    faults: Faults
    setting: Setting
    advice: Mapping[Group, Advice]
    denied_now: Denied = field(default_factory=dict)
    """What the service needs and the NSG denies, though the log does not show it."""
    security_group: SecurityGroup | None = None
    tags: Mapping[str, Json] | None = None
    """Where the prefixes are from."""
    server: Mapping[str, Json] | None = None
    notes: Sequence[str] = ()


def time_of(milliseconds: int | None) -> str | None:
    """RFC 3339 in UTC, with milliseconds where there are any."""
    if milliseconds is None:
        return None
    seconds, rest = divmod(milliseconds, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
    return moment.isoformat(timespec="milliseconds" if rest else "seconds").replace("+00:00", "Z")
