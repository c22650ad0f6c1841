"""An exported journal, checked as the storage is, as of the time when it was exported.

What was pending then is pending still. The export says itself when that was, so it is held to be no older
than its newest link or anchor: dated back, it would pass off what was taken away as what is not written yet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import chain

from driftward.journal.anchors import links_of, read_anchors
from driftward.journal.asking import Asked, Verified, judged
from driftward.journal.export_file import Export, evidence_in
from driftward.journal.keeping import kept
from shared.state.journal_evidence import Evidence


def verify_export(export: Export, asked: Asked, now: datetime) -> Verified:
    """Raises ``StoreError`` for what is no export, or cannot be read."""
    about, reader = export.about(), evidence_in(export)
    evidence = reader.read()
    at = min(now, max(about.exported_at, _newest(evidence, about.exported_at)))
    kept_so_long = asked.kept if asked.kept is not None else kept(about.kept_days)
    return judged(evidence, reader.text, replace(asked, kept=kept_so_long), at)


def _newest(evidence: Evidence, otherwise: datetime) -> datetime:
    links = (link.time for entries in evidence.chains.values() for link in links_of(entries))
    anchors = (one.anchor.time for one in read_anchors(evidence) if one.anchor is not None)
    return max(chain(links, anchors), default=otherwise)
