"""Whether somebody had consented to what was made as approved: the link of the claim against that of the
approval. The approval itself is gone from its alert once the drift is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from driftward.journal.cuts import Cuts
from driftward.journal.entries import Told, Vouched
from driftward.journal.findings import Findings, fault, together
from shared.model import Reason
from shared.model.chain import FaultKind, Link
from shared.model.change_records import ChangeKind
from shared.model.deeds import DeedKind

_UNTOLD: Final = "it was made as approved, and no link tells of an approval that held then"


def check_consent(known: Vouched, cuts: Cuts) -> Findings:
    """Every claim that an approval opened. One from before the chains began is left out: what was approved
    then is told nowhere any more. So is one that was cut off, whose approval may have gone before it."""
    return together(
        fault(FaultKind.ENTRY_FORGED, f"change {claim.what.get('change')}", _UNTOLD)
        for chain in sorted(known.told)
        for claim in _as_approved(known, chain, cuts)
        if not any(_held(one, claim) for one in _given(known, chain, claim))
    )


def _as_approved(known: Vouched, chain: str, cuts: Cuts) -> Iterator[Link]:
    """A rollback is an operator's own word, and none of an alert's approval."""
    for one in known.of(chain, DeedKind.CHANGE_CLAIMED, "reason", Reason.APPROVED.value):
        of_ours = isinstance(one, Link) and one.what.get("kind") == ChangeKind.REMEDIATION
        if isinstance(one, Link) and of_ours and not cuts.reaches(chain, one.sequence):
            yield one


def _given(known: Vouched, chain: str, claim: Link) -> Iterator[Told]:
    for one in known.of(chain, DeedKind.APPROVAL_GIVEN, "policy", claim.what.get("policy")):
        if one.what.get("fingerprint") == claim.what.get("fingerprint"):
            yield one


def _held(given: Told, claim: Link) -> bool:
    """Given before the claim, by the order of the chain and not by two clocks, and not over by then."""
    is_before = not isinstance(given, Link) or given.sequence < claim.sequence
    return is_before and _ends_after(given, claim.time)


def _ends_after(given: Told, time: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(given.what.get("expiresAt"))) > time
    except (ValueError, TypeError):
        return False
