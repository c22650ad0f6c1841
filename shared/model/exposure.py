"""The clock of an exposure: when somebody could get in who should not, on one target, by one policy's word.

It runs from the first sight and goes on across compliant moments, so that nobody sets it back by shutting
the hole for a moment. What is done by it (telling people, ending delays) is decided in ``shared.guardrails``;
here are only the openings and plain questions to them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.model.targets import Actor
from shared.model.values import value

REMEMBERED: Final = timedelta(hours=24)
"""For how long an opening counts."""

_MOST_OPENINGS: Final = 60
"""Kept of one clock; of more the oldest are one, of their joint length."""


@value
class Opening:
    """One time of exposure: from the reading that first saw it to the first that did not."""

    seen_at: datetime
    shut_at: datetime | None = None
    fingerprint: str = ""
    """Of the drift that was seen last in it."""
    actor: Actor | None = None
    """Who had last written to the target when it was first seen; None where no event told."""

    def within(self, since: datetime, now: datetime) -> timedelta:
        """How much of the time from ``since`` to ``now`` it was open."""
        return max((self.shut_at or now) - max(self.seen_at, since), timedelta(0))


@value
class Exposure:
    """The openings of the last day, in order; at most the last one is open."""

    openings: tuple[Opening, ...] = ()

    @property
    def is_open(self) -> bool:
        return bool(self.openings) and self.openings[-1].shut_at is None

    @property
    def last_shut(self) -> datetime | None:
        """When the newest opening was seen to be over; None while it is not, or where there is none."""
        return self.openings[-1].shut_at if self.openings else None

    def recent(self, now: datetime) -> tuple[Opening, ...]:
        """The openings that count."""
        since = now - REMEMBERED
        return tuple(one for one in self.openings if one.shut_at is None or one.shut_at > since)

    def open_for(self, now: datetime) -> timedelta:
        """How long it was open in the last day, all openings together."""
        since = now - REMEMBERED
        return sum((one.within(since, now) for one in self.recent(now)), timedelta(0))

    def seen(self, opening: Opening) -> Exposure:
        """It is open: the newest opening goes on, or this one begins."""
        if not self.is_open:
            return Exposure(openings=_folded((*self.recent(opening.seen_at), opening)))
        *earlier, newest = self.openings
        going_on = Opening(
            seen_at=newest.seen_at, fingerprint=opening.fingerprint, actor=newest.actor or opening.actor
        )
        return Exposure(openings=(*earlier, going_on))

    def shut(self, now: datetime) -> Exposure:
        """It is not open any more, as far as was seen."""
        if not self.is_open:
            return Exposure(openings=self.recent(now))
        *earlier, newest = self.openings
        over = Opening(
            seen_at=newest.seen_at, shut_at=now, fingerprint=newest.fingerprint, actor=newest.actor
        )
        return Exposure(openings=(*earlier, over))


def _folded(openings: tuple[Opening, ...]) -> tuple[Opening, ...]:
    """The openings, the two oldest as one while there are too many: no number of them shortens the time."""
    while len(openings) > _MOST_OPENINGS:
        first, second, *rest = openings
        length = first.within(first.seen_at, second.seen_at)
        joined = Opening(
            seen_at=second.seen_at - length,
            shut_at=second.shut_at,
            fingerprint=second.fingerprint,
            actor=first.actor or second.actor,
        )
        openings = (joined, *rest)
    return openings
