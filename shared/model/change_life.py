"""The life of a change, as one pure machine: which step follows what happened.

::

                 Sending            Accepted            Answered (the last edit)
    claimed ───────────► sending ───────────► running ───────────► sent
       ▲                  │ ▲                   │ │                  │
       │  NotTaken        │ │ Forgotten         │ │                  │
       ├──────────────────┘ └───────────────────┘ │                  │
       │  Answered (an edit before the last)      │                  │
       └──────────────────────────────────────────┘                  │
    any of them ── Ended ──► ended ── Told ──► told ◄── (Ended) ─────┘

An edit that is done when it is answered goes from *sending* to *claimed* or *sent* without an operation; one
for which there was nothing to do leaves nothing more to send. Every step is one conditional write of the
target's row, made before what it stands for (*sending*) or right after it, so that whoever finds the record
knows what may have happened since: in *claimed* nothing was sent, in *sending* a reading has to tell, in
*running* the operation does, in *sent* a reading verifies, in *ended* people have to be told. Nothing here
reads a clock or the world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from shared.model.change_records import ChangeRecord, Phase
from shared.model.changes import Change
from shared.model.kinds import Outcome
from shared.model.operations import Operation
from shared.model.values import value


class OutOfStep(ValueError):
    """What is said to have happened cannot follow where the change stands."""


@value
class Sending:
    """The next edit is about to be sent."""

    at: datetime


@value
class Accepted:
    """Azure has taken the edit and is at it; or it still is, and says how long to wait."""

    operation: Operation


@value
class Answered:
    """The edit is done."""


@value
class NothingThere:
    """What was to be changed did not exist when the edit was sent, or was to be: a reading tells the rest."""


@value
class Forgotten:
    """Azure does not know the operation any more: only a reading tells what came of it."""


@value
class NotTaken:
    """A reading has shown that the edit was not made."""


@value
class Ended:
    """How it ended: verified by a reading (``after``), refused, given up."""

    outcome: Outcome
    detail: str
    at: datetime
    code: str = ""
    after: str | None = None
    made: int | None = None
    """How many edits a reading has shown to be made; None where none was read."""


@value
class Told:
    """People know, and everything else that follows is done."""


Happening: TypeAlias = Sending | Accepted | Answered | NothingThere | Forgotten | NotTaken | Ended | Told

IN_FLIGHT: Final = frozenset({Phase.CLAIMED, Phase.SENDING, Phase.RUNNING, Phase.SENT})
"""The phases in which the outcome is open."""


_MAY_MEET: Final[Mapping[type[Happening], frozenset[Phase]]] = {
    Sending: frozenset({Phase.CLAIMED}),
    Accepted: frozenset({Phase.SENDING, Phase.RUNNING}),
    Answered: frozenset({Phase.SENDING, Phase.RUNNING}),
    NothingThere: frozenset({Phase.CLAIMED, Phase.SENDING}),
    Forgotten: frozenset({Phase.RUNNING}),
    NotTaken: frozenset({Phase.SENDING}),
    Ended: IN_FLIGHT,
    Told: frozenset({Phase.ENDED}),
}


_PLAIN: Final[Mapping[type[Happening], Mapping[str, Any]]] = {
    NothingThere: {"phase": Phase.SENT, "nothing_there": True},
    Forgotten: {"phase": Phase.SENDING, "operation": None},
    NotTaken: {"phase": Phase.CLAIMED},
    Told: {"phase": Phase.TOLD},
}
"""What happens without saying more."""


def step(change: ChangeRecord, happening: Happening) -> ChangeRecord:
    """The change after what happened. Raises ``OutOfStep`` where that cannot follow."""
    return replace(_after(change, happening), revision=change.revision + 1, ask_at=None)


def _after(change: ChangeRecord, happening: Happening) -> ChangeRecord:
    if change.phase not in _MAY_MEET[type(happening)]:
        raise OutOfStep(f"a change that is {change.phase} cannot meet {type(happening).__name__}")
    match happening:
        case Sending(at=at):
            return replace(change, phase=Phase.SENDING, sent_at=at)
        case Accepted(operation=operation):
            return replace(change, phase=Phase.RUNNING, operation=operation)
        case Answered():
            return _one_further(change)
        case Ended():
            return _ended(change, happening)
        case _:
            return replace(change, **_PLAIN[type(happening)])


def _one_further(change: ChangeRecord) -> ChangeRecord:
    made = change.next_edit + 1
    phase = Phase.SENT if made == len(change.change.edits) else Phase.CLAIMED
    return replace(change, phase=phase, operation=None, next_edit=made)


def _ended(change: ChangeRecord, how: Ended) -> ChangeRecord:
    return replace(
        change,
        phase=Phase.ENDED,
        operation=None,
        outcome=how.outcome,
        detail=how.detail,
        code=how.code,
        finished_at=how.at,
        after=how.after,
        next_edit=change.next_edit if how.made is None else how.made,
    )


def taken_up(old: ChangeRecord) -> ChangeRecord:
    """A change in flight whose record is older than its phases, as the machine knows it."""
    if old.operation is not None:
        phase = Phase.RUNNING
    elif old.nothing_there or old.next_edit == len(old.change.edits):
        phase = Phase.SENT
    else:
        phase = Phase.SENDING
    return replace(old, phase=phase, watch="", etag=None)


def what_stands(over: ChangeRecord) -> Change | None:
    """What is left in Azure of a change that is over, with the inverse of exactly that; None where nothing
    is.

    Each edit has its inverse, in reverse. Whether it stands still is for a reading to tell.
    """
    if over.outcome in {Outcome.REVERTED, Outcome.ROLLED_BACK}:
        return over.change
    if over.outcome not in {Outcome.FAILED, Outcome.CONFLICTED} or not over.made:
        return None
    edits, inverse = over.change.edits, over.change.inverse
    return replace(over.change, edits=edits[: over.made], inverse=inverse[len(edits) - over.made :])
