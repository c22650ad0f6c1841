"""Pages of what is listed: what a listing selects by, where a page begins, and how much there is in all.

The place of a row in a listing is a text that sorts ascending, so a page begins behind a place whether or
not a row is still there. Nothing is cut in silence: a page says where to go on. A page is read from
``listing_rows``; until these hold everything that an older version wrote, from the properties of every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import nsmallest
from typing import Final, Generic, NamedTuple, TypeVar

from shared.model import Outcome, Severity, Target
from shared.model.alert_records import AlertStatus
from shared.model.interfaces import Entity
from shared.model.values import value

COLUMNS: Final = ("target", "policy", "status", "outcome", "severity", "lastSeen")
"""The plain properties that listings look at."""

_Record = TypeVar("_Record")
Place = Callable[[Entity], str]
"""Where a row stands in its listing."""


@value
class Wanted:
    """What a listing selects by; None selects everything."""

    target: Target | None = None
    policies: frozenset[str] | None = None
    state: AlertStatus | Outcome | None = None
    severity: Severity | None = None

    def fits(self, entity: Entity) -> bool:
        """Whether a row has what is wanted, but for its severity, which old rows do not say."""
        row = entity.properties
        return (
            (self.target is None or row.get("target") == self.target.key)
            and (self.policies is None or row.get("policy") in self.policies)
            and (self.state is None or self.state in {row.get("status"), row.get("outcome")})
        )

    def is_met_by(self, listed: Entity) -> bool:
        """Whether a row of a list has what is wanted, its severity too."""
        return self.fits(listed) and self.severity in (None, listed.properties.get("severity"))


class Page(NamedTuple, Generic[_Record]):
    records: tuple[_Record, ...]
    total: int | None
    """How many there are on all pages; None where they are too many to be counted for a page."""
    after: str | None
    """Behind which place the next page begins; None on the last."""


class Cut(NamedTuple):
    """The rows of one page."""

    entities: tuple[Entity, ...]
    total: int | None
    after: str | None


def cut(fitting: Iterable[Entity], place: Place, limit: int, after: str) -> Cut:
    """The first ``limit`` rows behind ``after``, which is ``""`` for the first page."""
    total = 0

    def following() -> Iterator[Entity]:
        nonlocal total
        for entity in fitting:
            total += 1
            if place(entity) > after:
                yield entity

    first = nsmallest(limit + 1, following(), key=place)
    page = tuple(first[:limit])
    return Cut(page, total, place(page[-1]) if len(first) > limit and page else None)
