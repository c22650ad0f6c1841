"""The records that the app works with against the links that vouch for them. Pure but for reading texts.

A record without a link was forged, one that its link does not fit was changed, and a link without a record
means that the record was taken away. What was there before the chains began counts as linked if it is as it
was then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from driftward.journal.anchors import links_of
from driftward.journal.cuts import Cuts
from driftward.journal.findings import Findings, fault, is_fresh, note, together
from shared.model import Change, Json, Outcome, Proof, codec
from shared.model.alert_records import AlertRecord
from shared.model.anchors import Inherited
from shared.model.chain import FaultKind, Link, tells_of
from shared.model.change_records import ChangeRecord
from shared.model.deeds import Deed, DeedKind
from shared.model.errors import StoreError, TextGone
from shared.model.happened import (
    approval_given,
    change_claimed,
    change_ended,
    exemption_begun,
    exemption_named,
)
from shared.model.memory import Exemption
from shared.model.targets import Target
from shared.model.values import value
from shared.state.journal import SWITCHES
from shared.state.journal_evidence import Evidence

Texts = Callable[[str], str | None]
"""A kept text by its reference; raises ``TextGone``."""

_REACH: Final = "rolledBack"
"""Which edits an exemption covers, by the reference of the change that was rolled back."""

Told: TypeAlias = Link | Deed


@value
class Vouched:
    """What is vouched for, by the chain that does; what was inherited stands before the links."""

    told: Mapping[str, tuple[Told, ...]]

    def of(self, chain: str, kind: DeedKind, name: str, named: object) -> list[Told]:
        """What is told of one thing, oldest first."""
        told = self.told.get(chain, ())
        return [one for one in told if one.kind == kind and one.what.get(name) == named]


def vouched(evidence: Evidence, texts: Texts) -> Vouched:
    """All links that can be read, and what the first of them says was there before."""
    told: dict[str, list[Told]] = {}
    for chain, deed in _inherited(evidence, texts):
        told.setdefault(chain, []).append(deed)
    for chain, entries in evidence.chains.items():
        told.setdefault(chain, []).extend(links_of(entries))
    return Vouched(told={chain: tuple(all_of_it) for chain, all_of_it in told.items()})


def _inherited(evidence: Evidence, texts: Texts) -> Iterator[tuple[str, Deed]]:
    for link in links_of(evidence.chains.get(SWITCHES, ())):
        if link.kind == DeedKind.JOURNAL_BEGUN:
            text = _text(link.blobs.get("inherited", ""), texts)
            yield from codec.load(Inherited, text).deeds if text else ()
            return


def _text(reference: str, texts: Texts) -> str | None:
    try:
        return texts(reference)
    except TextGone:
        return None


def check_entries(evidence: Evidence, known: Vouched, cuts: Cuts, texts: Texts, now: datetime) -> Findings:
    """Changes, approvals and exemptions, each against what is told of it, and back."""
    unreadable = (fault(FaultKind.ENTRY_UNREADABLE, row.where, row.reason) for row in evidence.unreadable)
    found = together(
        [
            *unreadable,
            *(_change(change, known, texts, now) for change in evidence.changes),
            *(_approval(alert, known, now) for alert in evidence.approvals),
            *(_exemption(target, one, known, texts) for target, one in evidence.exemptions),
            *_changes_taken_away(evidence, known, cuts, now),
            *_exemptions_taken_away(evidence, known, now),
        ]
    )
    return found if _has_begun(evidence) else _undecided(found)


def _has_begun(evidence: Evidence) -> bool:
    links = links_of(evidence.chains.get(SWITCHES, ()))
    return any(link.kind == DeedKind.JOURNAL_BEGUN for link in links)


def _undecided(found: Findings) -> Findings:
    """Before the chains begin, what they do not know may be older than they are."""
    older = [one for one in found.faults if one.kind is FaultKind.ENTRY_FORGED]
    others = tuple(one for one in found.faults if one not in older)
    unknown = tuple(f"{one.where}: {one.detail}" for one in older)
    return replace(found, faults=others, unknown=found.unknown + unknown)


# --- changes ---------------------------------------------------------------------------------------


def _change(change: ChangeRecord, known: Vouched, texts: Texts, now: datetime) -> Findings:
    chain, where = change.change.target.key, f"change {change.id}"
    claims = known.of(chain, DeedKind.CHANGE_CLAIMED, "change", change.id)
    if not claims:
        return fault(FaultKind.ENTRY_FORGED, where, f"no link of {chain} tells of it")
    if len(claims) > 1:
        return fault(FaultKind.ENTRY_FORGED, where, f"it was claimed {len(claims)} times")
    return together([_claim(change, claims[0], texts), _end(change, known, now)])


def _claim(change: ChangeRecord, claim: Told, texts: Texts) -> Findings:
    """What was to be done and why, as it was when it was claimed."""
    where, deed = f"change {change.id}", change_claimed(change)
    names = sorted(claim.what.keys() & deed.what.keys())
    wrong = [name for name in names if claim.what[name] != deed.what[name]]
    if claim.blobs.get("before") != change.before:
        wrong.append("before")
    if not _is_kept(Change, claim.blobs.get("change", ""), change.change, texts):
        wrong.append("edits")
    if not _is_kept(Proof, claim.blobs.get("proof", ""), change.proof, texts):
        wrong.append("proof")
    if not wrong:
        return Findings()
    return fault(FaultKind.ENTRY_CHANGED, where, f"not as it was claimed: {', '.join(wrong)}")


def _is_kept(form: type[Change | Proof], reference: str, held: Change | Proof, texts: Texts) -> bool:
    """Whether the text that was kept says the same. One that is gone is told where its link is checked."""
    text = _text(reference, texts)
    try:
        return text is None or codec.load(form, text) == held
    except StoreError:
        return False


def _end(change: ChangeRecord, known: Vouched, now: datetime) -> Findings:
    where = f"change {change.id}"
    ends = known.of(change.change.target.key, DeedKind.CHANGE_ENDED, "change", change.id)
    if change.outcome is Outcome.IN_PROGRESS:
        return _still_running(where, ends, now)
    deed = change_ended(change)
    if not ends:
        if is_fresh(change.finished_at, now):
            return note(f"{where}: its end is not entered yet")
        return fault(FaultKind.ENTRY_FORGED, where, f"no link tells that it ended {change.outcome}")
    if not tells_of(ends[-1], deed) or ends[-1].blobs.get("after") != change.after:
        told = ends[-1].what.get("outcome")
        detail = f"not as it ended: {change.outcome} here, {told} in the chain; or its time or reading differ"
        return fault(FaultKind.ENTRY_CHANGED, where, detail)
    return Findings()


def _still_running(where: str, ends: list[Told], now: datetime) -> Findings:
    """The link of an end is written before the record of the change: between the two it is pending."""
    if not ends:
        return Findings()
    if is_fresh(ends[-1].time, now):
        return note(f"{where}: it has ended, and its record is not written yet")
    return fault(FaultKind.ENTRY_CHANGED, where, "in progress here, and ended in the chain")


def _changes_taken_away(evidence: Evidence, known: Vouched, cuts: Cuts, now: datetime) -> Iterator[Findings]:
    """Changes that are told of, and not there. Where a link is cut off its change goes first."""
    there = {change.id for change in evidence.changes}
    for chain, told in sorted(known.told.items()):
        lapsed = {one.what.get("change") for one in told if one.kind == DeedKind.CHANGE_LAPSED}
        claims = [one for one in told if one.kind == DeedKind.CHANGE_CLAIMED]
        for claim in (one for one in claims if not _was_cut(chain, one, cuts)):
            name = claim.what.get("change")
            if name in there or name in lapsed:
                continue
            if is_fresh(claim.time, now):
                yield note(f"change {name}: claimed, and not among the changes yet")
            else:
                detail = f"{chain} tells of it, and it is not among the changes"
                yield fault(FaultKind.ENTRY_MISSING, f"change {name}", detail)


def _was_cut(chain: str, told: Told, cuts: Cuts) -> bool:
    return isinstance(told, Link) and cuts.reaches(chain, told.sequence)


# --- approvals and exemptions ----------------------------------------------------------------------


def _approval(alert: AlertRecord, known: Vouched, now: datetime) -> Findings:
    """Against its link; how far it reaches matters, and is compared, for as long as it holds."""
    if alert.approval is None:
        return Findings()
    told = known.of(alert.target.key, DeedKind.APPROVAL_GIVEN, "alert", alert.id)
    deed = approval_given(alert, alert.approval)
    if alert.approval.expires_at <= now:
        deed = _without(deed, "planned")
    if any(tells_of(one, deed) for one in told):
        return Findings()
    kind = FaultKind.ENTRY_CHANGED if told else FaultKind.ENTRY_FORGED
    return fault(kind, f"alert {alert.id}", f"no link tells of this approval by {alert.approval.by}")


def _exemption(target: Target, exemption: Exemption, known: Vouched, texts: Texts) -> Findings:
    deed = _without(exemption_begun(exemption, exemption.expires_at), _REACH)
    told = known.of(target.key, DeedKind.EXEMPTION_BEGUN, "policy", exemption.policy)
    if any(tells_of(one, deed) and _reaches_as_far(one, exemption, texts) for one in told):
        return Findings()
    detail = f"no link tells of the exemption from {exemption.policy} by {exemption.approver}"
    return fault(FaultKind.ENTRY_FORGED, target.key, detail)


def _without(deed: Deed, name: str) -> Deed:
    return replace(deed, what={key: held for key, held in deed.what.items() if key != name})


def _reaches_as_far(told: Told, exemption: Exemption, texts: Texts) -> bool:
    """Whether the edits that are exempt are those of the link: the same text, or one that says the same, for
    a change may have gained a field since. A link that is older than the name tells nothing of it."""
    if _REACH not in told.what:
        return True
    said, held = told.what[_REACH], exemption_named(exemption)[_REACH]
    if said == held or said is None or held is None or exemption.rolled_back is None:
        return bool(said == held)
    text = _text(said, texts)
    return text is not None and _is_kept(Change, said, exemption.rolled_back, texts)


def _exemptions_taken_away(evidence: Evidence, known: Vouched, now: datetime) -> Iterator[Findings]:
    """Those that began and neither ended nor expired stand with their target, unless that is gone."""
    held = [(target.key, exemption_named(one)) for target, one in evidence.exemptions]
    for chain in sorted(evidence.remembered & known.told.keys()):
        for begun in still_standing(known.told[chain], now):
            if not any(chain == key and _agree(begun.what, named) for key, named in held):
                detail = f"the exemption from {begun.what.get('policy')} began, did not end, and is not there"
                yield fault(FaultKind.ENTRY_MISSING, chain, detail)


def still_standing(told: Iterable[Told], now: datetime) -> list[Told]:
    standing: list[Told] = []
    for one in told:
        if one.kind == DeedKind.EXEMPTION_BEGUN:
            standing.append(one)
        elif one.kind == DeedKind.EXEMPTION_ENDED:
            standing = [begun for begun in standing if not _agree(begun.what, one.what)]
    return [one for one in standing if str(one.what.get("expiresAt", "")) > now.isoformat()]


def _agree(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    return all(one[name] == other[name] for name in (one.keys() & other.keys()) - {_REACH})


# --- blobs -----------------------------------------------------------------------------------------


def check_blobs(evidence: Evidence, texts: Texts) -> Findings:
    """Every text that a link names is there, and is the one that was meant; each is read once."""
    named: dict[str, str] = {}
    for chain, entries in sorted(evidence.chains.items()):
        for link in links_of(entries):
            for what, reference in link.blobs.items():
                named.setdefault(reference, f"{chain}, link {link.sequence}, {what}")
    return together(_blob(reference, where, texts) for reference, where in named.items())


def _blob(reference: str, where: str, texts: Texts) -> Findings:
    try:
        text = texts(reference)
    except TextGone as error:
        return fault(FaultKind.BLOB_CHANGED, where, str(error))
    if text is None:
        return fault(FaultKind.BLOB_MISSING, where, f"the text {reference} is not there")
    return Findings()
