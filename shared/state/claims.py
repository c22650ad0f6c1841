"""Claims: target and budget reserved for one change in one transaction, or given back.

Of two claims at most one succeeds, and no two overshoot the budget of a scope.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.guardrails.budget import WINDOW, Budget, Limits, Purchase, Spent, scope_bounds
from shared.model import codec
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import TableWrite
from shared.model.memory import Attempt, TargetRecord
from shared.state.blob_archive import Archive
from shared.state.table_layout import budget_place
from shared.state.table_rows import Place, Rows, conditional
from shared.state.target_rows import TargetRows

_ATTEMPTS_KEPT: Final = 100
"""Per target, the newest; what is reverted more often than that is flapping by any measure."""


class BudgetExhausted(StoreError):
    """The writes of the last hour leave no room for this change. Nothing was claimed.

    ``room_at`` is when they do, if nothing else is spent; None where they never do.
    """

    def __init__(self, detail: str, room_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.room_at = room_at


class Claims:
    """The claims in the table of targets; the copy among the changes is the store's to write."""

    def __init__(self, rows: Rows, archive: Archive, targets: TargetRows) -> None:
        self._rows = rows
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
        """Take the target, note the attempt and spend the budget; see ``Store.claim``."""
        _refuse_if_leased(record, change, now)
        budget_write = self._spend(purchase, change.id, limits, now)
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
        return self._write(claimed, budget_write)

    def give_back(self, record: TargetRecord, change: ChangeRecord, now: datetime) -> TargetRecord:
        """Save the record, and the budget without what ``change`` has spent."""
        place = budget_place(record.target.id.subscription)
        etag, budget = self._budget(place, now)
        without = budget.without(change.id)
        if etag is None or without == budget:
            return self._targets.put(record)
        return self._write(record, conditional(place, self._rows.properties(without), etag))

    def budget(self, subscription: str, now: datetime) -> Budget:
        """What was spent in a subscription in the last hour."""
        _, budget = self._budget(budget_place(subscription), now)
        return budget

    def _write(self, record: TargetRecord, budget_write: TableWrite) -> TargetRecord:
        """The record, its chain and the budget in one transaction: they stand in one partition."""
        return self._targets.put(record, budget_write)

    def _spend(self, purchase: Purchase, change_id: str, limits: Limits, now: datetime) -> TableWrite:
        place = budget_place(purchase.target.id.subscription)
        etag, budget = self._budget(place, now)
        for bound in scope_bounds(purchase, budget, limits, now):
            if bound.holds_up(purchase.writes):
                raise BudgetExhausted(bound.told(purchase.purse), bound.room_at(purchase.writes))
        entry = Spent(
            at=now, writes=purchase.writes, purse=purchase.purse, group=purchase.group, change=change_id
        )
        return conditional(place, self._rows.properties(Budget(spent=(*budget.spent, entry))), etag)

    def _budget(self, place: Place, now: datetime) -> tuple[str | None, Budget]:
        entity = self._rows.get(place)
        if entity is None:
            return None, Budget()
        return entity.etag, self._rows.value(Budget, entity).since(now - WINDOW)


def _refuse_if_leased(record: TargetRecord, change: ChangeRecord, now: datetime) -> None:
    """A change in flight holds its target until it has ended; a row of an earlier version, which has only its
    name, until the lease runs out."""
    if record.change is not None and record.change.id != change.id:
        raise EntityChanged(f"{record.target.key} is held by change {record.change.id}")
    named = record.active_change not in (None, change.id)
    if named and (record.lease_until is None or record.lease_until > now):
        raise EntityChanged(f"{record.target.key} is leased to change {record.active_change}")
