"""What a run works with; ``wiring`` makes one for each invocation.

The gateway and the service tags live for one run (they keep the list of their calls); everything else is
shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.config.configuration import Configuration
from shared.config.settings import Settings
from shared.model import Edit, Json, Target
from shared.model.alert_records import Notification
from shared.model.interfaces import Clock, Gateway, ServiceTags
from shared.model.measures import Measure
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.policy import AnyPolicy
from shared.state.store import Store


@value
class Reading:
    """The reading that a look begins with, among those of its target; see ``overtaking``."""

    target: Target
    number: int
    """How many had been counted when it began, with it if it is."""
    is_counted: bool = False


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
    page_link: Callable[[str], str] = lambda _: ""
    """The address of an alert's page, by the alert's id; ``""`` where the app does not know its own."""
    judged_by: Callable[[], str] = lambda: ""
    """A digest of what judges, the code and ``policies.yaml``: where it is another one, every target is
    looked at.
    """
    site: str = ""
    """The app's name, as the platform gives it; ``""`` where it gives none."""
    events_by_queue: bool = False
    """Whether events come by the queue as well."""
    measure: Callable[[Measure], None] | None = None
    """Takes a figure for whoever watches the app over time; None where nobody does: then none is made."""
    reading: Reading | None = None
    """None: nobody asks whether another has begun since."""
