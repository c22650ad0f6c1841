"""Runs in the table ``runs``: one row for the run, and one for the result of each of its targets."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import Tables
from shared.model.results import RunRecord, TargetResult
from shared.model.retention import Position, Retired, Terms
from shared.state.table_layout import RUN_ROW, RUNS, result_place, run_place
from shared.state.table_rows import Rows, conditional

_ROUNDS: Final = 16
"""How many workers may write the result of one target in one run at the same moment."""
_LOOKED_AT: Final = 500
"""Runs that are gone over at a time for those that are old."""
_REMOVED: Final = 2_000
"""No further run goes when so many rows have gone."""
_KEYS: Final = ("target",)
"""Rows have no such property: a listing of their keys."""


class Runs:
    """The records of runs with their results; see ``Store`` for what its methods promise."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def put(self, record: RunRecord) -> RunRecord:
        """Write a run. Results have rows of their own (``add_result``): they are written with a new
        run, and not touched by an update, which may know fewer of them than have arrived."""
        stored = self._rows.put(run_place(record.id), replace(record, results=()), {})
        if record.etag is None:
            for result in record.results:
                self.add_result(record.id, result)
        return replace(stored, results=record.results)

    def add_result(self, run_id: str, result: TargetResult) -> None:
        """Add what one target came to; a later result of the same target takes its place."""
        place = result_place(run_id, result.target)
        properties = self._rows.properties(result)
        for _ in range(_ROUNDS):
            present = self._rows.get(place)
            try:
                self._rows.write(RUNS, conditional(place, properties, present.etag if present else None))
            except EntityChanged:
                continue
            return
        raise StoreError(f"the result of {result.target.key} changed {_ROUNDS} times while it was written")

    def retire(self, position: Position, terms: Terms) -> Retired:
        """Remove some of the runs that were asked for before a time; what they came to goes first."""
        gone, removed = 0, 0
        for seen, entity in enumerate(self._tables.query(RUNS, None, RUN_ROW, behind=position.partition), 1):
            record = self._rows.readable(RunRecord, entity)
            if record is not None and record.created_at < terms.until:
                removed += self._remove(entity.partition)
                gone += 1
            if seen == _LOOKED_AT or removed >= _REMOVED:
                return Retired(count=gone, position=Position(partition=entity.partition))
        return Retired(count=gone, position=None)

    def _remove(self, run_id: str) -> int:
        keys = self._tables.query(RUNS, run_id, properties=_KEYS)
        results = [entity.row for entity in keys if entity.row != RUN_ROW]
        self._tables.remove(RUNS, run_id, results)
        self._tables.delete(RUNS, run_id, RUN_ROW)
        return len(results) + 1

    def find(self, run_id: str) -> RunRecord | None:
        """A run with the results that have arrived, in the order of their rows."""
        record: RunRecord | None = None
        results: list[TargetResult] = []
        for entity in self._tables.query(RUNS, run_id):
            if entity.row == RUN_ROW:
                record = self._rows.record(RunRecord, entity)
            else:
                results.append(self._rows.value(TargetResult, entity))
        return None if record is None else replace(record, results=tuple(results))
