"""``ArmGateway``: the ``Gateway`` of the story, over the real ARM or the simulator.

One instance lives for one run and counts that run's calls; the clients behind it are shared. What must
not live here: anything but the joining of the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from shared.adapters.arm.reading import (
    activity_log,
    dependants,
    event_grid,
    graph,
    lists,
    locators,
    network_resources,
    targets,
)
from shared.adapters.arm.reading.blocking_locks import telling_locks
from shared.adapters.arm.session.clients import ArmClients
from shared.adapters.arm.session.pace import SWEEP_RESERVE
from shared.adapters.arm.session.session import Session
from shared.adapters.arm.writing import apply, operations
from shared.model import (
    Actor,
    ArmCall,
    Aspect,
    Edit,
    Json,
    Locator,
    Operation,
    Snapshot,
    Target,
)
from shared.model.errors import Transient
from shared.model.event_grid import EventSubscriptions
from shared.model.interfaces import Clock, Enumerated
from shared.model.operations import LoggedWrite
from shared.model.resource_id import ResourceId
from shared.model.rules import GroupReading
from shared.model.sweeping import Listed, Touched


class ArmGateway:
    """ARM for one run. Every method may raise a ``GatewayError``; see ``shared.model.interfaces.Gateway``."""

    def __init__(self, clients: ArmClients, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._session = Session(clients, clock, sleep)
        self._readings: dict[str, Snapshot] = {}

    @property
    def calls(self) -> Sequence[ArmCall]:
        """The requests made, in order, refused and repeated ones and further pages included."""
        return tuple(self._session.calls)

    @property
    def troubles(self) -> Sequence[Transient]:
        return tuple(self._session.troubles)

    def give_way(self) -> None:
        self._session.reserve = SWEEP_RESERVE

    def read(self, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
        self._session.begin_reading()
        return self._kept(targets.read(self._session, target, aspects))

    def more(self, snapshot: Snapshot, aspects: frozenset[Aspect]) -> Snapshot:
        return self._kept(targets.more(self._session, snapshot, aspects))

    def reading(self, target: Target) -> Snapshot | None:
        """What was read of it last, with the parts that were read since; None where nothing was."""
        return self._readings.get(target.key)

    def _kept(self, snapshot: Snapshot) -> Snapshot:
        self._readings[snapshot.id.key] = snapshot
        return snapshot

    def security_group(self, group: ResourceId) -> GroupReading:
        return network_resources.security_group(self._session, group)

    def find_targets(self, locator: Locator) -> Enumerated:
        return locators.targets_of(self._session, locator)

    def enumerate(self, scope: ResourceId) -> Iterator[Enumerated]:
        return graph.enumerate_scope(self._session, scope)

    def listed(self, scope: ResourceId) -> Iterator[Listed]:
        return lists.listed(self._session, scope)

    def touched(self, scope: ResourceId, since: datetime) -> Iterator[Touched]:
        yield from activity_log.touched_by(self._session, scope.subscription, since)
        yield from graph.touched_by(self._session, scope, since)

    def logged_writes(self, subscription: str, since: datetime) -> Iterator[LoggedWrite]:
        return activity_log.logged_writes(self._session, subscription, since, self._session.clock.now())

    def event_subscriptions(self, subscription: str) -> EventSubscriptions:
        return event_grid.event_subscriptions(self._session, subscription)

    def submit(self, edit: Edit, snapshot: Snapshot) -> Operation:
        with telling_locks(self._session):
            return apply.submit(self._session, edit, snapshot)

    def poll(self, operation: Operation) -> Operation | None:
        with telling_locks(self._session):
            return operations.poll(self._session, operation)

    def dependants(self, target: Target) -> Mapping[str, Json]:
        return dependants.dependants(self._session, target)

    def identity(self) -> Actor:
        return self._session.classified(self._session.clients.identity)
