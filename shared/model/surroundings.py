"""What surrounds the app in Azure, as the doctor sees it: the cloud that answers, and what our identity
may do."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from typing import Protocol

from shared.model.event_grid import EventSubscription
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class ArmAnswer:
    """What Azure Resource Manager says of itself, to anybody."""

    time: datetime | None
    """By its own clock (the header ``Date``)."""
    storage_suffix: str
    """Of the cloud that it belongs to; ``""`` where it does not say."""


@value
class Permission:
    """One grant, as ``Microsoft.Authorization/permissions`` lists them; with wildcards."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        def named(patterns: tuple[str, ...]) -> bool:
            return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)

        return named(self.actions) and not named(self.not_actions)


class Surroundings(Protocol):
    """Every method may raise a ``GatewayError``."""

    def arm(self) -> ArmAnswer: ...

    def permissions(self, scope: ResourceId) -> tuple[Permission, ...]:
        """What our identity may do there."""
        ...

    def excluded_paths(self, app: ResourceId) -> tuple[str, ...] | None:
        """The paths that the app's authentication leaves out; None where it is off."""
        ...

    def last_delivery(
        self, subscription: EventSubscription, since: datetime, until: datetime
    ) -> datetime | None:
        """The minute in which Event Grid last delivered an event of a subscription on a system topic; None
        where it delivered none in that time."""
        ...
