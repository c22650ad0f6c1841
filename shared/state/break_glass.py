"""Which blobs of the container ``control`` are switches, and whose writes each stops.

Whoever throws the switch has an incident, and no time for spelling: every blob whose name begins with
``break-glass`` counts, in any letter case, with any ending, and whatever stands between its two words. It
stops every write, unless it names subscriptions by their ids: then the writes to these. An id counts only
where it is that of a subscription in the scopes: a ticket's looks the same. A switch of which nobody knows
what it means stops more rather than less. One that is thrown for a while says in its name until when, so
that no look pays for another read. Pure; the archive lists and deletes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from shared.model import Json
from shared.model.resource_id import ResourceId
from shared.model.values import value

SWITCH: Final = "break-glass"
_BEGINS: Final = re.compile(r"[\W_]*break[\W_]*glass", re.IGNORECASE)
_GUID: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")
_UNTIL: Final = re.compile(r"/until-(\d{8}T\d{6}Z)$", re.ASCII | re.IGNORECASE)
_UNTIL_FORM: Final = "%Y%m%dT%H%M%SZ"
_LONGEST_NOTE: Final = 500


@value
class BreakGlassSwitch:
    """A blob that stops writes. ``subscriptions`` are the ids that it names; none means all of them."""

    name: str
    subscriptions: tuple[str, ...] = ()
    note: str = ""
    """What is in it, for the next person to read; cut where it is long."""
    thrown_at: datetime | None = None
    """As a switch says that was thrown through us; None where nothing tells."""
    until: datetime | None = None
    """When it ends by itself, where its name says so."""

    def concerns(self, subscription: str) -> bool:
        return not self.subscriptions or subscription.strip().lower() in self.subscriptions

    def has_ended(self, now: datetime | None) -> bool:
        """Whoever does not know the time heeds every switch."""
        return now is not None and self.until is not None and self.until <= now

    def within(self, scopes: Iterable[ResourceId]) -> BreakGlassSwitch:
        """The switch as it counts in these scopes: with an id that is none of theirs it stops every write."""
        known = {scope.subscription.lower() for scope in scopes}
        return self if known.issuperset(self.subscriptions) else replace(self, subscriptions=())


def switches(names: Iterable[str]) -> tuple[BreakGlassSwitch, ...]:
    """The switches among the names of blobs, in their order."""
    return tuple(
        BreakGlassSwitch(
            name=name, subscriptions=tuple(dict.fromkeys(_GUID.findall(name.lower()))), until=_until(name)
        )
        for name in names
        if _BEGINS.match(name)
    )


def switch_for(subscription: str | None, until: datetime | None = None) -> str:
    """The name under which a switch is thrown by us."""
    named = SWITCH if subscription is None else f"{SWITCH}/{subscription.strip().lower()}"
    return named if until is None else f"{named}/until-{until.astimezone(UTC):{_UNTIL_FORM}}"


def _until(name: str) -> datetime | None:
    """None where the name tells of no end, or of none that is a time: then it has none."""
    found = _UNTIL.search(name)
    try:
        return datetime.strptime(found[1].upper(), _UNTIL_FORM).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def note_in(data: bytes | None) -> tuple[str, datetime | None]:
    """What a switch says, and since when, as far as it says so."""
    text = (data or b"").decode(errors="replace").strip()
    try:
        said: Json = json.loads(text)
        time = datetime.fromisoformat(said["time"])
    except (ValueError, TypeError, KeyError, RecursionError):  # a person wrote it
        time = None
    return text[:_LONGEST_NOTE], time if time is not None and time.tzinfo else None
