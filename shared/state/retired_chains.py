"""The front of chains, as far as it is old and nothing that stays needs it, with the changes that it tells
of.

First a cut is appended to the chain, then the changes go, then the links, oldest first: whoever dies between
leaves a chain that holds, and the next pass goes on from its cut. A chain that does not hold is left as it
is, and so is a change that is not as its links tell: what shows that somebody meddled is never cleared away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from shared.model.anchors import Anchor, Place
from shared.model.chain import Head, Link, check_chain, tells_of
from shared.model.change_life import IN_FLIGHT
from shared.model.cuts import (
    Cut,
    alert_name,
    change_name,
    exemption_name,
    may_go,
    newest_cut,
    open_names,
)
from shared.model.deeds import DeedKind
from shared.model.errors import EntityChanged, NotReadable, StoreError, TextGone
from shared.model.happened import chain_cut, change_claimed, change_ended, exemption_named
from shared.model.memory import TargetRecord
from shared.model.retention import Position, Retired, Terms
from shared.model.values import value
from shared.state.alert_rows import Alerts
from shared.state.change_rows import Changes
from shared.state.journal import SWITCHES, Journal, NewestLink
from shared.state.table_layout import TARGET_PREFIX, TARGETS
from shared.state.table_rows import Place as RowPlace
from shared.state.table_rows import Rows, digest

CHAINS_AT_ONCE: Final = 200
LINKS_AT_ONCE: Final = 200
"""Of one chain, so many go at most; and no other chain is begun when so many have gone."""


@value
class Chain:
    """A chain as it was read, whole and holding, and what the anchor saw of it."""

    partition: str
    newest: NewestLink
    links: tuple[Link, ...]
    hashes: tuple[str, ...]
    seen: int

    @property
    def first(self) -> int:
        return self.links[0].sequence

    def hash_of(self, sequence: int) -> str:
        return self.hashes[sequence - self.first]


class RetiredChains:
    """Cuts the chains that an anchor names. Every method may raise ``StoreError``."""

    def __init__(self, rows: Rows, journal: Journal, changes: Changes, alerts: Alerts) -> None:
        self._rows = rows
        self._journal = journal
        self._changes = changes
        self._alerts = alerts

    def step(self, position: Position, terms: Terms) -> Retired:
        """Go over some of the chains; what was entered by the newest anchor of that age is old enough."""
        found = self._journal.anchor_of(terms.until)
        if found is None:
            return Retired(count=0, position=None)
        gone = 0
        for name in islice(_behind(found[1], position), CHAINS_AT_ONCE):
            position = Position(row=name)
            with suppress(NotReadable, TextGone):  # what it hangs together with stays as well
                gone += self._retire(name, found, terms)
            if gone >= LINKS_AT_ONCE:
                break
        is_over = next(_behind(found[1], position), None) is None
        return Retired(count=gone, position=None if is_over else position)

    def _retire(self, name: str, by: tuple[str, Anchor], terms: Terms) -> int:
        place = by[1].heads[name]
        first = self._journal.first_number(place.partition, name)
        if first is None or first > place.sequence:
            return 0
        chain = self._read(name, place)
        if chain is None:
            return 0
        cut = newest_cut(chain.links)
        if cut is None or cut.sequence < first:
            cut = self._cut(chain, by, terms)
        if cut is None or cut.sequence > chain.seen:  # the latter is none of ours
            return 0
        return self._clear(chain, cut)

    def _read(self, name: str, place: Place) -> Chain | None:
        """None for a chain that does not hold, or was appended to while it was read."""
        newest = self._journal.newest(place.partition, name)
        entries = self._journal.read(place.partition, name)
        with suppress(StoreError):
            links = tuple(entry.link() for entry in entries)
            cut = newest_cut(links)
            front = None if cut is None else Head(chain=name, sequence=cut.sequence, hash=cut.hash)
            known = {entry.sequence: entry.hash for entry in entries}
            agrees = known.get(place.sequence) == place.hash
            if newest is not None and agrees and not check_chain(entries, newest.head, front):
                return Chain(
                    partition=place.partition,
                    newest=newest,
                    links=links,
                    hashes=tuple(entry.hash for entry in entries),
                    seen=place.sequence,
                )
        return None

    def _cut(self, chain: Chain, by: tuple[str, Anchor], terms: Terms) -> Cut | None:
        """Enter how far the chain is cut; None where nothing may go, or somebody appended meanwhile."""
        last = min(chain.seen, chain.first + LINKS_AT_ONCE - 1)
        needed = {*open_names(chain.links, terms.now), *self._needed(chain, last)}
        end = may_go(chain.links, by[1].time, last, needed)
        if end < chain.first:
            return None
        cut = Cut(sequence=end, hash=chain.hash_of(end), until=by[1].time)
        count = end - chain.first + 1
        deed = chain_cut(cut, terms.now, count=count, kept_days=terms.kept.days, anchor=by[0])
        try:
            self._journal.append_behind(chain.partition, chain.newest, deed)
        except EntityChanged:
            return None
        return cut

    def _clear(self, chain: Chain, cut: Cut) -> int:
        """Remove what is cut off: the changes while their links still tell of them, then the links."""
        going = [link for link in chain.links if link.sequence <= cut.sequence]
        held = set(self._of_record(chain))
        for link in going:
            name = str(link.what.get("change"))
            if link.kind == DeedKind.CHANGE_CLAIMED and change_name(name) in held:
                return 0  # somebody began to roll it back after the cut: it goes when that is over
            if link.kind == DeedKind.CHANGE_CLAIMED:
                self._changes.remove(name)
        self._journal.remove(chain.partition, chain.newest.head.chain, [link.sequence for link in going])
        return len(going)

    # --- what is needed ----------------------------------------------------------------------------

    def _needed(self, chain: Chain, last: int) -> Iterator[str]:
        """The names of what stays, as far as the links alone do not tell."""
        yield from self._of_record(chain)
        front = [link for link in chain.links if link.sequence <= last]
        lapsed = {link.what.get("change") for link in chain.links if link.kind == DeedKind.CHANGE_LAPSED}
        for link in front:
            change = link.what.get("change")
            if link.kind == DeedKind.CHANGE_CLAIMED and change not in lapsed:
                yield from [] if self._is_over(str(change), chain.links) else [change_name(change)]
            if link.kind == DeedKind.APPROVAL_GIVEN and self._stands(str(link.what.get("alert"))):
                yield alert_name(link.what.get("alert"))

    def _of_record(self, chain: Chain) -> Iterator[str]:
        """What the target's record refers to: what it is exempt from, and the change that is in flight."""
        row = f"{TARGET_PREFIX}{digest(chain.newest.head.chain)}"
        record = self._rows.find(TargetRecord, RowPlace(table=TARGETS, partition=chain.partition, row=row))
        if record is None:
            return
        for exemption in record.exemptions:
            yield exemption_name(exemption_named(exemption))
            yield change_name(exemption.change_id)
        yield change_name(record.active_change)
        if record.change is not None:
            yield from (change_name(record.change.id), change_name(record.change.rollback_of))

    def _is_over(self, change_id: str, links: Sequence[Link]) -> bool:
        """Whether a change has ended, and is as its links tell. The target's record holds one of which people
        are still to be told."""
        change = self._changes.find(change_id)
        if change is None or change.phase in IN_FLIGHT:
            return False
        told = [link for link in links if link.what.get("change") == change_id]
        claimed, ended = change_claimed(change), change_ended(change)
        return any(tells_of(one, claimed) for one in told) and any(tells_of(one, ended) for one in told)

    def _stands(self, alert_id: str) -> bool:
        alert = self._alerts.find(alert_id)
        return alert is not None and alert.approval is not None


def _behind(anchor: Anchor, position: Position) -> Iterator[str]:
    """The chains behind a place, in their order. That of the switches is kept for good: it is short, and says
    when the journal began."""
    return (name for name in sorted(anchor.heads) if name > position.row and name != SWITCHES)
