"""Two workers at one target: whoever has read something older tells nobody, and writes nothing by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from shared.controller.dispatch import dispatch
from shared.model import Cause, CauseKind, Outcome, Snapshot, Target
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.errors import StoreError
from shared.model.letters import Letter
from shared.model.memory import TargetRecord
from shared.model.messages import Message, MessageKind
from shared.state.store import Store
from tests.builders import ALL_AZURE, DRIFTED, OFFICE, public_server, rule
from tests.controller.test_reconcile import FIREWALL, seen_compliant
from tests.fakes import World, only

GOOD = public_server(firewall_rules=(OFFICE,))
ALERTS = only(FIREWALL).replace("revert", "alert")
UNDONE = public_server(firewall_rules=(OFFICE, rule(ALL_AZURE.name, "198.51.100.9")))
"""The rule of the drift is somebody's good one by now."""
Asks = Callable[[World, Target], None]


def an_event(world: World, target: Target) -> None:
    world.event(target)


def an_operator(world: World, target: Target) -> None:
    world.look(target)


def the_sweep(world: World, target: Target) -> None:
    now = world.clock.now()
    cause = Cause(kind=CauseKind.SWEEP, time=now)
    world.store.arm(Message(kind=MessageKind.LOOK, target=target, cause=cause), now, 0)


by_anybody = pytest.mark.parametrize("asks", [an_event, an_operator, the_sweep])
by_a_slow_one = pytest.mark.parametrize("slow", [an_event, an_operator])


def known(policies: str) -> tuple[World, Target]:
    world = World(policies_file=policies)
    seen_compliant(world, GOOD)
    return world, GOOD.target


def meanwhile(world: World, asks: Asks, becomes: Snapshot) -> Callable[[], None]:
    """Somebody undoes the drift, and another worker looks at that from its beginning to its end."""

    def happens() -> None:
        asks(world, world.azure.put(becomes))
        world.drain()

    return happens


def once(store: Store, when: Callable[[TargetRecord], bool], then: Callable[[], None]) -> Mapping[str, int]:
    """Have something happen as soon as a record is saved like that."""
    happened = {"times": 0}
    save, claim = store.save, store.claim

    def saved(record: TargetRecord) -> TargetRecord:
        return after(save(record))

    def claimed(*args: object, **named: object) -> TargetRecord:
        return after(claim(*args, **named))  # type: ignore[arg-type]

    def after(record: TargetRecord) -> TargetRecord:
        if not happened["times"] and when(record):
            happened["times"] += 1
            then()
        return record

    store.save, store.claim = saved, claimed  # type: ignore[method-assign]
    return happened


def before(store: Store, then: Callable[[], object]) -> None:
    """Have something happen just before the next record is saved."""
    save, left = store.save, [then]

    def saved(record: TargetRecord) -> TargetRecord:
        if left:
            left.pop()()
        return save(record)

    store.save = saved  # type: ignore[method-assign]


@pytest.mark.field(
    "steady",
    "A look that has read something older than what another one has read since tells nobody of it, though "
    "the other one had nothing to save.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
@by_anybody
@by_a_slow_one
def test_a_slower_look_does_not_tell_of_a_drift_that_a_later_one_has_not_found(
    slow: Asks, asks: Asks
) -> None:
    world, target = known(ALERTS)
    world.azure.put(DRIFTED)
    slow(world, target)
    world.azure.meanwhile.append(meanwhile(world, asks, GOOD))
    world.drain(30)
    assert world.delivered == []
    assert world.store.alerts() == []


@pytest.mark.field(
    "steady",
    "A look does not revert what another one has read as mended since.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
@by_anybody
@by_a_slow_one
def test_a_slower_look_does_not_revert_what_a_later_one_has_read_as_mended(slow: Asks, asks: Asks) -> None:
    world, target = known(only(FIREWALL))
    world.azure.put(DRIFTED)
    slow(world, target)
    world.azure.meanwhile.append(meanwhile(world, asks, UNDONE))
    world.drain(120)
    assert world.azure.writes == []
    assert world.azure.snapshots[target.key] == UNDONE
    assert world.store.changes() == []


def test_a_message_delivered_twice_overtakes_its_first_delivery() -> None:
    world, target = known(ALERTS)
    world.azure.put(DRIFTED)
    world.event(target)
    message = world.queue.receive()
    assert message is not None

    def delivered_again() -> None:
        world.azure.put(GOOD)
        dispatch(world.store.read_message(message.body), world.deps())

    world.azure.meanwhile.append(delivered_again)
    world.handle(message, world.deps())
    world.drain(30)
    assert world.delivered == []


def test_what_is_claimed_is_proved_anew_where_somebody_has_begun_to_read_since() -> None:
    world, target = known(only(FIREWALL))
    world.azure.put(DRIFTED)
    world.event(target)
    happened = once(world.store, lambda record: record.change is not None, meanwhile(world, an_event, UNDONE))
    world.drain(120)
    assert happened["times"] == 1
    assert world.azure.writes == []
    assert world.azure.snapshots[target.key] == UNDONE
    assert {one.outcome for one in world.store.changes()} == {Outcome.CONFLICTED}


@pytest.mark.parametrize("asks", [an_event, the_sweep])
def test_what_a_look_has_saved_and_not_told_is_not_told_after_a_later_one(asks: Asks) -> None:
    world, target = known(ALERTS)
    world.azure.put(DRIFTED)
    world.event(target)
    happened = once(world.store, lambda record: bool(record.open_alerts), meanwhile(world, asks, GOOD))
    world.drain(30)
    assert happened["times"] == 1
    assert world.delivered == []


def test_an_alert_that_a_slower_look_opens_just_before_a_later_one_saves_is_ended() -> None:
    world, target = known(ALERTS)
    world.event(world.azure.put(DRIFTED))
    slow = world.queue.receive()
    assert slow is not None
    put_alert, waiting = world.store.put_alert, list[tuple[AlertRecord, Iterable[Letter]]]()

    def stands_still(record: AlertRecord, letters: Iterable[Letter] = ()) -> AlertRecord:
        waiting.append((record, letters))
        raise StoreError("it goes on later")

    world.store.put_alert = stands_still  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        world.handle(slow, world.deps())
    world.queue.delete(slow)
    world.store.put_alert = put_alert  # type: ignore[method-assign]
    world.event(world.azure.put(GOOD))
    before(world.store, lambda: put_alert(*waiting[0]))
    world.drain(30)
    assert [one.status for one in world.store.alerts()] == [AlertStatus.RESOLVED]
    assert target.key in {one.target.key for one in world.store.alerts()}
