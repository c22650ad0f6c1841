"""What a scan comes to, as its exit code."""

from __future__ import annotations

from enum import IntEnum

from shared.model import Severity
from shared.report.rows import Report


class Came(IntEnum):
    CLEAN = 0
    FOUND = 1
    """Something new is wrong that is as grave as asked, or graver."""
    UNREAD = 2
    """A scope could not be listed whole, or not one target could be read."""
    NOT_KNOWN = 3
    """Asked with --strict: of something it is not known whether it is wrong."""


def came_to(report: Report, fail_on: Severity, *, strict: bool) -> Came:
    """What is wrong weighs more than what could not be read, and that more than what is not known."""
    grave = [row for row in report.rows if row.severity.rank >= fail_on.rank]
    if any(row.is_wrong and row.is_new for row in grave):
        return Came.FOUND
    counts = report.counts
    if report.estate.unlisted or (counts.targets and counts.unread == counts.targets):
        return Came.UNREAD
    return Came.NOT_KNOWN if strict and any(row.is_open for row in grave) else Came.CLEAN
