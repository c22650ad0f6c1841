"""What the platform gave up is asked anew, until the sweep is soon enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

import pytest

from shared.controller.arrivals import receive_message
from shared.controller.poison import poisoned
from shared.controller.reviving import PAUSES
from shared.model import Cause, CauseKind, EnforcementMode, Locator, LocatorKind, Outcome, codec
from shared.model.errors import StoreError
from shared.model.messages import Message, MessageKind, RunOptions, look
from shared.model.sweeping import Spread
from shared.state.store import Store
from tests.builders import DRIFTED, NSG, public_server
from tests.controller.test_changes_in_trouble import long_revert
from tests.controller.test_reconcile import seen_compliant
from tests.controller.test_waiting_for_the_time import FREEZE
from tests.fakes import START, World
from tests.memory import FakeClock, MemoryQueue, MemoryTables, TablesOver

_T = TypeVar("_T")

CAUSE = Cause(kind=CauseKind.EVENT, time=START, event_id="event-1")
NO_ZONE = START.replace(tzinfo=None)
MOST_DELIVERIES = 5
FAST = timedelta(minutes=10)


class Away(TablesOver):
    """Tables that can be away."""

    away = False

    def _do(self, operation: Callable[[], _T]) -> _T:
        if self.away:
            raise StoreError("the tables cannot be reached")
        return operation()


@dataclass
class Platform:
    """The host around a world: five deliveries, then the poison queue, whose failures wait ten minutes."""

    world: World
    tables: Away = field(default_factory=lambda: Away(MemoryTables()))

    def __post_init__(self) -> None:
        self.world.store = Store(self.tables, self.world.blobs, self.world.queue)
        self.given_up = MemoryQueue(self.world.clock)

    def run(self, seconds: float) -> None:
        until = self.world.clock.now() + timedelta(seconds=seconds)
        while self.world.clock.now() < until:
            self.deliver()
            self.world.clock.advance(1)

    def deliver(self) -> None:
        while (received := self.world.queue.receive(30)) is not None:
            if received.dequeue_count > MOST_DELIVERIES:
                self.given_up.send(received.body)
            else:
                try:
                    receive_message(received.body.encode(), self.world.deps())
                except StoreError:
                    continue
            self.world.queue.delete(received)
        while (poison := self.given_up.receive(600)) is not None:
            try:
                poisoned(poison.body.encode(), self.world.deps())
            except StoreError:
                continue
            self.given_up.delete(poison)


def waiting(world: World) -> list[Message]:
    return [codec.load(Message, body) for body in world.queue.bodies()]


@pytest.mark.field(
    "steady",
    "After seven minutes without tables every target that an event named is looked at, without a sweep",
    source="docs/adr/0019-generations-and-slots.md",
    date="2026-11-29",
)
def test_tables_that_were_gone_for_seven_minutes_lose_no_look() -> None:
    world = World()
    platform = Platform(world)
    target = world.azure.put(public_server())
    world.event(target)
    platform.tables.away = True
    platform.run(7 * 60)
    assert world.azure.reads == 0
    platform.tables.away = False
    platform.run(10 * 60)
    assert world.store.recall(target, START).memories
    assert world.open_alerts("poisoned-message") == []
    assert len(world.queue) == len(platform.given_up) == 0


def test_the_pauses_grow_and_then_the_sweep_is_soon_enough() -> None:
    world = World(sinks=())
    message = look(world.azure.put(public_server()), CAUSE)
    pauses = []
    for _ in range(len(PAUSES)):
        poisoned(codec.dump(message).encode(), world.deps())
        due = world.queue.next_visible_at()
        assert due is not None
        pauses.append((due - world.clock.now()).total_seconds())
        world.clock.advance(pauses[-1])
        received = world.queue.receive()
        assert received is not None
        message = world.store.read_message(received.body)
        world.store.start(message, world.clock.now())
        world.queue.delete(received)
    poisoned(codec.dump(message).encode(), world.deps())
    assert pauses == list(PAUSES)
    assert len(world.queue) == 0


def test_what_an_event_names_meanwhile_does_not_wait_for_the_pause() -> None:
    world = World()
    target = world.azure.put(public_server())
    poisoned(codec.dump(replace(look(target, CAUSE), revived=2)).encode(), world.deps())
    world.event(target)
    world.drain()
    assert world.azure.reads == 1


def test_a_change_on_its_way_is_followed_on() -> None:
    world = World()
    long_revert(world, polls=3)
    *_, check = [one for one in waiting(world) if one.kind is MessageKind.CHECK]
    world.lose_messages()
    poisoned(codec.dump(check).encode(), world.deps())
    world.drain(PAUSES[0] + 60)
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED]


def test_a_run_is_not_carried_out_after_it_was_told_that_it_failed() -> None:
    world = World(sinks=())
    target = world.azure.put(public_server())
    options = RunOptions(run_id="run-1", enforcement=EnforcementMode.ENFORCE, adopt=True)
    asked = Message(kind=MessageKind.RECHECK, target=target, cause=CAUSE, options=options)
    poisoned(codec.dump(asked).encode(), world.deps())
    (again,) = waiting(world)
    assert (again.kind, again.options, again.revived) == (MessageKind.LOOK, RunOptions(), 1)


@pytest.mark.parametrize("kind", [MessageKind.SCOPE, MessageKind.NOTIFY])
def test_what_somebody_else_asks_again_is_left_to_them(kind: MessageKind) -> None:
    world = World()
    at = Locator(kind=LocatorKind.NSG, id=NSG)
    poisoned(codec.dump(Message(kind=kind, locator=at, cause=CAUSE)).encode(), world.deps())
    assert len(world.queue) == 0


@pytest.mark.field(
    "steady",
    "A message whose numbers count nothing is put aside, by the worker as by what takes what was given up",
    source="docs/threat-model.md",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "forged",
    [
        Message(kind=MessageKind.NOTIFY, cause=CAUSE, sink="sink", about="x", attempt=-99),
        replace(look(DRIFTED.target, CAUSE), revived=-99),
        replace(look(DRIFTED.target, CAUSE), generation=-1),
        replace(look(DRIFTED.target, CAUSE), generation=10**4299),
        look(DRIFTED.target, replace(CAUSE, count=10**4299)),
        Message(kind=MessageKind.SPREAD, cause=CAUSE, spread=Spread(first_at=START, seconds=-1)),
        Message(kind=MessageKind.SPREAD, cause=CAUSE, spread=Spread(first_at=START, seconds=1e300)),
        Message(kind=MessageKind.SPREAD, cause=CAUSE, spread=Spread(first_at=NO_ZONE, seconds=1)),
    ],
    ids=["attempt", "revived", "generation", "long number", "long count", "backwards", "for ever", "no zone"],
)
def test_a_message_with_numbers_that_count_nothing_is_put_aside_and_done(forged: Message) -> None:
    world = World()
    for take in (poisoned, receive_message):
        take(codec.dump(forged).encode(), world.deps())
    assert len(world.queue) == 0
    assert len(list(world.blobs.names("deadletters"))) == 1


# --- questions that were put off -------------------------------------------------------------------


@pytest.mark.field(
    "steady",
    "A question that an instance with a fast clock put off is not taken for one still to come once it came",
    source="docs/adr/0019-generations-and-slots.md",
    date="2026-11-29",
)
def test_what_a_fast_clock_put_off_until_a_freezes_end_is_put_off_again_when_it_comes_too_early() -> None:
    there = World(policies_file=FREEZE)
    service = FakeClock(START)
    there.queue = MemoryQueue(service)
    there.store = Store(there.tables, there.blobs, there.queue)
    seen_compliant(there, public_server())
    there.event(there.azure.put(DRIFTED))
    there.clock.set(START + FAST)
    there.drain()
    end = there.store.recall(DRIFTED.target, START).recheck_at
    assert end is not None
    service.set(end - FAST)
    there.clock.set(end - FAST)
    there.drain()
    assert [one.due for one in waiting(there) if one.kind is MessageKind.RECHECK] == [end]
    service.set(end)
    there.clock.set(end)
    there.drain()
    assert [change.outcome for change in there.store.changes()] == [Outcome.REVERTED]
