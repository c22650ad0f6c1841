"""The ledger of a subscription in parts, so that many claims at once need not wait for one row.

Each part has an equal share of every bound. While the parts are open, a claim spends out of the share of one
of them and looks at no other: all shares together are no more than the bound. What finds no share with room
is weighed against the whole ledger, in a write for which all parts have to be unchanged; that closes them
while one holds more than its share, and opens them again when none does. So the limit is exact: nobody
overshoots it, and nobody is refused before it is reached. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.guardrails.budget import Budget, Limits, Purchase, Spent, scope_bounds
from shared.model import Purse

PARTS: Final = 8


def whole(parts: Sequence[Budget]) -> Budget:
    """The ledger of the subscription."""
    return Budget(spent=tuple(entry for part in parts for entry in part.spent))


def parts_with_room(
    parts: Sequence[Budget], purchase: Purchase, limits: Limits, now: datetime
) -> tuple[int, ...]:
    """The parts out of whose share the purchase may be spent without a look at the others."""
    share = _share(limits)
    return tuple(
        number
        for number, part in enumerate(parts)
        if part.open_for == _name(limits)
        and not any(bound.holds_up(purchase.writes) for bound in scope_bounds(purchase, part, share, now))
    )


def opened_or_closed(parts: Sequence[Budget], limits: Limits) -> tuple[Budget, ...]:
    """All parts, open under these limits if each holds no more than its share, else closed."""
    share = _share(limits)
    open_for = _name(limits) if all(_is_within(part, share) for part in parts) else ""
    return tuple(replace(part, open_for=open_for) for part in parts)


def _is_within(part: Budget, share: Limits) -> bool:
    return all(
        sum(entry.writes for entry in spent) <= cap
        for purse in Purse
        for spent, cap in _bounded([entry for entry in part.spent if entry.purse is purse], share, purse)
    )


def _bounded(spent: list[Spent], share: Limits, purse: Purse) -> Iterator[tuple[list[Spent], int]]:
    caps = share.caps(purse)
    yield spent, caps.subscription
    for group in {entry.group for entry in spent}:
        yield [entry for entry in spent if entry.group == group], caps.group


def _share(limits: Limits) -> Limits:
    """One part's bounds on the scopes."""
    ordinary, exposure = limits.caps(Purse.ORDINARY), limits.caps(Purse.EXPOSURE)
    return replace(
        limits,
        writes_per_group=ordinary.group // PARTS,
        writes_per_subscription=ordinary.subscription // PARTS,
        exposure_writes_per_group=exposure.group // PARTS,
        exposure_writes_per_subscription=exposure.subscription // PARTS,
    )


def _name(limits: Limits) -> str:
    """The bounds on the scopes as a text: a part that was opened under other ones is not open."""
    caps = [limits.caps(purse) for purse in (Purse.ORDINARY, Purse.EXPOSURE)]
    return " ".join(f"{cap.group}/{cap.subscription}" for cap in caps)
