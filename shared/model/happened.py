"""What is entered into the chains, one builder for each kind of deed: records in, small values out.

The names in a deed are for good: chains are compared by them for as long as they are kept. A new name may be
added; a comparison asks for those that both sides have.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from shared.model import codec
from shared.model.alert_records import AlertRecord, Approval
from shared.model.chain import hash_of
from shared.model.change_records import ChangeRecord
from shared.model.cuts import Cut
from shared.model.deeds import Deed, DeedKind
from shared.model.memory import Exemption, TargetRecord
from shared.model.scope_exemptions import ScopeExemption
from shared.model.targets import Actor
from shared.model.values import Json


def with_deeds(record: TargetRecord, *deeds: Deed) -> TargetRecord:
    """The record with what happened, which is entered into the journal when the record is saved."""
    return replace(record, deeds=(*record.deeds, *deeds))


def change_claimed(change: ChangeRecord, writer: Actor | None = None) -> Deed:
    """``writer`` is who we are to Azure, whose own log names nobody else. The blobs hold what was proved: the
    reading, the change with its inverse, and the proof."""
    return Deed(
        kind=DeedKind.CHANGE_CLAIMED,
        time=change.created_at,
        actor=change.cause.actor,
        what={
            "change": change.id,
            "kind": str(change.kind),
            "policy": change.change.policy,
            "fingerprint": change.fingerprint,
            "reason": str(change.decision.reason),
            "cause": str(change.cause.kind),
            "createdAt": _text(change.created_at),
            "rollbackOf": change.rollback_of,
            "why": change.reason,
            **_writer(writer),
        },
        blobs={
            "before": change.before,
            "change": hash_of(codec.dump(change.change)),
            "proof": hash_of(codec.dump(change.proof)),
        },
    )


def change_ended(change: ChangeRecord, *, healed: bool = False) -> Deed:
    return Deed(
        kind=DeedKind.CHANGE_ENDED,
        time=change.finished_at or change.created_at,
        what={
            "change": change.id,
            "outcome": str(change.outcome),
            "sent": change.next_edit,
            "finishedAt": _text(change.finished_at),
        },
        blobs={"after": change.after} if change.after else {},
        healed=healed,
    )


def change_lapsed(change_id: str, now: datetime) -> Deed:
    """A claim whose worker died before the change stood among the changes: nothing was sent."""
    return Deed(kind=DeedKind.CHANGE_LAPSED, time=now, what={"change": change_id}, healed=True)


def approval_given(alert: AlertRecord, approval: Approval) -> Deed:
    actor = approval.actor or Actor(name=approval.by)
    return Deed(
        kind=DeedKind.APPROVAL_GIVEN,
        time=approval.at,
        actor=actor,
        what={
            "alert": alert.id,
            "policy": alert.policy,
            "by": approval.by,
            "at": _text(approval.at),
            "expiresAt": _text(approval.expires_at),
            "fingerprint": approval.fingerprint,
            "objectId": actor.object_id,
            "notKnown": approval.not_known,
            "planned": _hash(approval.planned),
        },
    )


def exemption_begun(exemption: Exemption, now: datetime, actor: Actor | None = None) -> Deed:
    return Deed(
        kind=DeedKind.EXEMPTION_BEGUN,
        time=now,
        actor=actor or Actor(name=exemption.approver),
        what=exemption_named(exemption),
    )


def exemption_ended(exemption: Exemption, now: datetime, why: str, actor: Actor | None = None) -> Deed:
    """Ended before its time; that its time has come is no deed."""
    return Deed(
        kind=DeedKind.EXEMPTION_ENDED,
        time=now,
        actor=actor or Actor(),
        what={**exemption_named(exemption), "why": why},
    )


def exemption_named(exemption: Exemption) -> dict[str, Json]:
    """What an exemption is known by in the journal."""
    return {
        "policy": exemption.policy,
        "reason": exemption.reason,
        "approver": exemption.approver,
        "expiresAt": _text(exemption.expires_at),
        "change": exemption.change_id,
        "rolledBack": _hash(exemption.rolled_back),
    }


def scope_exemption_begun(given: ScopeExemption) -> Deed:
    """One that a person gave for a scope; the chain of those belongs to no target."""
    return Deed(
        kind=DeedKind.EXEMPTION_BEGUN,
        time=given.given_at,
        actor=given.actor,
        what=scope_exemption_named(given),
    )


def scope_exemption_ended(given: ScopeExemption, now: datetime, why: str, actor: Actor) -> Deed:
    """Ended before its time, as one of a target is."""
    what = {**scope_exemption_named(given), "why": why}
    return Deed(kind=DeedKind.EXEMPTION_ENDED, time=now, actor=actor, what=what)


def scope_exemption_named(given: ScopeExemption) -> dict[str, Json]:
    """What it is known by in the journal: as any, with its id and where it holds."""
    return {**exemption_named(given.exemption), "id": given.id, "scope": str(given.scope)}


def switch_seen(name: str, now: datetime, *, on: bool, note: str | None = None) -> Deed:
    """A switch that was first seen on, or off again; ``note`` refers to what stood in it."""
    kind = DeedKind.SWITCH_ON if on else DeedKind.SWITCH_OFF
    return Deed(kind=kind, time=now, what={"switch": name}, blobs={"note": note} if note else {})


def journal_begun(now: datetime, inherited: str, count: int) -> Deed:
    """The chains begin; ``inherited`` refers to the deeds recorded before, which no link vouches for."""
    return Deed(
        kind=DeedKind.JOURNAL_BEGUN, time=now, what={"inherited": count}, blobs={"inherited": inherited}
    )


def chain_cut(cut: Cut, now: datetime, *, count: int, kept_days: int, anchor: str) -> Deed:
    """``count`` links go, as ``kept_days`` has it; ``anchor`` is the hash of the one that saw them all."""
    return Deed(
        kind=DeedKind.CHAIN_CUT,
        time=now,
        what={
            "sequence": cut.sequence,
            "hash": cut.hash,
            "count": count,
            "until": _text(cut.until),
            "keptDays": kept_days,
            "anchor": anchor,
        },
    )


def _writer(writer: Actor | None) -> dict[str, Json]:
    if writer is None:
        return {}
    return {"writerObjectId": writer.object_id, "writerAppId": writer.app_id}


def _hash(value: object | None) -> str | None:
    """How far an approval or an exemption reaches is too long for a link: its hash says which it was."""
    return None if value is None else hash_of(codec.dump(value))


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")
