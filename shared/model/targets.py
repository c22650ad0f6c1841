"""Where we look, and why: targets, what they are found from, and the cause of a look."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from shared.model.kinds import CauseKind, LocatorKind, TargetKind
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Target:
    """What is re-read as a whole: a server or a subnet."""

    kind: TargetKind
    id: ResourceId

    @property
    def key(self) -> str:
        return self.id.key


@value
class Locator:
    """A resource from which targets are found by a read or by the relation index."""

    kind: LocatorKind
    id: ResourceId

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id.key}"


@value
class Actor:
    """Who made a write, as the event's claims say; every part may be absent."""

    app_id: str | None = None
    object_id: str | None = None
    name: str | None = None

    @property
    def is_program(self) -> bool:
        """Whether a program signed in as itself, as a pipeline does: of a user the claims have a name too, of
        a service principal the Activity Log has its object id in its place."""
        return bool(self.app_id) and self.name in (None, self.object_id)


@value
class Cause:
    """Why we look: the newest event of a coalesced group, the sweep, or an operator."""

    kind: CauseKind
    time: datetime
    actor: Actor = field(default_factory=Actor)
    correlation_id: str | None = None
    operation_name: str | None = None
    event_id: str | None = None
    count: int = 1
    """How many events were coalesced into this cause."""
    earlier: tuple[Cause, ...] = ()
    """The newest cause of each other actor among them: who of them is foreign is known only later."""
