"""Cuts: what is older than the retention goes from the front of a chain, and a link of the chain says so.

The link names the last one that goes with its hash, and until when everything was entered that goes. The next
link after those may then be the first. A cut is no better than what shows that it is right: an anchor of that
age which saw the chain that long already (``driftward.journal.cuts``). Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.model.chain import Link
from shared.model.deeds import DeedKind
from shared.model.values import Json, value

LEAST_KEPT: Final = timedelta(days=100)
"""No retention is shorter: Azure's own log keeps 90 days, and every write in it is to be found in the
journal. https://learn.microsoft.com/azure/azure-monitor/platform/activity-log"""

_NEVER: Final = 2**63
_KNOWN: Final = frozenset(DeedKind)


@value
class Cut:
    """Links up to ``sequence`` may be missing: all of them were entered by ``until``."""

    sequence: int
    hash: str
    until: datetime


def cut_in(link: Link) -> Cut | None:
    """The cut that a link tells of; None where it tells of none, or of one that cannot be meant."""
    said = link.what.get("sequence"), link.what.get("hash"), link.what.get("until")
    match said:
        case (int() as sequence, str() as last, str() as until) if 0 < sequence < link.sequence:
            moment = _moment(until)
            return None if moment is None else Cut(sequence=sequence, hash=last, until=moment)
        case _:
            return None


def newest_cut(links: Sequence[Link]) -> Cut | None:
    """The cut that reaches farthest."""
    cuts = (cut_in(link) for link in links if link.kind == DeedKind.CHAIN_CUT)
    return max((one for one in cuts if one is not None), key=lambda cut: cut.sequence, default=None)


def may_go(links: Sequence[Link], until: datetime, last: int, needed: Collection[str]) -> int:
    """The number of the last link that may go, 0 for none: at most ``last``, nothing younger than ``until``.

    What belongs together stays together: a claim with its end and its rollback, an approval with the claims
    that rest on it, an exemption with its end. ``needed`` are names (``change:…``, ``alert:…`` and so on, see
    ``names_of``) that something else refers to. What this version does not know stays, with all behind it.
    """
    spans = _spans(links, needed)
    kept = (one.sequence for one in links if one.time > until or one.kind not in _KNOWN)
    end = min([last, *(sequence - 1 for sequence in kept)])
    while (begun := min((first for first, to in spans if first <= end < to), default=None)) is not None:
        end = begun - 1
    worth = any(link.sequence <= end and link.kind != DeedKind.CHAIN_CUT for link in links)
    return end if worth else 0


def names_of(links: Sequence[Link]) -> Mapping[int, frozenset[str]]:
    """What each link is about, by its number; what the names of two have in common holds them together."""
    given = [link for link in links if link.kind == DeedKind.APPROVAL_GIVEN]
    return {link.sequence: frozenset((*_names(link), *_consent(link, given))) for link in links}


def exemption_name(what: Mapping[str, Json]) -> str:
    """What an exemption is called by here, from what it is named by in a deed."""
    return f"exemption:{what.get('policy')}:{what.get('expiresAt')}:{what.get('change')}"


def change_name(change_id: object) -> str:
    return f"change:{change_id}"


def alert_name(alert_id: object) -> str:
    return f"alert:{alert_id}"


def open_names(links: Sequence[Link], now: datetime) -> Iterator[str]:
    """What has not ended yet, as far as the links tell."""
    over = {_change(link) for link in links if link.kind in {DeedKind.CHANGE_ENDED, DeedKind.CHANGE_LAPSED}}
    for link in links:
        if link.kind == DeedKind.CHANGE_CLAIMED and _change(link) not in over:
            yield change_name(_change(link))
        if link.kind == DeedKind.EXEMPTION_BEGUN and _is_after(link.what.get("expiresAt"), now):
            yield exemption_name(link.what)


def _spans(links: Sequence[Link], needed: Collection[str]) -> list[tuple[int, int]]:
    """From the first link of each name to its last; without end where the name is needed."""
    held: dict[str, list[int]] = defaultdict(list)
    for sequence, names in names_of(links).items():
        for name in names:
            held[name].append(sequence)
    return [(min(all_of), _NEVER if name in needed else max(all_of)) for name, all_of in held.items()]


def _names(link: Link) -> Iterator[str]:
    if link.what.get("change") is not None:
        yield change_name(link.what["change"])
    if link.what.get("rollbackOf") is not None:
        yield change_name(link.what["rollbackOf"])
    if link.kind == DeedKind.APPROVAL_GIVEN:
        yield alert_name(link.what.get("alert"))
    if link.kind in {DeedKind.EXEMPTION_BEGUN, DeedKind.EXEMPTION_ENDED}:
        yield exemption_name(link.what)


def _consent(link: Link, approvals: Sequence[Link]) -> Iterator[str]:
    """An approval is held together with every claim of its drift that it may have opened."""
    if link.kind == DeedKind.APPROVAL_GIVEN:
        yield f"approval:{link.sequence}"
    if link.kind == DeedKind.CHANGE_CLAIMED:
        yield from (f"approval:{given.sequence}" for given in approvals if _may_open(given, link))


def _may_open(given: Link, claim: Link) -> bool:
    same = all(given.what.get(name) == claim.what.get(name) for name in ("policy", "fingerprint"))
    return given.sequence < claim.sequence and same and _is_after(given.what.get("expiresAt"), claim.time)


def _change(link: Link) -> object:
    return link.what.get("change")


def _is_after(said: object, time: datetime) -> bool:
    """Whether a moment comes later; one that cannot be read may."""
    moment = _moment(said) if isinstance(said, str) else None
    return moment is None or moment > time


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
