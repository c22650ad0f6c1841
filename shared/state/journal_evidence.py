"""Everything that proves the journal or contradicts it, read for ``driftward verify-journal`` alone.

All rows of chains, changes, alerts and targets are read: this is for people who ask, never for a look. What
lies there and is no record of ours is kept with the reason: that is a finding, and no accident.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TypeVar

from shared.model import Target
from shared.model.alert_records import AlertRecord
from shared.model.anchors import AnchorMark
from shared.model.chain import Entry, Head
from shared.model.change_records import ChangeRecord
from shared.model.errors import StoreError
from shared.model.interfaces import Entity, Tables
from shared.model.memory import Exemption, TargetRecord
from shared.model.scope_exemptions import ScopeExemption
from shared.model.values import value
from shared.state.blob_archive import Archive
from shared.state.exemption_rows import EXEMPTION_PREFIX
from shared.state.journal import Journal
from shared.state.table_layout import (
    ALERTS,
    CHANGE_PREFIX,
    CHANGES,
    HEAD_PREFIX,
    LINK_PREFIX,
    TARGET_PREFIX,
    TARGETS,
    is_alert,
)
from shared.state.table_rows import Rows

_Form = TypeVar("_Form", ChangeRecord, AlertRecord, TargetRecord, ScopeExemption, Head)


@value
class Unreadable:
    """A row that holds no record of ours."""

    where: str
    reason: str


@value
class KeptAnchor:
    name: str
    text: str


@value
class Evidence:
    """What the store holds; ``unreadable`` are rows that cannot be taken for what they should be."""

    chains: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """By the name that stands beside each link, in the order of their rows."""
    heads: tuple[Head, ...] = ()
    anchors: tuple[KeptAnchor, ...] = ()
    newest: AnchorMark | None = None
    changes: tuple[ChangeRecord, ...] = ()
    approvals: tuple[AlertRecord, ...] = ()
    """The alerts that hold one."""
    remembered: frozenset[str] = frozenset()
    """The keys of the targets that are known."""
    exemptions: tuple[tuple[Target, Exemption], ...] = ()
    given: tuple[ScopeExemption, ...] = ()
    """The exemptions of scopes."""
    unreadable: tuple[Unreadable, ...] = ()


class EvidenceReader:
    """Reads once. Raises ``StoreError`` where the store does not answer."""

    def __init__(self, tables: Tables, rows: Rows, archive: Archive) -> None:
        self._tables = tables
        self._rows = rows
        self._archive = archive
        self._journal = Journal(tables, rows, archive)
        self._unreadable: list[Unreadable] = []

    def read(self) -> Evidence:
        """The chains come last: while the app writes, they hold whatever was read before them."""
        newest, anchors = self._journal.newest_anchor(), tuple(self._anchors())
        heads = tuple(self._records(Head, TARGETS, HEAD_PREFIX))
        changes = tuple(self._records(ChangeRecord, CHANGES, CHANGE_PREFIX))
        alerts = tuple(self._records(AlertRecord, ALERTS, ""))
        targets = tuple(self._records(TargetRecord, TARGETS, TARGET_PREFIX))
        given = tuple(self._records(ScopeExemption, TARGETS, EXEMPTION_PREFIX))
        chains = self._chains()
        return Evidence(
            chains=chains,
            heads=heads,
            anchors=anchors,
            newest=newest,
            changes=changes,
            approvals=tuple(alert for alert in alerts if alert.approval is not None),
            remembered=frozenset(record.target.key for record in targets),
            exemptions=tuple((record.target, one) for record in targets for one in record.exemptions),
            given=given,
            unreadable=tuple(self._unreadable),
        )

    def text(self, reference: str) -> str | None:
        """A text of the archive; raises ``TextGone`` where it is not what its name says."""
        return self._archive.text(reference)

    def _chains(self) -> dict[str, tuple[Entry, ...]]:
        found: dict[str, list[Entry]] = {}
        for row in self._tables.query(TARGETS, None, LINK_PREFIX):
            entry = self._entry(row)
            if entry is not None:
                found.setdefault(str(row.properties.get("chain", row.row)), []).append(entry)
        return {chain: tuple(entries) for chain, entries in found.items()}

    def _entry(self, row: Entity) -> Entry | None:
        try:
            return self._journal.entry(row)
        except StoreError as error:
            self._note(TARGETS, row, error)
            return None

    def _anchors(self) -> Iterator[KeptAnchor]:
        for name in self._archive.anchor_names():
            yield KeptAnchor(name=name, text=self._archive.anchor(name) or "")

    def _records(self, form: type[_Form], table: str, prefix: str) -> Iterator[_Form]:
        for row in self._tables.query(table, None, prefix):
            if table == ALERTS and not is_alert(row.row):
                continue  # letters to sinks lie beside the alerts
            try:
                yield self._rows.value(form, row)
            except StoreError as error:
                self._note(table, row, error)

    def _note(self, table: str, row: Entity, error: StoreError) -> None:
        self._unreadable.append(Unreadable(where=f"{table}/{row.partition}/{row.row}", reason=str(error)))
