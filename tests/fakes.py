"""Fakes with state: an Azure in memory behind the ``Gateway`` protocol, and a world around it.

``FakeGateway`` applies edits with the same pure ``apply_edit`` as the proof does, can be slow (an
operation that takes polls), refuse, or ignore writes. ``World`` wires it to the in-memory store and
delivers queue messages when the clock reaches them, as the platform would.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from ipaddress import ip_network
from itertools import count
from typing import Any

from shared.alerts.commands import fix_commands
from shared.alerts.lifecycle import APPROVAL_LASTS, approve
from shared.alerts.page_link import page_link
from shared.alerts.portal import portal_link
from shared.config.configuration import Configuration
from shared.config.file_reading import parse_policies_file
from shared.config.settings import Settings
from shared.controller.deps import Deps
from shared.controller.dispatch import dispatch
from shared.model import (
    Actor,
    ArmCall,
    Aspect,
    Cause,
    CauseKind,
    Edit,
    EnforcementMode,
    Json,
    Locator,
    LocatorKind,
    Operation,
    ServerSnapshot,
    Snapshot,
    SubnetSnapshot,
    Target,
    codec,
)
from shared.model.alert_records import AlertRecord, AlertStatus, Notification
from shared.model.edits import EditDoesNotFit, apply_edit
from shared.model.errors import Denied, GatewayError, Gone, SinkError, StoreError, Transient
from shared.model.event_grid import EventSubscriptions
from shared.model.happened import approval_given
from shared.model.interfaces import Enumerated, Relation, TagReading
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.operations import LoggedWrite
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.model.rules import GroupReading
from shared.model.snapshots import SERVER_PARTS, SUBNET_PARTS, parts_tried
from shared.model.sweeping import Listed, Touched
from shared.policies import discover
from shared.state.blob_archive import reference
from shared.state.store import Store
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables, QueuedMessage

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
US = Actor(app_id="driftward-app", object_id="driftward-object", name="driftward")
SOMEBODY = Actor(app_id="portal", object_id="jane-object", name="Jane Doe")


@dataclass
class Azure:
    """What is really there. Shared by all gateways of a world."""

    clock: FakeClock
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    refusals: list[Exception] = field(default_factory=list)
    """Raised by the next writes and polls, in order; what is no ``GatewayError`` kills the worker."""
    read_errors: list[GatewayError] = field(default_factory=list)
    failing: dict[Aspect, GatewayError] = field(default_factory=dict)
    """Parts that cannot be read, while they stand here."""
    closed_scopes: set[ResourceId] = field(default_factory=set)
    """What we may not list."""
    find_nothing: bool = False
    """Whether what a locator names is there and has no target."""
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    """What others do during the next readings, in order."""
    service_tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Prefixes by the name of the tag."""
    tags_changed: int = 1
    tag_errors: list[GatewayError] = field(default_factory=list)
    ignores_writes: bool = False
    polls_until_done: int = 0
    touched: list[Touched] = field(default_factory=list)
    """What Azure's own records tell of."""
    logged: list[LoggedWrite] = field(default_factory=list)
    """The lines of the Activity Log."""
    log_errors: list[GatewayError] = field(default_factory=list)
    event_subscriptions: EventSubscriptions = field(default_factory=EventSubscriptions)
    running: dict[str, tuple[int, Edit]] = field(default_factory=dict)
    writes: list[Edit] = field(default_factory=list)
    reads: int = 0
    polls: int = 0

    def put(self, snapshot: Snapshot) -> Target:
        self.snapshots[snapshot.id.key] = snapshot
        return snapshot.target

    def apply(self, edit: Edit) -> None:
        for key, snapshot in list(self.snapshots.items()):
            if not self.ignores_writes and _concerns(edit, snapshot):
                with suppress(EditDoesNotFit):  # deleting what is gone already is a success
                    self.snapshots[key] = apply_edit(snapshot, edit)


def _concerns(edit: Edit, snapshot: Snapshot) -> bool:
    if isinstance(snapshot, ServerSnapshot):
        return getattr(edit, "server", None) == snapshot.id
    group = snapshot.security_group
    return group is not None and getattr(edit, "nsg", None) == group.id


class FakeGateway:
    """One run's view of ``Azure``."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.calls: list[ArmCall] = []
        self.troubles: list[Transient] = []

    def give_way(self) -> None:
        """There are no buckets here."""

    def read(self, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
        self._azure.reads += 1
        self._call("GET", str(target.id))
        if self._azure.read_errors:
            raise self._azure.read_errors.pop(0)
        snapshot = self._azure.snapshots.get(target.key)
        if self._azure.meanwhile:
            self._azure.meanwhile.pop(0)()
        if snapshot is None:
            raise Gone("not found", code="ResourceNotFound", status=404)
        read = _asked_for(replace(snapshot, read_at=self._azure.clock.now()), aspects)
        return self._without_failing(read, aspects)

    def _without_failing(self, snapshot: Snapshot, aspects: Iterable[Aspect]) -> Snapshot:
        """Without the parts that Azure fails to give, each with the reason."""
        named = {**SERVER_PARTS, **SUBNET_PARTS, Aspect.SECURITY_GROUP: "security_group"}
        for aspect in self._azure.failing.keys() & set(aspects):
            error = self._azure.failing[aspect]
            self.troubles += [error] if isinstance(error, Transient) else []
            part: dict[str, Any] = {named[aspect]: None}
            snapshot = replace(snapshot, **part, unread={**snapshot.unread, aspect: str(error)})
        return snapshot

    def more(self, snapshot: Snapshot, aspects: frozenset[Aspect]) -> Snapshot:
        there = SERVER_PARTS if isinstance(snapshot, ServerSnapshot) else SUBNET_PARTS
        wanted = (aspects & there.keys()) - parts_tried(snapshot)
        for aspect in sorted(wanted):
            self._call("GET", f"{snapshot.id}/{aspect}")
        if wanted and self._azure.read_errors:
            raise self._azure.read_errors.pop(0)
        return _filled(snapshot, self._azure.snapshots.get(snapshot.target.key), wanted)

    def security_group(self, group: ResourceId) -> GroupReading:
        self._azure.reads += 1
        self._call("GET", str(group))
        if self._azure.read_errors:
            raise self._azure.read_errors.pop(0)
        for subnet in self._azure.snapshots.values():
            held = subnet.security_group if isinstance(subnet, SubnetSnapshot) else None
            if held is not None and held.id == group:
                return GroupReading(group=held, location=subnet.location)
        raise Gone("not found", code="ResourceNotFound", status=404)

    def find_targets(self, locator: Locator) -> Enumerated:
        self._call("GET", str(locator.id))
        if self._azure.find_nothing:
            return Enumerated(targets=())
        found = tuple(t for t, related in self._related() if locator in related)
        if not found:
            raise Gone("not found", code="ResourceNotFound", status=404)
        return Enumerated(targets=found, relations=tuple(Relation(source=locator, target=t) for t in found))

    def enumerate(self, scope: ResourceId) -> Iterator[Enumerated]:
        self._call("POST", "/providers/Microsoft.ResourceGraph/resources")
        if scope in self._azure.closed_scopes:
            raise Denied("no role", code="AuthorizationFailed", status=403)
        for target, related in self._related():
            if target.id.within(scope):
                relations = tuple(Relation(source=locator, target=target) for locator in related)
                yield Enumerated(targets=(target,), relations=relations)

    def listed(self, scope: ResourceId) -> Iterator[Listed]:
        self._call("GET", f"{scope}/providers/Microsoft.DBforPostgreSQL/flexibleServers")
        if scope in self._azure.closed_scopes:
            raise Denied("no role", code="AuthorizationFailed", status=403)
        for snapshot in self._azure.snapshots.values():
            if snapshot.id.within(scope):
                timeless = replace(snapshot, read_at=START)
                yield Listed(what=snapshot.target, digest=reference(codec.dump(timeless)))

    def touched(self, scope: ResourceId, since: datetime) -> Iterator[Touched]:
        self._call("GET", f"{scope}/providers/Microsoft.Insights/eventtypes/management/values")
        yield from self._azure.touched

    def logged_writes(self, subscription: str, since: datetime) -> Iterator[LoggedWrite]:
        self._call(
            "GET", f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
        )
        if self._azure.log_errors:
            raise self._azure.log_errors.pop(0)
        yield from (write for write in self._azure.logged if write.time >= since)

    def event_subscriptions(self, subscription: str) -> EventSubscriptions:
        self._call("GET", f"/subscriptions/{subscription}/providers/Microsoft.EventGrid/systemTopics")
        return self._azure.event_subscriptions

    def _related(self) -> list[tuple[Target, list[Locator]]]:
        return [(s.target, _locators(s)) for s in self._azure.snapshots.values()]

    def submit(self, edit: Edit, snapshot: Snapshot) -> Operation:
        self._call("WRITE", edit.kind)
        if self._azure.refusals:
            raise self._azure.refusals.pop(0)
        self._azure.writes.append(edit)
        if not self._azure.polls_until_done:
            self._azure.apply(edit)
            return Operation(url=None, style="none")
        url = f"operation-{len(self._azure.writes)}"
        self._azure.running[url] = (self._azure.polls_until_done, edit)
        return Operation(url=url, style="asyncOperation", retry_after_seconds=2)

    def poll(self, operation: Operation) -> Operation | None:
        self._azure.polls += 1
        assert operation.url is not None
        left, edit = self._azure.running[operation.url]
        if self._azure.refusals:
            raise self._azure.refusals.pop(0)
        self._azure.running[operation.url] = (left - 1, edit)
        if left == 1:
            self._azure.apply(edit)
        return operation if left > 1 else None

    def dependants(self, target: Target) -> Mapping[str, Json]:
        return {"logicalReplication": True, "fabricMirroring": None, "runningMigrations": []}

    def identity(self) -> Actor:
        return US

    def _call(self, method: str, path: str) -> None:
        self.calls.append(ArmCall(method=method, path=path, status=200))


class FakeServiceTags:
    """One run's view of the tags that ``Azure`` lists, read anew each time."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.calls: list[ArmCall] = []

    def read(self, subscription: str, location: str, names: Collection[str]) -> TagReading:
        path = f"/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/serviceTags"
        self.calls.append(ArmCall(method="GET", path=path, status=200))
        if self._azure.tag_errors:
            raise self._azure.tag_errors.pop(0)
        listed = {name.lower(): prefixes for name, prefixes in self._azure.service_tags.items()}
        return TagReading(
            prefixes={
                name: tuple(ip_network(prefix) for prefix in listed[name.lower()])
                for name in names
                if listed.get(name.lower())
            },
            change_number=str(self._azure.tags_changed),
            read_at=self._azure.clock.now(),
        )


_APART = frozenset({Aspect.PRIVATE_DNS, Aspect.PLACES})
"""Parts of a server that a reading leaves out where nobody asks for them; all others are always there."""


def _asked_for(snapshot: Snapshot, aspects: frozenset[Aspect]) -> Snapshot:
    if isinstance(snapshot, SubnetSnapshot):
        return snapshot
    left_out = _APART - aspects
    nothing: dict[str, Any] = dict.fromkeys(SERVER_PARTS[aspect] for aspect in left_out)
    unread = {aspect: why for aspect, why in snapshot.unread.items() if aspect not in left_out}
    return replace(snapshot, **nothing, unread=unread)


def _filled(snapshot: Snapshot, there: Snapshot | None, wanted: Iterable[Aspect]) -> Snapshot:
    """With the parts as they are there now; of what is gone that is told."""
    fields = {aspect: {**SERVER_PARTS, **SUBNET_PARTS}[aspect] for aspect in wanted}
    held: dict[str, Any] = {name: getattr(there, name, None) for name in fields.values()}
    said = dict.fromkeys(wanted, "not found") if there is None else there.unread
    told = {aspect: why for aspect, why in said.items() if aspect in fields}
    return replace(snapshot, **held, unread={**snapshot.unread, **told})


def _locators(snapshot: Snapshot) -> list[Locator]:
    if isinstance(snapshot, SubnetSnapshot) and snapshot.security_group is not None:
        return [Locator(kind=LocatorKind.NSG, id=snapshot.security_group.id)]
    return []


@dataclass
class LossyQueue:
    """A queue that does not take one message of one kind: that after the next ``taken``."""

    queue: MemoryQueue
    kind: MessageKind
    taken: int = 0

    def send(self, body: str, delay_seconds: float = 0) -> None:
        if codec.load(Message, body).kind is self.kind:
            self.taken -= 1
            if self.taken == -1:
                raise StoreError("the queue is down")
        self.queue.send(body, delay_seconds)


@cache
def _configuration(policies_file: str, settle_seconds: float) -> Configuration:
    """Read once for all messages: the app reads its file once as well."""
    file = parse_policies_file(policies_file, discover(), name="policies.yaml")
    return Configuration(file, settle_seconds=settle_seconds)


def only(*policies: str) -> str:
    """A file that reverts what these policies find, and has all others off."""
    said = ((one.id, "revert" if one.id in policies else "off") for one in discover())
    return "version: 1\npolicies:\n" + "".join(f"  {name}: {{effect: {effect}}}\n" for name, effect in said)


@dataclass
class World:
    """An app over memory: settings, store, queue, clock, and an Azure that tests write to."""

    mode: EnforcementMode = EnforcementMode.ENFORCE
    policies_file: str = "version: 1\n"
    sinks: tuple[str, ...] = ("sink",)
    settle_seconds: float = 0.0
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    delivered: list[Notification] = field(default_factory=list)
    lines: list[Mapping[str, Json]] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    """Sink and id of what was delivered, in order."""
    sink_errors: list[Exception] = field(default_factory=list)
    sinks_down: set[str] = field(default_factory=set)
    deliver_to: Callable[[Notification], None] | None = None
    """Where every sink hands on what it takes; a ``SinkError`` of it is the sink's own."""
    scopes: tuple[ResourceId, ...] = (ResourceId(f"/subscriptions/{SUBSCRIPTION}"),)
    operator_keys: bool = True
    """As ``make up`` and ``make demo`` have it; the default of the setting is tested by name."""
    authentication: bool = False
    host: str = ""
    """The app's own, as the platform says it."""

    def __post_init__(self) -> None:
        self.azure = Azure(clock=self.clock)
        self.queue = MemoryQueue(self.clock)
        self.blobs = MemoryBlobs(self.clock)
        self.tables = MemoryTables()
        self.store = Store(self.tables, self.blobs, self.queue)
        self._ids = count(1)

    def deps(self) -> Deps:
        settings = Settings(
            mode=self.mode,
            settle_seconds=self.settle_seconds,
            scopes=self.scopes,
            operator_keys=self.operator_keys,
            authentication=self.authentication,
        )
        return Deps(
            gateway=FakeGateway(self.azure),
            service_tags=FakeServiceTags(self.azure),
            store=self.store,
            clock=self.clock,
            settings=settings,
            configuration=_configuration(self.policies_file, self.settle_seconds),
            policies=discover(),
            sinks=self.sinks,
            deliver=self._deliver,
            log=self.lines.append,
            new_id=lambda: f"id{next(self._ids)}",
            commands=fix_commands,
            portal_link=partial(portal_link, cloud="public"),
            page_link=partial(page_link, host=self.host, signs_in=self.authentication),
        )

    def _deliver(self, sink: str, notification: Notification) -> None:
        if self.sink_errors:
            raise self.sink_errors.pop(0)
        if sink in self.sinks_down:
            raise SinkError(f"{sink} is down")
        if self.deliver_to is not None:
            self.deliver_to(notification)
        self.delivered.append(notification)
        self.heard.append((sink, notification.id))

    def event(self, target: Target, actor: Actor = SOMEBODY, **cause: str) -> None:
        """An event of a write to the target arrives, and the settled, coalesced look is queued."""
        now = self.clock.now()
        why = Cause(
            kind=CauseKind.EVENT,
            time=now,
            actor=actor,
            correlation_id=cause.get("correlation_id", "correlation"),
            operation_name=cause.get("operation_name", "Microsoft.DBforPostgreSQL/flexibleServers/write"),
            event_id=cause.get("event_id", f"event-{next(self._ids)}"),
        )
        self.store.arm(Message(kind=MessageKind.LOOK, target=target, cause=why), now, 0)

    def look(self, target: Target, **options: object) -> None:
        """An operator's look, through the queue."""
        cause = Cause(kind=CauseKind.OPERATOR, time=self.clock.now())
        chosen = replace(RunOptions(), **options) if options else RunOptions()  # type: ignore[arg-type]
        self.store.send(Message(kind=MessageKind.RECHECK, target=target, cause=cause, options=chosen))

    def lose_messages(self) -> None:
        """The queue forgets everything, as if a worker had died with it."""
        self.queue = MemoryQueue(self.clock)
        self.store = Store(self.tables, self.blobs, self.queue)

    def refuse_next(self, kind: MessageKind, after: int = 0) -> None:
        """The next message of this kind, or the one after so many, cannot be queued."""
        self.store = Store(self.tables, self.blobs, LossyQueue(self.queue, kind, after))

    def open_alerts(self, policy: str) -> list[AlertRecord]:
        """The alerts of a policy that are not resolved."""
        return [a for a in self.store.alerts(policy=policy) if a.status is not AlertStatus.RESOLVED]

    def approve(self, alert: AlertRecord, by: str = "jane", lasts: timedelta = APPROVAL_LASTS) -> AlertRecord:
        """Somebody consents to what the alert shows: into the journal first, then into the alert."""
        approved = approve(alert, by, self.clock.now(), lasts)
        assert approved.approval is not None
        self.store.journal.append(approved.target, approval_given(approved, approved.approval))
        return self.store.put_alert(approved)

    def handle(self, received: QueuedMessage, deps: Deps) -> TargetResult | None:
        """Do what a received message asks, and be done with it."""
        done = dispatch(self.store.read_message(received.body), deps)
        self.queue.delete(received)
        return done

    def drain(self, seconds: float = 0) -> list[TargetResult]:
        """Work off the queue as time passes; returns what the looks came to. Failing messages raise."""
        results: list[TargetResult] = []
        until = self.clock.now() + timedelta(seconds=seconds)
        while True:
            received = self.queue.receive()
            if received is not None:
                done = self.handle(received, self.deps())
                results += [done] if done is not None else []
            elif self.clock.now() < until:
                self.clock.advance(min(1.0, (until - self.clock.now()).total_seconds()))
            else:
                return results
