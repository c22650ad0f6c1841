"""The last event that was heard in a subscription, by the rows in which events are coalesced.

No row of its own: an event would cost a write more. So all keys of the subscription are read, which is right
where somebody asks why no event came, and nowhere else.
"""

from __future__ import annotations

from datetime import datetime

from shared.model import CauseKind
from shared.model.interfaces import Tables
from shared.state.coalescing import Coalesced
from shared.state.table_layout import QUEUE_PREFIX, TARGETS
from shared.state.table_rows import Rows


class Heard:
    """``Store.heard``."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def last_event(self, subscription: str) -> datetime | None:
        """When what the newest event tells of happened; None where none was ever heard."""
        entities = self._tables.query(TARGETS, subscription.lower(), QUEUE_PREFIX)
        rows = (self._rows.value(Coalesced, entity) for entity in entities)
        causes = (one for row in rows for cause in row.heard for one in (cause, *cause.earlier))
        return max((one.time for one in causes if one.kind is CauseKind.EVENT), default=None)
