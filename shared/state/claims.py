"""Claims: target and budget reserved for one change in one transaction, or given back.

Of two claims at most one succeeds, and no two overshoot the budget of a scope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.guardrails.budget import Limits, Purchase
from shared.model import codec
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged
from shared.model.interfaces import TableWrite
from shared.model.memory import Attempt, TargetRecord
from shared.state.blob_archive import Archive
from shared.state.ledger import Ledger
from shared.state.target_rows import TargetRows

_ATTEMPTS_KEPT: Final = 100
"""Per target, the newest; what is reverted more often than that is flapping by any measure."""
_ATTEMPTS: Final = 64
"""In every round of claims at least one succeeds, so this is how many may meet in one ledger."""


class Claims:
    """The claims in the table of targets; the copy among the changes is the store's to write."""

    def __init__(self, ledger: Ledger, archive: Archive, targets: TargetRows) -> None:
        self.ledger = ledger
        self._archive = archive
        self._targets = targets

    def claim(
        self,
        record: TargetRecord,
        change: ChangeRecord,
        *,
        lease_until: datetime,
        purchase: Purchase,
        limits: Limits,
        now: datetime,
    ) -> TargetRecord:
        """Take the target, before anything is written to Azure.

        Inverse and proof are kept as blobs first. Then one transaction puts the change whole into the row,
        notes the attempt, spends the budget and enters the deeds into the chain: of two claims at most one
        succeeds, and no two overshoot."""
        _refuse_if_leased(record, change, now)
        self._archive.keep_text(codec.dump(change.change))
        self._archive.keep_text(codec.dump(change.proof))
        attempt = Attempt(
            policy=change.change.policy,
            fingerprint=change.fingerprint,
            at=now,
            writes=purchase.writes,
            purse=purchase.purse,
        )
        claimed = replace(
            record,
            change=replace(change, etag=None),
            active_change=change.id,
            lease_until=lease_until,
            attempts=(*record.attempts, attempt)[-_ATTEMPTS_KEPT:],
        )
        return self._write(claimed, lambda: self.ledger.spending(purchase, change.id, limits, now))

    def give_back(self, record: TargetRecord, change: ChangeRecord, now: datetime) -> TargetRecord:
        """Save the record, and the budget without what ``change`` has spent."""
        subscription = record.target.id.subscription
        return self._write(record, lambda: self.ledger.returning(subscription, change.id, now))

    def _write(
        self, record: TargetRecord, ledger_writes: Callable[[], tuple[TableWrite, ...]]
    ) -> TargetRecord:
        """The record, its chain and the ledger in one transaction: they stand in one partition.

        Who finds only the ledger changed by another claim weighs it anew; what was decided on still is so."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._targets.put(record, *ledger_writes())
            except EntityChanged:
                if not self._targets.is_as_read(record):
                    raise
        return self._targets.put(record, *ledger_writes())


def _refuse_if_leased(record: TargetRecord, change: ChangeRecord, now: datetime) -> None:
    """A change in flight holds its target until it has ended; a row of an earlier version, which has only its
    name, until the lease runs out."""
    if record.change is not None and record.change.id != change.id:
        raise EntityChanged(f"{record.target.key} is held by change {record.change.id}")
    named = record.active_change not in (None, change.id)
    if named and (record.lease_until is None or record.lease_until > now):
        raise EntityChanged(f"{record.target.key} is leased to change {record.active_change}")
