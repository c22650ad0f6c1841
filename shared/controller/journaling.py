"""What the sweep does for the journal: switches as they are first seen, and an anchor of all chains.

What happened to a target is entered where it happens, with the target's record. Here is what belongs to none:
who threw a switch and when, and where every chain ends, at most once an hour and only when one has grown. The
hash of an anchor stands in the log, which lies outside the storage account: whoever keeps one can tell later
that the journal was rolled back as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.controller.deps import Deps
from shared.model import EnforcementMode, Outcome, Target
from shared.model.anchors import Anchor, AnchorMark, Inherited, Place
from shared.model.chain import NOTHING_BEFORE, tells_of
from shared.model.change_records import ChangeRecord
from shared.model.deeds import Deed
from shared.model.errors import EntityChanged, StoreError
from shared.model.happened import (
    approval_given,
    change_claimed,
    change_ended,
    exemption_begun,
    journal_begun,
)
from shared.state.journal import NO_TARGETS

BETWEEN_ANCHORS: Final = timedelta(hours=1)

ENFORCING: Final = "setting: ENFORCEMENT_MODE=enforce"
KEYS_WRITE: Final = "setting: OPERATOR_KEYS=allow"
"""The app's own switches, as the journal names them."""

_ALL: Final = 1_000_000


def keep_journal(deps: Deps) -> None:
    """Enter the switches, and anchor the chains when it is time. Another worker may be doing the same."""
    try:
        note_switches(deps)
        deps.store.remove_ended_switches(deps.clock.now())
        _anchor(deps)
    except EntityChanged:
        return


def note_switches(deps: Deps) -> None:
    """Enter which switches are on now, where that is news."""
    settings = deps.settings
    on = {ENFORCING: settings.mode is EnforcementMode.ENFORCE, KEYS_WRITE: settings.operator_keys}
    deps.store.journal.note_switches([name for name, is_on in on.items() if is_on], deps.clock.now())


def _anchor(deps: Deps) -> None:
    now, mark = deps.clock.now(), deps.store.journal.newest_anchor()
    if mark is None:
        _begin(deps, now)
    elif now - mark.time < BETWEEN_ANCHORS:
        return
    before = _anchored(mark, deps) if mark is not None else None
    heads = _heads(before, deps)
    if before is not None and heads == before.heads:
        return
    anchor = Anchor(
        sequence=mark.sequence + 1 if mark is not None else 1,
        time=now,
        previous=mark.hash if mark is not None else NOTHING_BEFORE,
        heads=heads,
        writer=deps.gateway.identity(),
    )
    kept = deps.store.journal.put_anchor(anchor, mark)
    deps.log({"message": "journal-anchored", "anchor": kept.hash, "sequence": kept.sequence})


def _anchored(mark: AnchorMark, deps: Deps) -> Anchor | None:
    """The anchor before. One that cannot be read keeps none from following; `verify-journal` tells of it."""
    try:
        return deps.store.journal.anchored(mark)
    except StoreError:
        return None


def _heads(before: Anchor | None, deps: Deps) -> dict[str, Place]:
    """The end of every chain, in each partition that is ours now or was when the last anchor was made.

    A chain never goes back: where it is gone or shorter now, the end that it had stays, to be missed.
    """
    known = dict(before.heads) if before is not None else {}
    scopes = {scope.subscription.lower() for scope in deps.settings.scopes}
    for partition in sorted({NO_TARGETS, *scopes, *(place.partition for place in known.values())}):
        for head in deps.store.journal.heads(partition):
            if head.chain not in known or known[head.chain].sequence < head.sequence:
                known[head.chain] = Place(partition=partition, sequence=head.sequence, hash=head.hash)
    return known


# --- the beginning ---------------------------------------------------------------------------------


def _begin(deps: Deps, now: datetime) -> None:
    """Write down what is known from before there were chains, to tell it from what is forged later."""
    found = tuple((target.key, deed) for target, deed in _recorded(deps) if not _linked(target, deed, deps))
    reference = deps.store.keep(Inherited(deeds=found))
    deps.store.journal.begin(journal_begun(now, reference, len(found)))


def _recorded(deps: Deps) -> Iterator[tuple[Target, Deed]]:
    """What the records say has happened, as it would have been entered."""
    for change in deps.store.changes(limit=_ALL):
        yield from ((change.change.target, deed) for deed in _of_change(change, deps))
    for alert in deps.store.alerts(limit=None):
        if alert.approval is not None:
            yield alert.target, approval_given(alert, alert.approval)
    for subscription in sorted({scope.subscription for scope in deps.settings.scopes}):
        for record in deps.store.known_targets(subscription):
            begun = (exemption_begun(exemption, record.first_seen) for exemption in record.exemptions)
            yield from ((record.target, deed) for deed in begun)


def _of_change(change: ChangeRecord, deps: Deps) -> Iterator[Deed]:
    for kept in (change.change, change.proof):
        deps.store.keep(kept)
    yield change_claimed(change)
    if change.outcome is not Outcome.IN_PROGRESS:
        yield change_ended(change)


def _linked(target: Target, deed: Deed, deps: Deps) -> bool:
    """Whether the chain of the target holds the deed already: it was made by this version."""
    links = (entry.link() for entry in deps.store.journal.entries(target))
    return any(tells_of(link, deed) for link in links)
