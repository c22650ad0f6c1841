"""The proof of a change: applied in memory, it must remove the finding and harm nothing else.

Claims, each a step of the proof: the edits fit the snapshot and the inverse restores it; the finding
disappears; no other enabled policy gets a new finding of equal or higher severity (lesser ones are
named); traffic changes only as the policy's kind permits (laws 3 and 4 of the design). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Final

from shared.model import (
    Change,
    ComplianceState,
    Edit,
    Finding,
    Kind,
    Proof,
    ProofStep,
    SecurityGroup,
    ServerSnapshot,
    Snapshot,
    SubnetSnapshot,
    TrafficBox,
)
from shared.model.edits import EditDoesNotFit, apply_edits, apply_to, normalised
from shared.nsg import Changed, Difference, NsgError, Outcome, changed, outside, tolerated
from shared.posture.policy import AnyPolicy, applies_to
from shared.posture.subnet_questions import virtual_network
from shared.posture.traffic import (
    PUBLIC_ADDRESSES,
    ServerTraffic,
    SubnetTraffic,
    describe_box,
    server_traffic,
)
from shared.posture.ways.last_way import stays_public

_FITS: Final = "the change fits the reading"


def prove(
    change: Change,
    snapshot: Snapshot,
    policy: AnyPolicy,
    enabled: Iterable[AnyPolicy],
    former: ServerSnapshot | None = None,
) -> Proof:
    """Prove ``change``, planned by ``policy`` on ``snapshot``, against every enabled policy.

    ``former`` is the reading whose rules a change puts back that must keep a way in; whom it let in may come
    in again by such a change, and by no other.
    """
    try:
        after = apply_to(snapshot, change)
        restored = apply_edits(after, change.inverse)
    except EditDoesNotFit as misfit:
        return Proof(steps=(ProofStep(claim=_FITS, holds=False, detail=str(misfit)),))
    return Proof(
        steps=(
            _inverse_restores(snapshot, restored),
            _finding_disappears(policy, snapshot, after),
            _nothing_gets_worse(policy, enabled, snapshot, after),
            _way_in_stays(change, policy, snapshot, former)
            if change.keeps_way_in
            else _traffic_changes_as_permitted(change, policy, snapshot, after),
        )
    )


def prove_harmless(
    change: Change, snapshot: Snapshot, policy: AnyPolicy, enabled: Iterable[AnyPolicy]
) -> Proof:
    """All of the proof but that the finding disappears."""
    try:
        after = apply_to(snapshot, change)
        restored = apply_edits(after, change.inverse)
    except EditDoesNotFit as misfit:
        return Proof(steps=(ProofStep(claim=_FITS, holds=False, detail=str(misfit)),))
    return Proof(
        steps=(
            _inverse_restores(snapshot, restored),
            _nothing_gets_worse(policy, enabled, snapshot, after),
            _traffic_changes_as_permitted(change, policy, snapshot, after),
        )
    )


def _inverse_restores(before: Snapshot, restored: Snapshot) -> ProofStep:
    old, new = normalised(before), normalised(restored)
    differing = [field.name for field in fields(old) if getattr(old, field.name) != getattr(new, field.name)]
    return ProofStep(
        claim="the inverse restores the reading",
        holds=not differing,
        detail=f"the inverse leaves another {', '.join(differing)}" if differing else "",
    )


def _finding_disappears(policy: AnyPolicy, before: Snapshot, after: Snapshot) -> ProofStep:
    """What was odd before may stay so: the change does not touch it."""
    finding = policy.evaluate(after)
    odd_before = set(policy.evaluate(before).undecided)
    but = " but for what is odd" if finding.undecided else ""
    return ProofStep(
        claim=f"{policy.id} is compliant afterwards{but}",
        holds=finding.nothing_surely_wrong and odd_before.issuperset(finding.undecided),
        detail=f"afterwards: {finding.reason}",
    )


def _nothing_gets_worse(
    policy: AnyPolicy, enabled: Iterable[AnyPolicy], before: Snapshot, after: Snapshot
) -> ProofStep:
    others = [other for other in enabled if other.id != policy.id and applies_to(other, after)]
    fresh = [
        finding
        for other in others
        if (finding := other.evaluate(after)).state is not ComplianceState.COMPLIANT
        and is_new(finding, other.evaluate(before))
    ]
    grave = [finding for finding in fresh if finding.severity.rank >= policy.severity.rank]
    named = grave or fresh
    return ProofStep(
        claim="no other policy gets a new finding of equal or higher severity",
        holds=not grave,
        detail="; ".join(f"{finding.policy} ({finding.severity}): {finding.reason}" for finding in named),
    )


def is_new(after: Finding, before: Finding) -> bool:
    """A drift of which a part is gone is no new one, unless the rest is graver than the whole was.

    ``; `` stands between the parts of a fingerprint.
    """
    parts, known = (set(found.fingerprint.split("; ")) for found in (after, before))
    graver = after.severity.rank > before.severity.rank
    return after.state is not before.state or graver or not parts <= known


def _traffic_changes_as_permitted(
    change: Change, policy: AnyPolicy, before: Snapshot, after: Snapshot
) -> ProofStep:
    match before, after:
        case ServerSnapshot(), ServerSnapshot():
            return _server_step(policy, before, after)
        case SubnetSnapshot(), SubnetSnapshot():
            return _subnet_step(change, policy, before, after)
        case _:
            return ProofStep(claim="the target keeps its kind", holds=False)


def _server_step(policy: AnyPolicy, before: ServerSnapshot, after: ServerSnapshot) -> ProofStep:
    old, new = server_traffic(before), server_traffic(after)
    gains, losses = new.minus(old), old.minus(new)
    detail = f"loses access: {_describe(losses)}"
    if not gains.nobody:
        detail = f"gains access: {_describe(gains)}; {detail}"
    if policy.kind is Kind.SETTING:
        others = settings_changed(before, after) - policy.settings
        return ProofStep(
            claim="nobody gains or loses access, and only the declared settings change",
            holds=gains.nobody and losses.nobody and not others,
            detail=f"{detail}; also changes: {', '.join(sorted(others))}" if others else detail,
        )
    permitted = policy.forbidden(before)
    return ProofStep(
        claim="nobody gains access, and only what the policy forbids loses it",
        holds=isinstance(permitted, ServerTraffic) and gains.nobody and losses.within(permitted),
        detail=detail,
    )


def _way_in_stays(
    change: Change, policy: AnyPolicy, before: Snapshot, former: ServerSnapshot | None
) -> ProofStep:
    """Asked of every state on the way, for nobody knows how long the next edit takes."""
    claim = (
        "after each edit somebody surely comes in publicly, nobody does who did neither before nor at the "
        "earlier reading, and only what the policy forbids loses access"
    )
    if not isinstance(before, ServerSnapshot):
        return ProofStep(claim=claim, holds=False, detail="a server was expected")
    readmitted = server_traffic(former) if former is not None else ServerTraffic()
    wrong = [
        why
        for sent in range(1, len(change.edits) + 1)
        if (why := _wrong_on_the_way(before, change.edits[:sent], policy, readmitted))
    ]
    return ProofStep(claim=claim, holds=not wrong, detail="; ".join(dict.fromkeys(wrong)))


def _wrong_on_the_way(
    before: ServerSnapshot, sent: Sequence[Edit], policy: AnyPolicy, readmitted: ServerTraffic
) -> str:
    """What is wrong after the edits ``sent``; ``""`` where nothing is. From an address that is not public
    nobody comes in."""
    after = apply_edits(before, sent)
    if not isinstance(after, ServerSnapshot) or not stays_public(after):
        return "nobody would surely come in publicly"
    old, new = server_traffic(before), server_traffic(after)
    gains, losses, permitted = new.minus(old).minus(readmitted), old.minus(new), policy.forbidden(before)
    if not gains.nobody:
        return f"gains access: {_describe(gains)}"
    losses = replace(losses, sources=losses.sources.common(PUBLIC_ADDRESSES))
    lost = isinstance(permitted, ServerTraffic) and losses.within(permitted)
    return "" if lost else f"loses access: {_describe(losses)}"


def settings_changed(before: ServerSnapshot, after: ServerSnapshot) -> frozenset[str]:
    """Names of the parameters that differ, and of every other field of the reading that does."""
    old, new = ({p.name.lower(): p for p in s.parameters or ()} for s in (before, after))
    parameters = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    rest = (field.name for field in fields(before) if field.name != "parameters")
    return frozenset(parameters | {name for name in rest if getattr(before, name) != getattr(after, name)})


def _describe(traffic: ServerTraffic) -> str:
    return ", ".join(traffic.describe()) or "nobody"


_PACKETS: Final[Mapping[Kind, str]] = {
    Kind.CONNECTIVITY: "only packets inside the declared box change, and none of them passes less surely",
    Kind.TIGHTENING: "no packet is newly allowed, and only what the policy forbids is newly denied",
    Kind.SETTING: "no packet is treated otherwise than before",
}
"""What is claimed of a subnet's packets, by the kind of the policy."""


def _subnet_step(
    change: Change, policy: AnyPolicy, before: SubnetSnapshot, after: SubnetSnapshot
) -> ProofStep:
    """Packet by packet over everything that the edited rules can match, all protocols."""
    claim = _PACKETS[policy.kind]
    try:
        groups = _comparable(before.security_group, after.security_group)
        found = changed(*groups, virtual_network(before))
    except NsgError as error:
        return ProofStep(claim=claim, holds=False, detail=str(error))
    harmed = tuple(dict.fromkeys(_harmed(found, change, policy, before)))
    detail = f"harmed: {_traffic(harmed)}" if harmed else _told(found)
    return ProofStep(claim=claim, holds=not harmed, detail=detail)


def _comparable(
    before: SecurityGroup | None, after: SecurityGroup | None
) -> tuple[SecurityGroup | None, SecurityGroup | None]:
    """Rules that could not be read before may stay so; a change that makes one is not told apart any more."""
    old, new = tolerated(before), tolerated(after)
    odd_before = old.odd_rules if old else ()
    stays = new is None or set(new.odd_rules) <= set(odd_before)
    return (old, new) if stays else (before, after)


def _harmed(
    found: Difference, change: Change, policy: AnyPolicy, before: SubnetSnapshot
) -> Iterator[TrafficBox]:
    """The packets that a change of this kind may not touch, or not in this way."""
    match policy.kind:
        case Kind.CONNECTIVITY:
            yield from (part.traffic for part in found.parts if not _is_gain(part))
            yield from outside([part.traffic for part in found.parts if _is_gain(part)], change.box)
        case Kind.TIGHTENING:
            yield from (part.traffic for part in found.parts if _is_gain(part))
            losses = [part.traffic for part in found.parts if not _is_gain(part)]
            forbidden = policy.forbidden(before)
            yield from outside(losses, forbidden.boxes if isinstance(forbidden, SubnetTraffic) else ())
            yield from outside(losses, change.box) if change.box else ()
        case Kind.SETTING:
            yield from (part.traffic for part in found.parts)


def _is_gain(part: Changed) -> bool:
    """Whether the packets pass now, or may pass, where before they did not, or might not."""
    return part.before is Outcome.DENIED or part.after is Outcome.ALLOWED


def _told(found: Difference) -> str:
    named = (found.newly_allowed, found.newly_denied, found.newly_open)
    labels = ("newly allowed", "newly denied", "newly open")
    told = [f"{label}: {_traffic(boxes)}" for label, boxes in zip(labels, named, strict=True) if boxes]
    return "; ".join(told) or "nothing changes"


def _traffic(boxes: Sequence[TrafficBox]) -> str:
    return "; ".join(map(describe_box, boxes))
