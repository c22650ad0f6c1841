"""How an exemption is revoked: what it covered is drift again, and is looked at now."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from shared.controller.deps import Deps
from shared.controller.exemptions import Given, exemption_id, in_file, memories, of_record, of_scope
from shared.controller.giving_exemptions import end_exemption
from shared.model import Actor, Cause, CauseKind
from shared.model.errors import EntityChanged
from shared.model.happened import exemption_ended, with_deeds
from shared.model.memory import TargetRecord
from shared.model.messages import Message, MessageKind

_RACES: Final = 3


class StandsInTheFile(Exception):
    """The exemption is one of ``policies.yaml``, and ends when the file says so."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} gives this exemption: change or remove it there, and deploy the file")


def revoke(wanted: str, actor: Actor, deps: Deps) -> Given | None:
    """End an exemption of a scope or of a target's memory now and have looked at what it covered; None when
    there is none.

    Raises ``StandsInTheFile``, or ``EntityChanged`` when it changes faster than it can be written.
    """
    for _ in range(_RACES - 1):
        with suppress(EntityChanged):
            return _revoke(wanted, actor, deps)
    return _revoke(wanted, actor, deps)


def _revoke(wanted: str, actor: Actor, deps: Deps) -> Given | None:
    for given in in_file(deps.configuration):
        if given.id == wanted:
            raise StandsInTheFile(given.place)
    of_a_scope = deps.store.exemptions.find(wanted)
    if of_a_scope is not None:
        end_exemption(of_a_scope, actor, deps)
        return of_scope(of_a_scope)
    return _revoke_of_target(wanted, actor, deps)


def _revoke_of_target(wanted: str, actor: Actor, deps: Deps) -> Given | None:
    record = _holder(wanted, deps)
    if record is None:
        return None
    ended = next(e for e in record.exemptions if exemption_id(e, record) == wanted)
    now, standing = deps.clock.now(), tuple(e for e in record.exemptions if e is not ended)
    deed = exemption_ended(ended, now, "revoked", actor)
    deps.store.save(with_deeds(replace(record, exemptions=standing), deed))
    deps.log({"exemption": wanted, "target": str(record.target.id), "revokedBy": actor.name})
    cause = Cause(kind=CauseKind.OPERATOR, time=now, actor=actor)
    deps.store.arm(Message(kind=MessageKind.LOOK, target=record.target, cause=cause), now, 0)
    return of_record(ended, record)


def _holder(wanted: str, deps: Deps) -> TargetRecord | None:
    """The memory that holds the exemption: that of its rollback's target, unless the server has moved."""
    change = deps.store.change(wanted)
    record = deps.store.recall(change.change.target, deps.clock.now()) if change is not None else None
    if record is not None and _holds(record, wanted):
        return record
    return next((record for record in memories(deps) if _holds(record, wanted)), None)


def _holds(record: TargetRecord, wanted: str) -> bool:
    return any(exemption_id(given, record) == wanted for given in record.exemptions)
