"""Runs in the table ``runs``: one row for the run, and one for the result of each of its targets."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.model.errors import EntityChanged, StoreError
from shared.model.interfaces import Tables
from shared.model.results import RunRecord, TargetResult
from shared.state.table_layout import RUN_ROW, RUNS, result_place, run_place
from shared.state.table_rows import Rows, conditional

_ROUNDS: Final = 16
"""How many workers may write the result of one target in one run at the same moment."""


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
