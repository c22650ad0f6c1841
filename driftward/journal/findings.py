"""What a check of the journal came to: faults, what is pending or was healed, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from shared.model.chain import Fault, FaultKind
from shared.model.values import value

PENDING: Final = timedelta(hours=1)
"""For how long an entry without its other half may be that of a worker at work, or of one that died and whose
work is taken over."""


@value
class Findings:
    """``notes`` are no faults: what was healed, and what is on its way."""

    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be told, each as a sentence."""

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            faults=self.faults + other.faults,
            notes=self.notes + other.notes,
            unknown=self.unknown + other.unknown,
        )


def together(findings: Iterable[Findings]) -> Findings:
    """All of them as one."""
    return sum(findings, Findings())


def fault(kind: FaultKind, where: str, detail: str) -> Findings:
    return Findings(faults=(Fault(kind=kind, where=where, detail=detail),))


def note(text: str) -> Findings:
    return Findings(notes=(text,))


def is_fresh(time: datetime | None, now: datetime) -> bool:
    return time is not None and now - time < PENDING
