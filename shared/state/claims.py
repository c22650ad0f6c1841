"""Claims: target and budget reserved for one change in one transaction, or given back.

Of two claims at most one succeeds, and no two overshoot the budget of a scope.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged, StoreError
from shared.model.memory import TargetRecord
from shared.model.values import value

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


def _refuse_if_leased(record: TargetRecord, change: ChangeRecord, now: datetime) -> None:
    held = record.active_change not in (None, change.id)
    if held and (record.lease_until is None or record.lease_until > now):
        raise EntityChanged(f"{record.target.key} is leased to change {record.active_change}")
