"""The cuts of chains: whether what is missing from a front was old enough to go. Pure.

A cut by itself proves nothing: whoever may write to the account may append one. What proves it is an anchor
that the newest one leads back to by hashes, as old as what was cut off is said to be, in which the chain was
that long already. Nobody makes such an anchor afterwards without changing every one that follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from driftward.journal.anchors import chained_anchors, links_of
from driftward.journal.findings import Findings, fault, note, together
from shared.model.anchors import Anchor
from shared.model.chain import FaultKind, Head, Link
from shared.model.cuts import LEAST_KEPT, Cut, cut_in
from shared.model.deeds import DeedKind
from shared.model.values import value
from shared.state.journal import SWITCHES
from shared.state.journal_evidence import Evidence

_NO_RETENTION: Final = "links were cut off, and how long they are to be kept is not known: give --retention"


@value
class Cuts:
    """The cut of each chain that holds, and what was found of all."""

    held: Mapping[str, Cut]
    findings: Findings

    def head(self, chain: str) -> Head | None:
        """The last link that was cut off."""
        cut = self.held.get(chain)
        return None if cut is None else Head(chain=chain, sequence=cut.sequence, hash=cut.hash)

    def reaches(self, chain: str, sequence: int) -> bool:
        """Whether a link may be missing."""
        return chain in self.held and sequence <= self.held[chain].sequence


def check_cuts(evidence: Evidence, kept: timedelta | None, now: datetime) -> Cuts:
    """Every cut; ``kept`` is for how long links are to be kept, None where that is not known."""
    anchors = list(_in_order(evidence))
    held: dict[str, Cut] = {}
    found: list[Findings] = []
    for chain, link in _cuts(evidence):
        cut, wrong = cut_in(link), _wrong(link, chain, anchors, now)
        if cut is None or wrong:
            found.append(fault(FaultKind.CUT_FORGED, chain, f"link {link.sequence}: {wrong}"))
            continue
        found.append(_too_early(link, chain, min(link.time, now) - cut.until, kept))
        if chain not in held or held[chain].sequence < cut.sequence:
            held[chain] = cut
    return Cuts(held=held, findings=together([*found, *_summary(held, kept)]))


def _in_order(evidence: Evidence) -> Iterator[Anchor]:
    """Those that can vouch: one that is no younger than what it follows cannot."""
    before: datetime | None = None
    for one in reversed(chained_anchors(evidence)):
        if one.anchor is not None and (before is None or one.anchor.time > before):
            before = one.anchor.time
            yield one.anchor


def _cuts(evidence: Evidence) -> Iterator[tuple[str, Link]]:
    for chain, entries in sorted(evidence.chains.items()):
        yield from ((chain, link) for link in links_of(entries) if link.kind == DeedKind.CHAIN_CUT)


def _wrong(link: Link, chain: str, anchors: Sequence[Anchor], now: datetime) -> str:
    """Why a cut cannot be one of ours; empty for one that can."""
    cut = cut_in(link)
    if cut is None or chain == SWITCHES:
        return "it cuts off what no cut can"
    if min(link.time, now) - cut.until < LEAST_KEPT:
        return f"it cuts off what is younger than {LEAST_KEPT.days} days, and no retention is that short"
    if not any(_has_seen(anchor, chain, cut) for anchor in anchors):
        return f"no anchor from before {cut.until.isoformat()} has seen {cut.sequence} links of the chain"
    return ""


def _has_seen(anchor: Anchor, chain: str, cut: Cut) -> bool:
    """Whether all that was cut off was there when the anchor was made, at the time that the cut names."""
    place = anchor.heads.get(chain)
    if place is None or anchor.time > cut.until or place.sequence < cut.sequence:
        return False
    return place.sequence > cut.sequence or place.hash == cut.hash


def _too_early(link: Link, chain: str, age: timedelta, kept: timedelta | None) -> Findings:
    """``age`` is that of the youngest that went, and no more than it has now: a cut says itself when it was
    made."""
    if kept is None or age >= kept:
        return Findings()
    detail = (
        f"link {link.sequence} cuts off what was {age.days} days old, to be kept for {kept.days}: where "
        "`retentionDays` was shorter then, give that as --retention"
    )
    return fault(FaultKind.CUT_FORGED, chain, detail)


def _summary(held: Mapping[str, Cut], kept: timedelta | None) -> Iterator[Findings]:
    if not held:
        return
    newest = max(cut.until for cut in held.values())
    many = sum(cut.sequence for cut in held.values())
    yield note(f"{many} links of {len(held)} chains were cut off; none was younger than {newest.isoformat()}")
    if kept is None:
        yield Findings(unknown=(_NO_RETENTION,))
