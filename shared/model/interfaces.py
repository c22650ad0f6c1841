"""The protocols between the story and the world: gateway, tables, blobs, queue, sinks, clock.

Adapters implement them over Azure SDKs; in-memory implementations with state serve unit tests and
pass the same contract suite. "Interfaces" and never "ports": that word means TCP here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from shared.model.alert_records import Notification
from shared.model.changes import Edit
from shared.model.errors import Transient
from shared.model.event_grid import EventSubscriptions
from shared.model.kinds import Aspect
from shared.model.operations import ArmCall, LoggedWrite, Operation
from shared.model.resource_id import ResourceId
from shared.model.rules import GroupReading
from shared.model.snapshots import Snapshot
from shared.model.sweeping import Listed, Touched
from shared.model.targets import Actor, Locator, Target
from shared.model.values import IPNetwork, Json, value


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        ...


@value
class Relation:
    """``source`` (an NSG, a virtual network) is something that ``target`` depends on."""

    source: Locator
    target: Target


@value
class Enumerated:
    """One page of an enumeration: targets and how they hang together."""

    targets: tuple[Target, ...]
    relations: tuple[Relation, ...] = ()


class Gateway(Protocol):
    """ARM as the story needs it. Every method may raise a ``GatewayError``."""

    @property
    def calls(self) -> Sequence[ArmCall]:
        """The requests made through this gateway, in order. A gateway lives for one run."""
        ...

    @property
    def troubles(self) -> Sequence[Transient]:
        """What failed in passing, in order: what was read beside it may be whole a little later."""
        ...

    def give_way(self) -> None:
        """What is asked from now on leaves more of ARM's buckets to others: it is nothing that is urgent."""
        ...

    def read(self, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
        """Read a target whole. Raises ``Gone`` when it does not exist, and what its own body is refused with.

        A part that cannot be read is unread on the snapshot, with the reason, and the rest is there.
        """
        ...

    def more(self, snapshot: Snapshot, aspects: frozenset[Aspect]) -> Snapshot:
        """The snapshot with further parts, without reading the target itself again.

        A part that it holds, or that could not be read when it was asked for, is not asked for again. Of a
        subnet it reads the network, the admin rules there and the route table: what else there is only the
        subnet's own body names.
        """
        ...

    def security_group(self, group: ResourceId) -> GroupReading:
        """Read an NSG by its id. Raises ``Gone`` when it does not exist."""
        ...

    def find_targets(self, locator: Locator) -> Enumerated:
        """The targets that a locator names now. Raises ``Gone`` when the resource does not exist."""
        ...

    def enumerate(self, scope: ResourceId) -> Iterator[Enumerated]:
        """Every target in a subscription or resource group, page by page, from Resource Graph.

        Raises ``Permanent`` after all of them where some may be missing.
        """
        ...

    def listed(self, scope: ResourceId) -> Iterator[Listed]:
        """Everything in a subscription or resource group that its provider lists, and that targets are or
        depend on: servers, NSGs, route tables, networks and private endpoints."""
        ...

    def touched(self, scope: ResourceId, since: datetime) -> Iterator[Touched]:
        """What was touched in a subscription or resource group since then, as far as Azure tells: by its
        Activity Log, children and what hangs on resources too, and by the changes of Resource Graph."""
        ...

    def logged_writes(self, subscription: str, since: datetime) -> Iterator[LoggedWrite]:
        """Who wrote what in a subscription since then, by its Activity Log; lines come some minutes late."""
        ...

    def event_subscriptions(self, subscription: str) -> EventSubscriptions:
        """Who has subscribed to the events of a subscription's resources; a refusal is told in it."""
        ...

    def submit(self, edit: Edit, snapshot: Snapshot) -> Operation:
        """Send one edit, guarded by what ``snapshot`` allows (etag), and do not wait for it."""
        ...

    def poll(self, operation: Operation) -> Operation | None:
        """None when the operation has succeeded, the operation (with a new wait) while it runs.

        Raises the classified error when it failed, marked as its end (``is_end``).
        """
        ...

    def dependants(self, target: Target) -> Mapping[str, Json]:
        """Workloads that may rely on a server's public path, as far as the server shows them."""
        ...

    def identity(self) -> Actor:
        """Who we are to ARM: the claims of our own token."""
        ...


@value
class TagReading:
    """What Azure lists for some service tags."""

    prefixes: Mapping[str, tuple[IPNetwork, ...]]
    """By the name as it was asked. A name that Azure does not list, or lists without prefixes, is absent."""
    change_number: str
    """The number of the list, as Azure writes it: grows with every change of any tag."""
    read_at: datetime
    """When the list was read from Azure, in UTC."""
    outdated: str | None = None
    """Why the list could not be read again though it was time; None for a list of today."""


class ServiceTags(Protocol):
    """The prefixes of service tags. Made for one run, as the gateway is; what it read outlives the run."""

    @property
    def calls(self) -> Sequence[ArmCall]:
        """The requests made through it, in order; none where the list was at hand."""
        ...

    def read(self, subscription: str, location: str, names: Collection[str]) -> TagReading:
        """The prefixes of the tags with these names, which compare without case.

        ``location`` is the region of the NSG whose rules name them (``westeurope`` or ``West Europe``).
        ``VirtualNetwork``, ``Internet`` and ``AzureLoadBalancer`` are in nobody's list. Raises a
        ``GatewayError``: ``Denied`` where our identity may not read the tags of the subscription; a
        ``Transient`` one only where no list is left that could still serve.
        """
        ...


# --- state -----------------------------------------------------------------------------------------

Row: TypeAlias = Mapping[str, str | int | bool]
"""Properties of a table entity. Long texts are the caller's to split."""


@value
class Entity:
    partition: str
    row: str
    properties: Row
    etag: str


@value
class Insert:
    """Insert if absent."""

    partition: str
    row: str
    properties: Row


@value
class Replace:
    """Replace if the etag is still the one that was read."""

    partition: str
    row: str
    properties: Row
    etag: str


@value
class Put:
    """Insert, or replace whatever is there: for rows that follow from others."""

    partition: str
    row: str
    properties: Row


TableWrite: TypeAlias = Insert | Replace | Put


class Tables(Protocol):
    """Azure Table Storage's semantics: optimistic concurrency by etag, transactions in a partition."""

    def get(self, table: str, partition: str, row: str) -> Entity | None: ...

    def query(
        self,
        table: str,
        partition: str | None = None,
        row_prefix: str = "",
        properties: Sequence[str] = (),
        *,
        behind: str = "",
        page: int | None = None,
    ) -> Iterator[Entity]:
        """Entities in key order; a None partition means all partitions.

        With ``properties`` only these are read, where an entity has them; without, all. ``behind`` begins
        after a row, whether or not it is there; where all partitions are asked for, after a partition.
        ``page`` is how many are asked for at a time, for a caller that will not want more.
        """
        ...

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        """Apply all writes or none (one partition, at most 100) and return the new etags in order.

        Raises ``EntityExists`` or ``EntityChanged``.
        """
        ...

    def delete(self, table: str, partition: str, row: str, etag: str | None = None) -> None:
        """Delete; absent is success. With an etag raises ``EntityChanged`` when it does not match."""
        ...

    def remove(self, table: str, partition: str, rows: Collection[str]) -> None:
        """Delete rows of one partition; absent is success. What is interrupted has removed some of them."""
        ...


@value
class Written:
    """A blob as it was last written; listed in the order of names."""

    name: str
    at: datetime
    etag: str


class Blobs(Protocol):
    def put(self, container: str, name: str, data: bytes) -> None:
        """Write or overwrite."""
        ...

    def get(self, container: str, name: str) -> bytes | None:
        """None when the blob does not exist; any other failure raises ``StoreError``."""
        ...

    def names(self, container: str, prefix: str = "") -> Iterator[str]: ...
    def written(self, container: str, prefix: str = "") -> Iterator[Written]: ...

    def delete(self, container: str, name: str, etag: str | None = None) -> None:
        """Delete; absent is success. With an etag raises ``EntityChanged`` where it was written since,
        and may do so where it is gone."""
        ...


class Queue(Protocol):
    def send(self, body: str, delay_seconds: float = 0) -> None:
        """Enqueue, invisible for ``delay_seconds`` (whole seconds are rounded up by the service)."""
        ...


class Sink(Protocol):
    @property
    def name(self) -> str: ...

    def deliver(self, notification: Notification) -> None:
        """Deliver or raise ``SinkError``."""
        ...
