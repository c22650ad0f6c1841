"""The chains against themselves and against their anchors. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from driftward.journal.anchors import ReadAnchor, chained_anchors, links_of, read_anchors
from driftward.journal.cuts import Cuts
from driftward.journal.findings import Findings, fault, note, together
from shared.model.anchors import Anchor
from shared.model.chain import NOTHING_BEFORE, Entry, FaultKind, Head, check_chain, differing
from shared.model.deeds import DeedKind
from shared.state.journal import SWITCHES
from shared.state.journal_evidence import Evidence

# --- chains ----------------------------------------------------------------------------------------


def check_chains(evidence: Evidence, cuts: Cuts) -> Findings:
    """Every chain by itself: hashes, numbers, its cut, and the link that is said to be the newest."""
    heads = {head.chain: head for head in evidence.heads}
    named = sorted({*evidence.chains, *heads})
    found = (_chain(evidence.chains.get(name, ()), heads.get(name), cuts.head(name), name) for name in named)
    return together([*found, *_beginnings(evidence), *_healed(evidence)])


def _chain(entries: tuple[Entry, ...], head: Head | None, cut: Head | None, name: str) -> Findings:
    found = Findings(faults=check_chain(entries, head, cut))
    if head is None and len(entries) > 1:
        return found + fault(FaultKind.LINK_MISSING, name, "the row that names its newest link is not there")
    return found


def _beginnings(evidence: Evidence) -> Iterator[Findings]:
    begun = [one for one in links_of(evidence.chains.get(SWITCHES, ())) if one.kind == DeedKind.JOURNAL_BEGUN]
    if len(begun) > 1:
        times = ", ".join(link.time.isoformat() for link in begun)
        yield fault(FaultKind.BEGUN_AGAIN, SWITCHES, f"the journal was begun anew: {times}")
    if not begun:
        yield Findings(unknown=("the journal has not begun: no sweep has run with this version yet",))


def _healed(evidence: Evidence) -> Iterator[Findings]:
    for name, entries in sorted(evidence.chains.items()):
        for link in links_of(entries):
            if link.healed:
                late = f"{link.kind} of {link.what.get('change', '')} was entered late"
                yield note(f"{name}: {late}, a worker had died ({link.time})")


# --- anchors ---------------------------------------------------------------------------------------


def check_anchors(evidence: Evidence, cuts: Cuts, outside: tuple[str, ...] = ()) -> Findings:
    """The anchors among themselves, and every chain against each. ``outside`` are hashes kept elsewhere."""
    anchors = read_anchors(evidence)
    chained = chained_anchors(evidence)
    by_hash = {one.hash: one for one in anchors}
    return together(
        [
            *_sequence(chained, evidence),
            *(_against(one, evidence, cuts) for one in anchors),
            *(_strays(anchors, chained)),
            *(_of_outside(known, by_hash) for known in outside),
        ]
    )


def _sequence(chained: list[ReadAnchor], evidence: Evidence) -> Iterator[Findings]:
    """Whether the way back leads to the first; where it breaks off, an anchor is gone or was changed."""
    newest = evidence.newest
    if newest is None:
        if evidence.anchors:
            yield fault(FaultKind.ANCHOR_MISSING, "anchors", "the row that names the newest one is not there")
        return
    oldest = chained[-1].anchor if chained else None
    if oldest is None:
        yield fault(FaultKind.ANCHOR_CHANGED, newest.name, "the newest anchor is not the one that was kept")
    elif oldest.previous != NOTHING_BEFORE or oldest.sequence != 1:
        detail = f"the anchor before number {oldest.sequence} is not there as it was"
        yield fault(FaultKind.ANCHOR_MISSING, chained[-1].kept.name, detail)
    yield from _times(chained)


def _times(chained: list[ReadAnchor]) -> Iterator[Findings]:
    """Each is younger than the one before: one that is older would vouch for what it never saw."""
    for later, earlier in pairwise(chained):
        if not _is_younger(later.anchor, earlier.anchor):
            detail = f"it is said to be no younger than {earlier.kept.name}, which it follows"
            yield fault(FaultKind.ANCHOR_CHANGED, later.kept.name, detail)


def _is_younger(later: Anchor | None, earlier: Anchor | None) -> bool:
    """What cannot be read is told of elsewhere."""
    return later is None or earlier is None or later.time > earlier.time


def _against(one: ReadAnchor, evidence: Evidence, cuts: Cuts) -> Findings:
    """Every chain has, where an anchor saw it end, the link that stood there, unless that was cut off."""
    if one.anchor is None:
        return fault(FaultKind.ANCHOR_CHANGED, one.kept.name, "it holds no anchor")
    places = one.anchor.heads.items()
    heads = (Head(chain=name, sequence=place.sequence, hash=place.hash) for name, place in places)
    missing = (head for head in heads if not _was_cut(head, evidence.chains, cuts))
    return together(_anchored(head, evidence.chains, one) for head in missing)


def _was_cut(head: Head, chains: Mapping[str, tuple[Entry, ...]], cuts: Cuts) -> bool:
    """Whether the link went by a cut; the last that went is known by its hash."""
    cut = cuts.head(head.chain)
    if cut is None or head.sequence > cut.sequence:
        return False
    is_there = any(entry.sequence == head.sequence for entry in chains.get(head.chain, ()))
    return not is_there and (head.sequence < cut.sequence or head.hash == cut.hash)


def _anchored(head: Head, chains: Mapping[str, tuple[Entry, ...]], one: ReadAnchor) -> Findings:
    entries = chains.get(head.chain, ())
    if not entries:
        detail = f"the chain is not there; {one.kept.name} knows {head.sequence} links of it"
        return fault(FaultKind.CHAIN_MISSING, head.chain, detail)
    return Findings(faults=tuple(differing(head, entries)))


def _strays(anchors: tuple[ReadAnchor, ...], chained: list[ReadAnchor]) -> Iterator[Findings]:
    """An anchor that no other leads to is that of a sweep that lost a race or died; its heads count all the
    same."""
    known = {one.kept.name for one in chained}
    for one in anchors:
        if one.kept.name not in known and one.anchor is not None:
            yield note(f"{one.kept.name}: no later anchor names it")


def _of_outside(known: str, by_hash: Mapping[str, ReadAnchor]) -> Findings:
    if known.lower() in by_hash:
        return Findings()
    return fault(FaultKind.ANCHOR_MISSING, known, "no anchor here has this hash, which was kept elsewhere")
