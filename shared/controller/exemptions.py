"""The exemptions that there are, wherever they were given, and how one is revoked.

Those of the targets' memories came with rollbacks and can be revoked; those of ``policies.yaml`` are changed
in the file. Exemptions by a tag stand on the resource and are no business of this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.alerts.edit_words import edit_words
from shared.config.configuration import Configuration
from shared.config.policies_file import ExemptionSection
from shared.controller.deps import Deps
from shared.model import Actor, Cause, CauseKind
from shared.model.errors import EntityChanged
from shared.model.happened import exemption_ended, with_deeds
from shared.model.memory import Exemption, TargetRecord
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId
from shared.model.values import value

_RACES: Final = 3


@value
class Given:
    """An exemption and where it was given. ``place`` is a line of the file, ``""`` for one of the memory."""

    id: str
    policy: str
    scope: ResourceId
    reason: str
    approver: str
    expires_at: datetime
    place: str = ""
    rollback: str | None = None
    """The change that it came with."""
    covers: tuple[str, ...] = ()
    """What the rollback undid, in words: nothing else is exempt. None: whatever the policy finds."""


class StandsInTheFile(Exception):
    """The exemption is one of ``policies.yaml``, and ends when the file says so."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} gives this exemption: change or remove it there, and deploy the file")


def exemption_id(given: Exemption, record: TargetRecord) -> str:
    """The id of the rollback that it came with; of one without, a hash of what it says."""
    said = (given.policy, record.target.key, given.reason, given.expires_at.isoformat())
    return given.change_id or _digest(*said)


def all_given(deps: Deps) -> Iterator[Given]:
    """Every exemption, also one that has ended and is still in the file, or of which nobody was told yet."""
    yield from in_file(deps.configuration)
    for record in _memories(deps):
        for given in record.exemptions:
            yield of_record(given, record)


def in_file(configuration: Configuration) -> Iterator[Given]:
    """Those of ``policies.yaml``."""
    file = configuration.file
    for i, section in enumerate(file.exemptions):
        yield _of_file(section, file.place(("exemptions", i)))


def _memories(deps: Deps) -> Iterator[TargetRecord]:
    """Of every target in the subscriptions that are swept."""
    for subscription in sorted({scope.subscription.lower() for scope in deps.settings.scopes}):
        yield from deps.store.known_targets(subscription)


def revoke(wanted: str, actor: Actor, deps: Deps) -> Given | None:
    """End an exemption of a target's memory now and have the target looked at; None when there is none.

    Raises ``StandsInTheFile``, or ``EntityChanged`` when the memory changes faster than it can be written.
    """
    for _ in range(_RACES - 1):
        with suppress(EntityChanged):
            return _revoke(wanted, actor, deps)
    return _revoke(wanted, actor, deps)


def _revoke(wanted: str, actor: Actor, deps: Deps) -> Given | None:
    for given in in_file(deps.configuration):
        if given.id == wanted:
            raise StandsInTheFile(given.place)
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
    return next((record for record in _memories(deps) if _holds(record, wanted)), None)


def _holds(record: TargetRecord, wanted: str) -> bool:
    return any(exemption_id(given, record) == wanted for given in record.exemptions)


def _of_file(section: ExemptionSection, place: str) -> Given:
    said = (section.policy, section.scope.key, section.reason, section.expires.isoformat())
    return Given(
        id=f"file-{_digest(*said)}",
        policy=section.policy,
        scope=section.scope,
        reason=section.reason,
        approver=section.approver,
        expires_at=section.expires,
        place=place,
    )


def of_record(given: Exemption, record: TargetRecord) -> Given:
    edits = given.rolled_back.edits if given.rolled_back is not None else ()
    return Given(
        id=exemption_id(given, record),
        policy=given.policy,
        scope=record.target.id,
        reason=given.reason,
        approver=given.approver,
        expires_at=given.expires_at,
        rollback=given.change_id,
        covers=tuple(map(edit_words, edits)),
    )


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
