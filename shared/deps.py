"""What a run works with; ``wiring`` makes one for each invocation.

The gateway and the service tags live for one run (they keep the list of their calls); everything else is
shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.configuration import Configuration
from shared.interfaces import Clock, Gateway, ServiceTags
from shared.model import Edit, Json
from shared.policy import AnyPolicy
from shared.records import Notification
from shared.resource_id import ResourceId
from shared.settings import Settings
from shared.store import Store
from shared.values import value


@value
class Deps:
    gateway: Gateway
    service_tags: ServiceTags
    store: Store
    clock: Clock
    settings: Settings
    configuration: Configuration
    policies: tuple[AnyPolicy, ...]
    sinks: tuple[str, ...]
    """Names of the configured sinks: a notification is queued once for each."""
    deliver: Callable[[str, Notification], None]
    """Deliver to the sink of this name; raises ``SinkError``."""
    log: Callable[[Mapping[str, Json]], None]
    """Writes the canonical line of a run."""
    new_id: Callable[[], str]
    commands: Callable[[tuple[Edit, ...]], tuple[str, ...]]
    """The commands that perform edits by hand, for this cloud's endpoints."""
    portal_link: Callable[[ResourceId], str]
