"""Who drifted lately, and what people were not told singly while an incident was open.

A drift is a row for each target and minute, in its subscription's partition, in the order of time. Each
target has rows of its own, so nobody waits for anybody, and to note the same again changes nothing. What
drifted since a time is a range of keys.

What is held is a row for each alert and change. That of an alert is written in one transaction with it, where
its letters would have been: what is in no letter is here, until the incident's end has told of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import Final

from shared.model.alert_records import AlertRecord
from shared.model.drifting import Drift, Held
from shared.model.errors import EntityExists
from shared.model.interfaces import Put, Row, Tables
from shared.model.letters import Letter
from shared.state.alert_rows import Alerts
from shared.state.letters import Letters
from shared.state.table_layout import ALERTS, DRIFT_PREFIX, TARGETS, drift_place, drifts_from, held_prefix
from shared.state.table_rows import Rows, conditional

_PAGE: Final = 100


class IncidentRows:
    """``Store.incidents``."""

    def __init__(self, tables: Tables, rows: Rows, alerts: Alerts, letters: Letters) -> None:
        self._tables = tables
        self._rows = rows
        self._alerts = alerts
        self._letters = letters

    # --- drifts ------------------------------------------------------------------------------------

    def note_drift(self, drift: Drift) -> None:
        """Note what was found; it may be noted already."""
        place = drift_place(drift.target, drift.at)
        with suppress(EntityExists):
            self._tables.write(TARGETS, conditional(place, self._rows.properties(drift), None))

    def drifts_since(self, subscription: str, time: datetime) -> list[Drift]:
        """What drifted since the minute of a time, oldest first."""
        partition, behind = subscription.lower(), drifts_from(time)
        found = self._tables.query(TARGETS, partition, DRIFT_PREFIX, behind=behind)
        return [self._rows.value(Drift, entity) for entity in found]

    def forget_drifts(self, subscription: str, before: datetime) -> None:
        """Remove what is older."""
        partition, end = subscription.lower(), drifts_from(before)
        rows = self._tables.query(TARGETS, partition, DRIFT_PREFIX, page=_PAGE)
        old = [entity.row for entity in takewhile(lambda entity: entity.row < end, rows)]
        self._tables.remove(TARGETS, partition, old)

    # --- what is held ------------------------------------------------------------------------------

    def hold_alert(self, record: AlertRecord, held: Held, letters: Iterable[Letter] = ()) -> AlertRecord:
        """Write an alert of which people are not told singly, with the letters to others; raises
        ``EntityChanged`` after somebody else."""
        row = _row(record.target.id.subscription, held)
        return self._alerts.put(record, [row, *self._letters.writes(letters)])

    def hold_change(self, subscription: str, held: Held) -> None:
        """Note a change of which nobody is told singly."""
        self._tables.write(ALERTS, _row(subscription, held))

    def held(self, subscription: str) -> list[Held]:
        """Everything that is held in a subscription."""
        found = self._tables.query(ALERTS, ALERTS, held_prefix(subscription))
        return [_held(entity.properties) for entity in found]

    def release(self, subscription: str, held: Iterable[Held]) -> None:
        """People have been told of it."""
        self._tables.remove(ALERTS, ALERTS, [_row(subscription, one).row for one in held])


def _row(subscription: str, held: Held) -> Put:
    row: Row = {
        "about": held.about,
        "what": held.what,
        "isChange": held.is_change,
        "isCritical": held.is_critical,
    }
    key = f"{held_prefix(subscription)}{held.about}"
    return Put(partition=ALERTS, row=key, properties=row)


def _held(row: Row) -> Held:
    return Held(
        about=str(row["about"]),
        what=str(row["what"]),
        is_change=bool(row["isChange"]),
        is_critical=bool(row["isCritical"]),
    )
