"""The exemptions that people gave for scopes against the chain that tells of them. Pure.

A row and its link are written together, so nothing is pending: one without the other is a finding at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from driftward.journal.entries import Told, Vouched, still_standing
from driftward.journal.findings import Findings, fault, together
from shared.model.chain import FaultKind, tells_of
from shared.model.deeds import DeedKind
from shared.model.happened import scope_exemption_begun
from shared.model.scope_exemptions import ScopeExemption
from shared.state.exemption_rows import EXEMPTIONS
from shared.state.journal_evidence import Evidence


def check_given(evidence: Evidence, known: Vouched, now: datetime) -> Findings:
    """Each against what is told of it, and back."""
    kept = (_one(given, known) for given in evidence.given)
    return together([*kept, *_taken_away(evidence, known, now)])


def _one(given: ScopeExemption, known: Vouched) -> Findings:
    where = f"exemption {given.id}"
    begun = known.of(EXEMPTIONS, DeedKind.EXEMPTION_BEGUN, "id", given.id)
    deed = scope_exemption_begun(given)
    if not any(tells_of(one, deed) for one in begun):
        kind = FaultKind.ENTRY_CHANGED if begun else FaultKind.ENTRY_FORGED
        return fault(
            kind, where, f"no link tells of this exemption from {deed.what['policy']} by {_by(given)}"
        )
    if _has_ended(given, known) != (given.ended_at is not None):
        said = (
            "it stands here, and was ended" if given.ended_at is None else "no link tells that it was ended"
        )
        return fault(FaultKind.ENTRY_CHANGED, where, said)
    return Findings()


def _has_ended(given: ScopeExemption, known: Vouched) -> bool:
    """Whether the last that is told of it is its end: it may have been given again."""
    told = (one for one in known.told.get(EXEMPTIONS, ()) if one.what.get("id") == given.id)
    kinds = [one.kind for one in told]
    return bool(kinds) and kinds[-1] == DeedKind.EXEMPTION_ENDED


def _taken_away(evidence: Evidence, known: Vouched, now: datetime) -> Iterator[Findings]:
    """Those that began and neither ended nor expired are there."""
    there = {given.id for given in evidence.given}
    for begun in still_standing(known.told.get(EXEMPTIONS, ()), now):
        if begun.what.get("id") not in there:
            detail = f"the exemption from {begun.what.get('policy')} began, did not end, and is not there"
            yield fault(FaultKind.ENTRY_MISSING, f"exemption {_id(begun)}", detail)


def _id(told: Told) -> str:
    return str(told.what.get("id"))


def _by(given: ScopeExemption) -> str:
    return given.exemption.approver
