"""The budget of writes: too many in an hour are more likely our mistake than anybody's drift.

Two purses are kept apart, one for exposures and one for everything else, so that ten harmless reverts leave
the hole its own; and each is bounded for the target, its resource group and its subscription, so that one
group's trouble does not spend another's. What is spent in a subscription is one ledger, read and written in
the transaction that claims a change. The ledger slides: every entry is gone an hour later, and what waits for
room is asked again then. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from shared.model import Change, Purse, Target
from shared.model.memory import Attempt
from shared.model.values import value

_Number = TypeVar("_Number", int, int | None)

WINDOW: Final = timedelta(hours=1)

NEARLY: Final = 0.8
"""The part of a bound at which people are warned."""


@value
class Caps:
    """Writes per hour out of one purse."""

    target: int
    group: int
    subscription: int


@value
class Limits:
    """Bounds on writes and reverts that are too many to be right.

    What is not said of a resource group is half of the subscription's; what is not said of exposures is as
    much as for everything else, beside it.
    """

    flapping_reverts: int = 3
    flapping_window: timedelta = timedelta(hours=1)
    writes_per_target: int = 10
    writes_per_group: int | None = None
    writes_per_subscription: int = 100
    exposure_writes_per_target: int | None = None
    exposure_writes_per_group: int | None = None
    exposure_writes_per_subscription: int | None = None
    settle_cap: timedelta = timedelta(minutes=5)
    """Open time of an exposure after which settling delays its revert no longer."""

    def caps(self, purse: Purse) -> Caps:
        own = purse is Purse.EXPOSURE
        target = _first(self.exposure_writes_per_target if own else None, self.writes_per_target)
        subscription = _first(
            self.exposure_writes_per_subscription if own else None, self.writes_per_subscription
        )
        group = _first(self.exposure_writes_per_group if own else None, self.writes_per_group)
        return Caps(target=target, group=_first(group, (subscription + 1) // 2), subscription=subscription)


def _first(said: int | None, otherwise: _Number) -> int | _Number:
    return said if said is not None else otherwise


@value
class Spent:
    """Writes that a claim has taken. ``group`` is the resource group in lower case; old entries name none."""

    at: datetime
    writes: int
    purse: Purse = Purse.ORDINARY
    group: str = ""
    change: str = ""


@value
class Budget:
    """What was spent in a subscription within the window that slides behind now."""

    spent: tuple[Spent, ...] = ()
    open_for: str = ""
    """Of a part of the ledger: the bounds under which its share is spent without a look at the others; empty
    where it is not, as in a row from before there were parts."""

    def since(self, time: datetime) -> Budget:
        return replace(self, spent=tuple(entry for entry in self.spent if entry.at > time))

    def without(self, change: str) -> Budget:
        """As if the claim of ``change`` had not been made."""
        return replace(self, spent=tuple(entry for entry in self.spent if entry.change != change))

    @property
    def used(self) -> int:
        """Out of both purses."""
        return sum(entry.writes for entry in self.spent)


def cost(change: Change, purse: Purse) -> int:
    """Writes that a change takes out of a purse. To shut an exposure is one, however many rules have to go:
    a hole under a dozen names would be too dear else, and would spend what the next one needs."""
    return 1 if purse is Purse.EXPOSURE else len(change.edits)


@value
class Purchase:
    """The writes of one change, as they would be spent."""

    target: Target
    writes: int
    purse: Purse

    @property
    def group(self) -> str:
        return (self.target.id.resource_group or "").lower()


@value
class Bound:
    """One bound on the writes of an hour, and what is spent of it."""

    where: str
    cap: int
    spent: tuple[Spent, ...]

    @property
    def used(self) -> int:
        return sum(entry.writes for entry in self.spent)

    def holds_up(self, writes: int) -> bool:
        return self.used + writes > self.cap

    def is_nearly_spent(self, writes: int) -> bool:
        """Whether these writes take it past the mark at which people are warned."""
        return self.used + writes >= self.cap * NEARLY

    def room_at(self, writes: int) -> datetime | None:
        """When there is room again, if nothing else is spent; None where there never is."""
        too_many = self.used + writes - self.cap
        for entry in sorted(self.spent, key=lambda entry: entry.at):
            too_many -= entry.writes
            if too_many <= 0:
                return entry.at + WINDOW
        return None

    def told(self, purse: Purse) -> str:
        what = "writes against exposures" if purse is Purse.EXPOSURE else "writes"
        return f"{self.used} of {self.cap} {what} {self.where} in the last hour"


def bounds(
    purchase: Purchase, budget: Budget, attempts: Iterable[Attempt], limits: Limits, now: datetime
) -> Iterator[Bound]:
    """The bounds that a purchase has to keep, the narrowest first; ``attempts`` are those on its target."""
    caps, purse, since = limits.caps(purchase.purse), purchase.purse, now - WINDOW
    own = (Spent(at=one.at, writes=one.writes, purse=one.purse) for one in attempts)
    yield Bound(where="to this target", cap=caps.target, spent=_of(purse, own, since))
    yield from scope_bounds(purchase, budget, limits, now)


def scope_bounds(purchase: Purchase, budget: Budget, limits: Limits, now: datetime) -> Iterator[Bound]:
    """The bounds of the scopes around the target."""
    caps, since = limits.caps(purchase.purse), now - WINDOW
    spent = _of(purchase.purse, budget.spent, since)
    inside = tuple(entry for entry in spent if entry.group == purchase.group)
    yield Bound(where="in this resource group", cap=caps.group, spent=inside)
    yield Bound(where="in this subscription", cap=caps.subscription, spent=spent)


def _of(purse: Purse, spent: Iterable[Spent], since: datetime) -> tuple[Spent, ...]:
    return tuple(entry for entry in spent if entry.purse is purse and entry.at > since)
