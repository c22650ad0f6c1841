"""Whether a look is the newest one: what it has read may be older than what somebody else has read since.

Of two looks that save, the conditional write of the record tells which was overtaken. But a look that finds
nothing new saves nothing, and stands in nobody's way. So each look is one of two kinds:

- *counted*, by the write that notes its beginning in the row of the queue key, before the record is recalled.
  It may save nothing;
- not counted: a question that was put off, a check, a run, and whatever is repeated because it lost a race.
  It saves its record whatever it has found.

Whoever tells or sends something saves first and then asks for the count. Either it finds that another look
has begun, and looks again; or the other one begins later, and finds in the record what was saved. Only a look
that is counted overtakes, and what is repeated is not: of two that meet one goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shared.controller.deps import Deps, Reading
from shared.model import Target
from shared.model.errors import EntityChanged
from shared.state.coalescing import Coalesced, Started


def attempts(target: Target, deps: Deps, began: Started | None = None) -> Iterator[Deps]:
    """What each attempt at a look works with: the first as it was begun, all others not counted."""
    if began is not None and began.etag is not None:
        yield replace(deps, reading=Reading(target=target, number=began.state.readings, is_counted=True))
    while True:
        yield not_counted(target, deps)


def not_counted(target: Target, deps: Deps) -> Deps:
    """What a look works with that begins now and is not counted."""
    return replace(deps, reading=Reading(target=target, number=deps.store.coalesced(target).readings))


def must_save(deps: Deps) -> bool:
    """Whether the look saves what it finds though nothing is news."""
    return deps.reading is not None and not deps.reading.is_counted


def is_overtaken(deps: Deps) -> bool:
    """Whether another reading of the target has begun since this look did."""
    return deps.reading is not None and _is_older(deps.reading, deps.store.coalesced(deps.reading.target))


def refuse_overtaken(deps: Deps, row: Coalesced | None = None) -> None:
    """Raises ``EntityChanged`` where another reading has begun; ``row`` was read already."""
    reading = deps.reading
    if reading is not None and _is_older(reading, row or deps.store.coalesced(reading.target)):
        raise EntityChanged(f"{reading.target.key} is being read by somebody else since")


def _is_older(reading: Reading, row: Coalesced) -> bool:
    return row.readings > reading.number
