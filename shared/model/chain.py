"""The journal's proof of itself: what happened, as links of chains that each hold the hash of the one before.

A deed is what happened, as a small value of its own: never a record as it is stored, so that a record which
gains a field breaks no chain. A link is a deed at its place in a chain. Its hash is that of its text as it
lies in the store (canonical JSON), so a link that an older or a newer version wrote is checked as it is.
Nothing here knows where links are kept, nor which records they are compared with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.model import codec
from shared.model.deeds import Deed
from shared.model.errors import StoreError
from shared.model.targets import Actor
from shared.model.values import Json, value

NOTHING_BEFORE: Final = "0" * 64
"""What the first link of a chain holds as the hash of the one before."""


@value
class Link:
    """A deed at its place. ``kind`` is a text: a newer version may know more of them than this one."""

    chain: str
    """The key of a target, or the name of a chain that belongs to none."""
    sequence: int
    previous: str
    kind: str
    time: datetime
    what: Mapping[str, Json] = field(default_factory=dict)
    actor: Actor = field(default_factory=Actor)
    blobs: Mapping[str, str] = field(default_factory=dict)
    healed: bool = False


@value
class Head:
    """The newest link of a chain."""

    chain: str
    sequence: int
    hash: str


@value
class Entry:
    """A link as it lies in the store, at the place of this number."""

    sequence: int
    text: str

    @property
    def hash(self) -> str:
        return hash_of(self.text)

    def link(self) -> Link:
        """Raises ``StoreError`` for a text that is no link."""
        return codec.load(Link, self.text)


class FaultKind(StrEnum):
    LINK_CHANGED = "link-changed"
    LINK_MISSING = "link-missing"
    LINK_MISPLACED = "link-misplaced"
    LINK_UNREADABLE = "link-unreadable"
    CHAIN_MISSING = "chain-missing"
    CUT_FORGED = "cut-forged"
    ANCHOR_CHANGED = "anchor-changed"
    ANCHOR_MISSING = "anchor-missing"
    BEGUN_AGAIN = "begun-again"
    BLOB_MISSING = "blob-missing"
    BLOB_CHANGED = "blob-changed"
    ENTRY_FORGED = "entry-forged"
    ENTRY_CHANGED = "entry-changed"
    ENTRY_MISSING = "entry-missing"
    ENTRY_UNREADABLE = "entry-unreadable"
    WRITE_UNKNOWN = "write-unknown"


@value
class Fault:
    """What is not as it was written, and where."""

    kind: FaultKind
    where: str
    detail: str


def hash_of(text: str) -> str:
    """SHA-256 over the UTF-8 text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def after(head: Head, deed: Deed) -> Entry:
    """The link of ``deed`` behind ``head``, as it is to be kept."""
    link = Link(
        chain=head.chain,
        sequence=head.sequence + 1,
        previous=head.hash,
        kind=deed.kind,
        time=deed.time,
        what=deed.what,
        actor=deed.actor,
        blobs=deed.blobs,
        healed=deed.healed,
    )
    return Entry(sequence=link.sequence, text=codec.dump(link))


def beginning(chain: str) -> Head:
    """The head of a chain that has no link yet."""
    return Head(chain=chain, sequence=0, hash=NOTHING_BEFORE)


def tells_of(link: Link | Deed, deed: Deed) -> bool:
    """Whether a link is that of ``deed``, as far as both have the same names."""
    shared = link.what.keys() & deed.what.keys()
    return link.kind == deed.kind and all(link.what[name] == deed.what[name] for name in shared)


def check_chain(
    links: Sequence[Entry], head: Head | None = None, cut: Head | None = None
) -> tuple[Fault, ...]:
    """What is wrong with one chain by itself, its links in any order; nothing for a whole one.

    ``head`` is where it is said to end, ``cut`` the last link of those that may be missing from its front.
    That links were taken off its end together with its head is for anchors to tell.
    """
    ordered = sorted(links, key=lambda entry: entry.sequence)
    chain = head.chain if head is not None else _chain_of(ordered)
    faults = list(_within(chain, ordered, cut))
    last = ordered[-1].sequence if ordered else 0
    if head is not None and head.sequence > last:
        faults.append(_missing(chain, last + 1, head.sequence))
    elif head is not None:
        faults += differing(head, ordered)
    return tuple(faults)


def differing(head: Head, links: Sequence[Entry]) -> list[Fault]:
    """The fault of a chain that has another link than ``head`` where that stands; none where it agrees."""
    there = next((entry for entry in links if entry.sequence == head.sequence), None)
    if there is None:
        return [_missing(head.chain, head.sequence, head.sequence)]
    if there.hash == head.hash:
        return []
    detail = f"link {head.sequence} has another hash than was noted when it was appended"
    return [Fault(kind=FaultKind.LINK_CHANGED, where=head.chain, detail=detail)]


def _within(chain: str, ordered: Sequence[Entry], cut: Head | None) -> Iterator[Fault]:
    before = _before(chain, ordered, cut)
    for entry in ordered:
        if entry.sequence > before.sequence + 1:
            yield _missing(chain, before.sequence + 1, entry.sequence - 1)
        yield from _of_link(chain, before, entry)
        before = Head(chain=chain, sequence=entry.sequence, hash=entry.hash)
        if cut is not None and cut.sequence == entry.sequence:
            yield from differing(cut, [entry])


def _before(chain: str, ordered: Sequence[Entry], cut: Head | None) -> Head:
    """What stands before the first link that is there: nothing, or what was cut off. Links go from the front,
    so where some of those are there still, nobody knows the hash of the one before."""
    first = ordered[0].sequence if ordered else 1
    if cut is None or first == 1 or first > cut.sequence + 1:
        return beginning(chain)
    return cut if first == cut.sequence + 1 else Head(chain=chain, sequence=first - 1, hash="")


def _of_link(chain: str, before: Head, entry: Entry) -> Iterator[Fault]:
    """What is wrong with a link behind another: behind a gap its own hash of the one before is not asked."""
    try:
        link = entry.link()
    except StoreError as error:
        yield Fault(kind=FaultKind.LINK_UNREADABLE, where=chain, detail=f"link {entry.sequence}: {error}")
        return
    if (link.chain, link.sequence) != (chain, entry.sequence):
        detail = f"at {entry.sequence} lies link {link.sequence} of {link.chain}"
        yield Fault(kind=FaultKind.LINK_MISPLACED, where=chain, detail=detail)
    if before.sequence + 1 == entry.sequence and before.hash and link.previous != before.hash:
        detail = f"link {entry.sequence} does not continue what stands before it: one of the two was changed"
        yield Fault(kind=FaultKind.LINK_CHANGED, where=chain, detail=detail)


def _missing(chain: str, first: int, last: int) -> Fault:
    named = f"link {first} is" if first == last else f"links {first} to {last} are"
    return Fault(kind=FaultKind.LINK_MISSING, where=chain, detail=f"{named} not there")


def _chain_of(links: Sequence[Entry]) -> str:
    """The chain that the first readable link names."""
    for entry in links:
        try:
            return entry.link().chain
        except StoreError:
            continue
    return ""
