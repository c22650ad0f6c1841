"""A change that was claimed: everything needed to finish, explain and undo it, and where its life stands.

While a change is in flight the record stands whole in the row of its target (``TargetRecord.change``); the
table of changes is copied from there. Which step follows which is in ``shared.model.change_life``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from shared.model.changes import Change, Proof
from shared.model.decisions import Decision
from shared.model.kinds import Outcome
from shared.model.operations import Operation
from shared.model.targets import Cause
from shared.model.values import value


@value
class TrafficDifference:
    """What passes otherwise than before, one text for each box of packets or range of addresses.

    A packet is open where a service tag or an application security group decides it.
    """

    newly_allowed: tuple[str, ...] = ()
    newly_denied: tuple[str, ...] = ()
    newly_open: tuple[str, ...] = ()


class ChangeKind(StrEnum):
    REMEDIATION = "remediation"
    ROLLBACK = "rollback"


class Phase(StrEnum):
    """Where the life of a change stands."""

    CLAIMED = "claimed"
    """The edit ``next_edit`` was not sent, nor was any after it."""
    SENDING = "sending"
    """It is being sent, or was and nobody heard the answer: only a reading tells whether Azure took it."""
    RUNNING = "running"
    """Azure is at it: its operation is asked."""
    SENT = "sent"
    """Every edit was answered as done: a reading tells what came of them."""
    ENDED = "ended"
    """How it ended is known and saved. People may not have been told yet."""
    TOLD = "told"
    """It is over. So are all records that are older than the field and no longer in flight."""


@value
class ChangeRecord:
    """A change that was claimed: everything needed to finish, explain and undo it.

    ``before`` and ``after`` are blob references of the whole snapshots. ``next_edit`` counts the edits that
    are surely made: they were answered as done, one after the other, or a reading has shown them.
    """

    id: str
    kind: ChangeKind
    change: Change
    proof: Proof
    decision: Decision
    cause: Cause
    outcome: Outcome
    fingerprint: str
    created_at: datetime
    before: str
    after: str | None = None
    next_edit: int = 0
    nothing_there: bool = False
    """What was to be changed did not exist when the edit was sent: somebody else was faster."""
    operation: Operation | None = None
    finished_at: datetime | None = None
    detail: str = ""
    run_id: str | None = None
    reason: str | None = None
    """A rollback's reason, given by the operator."""
    rollback_of: str | None = None
    rolled_back_by: str | None = None
    difference: TrafficDifference | None = None
    """What the change makes of the traffic; None in records older than the field, and unreadable."""
    restored_from: datetime | None = None
    """When the rules that the change puts back were last read; None when it restores nothing."""
    phase: Phase = Phase.TOLD
    revision: int = 0
    """How many steps its life has taken: a copy with fewer is an older one."""
    watch: str = ""
    """The token of the one message that may go on with the change; any other is dropped."""
    ask_at: datetime | None = None
    """Until when Azure is not asked, though a check comes before; None where the next check asks. Of a change
    that was refused: when its target is looked at again."""
    sent_at: datetime | None = None
    """When the newest edit was sent."""
    code: str = ""
    """With which code it was refused or given up; empty where a reading told how it ended."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Those tags of its server by which alerts are routed, their names in lower case."""
    listed: tuple[str, ...] = ()
    """The rows of the lists that name it; the store's, as ``etag`` is. Records older than lists have none."""
    etag: str | None = None

    @property
    def made(self) -> int:
        """How many of its edits are surely made."""
        return min(max(self.next_edit, 0), len(self.change.edits))

    @property
    def is_partly_made(self) -> bool:
        """Whether it is over with some of its edits made and the others not."""
        over = self.outcome in {Outcome.FAILED, Outcome.CONFLICTED}
        return over and 0 < self.made < len(self.change.edits)
