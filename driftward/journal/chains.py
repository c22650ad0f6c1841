"""The chains against themselves and against their anchors. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from driftward.journal.findings import Findings, fault, note, together
from shared.model import codec
from shared.model.anchors import Anchor
from shared.model.chain import NOTHING_BEFORE, Entry, FaultKind, Head, Link, check_chain, differing, hash_of
from shared.model.deeds import DeedKind
from shared.model.errors import StoreError
from shared.model.values import value
from shared.state.journal import SWITCHES
from shared.state.journal_evidence import Evidence, KeptAnchor


@value
class ReadAnchor:
    """An anchor as it is kept, and what it holds; None where that cannot be read."""

    kept: KeptAnchor
    anchor: Anchor | None

    @property
    def hash(self) -> str:
        return hash_of(self.kept.text)


def links_of(entries: tuple[Entry, ...]) -> Iterator[Link]:
    """The links of a chain in their order, as far as they can be read."""
    for entry in sorted(entries, key=lambda entry: entry.sequence):
        try:
            yield entry.link()
        except StoreError:
            continue


def read_anchors(evidence: Evidence) -> tuple[ReadAnchor, ...]:
    """The anchors in the order of their names, which is that of their numbers."""
    return tuple(_read(kept) for kept in evidence.anchors)


def _read(kept: KeptAnchor) -> ReadAnchor:
    try:
        return ReadAnchor(kept=kept, anchor=codec.load(Anchor, kept.text))
    except StoreError:
        return ReadAnchor(kept=kept, anchor=None)


# --- chains ----------------------------------------------------------------------------------------


def check_chains(evidence: Evidence) -> Findings:
    """Every chain by itself: hashes, numbers, and the link that is said to be the newest."""
    heads = {head.chain: head for head in evidence.heads}
    named = sorted({*evidence.chains, *heads})
    found = (_chain(name, evidence.chains.get(name, ()), heads.get(name)) for name in named)
    return together([*found, *_beginnings(evidence), *_healed(evidence)])


def _chain(name: str, entries: tuple[Entry, ...], head: Head | None) -> Findings:
    found = Findings(faults=check_chain(entries, head))
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


def check_anchors(evidence: Evidence, outside: tuple[str, ...] = ()) -> Findings:
    """The anchors among themselves, and every chain against each. ``outside`` are hashes kept elsewhere."""
    anchors = read_anchors(evidence)
    chained = _chained(anchors, evidence)
    by_hash = {one.hash: one for one in anchors}
    return together(
        [
            *_sequence(chained, evidence),
            *(_against(one, evidence) for one in anchors),
            *(_strays(anchors, chained)),
            *(_of_outside(known, by_hash) for known in outside),
        ]
    )


def _chained(anchors: tuple[ReadAnchor, ...], evidence: Evidence) -> list[ReadAnchor]:
    """From the newest back, by the hash that each has of the one before."""
    by_hash = {one.hash: one for one in anchors}
    wanted = evidence.newest.hash if evidence.newest is not None else NOTHING_BEFORE
    chained: list[ReadAnchor] = []
    while (one := by_hash.pop(wanted, None)) is not None:
        chained.append(one)
        if one.anchor is None:
            break
        wanted = one.anchor.previous
    return chained


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


def _against(one: ReadAnchor, evidence: Evidence) -> Findings:
    """Every chain has, where an anchor saw it end, the link that stood there."""
    if one.anchor is None:
        return fault(FaultKind.ANCHOR_CHANGED, one.kept.name, "it holds no anchor")
    places = one.anchor.heads.items()
    heads = (Head(chain=name, sequence=place.sequence, hash=place.hash) for name, place in places)
    return together(_anchored(head, evidence.chains, one) for head in heads)


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
