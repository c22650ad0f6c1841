"""The anchors as they are kept, in the order that their hashes give them; and the links of a chain. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from shared.model import codec
from shared.model.anchors import Anchor
from shared.model.chain import NOTHING_BEFORE, Entry, Link, hash_of
from shared.model.errors import StoreError
from shared.model.values import value
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


def chained_anchors(evidence: Evidence) -> list[ReadAnchor]:
    """From the newest back, by the hash that each has of the one before."""
    by_hash = {one.hash: one for one in read_anchors(evidence)}
    wanted = evidence.newest.hash if evidence.newest is not None else NOTHING_BEFORE
    chained: list[ReadAnchor] = []
    while (one := by_hash.pop(wanted, None)) is not None:
        chained.append(one)
        if one.anchor is None:
            break
        wanted = one.anchor.previous
    return chained
