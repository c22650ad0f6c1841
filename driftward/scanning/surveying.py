"""An estate as a scan sees it: what is there is listed, and each target looked at that was not yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from driftward.scanning.documents.given import Documents
from driftward.scanning.looking import Looks
from driftward.scanning.places import targets_in
from driftward.scanning.progress import counted
from driftward.scanning.resuming import Asked, Notes
from shared.model import Target
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.report.estate import Estate, Seen


@value
class Wanted:
    scopes: tuple[ResourceId, ...]
    asked: Asked
    out: Path | None
    """Where looks are noted; None for nowhere."""
    resume: bool
    together: int
    below: frozenset[ResourceId] = frozenset()
    """Those of the scopes that nobody named: subscriptions of a management group. Some hold nothing."""


def survey(wanted: Wanted, looks: Looks, documents: Documents | None = None) -> Estate:
    """Everything in the scopes; ``documents`` are those that stand for Azure. Raises ``CannotGoOn``."""
    notes = Notes(wanted.out, wanted.asked) if wanted.out is not None else None
    asked, before = _begun(notes, wanted)
    targets, unlisted = targets_in(
        wanted.scopes,
        looks.gateway,
        looks.pause,
        lambda scope: scope in wanted.below and looks.may_list(scope),
    )
    unlisted = unlisted if documents is None else documents.unlisted(unlisted)
    kept = _kept(before, targets)
    coming = _others(targets, kept)
    looked = counted(looks.at_all(coming, wanted.together), len(targets), len(kept))
    seen = [*kept, *_noted(looked, notes)]
    seen.sort(key=lambda one: one.result.target.key)
    estate = Estate(taken_at=asked.began, scopes=asked.scopes, seen=tuple(seen), unlisted=unlisted)
    return estate if documents is None else replace(estate, origins=documents.origins(estate))


def _begun(notes: Notes | None, wanted: Wanted) -> tuple[Asked, Sequence[Seen]]:
    if notes is None:
        return wanted.asked, ()
    if wanted.resume:
        return notes.go_on()
    notes.begin()
    return wanted.asked, ()


def _kept(before: Iterable[Seen], targets: Iterable[Target]) -> list[Seen]:
    """What was seen of targets that are still there; one that could not be read is looked at again."""
    there = {target.key for target in targets}
    found = {one.result.target.key: one for one in before if not one.result.error}
    return [one for key, one in found.items() if key in there]


def _others(targets: Iterable[Target], kept: Collection[Seen]) -> list[Target]:
    seen = {one.result.target.key for one in kept}
    return [target for target in targets if target.key not in seen]


def _noted(looked: Iterable[Seen], notes: Notes | None) -> Iterator[Seen]:
    for one in looked:
        if notes is not None:
            notes.note(one)
        yield one
