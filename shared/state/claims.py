"""Claims: target and budget reserved for one change in one transaction, or given back.

Of two claims at most one succeeds, and no two overshoot the budget of a scope.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.model import codec
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import TableWrite
from shared.model.memory import Attempt, TargetRecord
from shared.model.values import value
from shared.state.blob_archive import Archive
from shared.state.table_layout import budget_place
from shared.state.table_rows import Place, Rows, conditional
from shared.state.target_rows import TargetRows

_BUDGET_WINDOW: Final = timedelta(hours=1)

_ATTEMPTS_KEPT: Final = 100
"""Per target, the newest; what is reverted more often than that is flapping by any measure."""


class BudgetExhausted(StoreError):
    """The writes of the last hour leave no room for this change. Nothing was claimed."""


@value
class _Spent:
    at: datetime
    writes: int


@value
class _Budget:
    """The writes of one scope within the window that slides behind now."""

    spent: tuple[_Spent, ...] = ()

    def since(self, time: datetime) -> _Budget:
        return _Budget(spent=tuple(entry for entry in self.spent if entry.at > time))

    @property
    def used(self) -> int:
        return sum(entry.writes for entry in self.spent)


class Claims:
    """The claims in the table of targets; the journal's entry for a change is the store's to write."""

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
        scope_limit: int,
        writes: int,
        now: datetime,
    ) -> TargetRecord:
        """Take the lease, note the attempt and spend the budget; see ``Store.claim``."""
        _refuse_if_leased(record, change, now)
        budget_write = self._spend(record.target.id.subscription, writes, scope_limit, now)
        self._archive.keep_text(codec.dump(change.change))
        self._archive.keep_text(codec.dump(change.proof))
        attempt = Attempt(policy=change.change.policy, fingerprint=change.fingerprint, at=now, writes=writes)
        claimed = replace(
            record,
            active_change=change.id,
            lease_until=lease_until,
            attempts=(*record.attempts, attempt)[-_ATTEMPTS_KEPT:],
        )
        return self._write(claimed, budget_write)

    def give_back(self, record: TargetRecord, change: ChangeRecord, now: datetime) -> TargetRecord:
        """Save the record, and the budget without what ``change`` has spent."""
        place = budget_place(record.target.id.subscription)
        etag, budget = self._budget(place, now)
        spent = list(budget.spent)
        mine = _Spent(at=change.created_at, writes=len(change.change.edits))
        if etag is None or mine not in spent:
            return self._targets.put(record)
        spent.remove(mine)
        return self._write(
            record, conditional(place, self._rows.properties(_Budget(spent=tuple(spent))), etag)
        )

    def used(self, subscription: str, now: datetime) -> int:
        """Writes of the last hour in a subscription."""
        _, budget = self._budget(budget_place(subscription), now)
        return budget.used

    def _write(self, record: TargetRecord, budget_write: TableWrite) -> TargetRecord:
        """The record, its chain and the budget in one transaction: they stand in one partition."""
        return self._targets.put(record, budget_write)

    def _spend(self, subscription: str, writes: int, limit: int, now: datetime) -> TableWrite:
        place = budget_place(subscription)
        etag, budget = self._budget(place, now)
        if budget.used + writes > limit:
            raise BudgetExhausted(f"{budget.used} of {limit} writes of this hour are spent")
        spent = _Budget(spent=(*budget.spent, _Spent(at=now, writes=writes)))
        return conditional(place, self._rows.properties(spent), etag)

    def _budget(self, place: Place, now: datetime) -> tuple[str | None, _Budget]:
        entity = self._rows.get(place)
        if entity is None:
            return None, _Budget()
        return entity.etag, self._rows.value(_Budget, entity).since(now - _BUDGET_WINDOW)


def _refuse_if_leased(record: TargetRecord, change: ChangeRecord, now: datetime) -> None:
    held = record.active_change not in (None, change.id)
    if held and (record.lease_until is None or record.lease_until > now):
        raise EntityChanged(f"{record.target.key} is leased to change {record.active_change}")
