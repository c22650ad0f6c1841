"""When so many targets drift that people are told once. Pure.

A number alone is wrong twice: ten targets are all that a small subscription has, and nothing in one of ten
thousand; of those a share alone would be two thousand messages. So it is a number at least, a share, and a
number that is enough whatever the share is.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.model.drifting import Drift
from shared.model.values import value


@value
class Threshold:
    """Targets that drift within a window."""

    at_least: int
    percent: int
    enough: int

    def of(self, known: int | None) -> int:
        """From how many on it is an incident; where nobody knows how many there are, the number counts."""
        share = -(-known * self.percent // 100) if known is not None else 0
        return max(self.at_least, min(share, self.enough))

    def is_quiet(self, count: int, known: int | None) -> bool:
        """Whether an incident is over: fewer than half."""
        return 2 * count < self.of(known)


def targets_in(drifts: Sequence[Drift]) -> dict[str, Drift]:
    """The gravest drift of each target, by the target's key, in the order in which they drifted first."""
    found: dict[str, Drift] = {}
    for drift in drifts:
        known = found.setdefault(drift.target.key, drift)
        if drift.severity.rank > known.severity.rank:
            found[drift.target.key] = drift
    return found
