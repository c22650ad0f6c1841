"""What waits and what goes together: merge window, quiet hours, digests, whatever sinks or workers do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from shared.alerts.lifecycle import sink_alert_id
from shared.controller.delivering import TOLD_AFTER, deliver
from shared.controller.lettering import call_anyway, letter, timed
from shared.controller.mass_drift import MASS_DRIFT
from shared.controller.notifying import notify
from shared.controller.sweep import sweep
from shared.controller.taking import MOST_TOGETHER
from shared.model import Actor, Cause, CauseKind, EnforcementMode, Severity
from shared.model.alert_records import Notification, NotificationType
from shared.model.codec import load
from shared.model.errors import SinkError
from shared.model.messages import Message
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from tests.builders import DRIFTED, SERVER, public_server
from tests.controller.test_mass_drift import named
from tests.controller.test_reconcile import FIREWALL, seen_compliant
from tests.fakes import START, World, only
from tests.memory import TablesOver

_T = TypeVar("_T")

SLACK, MAIL, PAGER = "1 slack#5f0c21", "2 mailtos://mail.example.com#0a1b2c", "3 pagerduty#3d4e5f"
HOUR = 3600
MINUTE = 61
"""The merge window is over."""
OPENED, RESOLVED = NotificationType.ALERT_OPENED, NotificationType.ALERT_RESOLVED
SINGLY = "massDrift: {enabled: false}\n"
NIGHT = "alerts: {quietHours: [{from: '07:00', to: '10:00', severity: High}]}\n"
"""The world begins at 08:00."""
CAUSE = Cause(kind=CauseKind.EVENT, time=START, actor=Actor(object_id="jane"), correlation_id="deployment-1")


def world_of(*sinks: str, more: str = SINGLY) -> World:
    """A world that tells of a drift and writes nothing."""
    return World(mode=EnforcementMode.AUDIT, policies_file=only(FIREWALL) + more, sinks=sinks or (SLACK,))


def settled(world: World, count: int) -> World:
    for number in range(count):
        seen_compliant(world, public_server(id=named(number), host_name=f"h{number}.example"))
    return world


def drift(world: World, *numbers: int) -> None:
    for number in numbers:
        opened = replace(DRIFTED, id=named(number), host_name=f"h{number}.example")
        world.event(world.azure.put(opened))
        world.drain()


def mend(world: World, *numbers: int) -> None:
    for number in numbers:
        world.event(world.azure.put(public_server(id=named(number), host_name=f"h{number}.example")))
        world.drain()


def news(
    name: str,
    severity: Severity = Severity.HIGH,
    kind: NotificationType = OPENED,
    subject: ResourceId = SERVER,
) -> Notification:
    return Notification(
        id=name,
        type=kind,
        subject=str(subject),
        time=START,
        title=f"[{severity}] {name}",
        body="body",
        severity=severity,
        data={"id": name, "target": {"kind": "flexibleServer", "id": str(subject)}},
    )


def tell(world: World, *names: str, cause: Cause = CAUSE, severity: Severity = Severity.HIGH) -> None:
    for name in names:
        notify(news(name, severity), cause, world.deps())


def ids(told: Notification) -> list[str]:
    """What a message tells of."""
    together = told.data.get("together")
    return [str(one) for one in together] if isinstance(together, list) else [told.id]


def told(world: World, sink: str = SLACK) -> list[list[str]]:
    """What each message to a sink tells of."""
    heard = (one for (name, _), one in zip(world.heard, world.delivered, strict=True) if name == sink)
    return [sorted(ids(one)) for one in heard]


def is_over(world: World) -> bool:
    return not list(world.store.letters.waiting()) and len(world.queue) == 0


# --- the merge window ------------------------------------------------------------------------------


@pytest.mark.field(
    "steady",
    "thirty drifts of one deployment are one message in a chat, and one for each where machines listen",
    source="docs/adr/0024-waiting-is-a-field-of-the-letter.md",
    date="2026-11-30",
)
def test_thirty_drifts_of_one_deployment_are_one_message() -> None:
    world = settled(world_of(SLACK, PAGER), 30)
    drift(world, *range(30))
    assert told(world) == []
    world.drain(MINUTE)
    (message,) = told(world)
    assert len(set(message)) == 30
    assert len(told(world, PAGER)) == 30
    together = world.delivered[-1]
    assert together.title == "[High] 30 together: 30 opened"
    assert is_over(world)
    mend(world, *range(30))
    world.drain(MINUTE)
    _, over = told(world)
    assert len(set(over)) == 30
    assert all(one.endswith("-resolved-1") for one in over)
    assert is_over(world)


def test_one_alone_is_told_whole_as_ever() -> None:
    world = settled(world_of(), 1)
    drift(world, 0)
    world.drain(MINUTE)
    (alone,) = world.delivered
    assert alone.type is OPENED
    assert any(section.commands for section in alone.sections)
    assert is_over(world)


def test_what_others_write_elsewhere_is_another_message() -> None:
    world = world_of()
    tell(world, "a", "b")
    tell(world, "c", cause=replace(CAUSE, actor=Actor(object_id="joe"), correlation_id="deployment-2"))
    tell(world, "d", cause=Cause(kind=CauseKind.EVENT, time=START))
    world.drain(MINUTE)
    assert sorted(told(world)) == [["a", "b"], ["c"], ["d"]]


def test_what_is_critical_is_told_at_once_and_takes_nothing_along() -> None:
    world = world_of()
    tell(world, "mild", "milder", severity=Severity.MEDIUM)
    tell(world, "grave", severity=Severity.CRITICAL)
    world.drain()
    assert told(world) == [["grave"]]
    world.drain(MINUTE)
    assert told(world) == [["grave"], ["mild", "milder"]]


def test_an_alert_that_becomes_critical_while_it_waits_is_told_at_once_from_its_beginning() -> None:
    world = world_of()
    tell(world, "a")
    deps = world.deps()
    (waiting,) = world.store.letters.about(SLACK, "a")
    grave = replace(news("a-worse", Severity.CRITICAL), type=NotificationType.ALERT_UPDATED)
    urgent = replace(waiting, number=1, notification=grave, not_before=None, bundle=(), etag=None)
    world.store.letters.post(urgent)
    deliver(replace(queued(world)[0], token="another"), deps)
    assert told(world) == [["a"], ["a-worse"]]


def queued(world: World) -> list[Message]:
    return [load(Message, body) for body in world.queue.bodies()]


def test_no_window_no_wait() -> None:
    world = world_of(more="alerts: {mergeSeconds: 0}\n")
    tell(world, "a", "b")
    world.drain()
    assert told(world) == [["a"], ["b"]]


def test_so_many_are_one_message_and_the_rest_the_next() -> None:
    world = world_of()
    names = [f"n-{number}" for number in range(MOST_TOGETHER + 5)]
    tell(world, *names)
    world.drain(MINUTE)
    assert sorted(map(len, told(world))) == [5, MOST_TOGETHER]
    assert sorted(name for message in told(world) for name in message) == sorted(names)


def test_a_letter_of_before_waits_for_nothing() -> None:
    world = world_of()
    tell(world, "old")
    (waiting,) = world.store.letters.about(SLACK, "old")
    world.store.letters.put(replace(waiting, not_before=None, bundle=()))
    deliver(queued(world)[0], world.deps())
    assert told(world) == [["old"]]


def test_a_message_that_comes_too_early_comes_again() -> None:
    world = world_of()
    tell(world, "a")
    (message,) = queued(world)
    world.lose_messages()
    deliver(message, world.deps())
    assert told(world) == []
    world.drain(MINUTE)
    assert told(world) == [["a"]]


def test_what_waits_is_neither_left_behind_nor_refused() -> None:
    world = world_of(more=NIGHT)
    tell(world, "a")
    sweep(world.deps())
    world.clock.advance(HOUR)
    tell(world, "grave", severity=Severity.CRITICAL)
    sweep(world.deps())
    world.drain()
    assert told(world) == [["grave"]]
    world.lose_messages()
    world.clock.advance(2 * HOUR)
    sweep(world.deps())
    world.drain()
    assert told(world) == [["grave"], ["a"]]


# --- an incident -----------------------------------------------------------------------------------


def test_an_incident_goes_whole_and_at_once_and_what_was_told_before_it_is_one_message() -> None:
    world = settled(world_of(more=""), 15)
    drift(world, *range(15))
    (incident,) = world.store.alerts(policy=MASS_DRIFT.id)
    assert told(world) == [[f"{incident.id}-opened-1"]]
    world.drain(MINUTE)
    before = told(world)[-1]
    assert (len(told(world)), len(before)) == (2, 9)
    assert is_over(world)


# --- quiet hours and digests -----------------------------------------------------------------------


def test_what_waited_for_the_morning_is_one_message_and_what_is_over_by_then_a_line_of_it() -> None:
    world = settled(world_of(more=SINGLY + NIGHT), 3)
    drift(world, 0, 1, 2)
    world.drain(HOUR)
    mend(world, 1)
    assert told(world) == []
    world.drain(HOUR + 2)
    (morning,) = world.delivered
    assert morning.title == "[High] 3 together: 2 opened, 1 opened and over meanwhile"
    assert [len(section.items) for section in morning.sections if section.items] == [2, 1]
    assert is_over(world)


@pytest.mark.parametrize("sink", [SLACK, PAGER])
def test_what_began_and_was_over_in_quiet_hours_is_told_once_by_its_end(sink: str) -> None:
    night = "alerts: {quietHours: [{from: '07:00', to: '10:00', severity: High, sinks: [slack, '3']}]}\n"
    world = world_of(sink, more=night)
    for number, kind in enumerate((OPENED, RESOLVED, OPENED, RESOLVED)):
        tell_number(world, sink, number + 1, kind)
    world.drain(2 * HOUR + 2)
    assert told(world, sink) == [["a-4"]]
    assert is_over(world)


def tell_number(world: World, sink: str, number: int, kind: NotificationType) -> None:
    """News about one alert."""
    message = replace(news(f"a-{number}", Severity.MEDIUM, kind), data=news("a").data)
    written = timed(letter(sink, "a", number, message, CAUSE), world.deps())
    call_anyway([written], world.deps())
    world.store.letters.put(written)


def test_a_pager_that_no_entry_names_is_told_at_night_and_one_that_is_named_in_the_morning() -> None:
    world = world_of(PAGER, more=NIGHT)
    tell(world, "a", severity=Severity.MEDIUM)
    world.drain()
    assert told(world, PAGER) == [["a"]]
    world.policies_file = only(FIREWALL) + NIGHT.replace("severity:", "sinks: [pagerduty], severity:")
    tell(world, "b", "c", severity=Severity.MEDIUM)
    tell(world, "d", severity=Severity.HIGH)
    world.drain()
    assert told(world, PAGER) == [["a"], ["d"]]
    world.drain(2 * HOUR + 2)
    assert sorted(told(world, PAGER)) == [["a"], ["b"], ["c"], ["d"]]


def test_a_digest_tells_each_sink_once_a_day_of_what_is_mild() -> None:
    digest = "alerts: {digests: [{sinks: [slack, mailto], at: '09:00'}]}\n"
    world = world_of(SLACK, MAIL, more=digest)
    tell(world, "a", severity=Severity.LOW)
    world.drain(HOUR / 2)
    tell(world, "b", severity=Severity.LOW, cause=replace(CAUSE, correlation_id="x", actor=Actor()))
    world.drain(HOUR / 2 + 2)
    assert told(world) == told(world, MAIL) == [["a", "b"]]
    tell(world, "c", severity=Severity.LOW)
    world.drain(23 * HOUR)
    assert len(told(world)) == 1
    world.drain(HOUR)
    assert told(world)[1:] == told(world, MAIL)[1:] == [["c"]]
    assert is_over(world)


def test_a_wait_that_is_longer_than_a_queue_keeps_a_message_is_waited_for_in_parts() -> None:
    world = world_of(more="alerts: {digests: [{sinks: [slack], at: '07:00', days: [Mon]}]}\n")
    tell(world, "a", severity=Severity.LOW)
    longest = max(one for one in delays(world))
    assert longest <= timedelta(days=7)
    world.clock.advance(longest.total_seconds())
    world.drain()
    assert told(world) == []
    world.clock.advance(24 * HOUR)
    world.drain(2)
    assert told(world) == [["a"]]


def delays(world: World) -> Iterator[timedelta]:
    visible = world.queue.next_visible_at()
    assert visible is not None
    yield visible - world.clock.now()


# --- sinks that are down ---------------------------------------------------------------------------


def test_an_hour_without_the_chat_loses_nothing_and_is_one_message() -> None:
    world = settled(world_of(), 5)
    world.sinks_down.add(SLACK)
    drift(world, *range(5))
    world.drain(HOUR)
    world.sinks_down.clear()
    world.drain(2 * HOUR)
    (message,) = told(world)
    assert len(message) == 5
    assert is_over(world)


def test_what_is_refused_together_again_and_again_is_tried_by_itself() -> None:
    world = settled(world_of(), 3)
    world.deliver_to = only_singly
    drift(world, *range(3))
    world.drain(24 * HOUR)
    assert sorted(map(len, told(world))) == [1, 1, 1]
    assert is_over(world)


def only_singly(notification: Notification) -> None:
    if "together" in notification.data:
        raise SinkError("400 invalid_blocks")


@pytest.mark.field(
    "steady",
    "one thing of which no message can be made keeps none of those back that waited together with it",
    source="docs/adr/0024-waiting-is-a-field-of-the-letter.md",
    date="2026-11-30",
)
@pytest.mark.parametrize("name", ["a", "b", "e"])
def test_what_breaks_a_message_of_several_keeps_no_other_back(name: str) -> None:
    """A fault of ours, not a refusal: the worker fails as it does for nothing that is expected."""
    world = world_of()
    world.deliver_to = lambda notification: breaks(notification, name)
    tell(world, "a", "b", "c", "d", "e")
    end = world.clock.now() + timedelta(minutes=20)
    while world.clock.now() < end:
        with suppress(ValueError):
            world.drain((end - world.clock.now()).total_seconds())
    assert sorted(one for message in told(world) for one in message) == sorted({*"abcde"} - {name})
    assert {one.about for one in world.store.letters.waiting()} == {name}
    world.deliver_to = None
    world.drain(HOUR)
    assert told(world)[-1] == [name]
    assert is_over(world)


def breaks(notification: Notification, name: str) -> None:
    if name in ids(notification):
        raise ValueError("nobody expected this")


def test_a_chat_that_takes_nothing_for_a_day_is_told_of_through_the_others() -> None:
    world = settled(world_of(SLACK, PAGER), 2)
    world.sinks_down.add(SLACK)
    drift(world, 0, 1)
    world.drain(TOLD_AFTER.total_seconds() + 5 * HOUR)
    assert [f"{sink_alert_id(SLACK)}-opened-1"] in told(world, PAGER)
    world.sinks_down.clear()
    world.drain(5 * HOUR)
    assert [f"{sink_alert_id(SLACK)}-resolved-1"] in told(world, PAGER)
    assert is_over(world)


# --- deaths and two workers ------------------------------------------------------------------------


@dataclass
class Interrupted:
    """Does something once, before or after the operation of this number."""

    number: int
    what: Callable[[], object]
    is_after: bool = False
    seen: int = 0

    def around(self, operation: Callable[[], _T]) -> _T:
        self.seen += 1
        is_now = self.seen == self.number
        if is_now and not self.is_after:
            self.what()
        done = operation()
        if is_now and self.is_after:
            self.what()
        return done


class Watched(TablesOver):
    """Tables of which an operation is interrupted."""

    def __init__(self, world: World, interrupted: Interrupted) -> None:
        super().__init__(world.tables)
        self._interrupted = interrupted

    def _do(self, operation: Callable[[], _T]) -> _T:
        return self._interrupted.around(operation)


def dies() -> None:
    raise KeyboardInterrupt


def waiting_world() -> World:
    """Three things wait, and their time has come."""
    world = world_of()
    tell(world, "a", "b", "c")
    world.clock.advance(MINUTE + 1)
    return world


def watched(world: World, interrupted: Interrupted) -> None:
    world.store = Store(Watched(world, interrupted), world.blobs, world.queue)


OPERATIONS = 14
"""More than a delivery of three together needs."""


@pytest.mark.field(
    "steady",
    "a worker that dies while it delivers several together loses none, and tells none twice but by that",
    source="docs/adr/0024-waiting-is-a-field-of-the-letter.md",
    date="2026-11-30",
)
@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("number", range(1, OPERATIONS + 1))
def test_a_worker_that_dies_loses_nothing_and_tells_twice_at_most(number: int, *, is_after: bool) -> None:
    world = waiting_world()
    store = world.store
    watched(world, Interrupted(number, dies, is_after))
    try:
        world.drain()
        is_dead = False
    except KeyboardInterrupt:
        is_dead = True
    heard = len(world.delivered)
    world.store = store
    world.drain(30 * 60)
    counted = Counter(name for message in told(world) for name in message)
    assert counted.keys() == {"a", "b", "c"}
    assert max(counted.values()) <= (2 if is_dead and heard else 1)
    assert is_over(world)


def test_all_operations_of_a_delivery_are_among_those() -> None:
    world = waiting_world()
    interrupted = Interrupted(0, dies)
    watched(world, interrupted)
    deliver(queued(world)[0], world.deps())
    assert told(world) == [["a", "b", "c"]]
    assert 8 <= interrupted.seen <= OPERATIONS


@pytest.mark.parametrize("number", range(1, OPERATIONS + 1))
def test_two_workers_tell_each_thing_once(number: int) -> None:
    world = waiting_world()
    store = world.store
    first, second, *_ = queued(world)
    watched(world, Interrupted(number, lambda: deliver(second, replace(world.deps(), store=store))))
    deliver(first, world.deps())
    world.store = store
    world.drain(30 * 60)
    assert Counter(name for message in told(world) for name in message) == {"a": 1, "b": 1, "c": 1}
    assert is_over(world)


def test_what_is_new_of_a_thing_that_another_message_holds_is_told_after_it() -> None:
    world = waiting_world()
    first, second, *_ = queued(world)

    def meanwhile(sink: str, notification: Notification) -> None:
        (held, *_) = world.store.letters.about(SLACK, second.about or "")
        grave = news("worse", Severity.CRITICAL, NotificationType.ALERT_UPDATED)
        urgent = replace(held, number=1, notification=grave, not_before=None, bundle=(), etag=None)
        world.store.letters.post(replace(urgent, taken_by=None, taken_at=None))
        deliver(replace(second, token="another"), world.deps())
        world.delivered.append(notification)
        world.heard.append((sink, notification.id))

    deliver(first, replace(world.deps(), deliver=meanwhile))
    world.drain(60)
    assert told(world) == [["a", "b", "c"], ["worse"]]
    assert is_over(world)


def test_clocks_that_are_apart_tell_nothing_twice() -> None:
    world = world_of()
    tell(world, "a", "b")
    now: datetime = world.clock.now()
    world.clock.set(now + timedelta(minutes=10))
    world.drain()
    world.clock.set(now)
    world.drain(HOUR)
    assert told(world) == [["a", "b"]]
    assert is_over(world)
