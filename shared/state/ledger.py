"""The budget's ledger: what was spent in a subscription within the hour, as rows that change with a claim.

A subscription has as many rows as its ledger has parts (``shared.guardrails.budget_shares``); the first is
the one that there was before there were parts. A row that is not there is a part that is not open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.guardrails.budget import WINDOW, Budget, Limits, Purchase, Spent, scope_bounds
from shared.guardrails.budget_shares import PARTS, opened_or_closed, parts_with_room, whole
from shared.model.errors import StoreError
from shared.model.interfaces import Tables, TableWrite
from shared.model.values import value
from shared.state.table_layout import budget_places
from shared.state.table_rows import Place, Rows, conditional, digest


class BudgetExhausted(StoreError):
    """The writes of the last hour leave no room for this change. Nothing was claimed.

    ``room_at`` is when they do, if nothing else is spent; None where they never do.
    """

    def __init__(self, detail: str, room_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.room_at = room_at


@value
class _Part:
    """One part as it was read."""

    place: Place
    budget: Budget = Budget()
    etag: str | None = None


class Ledger:
    """Reads the ledger, and says which writes spend or return; whoever claims a target makes them."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def spent(self, subscription: str, now: datetime) -> Budget:
        """What was spent in a subscription in the last hour."""
        return whole([part.budget for part in self._parts(subscription, now)])

    def spending(
        self, purchase: Purchase, change_id: str, limits: Limits, now: datetime
    ) -> tuple[TableWrite, ...]:
        """The writes that spend a purchase. Raises ``BudgetExhausted``."""
        parts = self._parts(purchase.target.id.subscription, now)
        budgets = [part.budget for part in parts]
        entry = Spent(
            at=now, writes=purchase.writes, purse=purchase.purse, group=purchase.group, change=change_id
        )
        free = parts_with_room(budgets, purchase, limits, now)
        if free:
            part = parts[free[_chosen(change_id, len(free))]]
            return (self._write(part, _with(part.budget, entry)),)
        _refuse_if_exhausted(purchase, whole(budgets), limits, now)
        least = min(range(PARTS), key=lambda number: budgets[number].used)
        spent = [_with(one, entry) if number == least else one for number, one in enumerate(budgets)]
        return tuple(map(self._write, parts, opened_or_closed(spent, limits)))

    def returning(self, subscription: str, change_id: str, now: datetime) -> tuple[TableWrite, ...]:
        """The writes that return what a change has spent; none where it has spent nothing."""
        return tuple(
            self._write(part, part.budget.without(change_id))
            for part in self._parts(subscription, now)
            if part.budget.without(change_id) != part.budget
        )

    def _parts(self, subscription: str, now: datetime) -> Sequence[_Part]:
        places = budget_places(subscription, PARTS)
        first = places[0]
        found = {one.row: one for one in self._tables.query(first.table, first.partition, first.row)}
        return [
            _Part(
                place=place,
                budget=self._rows.value(Budget, found[place.row]).since(now - WINDOW),
                etag=found[place.row].etag,
            )
            if place.row in found
            else _Part(place=place)
            for place in places
        ]

    def _write(self, part: _Part, budget: Budget) -> TableWrite:
        return conditional(part.place, self._rows.properties(budget), part.etag)


def _with(budget: Budget, entry: Spent) -> Budget:
    return replace(budget, spent=(*budget.spent, entry))


def _chosen(change_id: str, among: int) -> int:
    """Claims that come at once spread over the parts, whatever their ids look like."""
    return int(digest(change_id)[:8], 16) % among


def _refuse_if_exhausted(purchase: Purchase, budget: Budget, limits: Limits, now: datetime) -> None:
    for bound in scope_bounds(purchase, budget, limits, now):
        if bound.holds_up(purchase.writes):
            raise BudgetExhausted(bound.told(purchase.purse), bound.room_at(purchase.writes))
