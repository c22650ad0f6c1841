"""What a look at something unchanged asks of the store, and what is not lost although nothing is saved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.arrivals import receive_message
from shared.controller.dispatch import dispatch
from shared.model import Actor, Cause, CauseKind, Locator, LocatorKind, Snapshot, Target
from shared.model.memory import TargetRecord
from shared.model.messages import look
from shared.model.resource_id import ResourceId
from tests.builders import OFFICE, SERVER, public_server, server, subnet
from tests.controller.test_reconcile import FIREWALL, NSG_POLICY
from tests.counting import counted
from tests.fakes import World, only

BUDGET = ["get", "write", "get", "write"]
"""The row of the queue key, noted; the memory of the target; the row of the queue key, noted."""
MALLORY = Actor(object_id="mallory-object", name="Mallory")
GUARDED = subnet()
COMPLIANT = {
    "server": (server(), "version: 1\n"),
    "public server": (public_server(firewall_rules=(OFFICE,)), only(FIREWALL)),
    "subnet": (GUARDED, only(NSG_POLICY)),
}
each_kind = pytest.mark.parametrize(("snapshot", "policies"), COMPLIANT.values(), ids=COMPLIANT)


def known(snapshot: Snapshot, policies: str = "version: 1\n") -> tuple[World, Target]:
    """A world in which the target has been looked at by an event."""
    world = World(policies_file=policies)
    target = world.azure.put(snapshot)
    world.event(target)
    world.drain(1)
    return world, target


def record(world: World, target: Target) -> TargetRecord:
    return world.store.recall(target, world.clock.now())


@pytest.mark.field(
    "steady",
    "An event on an unchanged compliant target costs four storage operations after the queue's own: no blob, "
    "nothing listed, nothing saved but the row by which events are coalesced.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
@each_kind
def test_an_event_on_an_unchanged_compliant_target_costs_four_operations(
    snapshot: Snapshot, policies: str
) -> None:
    world, target = known(snapshot, policies)
    counts = counted(world)
    for _ in range(3):
        world.event(target)
        counts.take()
        message = world.queue.receive()
        assert message is not None
        receive_message(message.body.encode(), world.deps())
        world.queue.delete(message)
        assert world.lines[-1]["cause"] == "event"
        spent = counts.take()
        assert [kind for kind, _ in spent.operations] == BUDGET
        assert {table for _, table in spent.operations} == {"targets"}


@each_kind
def test_a_look_of_the_sweep_costs_no_more(snapshot: Snapshot, policies: str) -> None:
    world, target = known(snapshot, policies)
    world.store.arm(look(target, Cause(kind=CauseKind.SWEEP, time=world.clock.now())), world.clock.now(), 0)
    counts = counted(world)
    world.drain(1)
    assert [kind for kind, _ in counts.operations] == BUDGET


@pytest.mark.field(
    "steady",
    "Accepting an event costs three storage operations, and two where a look is on its way.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
def test_accepting_an_event_costs_three_operations_and_joining_one_two() -> None:
    world, target = known(server())
    counts = counted(world)
    world.event(target)
    assert [kind for kind, _ in counts.take().operations] == ["get", "send", "write"]
    world.event(target)
    assert [kind for kind, _ in counts.take().operations] == ["get", "write"]


def test_who_writes_meanwhile_costs_the_end_of_a_look_one_read_more() -> None:
    world, target = known(server())
    world.event(target)
    world.azure.meanwhile.append(lambda: world.event(target))
    counts = counted(world)
    message = world.queue.receive()
    assert message is not None
    dispatch(world.store.read_message(message.body), world.deps())
    heard = ["get", "send", "write"]
    assert [kind for kind, _ in counts.operations] == [*BUDGET[:3], *heard, "write", "get", "write"]


# --- what is not lost ------------------------------------------------------------------------------


@pytest.mark.field(
    "steady",
    "Who wrote is known to the next look that finds something, though the look at that write saved nothing.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
def test_who_wrote_is_remembered_though_the_look_at_it_saved_nothing() -> None:
    world, target = known(server())
    world.clock.advance(60)
    world.event(target, MALLORY)
    world.drain(1)
    saved = record(world, target).last_foreign
    assert saved is not None
    assert saved.actor != MALLORY
    world.azure.put(replace(public_server(firewall_rules=(OFFICE,)), id=SERVER))
    world.look(target)  # no event tells of what opened it
    world.drain(1)
    found = record(world, target).last_foreign
    assert found is not None
    assert found.actor == MALLORY


def test_the_time_of_the_last_compliant_reading_lags_an_hour_at_most() -> None:
    world, target = known(server())
    for minutes in range(0, 240, 7):
        world.event(target)
        world.drain(1)
        noted = {one.last_compliant_at for one in record(world, target).memories.values()} - {None}
        assert all(world.clock.now() - at < timedelta(hours=1, minutes=1) for at in noted if at), minutes
        world.clock.advance(7 * 60)


def test_a_reading_that_somebody_removed_is_kept_again_within_the_hour() -> None:
    world, target = known(server())
    (baseline,) = {one.baseline for one in record(world, target).memories.values() if one.baseline}
    world.blobs.delete("snapshots", baseline)
    world.clock.advance(3600)
    world.event(target)
    world.drain(1)
    assert world.store.snapshot(baseline) is not None


def test_another_reading_is_saved_at_once() -> None:
    world, target = known(server())
    before = record(world, target)
    world.azure.put(server(tags={"team": "orders"}))
    world.event(target)
    world.drain(1)
    after = record(world, target)
    assert {one.baseline for one in after.memories.values()} != {m.baseline for m in before.memories.values()}


def test_what_a_target_depends_on_now_is_in_the_index_after_one_look() -> None:
    world, target = known(GUARDED, only(NSG_POLICY))
    group = GUARDED.security_group
    assert group is not None
    other = ResourceId(str(group.id) + "-new")
    world.azure.put(subnet(security_group=replace(group, id=other)))
    world.event(target)
    world.drain(1)
    for guard in (group.id, other):
        assert world.store.related(Locator(kind=LocatorKind.NSG, id=guard)) == (target,)
