"""Plays an attack, or honest work, against the whole story: events in, sweeps, the queue, an Azure in memory.

Time jumps from one thing that happens to the next: a step of the play, the end of an operation, a sweep, a
message that becomes visible. What is measured is what is *really* there, never what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from shared.controller.arrivals import Arrived, receive_event, receive_message
from shared.controller.deps import Deps
from shared.controller.sweep import sweep
from shared.model import (
    Actor,
    Aspect,
    Edit,
    EnforcementMode,
    Json,
    Operation,
    ServerSnapshot,
    ServerState,
    Snapshot,
    Target,
)
from shared.model.alert_records import Notification, NotificationType
from shared.model.errors import Busy
from tests.adversary.attack import Attack, Exposure, Figures, Operate, Step, Told, Write, Wrote
from tests.fakes import START, FakeGateway, World

WARM_UP: Final = timedelta(minutes=10)
"""Between the first sweep, which sees everything as it should be, and the play."""
LONGEST_RETRY_AFTER: Final = 30.0
"""Seconds that Azure asks us to wait at most before we ask after an operation again."""
SWEEPS: Final = timedelta(minutes=30)
_WORDS: Final = frozenset(
    {NotificationType.ALERT_OPENED, NotificationType.ALERT_UPDATED, NotificationType.CHANGE_APPLIED}
)
"""What tells people of an exposure; that it is over tells nobody that it was."""


@dataclass
class _Clocked:
    """How one target has been exposed so far."""

    exposure: Exposure = field(default_factory=Exposure)
    since: datetime | None = None
    """Since when it is open; None while it is shut."""
    first_opened: datetime | None = None
    writable_since: datetime | None = None

    def longest_writable(self, now: datetime) -> None:
        """A time in which somebody could have shut it ends."""
        if self.writable_since is not None:
            stretch = (now - self.writable_since).total_seconds()
            self.exposure = replace(self.exposure, longest=max(self.exposure.longest, stretch))


@dataclass
class _Running:
    """A write of ours that Azure has not done yet."""

    done_at: datetime
    edit: Edit
    target: str


class _SlowGateway(FakeGateway):
    """Writes to a server take their time, and the server is busy meanwhile, as in Azure."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.azure)
        self._stage = stage

    def read(self, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
        snapshot = super().read(target, aspects)
        if isinstance(snapshot, ServerSnapshot) and self._stage.is_written(target.key):
            return replace(snapshot, state=ServerState.BUSY, state_text="Updating")
        return snapshot

    def submit(self, edit: Edit, snapshot: Snapshot) -> Operation:
        stage, key = self._stage, snapshot.target.key
        there = self._azure.snapshots.get(key)
        if isinstance(there, ServerSnapshot) and there.state is ServerState.BUSY:
            stage.refused += 1
            raise Busy("another operation is running", code="ServerIsBusy", status=409, retry_after=10)
        if stage.locked and edit.kind.startswith("delete"):
            raise stage.locked[0]
        stage.wrote.append(Wrote(at=stage.second(), target=key, kind=edit.kind))
        if not isinstance(snapshot, ServerSnapshot) or stage.operation_seconds == 0:
            return super().submit(edit, snapshot)
        url = f"operation-{len(stage.wrote)}"
        self._azure.writes.append(edit)
        done_at = stage.clock.now() + timedelta(seconds=stage.operation_seconds)
        stage.running[url] = _Running(done_at=done_at, edit=edit, target=key)
        return Operation(
            url=url,
            style="asyncOperation",
            retry_after_seconds=min(stage.operation_seconds, LONGEST_RETRY_AFTER),
        )

    def poll(self, operation: Operation) -> Operation | None:
        running = self._stage.running.get(operation.url or "")
        if running is None:
            return None
        left = (running.done_at - self._stage.clock.now()).total_seconds()
        return replace(operation, retry_after_seconds=min(max(left, 1.0), LONGEST_RETRY_AFTER))


@dataclass
class Stage(World):
    """A world in which writes take time, with the marks of a play."""

    settle_seconds: float = 60.0
    operation_seconds: float = 15.0
    exposed: Callable[[Snapshot], bool] = lambda _: False
    about: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    """The policies that are on by the file, so that nobody need ask it about the others; none: all."""
    running: dict[str, _Running] = field(default_factory=dict)
    wrote: list[Wrote] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    refused: int = 0
    collisions: int = 0
    locked: list[Exception] = field(default_factory=list)
    """What Azure says of every deletion; empty while there is no lock."""
    clocks: dict[str, _Clocked] = field(default_factory=dict)
    standing: dict[str, set[str]] = field(default_factory=dict)
    """Policies with an open alert that people were told of, by target."""
    sweep_every: timedelta = SWEEPS
    latency: float = 0.0
    """Within how many seconds an event arrives; when in that time is nobody's to choose."""
    chance: Random = field(default_factory=lambda: Random(12))
    arriving: list[tuple[datetime, Arrived]] = field(default_factory=list)
    began: datetime = START
    counts_from: datetime = START

    def deps(self) -> Deps:
        deps = super().deps()
        policies = tuple(policy for policy in deps.policies if not self.on or policy.id in self.on)
        return replace(deps, gateway=_SlowGateway(self), deliver=self._sink, policies=policies)

    def second(self) -> float:
        return (self.clock.now() - self.began).total_seconds()

    def is_written(self, key: str) -> bool:
        return any(one.target == key for one in self.running.values())

    # --- the play ----------------------------------------------------------------------------------

    def warm_up(self, seeds: tuple[Snapshot, ...]) -> None:
        """Everything is seen as it should be, and the first pass is complete."""
        for seed in seeds:
            self.azure.put(seed)
        sweep(self.deps())
        self._messages()
        self.clock.advance(WARM_UP.total_seconds())
        self._messages()
        self.began = self.counts_from = self.clock.now()
        self.told.clear()

    def play(self, steps: Iterator[Step], seconds: float) -> None:
        """Everything that happens within so many seconds from now, in order."""
        end = self.began + timedelta(seconds=seconds)
        swept = START
        coming = next(steps, None)
        while True:
            step_at = self._time_of(coming)
            ours = (self.queue.next_visible_at(), self._next_done(), self._next_arrival())
            due = (step_at, swept + self.sweep_every, *ours)
            now = min(time for time in due if time is not None)
            if now > end:
                break
            self.clock.set(max(now, self.clock.now()))
            self._finish_operations()
            self._arrive()
            if coming is not None and step_at is not None and step_at <= now:
                self._do(coming)
                coming = next(steps, None)
            elif swept + self.sweep_every <= now:
                swept += self.sweep_every
                sweep(self.deps())
            else:
                self._message()
            self.note()
        self.clock.set(end)
        self.note(over=True)

    def _time_of(self, step: Step | None) -> datetime | None:
        return None if step is None else self.began + timedelta(seconds=step.at)

    def _next_done(self) -> datetime | None:
        return min((one.done_at for one in self.running.values()), default=None)

    def _finish_operations(self) -> None:
        for url, one in list(self.running.items()):
            if one.done_at <= self.clock.now():
                del self.running[url]
                self.azure.apply(one.edit)

    def _do(self, step: Step) -> None:
        match step.deed:
            case Operate(does=does):
                does(self)
            case Write() as write:
                self._write(write)

    def _write(self, write: Write) -> None:
        before = self.azure.snapshots.get(write.target.key)
        after = write.becomes(before)
        if after is before:
            return
        self.note()
        self.collisions += self.is_written(write.target.key)
        if after is None:
            del self.azure.snapshots[write.target.key]
        else:
            self.azure.snapshots[write.target.key] = after
        self.note()
        if write.event:
            self.tell(write)

    def tell(self, write: Write) -> None:
        """The event of a write arrives, by the way that Event Grid's take."""
        now = self.clock.now()
        claimed = now if write.at_second is None else self.began + timedelta(seconds=write.at_second)
        deed = "Delete" if write.operation.lower().endswith("/delete") else "Write"
        deed = "Action" if write.operation.lower().endswith("/action") else deed
        arrived = Arrived(
            id=f"event-{next(self._ids)}",
            type=f"Microsoft.Resources.Resource{deed}Success",
            subject=str(write.subject),
            time=claimed,
            data={"operationName": write.operation, "status": "Succeeded", **_claims(write.actor)},
            original="{}",
        )
        self.arriving.append((now + timedelta(seconds=self.chance.uniform(0, self.latency)), arrived))
        self._arrive()

    def _arrive(self) -> None:
        """What has arrived by now is received."""
        now = self.clock.now()
        here = [arrived for time, arrived in self.arriving if time <= now]
        self.arriving = [(time, arrived) for time, arrived in self.arriving if time > now]
        for arrived in here:
            receive_event(arrived, self.deps())

    def _next_arrival(self) -> datetime | None:
        return min((time for time, _ in self.arriving), default=None)

    def _messages(self) -> None:
        while (visible := self.queue.next_visible_at()) is not None and visible <= self.clock.now():
            self._message()

    def _message(self) -> None:
        received = self.queue.receive()
        if received is not None:
            receive_message(received.body.encode(), self.deps())
            self.queue.delete(received)

    # --- what is really so -------------------------------------------------------------------------

    def note(self, over: bool = False) -> None:
        """Take down who is exposed now; time moves only between two notes."""
        for key in {*self.clocks, *self.azure.snapshots}:
            self._note_one(key, self.azure.snapshots.get(key), over)

    def _note_one(self, key: str, there: Snapshot | None, over: bool) -> None:
        is_open = there is not None and self.exposed(there) and self.clock.now() >= self.counts_from
        clocked = self.clocks.get(key)
        if clocked is None and not is_open:
            return
        clocked = self.clocks.setdefault(key, _Clocked())
        now = self.clock.now()
        if is_open and clocked.since is None:
            clocked.since = clocked.writable_since = now
            clocked.first_opened = clocked.first_opened or now
            clocked.exposure = replace(clocked.exposure, openings=clocked.exposure.openings + 1)
            if self.standing.get(key) and clocked.exposure.first_message is None:
                clocked.exposure = replace(clocked.exposure, first_message=0.0, first_message_after=0.0)
        if clocked.since is not None and (self.locked or _nobody_can_write(there)):
            clocked.longest_writable(now)
            clocked.writable_since = now
        if clocked.since is not None and (over or not is_open):
            self._shut(clocked, now)

    def _shut(self, clocked: _Clocked, now: datetime) -> None:
        assert clocked.since is not None
        assert clocked.writable_since is not None
        stretch = (now - clocked.since).total_seconds()
        writable = (now - clocked.writable_since).total_seconds()
        clocked.exposure = replace(
            clocked.exposure,
            open_seconds=clocked.exposure.open_seconds + stretch,
            longest=max(clocked.exposure.longest, writable),
            last=writable,
        )
        clocked.since = None

    def _sink(self, sink: str, notification: Notification) -> None:
        self._deliver(sink, notification)
        told = _told(notification, self.second())
        self.told.append(told)
        clocked = self.clocks.get(told.target)
        if not self._is_about(told):
            return
        self._remember_alert(told)
        if clocked is None or told.type not in _WORDS:
            return
        if clocked.exposure.first_message is None and clocked.first_opened is not None:
            now = self.clock.now()
            running = (now - clocked.since).total_seconds() if clocked.since else 0.0
            clocked.exposure = replace(
                clocked.exposure,
                first_message=clocked.exposure.open_seconds + running,
                first_message_after=(now - clocked.first_opened).total_seconds(),
            )

    def _remember_alert(self, told: Told) -> None:
        standing = self.standing.setdefault(told.target, set())
        if told.type is NotificationType.ALERT_RESOLVED:
            standing.discard(told.policy)
        elif told.type in {NotificationType.ALERT_OPENED, NotificationType.ALERT_UPDATED}:
            standing.add(told.policy)

    def _is_about(self, told: Told) -> bool:
        return not self.about or told.policy in self.about

    def figures(self, seconds: float) -> Figures:
        return Figures(
            seconds=seconds,
            exposures={key: clocked.exposure for key, clocked in self.clocks.items()},
            writes=tuple(self.wrote),
            messages=tuple(self.told),
            collisions=self.collisions,
            refused=self.refused,
        )


def _claims(actor: Actor) -> dict[str, Json]:
    """An actor as the claims of an event say it."""
    object_id = "http://schemas.microsoft.com/identity/claims/objectidentifier"
    claims = {"appid": actor.app_id, object_id: actor.object_id, "name": actor.name}
    return {"claims": {name: text for name, text in claims.items() if text is not None}}


def _nobody_can_write(there: Snapshot | None) -> bool:
    return isinstance(there, ServerSnapshot) and there.state is not ServerState.READY


def _told(notification: Notification, second: float) -> Told:
    data = notification.data
    target = data.get("target")
    key = str(target["id"]).lower() if isinstance(target, dict) else ""
    return Told(
        at=second,
        type=notification.type,
        title=notification.title,
        policy=str(data.get("policy", "")),
        target=key,
    )


def policies_file(policies: tuple[str, ...], more: str = "") -> str:
    """A file in which these policies are on and all others off; with none named, what is on by itself."""
    if not policies:
        return f"version: 1\n{more}"
    on = "".join(f"  {policy}: {{effect: revert}}\n" for policy in policies)
    return f"version: 1\ndefaults: {{effect: off}}\npolicies:\n{on}{more}"


def attacked(attack: Attack, mode: EnforcementMode, hours: float) -> Figures:
    """What comes of an attack of so many hours."""
    seconds = hours * 3600
    stage = Stage(
        mode=mode,
        policies_file=policies_file(attack.policies, attack.file),
        operation_seconds=attack.operation_seconds,
        exposed=attack.exposed,
        about=attack.about,
        on=attack.policies,
        latency=attack.latency,
    )
    stage.warm_up(attack.seeds)
    stage.counts_from = stage.began + timedelta(seconds=attack.counts_from)
    stage.play(attack.steps(seconds), seconds)
    return stage.figures(seconds)
