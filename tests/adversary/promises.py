"""What must hold of every attack, told as the sentences that do not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from shared.model import EnforcementMode, Severity
from tests.adversary.attack import Attack, Figures, Wrote

TOLD_WITHIN: Final = 120.0
"""Seconds of exposure until the first message about it, for High and above, in audit as well."""
FREE_WRITES: Final = 5
PAUSE: Final = 1800.0
"""Seconds between two writes to a target in a fight, once there were so many."""
_ONE_REVERT: Final = 60.0
"""Writes within so many seconds are the edits of one revert."""
_AT_FIRST: Final = 12


def broken(attack: Attack, mode: EnforcementMode, figures: Figures) -> list[str]:
    """The promises that do not hold."""
    enforces = mode is EnforcementMode.ENFORCE
    return [
        *(_untold(figures) if attack.severity.rank >= Severity.HIGH.rank else ()),
        *(_left_open(attack, figures) if enforces and attack.provable else ()),
        *_too_many_messages(attack, figures),
        *_wrong_writes(figures, may_write=enforces and attack.may_write),
        *(_pressed(figures) if attack.is_fight else ()),
    ]


def _untold(figures: Figures) -> Iterator[str]:
    for target, exposure in figures.exposures.items():
        if exposure.untold > TOLD_WITHIN:
            yield f"{target} was open {exposure.untold:.0f} s before the first message"


def _left_open(attack: Attack, figures: Figures) -> Iterator[str]:
    for target, exposure in figures.exposures.items():
        if exposure.last > attack.longest:
            yield f"{target} stayed open {exposure.last:.0f} s after the last opening"
        if exposure.longest > attack.longest:
            yield f"{target} was open {exposure.longest:.0f} s at a stretch"


def _too_many_messages(attack: Attack, figures: Figures) -> Iterator[str]:
    most = _AT_FIRST + attack.messages_an_hour * figures.seconds / 3600
    if len(figures.messages) > most:
        yield f"{len(figures.messages)} messages, more than {most:.0f}"


def _wrong_writes(figures: Figures, *, may_write: bool) -> Iterator[str]:
    if figures.writes and not may_write:
        yield f"{len(figures.writes)} writes"


def _pressed(figures: Figures) -> Iterator[str]:
    """After the first reverts of a day no two come sooner than the pause."""
    for target in {write.target for write in figures.writes}:
        reverts = list(_reverts([write for write in figures.writes if write.target == target]))
        for one, other in pairwise(reverts[FREE_WRITES - 1 :]):
            if other - one < PAUSE:
                yield f"{target} was written {other - one:.0f} s after the write before"


def _reverts(writes: list[Wrote]) -> Iterator[float]:
    last = -PAUSE
    for write in writes:
        if write.at - last > _ONE_REVERT:
            yield write.at
        last = write.at
