"""What ``policies.yaml`` says of waiting, as values for guardrails: quiet hours, digests, merging."""

from __future__ import annotations

from datetime import timedelta

from shared.config.policies_file import AlertsSection, DigestSection, QuietHoursSection
from shared.guardrails.schedule import Window
from shared.guardrails.slots import Digest, QuietHours, Waits


def waits_of(section: AlertsSection) -> Waits:
    return Waits(
        quiet=tuple(map(_quiet_hours, section.quiet_hours)),
        digests=tuple(map(_digest, section.digests)),
        merge=timedelta(seconds=section.merge_seconds),
    )


def _quiet_hours(section: QuietHoursSection) -> QuietHours:
    window = Window(
        days=frozenset(section.days), opens=section.begins, closes=section.ends, zone=section.timezone
    )
    return QuietHours(window=window, severity=section.severity, sinks=section.sinks)


def _digest(section: DigestSection) -> Digest:
    return Digest(
        sinks=section.sinks,
        at=section.at,
        days=frozenset(section.days),
        zone=section.timezone,
        severity=section.severity,
    )
