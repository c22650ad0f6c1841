"""Alerts that belong to no policy: the id that stands where others name theirs, and what tells two apart."""

from __future__ import annotations

from typing import Final

NOT_JUDGED: Final = "target-not-judged"
NOT_CONTINUED: Final = "change-not-continued"
LOWERED_BY_TAG: Final = "effect-lowered-by-tag"
POISONED: Final = "poisoned-message"
TAKES_NOTHING: Final = "sink-takes-nothing"
MASS_DRIFT: Final = "mass-drift"
EXEMPTED: Final = "exemption-given"

OF_TAGS: Final = "tags"
"""The one fingerprint of a target's alert about its tags."""
OF_LOOKS: Final = "look"
"""The fingerprint of an alert about looks that fail."""
OF_UNKNOWN: Final = "unknown"
"""The fingerprint of a policy's alert that it cannot tell."""
