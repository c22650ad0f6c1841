"""Which targets every pass of the sweep looks at, though nothing tells of a change.

What lets somebody in and did not before, what could not be judged, what is on its way, and what has an end in
time. Everything else, an alert that stands among it, is looked at when something was changed or when its turn
has come (``controller.passes``). Pure: records in, a time out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from shared.model.memory import PolicyMemory, TargetRecord

ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
UNKNOWN_RUNS: Final = 3
"""After so many an alert stands (``Unknown`` opens one after three runs or an hour): then its turn is soon
enough.
"""


def look_at(record: TargetRecord) -> datetime | None:
    """From when on the target is looked at in every pass; None for never."""
    return min(_times(record), default=None)


def _times(record: TargetRecord) -> Iterator[datetime]:
    if record.not_judged or record.active_change is not None or _compares_tags(record):
        yield ALWAYS
    if any(_needs_look(memory) for memory in record.memories.values()):
        yield ALWAYS
    if record.recheck_at is not None:  # the message that asks again may be lost
        yield record.recheck_at
    for exemption in record.exemptions:
        yield exemption.expires_at


def _compares_tags(record: TargetRecord) -> bool:
    return record.selecting_tags is not None and record.selecting_tags.lowered


def _needs_look(memory: PolicyMemory) -> bool:
    unknown = memory.unknown_since is not None and memory.unknown_runs <= UNKNOWN_RUNS
    opened = memory.exposure.is_open and memory.last_compliant_at is not None
    return unknown or opened
