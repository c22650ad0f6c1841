"""What is older than the retention goes, a little with every sweep: a pass in stages, of which a row says
where it stands.

Each step does a bounded amount of work and then moves the row on: whoever dies before that leaves a step that
is made again, and of two who make it at once the slower one moves nothing back. A pass begins a day after the
last at the earliest, and only where there is an anchor of the journal that is old enough: an app that is
younger has nothing to let go of, and a cut needs one that saw what goes. What cannot be read stays, and
holds up nothing else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.model.errors import EntityChanged
from shared.model.interfaces import Tables
from shared.model.retention import Position, RetentionPass, Retired, Stage, Terms
from shared.state.alert_rows import Alerts
from shared.state.blob_archive import Archive
from shared.state.change_rows import Changes
from shared.state.journal import Journal
from shared.state.retired_chains import RetiredChains
from shared.state.run_rows import Runs
from shared.state.table_layout import retention_place
from shared.state.table_rows import Rows
from shared.state.unneeded_texts import UnneededTexts

BETWEEN_PASSES: Final = timedelta(days=1)
_DEAD_LETTERS_AT_ONCE: Final = 200
_STAGES: Final = tuple(Stage)


class Retention:
    """``Store.retention``. Every method may raise ``StoreError``."""

    def __init__(self, tables: Tables, rows: Rows, archive: Archive) -> None:
        self._rows = rows
        self._archive = archive
        self._journal = Journal(tables, rows, archive)
        self._alerts, self._runs = Alerts(tables, rows), Runs(tables, rows)
        self._chains = RetiredChains(rows, self._journal, Changes(tables, rows), self._alerts)
        self._texts = UnneededTexts(tables, rows, archive)

    def step(self, terms: Terms) -> tuple[Stage, int]:
        """Do the next bit of work; says which part it was of, and how many things went."""
        now_in = self._current(terms)
        if now_in is None or now_in.stage is Stage.OVER:
            return Stage.OVER, 0
        came = self._do(now_in, terms)
        with suppress(EntityChanged):  # somebody else made the step as well, and was faster
            self._rows.put(retention_place(), _moved(now_in, came), {})
        return now_in.stage, came.count

    def _current(self, terms: Terms) -> RetentionPass | None:
        """The pass that goes on now; a new one when it is time, or where things are kept longer than it
        began with. None where nothing can be old enough."""
        last, etag = self._last()
        is_due = last is None or terms.now - last.began >= BETWEEN_PASSES
        if last is not None and last.until <= terms.until and not (last.stage is Stage.OVER and is_due):
            return last
        if self._journal.anchor_of(terms.until) is None:
            return None
        number = last.number + 1 if last is not None else 1
        return RetentionPass(number=number, began=terms.now, until=terms.until, etag=etag)

    def _last(self) -> tuple[RetentionPass | None, str | None]:
        """The pass that is written down, with the row's etag; what a newer version wrote counts as none."""
        entity = self._rows.get(retention_place())
        if entity is None:
            return None, None
        return self._rows.readable(RetentionPass, entity), entity.etag

    def _do(self, now_in: RetentionPass, terms: Terms) -> Retired:
        match now_in.stage:
            case Stage.CHAINS:
                return self._chains.step(now_in.position, terms)
            case Stage.ALERTS:
                return self._alerts.retire(now_in.position, terms)
            case Stage.RUNS:
                return self._runs.retire(now_in.position, terms)
            case Stage.MARKS:
                return self._texts.mark(now_in)
            case Stage.TEXTS:
                return self._texts.clear(now_in, terms)
            case _:
                return self._dead_letters(terms)

    def _dead_letters(self, terms: Terms) -> Retired:
        gone = self._archive.remove_dead_letters(terms.until, _DEAD_LETTERS_AT_ONCE)
        return Retired(count=gone, position=Position() if gone == _DEAD_LETTERS_AT_ONCE else None)


def _moved(now_in: RetentionPass, came: Retired) -> RetentionPass:
    if came.position is not None:
        return replace(now_in, position=came.position)
    return replace(now_in, stage=_STAGES[_STAGES.index(now_in.stage) + 1], position=Position())
