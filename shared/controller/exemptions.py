"""The exemptions that there are, wherever they were given.

Those of the targets' memories came with rollbacks, those of scopes a person gave; both can be revoked
(``revoking``). Those of ``policies.yaml`` are changed in the file. Exemptions by a tag stand on the resource
and are no business of this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from shared.alerts.edit_words import edit_words
from shared.config.configuration import Configuration
from shared.config.policies_file import ExemptionSection
from shared.controller.deps import Deps
from shared.model.memory import Exemption, TargetRecord
from shared.model.resource_id import ResourceId
from shared.model.scope_exemptions import ScopeExemption
from shared.model.values import value


class Source(StrEnum):
    FILE = "file"
    ROLLBACK = "rollback"
    OPERATOR = "operator"


@value
class Given:
    """An exemption and where it was given. ``place`` is a line of the file, ``""`` for every other."""

    id: str
    source: Source
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


def exemption_id(given: Exemption, record: TargetRecord) -> str:
    """The id of the rollback that it came with; of one without, a hash of what it says."""
    said = (given.policy, record.target.key, given.reason, given.expires_at.isoformat())
    return given.change_id or digest_of(*said)


def all_given(deps: Deps) -> Iterator[Given]:
    """Every exemption, also one that has ended and is still in the file, or of which nobody was told yet."""
    yield from in_file(deps.configuration)
    yield from (of_scope(one) for one in deps.store.exemptions.all() if one.ended_at is None)
    for record in memories(deps):
        for given in record.exemptions:
            yield of_record(given, record)


def in_file(configuration: Configuration) -> Iterator[Given]:
    """Those of ``policies.yaml``."""
    file = configuration.file
    for i, section in enumerate(file.exemptions):
        yield _of_file(section, file.place(("exemptions", i)))


def memories(deps: Deps) -> Iterator[TargetRecord]:
    """Those that hold an exemption, in the subscriptions that are swept."""
    for subscription in sorted({scope.subscription.lower() for scope in deps.settings.scopes}):
        yield from deps.store.exempt.all(subscription)


def known_within(scope: ResourceId, deps: Deps) -> list[TargetRecord]:
    """What is remembered of every known target in a scope."""
    if not scope.resource_group:
        records = list(deps.store.known_targets(scope.subscription))
    else:
        group = ResourceId(f"/subscriptions/{scope.subscription}/resourceGroups/{scope.resource_group}")
        records = [deps.store.recall(one, deps.clock.now()) for one in deps.store.known_in(group)]
    return [record for record in records if record.etag is not None and record.target.id.within(scope)]


def _of_file(section: ExemptionSection, place: str) -> Given:
    said = (section.policy, section.scope.key, section.reason, section.expires.isoformat())
    return Given(
        id=f"file-{digest_of(*said)}",
        source=Source.FILE,
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
        source=Source.ROLLBACK,
        policy=given.policy,
        scope=record.target.id,
        reason=given.reason,
        approver=given.approver,
        expires_at=given.expires_at,
        rollback=given.change_id,
        covers=tuple(map(edit_words, edits)),
    )


def of_scope(given: ScopeExemption) -> Given:
    return Given(
        id=given.id,
        source=Source.OPERATOR,
        policy=given.exemption.policy,
        scope=given.scope,
        reason=given.exemption.reason,
        approver=given.exemption.approver,
        expires_at=given.exemption.expires_at,
    )


def digest_of(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
