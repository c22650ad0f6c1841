"""An event that has arrived is known before its own look begins."""

from __future__ import annotations

from shared.model import Cause, CauseKind
from shared.model.messages import Message, MessageKind
from tests.builders import DRIFTED, OFFICE, public_server, rule
from tests.controller.test_reconcile import seen_compliant
from tests.fakes import SOMEBODY, World, only


def hears(world: World) -> None:
    """Somebody writes another rule, and the look at it waits for what may follow."""
    now = world.clock.now()
    target = world.azure.put(
        public_server(firewall_rules=(*(DRIFTED.firewall_rules or ()), rule("b", "198.51.100.9")))
    )
    why = Cause(kind=CauseKind.EVENT, time=now, actor=SOMEBODY, event_id="heard")
    world.store.arm(Message(kind=MessageKind.LOOK, target=target, cause=why), now, 5)


def test_a_look_that_comes_between_an_event_and_its_own_look_waits_for_quiet_from_that_event_on() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, public_server())
    world.event(world.azure.put(DRIFTED))
    world.drain(57)
    hears(world)
    world.drain(4)  # the first minute of quiet would be over now
    assert world.azure.writes == []
    world.drain(60)
    assert len(world.azure.writes) == 1


def test_who_wrote_is_heard_before_during_and_after_the_look_that_finds_nothing_to_save() -> None:
    world = World(policies_file=only())
    target = world.azure.put(public_server(firewall_rules=(OFFICE,)))
    assert world.store.coalesced(target).heard == ()
    hears(world)
    assert [cause.event_id for cause in world.store.coalesced(target).heard] == ["heard"]
    world.drain(6)
    assert [cause.event_id for cause in world.store.coalesced(target).heard] == ["heard"]
