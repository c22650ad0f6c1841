"""When a letter may go to its sink, and with which others: quiet hours, digests and the merge window of
``policies.yaml``, as values and one question.

What is Critical never waits, nor does anything to the custom topic. What waits, waits a week at most. In
chats and mail what waits is one message: everything until the end of the quiet hours or the time of the
digest, and within the merge window what is of one deployment. A channel that knows each alert by a key of its
own is told one by one, and waits in quiet hours alone, where they name it, with what is Medium or milder.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.guardrails.schedule import Weekday, Window, next_time
from shared.guardrails.sink_names import TOPIC, is_named, is_talk, kind_of
from shared.model import Cause, CauseKind, Severity
from shared.model.resource_id import ResourceId
from shared.model.values import value

LONGEST: Final = timedelta(days=7)
"""So long anything waits at most."""
MOST_HELD: Final = Severity.HIGH
"""The gravest that may be held back at all."""
_MOST_HELD_ONE_BY_ONE: Final = Severity.MEDIUM


@value
class QuietHours:
    """When nobody is to be woken by what is as grave as ``severity`` or milder."""

    window: Window
    severity: Severity
    sinks: tuple[str, ...] = ()
    """None: every chat and mail."""

    def until(self, sink: str, severity: Severity, now: datetime) -> datetime | None:
        """The end of these hours, where they hold this back now."""
        if not self._concerns(sink) or severity.rank > _held(sink, self.severity).rank:
            return None
        return next((end for start, end in self.window.openings(now) if start <= now < end), None)

    def _concerns(self, sink: str) -> bool:
        return any(is_named(sink, name) for name in self.sinks) if self.sinks else is_talk(sink)


@value
class Digest:
    """When what is as grave as ``severity`` or milder is told, all at once; to chats and mail alone."""

    sinks: tuple[str, ...]
    at: time
    days: frozenset[Weekday]
    zone: ZoneInfo
    severity: Severity

    def next(self, sink: str, severity: Severity, now: datetime) -> datetime | None:
        if not is_talk(sink) or severity.rank > self.severity.rank:
            return None
        named = any(is_named(sink, name) for name in self.sinks)
        return next_time(self.at, self.days, self.zone, now) if named else None


@value
class Waits:
    """What ``policies.yaml`` says of waiting."""

    quiet: tuple[QuietHours, ...] = ()
    digests: tuple[Digest, ...] = ()
    merge: timedelta = timedelta(seconds=60)


@value
class Slot:
    """When a letter may go, and by what it is known which others go with it."""

    until: datetime | None = None
    """None: at once."""
    bundle: tuple[str, ...] = ()
    """Letters to one sink that share a word of these are one message."""


AT_ONCE: Final = Slot()


def slot(sink: str, severity: Severity, words: tuple[str, ...], now: datetime, waits: Waits) -> Slot:
    """When a letter goes that is written now. ``words`` say of what it is, for the merge window; without any
    it is merged with nothing."""
    if kind_of(sink) == TOPIC or severity.rank > MOST_HELD.rank:
        return AT_ONCE
    until = min(_held_until(sink, severity, now, waits), now + LONGEST)
    if until > now:
        return Slot(until=until, bundle=(f"until {until.isoformat()}",) if is_talk(sink) else ())
    if words and waits.merge and is_talk(sink):
        return Slot(until=now + waits.merge, bundle=words)
    return AT_ONCE


def deployment_words(cause: Cause, resource: ResourceId | None) -> tuple[str, ...]:
    """By what it is known that things are of one deployment: Azure's correlation id; who wrote, and in which
    resource group; and of what the sweep found the subscription."""
    correlation = (f"correlation {cause.correlation_id}",) if cause.correlation_id else ()
    if resource is None:
        return correlation
    if cause.kind is CauseKind.SWEEP:
        return (*correlation, f"sweep {resource.subscription.lower()}")
    writer = cause.actor.object_id or cause.actor.app_id
    if not writer:
        return correlation
    group = f"{resource.subscription}/{resource.resource_group}".lower()
    return (*correlation, f"writer {writer} in {group}")


def _held(sink: str, severity: Severity) -> Severity:
    """The gravest that is held back of what a sink is told."""
    if is_talk(sink):
        return severity
    return min(severity, _MOST_HELD_ONE_BY_ONE, key=lambda one: one.rank)


def _held_until(sink: str, severity: Severity, now: datetime, waits: Waits) -> datetime:
    """The time of the next digest, or now; where that is in quiet hours their end, and the end of those that
    follow them without a gap."""
    digests = (one.next(sink, severity, now) for one in waits.digests)
    until = min((found for found in digests if found is not None), default=now)
    while until < now + LONGEST:
        ends = (one.until(sink, severity, until) for one in waits.quiet)
        end = max((found for found in ends if found is not None), default=None)
        if end is None:
            break
        until = end
    return until
