"""Exemptions of scopes, each a row in the partition of what belongs to no target, with a chain of their own.

A row is written together with the link that tells of it. One that was ended stays, marked, until the sweep
removes it: a transaction holds no deletion, and what is told and what is there must never differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.model.deeds import Deed
from shared.model.interfaces import Tables
from shared.model.scope_exemptions import ScopeExemption
from shared.state.journal import NO_TARGETS, Journal
from shared.state.table_layout import TARGETS
from shared.state.table_rows import Place, Rows

EXEMPTIONS: Final = "exemptions"
"""The chain that tells of them."""
EXEMPTION_PREFIX: Final = "e-"


class ScopeExemptions:
    """``Store.exemptions``. Every method may raise ``StoreError``."""

    def __init__(self, tables: Tables, rows: Rows, journal: Journal) -> None:
        self._tables = tables
        self._rows = rows
        self._journal = journal

    def all(self) -> Iterator[ScopeExemption]:
        """Every one that is kept, ended ones among them. A row that holds none exempts nothing."""
        for row in self._tables.query(TARGETS, NO_TARGETS, EXEMPTION_PREFIX):
            found = self._rows.readable(ScopeExemption, row)
            if found is not None:
                yield found

    def find(self, exemption_id: str) -> ScopeExemption | None:
        return self._rows.find(ScopeExemption, _place(exemption_id))

    def put(self, given: ScopeExemption, deed: Deed) -> ScopeExemption:
        """Write one with what happened to it; raises ``EntityChanged`` when somebody else was faster."""
        own = self._rows.write_of(_place(given.id), given, {})
        links = self._journal.writes(NO_TARGETS, EXEMPTIONS, [deed])
        self._rows.write(TARGETS, own, *links)
        return given

    def remove(self, given: ScopeExemption) -> None:
        """Remove one that is over and of which people were told; raises ``EntityChanged`` as ``put`` does."""
        place = _place(given.id)
        self._tables.delete(place.table, place.partition, place.row, given.etag)


def _place(exemption_id: str) -> Place:
    return Place(table=TARGETS, partition=NO_TARGETS, row=f"{EXEMPTION_PREFIX}{exemption_id}")
