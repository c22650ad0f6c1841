"""The journal's entry for a change that was claimed: everything needed to finish, explain and undo it."""

from __future__ import annotations

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


@value
class ChangeRecord:
    """A change that was claimed: everything needed to finish, explain and undo it.

    ``before`` and ``after`` are blob references of the whole snapshots; ``next_edit`` is the index of
    the edit that ``operation`` belongs to.
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
    listed: tuple[str, ...] = ()
    """The rows of the lists that name it; the store's, as ``etag`` is. Records older than lists have none."""
    etag: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether Azure may still be at it: the operation is asked before anybody judges."""
        return self.outcome is Outcome.IN_PROGRESS and self.operation is not None

    @property
    def ended_at_once(self) -> bool:
        """Whether every edit was answered as done, so that a reading can verify the change now."""
        answered = self.nothing_there or self.next_edit == len(self.change.edits)
        return self.outcome is Outcome.IN_PROGRESS and self.operation is None and answered
