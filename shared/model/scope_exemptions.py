"""An exemption that a person gave for a scope while the app runs, as it is kept."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from typing import Final

from shared.model.memory import Exemption
from shared.model.resource_id import ResourceId
from shared.model.targets import Actor
from shared.model.values import value

LONGEST_EXEMPTION: Final = timedelta(days=90)
"""How long a person may exempt while the app runs, and a rollback what it puts back."""


@value
class ScopeExemption:
    """What is exempt where, who gave it and when. ``etag`` is the store's."""

    id: str
    scope: ResourceId
    """A subscription, a resource group or a resource, with all below it."""
    exemption: Exemption
    given_at: datetime
    actor: Actor = field(default_factory=Actor)
    """Who gave it, by id where the platform knows it."""
    ended_at: datetime | None = None
    """When somebody ended it before its time; the sweep removes it then."""
    etag: str | None = None

    def stands(self, now: datetime) -> bool:
        return self.ended_at is None and self.exemption.expires_at > now

    def covers(self, policy: str, resource: ResourceId) -> bool:
        """Whether a policy's findings on a resource are meant, as long as it stands."""
        return self.exemption.policy == policy and resource.within(self.scope)
