"""What `verify-journal` reads, the store first and then Azure's log, and what it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from driftward.journal.anchors import read_anchors
from driftward.journal.chains import check_anchors, check_chains
from driftward.journal.consent import check_consent
from driftward.journal.cuts import check_cuts
from driftward.journal.entries import Texts, Vouched, check_blobs, check_entries, vouched
from driftward.journal.findings import Findings, together
from driftward.journal.given import check_given
from driftward.journal.writes import check_writes, writers
from shared.model import Actor
from shared.model.errors import GatewayError
from shared.model.operations import LoggedWrite
from shared.model.values import value
from shared.state.journal_evidence import Evidence, EvidenceReader

Log: TypeAlias = Callable[[str], Iterator[LoggedWrite]]
"""The writes of a subscription within the time that is asked about; raises ``GatewayError``."""


_TEXTS: Final = 256
"""Texts that are held at a time: several checks ask for the same ones, and a reading may have 400 KB."""


@value
class Asked:
    """``log`` is None where Azure's log is left out; ``writers`` adds to those that the journal names."""

    log: Log | None = None
    subscriptions: Sequence[str] = ()
    """Those of SCOPES; the ones that the chains name are asked about in any case."""
    writers: tuple[Actor, ...] = ()
    anchors: tuple[str, ...] = ()
    """Hashes of anchors that were kept elsewhere."""
    kept: timedelta | None = None
    """For how long links are to be kept; None where that is not known."""


@value
class Verified:
    """What was looked at, and what was found."""

    findings: Findings
    chains: int
    links: int
    anchors: int
    changes: int
    cut_off: int = 0
    """How many links went with the retention."""
    writes: int | None = None
    """The lines of Azure's log; None where it was left out or could not be read."""


def verify(reader: EvidenceReader, asked: Asked, now: datetime) -> Verified:
    """Check everything. Raises ``StoreError`` where the store cannot be read."""
    return judged(reader.read(), reader.text, asked, now)


def judged(evidence: Evidence, text: Texts, asked: Asked, now: datetime) -> Verified:
    """The same of what was read; ``text`` reads what it names."""
    texts = lru_cache(maxsize=_TEXTS)(text)
    known, cuts = vouched(evidence, texts), check_cuts(evidence, asked.kept, now)
    inside = together(
        [
            cuts.findings,
            check_chains(evidence, cuts),
            check_anchors(evidence, cuts, asked.anchors),
            check_entries(evidence, known, cuts, texts, now),
            check_given(evidence, known, now),
            check_consent(known, cuts),
            check_blobs(evidence, texts),
        ]
    )
    logged, outside = _outside(evidence, known, asked)
    if logged is not None:
        outside = check_writes(logged, _ours(evidence, known, asked), known, texts, now)
    return Verified(
        findings=inside + outside,
        chains=len(evidence.chains),
        links=sum(len(entries) for entries in evidence.chains.values()),
        anchors=len(evidence.anchors),
        changes=len(evidence.changes),
        cut_off=sum(cut.sequence for cut in cuts.held.values()),
        writes=len(logged) if logged is not None else None,
    )


def _ours(evidence: Evidence, known: Vouched, asked: Asked) -> tuple[Actor, ...]:
    anchored = (one.anchor.writer for one in read_anchors(evidence) if one.anchor is not None)
    return (*asked.writers, *writers(known, anchored))


def _outside(evidence: Evidence, known: Vouched, asked: Asked) -> tuple[list[LoggedWrite] | None, Findings]:
    """What Azure logged in every subscription of ours; None where that cannot be told."""
    if asked.log is None:
        return None, Findings()
    if not _ours(evidence, known, asked):
        return None, Findings(unknown=("who we are to Azure is not known yet: give --identity",))
    try:
        return [line for one in _subscriptions(known, asked) for line in asked.log(one)], Findings()
    except GatewayError as error:
        return None, Findings(unknown=(f"the Activity Log could not be read: {error}",))


def _subscriptions(known: Vouched, asked: Asked) -> list[str]:
    of_chains = (chain.split("/")[2] for chain in known.told if chain.startswith("/subscriptions/"))
    return sorted({one.lower() for one in (*asked.subscriptions, *of_chains)})
